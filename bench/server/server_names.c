#include "bench/server/server_names.h"

#include "bench/server/exposition.h"
#include "core/memory.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum how { SUM, MEAN, MAX };

#define VLLM "vLLM"
#define SGLANG "SGLang"
#define TGI "TGI"
#define LLAMA "llama.cpp"
#define DYNAMO "Dynamo"
#define TRITON "Triton"
#define TRTLLM "TensorRT-LLM"
#define DCGM "DCGM"
#define SMI "nvidia-smi"

/* Their name, and perhaps labels, as a pattern; what one of theirs is in our unit. */
struct server_name {
    const char *server;
    enum server_metric metric;
    const char *pattern;
    double unit;
    const char *once; /* series with the same value of this label say the same; NULL */
};
#define ROW(server, metric, pattern)     \
    {                                    \
        server, metric, pattern, 1, NULL \
    }
#define GPU(server, metric, pattern, unit, once) \
    {                                            \
        server, metric, pattern, unit, once      \
    }

/* Of two rows with a metric the upper one counts where both are served. */
static const struct server_name table[] = {
    ROW(VLLM, SERVER_QUEUE, "vllm:num_requests_waiting"),
    ROW(VLLM, SERVER_RUNNING, "vllm:num_requests_running"),
    ROW(VLLM, SERVER_KV_USE, "vllm:kv_cache_usage_perc"),
    ROW(VLLM, SERVER_KV_USE, "vllm:gpu_cache_usage_perc"),
    ROW(VLLM, SERVER_PREEMPTIONS, "vllm:num_preemptions_total"),
    ROW(VLLM, SERVER_PREFIX_QUERIES, "vllm:prefix_cache_queries_total"),
    ROW(VLLM, SERVER_PREFIX_QUERIES, "vllm:gpu_prefix_cache_queries_total"),
    ROW(VLLM, SERVER_PREFIX_HITS, "vllm:prefix_cache_hits_total"),
    ROW(VLLM, SERVER_PREFIX_HITS, "vllm:gpu_prefix_cache_hits_total"),
    ROW(VLLM, SERVER_HIT_RATE, "vllm:gpu_prefix_cache_hit_rate"),
    ROW(VLLM, SERVER_PROMPT_TOKENS, "vllm:prompt_tokens_total"),
    ROW(VLLM, SERVER_GENERATED_TOKENS, "vllm:generation_tokens_total"),
    ROW(VLLM, SERVER_FINISHED,
        "vllm:request_success_total{finished_reason!=\"abort\",finished_reason!=\"error\"}"),
    ROW(VLLM, SERVER_ABORTED, "vllm:request_success_total{finished_reason=\"abort\"}"),

    ROW(SGLANG, SERVER_QUEUE, "sglang:num_queue_reqs"),
    ROW(SGLANG, SERVER_RUNNING, "sglang:num_running_reqs"),
    ROW(SGLANG, SERVER_KV_USE, "sglang:token_usage"),
    ROW(SGLANG, SERVER_HIT_RATE, "sglang:cache_hit_rate"),
    ROW(SGLANG, SERVER_PREEMPTIONS, "sglang:num_retracted_requests_total"),
    ROW(SGLANG, SERVER_PREFIX_HITS, "sglang:cached_tokens_total"),
    ROW(SGLANG, SERVER_PROMPT_TOKENS, "sglang:prompt_tokens_total"),
    ROW(SGLANG, SERVER_GENERATED_TOKENS, "sglang:generation_tokens_total"),
    ROW(SGLANG, SERVER_FINISHED, "sglang:num_requests_total"),
    ROW(SGLANG, SERVER_ABORTED, "sglang:num_aborted_requests_total"),

    ROW(TGI, SERVER_QUEUE, "tgi_queue_size"),
    ROW(TGI, SERVER_RUNNING, "tgi_batch_current_size"),
    ROW(TGI, SERVER_PROMPT_TOKENS, "tgi_request_input_length_sum"),
    ROW(TGI, SERVER_GENERATED_TOKENS, "tgi_request_generated_tokens_sum"),
    ROW(TGI, SERVER_FINISHED, "tgi_request_success"),
    ROW(TGI, SERVER_FINISHED, "tgi_request_success_total"),

    ROW(LLAMA, SERVER_QUEUE, "llamacpp:requests_deferred"),
    ROW(LLAMA, SERVER_RUNNING, "llamacpp:requests_processing"),
    ROW(LLAMA, SERVER_KV_USE, "llamacpp:kv_cache_usage_ratio"),
    ROW(LLAMA, SERVER_PROMPT_TOKENS, "llamacpp:prompt_tokens_total"),
    ROW(LLAMA, SERVER_GENERATED_TOKENS, "llamacpp:tokens_predicted_total"),

    ROW(DYNAMO, SERVER_QUEUE, "dynamo_frontend_queued_requests"),
    ROW(DYNAMO, SERVER_RUNNING, "dynamo_frontend_inflight_requests"),
    ROW(DYNAMO, SERVER_RUNNING, "dynamo_component_inflight_requests"),
    ROW(DYNAMO, SERVER_KV_USE, "dynamo_component_kvstats_gpu_cache_usage_percent"),
    ROW(DYNAMO, SERVER_KV_USE, "dynamo_component_gpu_cache_usage_percent"),
    ROW(DYNAMO, SERVER_HIT_RATE, "dynamo_component_kvstats_gpu_prefix_cache_hit_rate"),
    ROW(DYNAMO, SERVER_PREFIX_HITS, "dynamo_frontend_cached_tokens_sum"),
    ROW(DYNAMO, SERVER_PROMPT_TOKENS, "dynamo_frontend_input_sequence_tokens_sum"),
    ROW(DYNAMO, SERVER_GENERATED_TOKENS, "dynamo_frontend_output_tokens_total"),
    ROW(DYNAMO, SERVER_GENERATED_TOKENS, "dynamo_frontend_output_sequence_tokens_sum"),
    ROW(DYNAMO, SERVER_FINISHED, "dynamo_frontend_requests_total{status=\"success\"}"),

    ROW(TRITON, SERVER_QUEUE, "nv_trt_llm_request_metrics{request_type=\"waiting\"}"),
    ROW(TRITON, SERVER_QUEUE, "nv_inference_pending_request_count"),
    ROW(TRITON, SERVER_RUNNING, "nv_trt_llm_request_metrics{request_type=\"scheduled\"}"),
    ROW(TRITON, SERVER_RUNNING, "nv_trt_llm_request_metrics{request_type=\"active\"}"),
    ROW(TRITON, SERVER_KV_USE,
        "nv_trt_llm_kv_cache_block_metrics{kv_cache_block_type=\"fraction\"}"),
    GPU(TRITON, SERVER_GPU_POWER, "nv_gpu_power_usage", 1, "gpu_uuid"),
    GPU(TRITON, SERVER_GPU_UTIL, "nv_gpu_utilization", 1, "gpu_uuid"),
    GPU(TRITON, SERVER_GPU_ENERGY, "nv_energy_consumption", 1, "gpu_uuid"),

    ROW(TRTLLM, SERVER_QUEUE, "trtllm_num_requests_waiting"),
    ROW(TRTLLM, SERVER_RUNNING, "trtllm_num_requests_running"),
    ROW(TRTLLM, SERVER_KV_USE, "trtllm_kv_cache_utilization"),
    ROW(TRTLLM, SERVER_HIT_RATE, "trtllm_kv_cache_hit_rate"),
    ROW(TRTLLM, SERVER_PREFIX_HITS, "trtllm_prompt_cached_tokens_total"),
    ROW(TRTLLM, SERVER_PROMPT_TOKENS, "trtllm_prompt_tokens_total"),
    ROW(TRTLLM, SERVER_GENERATED_TOKENS, "trtllm_generation_tokens_total"),
    ROW(TRTLLM, SERVER_FINISHED, "trtllm_request_success_total"),

    GPU(DCGM, SERVER_GPU_POWER, "DCGM_FI_DEV_POWER_USAGE", 1, "UUID"),
    GPU(DCGM, SERVER_GPU_UTIL, "DCGM_FI_DEV_GPU_UTIL", 0.01, "UUID"),
    GPU(DCGM, SERVER_GPU_ENERGY, "DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION", 1e-3, "UUID"),
    GPU(SMI, SERVER_GPU_POWER, "nvidia_smi_power_draw_watts", 1, "uuid"),
    GPU(SMI, SERVER_GPU_UTIL, "nvidia_smi_utilization_gpu_ratio", 1, "uuid"),
};
#define ROWS COUNT_OF(table)

/* ---- patterns ---- */

#define LABELS 6
#define SEEN 64 /* GPUs of a server */

struct label_pattern {
    struct text key, value;
    bool negated;
};

/* A name with * and ?, and what its labels must be. */
struct pattern {
    struct text name;
    struct label_pattern labels[LABELS];
    size_t count;
};

static void skip(const char **at)
{
    *at += strspn(*at, " \t");
}

/* key="value" or key!="value"; quotes may be left out. */
static bool parse_label(const char **at, struct label_pattern *out)
{
    skip(at);
    size_t length = strcspn(*at, "!=,} \t");
    out->key = (struct text){*at, length};
    *at += length;
    skip(at);
    out->negated = **at == '!';
    *at += out->negated;
    if (length == 0 || **at != '=')
        return false;
    ++*at;
    skip(at);
    bool quoted = **at == '"';
    *at += quoted;
    length = strcspn(*at, quoted ? "\"" : ",} \t");
    out->value = (struct text){*at, length};
    *at += length;
    if (quoted && **at != '"')
        return false;
    *at += quoted;
    skip(at);
    return **at == ',' || **at == '}';
}

static bool parse_pattern(const char *text, struct pattern *out)
{
    const char *at = text;
    *out = (struct pattern){0};
    skip(&at);
    out->name = (struct text){at, strcspn(at, "{ \t")};
    at += out->name.length;
    skip(&at);
    if (*at == '{')
        do {
            if (out->count == LABELS || (at++, !parse_label(&at, &out->labels[out->count++])))
                return false;
        } while (*at == ',');
    if (out->count) {
        if (*at++ != '}')
            return false;
        skip(&at);
    }
    return out->name.length > 0 && *at == '\0';
}

/* Relabelled names have _ for the colon, and Ray's a prefix. */
static bool is_named(struct text theirs, struct text ours)
{
    if (text_starts(theirs, "ray_"))
        theirs = (struct text){theirs.at + 4, theirs.length - 4};
    if (theirs.length != ours.length)
        return false;
    for (size_t i = 0; i < ours.length; i++)
        if (theirs.at[i] != ours.at[i] && !(ours.at[i] == ':' && theirs.at[i] == '_'))
            return false;
    return true;
}

static bool has_labels(const struct exposition_sample *s, const struct pattern *p)
{
    for (size_t i = 0; i < p->count; i++) {
        struct text value = {"", 0};
        if (!exposition_label(s, p->labels[i].key, &value))
            value = (struct text){"", 0};
        if (text_matches(value, p->labels[i].value) == p->labels[i].negated)
            return false;
    }
    return true;
}

/* ---- what a pattern finds in an answer ---- */

struct find {
    double sum, max;
    uint64_t count;
    uint64_t seen[SEEN]; /* hashes of the `once` label's values */
    size_t seen_count;
};

static bool is_new(struct find *f, const struct exposition_sample *s, const char *once)
{
    struct text value;
    if (!once || !exposition_label(s, text_of(once), &value))
        return true;
    uint64_t hash = text_hash(value.at, value.length);
    for (size_t i = 0; i < f->seen_count; i++)
        if (f->seen[i] == hash)
            return false;
    if (f->seen_count < SEEN)
        f->seen[f->seen_count++] = hash;
    return true;
}

static void add_found(struct find *f, double value)
{
    f->sum += value;
    f->max = f->count++ ? fmax(f->max, value) : value;
}

static double found_value(const struct find *f, enum how how)
{
    return f->count == 0 ? NAN
           : how == MAX  ? f->max
           : how == MEAN ? f->sum / (double)f->count
                         : f->sum;
}

/* ---- the user's own ---- */

struct server_rule {
    char *text; /* what the pattern is lent from */
    char name[SERVER_NAME_SIZE];
    int metric; /* one of ours, or -1 */
    enum how how;
    struct pattern pattern;
};

static int refuse(const char *text, const char *why, struct error *err)
{
    return error_set(err, ERR_INPUT,
                     "--server-metric %.80s: %s; expected NAME=PATTERN, such as "
                     "accepted=vllm:spec_decode_num_accepted_tokens_total or "
                     "queue=myserver_pending{pool=\"gpu\"}",
                     text, why);
}

static bool take_name(const char *text, struct server_rule *r)
{
    size_t length = strcspn(text, "=");
    for (size_t i = 0; i < length; i++)
        if (!islower((unsigned char)text[i]) && !isdigit((unsigned char)text[i]) && text[i] != '_')
            return false;
    if (length == 0 || length >= sizeof r->name || text[length] != '=')
        return false;
    memcpy(r->name, text, length);
    r->metric = text_place(text_of(r->name), server_metric_keys);
    return true;
}

/* "mean(pattern)" to how, and the pattern in its place. */
static void take_how(struct server_rule *r)
{
    static const char *const names[] = {[SUM] = "sum(", [MEAN] = "mean(", [MAX] = "max("};
    r->how = r->metric >= 0 && server_metric_is_share((enum server_metric)r->metric) ? MEAN : SUM;
    for (int i = 0; i < 3; i++) {
        size_t prefix = strlen(names[i]), length = strlen(r->text);
        if (strncmp(r->text, names[i], prefix) != 0 || r->text[length - 1] != ')')
            continue;
        r->how = (enum how)i;
        memmove(r->text, r->text + prefix, length - prefix - 1);
        r->text[length - prefix - 1] = '\0';
        return;
    }
}

int server_rules_add(struct server_rules *rules, const char *text, struct error *err)
{
    struct server_rule r = {0};
    if (!take_name(text, &r))
        return refuse(text, "no name of small letters, digits and _", err);
    for (size_t i = 0; i < rules->count; i++)
        if (strcmp(rules->items[i].name, r.name) == 0)
            return refuse(text, "a name that was given before", err);
    if (rules->count == SERVER_OTHERS)
        return error_set(err, ERR_INPUT, "--server-metric: expected at most %d", SERVER_OTHERS);
    r.text = mem_copy_string(strchr(text, '=') + 1);
    take_how(&r);
    if (!parse_pattern(r.text, &r.pattern)) {
        free(r.text);
        return refuse(text, "no pattern of a metric", err);
    }
    *(struct server_rule *)mem_append(&rules->items, &rules->count, sizeof r) = r;
    return 0;
}

void server_rules_free(struct server_rules *rules)
{
    for (size_t i = 0; i < rules->count; i++)
        free(rules->items[i].text);
    free(rules->items);
    *rules = (struct server_rules){0};
}

/* ---- an answer ---- */

struct answer {
    struct pattern patterns[ROWS];
    struct find rows[ROWS];
    struct find rules[SERVER_OTHERS];
};

/* The ranks of one engine say the same. */
static bool is_further_rank(const struct exposition_sample *s)
{
    static const char *const keys[] = {"tp_rank", "pp_rank"};
    struct text value;
    for (size_t i = 0; i < 2; i++)
        if (exposition_label(s, text_of(keys[i]), &value) && !text_equal(value, "0"))
            return true;
    return false;
}

static void take_sample(struct answer *a, const struct server_rules *rules,
                        const struct exposition_sample *s)
{
    for (size_t i = 0; i < ROWS; i++)
        if (is_named(s->name, a->patterns[i].name) && has_labels(s, &a->patterns[i]) &&
            !is_further_rank(s) && is_new(&a->rows[i], s, table[i].once))
            add_found(&a->rows[i], s->value);
    for (size_t i = 0; i < rules->count; i++)
        if (text_matches(s->name, rules->items[i].pattern.name) &&
            has_labels(s, &rules->items[i].pattern))
            add_found(&a->rules[i], s->value);
}

/* The server of which the most rows were found. */
static const char *find_server(const struct answer *a)
{
    const char *best = NULL;
    size_t most = 0, count = 0;
    for (size_t i = 0; i < ROWS; i++) {
        count = i && table[i].server == table[i - 1].server ? count : 0;
        count += a->rows[i].count > 0;
        if (count > most)
            best = table[i].server;
        most = count > most ? count : most;
    }
    return best;
}

static void take_values(const struct answer *a, struct server_line *line)
{
    for (size_t i = ROWS; i-- > 0;) {
        const struct server_name *n = &table[i];
        enum how how = server_metric_is_share(n->metric) ? MEAN : SUM;
        if (a->rows[i].count)
            line->values[n->metric] = found_value(&a->rows[i], how) * n->unit;
    }
    /* Of servers that look every prompt token up, and do not count that. */
    if (isnan(line->values[SERVER_PREFIX_QUERIES]) && !isnan(line->values[SERVER_PREFIX_HITS]))
        line->values[SERVER_PREFIX_QUERIES] = line->values[SERVER_PROMPT_TOKENS];
}

static void take_rules(const struct answer *a, const struct server_rules *rules,
                       struct server_line *line)
{
    for (size_t i = 0; i < rules->count; i++) {
        const struct server_rule *r = &rules->items[i];
        double value = found_value(&a->rules[i], r->how);
        if (r->metric >= 0 && !isnan(value))
            line->values[r->metric] = value;
        if (r->metric >= 0)
            continue;
        struct server_other *other = &line->others[line->other_count++];
        snprintf(other->name, sizeof other->name, "%s", r->name);
        other->value = value;
    }
}

static void count_names(const struct answer *a, const char *server, struct server_found *found)
{
    bool known[SERVER_METRICS] = {false}, named[SERVER_METRICS] = {false};
    for (size_t i = 0; i < ROWS; i++)
        if (table[i].server == server) {
            known[table[i].metric] = true;
            named[table[i].metric] = named[table[i].metric] || a->rows[i].count > 0;
        }
    for (int m = 0; m < SERVER_METRICS; m++) {
        found->known += known[m];
        found->named += named[m];
    }
}

bool server_names_read(const struct server_rules *rules, struct text body, struct server_line *line,
                       struct server_found *found)
{
    struct answer *a = mem_zero(1, sizeof *a);
    struct exposition x;
    struct exposition_sample s;
    *found = (struct server_found){0};
    for (size_t i = 0; i < ROWS; i++)
        parse_pattern(table[i].pattern, &a->patterns[i]);
    exposition_begin(&x, body);
    while (exposition_next(&x, &s))
        take_sample(a, rules, &s);
    const char *server = find_server(a);
    take_values(a, line);
    take_rules(a, rules, line);
    if (server) {
        snprintf(line->server, sizeof line->server, "%s", server);
        count_names(a, server, found);
    }
    found->samples = x.samples;
    found->broken = x.broken;
    free(a);
    return x.samples > 0;
}
