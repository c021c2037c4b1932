/* The generator: from a scenario and a seed to a workload.
 *
 *     struct generate_options options = {.requests = 2000};
 *     struct workload w;
 *     workload_init(&w);
 *     if (workload_generate(&scenario, 42, &options, &w, err) < 0) return err->code;
 *
 * or in pieces, so that a trace of any length needs little memory:
 *
 *     generator_create(&scenario, 42, &options, &g, err);
 *     while ((more = generator_fill(g, 65536, &w, err)) > 0) { write(&w); forget the rows }
 *     generator_free(g);
 *
 * Session k draws from a stream of its own, named by the seed and k, so the same seed gives the
 * same requests however the work is cut. The sessions stand in the order of their arrival, each
 * one's requests together; the first has a timestamp, the others wait for earlier ones (`after`).
 * The generator borrows the scenario; it owns nothing of the workload.
 */
#ifndef FAREBOX_WORKLOADS_SCENARIO_GENERATE_H
#define FAREBOX_WORKLOADS_SCENARIO_GENERATE_H

#include "workloads/load/profile.h"
#include "workloads/model/workload.h"
#include "workloads/scenario/scenario.h"

struct generate_options {
    uint64_t requests; /* end after so many (the last session is cut); 0 = no limit */
    double duration_s; /* sessions begin before this; 0 = no limit */
    /* Requests per second instead of the scenario's own times; NULL = those. Sessions begin so
     * often that with all their turns this is the mean rate. Borrowed while the generator lives. */
    const struct profile *load;
    enum arrival_process
        arrivals;      /* of `load`: all classes together, mixed as the scenario's rates */
    double burstiness; /* of gamma arrivals */
    /* The scenario's own processes, bursts and day curves, so scaled that their long-run mean is
     * the one rate of `load`. */
    bool own_arrivals;
    uint64_t arrival_seed; /* of the arrivals at `load`: other times for the same sessions */
    uint32_t shard;  /* this part, 0 … shards − 1: the sessions with k mod shards = shard */
    uint32_t shards; /* parts; 0 or 1 = the whole */
};

struct generator;

/* Without requests, duration and a load that ends the scenario's own extent; else ERR_INPUT where
 * it never ends. */
int generator_create(const struct scenario *scenario, uint64_t seed,
                     const struct generate_options *options, struct generator **out,
                     struct error *err);

/* Appends whole sessions until at least `enough` rows were appended. 1: there may be more; 0: that
 * was the end; negative: the workload cannot hold a row. */
int generator_fill(struct generator *g, size_t enough, struct workload *out, struct error *err);

/* Mean requests of a session; 0 where they were not asked for (no `load`). */
double generator_requests_per_session(const struct generator *g);

void generator_free(struct generator *g);

/* All of it, with the workload's name and start. */
int workload_generate(const struct scenario *scenario, uint64_t seed,
                      const struct generate_options *options, struct workload *out,
                      struct error *err);

#endif
