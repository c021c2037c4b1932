/* The writers: canonical JSON Lines, Mooncake's four keys, CSV. */
#include "workloads/trace/trace_json.h"

#include "core/csv/csv.h"
#include "core/json/json_write.h"
#include "workloads/trace/trace_sink.h"

#include <string.h>

#define FLUSH_SIZE ((size_t)1 << 17)

int trace_output_from_name(const char *name)
{
    static const char *const names[] = {"jsonl", "mooncake", "csv"};
    for (int i = 0; i < 3; i++)
        if (strcmp(name, names[i]) == 0)
            return i;
    return -1;
}

void trace_put_hash_ids(struct json_writer *w, const struct request *r)
{
    json_begin_array(w);
    for (size_t i = 0; i < r->hash_count; i++)
        json_put_u64(w, r->hash_ids[i]);
    json_end_array(w);
}

static void put_mooncake(const struct request *r, struct buffer *out)
{
    struct json_writer j;
    json_write_init(&j, out, 0);
    json_begin_object(&j);
    json_pair_ms(&j, "timestamp", r->timestamp_ns);
    json_pair_u64(&j, "input_length", r->input_tokens);
    json_pair_u64(&j, "output_length", r->output_tokens);
    json_key(&j, "hash_ids");
    trace_put_hash_ids(&j, r);
    json_end_object(&j);
    buffer_add_byte(out, '\n');
}

/* A text field; absent = empty. */
static void put_field(struct buffer *out, const char *text)
{
    buffer_add_byte(out, ',');
    if (text)
        csv_add_text(out, text_of(text));
}

/* Those of media only where some request has them. */
static const enum usage_class csv_classes[] = {
    USAGE_CACHED_INPUT,       USAGE_CACHE_WRITE,  USAGE_CACHE_WRITE_1H, USAGE_REASONING,
    USAGE_IMAGE_INPUT,        USAGE_AUDIO_INPUT,  USAGE_VIDEO_INPUT,    USAGE_CACHED_IMAGE_INPUT,
    USAGE_CACHED_AUDIO_INPUT, USAGE_IMAGE_OUTPUT, USAGE_AUDIO_OUTPUT,
};
#define CSV_CLASSES (sizeof csv_classes / sizeof *csv_classes)
#define CSV_PLAIN_CLASSES 4

static void put_csv(const struct workload *w, size_t i, const struct request *r, struct buffer *out)
{
    char made[REQUEST_ID_SIZE], cost[MONEY_TEXT_SIZE] = "";
    struct json_writer j;
    json_write_init(&j, out, 0);
    if (r->timestamp_ns != TIME_NEVER)
        json_put_ms(&j, r->timestamp_ns);
    buffer_add_format(out, ",%u,%u", r->input_tokens, r->output_tokens);
    put_field(out, workload_request_id(w, i, made));
    put_field(out, r->session_id);
    put_field(out, r->model);
    put_field(out, r->class_name);
    put_field(out, request_service(r));
    buffer_add_format(out, ",%d", r->priority);
    size_t classes = w->media ? CSV_CLASSES : CSV_PLAIN_CLASSES;
    for (size_t k = 0; k < classes; k++) {
        buffer_add_byte(out, ',');
        if (r->has_usage)
            buffer_add_u64(out, r->usage.tokens[csv_classes[k]]);
    }
    put_field(out, trace_status_names[r->status]);
    buffer_add_format(out, ",%u", r->attempts);
    if (r->has_cost)
        money_format(r->cost, cost);
    put_field(out, cost);
    buffer_add_byte(out, '\n');
}

void trace_put_header(const struct workload *w, enum trace_output form, struct buffer *out)
{
    if (form == TRACE_CANONICAL && w->has_start) {
        char instant[CLOCK_INSTANT_SIZE];
        clock_format_instant(w->start_unix_ns, instant);
        buffer_add_format(out, "{\"start\": \"%s\"}\n", instant);
    } else if (form == TRACE_CSV) {
        buffer_add_text(out, "timestamp_ms,input_length,output_length,request_id,session_id,model,"
                             "class,service,priority");
        for (size_t k = 0; k < (w->media ? CSV_CLASSES : CSV_PLAIN_CLASSES); k++)
            put_field(out, usage_class_name(csv_classes[k]));
        buffer_add_text(out, ",status,attempts,cost_usd\n");
    }
}

void trace_put_row(const struct workload *w, size_t i, enum trace_output form, struct buffer *out)
{
    struct request r;
    workload_get(w, i, &r);
    if (form == TRACE_CANONICAL)
        trace_put_canonical(w, &r, out);
    else if (form == TRACE_MOONCAKE)
        put_mooncake(&r, out);
    else
        put_csv(w, i, &r, out);
}

void trace_output_losses(const struct workload *w, enum trace_output form, struct buffer *out)
{
    const struct {
        bool used, csv_too;
        const char *what;
    } columns[] = {
        {w->has_start, true, "the start instant"},
        {w->ids.count > 0, false, "request ids"},
        {w->session != NULL, false, "sessions"},
        {w->model != NULL, false, "models"},
        {w->class_number != NULL, false, "classes"},
        {w->service != NULL, false, "services"},
        {w->initiator != NULL, true, "initiators"},
        {w->priority != NULL, false, "priorities"},
        {w->labels != NULL, true, "labels"},
        {w->delay_ns != NULL, true, "delays"},
        {form == TRACE_CSV && w->hash_start, true, "hash ids"},
        {w->messages_start != NULL, true, "messages"},
        {w->body_start != NULL, true, "bodies"},
        {w->image_start != NULL, true, "images"},
        {w->usage_known != NULL, false, "recorded usage"},
        {form == TRACE_CSV && w->usage_extra_count > 0, true, "tools and units"},
        {w->status != NULL, false, "outcomes"},
        {w->attempts != NULL, false, "attempts"},
        {w->cost != NULL, false, "costs"},
        {w->first_token_ns || w->end_ns, true, "measured times"},
        {w->finish != NULL, true, "finish reasons"},
        {w->extra_start != NULL, true, "unknown keys"},
    };
    for (size_t i = 0; i < sizeof columns / sizeof *columns && form != TRACE_CANONICAL; i++) {
        if (!columns[i].used || (form == TRACE_CSV && !columns[i].csv_too))
            continue;
        if (out->length > 0)
            buffer_add_text(out, ", ");
        buffer_add_text(out, columns[i].what);
    }
}

/* What a form cannot hold without changing the workload. */
static int check_form(const struct workload *w, enum trace_output form, struct error *err)
{
    if (form == TRACE_CANONICAL)
        return 0;
    if (w->requests)
        return error_set(err, ERR_INPUT,
                         "rows of this workload stand for many requests; only jsonl can hold it");
    if (w->after_start)
        return error_set(err, ERR_INPUT,
                         "this workload has requests that wait for others "
                         "(\"after\"); only jsonl can hold it");
    for (size_t i = 0; i < w->count; i++)
        if (w->timestamp_ns[i] == TIME_NEVER)
            return error_set(err, ERR_INPUT, "request %zu has no timestamp; only jsonl can hold it",
                             i + 1);
    return 0;
}

static int put_all(const struct workload *w, enum trace_output form, struct trace_sink *s,
                   struct error *err)
{
    struct buffer b;
    int status = 0;
    buffer_init(&b, BUFFER_UNBOUNDED);
    trace_put_header(w, form, &b);
    for (size_t i = 0; i < w->count && status == 0; i++) {
        size_t before = b.length;
        trace_put_row(w, i, form, &b);
        if (b.length - before > TRACE_MAX_LINE)
            status = error_set(err, ERR_INPUT,
                               "request %zu would be a line of more than %zu bytes, which no trace "
                               "may have: a larger block_size makes fewer hash_ids",
                               i + 1, TRACE_MAX_LINE);
        else if (b.length >= FLUSH_SIZE)
            status = trace_sink_put(s, &b, err);
    }
    if (status == 0 && b.length > 0)
        status = trace_sink_put(s, &b, err);
    buffer_free(&b);
    return status;
}

int trace_write(const struct workload *w, enum trace_output form, const char *path,
                struct error *err)
{
    struct trace_sink s;
    int status = check_form(w, form, err);
    if (status == 0)
        status = trace_sink_open(&s, path, err);
    if (status < 0)
        return status;
    return trace_sink_close(&s, put_all(w, form, &s, err), err);
}
