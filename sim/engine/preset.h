/* Presets: what makes one engine different from another.
 *
 * An engine is either `constant` (every request gets its first token after ttft_ms and one more
 * every itl_ms, whatever else is going on) or `steps` (a batch of requests advances together, and
 * a step's duration follows from what is in it: see step_time.h). A preset is a JSON file with the
 * keys below by the same names; those it leaves out keep the default.
 *
 *     struct engine_config config;
 *     if (engine_config_load("rtx4090-llama-3.1-8b-tp1", &config, err) < 0)
 *         return err->code;
 *     config.replicas = 4;
 *     if (engine_config_check(&config, err) < 0) ...
 *
 * A config is a plain value without pointers: copy it, change it, drop it.
 */
#ifndef FAREBOX_SIM_ENGINE_PRESET_H
#define FAREBOX_SIM_ENGINE_PRESET_H

#include "core/error.h"
#include "core/json/json_write.h"
#include "sim/engine/autoscale.h"
#include "sim/engine/speculative.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum engine_kind { ENGINE_STEPS, ENGINE_CONSTANT };

enum engine_router {
    ROUTER_ROUND_ROBIN,
    ROUTER_LEAST_LOADED, /* fewest requests in it */
    ROUTER_PREFIX_AWARE, /* longest cached prefix, unless that replica is much busier */
};

/* The constants of a step's duration, by the names of the formula in step_time.h. */
struct step_constants {
    double k;                        /* calibration, 1 unless fitted */
    double w0, c0, d0, s0, p0, m0;   /* ms */
    double w1, c1, d1, s1, c2, e1;   /* ms per token or sequence */
    double n0, e0;                   /* tokens */
    double o0, o1;                   /* CPU: ms a step; ms a layer of a step with a prefill */
    uint32_t tile;                   /* tokens */
    double ap;                       /* ns per query token and token of context */
    double kappa;                    /* ns per KV token read by a decode step */
    double ar_latency, ar_bandwidth; /* all-reduce: ms, GB/s; 0 bandwidth = folded in */
};

struct engine_config {
    char name[64];
    char source[512]; /* where the figures are from */
    char caveat[512]; /* what is known against them, or was not checked; "" */
    /* Relative, 90th percentile; 0 = not known: of steps kept back from the fit, and what is
     * expected of requests. */
    double error_step, error_tpot, error_ttft;
    enum engine_kind kind;
    uint32_t replicas; /* 1 */
    enum engine_router router;
    uint32_t max_num_seqs;      /* running at once in a replica; constant: 0 = no limit */
    double request_overhead_ms; /* before a request reaches the scheduler */

    double ttft_ms, itl_ms; /* constant */

    uint32_t layers, hidden, tensor_parallel; /* steps, from here on */
    double kv_bytes_per_token, weight_bytes;  /* one copy, all ranks together */
    uint32_t kv_heads;               /* of a token's cache: ranks beyond hold copies; 0 = any */
    uint32_t block_size;             /* tokens in a KV block; 16 */
    uint64_t kv_blocks;              /* 0: from the memory's size, see engine_config_check */
    double memory_bytes;             /* of one GPU */
    double memory_utilisation;       /* 0.9 */
    double activation_bytes;         /* of one GPU; 2e9 */
    uint32_t policy;                 /* of scheduling: policy_at(); 0 = first come, first served */
    uint32_t max_num_batched_tokens; /* tokens in a step; 0 = 2048 */
    bool prefix_cache;               /* true */
    bool generated;   /* whether answers enter it, see engine_request.named_tokens; true */
    double jitter_cv; /* coefficient of variation of a segment's steps; 0 = none */
    struct step_constants steps;
    struct speculative_config speculative;
    struct autoscale_config autoscale; /* of the replicas; `replicas` are there at first */
    uint32_t prefill_replicas;     /* of `replicas`: they compute prompts only, see pools.h; 0 */
    double kv_transfer_bandwidth;  /* GB/s out of one of them */
    double kv_transfer_latency_ms; /* of a transfer */

    /* How the caller wants to be told; not in files. */
    bool per_token; /* an event for every token, not only for the first */
    bool no_jumps;  /* every step by itself: slow, and the same result (for tests) */
};

/* Everything at its default; kind `steps` and no step constants yet. */
void engine_config_init(struct engine_config *config);

/* An endpoint with constant times and no limit. */
struct engine_config engine_config_constant(double ttft_ms, double itl_ms);

/* Reads a preset: a bundled one by its name, else a file by its path ("…/x.json"). Returns 0 or
 * ERR_INPUT with the place and what would be right. */
int engine_config_load(const char *name_or_path, struct engine_config *config, struct error *err);

/* As engine_config_load from text; `file` is for messages, its stem becomes the name. */
int engine_config_parse(const char *file, const char *text, size_t length,
                        struct engine_config *config, struct error *err);

/* Checks what single values cannot show, and derives kv_blocks where it is 0:
 *   ⌊(utilisation·memory·tp − weights − activations·tp) / (block_size·bytes per token·copies)⌋,
 * with tp / kv_heads copies where there are more ranks than heads, else 1.
 * engine_create calls it. */
int engine_config_check(struct engine_config *config, struct error *err);

/* Replicas that serve requests together and cannot be told apart by a plan of how many are needed:
 * 1, or all of separate pools. */
uint32_t engine_config_unit(const struct engine_config *config);

/* Whether it has a prefix cache into which answers go: then engine_request.named_tokens counts. */
bool engine_config_keeps_answers(const struct engine_config *config);

/* The preset as JSON, such that engine_config_parse gives the same config. */
void engine_config_write(const struct engine_config *config, struct json_writer *w);

/* Names for options and files. */
const char *engine_kind_name(enum engine_kind kind);
const char *engine_router_name(size_t router); /* NULL behind the last */

#endif
