/* The mock: an OpenAI-compatible HTTP endpoint in front of a simulated engine, on the wall clock.
 *
 *     struct mock_config config;
 *     mock_config_init(&config);
 *     config.engine = engine_config_constant(20, 2);      // TTFT and ITL in ms
 *     struct mock *m = mock_create(&config, err);         // listens from here on
 *     mock_start(m, err);                                 // serves from a thread of its own
 *     use(mock_url(m));                                   // "http://127.0.0.1:41234/v1"
 *     mock_stop(m);
 *     mock_free(m);
 *
 * Every token is due at the absolute instant that the engine says, so that a late one makes no
 * other late. The mock knows its own lateness: mock_report().
 *
 * A mock owns its sockets, engine, files and thread; the config and its texts may go after
 * mock_create. All functions but mock_stop belong to the thread that created the mock; while
 * mock_start's thread runs, only mock_stop, mock_url and mock_port may be called.
 */
#ifndef FAREBOX_SIM_MOCK_MOCK_H
#define FAREBOX_SIM_MOCK_MOCK_H

#include "core/error.h"
#include "sim/engine/preset.h"
#include "sim/mock/fault.h"
#include "sim/mock/limiter.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct mock;

struct mock_config {
    const char *listen;          /* "HOST:PORT", "[::1]:80"; port 0 = a free one */
    struct engine_config engine; /* per_token is set by the mock */
    uint64_t seed;
    const char *model; /* the only model served; NULL = whatever is asked for */

    double tokens_per_word;    /* of prompts and of answers; 1 */
    uint32_t template_tokens;  /* added to every prompt; 7 */
    uint32_t default_output;   /* tokens of an answer without max_tokens; 128 */
    uint32_t max_output;       /* 1,000,000 */
    uint32_t reasoning_tokens; /* before every chat answer; 0 = not a reasoning model */

    /* Nothing leaves between these instants after the first request; what falls due then leaves
     * at the end. 0, 0 = no such window. */
    int64_t hold_from_ns, hold_to_ns;

    const char *log_path;      /* truth log; "-" = standard output, NULL = none */
    const char *api_key_file;  /* NULL = no key is asked for */
    struct limit_rules limits; /* of every key that has none of its own; 0 = none */
    struct fault_rules faults; /* none */

    size_t max_body_bytes;    /* of a request; 8 MiB */
    size_t max_held_bytes;    /* of all unfinished requests together; 256 MiB */
    uint32_t max_connections; /* 0 = as many as there are file descriptors */
    int64_t read_timeout_ns;  /* from a request's first byte to its last; 30 s */
    int64_t idle_timeout_ns;  /* of a connection without a request; 300 s */
    int64_t write_timeout_ns; /* of a client that does not read; 60 s */
};

/* What a mock saw and how well it kept time. */
struct mock_report {
    /* requests = completed + refused + aborted + faulted, and those still under way */
    uint64_t connections, requests, completed, refused, aborted, timed_out;
    uint64_t faulted;     /* answers that a fault cut short */
    uint64_t turned_away; /* connections beyond what there may be */
    uint64_t log_lost;    /* bytes of the truth log that could not be written */
    uint64_t chunks;      /* token-bearing chunks of streams */
    uint64_t prompt_tokens, cached_tokens, output_tokens;
    /* Chunks written after they were due; deliberate holds and stalls count from their end.
     * NaN where there were none. */
    double lateness_p50_ms, lateness_p99_ms, lateness_max_ms;
};

/* Everything at the defaults above, constant engine with TTFT 20 ms and ITL 2 ms. */
void mock_config_init(struct mock_config *config);

/* Listens. NULL with ERR_INPUT (what the config says is wrong) or ERR_SYSTEM (no such address,
 * port taken, log not writable). */
struct mock *mock_create(const struct mock_config *config, struct error *err);

/* Where it listens: the numeric address, the port, the base URL for clients. */
const char *mock_host(const struct mock *m);
uint16_t mock_port(const struct mock *m);
const char *mock_url(const struct mock *m);

/* Serves until stop_level() is not 0 or mock_stop() is called. */
int mock_run(struct mock *m, struct error *err);

/* Serves from a thread of its own, whatever stop_level() says, until mock_stop(). */
int mock_start(struct mock *m, struct error *err);

/* Ends mock_run or the thread, from any thread; answers under way are cut. Returns once the
 * thread has ended. Harmless on a mock that does not run. */
void mock_stop(struct mock *m);

/* After the end of mock_run or mock_stop. */
void mock_report(const struct mock *m, struct mock_report *out);

/* Stops it first if it runs. NULL is fine. */
void mock_free(struct mock *m);

#endif
