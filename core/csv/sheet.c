#include "core/csv/sheet.h"

#include "core/csv/csv.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#define MARK "\xEF\xBB\xBF"

void sheet_init(struct sheet *s, struct buffer *out)
{
    *s = (struct sheet){.out = out, .begin = out->length};
}

bool sheet_in_titles(const struct sheet *s)
{
    return s->row == 0;
}

static void add_quoted(struct buffer *out, const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        if (text[i] == '"')
            buffer_add_byte(out, '"');
        buffer_add_byte(out, text[i]);
    }
}

static void add_text(struct buffer *out, const char *text)
{
    bool formula = csv_is_formula(text_of(text)), quoted = formula || strpbrk(text, ",\"\r\n;");
    if (quoted)
        buffer_add_byte(out, '"');
    if (formula)
        buffer_add_byte(out, '\'');
    for (size_t bad, rest = strlen(text); rest > 0;) {
        size_t good = text_is_utf8(text, rest, &bad) ? rest : bad;
        add_quoted(out, text, good);
        if (good < rest)
            buffer_add_text(out, "\uFFFD");
        good += good < rest;
        text += good;
        rest -= good;
    }
    if (quoted)
        buffer_add_byte(out, '"');
}

/* True where a value is to follow: not in the titles, nor where there is none. */
static bool begin_cell(struct sheet *s, const char *title, bool known)
{
    if (s->column++ > 0)
        buffer_add_byte(s->out, ',');
    if (s->row == 0)
        add_text(s->out, title);
    return s->row > 0 && known;
}

void sheet_put_text(struct sheet *s, const char *title, const char *text)
{
    if (begin_cell(s, title, text != NULL))
        add_text(s->out, text);
}

void sheet_put_known_u64(struct sheet *s, const char *title, bool known, uint64_t value)
{
    if (begin_cell(s, title, known))
        buffer_add_format(s->out, "%" PRIu64, value);
}

void sheet_put_u64(struct sheet *s, const char *title, uint64_t value)
{
    sheet_put_known_u64(s, title, true, value);
}

void sheet_put_number(struct sheet *s, const char *title, double value)
{
    if (begin_cell(s, title, isfinite(value)))
        buffer_add_format(s->out, "%.6g", value == 0 ? 0 : value);
}

void sheet_put_seconds(struct sheet *s, const char *title, int64_t ns)
{
    uint64_t size = ns < 0 ? 0 - (uint64_t)ns : (uint64_t)ns;
    if (begin_cell(s, title, true))
        buffer_add_format(s->out, "%s%" PRIu64 ".%06" PRIu64, ns < 0 ? "-" : "", size / 1000000000,
                          size % 1000000000 / 1000);
}

void sheet_put_known_money(struct sheet *s, const char *title, bool known, money value)
{
    char text[MONEY_TEXT_SIZE];
    if (!begin_cell(s, title, known))
        return;
    money_format(value, text);
    buffer_add_text(s->out, text);
}

void sheet_put_money(struct sheet *s, const char *title, money value)
{
    sheet_put_known_money(s, title, true, value);
}

void sheet_end_row(struct sheet *s)
{
    buffer_add_text(s->out, "\r\n");
    s->row++;
    s->column = 0;
}

void sheet_end(struct sheet *s)
{
    const struct buffer *b = s->out;
    size_t length = b->length - s->begin, i = 0;
    while (i < length && (unsigned char)b->data[s->begin + i] < 0x80)
        i++;
    if (i == length)
        return;
    buffer_add_text(s->out, MARK); /* room, and a zero behind it */
    memmove(s->out->data + s->begin + 3, s->out->data + s->begin, length);
    memcpy(s->out->data + s->begin, MARK, 3);
}
