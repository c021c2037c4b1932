/* --server-metrics and --server-metric: which servers are asked for their metrics, and with what.
 */
#ifndef FAREBOX_CLI_BENCH_BENCH_SERVER_H
#define FAREBOX_CLI_BENCH_BENCH_SERVER_H

#include "bench/server/scraper.h"
#include "cli/bench/bench_options.h"
#include "cli/terminal.h"

/* One URL of the option, and where its metrics may be. */
struct server_address {
    char *urls[SCRAPE_URLS], *shown[SCRAPE_URLS];
    char *user, *password;
    char **secrets; /* ended by NULL */
    size_t secret_count;
};

/* Zero where nobody is asked. */
struct bench_server {
    struct server_address addresses[SERVER_SOURCES];
    struct scrape_source sources[SERVER_SOURCES];
    size_t count;
    struct server_rules rules;
    struct scraper *scraper;
};

/* What can be said before anything is sent. 0 or ERR_INPUT. */
int bench_server_check(const struct bench_options *o, struct error *err);

/* How run.json has a value of --server-metrics. */
void bench_server_hide(const char *value, struct buffer *out);

/* Adds a line for each secret that every user of the machine can read. */
void bench_server_add_open(const struct bench_options *o, struct buffer *lines);

/* Asks them once and says what came, then once a second; writes server.jsonl. What does not work is
 * said too, and is no error. */
void bench_server_start(struct bench_server *s, const struct bench_options *o,
                        const struct bench_setup *setup, const char *directory,
                        const struct terminal *t);
void bench_server_set_start(struct bench_server *s, int64_t start_ns);

/* Asks once more, says what failed, and frees everything. */
void bench_server_stop(struct bench_server *s, const struct terminal *t);

#endif
