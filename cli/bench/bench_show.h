/* What farebox bench shows: the progress line, the result, warnings. */
#ifndef FAREBOX_CLI_BENCH_BENCH_SHOW_H
#define FAREBOX_CLI_BENCH_BENCH_SHOW_H

#include "cli/bench/bench_trouble.h"
#include "cli/progress.h"
#include "core/stats/histogram.h"
#include "sim/cost/book/budget.h"

/* The progress line and what it shows, fed by records. */
struct bench_live {
    struct progress progress;
    struct budget *budget;
    struct histogram ttft;
    uint64_t ended, ended_before;
    int64_t shown_ns;
};

void bench_live_init(struct bench_live *l, const struct terminal *t, struct budget *budget);
void bench_live_note(struct bench_live *l, const struct record *r);
void bench_live_show(struct bench_live *l, const struct bench_progress *p);
void bench_live_end(struct bench_live *l);

/* The workload as a JSON object, for run.json. */
void bench_describe_workload(const struct workload *w, const struct bench_config *c,
                             struct buffer *out);

/* Before the run: how many requests ask for more than their endpoint's context holds. */
void bench_warn_of_context(const struct terminal *t, const struct bench_setup *s,
                           const struct workload *w, const struct fidelity_probe *probes);

/* Before the run: tells of --requests beyond a workload that is not begun anew. */
void bench_warn_of_requests(const struct terminal *t, const struct bench_options *o,
                            const struct bench_setup *s, const struct workload *w);

/* Before the clock starts: what the endpoints do not take, and that a tokenizer is not known. */
void bench_warn_of_probes(const struct terminal *t, const struct bench_setup *s,
                          const struct workload *w, const struct fidelity_probe *probes);

/* What a reader of the result should know first. */
void bench_warn(const struct terminal *t, const struct bench_setup *s, const struct workload *w,
                const struct summary *summary);

void bench_show_result(const struct bench_options *o, const struct bench_troubles *t,
                       const struct workload *w, const struct bench_report *report,
                       const struct summary *summary, const char *path, int width,
                       struct buffer *out);

/* "4 at a time", "10 req/s", "own times". */
void bench_show_load(const struct bench_options *o, const struct bench_setup *s,
                     struct buffer *out);

#endif
