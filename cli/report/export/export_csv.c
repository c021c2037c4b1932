/* A run's requests as CSV: one line each, with our own times. */
#include "cli/report/export/export_rows.h"

#include "core/csv/csv.h"

#include <inttypes.h>

/* Empty where there is none. */
static void add_field(struct buffer *out, const char *text)
{
    if (text)
        csv_add_text(out, text_of(text));
}

/* Milliseconds with all six decimals that nanoseconds have; empty where an instant is missing. */
static void add_ms(struct buffer *out, int64_t from_ns, int64_t to_ns)
{
    buffer_add_byte(out, ',');
    if (from_ns == TIME_NEVER || to_ns == TIME_NEVER)
        return;
    int64_t ns = to_ns - from_ns;
    uint64_t size = ns < 0 ? 0 - (uint64_t)ns : (uint64_t)ns;
    buffer_add_format(out, "%s%" PRIu64 ".%06" PRIu64, ns < 0 ? "-" : "", size / 1000000,
                      size % 1000000);
}

static const char *outcome(const struct export_row *r)
{
    return r->status == RECORD_FAILED   ? failure_name(r->failure)
           : r->status == RECORD_UNSENT ? unsent_name(r->unsent)
                                        : NULL;
}

static void add_line(const struct export_rows *x, const struct export_row *r, struct buffer *out)
{
    const char *const names[] = {export_name(x, r->id),         export_name(x, r->session),
                                 export_name(x, r->endpoint),   export_name(x, r->model),
                                 export_name(x, r->class_name), export_name(x, r->service),
                                 record_status_name(r->status), outcome(r),
                                 export_name(x, r->finish)};
    bool done = r->status == RECORD_COMPLETED;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (i)
            buffer_add_byte(out, ',');
        add_field(out, names[i]);
    }
    buffer_add_format(out, ",%d,%u,%u,%u,%u,%u,%u,%u,%u", r->http_status, r->attempts, r->turn,
                      r->asked_input, r->asked_output, r->usage_from == USAGE_NONE ? 0 : r->input,
                      r->cached, r->output, r->reasoning);
    for (int i = 0; i < USAGE_MEDIA_CLASSES && x->media_count; i++)
        buffer_add_format(out, ",%u", r->media ? x->media[r->media - 1].tokens[i] : 0);
    add_ms(out, 0, r->scheduled_ns);
    add_ms(out, r->scheduled_ns, r->ready_ns);
    add_ms(out, r->ready_ns, r->sent_ns);
    add_ms(out, r->sent_ns, r->streamed ? r->first_token_ns : TIME_NEVER);
    add_ms(out, r->scheduled_ns, r->streamed ? r->first_token_ns : TIME_NEVER);
    add_ms(out, r->sent_ns, r->streamed ? r->first_output_ns : TIME_NEVER);
    add_ms(out, r->sent_ns, done ? r->last_token_ns : TIME_NEVER);
    add_ms(out, r->scheduled_ns, done ? r->last_token_ns : TIME_NEVER);
    add_ms(out, r->sent_ns, r->done_ns);
    buffer_add_format(out, ",%u,", r->chunks_seen);
    add_field(out, export_name(x, r->message));
    buffer_add_text(out, "\n");
}

void export_write_csv(const struct export_rows *x, struct buffer *out)
{
    buffer_add_text(out, "request_id,session_id,endpoint,model,class,service,status,error,"
                         "finish_reason,http_status,attempts,turn,asked_input_tokens,"
                         "asked_output_tokens,input_tokens,cached_input_tokens,output_tokens,"
                         "reasoning_tokens");
    for (int c = USAGE_PLAIN_CLASSES; c < USAGE_CLASSES && x->media_count; c++)
        buffer_add_format(out, ",%s_tokens", usage_class_name((enum usage_class)c));
    buffer_add_text(out, ",scheduled_ms,queue_ms,send_lag_ms,ttft_ms,"
                         "ttft_scheduled_ms,ttfo_ms,e2e_ms,e2e_scheduled_ms,done_ms,chunks,"
                         "message\n");
    for (size_t i = 0; i < x->count; i++)
        add_line(x, &x->rows[i], out);
}
