#include "sim/engine/fit/grid.h"

#include "core/file.h"
#include "core/json/json_fields.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define GRID_FILE_MAX (64 << 20)
#define ROWS_MOST 1000000

static const char *const kind_names[GRID_KINDS] = {"dec", "pre", "mix"};

/* ---- reading ---- */

static bool read_kind(struct json_scan *s, enum grid_kind *out)
{
    struct text name;
    if (!json_array_next(s) || !json_string(s, &name))
        return false;
    for (int k = 0; k < GRID_KINDS; k++)
        if (text_equal(name, kind_names[k])) {
            *out = (enum grid_kind)k;
            return true;
        }
    json_fail(s, "expected \"dec\", \"pre\" or \"mix\"");
    return false;
}

static bool read_count(struct json_scan *s, uint32_t *out)
{
    struct text digits;
    if (!json_array_next(s) || !json_number(s, &digits))
        return false;
    double value = strtod(digits.at, NULL);
    if (!(value >= 0 && value <= 1e9 && value == floor(value))) {
        json_fail(s, "expected a whole number of tokens or requests");
        return false;
    }
    *out = (uint32_t)value;
    return true;
}

/* Whether the row holds what its kind says. */
static bool is_sound(const struct grid_row *r)
{
    return (r->kind == GRID_DECODE || r->q > 0) && (r->kind == GRID_PREFILL || r->batch > 0);
}

static bool read_row(struct json_scan *s, struct grid_row *r)
{
    struct text digits;
    *r = (struct grid_row){0};
    if (!json_array_begin(s) || !read_kind(s, &r->kind) || !read_count(s, &r->q) ||
        !read_count(s, &r->prefix) || !read_count(s, &r->batch) || !read_count(s, &r->context) ||
        !json_array_next(s) || !json_number(s, &digits))
        return false;
    r->ms = strtod(digits.at, NULL);
    if (!is_sound(r) || !(r->ms > 0 && r->ms < 1e7)) {
        json_fail(s,
                  "expected [\"dec\", 0, 0, batch, context, ms], [\"pre\", q, prefix, 0, 0, ms] or "
                  "[\"mix\", q, 0, batch, context, ms] with ms above 0");
        return false;
    }
    if (json_array_next(s)) {
        json_fail(s, "a row has six values");
        return false;
    }
    return true;
}

static void read_rows(struct json_scan *s, const struct json_field *f, void *member)
{
    struct grid *g = member;
    struct grid_row row;
    size_t capacity = 0;
    (void)f;
    json_array_begin(s);
    while (json_array_next(s)) {
        if (!read_row(s, &row))
            return;
        if (g->count == ROWS_MOST) {
            json_fail(s, "more than %d rows", ROWS_MOST);
            return;
        }
        mem_grow(&g->rows, &capacity, g->count + 1, sizeof *g->rows);
        g->rows[g->count++] = row;
    }
}

#define AT(member) JSON_AT(struct grid, member)
static const struct json_field layout_rows[] = {
    {"tp_size", JSON_AS_UINT, AT(tensor_parallel), 1, 1024},
    {"attention_dp_size", JSON_AS_UINT, AT(data_parallel), 1, 1024},
    {"moe_ep_size", JSON_AS_UINT, AT(expert_parallel), 1, 1024},
    {"gemm_quant_mode", JSON_AS_CHARS, AT(weights)},
};
static const struct json_table layout_table = {JSON_ROWS(layout_rows), .where = "kw", .open = true};

static void read_layout(struct json_scan *s, const struct json_field *f, void *member)
{
    (void)f;
    json_fields_read(s, &layout_table, member);
}

static const struct json_field rows[] = {
    {"model", JSON_AS_CHARS, AT(model)},
    {"system", JSON_AS_CHARS, AT(system)},
    {"backend", JSON_AS_CHARS, AT(backend)},
    {"kw", JSON_AS_OTHER, .read = read_layout},
    {"rows", JSON_AS_OTHER, .read = read_rows, .required = true},
};
static const struct json_table grid_table = {JSON_ROWS(rows), .where = "a grid of step times",
                                             .needs = "expected \"rows\", a list of steps",
                                             .open = true};

/* ---- what the rows are like ---- */

static int by_load(const void *a, const void *b)
{
    const struct grid_row *x = a, *y = b;
    const int64_t differences[] = {
        (int64_t)x->kind - (int64_t)y->kind, (int64_t)x->q - y->q,
        (int64_t)x->prefix - y->prefix,      (int64_t)x->batch - y->batch,
        (int64_t)x->context - y->context,
    };
    for (size_t i = 0; i < COUNT_OF(differences); i++)
        if (differences[i] != 0)
            return differences[i] > 0 ? 1 : -1;
    return 0;
}

/* Of rows that differ in their context alone: whether there are any and all last equally long. */
static bool is_flat(const struct grid_row *sorted, size_t count, enum grid_kind kind)
{
    size_t pairs = 0;
    for (size_t i = 1; i < count; i++) {
        struct grid_row a = sorted[i - 1], b = sorted[i];
        if (a.kind != kind || a.context == b.context)
            continue;
        b.context = a.context;
        if (by_load(&a, &b) != 0)
            continue;
        pairs++;
        if (fabs(a.ms - b.ms) > 1e-9 * a.ms)
            return false;
    }
    return pairs > 0;
}

static bool leaves_attention_out(const struct grid *g)
{
    struct grid_row *sorted = mem_alloc(g->count * sizeof *sorted);
    memcpy(sorted, g->rows, g->count * sizeof *sorted);
    qsort(sorted, g->count, sizeof *sorted, by_load);
    bool out = is_flat(sorted, g->count, GRID_MIXED) && !is_flat(sorted, g->count, GRID_DECODE);
    free(sorted);
    return out;
}

int grid_parse(const char *file, const char *text, size_t length, struct grid *out,
               struct error *err)
{
    struct json_scan s;
    *out = (struct grid){.tensor_parallel = 1, .data_parallel = 1, .expert_parallel = 1};
    json_scan_init(&s, file, text, length, 1);
    json_fields_read(&s, &grid_table, out);
    if (json_scan_end(&s, err) < 0) {
        grid_free(out);
        return ERR_INPUT;
    }
    if (out->count == 0) {
        grid_free(out);
        return error_at(err, file, 0, 0, "the grid has no row");
    }
    out->mixed_without_kv = leaves_attention_out(out);
    return 0;
}

int grid_read(const char *path, struct grid *out, struct error *err)
{
    char *text = NULL;
    size_t length = 0;
    if (file_read_all(path, GRID_FILE_MAX, &text, &length, err) < 0)
        return ERR_INPUT;
    int status = grid_parse(path, text, length, out, err);
    free(text);
    return status;
}

void grid_free(struct grid *g)
{
    free(g->rows);
    *g = (struct grid){0};
}

/* ---- holding back ---- */

static uint32_t first_axis(const struct grid_row *r)
{
    return r->kind == GRID_PREFILL ? r->q : r->batch;
}

static uint32_t second_axis(const struct grid_row *r)
{
    return r->kind == GRID_PREFILL ? r->prefix : r->context;
}

static int by_value(const void *a, const void *b)
{
    uint32_t x, y;
    memcpy(&x, a, sizeof x);
    memcpy(&y, b, sizeof y);
    return (x > y) - (x < y);
}

/* Marks the rows of a kind whose value is the second, fourth, ... of those that there are. */
static void hold_every_second(struct grid *g, enum grid_kind kind,
                              uint32_t (*axis)(const struct grid_row *))
{
    uint32_t *values = mem_alloc((g->count + 1) * sizeof *values);
    size_t count = 0, distinct = 0;
    for (size_t i = 0; i < g->count; i++)
        if (g->rows[i].kind == kind)
            values[count++] = axis(&g->rows[i]);
    qsort(values, count, sizeof *values, by_value);
    for (size_t i = 0; i < count; i++)
        if (i == 0 || values[i] != values[distinct - 1])
            values[distinct++] = values[i];
    for (size_t i = 0; i < g->count; i++) {
        struct grid_row *r = &g->rows[i];
        uint32_t value = axis(r);
        const uint32_t *place =
            r->kind == kind ? bsearch(&value, values, distinct, sizeof value, by_value) : NULL;
        r->held = r->held || (place && (place - values) % 2 == 1);
    }
    free(values);
}

size_t grid_hold_back(struct grid *g)
{
    size_t held = 0;
    for (int kind = 0; kind < GRID_KINDS; kind++) {
        hold_every_second(g, (enum grid_kind)kind, first_axis);
        hold_every_second(g, (enum grid_kind)kind, second_axis);
    }
    for (size_t i = 0; i < g->count; i++)
        held += g->rows[i].held;
    return held;
}
