/* The scenario: a JSON description from which a synthetic workload is generated.
 *
 * A scenario is a mix of classes. Sessions arrive by the scenario's own arrivals and choose a class
 * by weight, or a class has arrivals of its own. What a session of a class does is told by its
 * lengths, its turns, what its prompts share with others, and its tools. docs/scenarios.md has
 * every key with unit, default and range.
 *
 *     struct scenario s;
 *     if (scenario_load("chat", &s, err) < 0) return err->code;   // bundled name, or a path
 *     workload_generate(&s, seed, &options, &workload, err);
 *     scenario_free(&s);
 *
 * The scenario owns everything it points to.
 */
#ifndef FAREBOX_WORKLOADS_SCENARIO_SCENARIO_H
#define FAREBOX_WORKLOADS_SCENARIO_SCENARIO_H

#include "core/error.h"
#include "core/json/json_fields.h"
#include "workloads/model/workload.h"
#include "workloads/scenario/arrival.h"
#include "workloads/scenario/length.h"

#include <stdbool.h>

/* Texts that many requests share: system prompts, documents, beginnings. Item i has popularity ∝
 * (i+1)^-zipf and one length for the whole workload. */
struct scenario_pool {
    uint32_t count; /* 0 = the class has none */
    double zipf;
    struct length tokens;
    struct length per_turn; /* of documents alone: how many a turn adds */
};

/* Tool use within a turn: after the first request, `steps` further ones, each with the results of
 * the step before it appended to the context. */
struct scenario_tools {
    bool used;
    struct length steps;
    struct length output; /* tokens of a request that calls a tool; the last one answers */
    struct length result; /* tokens that one result adds */
    struct length time_s; /* how long the tool works */
    double failure;       /* chance that a step fails and is asked again, with full context */
    struct length error;  /* tokens that a failed result adds */
    uint32_t max_repeats;
    struct length calls; /* model calls side by side in a step, joined by the next request */
    struct length call_input, call_output;
    bool call_context; /* the calls carry the whole context, not only their own input */
};

struct scenario_class {
    char *name, *model;        /* NULL */
    char *labels;              /* JSON object; NULL */
    char *body;                /* JSON object: request parameters such as a response format; NULL */
    struct image_size *images; /* in every request; owned; NULL */
    size_t image_count;
    enum service service;
    char *other_service; /* the name of SERVICE_OTHER; NULL */
    int priority;
    double weight; /* share of the scenario's arrivals; unused with arrivals of its own */
    bool has_arrival;
    struct arrival arrival;

    struct length input, output; /* tokens a turn adds, tokens it answers */
    double correlation;          /* of their normal scores, -1 … 1 */
    bool has_reasoning;
    struct length reasoning; /* share of the output that is reasoning, 0 … 1 */

    struct scenario_pool system, documents;
    struct scenario_pool prefix; /* shared beginnings: tokens = the share of the session's first
                                    input that is one, 0 … 1 */

    struct length turns;   /* of a session */
    struct length think_s; /* between the end of a turn and the next */
    bool grows;            /* a turn carries all that was said before */
    uint32_t max_context;  /* tokens, input and output; 0 = no limit */
    double early_stop;     /* chance after each turn that the user leaves */

    struct scenario_tools tools;
};

struct scenario {
    char *name;
    char *comment; /* NULL */
    bool has_start;
    int64_t start_unix_ns;
    uint32_t block_size; /* tokens per prefix block; 0 = no hash ids */
    uint64_t requests;   /* how many, unless told otherwise; 0 = not said */
    double duration_s;   /* how long, unless told otherwise; 0 = not said */
    bool has_arrival;
    struct arrival arrival;
    struct scenario_class *classes;
    size_t class_count;
};

/* Its keys in files, a row each. */
extern const struct json_table scenario_table;

/* An empty scenario; a class with every default, and one added. */
void scenario_init(struct scenario *s);
void scenario_class_init(struct scenario_class *c);
struct scenario_class *scenario_add_class(struct scenario *s);

/* Reads a bundled scenario by name, a file (a name with '/' or ending in .json), or a ServeGen data
 * set (.tgz, .tar, or a folder). 0 or ERR_INPUT with file, line and column. */
int scenario_load(const char *name, struct scenario *out, struct error *err);

/* Reads a scenario from text; `file` is for messages, and paths inside are relative to it. */
int scenario_parse(const char *file, const char *text, size_t length, struct scenario *out,
                   struct error *err);

/* The JSON that scenario_parse() reads back as the same scenario. */
void scenario_write(const struct scenario *s, struct buffer *out);

void scenario_free(struct scenario *s);

/* True if a session of the class may hold more than one request. */
bool scenario_class_has_turns(const struct scenario_class *c);

#endif
