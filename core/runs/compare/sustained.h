/* Was the load sustained? Objectives alone cannot tell: a queue without end lengthens no TPOT.
 *
 *     struct sustained_log log = {0};
 *     sustained_add(&log, &record);                   // once per record, in any order
 *     struct sustained s;
 *     sustained_judge(&log, from_ns, &s);
 *     if (s.verdict == SUSTAINED_NO) ...              // s.start.rate: seconds a second
 *     sustained_free(&log);
 *
 * For open loops and traces. Beyond its capacity μ a replica that is offered λ requests a second
 * lets each wait longer than the one before: the delay from the scheduled instant to the first
 * token (to the end, of answers that do not stream) grows by g = λ/μ − 1 seconds a second, and
 * 1/(1 + g) of the load is served. The delay does not depend on how long the last answers take.
 * Where it is the steps that become longer with the batch, the time to the last token grows by as
 * much, once the first answers have left; it is taken for an answer of mean length (start + TPOT ×
 * (mean tokens − 1)), so that longer answers are not taken for slower ones. Both drifts come with
 * an interval (core/stats/growth.h):
 *
 *   NO       either grows by more than 5 %, and its interval says that it grows;
 *   YES      neither does, and at least half of the requests were answered while they arrived, and
 *            the delay grows by at most 10 % (the upper limit), or 99 % of the delays are at most
 *            5 % of the span: a line through them cannot rise by more;
 *   UNCLEAR  the run was too short to tell.
 *
 * The first tenth of the arrivals is left out: the queue begins empty.
 */
#ifndef FAREBOX_CORE_RUNS_COMPARE_SUSTAINED_H
#define FAREBOX_CORE_RUNS_COMPARE_SUSTAINED_H

#include "core/error.h"
#include "core/runs/record/record.h"
#include "core/stats/growth.h"

struct sustained_request {
    int64_t due_ns, start_ns, end_ns; /* TIME_NEVER = not known */
    uint64_t tokens;                  /* of the answer */
};

/* Requests that were sent or are known to have been due; zeroed = empty. */
struct sustained_log {
    struct sustained_request *items;
    size_t count, capacity;
};

enum sustained_verdict { SUSTAINED_UNCLEAR, SUSTAINED_NO, SUSTAINED_YES };

struct sustained {
    enum sustained_verdict verdict;
    double served;            /* completed over due, both in the window; NAN if nothing was due */
    struct growth start, end; /* of scheduled to first token, to last token; seconds a second */
};

/* Attempts that another follows are passed over. */
void sustained_add(struct sustained_log *log, const struct record *r);
void sustained_free(struct sustained_log *log);

/* Of what was due from `from_ns` to the last due instant. Sorts the log. */
void sustained_judge(struct sustained_log *log, int64_t from_ns, struct sustained *out);

/* The same of a run directory's requests.jsonl; `warmup_s` after its first due instant. */
int sustained_read_run(const char *path, double warmup_s, struct sustained *out, struct error *err);

/* "no", "yes"; NULL for unclear. */
const char *sustained_name(enum sustained_verdict v);

#endif
