#include "core/runs/record/record_file.h"
#include "core/runs/record/run_dir.h"

#include <stdlib.h>

int run_records_read(const char *run, record_taker *take, void *context, bool *torn,
                     struct error *err)
{
    char *file = run_dir_file(run, "requests.jsonl");
    struct record_reader reader;
    struct record r;
    int more = record_reader_open(&reader, file, err);
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
