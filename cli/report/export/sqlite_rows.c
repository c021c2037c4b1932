/* Records as rows of an exported database. */
#include "cli/report/export/sqlite_tables.h"

#include "core/buffer.h"
#include "core/json/json_write.h"

#include <stddef.h>

/* ---- values ---- */

void sqlite_put_text(struct sqlite_row *row, const char *text)
{
    sqlite3_bind_text(row->statement, ++row->column, text, -1, SQLITE_TRANSIENT);
}

void sqlite_put_i64(struct sqlite_row *row, int64_t value)
{
    sqlite3_bind_int64(row->statement, ++row->column, value);
}

void sqlite_put_count(struct sqlite_row *row, bool known, uint64_t value)
{
    if (known)
        sqlite3_bind_int64(row->statement, ++row->column,
                           value < INT64_MAX ? (int64_t)value : INT64_MAX);
    else
        sqlite3_bind_null(row->statement, ++row->column);
}

void sqlite_put_time(struct sqlite_row *row, int64_t ns)
{
    if (ns != TIME_NEVER)
        sqlite3_bind_int64(row->statement, ++row->column, ns);
    else
        sqlite3_bind_null(row->statement, ++row->column);
}

static void put_real(struct sqlite_row *row, bool known, double value)
{
    if (known)
        sqlite3_bind_double(row->statement, ++row->column, value);
    else
        sqlite3_bind_null(row->statement, ++row->column);
}

void sqlite_put_ms(struct sqlite_row *row, int64_t from_ns, int64_t to_ns)
{
    bool known = from_ns != TIME_NEVER && to_ns != TIME_NEVER;
    put_real(row, known, known ? (double)(to_ns - from_ns) / 1e6 : 0);
}

static void put_money(struct sqlite_row *row, bool known, money value)
{
    char text[MONEY_TEXT_SIZE];
    money_format(known ? value : 0, text);
    sqlite_put_text(row, known ? text : NULL);
}

/* ---- what both tables have ---- */

static const char *usage_source(const struct record *r)
{
    return r->usage_from == USAGE_SERVER      ? "server"
           : r->usage_from == USAGE_ESTIMATED ? "estimated"
                                              : NULL;
}

static void put_names(struct sqlite_row *row, const struct record *r)
{
    sqlite_put_text(row, r->endpoint);
    sqlite_put_text(row, r->model);
    sqlite_put_text(row, r->class_name);
    sqlite_put_text(row, r->service);
    sqlite_put_text(row, r->labels);
}

static void put_outcome(struct sqlite_row *row, const struct record *r)
{
    sqlite_put_text(row, record_status_name(r->status));
    sqlite_put_text(row, r->status == RECORD_FAILED   ? failure_name(r->failure)
                         : r->status == RECORD_UNSENT ? unsent_name(r->unsent)
                                                      : NULL);
    sqlite_put_text(row, r->message);
    sqlite_put_count(row, r->http_status != 0, (uint64_t)r->http_status);
    sqlite_put_text(row, r->finish_reason);
}

/* ---- requests ---- */

static void put_tokens(struct sqlite_row *row, const struct record *r)
{
    bool used = r->usage_from != USAGE_NONE;
    sqlite_put_i64(row, r->asked_input);
    sqlite_put_i64(row, r->asked_output);
    sqlite_put_text(row, usage_source(r));
    sqlite_put_count(row, used, usage_input(&r->usage));
    sqlite_put_count(row, used, usage_cached(&r->usage));
    sqlite_put_count(row, used, usage_output(&r->usage));
    sqlite_put_count(row, used, r->usage.tokens[USAGE_REASONING]);
    sqlite_put_i64(row, r->chunks);
}

/* Retries never reset the clock: from the first attempt's sending to the final one's tokens. */
static void put_latencies(struct sqlite_row *row, const struct record *r, int64_t ready_ns,
                          int64_t sent_ns)
{
    int64_t first = r->streamed ? r->first_token_ns : TIME_NEVER;
    int64_t output = r->streamed ? r->first_output_ns : TIME_NEVER;
    int64_t last = r->status == RECORD_COMPLETED ? r->last_token_ns : TIME_NEVER;
    int64_t per_token = 0;
    struct pace pace = record_pace(r);
    bool paced = r->status == RECORD_COMPLETED && pace_per_token(&pace, &per_token);
    sqlite_put_ms(row, 0, r->scheduled_ns);
    sqlite_put_ms(row, r->scheduled_ns, ready_ns);
    sqlite_put_ms(row, ready_ns, sent_ns);
    sqlite_put_ms(row, sent_ns, first);
    sqlite_put_ms(row, r->scheduled_ns, first);
    sqlite_put_ms(row, sent_ns, output);
    put_real(row, paced, (double)per_token / 1e6);
    sqlite_put_ms(row, sent_ns, last);
    sqlite_put_ms(row, r->scheduled_ns, last);
    sqlite_put_ms(row, sent_ns, r->done_ns);
}

void sqlite_put_request(struct sqlite_row *row, int64_t run, const struct record *r,
                        int64_t ready_ns, int64_t sent_ns, int64_t start_unix_ns)
{
    bool dated = start_unix_ns != TIME_NEVER && r->scheduled_ns != TIME_NEVER;
    sqlite_put_i64(row, run);
    sqlite_put_text(row, r->request_id);
    sqlite_put_text(row, r->session_id);
    sqlite_put_text(row, NULL); /* its turn is numbered in the end */
    put_names(row, r);
    put_outcome(row, r);
    sqlite_put_i64(row, r->attempt);
    put_tokens(row, r);
    sqlite_put_time(row, r->scheduled_ns);
    sqlite_put_time(row, sent_ns);
    put_real(row, dated, dated ? (double)(start_unix_ns + r->scheduled_ns) / 1e9 : 0);
    put_latencies(row, r, ready_ns, sent_ns);
    put_money(row, r->has_cost, r->cost);
}

/* ---- attempts ---- */

/* {"web_search": 2}, of tools and units alike; null where there are none. */
static void put_extras(struct sqlite_row *row, const struct usage *u)
{
    struct buffer text;
    struct json_writer w;
    if (u->extra_count == 0) {
        sqlite_put_text(row, NULL);
        return;
    }
    buffer_init(&text, BUFFER_UNBOUNDED);
    json_write_init(&w, &text, 0);
    json_begin_object(&w);
    for (size_t i = 0; i < u->extra_count; i++)
        json_pair_double(&w, u->extras[i].name, (double)u->extras[i].count_micro / 1e6);
    json_end_object(&w);
    sqlite_put_text(row, text.data);
    buffer_free(&text);
}

/* Names with blanks between them; null where nothing was. */
static void put_oddities(struct sqlite_row *row, uint32_t odd)
{
    struct buffer text;
    buffer_init(&text, BUFFER_UNBOUNDED);
    for (int i = 0; i < ODDITIES; i++)
        if (odd & UINT32_C(1) << i)
            buffer_add_format(&text, "%s%s", text.length ? " " : "", oddity_names[i]);
    sqlite_put_text(row, text.length ? text.data : NULL);
    buffer_free(&text);
}

static void put_answer(struct sqlite_row *row, const struct record *r)
{
    sqlite_put_i64(row, r->streamed);
    sqlite_put_i64(row, r->chunks);
    sqlite_put_count(row, r->first_chunk_tokens > 0, r->first_chunk_tokens);
    sqlite_put_i64(row, r->reasoning_chunks);
    sqlite_put_i64(row, r->slow_reader);
    put_oddities(row, r->odd);
    sqlite_put_i64(row, r->connects);
    sqlite_put_i64(row, r->long_history);
    put_money(row, r->has_cost, r->cost);
    sqlite_put_text(row, r->text);
    sqlite_put_text(row, r->raw_usage);
}

void sqlite_put_attempt(struct sqlite_row *row, int64_t run, uint64_t number,
                        const struct record *r)
{
    sqlite_put_i64(row, run);
    sqlite_put_i64(row, (int64_t)number);
    sqlite_put_text(row, r->request_id);
    sqlite_put_text(row, r->session_id);
    sqlite_put_i64(row, r->attempt);
    sqlite_put_i64(row, r->final);
    put_names(row, r);
    for (int i = 0; i < RECORD_TIMES; i++)
        sqlite_put_time(row, r->times_ns[i]);
    put_outcome(row, r);
    sqlite_put_i64(row, r->asked_input);
    sqlite_put_i64(row, r->asked_output);
    sqlite_put_i64(row, r->asked_images);
    sqlite_put_text(row, usage_source(r));
    for (int c = 0; c < USAGE_CLASSES; c++)
        sqlite_put_count(row, r->usage_from != USAGE_NONE, r->usage.tokens[c]);
    put_extras(row, &r->usage);
    put_answer(row, r);
}
