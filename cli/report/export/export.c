#include "cli/report/export/export_rows.h"

#include "core/csv/csv.h"
#include "core/file.h"
#include "core/file_output.h"
#include "core/memory.h"
#include "core/runs/record/run_dir.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

int export_parse_kind(const char *name, enum export_kind *out, struct error *err)
{
    static const char *const names[] = {"vllm", "aiperf", "csv"};
    for (int i = 0; i < 3; i++)
        if (strcmp(name, names[i]) == 0) {
            *out = (enum export_kind)i;
            return 0;
        }
    return error_set(err, ERR_INPUT, "--export %s: expected vllm, aiperf or csv", name);
}

/* ---- CSV ---- */

/* Empty where there is none. */
static void add_field(struct buffer *out, const char *text)
{
    if (text)
        csv_add_field(out, text_of(text));
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

/* ---- files ---- */

static const char *const aiperf_names[] = {"profile_export.jsonl", "profile_export_aiperf.json"};

int export_check_output(enum export_kind kind, const char *output, bool force, struct error *err)
{
    int status = 0;
    if (!output)
        return 0;
    if (kind != EXPORT_AIPERF)
        return file_output_check(output, force, err);
    if (strcmp(output, "-") == 0)
        return error_set(err, ERR_INPUT,
                         "--export aiperf makes two files: --output takes a "
                         "directory, which standard output (-) is not");
    for (size_t i = 0; i < 2 && status == 0; i++) {
        char *path = run_dir_file(output, aiperf_names[i]);
        status = file_output_check(path, force, err);
        free(path);
    }
    return status;
}

static int write_file(const char *folder, const char *name, struct buffer *content,
                      struct buffer *notes, struct error *err)
{
    char *path = name ? run_dir_file(folder, name) : mem_copy_string(folder);
    int status = file_write_atomic(path, content->data, content->length, err);
    if (status == 0)
        buffer_add_format(notes, "wrote %s\n", file_output_name(path));
    free(path);
    buffer_clear(content);
    return status;
}

static int write_aiperf(const struct export_request *q, const struct export_rows *x,
                        struct buffer *notes, struct error *err)
{
    char *folder = q->output ? mem_copy_string(q->output) : run_dir_file(q->run, "aiperf");
    struct buffer text;
    buffer_init(&text, BUFFER_UNBOUNDED);
    int status = file_make_directories(folder, err);
    if (status == 0) {
        export_write_aiperf_rows(x, &text);
        status = write_file(folder, aiperf_names[0], &text, notes, err);
    }
    if (status == 0) {
        export_write_aiperf_summary(q, x, &text);
        status = write_file(folder, aiperf_names[1], &text, notes, err);
    }
    buffer_free(&text);
    free(folder);
    return status;
}

static int write_one(const struct export_request *q, const struct export_rows *x,
                     struct buffer *notes, struct error *err)
{
    const char *name = q->kind == EXPORT_VLLM ? "vllm.json" : "requests.csv";
    struct buffer text;
    buffer_init(&text, BUFFER_UNBOUNDED);
    if (q->kind == EXPORT_VLLM)
        export_write_vllm(q, x, &text);
    else
        export_write_csv(x, &text);
    int status = q->output ? write_file(q->output, NULL, &text, notes, err)
                           : write_file(q->run, name, &text, notes, err);
    buffer_free(&text);
    return status;
}

/* Nothing is left out silently. */
static void tell_what_is_missing(const struct export_request *q, const struct export_rows *x,
                                 struct buffer *notes)
{
    if (q->kind == EXPORT_CSV)
        return;
    if (!x->has_chunks)
        buffer_add_format(notes, "%s: the run did not keep its chunks' times (--record chunks)\n",
                          q->kind == EXPORT_VLLM
                              ? "without itls, ITL statistics and max_output_tokens_per_s"
                              : "without inter_chunk_latency and time_to_second_token");
    if (x->sent < x->count)
        buffer_add_format(notes, "%zu requests that were never sent are left out\n",
                          x->count - x->sent);
    if (q->kind == EXPORT_VLLM && x->text_count == 0)
        buffer_add_text(notes, "without generated_texts: the run did not keep them "
                               "(--record text)\n");
}

int export_run(const struct export_request *q, struct buffer *notes, struct error *err)
{
    const struct export_rows *x = q->rows;
    export_rows_sort(q->rows);
    int status =
        q->kind == EXPORT_AIPERF ? write_aiperf(q, x, notes, err) : write_one(q, x, notes, err);
    if (status == 0)
        tell_what_is_missing(q, x, notes);
    return status;
}
