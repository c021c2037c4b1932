#include "core/memory.h"
#include "core/runs/record/record_file.h"
#include "core/runs/record/run_dir.h"

#include <stdlib.h>

int run_records_check(const char *run, struct error *err)
{
    static const char *const names[] = {"run.json", "histograms.json", "server.jsonl"};
    int status = 0;
    for (size_t i = 0; i < COUNT_OF(names) && status == 0; i++) {
        char *file = run_dir_file(run, names[i]);
        struct line_reader reader;
        struct text start;
        if (file_exists(file) && (status = line_reader_open(&reader, file, 1, err)) == 0) {
            status = line_reader_peek(&reader, 1, &start, err);
            line_reader_close(&reader);
        }
        free(file);
    }
    return status;
}

int run_records_read(const char *run, record_taker *take, void *context, bool *torn,
                     struct error *err)
{
    char *file = run_dir_file(run, "requests.jsonl");
    struct record_reader reader;
    struct record r;
    int more = run_records_check(run, err);
    if (more == 0)
        more = record_reader_open(&reader, file, err);
    free(file);
    if (more < 0)
        return more;
    while ((more = record_reader_next(&reader, &r, err)) > 0)
        if ((more = take(context, &r, err)) < 0)
            break;
    if (torn)
        *torn = reader.torn;
    record_reader_close(&reader);
    return more;
}
