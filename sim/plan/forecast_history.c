#include "sim/plan/forecast_history.h"

#include "core/clock.h"
#include "core/file.h"
#include "core/memory.h"
#include "core/text.h"
#include "sim/cost/focus/focus.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define HEADER_BYTES 8192

enum column { COLUMN_DATE, COLUMN_REQUESTS, COLUMN_INPUT, COLUMN_OUTPUT, COLUMNS };

static const char *const column_names[COLUMNS + 1] = {"date", "requests", "input_tokens",
                                                      "output_tokens", NULL};

struct reading {
    struct line_reader lines;
    struct demand_history *out;
    int place[16]; /* enum column of each field of a line */
    size_t fields;
};

static int fail(const struct reading *r, struct text line, struct text at, struct error *err,
                const char *what)
{
    long column = (long)(at.at - line.at) + 1;
    return error_at(err, r->lines.name, r->lines.number, column, "%s, found \"%.*s\"", what,
                    (int)(at.length > 60 ? 60 : at.length), at.at);
}

/* Cuts the next field off the front; false after the last. */
static bool next_field(struct text *rest, struct text *field)
{
    if (!rest->at)
        return false;
    const char *comma = memchr(rest->at, ',', rest->length);
    size_t length = comma ? (size_t)(comma - rest->at) : rest->length;
    *field = text_trim((struct text){rest->at, length});
    if (comma)
        *rest = (struct text){comma + 1, rest->length - length - 1};
    else
        rest->at = NULL;
    return true;
}

static int read_header(struct reading *r, struct text line, struct error *err)
{
    struct text rest = line, field;
    unsigned seen = 0;
    while (next_field(&rest, &field)) {
        int c = 0;
        while (c < COLUMNS && !text_equal(field, column_names[c]))
            c++;
        if (c == COLUMNS || (seen & 1u << c) || r->fields == 16)
            return fail(r, line, field, err,
                        "expected the columns date, requests and maybe input_tokens, "
                        "output_tokens, each once");
        seen |= 1u << c;
        r->place[r->fields++] = c;
    }
    if (seen != 3 && seen != 15)
        return fail(r, line, line, err,
                    "expected the columns date and requests, and both or none of input_tokens "
                    "and output_tokens");
    r->out->has_tokens = seen == 15;
    return 0;
}

static int read_date(struct reading *r, struct text line, struct text field, struct error *err)
{
    struct demand_history *h = r->out;
    int64_t ns;
    if (field.length != 10 || clock_parse_instant(field.at, field.length, &ns) < 0)
        return fail(r, line, field, err, "expected a date such as 2026-11-01");
    int64_t day = clock_day_of(ns);
    if (h->days == 0)
        h->first_day = day;
    if (day != h->first_day + (int64_t)h->days)
        return fail(r, line, field, err,
                    "expected the day after the line before (a day without demand has 0 requests)");
    return 0;
}

static int read_day(struct reading *r, struct text line, struct error *err)
{
    struct demand_history *h = r->out;
    struct text rest = line, field;
    uint64_t value[COLUMNS] = {0};
    size_t n = 0;
    if (h->days == DEMAND_HISTORY_DAYS)
        return fail(r, line, line, err, "expected at most 4096 days");
    for (; n < r->fields && next_field(&rest, &field); n++) {
        if (r->place[n] == COLUMN_DATE) {
            if (read_date(r, line, field, err) < 0)
                return ERR_INPUT;
        } else if (!text_to_u64(field, &value[r->place[n]]) || value[r->place[n]] > UINT64_C(1)
                                                                                        << 60) {
            return fail(r, line, field, err, "expected a whole number from 0");
        }
    }
    if (n < r->fields || rest.at)
        return fail(r, line, line, err, "expected as many fields as the header has");
    h->requests[h->days] = value[COLUMN_REQUESTS];
    h->tokens[h->days++] = value[COLUMN_INPUT] + value[COLUMN_OUTPUT];
    return 0;
}

static int read_lines(struct reading *r, struct error *err)
{
    struct text line;
    int more, code = 0;
    while (code == 0 && (more = line_reader_next(&r->lines, &line, err)) != 0) {
        if (more < 0)
            return more;
        if (text_trim(line).length > 0)
            code = r->fields == 0 ? read_header(r, line, err) : read_day(r, line, err);
    }
    if (code == 0 && r->out->days == 0)
        code = error_at(err, r->lines.name, r->lines.number, 1,
                        "expected a header and one line for each day");
    return code;
}

/* True if what is open begins with the header of a FOCUS file. */
static bool is_focus(struct line_reader *lines)
{
    struct text start;
    if (line_reader_peek(lines, HEADER_BYTES, &start, NULL) < 0)
        return false;
    const char *end = memchr(start.at, '\n', start.length);
    return focus_is_header((struct text){start.at, end ? (size_t)(end - start.at) : start.length});
}

int demand_history_read(const char *path, struct demand_history *out, struct error *err)
{
    struct reading r = {.out = out};
    *out = (struct demand_history){0};
    int code = line_reader_open(&r.lines, path, CSV_MAX_LINE, err);
    if (code < 0)
        return code;
    out->requests = mem_zero(DEMAND_HISTORY_DAYS, sizeof *out->requests);
    out->tokens = mem_zero(DEMAND_HISTORY_DAYS, sizeof *out->tokens);
    code = is_focus(&r.lines) ? demand_history_focus(&r.lines, out, err) : read_lines(&r, err);
    line_reader_close(&r.lines);
    if (code < 0)
        demand_history_free(out);
    return code;
}

void demand_history_free(struct demand_history *h)
{
    free(h->requests);
    free(h->tokens);
    *h = (struct demand_history){0};
}
