/* What a fleet is made of, as a command line says it.
 *
 *     --offer h200-llama-3.3-70b-fp8-tp4=14/h,unit:1h,start:5m     an engine at a replica's price
 *     --offer h200-llama-3.3-70b-fp8-tp4=3.50/gpu-h,spot,most:4    or at that of one of its GPUs
 *     --commit h200-llama-3.3-70b-fp8-tp4=30%,term:30d             paid used or not
 *     --interrupt 2h-4h:1,9h-10h                                   a scenario of spot's absence
 *
 *     struct fleet_terms terms = {0};
 *     if (fleet_offer_parse(text, &terms, err) < 0) return err->code;
 *     fleet_terms_free(&terms);
 *
 * An offer is named by its engine, one that is spot by NAME:spot; each name stands once.
 */
#ifndef FAREBOX_SIM_FLEET_OFFER_H
#define FAREBOX_SIM_FLEET_OFFER_H

#include "sim/engine/preset.h"
#include "sim/fleet/course.h"

#define FLEET_NAME_SIZE 80
#define FLEET_SPANS 16
#define FLEET_MOST 10000

struct fleet_offer {
    char name[FLEET_NAME_SIZE];
    struct engine_config engine;
    uint32_t gpus; /* of a replica */
    money hour;    /* of a replica */
    int64_t unit_ns, start_ns;
    bool spot;
    uint32_t most; /* 0 = as many as are needed */
};

struct fleet_commitment {
    size_t offer;
    uint64_t off_millionths; /* of the offer's price */
    int64_t term_ns;
    uint32_t most; /* 0 = as many as could be used */
};

/* So many replicas of every spot offer are away for a while; UINT32_MAX: all. */
struct fleet_absence {
    int64_t from_ns, to_ns;
    uint32_t replicas;
};

struct fleet_interruption {
    struct fleet_absence spans[FLEET_SPANS];
    size_t count;
};

struct fleet_terms {
    struct fleet_offer *offers; /* owned */
    size_t offer_count;
    struct fleet_commitment commitments[COURSE_COMMITMENTS];
    size_t commitment_count;
    /* Beside the course in which nothing is interrupted. */
    struct fleet_interruption interruptions[COURSE_SCENARIOS - 1];
    size_t interruption_count;
};

/* Add one each; ERR_INPUT. A commitment is to an offer that was added before. */
int fleet_offer_parse(const char *text, struct fleet_terms *terms, struct error *err);
int fleet_commitment_parse(const char *text, struct fleet_terms *terms, struct error *err);
int fleet_interruption_parse(const char *text, struct fleet_terms *terms, struct error *err);

void fleet_terms_free(struct fleet_terms *terms);

/* What one unit costs, and one committed replica over so long a time. -1: they do not fit. */
int fleet_offer_unit_usd(const struct fleet_offer *o, money *out);
int fleet_commitment_usd(const struct fleet_terms *terms, const struct fleet_commitment *c,
                         int64_t span_ns, money *out);

#endif
