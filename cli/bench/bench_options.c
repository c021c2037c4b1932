#include "cli/bench/bench_options.h"

#include "bench/client/bench_hide.h"
#include "cli/bench/bench_server.h"
#include "cli/run_output.h"
#include "core/memory.h"
#include "core/random.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define AT(field) offsetof(struct bench_options, field)

/* clang-format off */
const struct option_spec bench_option_specs[] = {
    {"url", 'u', OPTION_LIST, AT(urls), NULL, "URL",
     .help = "the API's base, such as https://api.example.com/v1 (a query stays behind the path), or "
             "mock:PRESET for a simulated endpoint of its own", .group = "Endpoint",
     .shown = hide_in_url},
    {"model", 'm', OPTION_LIST, AT(models), NULL, "NAME",
     .help = "model to ask for; else the request's own, else the first that the endpoint lists"},
    {"name", 0, OPTION_LIST, AT(names), NULL, "TEXT",
     .help = "what each --url or --model is called in results, in their order; else by its URL"},
    {"share", 0, OPTION_LIST, AT(shares), NULL, "N",
     .help = "share of the sessions of each --url or --model, in their order; else equal"},
    {"api", 0, OPTION_TEXT, AT(api), "chat", "API", .choice = bench_api_name},
    {"rerank-documents", 0, OPTION_COUNT, AT(documents), "10", "N", .min = 1, .max = 10000,
     .help = "documents that a prompt is cut into, with --api rerank"},
    {"no-stream", 0, OPTION_FLAG, AT(no_stream), .help = "ask for whole answers"},
    {"body", 0, OPTION_TEXT, AT(body), NULL, "JSON|@FILE",
     .help = "members added to every request's body: '{\"ignore_eos\": true}'; null leaves a key out: "
             "'{\"stream_options\": null}'",
     .shown = hide_in_body},
    {"send-priority", 0, OPTION_FLAG, AT(send_priority),
     .help = "add the workload's priorities to the bodies, where they are not 0, for servers that "
             "schedule by them (vLLM with --scheduling-policy priority)"},
    {"output-key", 0, OPTION_TEXT, AT(output_key), NULL, "KEY",
     .help = "the body's key for the output length, instead of the API's own: "
             "max_completion_tokens for some models, which is found out before the run"},
    {"header", 'H', OPTION_LIST, AT(headers), NULL, "NAME: VALUE",
     .help = "a further header; \"NAME: @FILE\" takes its value from a file, as secrets should be",
     .shown = hide_in_header},
    {"api-key-file", 0, OPTION_LIST, AT(api_key_files), NULL, "FILE|none",
     .help = "file that holds the API key for every --url, or again for each in their order",
     .secret = true},
    {"api-key-env", 0, OPTION_LIST, AT(api_key_envs), NULL, "NAME|none",
     .help = "likewise, the environment's variable that holds it; OPENAI_API_KEY (before it "
             "ANTHROPIC_API_KEY with --api messages) where neither is given and all --url are of "
             "one host"},
    {"cacert", 0, OPTION_TEXT, AT(ca_file), NULL, "FILE", .help = "certificates to trust"},
    {"insecure", 0, OPTION_FLAG, AT(insecure), .help = "do not check certificates"},
    {"http2", 0, OPTION_FLAG, AT(http2), .help = "HTTP/2: many streams share a connection"},
    {"unix-socket", 0, OPTION_TEXT, AT(unix_socket), NULL, "PATH",
     .help = "connect to this socket instead of the URL's host"},

    WORKLOAD_SOURCE_OPTIONS(struct bench_options, source),
    {"image-count", 0, OPTION_COUNT, AT(image_count), NULL, "N", .max = REQUEST_MAX_IMAGES,
     .help = "images in every request, beside its text (--api chat, responses, messages): made, and "
             "different each time; for a workload that has none of its own"},
    {"image-size", 0, OPTION_TEXT, AT(image_size), NULL, "WxH",
     .help = "their size in pixels; 1024x1024 unless given"},
    LOAD_OPTION_SPECS(struct bench_options, load),
    {"drain", 0, OPTION_DURATION, AT(drain_ns), "30s", "TIME", .max = 3e8,
     .help = "what is in flight may go on for so long after the end or the first Ctrl-C"},
    {"repeat", 0, OPTION_COUNT, AT(repeat), "1", "N", .min = 1, .max = 10000,
     .help = "run it so many times, into DIR/1, DIR/2, ...; several endpoints are then not mixed "
             "but run in turn (DIR/1-1, DIR/1-2, ...), to be compared by farebox diff"},
    {"compare", 0, OPTION_FLAG, AT(compare),
     .help = "compare two endpoints, pair by pair of the runs of --repeat: which is slower, by how "
             "much, beyond chance or not, and what a thousand requests cost; compare.json; 6 pairs "
             "and more name a winner; needs -o DIR"},
    {"sweep", 0, OPTION_TEXT, AT(sweep), NULL, "KEY=VALUES",
     .help = "a run for each rate or concurrency: rate=1,2,4, rate=1..64:lin:8 or :log:7, "
             "concurrency=..., rate=adaptive; needs -o DIR"},
    {"find-max", 0, OPTION_FLAG, AT(find_max),
     .help = "search the highest rate at which --goodput holds, from --rate on (4 unless given), "
             "in at most 12 runs of --requests (600 unless given); needs --slo and -o DIR"},
    {"max-requests", 0, OPTION_COUNT, AT(max_requests), NULL, "N", .max = 4e9,
     .help = "of all runs of --find-max together"},
    {"resume", 0, OPTION_FLAG, AT(resume),
     .help = "go on with an interrupted sweep or --compare, or add pairs to one"},
    {"workers", 'w', OPTION_COUNT, AT(workers), "1", "N", .min = 1, .max = 256,
     .help = "threads that send; they share nothing, sessions are divided among them"},
    {"shard", 0, OPTION_TEXT, AT(shard), NULL, "I/N",
     .help = "part I of a load that N processes make together: its own sessions, its share of "
             "--rate, --concurrency and -n; give all the same seed, load and --prompt-salt; "
             "farebox merge puts them together"},

    {"timeout-connect", 0, OPTION_DURATION, AT(timeout_connect_ns), "10s", "TIME", .max = 3e6,
     .help = "for a connection, TLS included", .group = "Limits"},
    {"timeout-first", 0, OPTION_DURATION, AT(timeout_first_ns), NULL, "TIME", .max = 3e6,
     .help = "for the first token; none by default"},
    {"timeout-gap", 0, OPTION_DURATION, AT(timeout_gap_ns), NULL, "TIME", .max = 3e6,
     .help = "between two chunks; none by default"},
    {"timeout-total", 0, OPTION_DURATION, AT(timeout_total_ns), "600s", "TIME", .max = 3e6,
     .help = "for an attempt as a whole"},
    {"retry", 0, OPTION_COUNT, AT(retries), "0", "N", .max = 100,
     .help = "further attempts after a failure; the request's clock goes on"},
    {"retry-status", 0, OPTION_TEXT, AT(retry_status), "429,500,502,503,504,529,connection", "LIST",
     .help = "what is tried again: statuses, and connection for failures below HTTP"},
    {"retry-backoff", 0, OPTION_DURATION, AT(backoff_ns), "500ms", "TIME", .max = 3600,
     .help = "wait before the second attempt, doubled for each further one up to 30 s, with "
             "jitter; never before the server allows it (Retry-After in any form, a limit's reset), and "
             "not at all where that is after more than ten minutes"},
    {"cancel", 0, OPTION_TEXT, AT(cancel), NULL, "SHARE:CHUNKS",
     .help = "hang up on a share of the streams after so many chunks: 0.1:20"},
    {"max-cost", 0, OPTION_TEXT, AT(max_cost), NULL, "USD",
     .help = "stop when the spend with what is in flight would pass it (first of --plans); one "
             "budget for all runs of --repeat, --sweep and --find-max"},

    {"stop-when", 0, OPTION_LIST, AT(stops), NULL, "CONDITION",
     .help = "send no more once it holds: 'ttft_p50>5s', 'e2e_p99>30s over 60s' (else over the "
             "last 10 s), 'failed>50%', 'failures>20' in a row; the result says so, and a sweep "
             "leaves higher loads out"},

    {"slo", 0, OPTION_LIST, AT(slos), NULL, "METRIC=TIME",
     .help = "an objective on each request, such as ttft=500ms; goodput counts those that meet all",
     .group = "Results"},
    {"goodput", 0, OPTION_NUMBER, AT(goodput), "0.99", "SHARE", .min = 0.01, .max = 1,
     .help = "share of the requests within the objectives that --sweep and --find-max ask for"},
    {"assert", 0, OPTION_LIST, AT(asserts), NULL, "METRIC_STAT=X",
     .help = "an objective on the run, such as ttft_p99=500 or failed=0: exit status 1 if missed"},
    {"plans", 'p', OPTION_LIST, AT(plans), NULL, "PLAN|FILE[,...]",
     .help = "price the answers as they come, and print the bill"},
    {"plan", 0, OPTION_LIST, AT(side_plans), NULL, "PLAN|FILE#PLAN",
     .help = "with --compare: the one plan of each endpoint, in their order (one for both), in place "
             "of --plans"},
    {"server-metrics", 0, OPTION_LIST, AT(server_metrics), NULL, "auto|URL[,...]",
     .help = "ask the server for its own metrics (Prometheus) once a second, into server.jsonl: "
             "queue, running, KV cache, tokens, GPU power; auto is /metrics of each --url's host",
     .shown = bench_server_hide},
    {"server-metric", 0, OPTION_LIST, AT(server_names), NULL, "NAME=PATTERN",
     .help = "one more of these metrics, by its name with * and ?, and labels as "
             "x_total{pool=\"gpu\"}; its series are added up, or as mean(...) or max(...) says"},
    {"dry-run", 0, OPTION_FLAG, AT(dry_run), .help = "say what would be sent, and send nothing"},
    {"warmup", 0, OPTION_TEXT, AT(warmup), "none", "TIME|auto",
     .help = "leave the start out of the figures; auto finds where the run is steady (MSER-5)"},
    {"record", 0, OPTION_TEXT, AT(record), NULL, "LIST",
     .help = "keep more of each answer: chunks, text, raw"},
    {"output", 'o', OPTION_TEXT, AT(output), NULL, "DIR",
     .help = "the run's directory; else results/NAME-DATE-TIME"},
    {"force", 'f', OPTION_FLAG, AT(force),
     .help = "replace an earlier run there, once a request of the new one completed"},
    {"prompt-salt", 0, OPTION_TEXT, AT(prompt_salt), NULL, "TEXT|fixed",
     .help = "keeps the prompts of runs apart, so that no run meets a warm prefix cache; another "
             "one each run by default, fixed repeats the text"},
    {"prompt-scale", 0, OPTION_LIST, AT(prompt_scales), NULL, "MODEL=TEMPLATE:TOKENS",
     .help = "what an earlier run learnt of a model's tokenizer, as its run.json has it: nothing is "
             "asked of that model, and prompts are the earlier run's; TOKENS of a word, or a digit "
             "for each of the 64"},
    {"thread-replies", 0, OPTION_FLAG, AT(thread_replies),
     .help = "later turns of a session carry the answers that really came, and new text up to the "
             "asked length; by default made text stands for both, the same in every run"},
    {"no-probe", 0, OPTION_FLAG, AT(no_probe),
     .help = "do not ask the endpoint what it takes and what it makes of our words: a word counts as "
             "a token"},
    {"wait-ready", 0, OPTION_DURATION, AT(wait_ready_ns), NULL, "TIME", .max = 3e6,
     .help = "before the run, wait so long at most until every endpoint gives an answer: while it "
             "refuses connections or says 429 or 5xx; exit status 1 where it does not"},
    {"selftest", 0, OPTION_FLAG, AT(selftest),
     .help = "measure this machine's own limits against a null endpoint, and end"},
    {0},
};
/* clang-format on */

static int64_t limit_or_none(int64_t ns)
{
    return ns > 0 ? ns : TIME_NEVER;
}

/* ---- the endpoint ---- */

size_t bench_endpoint_count(const struct bench_options *o)
{
    return o->urls.count > o->models.count ? o->urls.count : o->models.count;
}

const char *bench_endpoint_item(const struct option_list *list, size_t i)
{
    return list->count ? list->items[list->count == 1 ? 0 : i] : NULL;
}

/* URLs that differ only in what is hidden are told apart by their number. */
static bool differs_unseen(const struct bench_options *o, const struct bench_setup *s, size_t i)
{
    for (size_t k = 0; k < o->urls.count; k++)
        if (strcmp(s->secrets.sites[k].shown, s->secrets.sites[i].shown) == 0 &&
            strcmp(s->secrets.sites[k].url, s->secrets.sites[i].url) != 0)
            return true;
    return false;
}

/* Endpoints of one URL are told apart by their models. */
static void name_endpoint(const struct bench_options *o, struct bench_setup *s, size_t i)
{
    struct endpoint_config *e = &s->endpoints[i];
    bool twin = false;
    if (o->urls.count == 1) {
        e->name = e->model;
        return;
    }
    for (size_t k = 0; k < o->urls.count; k++)
        twin = twin || (k != i && strcmp(o->urls.items[k], o->urls.items[i]) == 0);
    bool unseen = differs_unseen(o, s, i);
    if (!unseen && (!twin || o->models.count < 2))
        return;
    struct buffer name;
    buffer_init(&name, BUFFER_UNBOUNDED);
    buffer_add_text(&name, e->shown);
    if (o->models.count > 1)
        buffer_add_format(&name, " %s", e->model);
    if (unseen)
        buffer_add_format(&name, " #%zu", i + 1);
    e->name = s->names[i] = buffer_take(&name);
}

static int make_endpoints(const struct bench_options *o, struct bench_setup *s, struct error *err)
{
    size_t count = bench_endpoint_count(o);
    s->endpoints = mem_zero(count, sizeof *s->endpoints);
    s->names = mem_zero(count, sizeof *s->names);
    s->name_count = count;
    for (size_t i = 0; i < count; i++) {
        struct endpoint_config *e = &s->endpoints[i];
        const struct credential_site *site = &s->secrets.sites[o->urls.count == 1 ? 0 : i];
        e->url = site->url;
        e->shown = site->shown;
        e->model = bench_endpoint_item(&o->models, i);
        if (o->names.count)
            e->name = o->names.items[i];
        else if (count > 1)
            name_endpoint(o, s, i);
        e->share = 1;
        if (o->shares.count && (!text_to_double(text_of(o->shares.items[i]), &e->share) ||
                                e->share < 0 || e->share > 1e9))
            return error_set(err, ERR_INPUT, "--share %.40s: expected a number of 0 or more",
                             o->shares.items[i]);
        e->api_key = site->key;
        e->key_from = site->key_from;
        e->user = site->user;
        e->password = site->password;
        e->headers = (const char *const *)s->secrets.headers;
        e->secrets = (const char *const *)s->secrets.words;
        e->unix_socket = o->unix_socket;
        e->ca_file = o->ca_file;
        e->insecure = o->insecure;
        e->http2 = o->http2;
    }
    s->config.endpoints = s->endpoints;
    s->config.endpoint_count = count;
    return 0;
}

/* ---- the load ---- */

static int set_load(const struct bench_options *o, struct bench_setup *s, struct error *err)
{
    struct load_use use = {&o->source, .sweep = o->sweep, .search = o->find_max};
    s->summary.load = o->load.concurrency                                     ? "closed"
                      : o->load.rate || workload_source_generates(&o->source) ? "open"
                                                                              : "trace";
    return load_options_read(&o->load, &use, &s->rate, &s->config.schedule, err);
}

/* ---- limits ---- */

static int set_retries(const struct bench_options *o, struct retry_policy *r, struct error *err)
{
    size_t count = 0, most = sizeof r->statuses / sizeof *r->statuses;
    memset(r->statuses, 0, sizeof r->statuses);
    r->on_transport = false;
    r->count = (uint32_t)o->retries;
    r->backoff_ns = o->backoff_ns;
    for (const char *at = o->retry_status; *at;) {
        struct text item = {at, strcspn(at, ",")};
        uint64_t status;
        if (text_equal(item, "connection"))
            r->on_transport = true;
        else if (text_to_u64(item, &status) && status >= 300 && status < 600 && count < most)
            r->statuses[count++] = (int)status;
        else
            return error_set(err, ERR_INPUT,
                             "--retry-status: \"%.*s\": expected up to %zu statuses from 300 to "
                             "599, or connection",
                             (int)(item.length > 40 ? 40 : item.length), item.at, most);
        at += item.length + (at[item.length] == ',');
    }
    return 0;
}

static int set_cancel(const char *text, struct bench_config *c, struct error *err)
{
    const char *colon = text ? strchr(text, ':') : NULL;
    uint64_t tokens;
    if (!text)
        return 0;
    if (!colon || !text_to_double((struct text){text, (size_t)(colon - text)}, &c->cancel_share) ||
        c->cancel_share < 0 || c->cancel_share > 1 || !text_to_u64(text_of(colon + 1), &tokens) ||
        tokens < 1 || tokens > UINT32_MAX)
        return error_set(err, ERR_INPUT, "--cancel %.40s: expected SHARE:CHUNKS, such as 0.1:20",
                         text);
    c->cancel_tokens = (uint32_t)tokens;
    return 0;
}

int bench_read_images(const struct bench_options *o, struct image_size *size, uint32_t *count,
                      struct error *err)
{
    const char *text = o->image_size ? o->image_size : "1024x1024", *x = strchr(text, 'x');
    uint64_t width = 0, height = 0;
    *count = (uint32_t)o->image_count;
    if (o->image_size && *count == 0)
        *count = 1;
    if (!x || !text_to_u64((struct text){text, (size_t)(x - text)}, &width) ||
        !text_to_u64(text_of(x + 1), &height) || width < 1 || height < 1 ||
        width > IMAGE_MAX_SIDE || height > IMAGE_MAX_SIDE)
        return error_set(err, ERR_INPUT,
                         "--image-size %.40s: expected WIDTHxHEIGHT in pixels, up to %d, such as "
                         "1024x768",
                         text, IMAGE_MAX_SIDE);
    *size = (struct image_size){(uint32_t)width, (uint32_t)height};
    return 0;
}

static uint64_t salt_of(const struct bench_options *o)
{
    if (o->prompt_salt && strcmp(o->prompt_salt, "fixed") == 0)
        return 0;
    if (o->prompt_salt)
        return text_hash(o->prompt_salt, strlen(o->prompt_salt)) | 1;
    return random_mix((uint64_t)clock_wall_ns(), (uint64_t)getpid()) | 1;
}

static int set_rest(const struct bench_options *o, struct bench_setup *s, struct error *err)
{
    struct bench_config *c = &s->config;
    c->api = bench_api_find(o->api);
    c->stream = !o->no_stream && c->api->generates;
    c->extra_body = s->secrets.body;
    c->output_key = o->output_key;
    c->send_priority = o->send_priority;
    c->salt = salt_of(o);
    c->documents = (uint32_t)o->documents;
    c->workers = (uint32_t)o->workers;
    c->seed = o->common.seed;
    c->drain_ns = o->drain_ns;
    c->connect_timeout_ns = o->timeout_connect_ns;
    c->first_token_timeout_ns = limit_or_none(o->timeout_first_ns);
    c->gap_timeout_ns = limit_or_none(o->timeout_gap_ns);
    c->total_timeout_ns = limit_or_none(o->timeout_total_ns);
    c->no_probe = o->no_probe;
    c->thread_replies = o->thread_replies;
    if (stop_rules_read(&s->stops, o->stops.items, o->stops.count, err) < 0)
        return ERR_INPUT;
    c->stop_rules = s->stops.count ? &s->stops : NULL;
    if (set_retries(o, &c->retry, err) < 0 ||
        options_parse_shard(o->shard, &c->shard, &c->shards, err) < 0)
        return ERR_INPUT;
    return set_cancel(o->cancel, c, err);
}

static int set_scales(const struct bench_options *o, struct bench_setup *s, struct error *err)
{
    struct error own = {0};
    s->scales = mem_zero(o->prompt_scales.count, sizeof *s->scales);
    for (size_t i = 0; i < o->prompt_scales.count; i++)
        if (prompt_scale_read(o->prompt_scales.items[i], &s->scales[i], &own) < 0)
            return error_set(err, ERR_INPUT, "--prompt-scale %s", own.message);
    s->config.scales = s->scales;
    s->config.scale_count = o->prompt_scales.count;
    return 0;
}

static int set_summary(const struct bench_options *o, struct summary_options *s, struct error *err)
{
    s->command = "bench";
    if (slo_list_read(o->slos.items, o->slos.count, &s->slos, err) < 0)
        return ERR_INPUT;
    return run_output_parse_warmup(o->warmup, s, err);
}

static struct credential_list list_of(const struct option_list *l)
{
    return (struct credential_list){.items = l->items, .count = l->count};
}

struct credential_sources bench_credential_sources(const struct bench_options *o)
{
    struct credential_sources s = {.urls = list_of(&o->urls),
                                   .headers = list_of(&o->headers),
                                   .key_files = list_of(&o->api_key_files),
                                   .key_variables = list_of(&o->api_key_envs),
                                   .key_variable = bench_api_find(o->api)->key_variable,
                                   .body = o->body,
                                   .body_typed = options_typed(o, "body")};
    s.urls.typed = options_typed(o, "url");
    s.headers.typed = options_typed(o, "header");
    return s;
}

int bench_setup_make(const struct bench_options *o, struct bench_setup *out, struct error *err)
{
    *out = (struct bench_setup){0};
    bench_config_init(&out->config);
    struct credential_sources sources = bench_credential_sources(o);
    bool good = credentials_read(&sources, &out->secrets, err) == 0 &&
                make_endpoints(o, out, err) == 0 && set_load(o, out, err) == 0 &&
                set_rest(o, out, err) == 0 && set_scales(o, out, err) == 0 &&
                set_summary(o, &out->summary, err) == 0;
    if (good)
        return 0;
    bench_setup_free(out);
    return err->code;
}

void bench_setup_free(struct bench_setup *s)
{
    rate_load_free(&s->rate);
    for (size_t i = 0; i < s->name_count; i++)
        free(s->names[i]);
    free(s->names);
    free(s->endpoints);
    free(s->scales);
    credentials_free(&s->secrets);
    *s = (struct bench_setup){0};
}
