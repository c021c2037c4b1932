/* farebox mock: an OpenAI-compatible endpoint in front of a simulated engine. */
#include "cli/command.h"
#include "cli/engine_options.h"
#include "sim/cost/book/select.h"
#include "sim/engine/policy.h"
#include "sim/mock/mock.h"
#include "sim/mock/plan_limits.h"

#include <string.h>

struct mock_options {
    struct common_options common;
    struct engine_options engine;
    const char *listen, *model, *hold, *log, *api_key_file, *plan;
    bool force;
    struct option_list faults;
    struct limit_rules limits;
    double tokens_per_word;
    uint64_t template_tokens, output_tokens, reasoning_tokens, max_body_bytes;
};

#define AT(field) offsetof(struct mock_options, field)
static const struct option_spec options[] = {
    {"listen", 'l', OPTION_TEXT, AT(listen), "127.0.0.1:8000", "HOST:PORT",
     .help = "Where to listen; port 0 picks a free one and prints it.", .group = "Endpoint"},
    {"model", 0, OPTION_TEXT, AT(model), NULL, "NAME",
     .help = "Serve only this model, answer 404 for others; by default any name is served."},
    {"log", 0, OPTION_OUTPUT, AT(log), NULL, "FILE",
     .help = "Truth log: one JSON line per request with the instants (CLOCK_MONOTONIC ns) at which "
             "it was read and at which each token was due and written; - is standard output."},
    {"force", 'f', OPTION_FLAG, AT(force), NULL, NULL, .help = "Replace an existing log."},
    {"max-body-bytes", 0, OPTION_COUNT, AT(max_body_bytes), "8388608", "BYTES", .min = 1024,
     .max = 1e9, .help = "Larger request bodies are answered with 413."},

    {"api-key-file", 0, OPTION_TEXT, AT(api_key_file), NULL, "FILE",
     .help = "Keys that are let in, one a line, each with its own limits if they differ: "
             "KEY rpm=60 tpm=10000 rpd=1000 concurrency=4.",
     .group = "Quotas", .secret = true},
    {"rpm", 0, OPTION_COUNT, AT(limits.rpm), "0", "N", .max = 1e12,
     .help = "Requests a minute of every key; 0 is no limit, here and below."},
    {"tpm", 0, OPTION_COUNT, AT(limits.tpm), "0", "N", .max = 1e12,
     .help = "Tokens a minute: prompt tokens and the tokens asked for."},
    {"rpd", 0, OPTION_COUNT, AT(limits.rpd), "0", "N", .max = 1e12, .help = "Requests a day."},
    {"max-concurrency", 0, OPTION_COUNT, AT(limits.concurrency), "0", "N", .max = 1e12,
     .help = "Requests at once."},
    {"plan", 0, OPTION_TEXT, AT(plan), NULL, "PLAN",
     .help = "Take the limits that are not given here from this plan of the price books, or of a "
             "file: plans.json#NAME."},

    {"engine", 'e', OPTION_TEXT, AT(engine.preset), NULL, "PRESET",
     .help = "Engine preset, by name or as a file; without one, the constant times below.",
     .group = "Engine"},
    {"ttft-ms", 0, OPTION_NUMBER, AT(engine.ttft_ms), "20", "MS", .max = 1e7,
     .help = "Time to the first token of every answer."},
    {"itl-ms", 0, OPTION_NUMBER, AT(engine.itl_ms), "2", "MS", .max = 1e7,
     .help = "Time from each token to the next."},
    {"replicas", 0, OPTION_COUNT, AT(engine.replicas), NULL, "N", .min = 1, .max = 1000,
     .help = "Replicas of the engine, instead of the preset's."},
    {"router", 0, OPTION_TEXT, AT(engine.router), .unit = "NAME", .choice = engine_router_name,
     .help = "How requests are spread over the replicas, instead of the preset's: "},
    {"scheduling", 0, OPTION_TEXT, AT(engine.scheduling), .unit = "NAME", .choice = policy_name,
     .help = "Who is served next, instead of the preset's: "},
    {"autoscale", 0, OPTION_TEXT, AT(engine.autoscale), .unit = "JSON",
     .help = "Replicas that start and drain: {\"metric\": \"concurrency\", \"target\": 20, "
             "\"max_replicas\": 8, \"cold_start_s\": 120}; docs/engine.md has the keys."},
    {"prefill-replicas", 0, OPTION_COUNT, AT(engine.prefill_replicas), .unit = "N", .max = 99999,
     .help = "Replicas, of all of them, that compute prompts only; the others decode."},
    {"kv-transfer-bandwidth", 0, OPTION_NUMBER, AT(engine.kv_bandwidth), .unit = "GB/S", .max = 1e6,
     .help = "At which KV caches leave a prefill replica: 50 for a link of 400 Gb/s."},
    {"kv-transfer-latency-ms", 0, OPTION_NUMBER, AT(engine.kv_latency_ms), .unit = "MS", .max = 1e6,
     .help = "Of a transfer, beside its bytes."},
    {"speculative-config", 0, OPTION_TEXT, AT(engine.speculative), .unit = "JSON",
     .help = "Speculative decoding, as vLLM takes it: {\"num_speculative_tokens\": 3, "
             "\"synthetic_acceptance_length\": 2.4}; docs/engine.md has the keys."},
    {"max-num-seqs", 0, OPTION_COUNT, AT(engine.max_num_seqs), NULL, "N", .min = 1, .max = 1e6,
     .help = "Requests that run at once in a replica, instead of the preset's."},
    {"hold", 0, OPTION_TEXT, AT(hold), NULL, "FROM:TO",
     .help = "Seconds after the first request between which nothing leaves; what falls due then "
             "leaves at the end: a stall for tests of coordinated omission."},
    {"fault", 0, OPTION_LIST, AT(faults), NULL, "EFFECT[@WHEN]",
     .help = "What goes wrong, and when: status=503@5%, reset-after=3@10-20s, stall=500@#7, "
             "no-done, crlf, ...; docs/mock.md lists the effects."},

    {"tokens-per-word", 0, OPTION_NUMBER, AT(tokens_per_word), "1", "N", .min = 0.01, .max = 100,
     .help = "Tokens that each word of a prompt or an answer counts for.", .group = "Tokens"},
    {"template-tokens", 0, OPTION_COUNT, AT(template_tokens), "7", "N", .max = 1e6,
     .help = "Tokens added to every prompt, as chat templates do."},
    {"output-tokens", 0, OPTION_COUNT, AT(output_tokens), "128", "N", .min = 1, .max = 1e6,
     .help = "Length of an answer for which the client gives no limit."},
    {"reasoning-tokens", 0, OPTION_COUNT, AT(reasoning_tokens), "0", "N", .max = 1e6,
     .help = "Reasoning before every chat answer; 0 is not a reasoning model."},
    {0},
};

/* "10:12", in seconds. */
static int parse_hold(const char *text, struct mock_config *config, struct error *err)
{
    const char *colon = strchr(text, ':');
    struct text from = {text, colon ? (size_t)(colon - text) : 0};
    if (!colon || !text_to_fixed(from, 9, &config->hold_from_ns) ||
        !text_to_fixed(text_of(colon + 1), 9, &config->hold_to_ns))
        return error_set(err, ERR_INPUT, "--hold: \"%s\" is not FROM:TO in seconds, such as 10:12",
                         text);
    return 0;
}

static int take_plan_limits(const struct terminal *t, const char *name, struct limit_rules *rules,
                            struct error *err)
{
    struct plan_selection chosen = {0};
    if (plan_select(name, &chosen, err) < 0)
        return err->code;
    if (chosen.count != 1) {
        error_set(err, ERR_INPUT, "--plan %s names %zu plans; expected one", name, chosen.count);
        plan_selection_free(&chosen);
        return ERR_INPUT;
    }
    unsigned left_out = limit_rules_from_plan(chosen.plans[0], rules);
    if (left_out)
        warn(t, "%u of the rate limits of %s are not per minute or per day and are not enforced",
             left_out, name);
    if (rules->rpm == 0 && rules->tpm == 0 && rules->rpd == 0 && rules->concurrency == 0)
        warn(t, "%s has no rate limit: nothing is enforced", name);
    plan_selection_free(&chosen);
    return 0;
}

static int make_config(const struct terminal *t, const struct mock_options *o,
                       struct mock_config *config, struct error *err)
{
    mock_config_init(config);
    config->listen = o->listen;
    config->model = o->model;
    config->log_path = o->log;
    config->seed = o->common.seed;
    config->tokens_per_word = o->tokens_per_word;
    config->template_tokens = (uint32_t)o->template_tokens;
    config->default_output = (uint32_t)o->output_tokens;
    config->reasoning_tokens = (uint32_t)o->reasoning_tokens;
    config->max_body_bytes = o->max_body_bytes;
    config->api_key_file = o->api_key_file;
    config->limits = o->limits;
    for (size_t i = 0; i < o->faults.count; i++)
        if (fault_rule_add(&config->faults, o->faults.items[i], err) < 0)
            return err->code;
    if (o->hold && parse_hold(o->hold, config, err) < 0)
        return err->code;
    if (o->plan && take_plan_limits(t, o->plan, &config->limits, err) < 0)
        return err->code;
    bool times_given = options_given(o, "ttft-ms") || options_given(o, "itl-ms");
    return engine_options_read(&o->engine, times_given, &config->engine, err);
}

static void tell_start(const struct terminal *t, const struct mock *m, bool json)
{
    struct buffer b;
    buffer_init(&b, BUFFER_UNBOUNDED);
    struct json_writer w;
    json_write_init(&w, &b, 0);
    json_begin_object(&w);
    json_pair_string(&w, "url", mock_url(m));
    json_pair_string(&w, "host", mock_host(m));
    json_pair_u64(&w, "port", mock_port(m));
    json_end_object(&w);
    buffer_add_byte(&b, '\n');
    fprintf(t->human, "serving %s (Ctrl-C ends it)\n", mock_url(m));
    if (json)
        print_buffer(t->machine, &b);
    fflush(stdout);
    buffer_free(&b);
}

static void tell_counts(const struct mock_report *r, struct json_writer *w)
{
    const struct {
        const char *key;
        uint64_t value;
    } counts[] = {
        {"connections", r->connections},
        {"requests", r->requests},
        {"completed", r->completed},
        {"refused", r->refused},
        {"aborted", r->aborted},
        {"faulted", r->faulted},
        {"connections_turned_away", r->turned_away},
        {"timed_out", r->timed_out},
        {"chunks", r->chunks},
        {"prompt_tokens", r->prompt_tokens},
        {"cached_tokens", r->cached_tokens},
        {"output_tokens", r->output_tokens},
    };
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++)
        json_pair_u64(w, counts[i].key, counts[i].value);
}

static void tell_end(const struct terminal *t, const struct mock *m, bool json)
{
    struct mock_report r;
    mock_report(m, &r);
    fprintf(t->human, "%llu requests: %llu completed, %llu refused, %llu aborted",
            (unsigned long long)r.requests, (unsigned long long)r.completed,
            (unsigned long long)r.refused, (unsigned long long)r.aborted);
    if (r.faulted)
        fprintf(t->human, ", %llu cut by a fault", (unsigned long long)r.faulted);
    if (r.turned_away)
        fprintf(t->human, "; %llu connections turned away", (unsigned long long)r.turned_away);
    fputc('\n', t->human);
    if (r.chunks)
        fprintf(t->human, "%llu chunks written, late by p50 %.3f, p99 %.3f, max %.3f ms\n",
                (unsigned long long)r.chunks, r.lateness_p50_ms, r.lateness_p99_ms,
                r.lateness_max_ms);
    if (r.log_lost)
        warn(t, "%llu bytes of the log could not be written: is the disk full?",
             (unsigned long long)r.log_lost);
    if (!json)
        return;
    struct buffer b;
    buffer_init(&b, BUFFER_UNBOUNDED);
    struct json_writer w;
    json_write_init(&w, &b, 0);
    json_begin_object(&w);
    tell_counts(&r, &w);
    json_key(&w, "lateness_ms");
    json_begin_object(&w);
    json_pair_statistic(&w, "p50", r.lateness_p50_ms);
    json_pair_statistic(&w, "p99", r.lateness_p99_ms);
    json_pair_statistic(&w, "max", r.lateness_max_ms);
    json_end_object(&w);
    json_end_object(&w);
    buffer_add_byte(&b, '\n');
    print_buffer(t->machine, &b);
    buffer_free(&b);
}

/* Being stopped is how a server ends well: exit status 0. */
static int run(const struct terminal *t, const void *given, struct error *err)
{
    const struct mock_options *o = given;
    struct mock_config config;
    if (command_arguments(&o->common, 0, NULL, err) < 0 || make_config(t, o, &config, err) < 0)
        return err->code;
    struct mock *m = mock_create(&config, err);
    if (!m)
        return err->code;
    tell_start(t, m, o->common.json);
    int bad = mock_run(m, err);
    tell_end(t, m, o->common.json);
    mock_free(m);
    return bad;
}

const struct command command_mock = {
    .name = "mock",
    .summary = "serve a simulated OpenAI-compatible endpoint",
    .usage = "[--listen HOST:PORT] [--engine PRESET | --ttft-ms MS --itl-ms MS]",
    .about = "Answers chat completions, completions, responses and embeddings as OpenAI's API\n"
             "does, messages as Anthropic's, and reranking, at the pace of an engine model.\n"
             "docs/mock.md describes the endpoint, its tokenizer, its limits and its faults.\n",
    .examples = "  farebox mock --listen 127.0.0.1:0 --ttft-ms 20 --itl-ms 2\n"
                "  farebox mock --engine rtx4090-llama-3.1-8b-tp1 --log truth.jsonl\n",
    .options = options,
    .options_size = sizeof(struct mock_options),
    .run = run,
};
