/* LiteLLM's spend logs: rows of the database, of GET /spend/logs or of the UI, as JSON. What a call
 * used in detail stands in its metadata, an object or a text that holds one. Calls that LiteLLM
 * answered from its own cache reached no provider; calls about files and batches have no tokens.
 *
 * Compared with litellm 1.110.2 as PyPI has it: the columns of LiteLLM_SpendLogs in
 * proxy/schema.prisma; usage_object, additional_usage_values, user_api_key_alias and status of
 * SpendLogsMetadata in proxy/_types.py; cache_hit as "True" or "False" in
 * proxy/spend_tracking/spend_tracking_utils.py. What its UI saves was not compared.
 */
#include "workloads/trace/logs/log.h"

#include <string.h>

struct litellm {
    struct log log;
    struct buffer metadata; /* without the escapes of a text */
};

static bool probe(const struct trace_probe *p)
{
    return trace_probe_key(p, "request_id") && trace_probe_key(p, "call_type") &&
           trace_probe_key(p, "startTime") && trace_probe_key(p, "prompt_tokens");
}

static struct text metadata_of(struct litellm *c, struct text line)
{
    struct text raw;
    if (!log_find(line, "metadata", &raw))
        return (struct text){"", 0};
    if (raw.at[0] == '{')
        return raw;
    buffer_clear(&c->metadata);
    buffer_reserve(&c->metadata, raw.length);
    if (raw.at[0] != '"' || !json_unescape(log_unquoted(raw), &c->metadata) ||
        c->metadata.length == 0 || c->metadata.data[0] != '{')
        return (struct text){"", 0};
    return (struct text){c->metadata.data, c->metadata.length};
}

/* The provider's own object, or what the row and its metadata say one by one. */
static void take_usage(struct log *l, struct text line, struct text metadata)
{
    struct text usage;
    if (log_find(metadata, "usage_object", &usage) && usage.at[0] == '{' && usage.length > 2) {
        log_take(l, FIELD_USAGE, usage);
        return;
    }
    log_count_at(l, "prompt_tokens", line, "prompt_tokens");
    log_count_at(l, "completion_tokens", line, "completion_tokens");
    log_count_at(l, "total_tokens", line, "total_tokens");
    log_count_at(l, "cached_tokens", metadata, "additional_usage_values.cache_read_input_tokens");
    log_count_at(l, "cache_creation_tokens", metadata,
                 "additional_usage_values.cache_creation_input_tokens");
}

static bool is_without_tokens(struct text line)
{
    struct text raw;
    uint64_t in = 0, out = 0;
    if (log_find(line, "prompt_tokens", &raw))
        text_to_u64(raw, &in);
    if (log_find(line, "completion_tokens", &raw))
        text_to_u64(raw, &out);
    return in + out == 0;
}

/* Why the row is no call that a provider answered; NULL. */
static const char *passed_over(struct text line)
{
    struct text type = log_name(line, "call_type"), raw;
    bool cached =
        log_find(line, "cache_hit", &raw) &&
        (text_equal(raw, "true") || text_equal(raw, "\"True\"") || text_equal(raw, "\"true\""));
    if (cached)
        return "answered_by_cache";
    bool batch =
        memmem(type.at, type.length, "batch", 5) || memmem(type.at, type.length, "file", 4);
    return is_without_tokens(line) && batch ? "no_call" : NULL;
}

static int read_line(struct trace_input *in, void *context, struct text line, struct error *err)
{
    static const char *const labels[][2] = {{"user", "user"},
                                            {"team", "team_id"},
                                            {"end_user", "end_user"},
                                            {"key", "api_key_alias"},
                                            {"provider", "custom_llm_provider"}};
    struct litellm *c = context;
    struct log *l = &c->log;
    struct json_scan s;
    json_scan_init(&s, in->lines.name, line.at, line.length, trace_line_number(in));
    json_skip(&s, NULL);
    if (json_scan_end(&s, err) < 0)
        return ERR_INPUT;
    const char *over = passed_over(line);
    if (over) {
        trace_note(in, over, true);
        return 0;
    }
    struct text metadata = metadata_of(c, line), type = log_name(line, "call_type");
    log_begin(l, line);
    log_take_at(l, FIELD_TIMESTAMP, line, "startTime");
    log_take_at(l, FIELD_MODEL, line, "model");
    log_take_at(l, FIELD_SESSION, line, "session_id");
    log_take_at(l, FIELD_COST, line, "spend");
    if (!log_take_at(l, FIELD_STATUS, line, "status"))
        log_take_at(l, FIELD_STATUS, metadata, "status");
    for (size_t i = 0; i < COUNT_OF(labels); i++)
        log_label_at(l, labels[i][0], line, labels[i][1]);
    log_label_at(l, "key", metadata, "user_api_key_alias");
    take_usage(l, line, metadata);
    if (memmem(type.at, type.length, "batch", 5))
        l->fields.row.service = SERVICE_BATCH;
    log_id(l, log_name(line, "request_id"), (struct text){"", 0});
    return log_add(l, err);
}

static int read_rows(struct trace_input *in, struct error *err)
{
    struct litellm c = {.metadata = {0}};
    log_init(&c.log, in);
    buffer_init(&c.metadata, in->lines.max_line);
    int status = trace_each_line(in, &c, read_line, err);
    if (status == 0)
        status = log_settle(&c.log, err);
    buffer_free(&c.metadata);
    log_free(&c.log);
    return status;
}

const struct trace_reader trace_reader_litellm = {
    "litellm",
    "LiteLLM's spend logs",
    probe,
    read_rows,
};
