/* requests.jsonl: one record a line.
 *
 *     struct record_reader r;
 *     if (record_reader_open(&r, "results/x/requests.jsonl", err) < 0) ...
 *     struct record rec;
 *     while ((more = record_reader_next(&r, &rec, err)) > 0)
 *         use(&rec);                    // texts are lent until the next call
 *     record_reader_close(&r);
 *
 * The keys are the rows of record_table (results/README.md explains them); an absent key means that
 * it never happened or was not said.
 */
#ifndef FAREBOX_CORE_RUNS_RECORD_RECORD_FILE_H
#define FAREBOX_CORE_RUNS_RECORD_RECORD_FILE_H

#include "core/buffer.h"
#include "core/error.h"
#include "core/file.h"
#include "core/runs/record/record.h"

struct json_table;

/* What --record asks to keep beyond the usual. */
enum record_detail { RECORD_CHUNKS = 1, RECORD_TEXT = 2, RECORD_RAW = 4 };

/* A row a key. A new time of a record is a member and a row here. */
extern const struct json_table record_table;

/* Appends the record as one line. */
void record_write_line(const struct record *r, unsigned detail, struct buffer *out);

struct record_reader {
    struct line_reader lines;
    struct buffer texts; /* the texts of the record lent last */
    int64_t *chunks;
    size_t chunk_count, chunk_capacity;
    struct usage_extra extras[32];
    bool torn; /* the last line was cut, as a killed run leaves it; it was passed over */
};

int record_reader_open(struct record_reader *r, const char *path, struct error *err);

/* 1: a record; 0: the end; negative: an error with file, line and column. A last line that is cut
 * short ends the file and sets `torn`. */
int record_reader_next(struct record_reader *r, struct record *out, struct error *err);

void record_reader_close(struct record_reader *r);

/* Takes a record, whose texts are lent until it returns: 0, or an error code that ends reading. */
typedef int record_taker(void *context, const struct record *r, struct error *err);

/* A run without run.json, histograms.json or server.jsonl is read without what only they know. An
 * error where they are there and cannot be read; run_records_read asks this first. */
int run_records_check(const char *run, struct error *err);

/* Gives the records of a run directory's requests.jsonl to `take`, each once and in their order.
 * `torn` (may be NULL): the last line was cut. */
int run_records_read(const char *run, record_taker *take, void *context, bool *torn,
                     struct error *err);

#endif
