/* The summary: what a run's records amount to, in the numbers of DESIGN §4.
 *
 * A collector takes records as they come, from a live run, a simulation or a requests.jsonl that
 * is read back, and is asked for the summary at the end; all three give the same numbers.
 *
 *     struct collector *c = collector_create();
 *     collector_add(c, &record);                      // once per record, any order of ends
 *     struct summary s;
 *     collector_summarize(c, &options, &s);
 *     summary_write(&s, NULL, &json_writer);          // summary.json
 *     collector_free(c);
 *
 * Collectors of parts of one run (shards, workers) merge exactly: see collector_merge.
 */
#ifndef FAREBOX_CORE_RUNS_SUMMARY_SUMMARY_H
#define FAREBOX_CORE_RUNS_SUMMARY_SUMMARY_H

#include "core/error.h"
#include "core/json/json_write.h"
#include "core/runs/record/record.h"
#include "core/runs/summary/slo.h"
#include "core/text.h"

#include <stdbool.h>
#include <stdint.h>

struct collector;

struct accounting {
    uint64_t scheduled, completed, failed, cancelled, unsent; /* requests; the first = the rest */
    uint64_t not_due;                                         /* never became due: outside */
    uint64_t attempts, retried;
    uint64_t failed_by[FAILURE_CLASSES], unsent_by[UNSENT_REASONS];
};

void accounting_add(struct accounting *to, const struct accounting *from);

/* One metric over some requests, milliseconds. NAN = not known (no values, or too few). */
struct metric_summary {
    uint64_t count;
    double mean, stddev, min, p50, p90, p95, p99, p999, max;
    const char *quantile_method;             /* "exact" or "histogram" */
    double ci_mean[2], ci_p50[2], ci_p99[2]; /* 95% */
};

/* Requests, tokens and latencies over a stretch of the run. */
struct phase_summary {
    double duration_s;
    uint64_t requests;  /* scheduled in it */
    uint64_t completed; /* by the instant of completion */
    uint64_t input_tokens, cached_input_tokens, output_tokens, reasoning_tokens;
    double request_throughput_rps, output_throughput_tps, total_throughput_tps;
    double goodput_rps, goodput_fraction; /* NAN without SLOs */
    struct metric_summary metrics[METRIC_COUNT];
};

/* As struct metric_summary, in short. */
struct short_metric {
    uint64_t count;
    double mean, p50, p90, p99; /* milliseconds; NAN without values */
};

/* Requests that share a class, a model, an endpoint, a turn or a label; scheduled in the window. */
enum { GROUP_TTFT_SCHEDULED, GROUP_TTFT, GROUP_TPOT, GROUP_E2E, GROUP_METRICS };
#define GROUP_NAME_SIZE 64
#define SUMMARY_GROUPS 64 /* 15 and the others of a dimension */

struct group_summary {
    char dimension[GROUP_NAME_SIZE]; /* "class", "model", "endpoint", "turn", "label:team" */
    char name[GROUP_NAME_SIZE];
    uint64_t requests, completed, failed, cancelled, unsent; /* the first = the rest */
    uint64_t input_tokens, output_tokens;
    double goodput_fraction; /* NAN without SLOs */
    struct short_metric metrics[GROUP_METRICS];
};

/* Parts of a request's start: dns, connect and tls of new connections; first byte and the first
 * token of each kind since the sending. */
enum {
    SET_UP_DNS,
    SET_UP_CONNECT,
    SET_UP_TLS,
    SET_UP_FIRST_BYTE,
    SET_UP_FIRST_REASONING,
    SET_UP_FIRST_TEXT,
    SET_UP_FIRST_TOOL,
    SET_UP_PARTS
};
#define SUMMARY_ROUNDING_NS 500 /* summary.json has times to the microsecond */
#define ERROR_SAMPLES 2
#define ERROR_SAMPLE_SIZE 200

struct summary {
    const char *command; /* "bench" or "sim" */
    const char *load;    /* "trace", "open", "closed" */
    double duration_s;   /* first due instant to the last end */
    double warmup_s;
    /* "none", "given", "mser5"; and where nothing was left out though it was asked for: "beyond"
     * (the run is shorter), "unsettled" (MSER-5 found no steady state) */
    const char *warmup_method;
    double steady_from_s; /* MSER-5's opinion, whether used or not; NAN = unknown */
    /* Of a load at a rate: from when on, after the start, requests come at it, as later turns of
     * sessions ramp up, and until when sessions begin. NAN = the load had no rate */
    double steady_rate_from_s, steady_rate_until_s;
    struct accounting accounting;
    struct phase_summary window;                    /* after the warm-up, to the last due instant */
    struct phase_summary all;                       /* everything, to the last end */
    uint64_t asked_input, asked_output;             /* of completed requests */
    double input_error_p50, input_error_p99;        /* |got − asked| / asked */
    uint64_t asked_too_little;                      /* completed; below options.least_input */
    double tokens_per_chunk;                        /* NAN without chunks */
    uint64_t estimated_usage, connects, slow_reads; /* records */
    uint64_t peak_in_flight;
    double last_due_s; /* the last due instant, from the run's start */
    struct slo_list slos;
    struct group_summary groups[SUMMARY_GROUPS]; /* of dimensions with more than one value */
    size_t group_count;
    struct short_metric set_up[SET_UP_PARTS];                              /* over all attempts */
    char error_samples[FAILURE_CLASSES][ERROR_SAMPLES][ERROR_SAMPLE_SIZE]; /* "" = none */
};

enum warmup { WARMUP_NONE, WARMUP_GIVEN, WARMUP_MSER5 };

struct summary_options {
    const char *command, *load;
    enum warmup warmup;
    int64_t warmup_ns; /* for WARMUP_GIVEN */
    struct slo_list slos;
    bool no_intervals; /* leave the ci95 out: they cost the most */
    /* The shortest prompt that the endpoint can make (its template and a word); 0 = not known.
     * Requests that ask for less are counted, and left out of the errors of lengths. */
    uint32_t least_input;
    /* For loads at a rate: from when on requests come at it, where an answer takes so long on
     * average (NAN = not known), and until when sessions begin, in seconds from the start. NULL =
     * no such load. `rated` is handed over. */
    void (*steady_rate)(const void *rated, double answer_ms, double *from_s, double *until_s);
    const void *rated;
};

struct collector *collector_create(void);
void collector_free(struct collector *c);
void collector_add(struct collector *c, const struct record *r);

/* True if the request added last, by its final attempt, met every objective. */
bool collector_last_meets(const struct collector *c, const struct slo_list *slos);

/* Requests that never became due before the run ended. */
void collector_add_not_due(struct collector *c, uint64_t count);

/* Adds everything that `from` holds, which keeps it. Request ids must differ between the two. */
void collector_merge(struct collector *c, struct collector *from);

/* Reads requests.jsonl of a run directory into the collector. `torn` (may be NULL) tells that the
 * last line was cut. */
int collector_read_run(struct collector *c, const char *path, bool *torn, struct error *err);

void collector_summarize(struct collector *c, const struct summary_options *options,
                         struct summary *out);

/* The summary as JSON with DESIGN §6's keys. `fidelity` is a JSON object as text, or NULL. */
void summary_write(const struct summary *s, const char *fidelity, struct json_writer *w);

/* Reads summary.json back: written again it gives the same bytes. What the file does not hold is 0
 * (window.requests, completed of both phases, connects, slow_reads). `fidelity` lends the object's
 * text from `json`. ERR_INPUT where the text is not all of a summary, of another schema version, or
 * its accounting does not add up; `file` is what messages call it. */
int summary_read(const char *file, struct text json, struct summary *out, struct text *fidelity,
                 struct error *err);

/* The same of a run directory's summary.json. *fidelity (may be NULL) is a copy that the caller
 * frees; NULL after an error. ERR_INPUT also where there is no such file, as in a killed run. */
int summary_read_run(const char *run, struct summary *out, char **fidelity, struct error *err);

/* True if the records added are those that the accounting counts. What never became due has no
 * record: it is taken on trust. */
bool collector_agrees(const struct collector *c, const struct accounting *a);

/* "ttft_scheduled_ms", ... of a GROUP_...; "dns_ms", ... of a SET_UP_... */
const char *group_metric_key(int metric);
const char *set_up_key(int part);

/* Mergeable histograms of every metric, and the accounting: histograms.json. */
void collector_write_histograms(struct collector *c, struct json_writer *w);

/* A second of the run (or several, in runs of days): what happened in it. */
struct timeline_line {
    uint64_t t_s, seconds; /* since the run's start; how many seconds this line covers */
    uint64_t due, sent, completed, failed, cancelled; /* by the instant that ended them */
    uint64_t unsent;                                  /* by the instant they were due */
    uint64_t output_tokens;                           /* by the instant of their chunks */
    uint64_t in_flight;                               /* the most at once within it */
};

/* The timeline from 0 to the last event, without holes; the caller frees *out. */
size_t collector_timeline(struct collector *c, struct timeline_line **out);

/* The same as JSON Lines: timeline.jsonl. */
void collector_write_timeline(struct collector *c, struct buffer *out);

/* When a request was due, from the run's start, and what it measured. */
struct metric_point {
    double due_s, value_ms;
};

/* Every value of a metric in a summary's measured window, in scheduled order, chunk gaps excepted
 * (they belong to no instant): what `s->window.metrics[m]` sums up. The caller frees *out. */
size_t collector_points(struct collector *c, const struct summary *s, enum metric m,
                        struct metric_point **out);

struct histogram;

/* Adds the same values in nanoseconds to a histogram, chunk gaps among them. */
void collector_fill_histogram(struct collector *c, const struct summary *s, enum metric m,
                              struct histogram *out);

/* Records seldom keep each chunk's time. Takes the chunk gaps from a run's histograms.json into a
 * collector that has none; they belong to no instant, and every window has all of them. What is not
 * there or not understood adds nothing. */
void collector_read_gaps(struct collector *c, const char *run);

#endif
