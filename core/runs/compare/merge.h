/* Merging the parts of one run (bench --shard I/N) into the run that one process would have made.
 *
 *     struct run_merge m;
 *     if (run_merge_open(&m, paths, count, err) < 0) ...     // are they parts of one run?
 *     run_merge_read(&m, collector, on_record, context, err);
 *     ... summarise with m.command, m.load, m.slos ...
 *     run_merge_free(&m);
 *
 * Each part keeps its times from its own start; parts are taken as begun together. Counts, moments,
 * and every metric are those of one process; output tokens of parts that kept no chunk times
 * (--record chunks) are spread evenly between first and last chunk.
 */
#ifndef FAREBOX_CORE_RUNS_COMPARE_MERGE_H
#define FAREBOX_CORE_RUNS_COMPARE_MERGE_H

#include "core/runs/record/record_file.h"
#include "core/runs/summary/collector.h"

struct run_part {
    const char *path;       /* borrowed */
    char *workload;         /* of its run.json: a JSON object as text */
    uint64_t shard, shards; /* I/N */
    int64_t started_ns;     /* wall clock; TIME_NEVER = not said */
};

struct run_merge {
    struct run_part *parts;
    size_t count;
    const char *command, *load;
    struct slo_list slos;
    struct accounting accounting; /* the parts' sum */
    struct fidelity fidelity;     /* made of the parts' */
    /* The latest of the parts'; NAN = the load had no rate. */
    double steady_rate_from_s, steady_rate_until_s;
    int64_t started_ns; /* the first start; TIME_NEVER = not said */
    uint64_t missing;   /* parts of the N that were not given; the first of them */
    uint64_t first_missing;
    int64_t spread_ns; /* between the first and the last start; 0 where not said */
};

/* Reads what the parts say of themselves. ERR_INPUT where one is no finished run or no part, where
 * two are the same part, or where they differ in command, load, workload or objectives. */
int run_merge_open(struct run_merge *m, const char *const *paths, size_t count, struct error *err);
void run_merge_free(struct run_merge *m);

/* Gives all records in the order of their ends to the collector, which takes the parts' chunk gaps
 * too, and what was never due, and to `take`. ERR_INPUT for a record that cannot be read, a part
 * that was cut short, or records that are others than the parts' summaries count. */
int run_merge_read(struct run_merge *m, struct collector *c, record_taker *take, void *context,
                   struct error *err);

#endif
