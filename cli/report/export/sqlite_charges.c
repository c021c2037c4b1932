/* What each plan of a bill charges for each request, as rows of an exported database. */
#include "cli/report/export/sqlite_tables.h"

#include "sim/cost/bill/bill_rows.h"

#include <stdlib.h>

static void put_charge(struct sqlite_row *row, int64_t run, const struct bill *b,
                       const struct plan_bill *p, const struct bill_row *r)
{
    char id[REQUEST_ID_SIZE], charge[MONEY_TEXT_SIZE];
    bool served = serve_is_served(r->fate);
    money_format(r->charge, charge);
    sqlite_put_i64(row, run);
    sqlite_put_text(row, p->plan->name);
    sqlite_put_text(row, bill_caps_name(p));
    sqlite_put_text(row, workload_request_id(b->workload, r->row, id));
    sqlite_put_text(row, serve_fate_name(r->fate));
    sqlite_put_time(row, r->due_ns);
    sqlite_put_ms(row, r->due_ns, served ? r->start_ns : TIME_NEVER);
    sqlite_put_text(row, served ? charge : NULL);
}

int sqlite_put_charges(sqlite3_stmt *insert, int64_t run, const struct bill *b)
{
    int status = SQLITE_DONE;
    for (size_t p = 0; p < b->plan_count && status == SQLITE_DONE; p++) {
        struct bill_row *rows = NULL;
        size_t count = bill_repeats(b, p) ? 0 : bill_rows(b, p, &rows);
        for (size_t i = 0; i < count && status == SQLITE_DONE; i++) {
            struct sqlite_row row = {insert, 0};
            put_charge(&row, run, b, &b->plans[p], &rows[i]);
            status = sqlite3_step(insert);
            sqlite3_reset(insert);
        }
        free(rows);
    }
    return status == SQLITE_DONE ? 0 : -1;
}
