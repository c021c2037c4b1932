#include "cli/report/export/export.h"

#include "cli/report/export/export_otlp.h"
#include "cli/report/export/export_rows.h"
#include "cli/report/export/export_sqlite.h"
#include "core/file_output.h"
#include "core/memory.h"
#include "core/runs/record/run_dir.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct export
{
    struct export_target target;
    const char *run;          /* that is read now; lent */
    struct export_rows *rows; /* of vllm, aiperf, csv */
    struct otlp *otlp;
    struct sqlite_export *sqlite;
    bool undated; /* a run of it does not say when it began */
    uint64_t unsent;
};

static const char *const kind_names[] = {"vllm", "aiperf", "csv", "otlp", "sqlite", NULL};

int export_parse_kind(const char *name, enum export_kind *out, struct error *err)
{
    int place = text_place(text_of(name), kind_names);
    if (place < 0)
        return error_set(err, ERR_INPUT, "--export %s: expected vllm, aiperf, csv, otlp or sqlite",
                         name);
    *out = (enum export_kind)place;
    return 0;
}

bool export_holds_many(enum export_kind kind)
{
    return kind == EXPORT_OTLP || kind == EXPORT_SQLITE;
}

static int check_folder(const char *output, bool force, struct error *err)
{
    int status = 0;
    for (size_t i = 0; export_aiperf_names[i] && status == 0; i++) {
        char *path = run_dir_file(output, export_aiperf_names[i]);
        status = file_output_check(path, force, err);
        free(path);
    }
    return status;
}

int export_check_output(enum export_kind kind, const char *output, bool force, struct error *err)
{
    if (!output)
        return 0;
    bool stream = strcmp(output, "-") == 0;
    if (stream && kind == EXPORT_AIPERF)
        return error_set(err, ERR_INPUT,
                         "--export aiperf makes two files: --output takes a "
                         "directory, which standard output (-) is not");
    if (stream && kind == EXPORT_SQLITE)
        return error_set(err, ERR_INPUT,
                         "--export sqlite makes a database: --output takes a file, which standard "
                         "output (-) is not");
    return kind == EXPORT_AIPERF ? check_folder(output, force, err)
                                 : file_output_check(output, force, err);
}

struct export *export_create(const struct export_target *target)
{
    struct export *x = mem_zero(1, sizeof *x);
    x->target = *target;
    return x;
}

/* ---- the file that is written while records come ---- */

static char *path_of(const struct export *x)
{
    if (x->target.output)
        return mem_copy_string(x->target.output);
    return run_dir_file(x->run, x->target.kind == EXPORT_OTLP ? "otlp.jsonl" : "run.sqlite");
}

static int open_file(struct export *x, struct error *err)
{
    if (x->otlp || x->sqlite)
        return 0;
    char *path = path_of(x);
    if (x->target.kind == EXPORT_OTLP)
        x->otlp = otlp_open(path, err);
    else
        x->sqlite = sqlite_export_open(path, err);
    free(path);
    return x->otlp || x->sqlite ? 0 : err->code;
}

/* What its readers have to know. */
static void note_file(const struct export *x, struct buffer *notes)
{
    char *path = path_of(x);
    buffer_add_format(notes, "wrote %s\n", file_output_name(path));
    free(path);
    if (x->unsent)
        buffer_add_format(notes, "%" PRIu64 " requests that were never sent have no span\n",
                          x->unsent);
    if (x->undated)
        buffer_add_format(notes,
                          "a run that does not say when it began, as no simulation does, %s "
                          "(--start)\n",
                          x->target.kind == EXPORT_OTLP
                              ? "has its times from 1970-01-01T00:00:00Z on"
                              : "has no dates");
}

static int close_file(struct export *x, int status, struct buffer *notes, struct error *err)
{
    bool open = x->otlp || x->sqlite;
    if (x->otlp)
        status = otlp_close(x->otlp, status, err);
    if (x->sqlite)
        status = sqlite_export_close(x->sqlite, status, err);
    x->otlp = NULL;
    x->sqlite = NULL;
    if (open && status == 0)
        note_file(x, notes);
    x->unsent = 0;
    x->undated = false;
    return status;
}

/* ---- a run ---- */

int export_begin(struct export *x, const char *run, const struct run_json *said,
                 const struct collector *collector, struct error *err)
{
    bool dated = true;
    int64_t start = x->target.start_unix_ns;
    x->run = run;
    if (!export_holds_many(x->target.kind)) {
        x->rows = export_rows_create(said, collector);
        return 0;
    }
    int status = open_file(x, err);
    if (status == 0 && x->otlp)
        dated = otlp_begin(x->otlp, run, said, start);
    else if (status == 0)
        status = sqlite_export_begin(x->sqlite, run, said, collector, start, &dated, err);
    x->undated |= !dated && start == TIME_NEVER;
    return status;
}

int export_add(struct export *x, const struct record *r, struct error *err)
{
    if (x->otlp)
        return otlp_add(x->otlp, r, err);
    if (x->sqlite)
        return sqlite_export_add(x->sqlite, r, err);
    export_rows_add(x->rows, r);
    return 0;
}

static int end_rows(struct export *x, const struct summary *summary, struct buffer *notes,
                    struct error *err)
{
    const struct export_request q = {.kind = x->target.kind,
                                     .run = x->run,
                                     .output = x->target.output,
                                     .summary = summary,
                                     .rows = x->rows};
    int status = export_write_files(&q, notes, err);
    export_rows_free(x->rows);
    x->rows = NULL;
    return status;
}

int export_end(struct export *x, const struct summary *summary, const struct bill *bill,
               struct buffer *notes, struct error *err)
{
    if (x->rows)
        return end_rows(x, summary, notes, err);
    int status =
        x->otlp ? otlp_end(x->otlp, err) : sqlite_export_end(x->sqlite, summary, bill, err);
    x->unsent += x->otlp ? otlp_unsent(x->otlp) : 0;
    return x->target.output ? status : close_file(x, status, notes, err);
}

int export_close(struct export *x, int status, struct buffer *notes, struct error *err)
{
    if (!x)
        return status;
    status = close_file(x, status, notes, err);
    export_rows_free(x->rows);
    free(x);
    return status;
}
