#include "cli/report/export/otlp_span.h"

#include "core/json/json_scan.h"
#include "core/library/library.h"
#include "core/memory.h"

#include <curl/curl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- where requests go ---- */

/* The conventions' names of providers, by the ends of hosts. */
static const struct {
    const char *host, *provider;
} providers[] = {
    {"openai.azure.com", "azure.ai.openai"},
    {"openai.com", "openai"},
    {"anthropic.com", "anthropic"},
    {"amazonaws.com", "aws.bedrock"},
    {"generativelanguage.googleapis.com", "gcp.gemini"},
    {"aiplatform.googleapis.com", "gcp.vertex_ai"},
    {"cohere.com", "cohere"},
    {"cohere.ai", "cohere"},
    {"deepseek.com", "deepseek"},
    {"groq.com", "groq"},
    {"mistral.ai", "mistral_ai"},
    {"moonshot.ai", "moonshot_ai"},
    {"moonshot.cn", "moonshot_ai"},
    {"perplexity.ai", "perplexity"},
    {"x.ai", "x_ai"},
};

/* True for the host itself and what is below it. */
static bool is_below(const char *host, const char *domain)
{
    size_t length = strlen(host), end = strlen(domain);
    return length >= end && strcmp(host + length - end, domain) == 0 &&
           (length == end || host[length - end - 1] == '.' || host[length - end - 1] == '-');
}

/* Else the format that is spoken: it tells how telemetry is to be read. */
static const char *provider_of(const char *host, const char *api)
{
    for (size_t i = 0; host && i < COUNT_OF(providers); i++)
        if (is_below(host, providers[i].host))
            return providers[i].provider;
    return strcmp(api, "messages") == 0 ? "anthropic"
           : strcmp(api, "rerank") == 0 ? "cohere"
                                        : "openai";
}

static const char *operation_of(const char *api)
{
    static const char *const own[][2] = {
        {"completions", "text_completion"}, {"embeddings", "embeddings"}, {"rerank", "rerank"}};
    for (size_t i = 0; i < COUNT_OF(own); i++)
        if (strcmp(api, own[i][0]) == 0)
            return own[i][1];
    return "chat";
}

static void read_address(const char *url, struct otlp_endpoint *out)
{
    library_prepare_curl();
    CURLU *parts = curl_url();
    char *host = NULL, *port = NULL;
    if (curl_url_set(parts, CURLUPART_URL, url, 0) == CURLUE_OK &&
        curl_url_get(parts, CURLUPART_HOST, &host, 0) == CURLUE_OK &&
        curl_url_get(parts, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT) == CURLUE_OK) {
        out->address = mem_copy_string(host);
        out->port = (uint32_t)strtoul(port, NULL, 10);
    }
    curl_free(host);
    curl_free(port);
    curl_url_cleanup(parts);
}

void otlp_endpoint_read(const char *endpoint, const char *api, bool simulated,
                        struct otlp_endpoint *out)
{
    *out = (struct otlp_endpoint){.operation = operation_of(api)};
    if (endpoint && strstr(endpoint, "://"))
        read_address(endpoint, out);
    out->provider = simulated ? "farebox" : provider_of(out->address, api);
}

void otlp_endpoint_free(struct otlp_endpoint *e)
{
    free(e->address);
}

/* ---- attributes ---- */

static void begin_attribute(struct json_writer *w, const char *key)
{
    json_begin_object(w);
    json_pair_string(w, "key", key);
    json_key(w, "value");
    json_begin_object(w);
}

static void end_attribute(struct json_writer *w)
{
    json_end_object(w);
    json_end_object(w);
}

void otlp_put_text(struct json_writer *w, const char *key, const char *text)
{
    if (!text)
        return;
    begin_attribute(w, key);
    json_pair_string(w, "stringValue", text);
    end_attribute(w);
}

void otlp_put_count(struct json_writer *w, const char *key, uint64_t value)
{
    char digits[24];
    snprintf(digits, sizeof digits, "%" PRIu64, value);
    begin_attribute(w, key);
    json_pair_string(w, "intValue", digits);
    end_attribute(w);
}

void otlp_put_truth(struct json_writer *w, const char *key, bool value)
{
    begin_attribute(w, key);
    json_pair_bool(w, "boolValue", value);
    end_attribute(w);
}

/* The time between two instants of a run in units of 10^-decimals ns, exact; nothing where one
 * never came. */
static void put_span_of(struct json_writer *w, const char *key, int64_t from_ns, int64_t to_ns,
                        bool seconds)
{
    char text[48];
    if (from_ns == TIME_NEVER || to_ns == TIME_NEVER || to_ns < from_ns)
        return;
    int64_t unit = seconds ? NS_PER_S : NS_PER_MS, ns = to_ns - from_ns;
    snprintf(text, sizeof text, "%" PRId64 ".%0*" PRId64, ns / unit, seconds ? 9 : 6, ns % unit);
    begin_attribute(w, key);
    json_pair_raw(w, "doubleValue", text_of(text));
    end_attribute(w);
}

static void put_used(struct json_writer *w, const char *key, uint64_t tokens)
{
    if (tokens > 0)
        otlp_put_count(w, key, tokens);
}

/* Inclusive, as the conventions count: what is cached, written or of a kind is inside the input,
 * reasoning inside the output. */
static void put_usage(struct json_writer *w, const struct usage *u)
{
    const uint64_t *t = u->tokens;
    otlp_put_count(w, "gen_ai.usage.input_tokens", usage_input(u));
    otlp_put_count(w, "gen_ai.usage.output_tokens", usage_output(u));
    put_used(w, "gen_ai.usage.cache_read.input_tokens", usage_cached(u));
    put_used(w, "gen_ai.usage.cache_write.input_tokens",
             t[USAGE_CACHE_WRITE] + t[USAGE_CACHE_WRITE_1H]);
    put_used(w, "farebox.usage.cache_write_1h.input_tokens", t[USAGE_CACHE_WRITE_1H]);
    put_used(w, "gen_ai.usage.reasoning.output_tokens", t[USAGE_REASONING]);
    put_used(w, "gen_ai.usage.image.input_tokens", usage_image_input(u));
    put_used(w, "gen_ai.usage.image.cache_read.input_tokens", t[USAGE_CACHED_IMAGE_INPUT]);
    put_used(w, "gen_ai.usage.image.output_tokens", t[USAGE_IMAGE_OUTPUT]);
    put_used(w, "gen_ai.usage.audio.input_tokens",
             t[USAGE_AUDIO_INPUT] + t[USAGE_CACHED_AUDIO_INPUT]);
    put_used(w, "gen_ai.usage.audio.cache_read.input_tokens", t[USAGE_CACHED_AUDIO_INPUT]);
    put_used(w, "gen_ai.usage.audio.output_tokens", t[USAGE_AUDIO_OUTPUT]);
    put_used(w, "gen_ai.usage.video.input_tokens", t[USAGE_VIDEO_INPUT]);
}

/* One answer an attempt; one that broke off has "error" for its reason. */
static void put_finish(struct json_writer *w, const struct record *r)
{
    const char *reason = r->finish_reason;
    if (!reason && r->status != RECORD_COMPLETED && r->first_token_ns != TIME_NEVER)
        reason = "error";
    if (!reason)
        return;
    begin_attribute(w, "gen_ai.response.finish_reasons");
    json_key(w, "arrayValue");
    json_begin_object(w);
    json_key(w, "values");
    json_begin_array(w);
    json_begin_object(w);
    json_pair_string(w, "stringValue", reason);
    json_end_object(w);
    json_end_array(w);
    json_end_object(w);
    end_attribute(w);
}

/* {"team": "product"} becomes farebox.label.team. */
static void put_labels(struct json_writer *w, const char *labels)
{
    struct json_scan s;
    struct text key, raw;
    struct buffer name, value;
    if (!labels)
        return;
    buffer_init(&name, BUFFER_UNBOUNDED);
    buffer_init(&value, BUFFER_UNBOUNDED);
    json_scan_init(&s, "", labels, strlen(labels), 1);
    json_object_begin(&s);
    while (json_object_next(&s, &key)) {
        buffer_clear(&name);
        buffer_clear(&value);
        buffer_add_text(&name, "farebox.label.");
        json_unescape(key, &name);
        if (json_peek(&s) == JSON_STRING && json_string(&s, &raw))
            json_unescape(raw, &value);
        else if (json_skip(&s, &raw))
            buffer_add(&value, raw.at, raw.length);
        otlp_put_text(w, name.data, value.data ? value.data : "");
    }
    buffer_free(&name);
    buffer_free(&value);
}

static void put_names(struct json_writer *w, const struct record *r, const struct otlp_endpoint *e)
{
    otlp_put_text(w, "gen_ai.operation.name", e->operation);
    otlp_put_text(w, "gen_ai.provider.name", e->provider);
    otlp_put_text(w, "gen_ai.request.model", r->model);
    otlp_put_text(w, "gen_ai.conversation.id", r->session_id);
    if (r->streamed)
        otlp_put_truth(w, "gen_ai.request.stream", true);
    otlp_put_text(w, "server.address", e->address);
    if (e->address)
        otlp_put_count(w, "server.port", e->port);
    otlp_put_text(w, "farebox.request.id", r->request_id);
    otlp_put_text(w, "farebox.endpoint", r->endpoint);
    otlp_put_text(w, "farebox.class", r->class_name);
    otlp_put_text(w, "farebox.service", r->service);
    put_labels(w, r->labels);
}

static void put_outcome(struct json_writer *w, const struct record *r)
{
    char cost[MONEY_TEXT_SIZE];
    otlp_put_text(w, "error.type", otlp_failure(r));
    if (r->http_status)
        otlp_put_count(w, "http.response.status_code", (uint64_t)r->http_status);
    if (r->attempt > 1)
        otlp_put_count(w, "http.request.resend_count", r->attempt - 1);
    otlp_put_text(w, "farebox.status", record_status_name(r->status));
    otlp_put_count(w, "farebox.attempt", r->attempt);
    put_finish(w, r);
    if (r->streamed)
        put_span_of(w, "gen_ai.response.time_to_first_chunk", r->sent_ns, r->first_token_ns, true);
    put_span_of(w, "farebox.queue_ms", r->scheduled_ns, r->ready_ns, false);
    put_span_of(w, "farebox.send_lag_ms", r->ready_ns, r->sent_ns, false);
    otlp_put_count(w, "farebox.asked.input_tokens", r->asked_input);
    otlp_put_count(w, "farebox.asked.output_tokens", r->asked_output);
    put_used(w, "farebox.chunks", r->chunks);
    if (r->usage_from != USAGE_NONE)
        put_usage(w, &r->usage);
    if (r->usage_from == USAGE_ESTIMATED)
        otlp_put_truth(w, "farebox.usage.estimated", true);
    if (r->has_cost) {
        money_format(r->cost, cost);
        otlp_put_text(w, "farebox.cost_usd", cost);
    }
}

/* ---- spans ---- */

const char *otlp_failure(const struct record *r)
{
    return r->status == RECORD_FAILED      ? failure_name(r->failure)
           : r->status == RECORD_CANCELLED ? "cancelled"
                                           : NULL;
}

int64_t otlp_from_ns(const struct record *r)
{
    return r->sent_ns != TIME_NEVER    ? r->sent_ns
           : r->ready_ns != TIME_NEVER ? r->ready_ns
                                       : r->scheduled_ns;
}

int64_t otlp_to_ns(const struct record *r)
{
    int64_t from = otlp_from_ns(r), to = r->done_ns != TIME_NEVER ? r->done_ns : r->last_token_ns;
    return to == TIME_NEVER || to < from ? from : to;
}

void otlp_put_instant(struct json_writer *w, const char *key, int64_t unix_ns)
{
    char digits[24];
    snprintf(digits, sizeof digits, "%" PRId64, unix_ns);
    json_pair_string(w, key, digits);
}

void otlp_begin_span(struct json_writer *w, const struct otlp_ids *ids, const char *name,
                     enum otlp_kind kind, int64_t from_unix_ns, int64_t to_unix_ns)
{
    char hex[40];
    json_begin_object(w);
    snprintf(hex, sizeof hex, "%016" PRIx64 "%016" PRIx64, ids->trace.high, ids->trace.low);
    json_pair_string(w, "traceId", hex);
    snprintf(hex, sizeof hex, "%016" PRIx64, ids->span);
    json_pair_string(w, "spanId", hex);
    if (ids->parent) {
        snprintf(hex, sizeof hex, "%016" PRIx64, ids->parent);
        json_pair_string(w, "parentSpanId", hex);
    }
    json_pair_string(w, "name", name);
    json_pair_u64(w, "kind", kind);
    otlp_put_instant(w, "startTimeUnixNano", from_unix_ns);
    otlp_put_instant(w, "endTimeUnixNano", to_unix_ns);
    json_key(w, "attributes");
    json_begin_array(w);
}

void otlp_end_span(struct json_writer *w, const char *failed)
{
    json_key(w, "status");
    json_begin_object(w);
    if (failed) {
        json_pair_u64(w, "code", 2); /* STATUS_CODE_ERROR; a success leaves it unset */
        json_pair_string(w, "message", failed);
    }
    json_end_object(w);
    json_end_object(w);
}

/* The first and the last token, and the first that is no reasoning where that came later. */
static void put_events(struct json_writer *w, const struct record *r, int64_t start_unix_ns)
{
    bool later = r->first_output_ns != r->first_token_ns;
    const struct {
        const char *name;
        int64_t at_ns;
    } events[] = {{"farebox.first_token", r->streamed ? r->first_token_ns : TIME_NEVER},
                  {"farebox.first_output", r->streamed && later ? r->first_output_ns : TIME_NEVER},
                  {"farebox.last_token", r->last_token_ns}};
    json_key(w, "events");
    json_begin_array(w);
    for (size_t i = 0; i < COUNT_OF(events); i++) {
        if (events[i].at_ns == TIME_NEVER)
            continue;
        json_begin_object(w);
        otlp_put_instant(w, "timeUnixNano", start_unix_ns + events[i].at_ns);
        json_pair_string(w, "name", events[i].name);
        json_end_object(w);
    }
    json_end_array(w);
}

void otlp_put_attempt(struct json_writer *w, const struct record *r, const struct otlp_ids *ids,
                      const struct otlp_endpoint *e, int64_t start_unix_ns)
{
    const char *failed = otlp_failure(r);
    struct buffer name;
    buffer_init(&name, BUFFER_UNBOUNDED);
    buffer_add_format(&name, "%s%s%s", e->operation, r->model ? " " : "", r->model ? r->model : "");
    otlp_begin_span(w, ids, name.data, OTLP_CLIENT, start_unix_ns + otlp_from_ns(r),
                    start_unix_ns + otlp_to_ns(r));
    put_names(w, r, e);
    put_outcome(w, r);
    json_end_array(w);
    put_events(w, r, start_unix_ns);
    otlp_end_span(w, failed && r->message ? r->message : failed);
    buffer_free(&name);
}
