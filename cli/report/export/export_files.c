/* The files of other tools, from a run's requests as rows. */
#include "cli/report/export/export_rows.h"

#include "core/file.h"
#include "core/file_output.h"
#include "core/memory.h"
#include "core/runs/record/run_dir.h"

#include <stdlib.h>

const char *const export_aiperf_names[] = {"profile_export.jsonl", "profile_export_aiperf.json",
                                           NULL};

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
        status = write_file(folder, export_aiperf_names[0], &text, notes, err);
    }
    if (status == 0) {
        export_write_aiperf_summary(q, x, &text);
        status = write_file(folder, export_aiperf_names[1], &text, notes, err);
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

int export_write_files(const struct export_request *q, struct buffer *notes, struct error *err)
{
    const struct export_rows *x = q->rows;
    export_rows_sort(q->rows);
    int status =
        q->kind == EXPORT_AIPERF ? write_aiperf(q, x, notes, err) : write_one(q, x, notes, err);
    if (status == 0)
        tell_what_is_missing(q, x, notes);
    return status;
}
