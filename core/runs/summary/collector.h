/* The collector: takes a run's records, and is asked for the summary at the end.
 *
 * Records come as they end, from a live run, a simulation or a requests.jsonl that is read back;
 * all three give the same numbers.
 *
 *     struct collector *c = collector_create();
 *     collector_add(c, &record);                      // once per record, any order of ends
 *     struct summary s;
 *     collector_summarize(c, &options, &s);
 *     collector_free(c);
 *
 * Collectors of parts of one run (shards, workers) merge exactly: see collector_merge.
 */
#ifndef FAREBOX_CORE_RUNS_SUMMARY_COLLECTOR_H
#define FAREBOX_CORE_RUNS_SUMMARY_COLLECTOR_H

#include "core/runs/summary/summary.h"

struct collector;
struct histogram;

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
    const struct stop_outcome *stopped; /* the condition that ended the sending; NULL = none did */
};

struct collector *collector_create(void);
void collector_free(struct collector *c);
void collector_add(struct collector *c, const struct record *r);

/* True if the request added last, by its final attempt, met every objective. */
bool collector_last_meets(const struct collector *c, const struct slo_list *slos);

/* When the request added last was ready and sent, by its first attempt. */
void collector_last_sending(const struct collector *c, int64_t *ready_ns, int64_t *sent_ns);

/* Requests that never became due before the run ended. */
void collector_add_not_due(struct collector *c, uint64_t count);

/* Adds everything that `from` holds, which keeps it. Request ids must differ between the two. */
void collector_merge(struct collector *c, struct collector *from);

void collector_summarize(struct collector *c, const struct summary_options *options,
                         struct summary *out);

/* True if the records added are those that the accounting counts. What never became due has no
 * record: it is taken on trust. */
bool collector_agrees(const struct collector *c, const struct accounting *a);

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

/* Fills s->server from the run's server.jsonl, beside the figures that the summary of these records
 * has; nothing where there is none. 0 or ERR_SYSTEM. */
int collector_read_server(struct collector *c, const char *run, struct summary *s,
                          struct error *err);

/* When a request was due, from the run's start, and what it measured. */
struct metric_point {
    double due_s, value_ms;
};

/* Every value of a metric in a summary's measured window, in scheduled order, chunk gaps excepted
 * (they belong to no instant): what `s->window.metrics[m]` sums up. The caller frees *out. */
size_t collector_points(struct collector *c, const struct summary *s, enum metric m,
                        struct metric_point **out);

/* Adds the same values in nanoseconds to a histogram, chunk gaps among them. */
void collector_fill_histogram(struct collector *c, const struct summary *s, enum metric m,
                              struct histogram *out);

/* Records seldom keep each chunk's time. Takes the chunk gaps from a run's histograms.json into a
 * collector that has none; they belong to no instant, and every window has all of them. What is not
 * there or not understood adds nothing; an error where it is there and cannot be read. */
int collector_read_gaps(struct collector *c, const char *run, struct error *err);

#endif
