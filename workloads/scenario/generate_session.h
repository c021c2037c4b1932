/* One session of a class, as rows. Internal to the generator. */
#ifndef FAREBOX_WORKLOADS_SCENARIO_GENERATE_SESSION_H
#define FAREBOX_WORKLOADS_SCENARIO_GENERATE_SESSION_H

#include "core/random.h"
#include "workloads/scenario/generate_context.h"
#include "workloads/scenario/scenario.h"

#define SESSION_MOST_TURNS 100000u /* turns of a session, steps of a turn, calls of a step */

/* A pool with every item's length drawn and its popularity laid out. */
struct pool_table {
    struct length popularity; /* gives 1 … count */
    uint32_t *tokens;         /* by item */
    uint64_t key;             /* makes the items' text ids */
};

struct class_table {
    const struct scenario_class *law;
    struct pool_table system, documents, prefix;
    bool turns; /* sessions may have several requests */
};

void class_table_make(struct class_table *t, const struct scenario_class *law, uint64_t seed,
                      size_t number);
void class_table_free(struct class_table *t);

/* What a session is made with and into. */
struct session_maker {
    const struct class_table *table;
    struct random random;
    uint64_t key;     /* names the session's own texts */
    uint64_t session; /* its number, from 0 */
    int64_t at_ns;
    struct context context, side; /* the session's, and that of a call with its own */
    uint64_t texts;               /* of its own, made so far */

    struct workload *out; /* NULL: the session is of another shard, only counted */
    bool name_sessions;   /* the workload has sessions of several requests */
    uint64_t left;        /* requests that may still be made, in all shards */
    uint32_t made;        /* of this session */
    bool full;            /* the class's context limit ended it */
    uint32_t last;        /* row of the request that the next one waits for */
    uint32_t *joined;     /* rows of calls that the next one waits for, owned */
    size_t joined_count, joined_capacity;
    int status;
    struct error *err;
};

/* Makes all requests of the session, as far as `left` reaches. 0 or the error of workload_add. */
int session_make(struct session_maker *m);

#endif
