#include "bench/recorder/row.h"

#include "core/json/json_write.h"
#include "workloads/model/record_request.h"
#include "workloads/trace/trace_json.h"

#include <stdio.h>
#include <string.h>

static void put_extra(const struct row *row, struct buffer *out)
{
    const struct record *r = row->record;
    struct json_writer w;
    json_write_init(&w, out, 0);
    json_begin_object(&w);
    if (r->first_token_ns != TIME_NEVER)
        json_pair_ms(&w, "first_token_ms", r->first_token_ns - row->first_ns);
    json_pair_ms(&w, "end_ms", r->done_ns - row->first_ns);
    if (r->finish_reason)
        json_pair_string(&w, "finish_reason", r->finish_reason);
    if (r->http_status)
        json_pair_u64(&w, "http_status", (uint64_t)r->http_status);
    if (r->status == RECORD_FAILED)
        json_pair_string(&w, "error", failure_name(r->failure));
    if (row->tools.length > 0)
        json_pair_raw(&w, "tools_called", row->tools);
    if (r->usage_from == USAGE_ESTIMATED)
        json_pair_string(&w, "usage_from", "estimated");
    json_end_object(&w);
}

/* JSON that stood on several lines; outside of strings a line end is a blank, and inside there is
 * none. */
static struct text on_one_line(struct text json, struct buffer *held)
{
    buffer_clear(held);
    buffer_add(held, json.at, json.length);
    for (size_t i = 0; i < held->length; i++)
        if (held->data[i] == '\n' || held->data[i] == '\r')
            held->data[i] = ' ';
    return (struct text){held->data ? held->data : "", held->length};
}

static void put(const struct row *row, struct request *q, struct buffer *out)
{
    static const uint32_t first = 0;
    struct workload names; /* of the one row that this one waits for */
    char before[REQUEST_ID_SIZE];
    workload_init(&names);
    if (row->follows) {
        snprintf(before, sizeof before, "r%u", row->after + 1);
        request_ids_add(&names.ids, text_of(before));
        q->after = &first;
        q->after_count = 1;
        q->delay_ns = row->delay_ns;
    }
    trace_put_canonical(&names, q, out);
    workload_free(&names);
}

void row_put(const struct row *row, struct buffer *out)
{
    char id[REQUEST_ID_SIZE], session[REQUEST_ID_SIZE];
    struct request q = record_request(row->record);
    struct buffer extra, body;
    buffer_init(&extra, BUFFER_UNBOUNDED);
    buffer_init(&body, BUFFER_UNBOUNDED);
    snprintf(id, sizeof id, "r%u", row->id + 1);
    snprintf(session, sizeof session, "s%u", row->session + 1);
    put_extra(row, &extra);
    q.timestamp_ns = row->first_ns;
    q.request_id = id;
    q.session_id = row->session_id ? row->session_id : session;
    q.attempts = row->attempts;
    q.initiator = row->asked->initiator;
    q.has_usage = row->record->usage_from == USAGE_SERVER;
    q.hash_ids = row->hash_ids;
    q.hash_count = row->hash_count;
    q.block_size = row->block_tokens;
    q.extra = (struct text){extra.data + 1, extra.length - 2};
    if (row->content)
        q.body = on_one_line(row->asked->body, &body);
    put(row, &q, out);
    buffer_free(&extra);
    buffer_free(&body);
}
