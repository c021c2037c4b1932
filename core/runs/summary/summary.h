/* The summary: what a run's records amount to, in the numbers that docs/bench.md defines, and the
 * summary.json that says them.
 *
 *     struct summary s;
 *     collector_summarize(collector, &options, &s);   // core/runs/summary/collector.h
 *     summary_write(&s, &json_writer);                // summary.json
 *     summary_read_run("results/x", &s, err);         // and back
 *     summary_free(&s);
 */
#ifndef FAREBOX_CORE_RUNS_SUMMARY_SUMMARY_H
#define FAREBOX_CORE_RUNS_SUMMARY_SUMMARY_H

#include "core/error.h"
#include "core/json/json_fields.h"
#include "core/runs/record/record.h"
#include "core/runs/server/server_summary.h"
#include "core/runs/summary/fidelity.h"
#include "core/runs/summary/slo.h"
#include "core/runs/summary/stop_when.h"
#include "core/text.h"

#include <stdbool.h>
#include <stdint.h>

struct accounting {
    uint64_t scheduled, completed, failed, cancelled, unsent; /* requests; the first = the rest */
    uint64_t not_due;                                         /* never became due: outside */
    uint64_t attempts, retried;
    uint64_t failed_by[FAILURE_CLASSES], unsent_by[UNSENT_REASONS];
};

void accounting_add(struct accounting *to, const struct accounting *from);

extern const struct json_table accounting_table; /* as JSON */

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
    uint64_t media_tokens[USAGE_MEDIA_CLASSES]; /* of them, what is not of text */
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
    const char *command; /* "bench", "sim", or "log": what a log measured */
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
    uint64_t asked_images;                          /* likewise */
    double input_error_p50, input_error_p99;        /* |got − asked| / asked */
    uint64_t asked_too_little;                      /* completed; below options.least_input */
    double tokens_per_chunk;                        /* NAN without chunks */
    uint64_t estimated_usage, connects, slow_reads; /* records */
    uint64_t odd[ODDITIES];                         /* records with each oddity */
    uint64_t peak_in_flight;
    double last_due_s;           /* the last due instant, from the run's start */
    struct stop_outcome stopped; /* the condition that ended the sending; empty = none did */
    struct slo_list slos;
    struct group_summary groups[SUMMARY_GROUPS]; /* of dimensions with more than one value */
    size_t group_count;
    struct short_metric set_up[SET_UP_PARTS];                              /* over all attempts */
    char error_samples[FAILURE_CLASSES][ERROR_SAMPLES][ERROR_SAMPLE_SIZE]; /* "" = none */
    struct fidelity fidelity; /* what no record says: a collector leaves it unsaid */
    struct server_summary
        server; /* of the server's own metrics; nothing where they were not asked */
};

/* A closed load: figures lead with what counts from sending, those of others with what counts from
 * the schedule. */
bool summary_is_closed(const struct summary *s);

/* The summary as JSON with the keys of results/README.md. */
void summary_write(const struct summary *s, struct json_writer *w);

/* Reads summary.json back: written again it gives the same bytes. What the file does not hold is 0
 * (window.requests, completed of both phases, connects, slow_reads). ERR_INPUT where the text is
 * not all of a summary, of another schema version, or its accounting does not add up; `file` is
 * what messages call it. The caller frees the summary, but after an error. */
int summary_read(const char *file, struct text json, struct summary *out, struct error *err);

/* The same of a run directory's summary.json. ERR_INPUT also where there is no such file, as in a
 * killed run. */
int summary_read_run(const char *run, struct summary *out, struct error *err);

/* Frees what its fidelity owns. */
void summary_free(struct summary *s);

#endif
