/* What batches gave back, a result a line: OpenAI's (and Azure's) output and error files,
 * Anthropic's results, Gemini's and Vertex AI's. Results stand in any order; usage is the answer's
 * own.
 *
 *     {"custom_id", "response": {"status_code", "body": {"model", "created", "usage"}}, "error"}
 *     {"custom_id", "result": {"type": "succeeded", "message": {"model", "usage"}}}
 *     {"key", "response": {"modelVersion", "usageMetadata"}}
 *
 * Source: platform.openai.com/docs/guides/batch, docs.anthropic.com (Message Batches, results),
 * ai.google.dev/gemini-api/docs/batch-api.
 */
#include "workloads/trace/logs/log.h"

static bool probe(const struct trace_probe *p)
{
    struct text raw;
    if (!p->is_object)
        return false;
    if (trace_probe_key(p, "custom_id"))
        return trace_probe_key(p, "response") || trace_json_find(p->line, "result.type", &raw);
    return trace_probe_kind(p, "response") == JSON_OBJECT &&
           (trace_json_find(p->line, "response.usageMetadata", &raw) &&
            (trace_probe_key(p, "key") || trace_probe_key(p, "request")));
}

/* The answer: the object that has the usage. */
static bool find_answer(struct text line, struct text *answer)
{
    static const char *const paths[] = {"response.body", "result.message", "response"};
    for (size_t i = 0; i < COUNT_OF(paths); i++)
        if (log_find(line, paths[i], answer) && answer->at[0] == '{')
            return true;
    return false;
}

static bool is_failed(struct text line)
{
    struct text raw;
    uint64_t status;
    if (log_find(line, "error", &raw))
        return true;
    if (log_find(line, "response.status_code", &raw) && text_to_u64(raw, &status))
        return status < 200 || status >= 300;
    return log_name(line, "result.type").length && !log_is(line, "result.type", "succeeded");
}

static int read_line(struct trace_input *in, void *context, struct text line, struct error *err)
{
    struct log *l = context;
    struct json_scan s;
    struct text answer = {"", 0}, raw;
    json_scan_init(&s, in->lines.name, line.at, line.length, trace_line_number(in));
    json_skip(&s, NULL);
    if (json_scan_end(&s, err) < 0)
        return ERR_INPUT;
    find_answer(line, &answer);
    if (!log_find(answer, "usage", &raw) && !log_find(answer, "usageMetadata", &raw)) {
        trace_note(in, is_failed(line) ? "failed_without_usage" : "no_call", true);
        return 0;
    }
    log_begin(l, line);
    log_take(l, FIELD_USAGE, raw);
    if (!log_take_at(l, FIELD_TIMESTAMP, answer, "created") &&
        !log_take_at(l, FIELD_TIMESTAMP, answer, "created_at"))
        log_take_at(l, FIELD_TIMESTAMP, answer, "createTime");
    if (!log_take_at(l, FIELD_MODEL, answer, "model"))
        log_take_at(l, FIELD_MODEL, answer, "modelVersion");
    l->fields.row.service = SERVICE_BATCH;
    if (is_failed(line))
        l->fields.row.status = REQUEST_FAILED;
    log_id(l, log_name(line, "custom_id"), log_name(answer, "id"));
    return log_add(l, err);
}

static int read_rows(struct trace_input *in, struct error *err)
{
    struct log l;
    log_init(&l, in);
    int status = trace_each_line(in, &l, read_line, err);
    if (status == 0)
        status = log_settle(&l, err);
    log_free(&l);
    return status;
}

const struct trace_reader trace_reader_outcomes = {
    "batch-results",
    "results of batches: OpenAI, Azure, Anthropic, Gemini",
    probe,
    read_rows,
};
