/* What a run's server.jsonl amounts to: the object `server` of summary.json.
 *
 *     struct server_ours ours = {.completed = 500, .output_tokens = 64000, .end_ns = end_ns};
 *     if (server_summarize("results/x", &ours, &summary.server, err) > 0) ...
 *     summary.server.gauges[SERVER_QUEUE].max
 *
 * Gauges are means and maxima over the scrapes while the run went on, warm-up and drain included. A
 * counter is what it grew by between its first and its last scrape; where it fell the server began
 * anew, and what it counted since is added. Zeroed, a summary says nothing.
 */
#ifndef FAREBOX_CORE_RUNS_SERVER_SERVER_SUMMARY_H
#define FAREBOX_CORE_RUNS_SERVER_SERVER_SUMMARY_H

#include "core/json/json_fields.h"
#include "core/runs/server/server_levels.h"

#define SERVER_NOTE_SIZE 400

/* NAN = never served. */
struct server_gauge {
    double mean, max;
};

struct server_source {
    char url[SERVER_URL_SIZE], server[SERVER_NAME_SIZE];
    uint64_t scrapes_ok, scrapes_failed;
    char error[SERVER_ERROR_SIZE]; /* of the last scrape that failed; "" = none did */
};

struct server_other_summary {
    char name[SERVER_NAME_SIZE];
    double mean, max, increase; /* increase: the last value less the first */
};

struct server_summary {
    uint64_t scrapes_ok, scrapes_failed; /* both 0: nothing was asked */
    struct server_source sources[SERVER_SOURCES];
    size_t source_count;
    struct server_gauge gauges[SERVER_GAUGES];
    double counts[SERVER_COUNTERS]; /* by counter, from SERVER_PREEMPTIONS on */
    double prefix_hit_rate;         /* of the tokens looked up in the run; else the server's own */
    double energy_j, j_per_token;   /* of the GPUs; by generated token */
    uint64_t restarts;              /* counters that began anew */
    double ours_completed, ours_output_tokens; /* what they are compared with; NAN = not compared */
    char note[SERVER_NOTE_SIZE];               /* where the two differ; "" = they do not */
    struct server_other_summary others[SERVER_OTHERS];
    size_t other_count;
};

extern const struct json_table server_summary_table;

/* What a counter grew by over the run; NAN = never served. */
double server_summary_count(const struct server_summary *s, enum server_metric counter);

/* What the client did, to be compared with what the server counted. */
struct server_ours {
    uint64_t completed, output_tokens; /* requests, and what they are known to have brought */
    uint64_t failed, cancelled;        /* attempts that the server may have answered all the same */
    int64_t end_ns;                    /* of the last answer, from the run's start */
    bool estimated;                    /* of some answers the tokens are not known */
    bool others;                       /* parts of the run send to it too: nothing is compared */
    size_t endpoints;                  /* of fewer sources than these nothing is compared either */
    /* Completed requests and their tokens outside of [from, to]: what a scrape that came late, or
     * the lack of a last one, leaves out. */
    void (*outside)(void *context, int64_t from_ns, int64_t to_ns, double *requests,
                    double *tokens);
    void *context;
};

/* 1; 0, and *out zeroed, where the run asked no server; so, too, where its server.jsonl is there
 * and cannot be read, which is ERR_SYSTEM. */
int server_summarize(const char *run, const struct server_ours *ours, struct server_summary *out,
                     struct error *err);

#endif
