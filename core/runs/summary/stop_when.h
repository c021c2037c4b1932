/* When an endpoint is past saturation: conditions on what came of the last seconds, after which a
 * run sends no more.
 *
 *     struct stop_rules rules = {0};
 *     if (stop_rules_add(&rules, "ttft_p50>5s over 20s", err) < 0) ...      // --stop-when
 *     struct stop_watch *w = stop_watch_create(&rules);
 *     stop_watch_note(w, &record);                        // every attempt, as it ends
 *     if (stop_watch_judge(w, now_ns, flights, count)) printf("%s\n",
 * stop_watch_outcome(w)->reason); stop_watch_free(w);
 *
 * A condition is FIGURE>LIMIT, of one of these kinds:
 *
 *     ttft_p99>800, e2e_mean>20s    a latency and its statistic, named as in --assert; a bare
 *                                   number is milliseconds
 *     failed>50%                    the failed ones among those that completed or failed
 *     failures>20                   failures in a row, with no other end between them
 *
 * The first two look at the last 10 s, or at so many as " over TIME" says, and hold only once the
 * run is as old and has 10 values there. What counts is attempts: one that is tried again has
 * ended, too. What still waits, and has waited longer than the limit, is above it, and so is what
 * ended without the value after a longer wait: an endpoint that is dead answers nothing, and
 * counts. A latency to the first token is of the instant when that came, others of the attempt's
 * end.
 *
 * Time is an argument: nanoseconds from the run's start, as in records.
 */
#ifndef FAREBOX_CORE_RUNS_SUMMARY_STOP_WHEN_H
#define FAREBOX_CORE_RUNS_SUMMARY_STOP_WHEN_H

#include "core/error.h"
#include "core/json/json_write.h"
#include "core/runs/record/record.h"
#include "core/runs/summary/slo.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define STOP_RULES 8
#define STOP_LEAST 10 /* values in a window that say something */
#define STOP_WINDOW_NS (10 * NS_PER_S)
#define STOP_TEXT_SIZE 80
#define STOP_REASON_SIZE 200

enum stop_figure { STOP_LATENCY, STOP_FAILED_SHARE, STOP_FAILURES };

struct stop_rule {
    char text[STOP_TEXT_SIZE]; /* as it was written */
    enum stop_figure figure;
    enum metric metric;       /* of STOP_LATENCY */
    enum statistic statistic; /* likewise */
    double limit;             /* milliseconds; a share; how many */
    int64_t window_ns;
};

struct stop_rules {
    struct stop_rule items[STOP_RULES];
    size_t count;
};

/* Adds a condition. ERR_INPUT with what would be right. */
int stop_rules_add(struct stop_rules *rules, const char *text, struct error *err);
int stop_rules_read(struct stop_rules *rules, const char *const *texts, size_t count,
                    struct error *err);

/* What is known of a run before it begins; 0 = not known, or no limit. */
struct stop_run {
    bool streams;
    int64_t timeout_ns;  /* of all of an attempt */
    int64_t duration_ns; /* nothing becomes due after it */
    uint64_t requests, retries;
};

/* ERR_INPUT with the reason where a condition can never hold in such a run. */
int stop_rules_check(const struct stop_rules *rules, const struct stop_run *run, struct error *err);

/* What is in flight: TIME_NEVER = not yet. */
struct stop_flight {
    int64_t scheduled_ns, sent_ns, first_token_ns, first_output_ns;
};

/* Which condition held, and when; `condition` is empty where none did. */
struct stop_outcome {
    double at_s; /* from the run's start */
    char condition[STOP_TEXT_SIZE];
    char reason[STOP_REASON_SIZE]; /* with the figure: "ttft_p50 was 6.1 s over the last 10 s" */
};

struct stop_watch;

/* Copies the rules. */
struct stop_watch *stop_watch_create(const struct stop_rules *rules);
void stop_watch_free(struct stop_watch *w);

/* An attempt has ended; one that was never sent tells nothing. */
void stop_watch_note(struct stop_watch *w, const struct record *r);

/* True from the first time on that a condition holds. */
bool stop_watch_judge(struct stop_watch *w, int64_t now_ns, const struct stop_flight *flights,
                      size_t count);

const struct stop_outcome *stop_watch_outcome(const struct stop_watch *w);

/* {"at_s": 12.4, "condition": "failures>20", "reason": "..."} */
void stop_outcome_write(const struct stop_outcome *o, struct json_writer *w);

#endif
