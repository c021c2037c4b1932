#include "core/screen/table.h"

#include "core/memory.h"
#include "core/printable.h"
#include "core/wrap.h"

#include <stdlib.h>
#include <string.h>

#define NAME_LEAST 20 /* columns that long names of the first column leave to the short ones */

#define NOTE_SHORT 10 /* columns; a longer note may stand below its row */

struct table {
    struct table_column columns[TABLE_COLUMNS];
    size_t column_count;
    char **cells; /* row by row */
    size_t count, capacity;
    char **notes; /* one a row, NULL = none */
    size_t row_count, row_capacity;
};

/* How it is written. */
struct layout {
    int gap;
    bool stacked; /* heads in two lines */
    bool apart;   /* names that are too long have lines of their own */
    bool shown[TABLE_COLUMNS];
    int width[TABLE_COLUMNS];
};

struct table *table_create(const struct table_column *columns, size_t count)
{
    struct table *t = mem_zero(1, sizeof *t);
    memcpy(t->columns, columns, count * sizeof *columns);
    t->column_count = count;
    return t;
}

/* A copy that the terminal shows as wide as it is measured, whatever a name holds. */
static char *one_line(const char *text)
{
    struct buffer shown;
    buffer_init(&shown, BUFFER_UNBOUNDED);
    printable_add_line(text, &shown);
    return shown.length ? buffer_take(&shown) : mem_copy_string("");
}

void table_cell(struct table *t, const char *text)
{
    if (t->count % t->column_count == 0) {
        mem_grow(&t->notes, &t->row_capacity, t->row_count + 1, sizeof *t->notes);
        t->notes[t->row_count++] = NULL;
    }
    mem_grow(&t->cells, &t->capacity, t->count + 1, sizeof *t->cells);
    t->cells[t->count++] = one_line(text);
}

void table_note(struct table *t, const char *text)
{
    if (t->row_count == 0 || !*text)
        return;
    free(t->notes[t->row_count - 1]);
    t->notes[t->row_count - 1] = one_line(text);
}

static const char *cell_of(const struct table *t, size_t row, size_t column)
{
    size_t at = row * t->column_count + column;
    return at < t->count ? t->cells[at] : "";
}

static int columns_of(const char *text)
{
    return (int)wrap_columns(text_of(text));
}

static int most(int a, int b)
{
    return a > b ? a : b;
}

/* What stands above the last word of a number's head, where heads are stacked. */
static struct text upper_of(const struct table_column *c)
{
    const char *blank = c->left ? NULL : strrchr(c->head, ' ');
    return (struct text){c->head, blank ? (size_t)(blank - c->head) : 0};
}

static const char *lower_of(const struct table_column *c)
{
    size_t above = upper_of(c).length;
    return c->head + above + (above > 0);
}

static int head_width(const struct table_column *c, bool stacked)
{
    return stacked ? most((int)wrap_columns(upper_of(c)), columns_of(lower_of(c)))
                   : columns_of(c->head);
}

static void measure(const struct table *t, struct layout *l)
{
    for (size_t c = 0; c < t->column_count; c++) {
        l->width[c] = most(head_width(&t->columns[c], l->stacked), t->columns[c].least);
        for (size_t row = 0; row < t->row_count; row++) {
            int width = columns_of(cell_of(t, row, c));
            if (c > 0 || !l->apart || width <= NAME_LEAST)
                l->width[c] = most(l->width[c], width);
        }
    }
}

static int total_width(const struct table *t, const struct layout *l)
{
    int total = t->columns[0].indent, note = 0;
    for (size_t c = 0; c < t->column_count; c++)
        if (l->shown[c])
            total += l->width[c] + (c > 0 ? l->gap : 0);
    for (size_t row = 0; row < t->row_count; row++)
        if (t->notes[row] && columns_of(t->notes[row]) <= NOTE_SHORT)
            note = most(note, 2 + columns_of(t->notes[row]));
    return total + note;
}

static bool fits(const struct table *t, struct layout *l, int width)
{
    measure(t, l);
    return total_width(t, l) <= width;
}

/* The shown column that matters least; of equals the last. */
static size_t least_of(const struct table *t, const struct layout *l)
{
    size_t least = 0;
    for (size_t c = 1; c < t->column_count; c++)
        if (l->shown[c] && t->columns[c].rank > 0 && t->columns[c].rank >= t->columns[least].rank)
            least = c;
    return least;
}

/* Widens the first column by what is left, so that fewer names stand apart. */
static void give_rest(const struct table *t, struct layout *l, int width)
{
    int longest = 0, rest = width - total_width(t, l);
    for (size_t row = 0; row < t->row_count; row++)
        longest = most(longest, columns_of(cell_of(t, row, 0)));
    if (l->apart && rest > 0 && longest > l->width[0])
        l->width[0] += longest - l->width[0] < rest ? longest - l->width[0] : rest;
}

static bool says_something(const struct table *t, size_t column)
{
    if (!t->columns[column].optional)
        return true;
    for (size_t row = 0; row < t->row_count; row++)
        if (cell_of(t, row, column)[0] && strcmp(cell_of(t, row, column), "0") != 0)
            return true;
    return false;
}

static struct layout choose(const struct table *t, int width)
{
    struct layout l = {.gap = 2};
    for (size_t c = 0; c < t->column_count; c++)
        l.shown[c] = says_something(t, c);
    bool done = fits(t, &l, width);
    if (!done) {
        l.stacked = true;
        done = fits(t, &l, width);
    }
    if (!done) {
        l.gap = 1;
        done = fits(t, &l, width);
    }
    if (!done && t->columns[0].left) {
        l.apart = true;
        done = fits(t, &l, width);
    }
    for (size_t least; !done && (least = least_of(t, &l)) > 0; done = fits(t, &l, width))
        l.shown[least] = false;
    l.gap = 2;
    if (!fits(t, &l, width)) {
        l.gap = 1;
        measure(t, &l);
    }
    give_rest(t, &l, width);
    return l;
}

static void end_line(struct buffer *out)
{
    while (out->length && out->data[out->length - 1] == ' ')
        out->data[--out->length] = '\0';
    buffer_add_byte(out, '\n');
}

static void put(const struct table *t, const struct layout *l, size_t c, const char *text,
                struct buffer *out)
{
    buffer_add_format(out, "%*s", c > 0 ? l->gap : t->columns[0].indent, "");
    wrap_padded(text, (size_t)l->width[c], !t->columns[c].left, out);
}

/* One line of the head: 0 the upper words of stacked ones, 1 the rest. */
static void put_heads(const struct table *t, const struct layout *l, int line, struct buffer *out)
{
    for (size_t c = 0; c < t->column_count; c++) {
        const struct table_column *column = &t->columns[c];
        struct text above = upper_of(column);
        if (!l->shown[c])
            continue;
        char *upper = mem_copy_text(above.at, above.length);
        put(t, l, c, line == 0 ? upper : l->stacked ? lower_of(column) : column->head, out);
        free(upper);
    }
    end_line(out);
}

/* Behind the row that begins at `begin` of the buffer, or below it. */
static void put_note(const char *note, size_t begin, int width, struct buffer *out)
{
    int used = (int)wrap_columns((struct text){out->data + begin, out->length - begin});
    if (used + 2 + columns_of(note) > width)
        buffer_add_byte(out, '\n');
    buffer_add_format(out, "%s%s", used + 2 + columns_of(note) > width ? "    " : "  ", note);
}

static void put_row(const struct table *t, const struct layout *l, size_t row, int width,
                    struct buffer *out)
{
    size_t begin = out->length;
    for (size_t c = 0; c < t->column_count; c++) {
        const char *cell = cell_of(t, row, c);
        if (!l->shown[c])
            continue;
        put(t, l, c, cell, out);
        if (c == 0 && columns_of(cell) > l->width[0]) {
            buffer_add_byte(out, '\n');
            begin = out->length;
            put(t, l, c, "", out);
        }
    }
    if (t->notes[row])
        put_note(t->notes[row], begin, width, out);
    end_line(out);
}

/* What is not there is said. */
static void put_left_out(const struct table *t, const struct layout *l, struct buffer *out)
{
    const char *before = "--wide shows ";
    for (size_t c = 0; c < t->column_count; c++) {
        if (l->shown[c] || !says_something(t, c))
            continue;
        buffer_add_format(out, "%s%s", before, t->columns[c].head);
        before = ", ";
    }
    if (*before == ',')
        buffer_add_text(out, " too\n");
}

void table_end(struct table *t, int width, struct buffer *out)
{
    struct layout l = choose(t, width);
    if (l.stacked)
        put_heads(t, &l, 0, out);
    put_heads(t, &l, 1, out);
    for (size_t row = 0; row < t->row_count; row++)
        put_row(t, &l, row, width, out);
    put_left_out(t, &l, out);
    for (size_t i = 0; i < t->count; i++)
        free(t->cells[i]);
    for (size_t row = 0; row < t->row_count; row++)
        free(t->notes[row]);
    free(t->cells);
    free(t->notes);
    free(t);
}
