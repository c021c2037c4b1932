/* Usage reports of OpenAI's and Anthropic's administration APIs: pages of buckets of time, each
 * with results by model, project, key and so on.
 *
 *     {"object": "bucket", "start_time": 1767225600, "end_time": 1767312000, "results": [
 *       {"object": "organization.usage.completions.result", "input_tokens": 5000,
 *        "input_cached_tokens": 4000, "output_tokens": 1000, "num_model_requests": 5,
 *        "model": "…", "project_id": null, "batch": false}]}
 *     {"starting_at": "2026-01-01T00:00:00Z", "ending_at": "2026-01-02T00:00:00Z", "results": [
 *       {"uncached_input_tokens": 1500, "cache_creation": {"ephemeral_1h_input_tokens": 1000,
 *        "ephemeral_5m_input_tokens": 500}, "cache_read_input_tokens": 200, "output_tokens": 500,
 *        "server_tool_use": {"web_search_requests": 10}, "model": "…", "service_tier": "batch"}]}
 *
 * OpenAI's input counts everything in, Anthropic's what was neither read from the cache nor
 * written; Anthropic does not say how many requests it were. Results of the cost reports have no
 * tokens.
 */
#include "workloads/trace/trace_fields.h"

struct buckets {
    struct trace_fields fields;
    struct trace_input *in;
    struct text start, end; /* of the bucket */
    struct usage_extra search;
    uint64_t costs;
    struct error *err;
};

static bool probe(const struct trace_probe *p)
{
    return trace_probe_kind(p, "results") == JSON_ARRAY &&
           (trace_probe_key(p, "start_time") || trace_probe_key(p, "starting_at"));
}

static const struct {
    const char *key;
    enum trace_field field;
} known[] = {
    {"input_tokens", FIELD_INPUT},
    {"uncached_input_tokens", FIELD_UNCACHED_INPUT},
    {"output_tokens", FIELD_OUTPUT},
    {"cache_read_input_tokens", FIELD_CACHED_INPUT},
    {"input_cache_write_tokens", FIELD_CACHE_WRITE},
    {"cache_creation.ephemeral_5m_input_tokens", FIELD_CACHE_WRITE},
    {"cache_creation.ephemeral_1h_input_tokens", FIELD_CACHE_WRITE_1H},
    {"output_audio_tokens", FIELD_AUDIO_OUTPUT},
    {"output_image_tokens", FIELD_IMAGE_OUTPUT},
    {"num_model_requests", FIELD_REQUESTS},
    {"model", FIELD_MODEL},
};

static const char *const labels[] = {"project_id",   "user_id",    "api_key_id",
                                     "workspace_id", "account_id", "context_window"};

/* A value that is there, without its quotation marks. Names of these reports hold no escapes. */
static bool find(struct text object, const char *path, struct text *out)
{
    if (!trace_json_find(object, path, out) || text_equal(*out, "null"))
        return false;
    if (out->at[0] == '"')
        *out = (struct text){out->at + 1, out->length - 2};
    return true;
}

static const char *set(struct buckets *b, enum trace_field field, struct text value)
{
    return trace_fields_set(&b->fields, field, trace_field_name(field), value);
}

static uint64_t count_at(struct text object, const char *key)
{
    struct text raw;
    uint64_t count;
    return find(object, key, &raw) && text_to_u64(raw, &count) ? count : 0;
}

/* Tokens that OpenAI counts inside others: of sound and pictures, and those of either that came
 * from the cache. */
static void set_parts(struct trace_fields *f, struct text result)
{
    uint64_t cached = count_at(result, "input_cached_tokens");
    uint64_t audio = count_at(result, "input_audio_tokens");
    uint64_t image = count_at(result, "input_image_tokens");
    uint64_t cached_audio = count_at(result, "input_cached_audio_tokens");
    uint64_t cached_image = count_at(result, "input_cached_image_tokens");
    const struct {
        enum trace_field field;
        uint64_t whole, part;
    } parts[] = {
        {FIELD_CACHED_INPUT, cached, cached_audio + cached_image},
        {FIELD_AUDIO_INPUT, audio, cached_audio},
        {FIELD_IMAGE_INPUT, image, cached_image},
        {FIELD_CACHED_AUDIO_INPUT, cached_audio, 0},
        {FIELD_CACHED_IMAGE_INPUT, cached_image, 0},
    };
    for (size_t i = 0; i < COUNT_OF(parts); i++) {
        if (parts[i].whole <= parts[i].part)
            continue;
        f->counts[parts[i].field] = parts[i].whole - parts[i].part;
        f->given |= UINT64_C(1) << parts[i].field;
    }
}

static const char *set_service(struct trace_fields *f, struct text result)
{
    struct text tier;
    if (find(result, "batch", &tier) && text_equal(tier, "true"))
        f->row.service = SERVICE_BATCH;
    if (!find(result, "service_tier", &tier))
        return NULL;
    if (text_starts(tier, "priority")) {
        f->row.service = SERVICE_PRIORITY;
        return NULL;
    }
    struct trace_mapping m = {.field = FIELD_SERVICE};
    return service_called(tier) == SERVICE_STANDARD ? NULL
                                                    : trace_fields_map(f, &m, "service_tier", tier);
}

static const char *set_labels(struct trace_fields *f, struct text result)
{
    struct text value;
    const char *wanted = NULL;
    for (size_t i = 0; i < COUNT_OF(labels) && !wanted; i++) {
        struct trace_mapping m = {.field = FIELD_LABEL, .label = (char *)(uintptr_t)labels[i]};
        if (find(result, labels[i], &value))
            wanted = trace_fields_map(f, &m, labels[i], value);
    }
    return wanted;
}

/* True where one of the sums of tokens stands there as null: of these every one counts. */
static bool has_unknown(struct text result)
{
    struct text value;
    for (size_t i = 0; i < COUNT_OF(known); i++)
        if (known[i].field != FIELD_MODEL && known[i].field != FIELD_REQUESTS &&
            trace_json_find(result, known[i].key, &value) && text_equal(value, "null"))
            return true;
    return trace_json_find(result, "input_cached_tokens", &value) && text_equal(value, "null");
}

static const char *set_all(struct buckets *b, struct text result)
{
    struct text value;
    const char *wanted = NULL;
    for (size_t i = 0; i < COUNT_OF(known) && !wanted; i++)
        if (find(result, known[i].key, &value))
            wanted = set(b, known[i].field, value);
    set_parts(&b->fields, result);
    if (!wanted)
        wanted = set_service(&b->fields, result);
    if (!wanted)
        wanted = set_labels(&b->fields, result);
    if (!wanted)
        wanted = set(b, FIELD_TIMESTAMP, b->start);
    if (!wanted && b->end.length > 0)
        wanted = set(b, FIELD_ENDED, b->end);
    if (!wanted && !trace_has(&b->fields, FIELD_OUTPUT)) /* embeddings have none */
        wanted = set(b, FIELD_OUTPUT, text_of("0"));
    if (!trace_has(&b->fields, FIELD_REQUESTS))
        b->fields.row.requests = REQUESTS_UNKNOWN;
    return wanted;
}

/* Searches are billed by the call. */
static void add_searches(struct buckets *b, struct text result)
{
    uint64_t searches = count_at(result, "server_tool_use.web_search_requests");
    if (searches == 0 || searches > INT64_MAX / 1000000)
        return;
    b->search = (struct usage_extra){"web_search", (int64_t)searches * 1000000, false};
    b->fields.row.has_usage = true;
    b->fields.row.usage.extras = &b->search;
    b->fields.row.usage.extra_count = 1;
}

static int read_result(struct buckets *b, struct text bucket, struct text result)
{
    struct text raw;
    struct trace_fields *f = &b->fields;
    if (result.at[0] != '{')
        return trace_fail_in(b->in, bucket, result.at, b->err, "expected an object of results");
    if (find(result, "amount", &raw)) {
        b->costs++;
        trace_note(b->in, "costs_without_tokens", true);
        return 0;
    }
    if (has_unknown(result)) {
        trace_note(b->in, "unknown_tokens", true);
        return 0;
    }
    trace_fields_clear(f);
    const char *wanted = set_all(b, result);
    if (!trace_has(f, FIELD_INPUT) && !trace_has(f, FIELD_UNCACHED_INPUT)) {
        trace_note(b->in, "no_counts", true);
        return 0;
    }
    if (trace_has(f, FIELD_REQUESTS) && f->counts[FIELD_REQUESTS] == 0) {
        trace_note(b->in, "no_requests", true);
        return 0;
    }
    if (!wanted)
        wanted = trace_fields_finish(f);
    if (wanted)
        return trace_fail_in(b->in, bucket, result.at, b->err, "expected %s", wanted);
    add_searches(b, result);
    return trace_add(b->in, &f->row, b->err);
}

static int read_bucket(struct trace_input *in, void *context, struct text line, struct error *err)
{
    struct buckets *b = context;
    struct json_scan s;
    struct text results, result;
    json_scan_init(&s, in->lines.name, line.at, line.length, trace_line_number(in));
    json_skip(&s, NULL);
    if (json_scan_end(&s, err) < 0)
        return ERR_INPUT;
    b->err = err;
    b->end = (struct text){"", 0};
    bool timed = find(line, "start_time", &b->start) || find(line, "starting_at", &b->start);
    if (!timed || !trace_json_find(line, "results", &results) || results.at[0] != '[')
        return trace_fail(in, 1, err,
                          "expected a bucket with start_time or starting_at and results");
    if (!find(line, "end_time", &b->end))
        find(line, "ending_at", &b->end);
    json_scan_init(&s, in->lines.name, results.at, results.length, trace_line_number(in));
    json_array_begin(&s);
    while (json_array_next(&s) && json_skip(&s, &result))
        if (read_result(b, line, result) < 0)
            return ERR_INPUT;
    return json_scan_end(&s, err);
}

static int finish(struct buckets *b, struct error *err)
{
    if (b->costs > 0 && b->in->out->count == 0)
        return error_at(err, b->in->lines.name, 0, 0,
                        "this is a report of costs, which holds no tokens: expected a report of "
                        "usage (organization/usage/completions, usage_report/messages)");
    trace_start_at_first(b->in);
    return trace_settle_buckets(b->in, err);
}

static int read_rows(struct trace_input *in, struct error *err)
{
    struct buckets b = {.in = in};
    trace_fields_init(&b.fields, in);
    b.fields.buckets = true;
    int status = trace_each_line(in, &b, read_bucket, err);
    if (status == 0)
        status = finish(&b, err);
    trace_fields_free(&b.fields);
    return status;
}

const struct trace_reader trace_reader_buckets = {
    "usage-report",
    "usage reports of OpenAI's and Anthropic's administration APIs: sums by time, model, project",
    probe,
    read_rows,
};
