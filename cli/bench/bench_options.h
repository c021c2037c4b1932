/* The options of farebox bench, and the configuration that they make. */
#ifndef FAREBOX_CLI_BENCH_BENCH_OPTIONS_H
#define FAREBOX_CLI_BENCH_BENCH_OPTIONS_H

#include "bench/client/bench.h"
#include "bench/client/credentials.h"
#include "cli/load_options.h"
#include "cli/options.h"
#include "cli/workload_source.h"
#include "core/runs/summary/collector.h"

struct bench_options {
    struct common_options common;
    struct workload_source source;
    struct load_options load;
    struct option_list urls, models, headers, slos, asserts, stops, shares, plans;
    struct option_list names, side_plans;
    struct option_list api_key_files, api_key_envs, prompt_scales, server_metrics, server_names;
    const char *api, *body, *output_key;
    const char *ca_file, *unix_socket, *prompt_salt, *retry_status, *cancel, *shard;
    const char *warmup, *record, *output, *max_cost, *sweep, *image_size;
    double goodput;
    uint64_t workers, retries, repeat, max_requests, image_count, documents;
    int64_t drain_ns, wait_ready_ns;
    int64_t timeout_connect_ns, timeout_first_ns, timeout_gap_ns, timeout_total_ns, backoff_ns;
    bool no_stream, insecure, http2, no_probe, force, dry_run, selftest, find_max, resume,
        thread_replies, compare, send_priority;
};

extern const struct option_spec bench_option_specs[];

/* What the options amount to. The config lends from here and from the options. */
struct bench_setup {
    struct bench_config config;
    struct summary_options summary;
    struct rate_load rate;
    struct stop_rules stops;
    struct endpoint_config *endpoints;
    struct prompt_scale *scales;
    char **names; /* made for some of them; by endpoint, NULL = not made */
    size_t name_count;
    struct credentials secrets;
    unsigned detail;
};

/* How many endpoints --url and --model make, and what a list says of endpoint i: one for all, or
 * one for each; NULL = nothing. */
size_t bench_endpoint_count(const struct bench_options *o);
const char *bench_endpoint_item(const struct option_list *list, size_t i);

/* Without --api: takes the API in whose path every --url ends that ends in one, and tells of it in
 * `lines`; of paths of several APIs it tells that they are not asked. */
void bench_take_api(struct bench_options *o, struct buffer *lines);

/* What can be said of how the options go together before a file is read or anything is sent, once
 * for a whole series of runs. 0 or ERR_INPUT. */
int bench_options_check(const struct bench_options *o, struct error *err);

/* --image-count and --image-size: how many images of which size; ERR_INPUT. */
int bench_read_images(const struct bench_options *o, struct image_size *size, uint32_t *count,
                      struct error *err);

/* Where the credentials are; borrowed from the options. */
struct credential_sources bench_credential_sources(const struct bench_options *o);

/* Reads keys and bodies from their files, of options that were checked. 0 or ERR_INPUT. */
int bench_setup_make(const struct bench_options *o, struct bench_setup *out, struct error *err);
void bench_setup_free(struct bench_setup *s);

#endif
