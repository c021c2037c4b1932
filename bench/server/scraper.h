/* The scraper: asks servers for their metrics once a second while a run goes on, beside the run.
 *
 *     struct scraper_config config = {.sources = sources, .count = 1, .rules = &rules};
 *     struct scraper *s = scraper_start(&config, "results/x", err);   // the first scrape
 *     scraper_wait(s, 2 * NS_PER_S); scraper_add_state(s, &lines);    // "server metrics from ..."
 *     scraper_set_start(s, start_ns);                                 // the run's zero
 *     ... the run ...
 *     scraper_stop(s);                                                // with a last scrape
 *     scraper_free(s);
 *
 * Each source has a thread of its own, never a worker's. An answer may take SCRAPE_NS and hold
 * SCRAPE_MOST bytes; redirects are not followed. A scrape that fails becomes a line of server.jsonl
 * with the reason; a source whose answers are too large is not asked again. Nothing that goes wrong
 * here ends a run.
 */
#ifndef FAREBOX_BENCH_SERVER_SCRAPER_H
#define FAREBOX_BENCH_SERVER_SCRAPER_H

#include "bench/client/endpoint.h"
#include "bench/server/server_names.h"
#include "core/clock.h"
#include "core/runs/server/server_summary.h"

#define SCRAPE_NS (5 * NS_PER_S)
#define SCRAPE_LAST_NS (2 * NS_PER_S) /* the one at the end */
#define SCRAPE_MOST ((size_t)16 << 20)
#define SCRAPE_URLS 3

struct scrape_source {
    /* Where its metrics are, ended by NULL: the first that gives metrics is asked from then on. */
    const char *urls[SCRAPE_URLS + 1];
    const char *shown[SCRAPE_URLS];         /* the same as they may be shown */
    const struct endpoint_config *endpoint; /* whose credentials it gets; NULL = nobody's */
    const char *user, *password;            /* of its own URL; NULL */
    const char *const *secrets; /* words to hide in what is said of it, ended by NULL; NULL */
    const char *ca_file;
    bool insecure;
};

/* Everything is borrowed until scraper_free(). */
struct scraper_config {
    const struct scrape_source *sources;
    size_t count; /* at most SERVER_SOURCES */
    const struct server_rules *rules;
    const struct bench_api *api; /* whose key header an endpoint takes */
};

struct scraper;

/* Opens server.jsonl in the directory and starts the threads. NULL with ERR_SYSTEM. */
struct scraper *scraper_start(const struct scraper_config *config, const char *directory,
                              struct error *err);

/* Waits until every source has answered or failed once, at most so long. */
void scraper_wait(struct scraper *s, int64_t limit_ns);

/* The run's zero, on CLOCK_MONOTONIC; lines are written from then on, those before it too. */
void scraper_set_start(struct scraper *s, int64_t start_ns);

/* Appends a line for each source: what it is and how many of its metrics have a name of ours, or
 * why it did not answer. */
void scraper_add_state(struct scraper *s, struct buffer *lines);

/* One more scrape of each source that answered before, then no more; waits for the threads. */
void scraper_stop(struct scraper *s);

/* Appends a line for each source of which a scrape failed, and one where server.jsonl could not be
 * written. After scraper_stop(). */
void scraper_add_failures(const struct scraper *s, struct buffer *lines);

void scraper_free(struct scraper *s);

#endif
