#include "cli/report/export/export_sqlite.h"

#include "cli/report/export/sqlite_tables.h"
#include "core/file.h"
#include "core/file_output.h"
#include "core/memory.h"
#include "core/runs/record/run_dir.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define MOST_BYTES ((size_t)256 << 20) /* of a bill.json, or of a line */

enum { INSERT_ATTEMPT, INSERT_REQUEST, INSERT_CHUNK, INSERTS };

struct sqlite_export {
    struct file_output file;
    char *name; /* of the file */
    sqlite3 *db;
    sqlite3_stmt *inserts[INSERTS];
    const char *run;    /* lent */
    const char *source; /* a file of the run that is read now; NULL */
    const struct collector *collector;
    int64_t run_id, start_unix_ns;
    uint64_t rows;
};

/* ---- SQLite's calls and their errors ---- */

static int fail(struct sqlite_export *x, struct error *err)
{
    const char *why = x->db ? sqlite3_errmsg(x->db) : "no memory";
    if (x->source)
        return error_set(err, ERR_INPUT, "%s cannot be taken into %s: %s", x->source, x->name, why);
    return error_set(err, ERR_SYSTEM, "%s cannot be written: %s", x->name, why);
}

static int execute(struct sqlite_export *x, const char *sql, struct error *err)
{
    return sqlite3_exec(x->db, sql, NULL, NULL, NULL) == SQLITE_OK ? 0 : fail(x, err);
}

static int prepare(struct sqlite_export *x, const char *sql, sqlite3_stmt **out, struct error *err)
{
    return sqlite3_prepare_v2(x->db, sql, -1, out, NULL) == SQLITE_OK ? 0 : fail(x, err);
}

/* Runs a statement whose values are bound, and makes it ready for the next ones. */
static int step(struct sqlite_export *x, sqlite3_stmt *statement, struct error *err)
{
    int status = sqlite3_step(statement) == SQLITE_DONE ? 0 : fail(x, err);
    sqlite3_reset(statement);
    return status;
}

/* "INSERT INTO attempts VALUES (?, ?, ...)", with as many values as the table has columns. */
static int prepare_insert(struct sqlite_export *x, const char *table, sqlite3_stmt **out,
                          struct error *err)
{
    struct buffer sql;
    sqlite3_stmt *columns = NULL;
    buffer_init(&sql, BUFFER_UNBOUNDED);
    buffer_add_format(&sql, "SELECT * FROM %s", table);
    int status = prepare(x, sql.data, &columns, err);
    int count = sqlite3_column_count(columns);
    sqlite3_finalize(columns);
    buffer_clear(&sql);
    buffer_add_format(&sql, "INSERT INTO %s VALUES (", table);
    for (int i = 0; i < count; i++)
        buffer_add_text(&sql, i ? ", ?" : "?");
    buffer_add_byte(&sql, ')');
    if (status == 0)
        status = prepare(x, sql.data, out, err);
    buffer_free(&sql);
    return status;
}

/* ---- the file ---- */

static int open_database(struct sqlite_export *x, struct error *err)
{
    static const char *const tables[INSERTS] = {"attempts", "requests", "chunks"};
    int status = 0;
    if (sqlite3_open(x->file.temporary, &x->db) != SQLITE_OK)
        return fail(x, err);
    sqlite3_limit(x->db, SQLITE_LIMIT_LENGTH, (int)MOST_BYTES);
    /* Nobody sees the file before it is whole: a journal would guard nothing. */
    status = execute(x,
                     "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;"
                     "PRAGMA user_version = " SQLITE_TABLES_VERSION,
                     err);
    if (status == 0)
        status = execute(x, sqlite_tables, err);
    for (int i = 0; i < INSERTS && status == 0; i++)
        status = prepare_insert(x, tables[i], &x->inserts[i], err);
    return status;
}

struct sqlite_export *sqlite_export_open(const char *path, struct error *err)
{
    struct sqlite_export *x = mem_zero(1, sizeof *x);
    if (file_output_open(&x->file, path, err) < 0) {
        free(x);
        return NULL;
    }
    x->name = mem_copy_string(file_output_name(path));
    int status = 0;
    if (!x->file.temporary)
        status = error_set(err, ERR_INPUT, "%s is no regular file, and a database needs one", path);
    if (status == 0)
        status = open_database(x, err);
    if (status == 0)
        return x;
    sqlite_export_close(x, status, err);
    return NULL;
}

int sqlite_export_close(struct sqlite_export *x, int status, struct error *err)
{
    for (int i = 0; i < INSERTS; i++)
        sqlite3_finalize(x->inserts[i]);
    if (sqlite3_close(x->db) != SQLITE_OK && status == 0)
        status = fail(x, err);
    status = file_output_close(&x->file, status, err);
    free(x->name);
    free(x);
    return status;
}

/* ---- a run ---- */

static void put_piece(struct sqlite_row *row, struct text piece)
{
    sqlite3_bind_text(row->statement, ++row->column, piece.length ? piece.at : NULL,
                      (int)piece.length, SQLITE_TRANSIENT);
}

static void put_run(struct sqlite_export *x, struct sqlite_row *row, const struct run_json *j)
{
    const char *slash = strrchr(x->run, '/'), *identity = j->json ? j->json : x->run;
    bool dated = x->start_unix_ns != TIME_NEVER;
    char key[24], started[CLOCK_INSTANT_SIZE];
    struct text versions = {NULL, 0}, version = {NULL, 0};
    snprintf(key, sizeof key, "%016" PRIx64, text_hash(identity, strlen(identity)));
    clock_format_instant(dated ? x->start_unix_ns : 0, started);
    if (j->json && json_member(j->json, "versions", &versions))
        json_member(versions.at, "farebox", &version);
    sqlite_put_i64(row, x->run_id);
    sqlite_put_text(row, slash && slash[1] ? slash + 1 : x->run);
    sqlite_put_text(row, key);
    put_piece(row, j->command);
    put_piece(row, version);
    sqlite_put_text(row, dated ? started : NULL);
    sqlite_put_time(row, x->start_unix_ns);
    put_piece(row, j->workload);
    sqlite_put_text(row, j->json);
}

int sqlite_export_begin(struct sqlite_export *x, const char *run, const struct run_json *said,
                        const struct collector *collector, int64_t start_unix_ns, bool *dated,
                        struct error *err)
{
    struct sqlite_row row = {0};
    x->run = run;
    x->collector = collector;
    x->run_id++;
    x->rows = 0;
    *dated = said->started_unix_ns != TIME_NEVER;
    x->start_unix_ns = *dated ? said->started_unix_ns : start_unix_ns;
    int status = execute(x, "BEGIN", err);
    if (status == 0)
        status = prepare_insert(x, "runs", &row.statement, err);
    if (status == 0) {
        put_run(x, &row, said);
        status = step(x, row.statement, err);
    }
    sqlite3_finalize(row.statement);
    return status;
}

static int add_chunks(struct sqlite_export *x, const struct record *r, struct error *err)
{
    int status = 0;
    for (uint32_t i = 0; r->chunk_ns && i < r->chunks && status == 0; i++) {
        struct sqlite_row row = {x->inserts[INSERT_CHUNK], 0};
        sqlite_put_i64(&row, x->run_id);
        sqlite_put_i64(&row, (int64_t)x->rows);
        sqlite_put_i64(&row, i);
        sqlite_put_time(&row, r->chunk_ns[i]);
        status = step(x, row.statement, err);
    }
    return status;
}

int sqlite_export_add(struct sqlite_export *x, const struct record *r, struct error *err)
{
    struct sqlite_row row = {x->inserts[INSERT_ATTEMPT], 0};
    int64_t ready_ns, sent_ns;
    sqlite_put_attempt(&row, x->run_id, ++x->rows, r);
    int status = step(x, row.statement, err);
    if (status == 0 && r->final) {
        collector_last_sending(x->collector, &ready_ns, &sent_ns);
        row = (struct sqlite_row){x->inserts[INSERT_REQUEST], 0};
        sqlite_put_request(&row, x->run_id, r, ready_ns, sent_ns, x->start_unix_ns);
        status = step(x, row.statement, err);
    }
    return status < 0 ? status : add_chunks(x, r, err);
}

/* ---- what the run's other files say ---- */

/* Runs a statement with the run and a text. */
static int add_text(struct sqlite_export *x, sqlite3_stmt *statement, const char *text,
                    size_t length, struct error *err)
{
    struct sqlite_row row = {statement, 0};
    sqlite_put_i64(&row, x->run_id);
    if (text)
        sqlite3_bind_text(statement, 2, text, (int)length, SQLITE_STATIC);
    return step(x, statement, err);
}

static int add_once(struct sqlite_export *x, const char *sql, const char *text, size_t length,
                    struct error *err)
{
    sqlite3_stmt *statement = NULL;
    int status = prepare(x, sql, &statement, err);
    if (status == 0)
        status = add_text(x, statement, text, length, err);
    sqlite3_finalize(statement);
    return status;
}

/* A last line that is cut short, as a killed run leaves it, is passed over. */
static int add_lines(struct sqlite_export *x, const char *name, const char *sql, struct error *err)
{
    struct line_reader lines;
    struct text line;
    sqlite3_stmt *statement = NULL;
    char *path = run_dir_file(x->run, name);
    int status = file_exists(path) ? prepare(x, sql, &statement, err) : 0, more = 0;
    if (statement && status == 0)
        status = line_reader_open(&lines, path, MOST_BYTES, err);
    if (statement && status == 0) {
        x->source = path;
        while (status == 0 && (more = line_reader_next(&lines, &line, err)) > 0)
            if (!lines.unterminated)
                status = add_text(x, statement, line.at, line.length, err);
        line_reader_close(&lines);
    }
    x->source = NULL;
    sqlite3_finalize(statement);
    free(path);
    return status < 0 ? status : more;
}

static int add_bill(struct sqlite_export *x, struct error *err)
{
    char *path = run_dir_file(x->run, "bill.json"), *text = NULL;
    size_t length = 0;
    int status = file_exists(path) ? file_read_all(path, MOST_BYTES, &text, &length, err) : 0;
    x->source = path;
    if (text && status == 0)
        status = add_once(x, sqlite_add_bills, text, length, err);
    if (text && status == 0)
        status = add_once(x, sqlite_add_parts, text, length, err);
    x->source = NULL;
    free(path);
    free(text);
    return status;
}

static int add_summary(struct sqlite_export *x, const struct summary *summary, struct error *err)
{
    static const char *const statements[] = {"UPDATE runs SET summary = ?2 WHERE run_id = ?1",
                                             sqlite_add_summary, sqlite_add_metrics};
    struct buffer text;
    struct json_writer w;
    int status = 0;
    buffer_init(&text, BUFFER_UNBOUNDED);
    json_write_init(&w, &text, 0);
    summary_write(summary, &w);
    for (size_t i = 0; i < COUNT_OF(statements) && status == 0; i++)
        status = add_once(x, statements[i], text.data, text.length, err);
    buffer_free(&text);
    return status;
}

static int add_charges(struct sqlite_export *x, const struct bill *bill, struct error *err)
{
    sqlite3_stmt *insert = NULL;
    int status = prepare_insert(x, "charges", &insert, err);
    if (status == 0 && sqlite_put_charges(insert, x->run_id, bill) < 0)
        status = fail(x, err);
    sqlite3_finalize(insert);
    return status;
}

int sqlite_export_end(struct sqlite_export *x, const struct summary *summary,
                      const struct bill *bill, struct error *err)
{
    int status = add_once(x, sqlite_number_turns, NULL, 0, err);
    if (status == 0)
        status = add_summary(x, summary, err);
    if (status == 0)
        status = add_lines(x, "timeline.jsonl", sqlite_add_timeline, err);
    if (status == 0)
        status = add_lines(x, "server.jsonl", sqlite_add_server, err);
    if (status == 0)
        status = add_bill(x, err);
    if (status == 0 && bill)
        status = add_charges(x, bill, err);
    return status < 0 ? status : execute(x, "COMMIT", err);
}
