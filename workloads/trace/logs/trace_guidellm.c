/* GuideLLM's benchmarks.json: benchmarks, of which each has its requests by outcome. They follow
 * each other, with their own times.
 *
 * Source: github.com/vllm-project/guidellm, src/guidellm/schemas/request_stats.py and
 * benchmark/schemas (StatusBreakdown); before version 0.4 benchmark/benchmark.py.
 */
#include "workloads/trace/logs/log.h"

#include <string.h>

struct guidellm {
    struct log log;
    struct error *err;
    int status;
};

static bool probe(const struct trace_probe *p)
{
    static const char *const marks[] = {"guidellm", "\"successful\"", "generative_benchmark"};
    if (trace_probe_kind(p, "benchmarks") != JSON_ARRAY)
        return false;
    for (size_t i = 0; i < COUNT_OF(marks); i++)
        if (memmem(p->all.at, p->all.length, marks[i], strlen(marks[i])))
            return true;
    return false;
}

static int add_request(struct guidellm *g, struct text request, enum request_status outcome)
{
    static const char *const starts[] = {"request_start_time", "start_time", "info.started_at",
                                         "info.timings.request_start"};
    static const char *const ends[] = {"request_end_time", "end_time"};
    struct log *l = &g->log;
    struct text raw;
    log_begin(l, request);
    for (size_t i = 0; i < COUNT_OF(starts); i++)
        if (log_take_at(l, FIELD_TIMESTAMP, request, starts[i]))
            break;
    for (size_t i = 0; i < COUNT_OF(ends); i++)
        if (log_find(request, ends[i], &raw))
            log_end(l, raw);
    if (!log_count_at(l, "prompt_tokens", request, "prompt_tokens"))
        log_count_at(l, "prompt_tokens", request, "input_metrics.text_tokens");
    if (!log_count_at(l, "completion_tokens", request, "output_tokens"))
        log_count_at(l, "completion_tokens", request, "output_metrics.text_tokens");
    log_take_at(l, FIELD_SESSION, request, "info.conversation_id");
    l->fields.row.status = outcome;
    return log_add(l, g->err);
}

static void read_list(struct json_scan *s, struct guidellm *g, enum request_status outcome)
{
    struct text request;
    json_array_begin(s);
    while (json_array_next(s) && json_skip(s, &request))
        if (request.at[0] == '{' && g->status == 0)
            g->status = add_request(g, request, outcome);
}

static void read_outcomes(struct json_scan *s, struct guidellm *g)
{
    static const char *const keys[] = {"successful", "errored", "incomplete"};
    struct text key;
    json_object_begin(s);
    while (json_object_next(s, &key)) {
        size_t i = 0;
        while (i < COUNT_OF(keys) && !text_equal(key, keys[i]))
            i++;
        if (i < COUNT_OF(keys) && json_peek(s) == JSON_ARRAY)
            read_list(s, g, (enum request_status)i);
        else
            json_skip(s, NULL);
    }
}

static void read_benchmark(struct json_scan *s, struct guidellm *g)
{
    struct text key;
    json_object_begin(s);
    while (json_object_next(s, &key)) {
        if (text_equal(key, "requests") && json_peek(s) == JSON_OBJECT)
            read_outcomes(s, g);
        else
            json_skip(s, NULL);
    }
}

static int read_line(struct trace_input *in, void *context, struct text line, struct error *err)
{
    struct guidellm *g = context;
    struct json_scan s;
    struct text key;
    g->err = err;
    g->status = 0;
    json_scan_init(&s, in->lines.name, line.at, line.length, trace_line_number(in));
    json_object_begin(&s);
    while (json_object_next(&s, &key)) {
        if (!text_equal(key, "benchmarks") || json_peek(&s) != JSON_ARRAY) {
            json_skip(&s, NULL);
            continue;
        }
        json_array_begin(&s);
        while (json_array_next(&s))
            read_benchmark(&s, g);
    }
    return g->status < 0 ? g->status : json_scan_end(&s, err);
}

static int read_rows(struct trace_input *in, struct error *err)
{
    struct guidellm g = {.err = err};
    log_init(&g.log, in);
    int status = trace_each_document(in, &g, read_line, err);
    if (status == 0)
        status = log_settle(&g.log, err);
    log_free(&g.log);
    return status;
}

const struct trace_reader trace_reader_guidellm = {
    "guidellm",
    "GuideLLM's benchmarks.json",
    probe,
    read_rows,
};
