/* Inside cli/report/export: the tables of an exported database, and a statement's values. */
#ifndef FAREBOX_CLI_REPORT_EXPORT_SQLITE_TABLES_H
#define FAREBOX_CLI_REPORT_EXPORT_SQLITE_TABLES_H

#include "core/runs/record/record.h"
#include "core/text.h"
#include "sim/cost/bill/bill.h"

#include <sqlite3.h>

/* The columns are told in docs/exports.md; a change of one that is there is a new version. */
#define SQLITE_TABLES_VERSION "1"

/* What makes the tables and views. */
extern const char sqlite_tables[];

/* What a run's own files add, by run_id (?1) and a text (?2): */
extern const char sqlite_add_summary[];  /* summary.json */
extern const char sqlite_add_metrics[];  /* summary.json */
extern const char sqlite_add_timeline[]; /* a line of timeline.jsonl */
extern const char sqlite_add_server[];   /* a line of server.jsonl */
extern const char sqlite_add_bills[];    /* bill.json */
extern const char sqlite_add_parts[];    /* bill.json */
extern const char sqlite_number_turns[]; /* without a text */

/* The values of a row in the order of its table's columns. */
struct sqlite_row {
    sqlite3_stmt *statement;
    int column; /* that was bound last */
};

/* NULL and TIME_NEVER are null. Texts are copied. */
void sqlite_put_text(struct sqlite_row *row, const char *text);
void sqlite_put_i64(struct sqlite_row *row, int64_t value);
void sqlite_put_count(struct sqlite_row *row, bool known, uint64_t value);
void sqlite_put_time(struct sqlite_row *row, int64_t ns);
void sqlite_put_ms(struct sqlite_row *row, int64_t from_ns, int64_t to_ns);

/* The row of `attempts`, and that of `requests` for a final attempt that was first ready and sent
 * at these instants. `start_unix_ns`: TIME_NEVER is not known. */
void sqlite_put_attempt(struct sqlite_row *row, int64_t run, uint64_t number,
                        const struct record *r);
void sqlite_put_request(struct sqlite_row *row, int64_t run, const struct record *r,
                        int64_t ready_ns, int64_t sent_ns, int64_t start_unix_ns);

/* Inserts the rows of `charges`: what is paid by the period is in none. 0, or -1 where SQLite says
 * no. */
int sqlite_put_charges(sqlite3_stmt *insert, int64_t run, const struct bill *b);

#endif
