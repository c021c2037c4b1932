/* Lengths as they stand in scenario files. */
#include "workloads/scenario/length.h"

#include "core/memory.h"

#include <math.h>
#include <string.h>

static const char *const kind_names[] = {"constant",    "uniform", "normal", "lognormal",
                                         "exponential", "gamma",   "pareto", "zipf",
                                         "empirical",   NULL};

/* The numbers an object may give; NAN = not given. */
enum {
    VALUE,
    LOW,
    HIGH,
    MEAN,
    STDDEV,
    CV,
    MEDIAN,
    SIGMA,
    SHAPE,
    SCALE,
    ALPHA,
    A,
    MIN,
    MAX,
    NUMBERS
};

struct list {
    double *items;
    size_t count;
};

struct draft {
    enum length_kind kind;
    double number[NUMBERS];
    struct list quantiles, at, values, weights;
    struct length made;
};

static void read_above(struct json_scan *s, const struct json_field *f, void *member)
{
    if (json_double(s, 0, f->max, member) && *(double *)member <= 0)
        json_fail(s, "\"%s\" must be above 0", f->name);
}

#define AT(member) JSON_AT(struct draft, member)
#define SIGNED(which) JSON_AS_DOUBLE, AT(number[which]), -1e15, 1e15
#define FROM_0(which) JSON_AS_DOUBLE, AT(number[which]), 0, 1e15
#define ABOVE_0(which) FROM_0(which), .read = read_above
#define LIST(list, element)                                                                       \
    JSON_AS_LIST, AT(list.items), .max = LENGTH_TABLE_MAX, .what = "numbers", .item = &(element), \
                                  .count = offsetof(struct draft, list.count)

static const struct json_field any_number = {NULL, JSON_AS_DOUBLE, .size = sizeof(double),
                                             .min = -1e15, .max = 1e15};
static const struct json_field number_from_0 = {NULL, JSON_AS_DOUBLE, .size = sizeof(double),
                                                .max = 1e15};
static const struct json_field rows[] = {
    {"quantiles", LIST(quantiles, any_number)},
    {"at", LIST(at, number_from_0)},
    {"values", LIST(values, any_number)},
    {"weights", LIST(weights, number_from_0)},
    {"value", SIGNED(VALUE)},
    {"low", SIGNED(LOW)},
    {"high", SIGNED(HIGH)},
    {"mean", SIGNED(MEAN)},
    {"stddev", FROM_0(STDDEV)},
    {"cv", ABOVE_0(CV)},
    {"median", ABOVE_0(MEDIAN)},
    {"sigma", FROM_0(SIGMA)},
    {"shape", ABOVE_0(SHAPE)},
    {"scale", ABOVE_0(SCALE)},
    {"alpha", ABOVE_0(ALPHA)},
    {"a", ABOVE_0(A)},
    {"min", SIGNED(MIN)},
    {"max", SIGNED(MAX)},
    {"distribution", JSON_AS_CHOICE, AT(kind), .names = kind_names, .what = "distribution",
     .required = true},
};

static void check_draft(struct json_scan *s, void *object, uint64_t seen);
const struct json_table length_table = {JSON_ROWS(rows), .where = "a length",
                                        .needs = "a length needs \"distribution\"",
                                        .check = check_draft};

/* True if every number of the mask is given and no other (min and max aside). */
static bool given(const struct draft *d, unsigned mask)
{
    for (int i = 0; i < MIN; i++)
        if (((mask >> i) & 1) != (unsigned)!isnan(d->number[i]))
            return false;
    return true;
}

#define HAS(i) (1u << (i))

static bool make_lognormal(const struct draft *d, struct length *l)
{
    const double *n = d->number;
    if (given(d, HAS(MEDIAN) | HAS(SIGMA)) && n[MEDIAN] > 0) {
        l->a = log(n[MEDIAN]);
        l->b = n[SIGMA];
        return true;
    }
    double cv;
    if (given(d, HAS(MEAN) | HAS(STDDEV)) && n[MEAN] > 0)
        cv = n[STDDEV] / n[MEAN];
    else if (given(d, HAS(MEAN) | HAS(CV)) && n[MEAN] > 0)
        cv = n[CV];
    else if (given(d, HAS(MEAN) | HAS(MEDIAN)) && n[MEAN] >= n[MEDIAN])
        cv = sqrt(n[MEAN] / n[MEDIAN] * n[MEAN] / n[MEDIAN] - 1);
    else
        return false;
    l->b = sqrt(log1p(cv * cv));
    l->a = log(n[MEAN]) - l->b * l->b / 2;
    return true;
}

static bool make_gamma(const struct draft *d, struct length *l)
{
    const double *n = d->number;
    double shape, scale;
    if (given(d, HAS(SHAPE) | HAS(SCALE))) {
        shape = n[SHAPE];
        scale = n[SCALE];
    } else if (given(d, HAS(MEAN) | HAS(CV)) && n[MEAN] > 0) {
        shape = 1 / (n[CV] * n[CV]);
        scale = n[MEAN] / shape;
    } else {
        return false;
    }
    if (!(shape >= 1e-4 && shape <= 1e6)) /* CV from 0.001 to 100 */
        return false;
    *l = length_gamma(shape, scale);
    return true;
}

static bool make_zipf(const struct draft *d, struct length *l)
{
    double max = d->number[MAX];
    if (!given(d, HAS(A)) || !(max >= 1 && max <= LENGTH_TABLE_MAX))
        return false;
    size_t count = (size_t)max;
    double *weights = mem_alloc(count * sizeof *weights),
           *values = mem_alloc(count * sizeof *values);
    for (size_t i = 0; i < count; i++) {
        values[i] = (double)i + 1;
        weights[i] = pow(values[i], -d->number[A]);
    }
    *l = length_from_weights(values, weights, count);
    l->kind = LENGTH_ZIPF;
    l->a = d->number[A];
    free(values);
    free(weights);
    return true;
}

static bool rises(const double *x, size_t count)
{
    for (size_t i = 1; i < count; i++)
        if (x[i] < x[i - 1])
            return false;
    return true;
}

static const char *make_quantiles(struct draft *d, struct length *l)
{
    size_t count = d->quantiles.count;
    if (count < 2 || !rises(d->quantiles.items, count))
        return "\"quantiles\" needs at least 2 numbers that do not fall";
    if (d->at.count == 0) {
        d->at.items = mem_resize(d->at.items, count, sizeof(double));
        for (size_t i = 0; i < count; i++)
            d->at.items[i] = (double)i / (double)(count - 1);
    } else if (d->at.count != count || d->at.items[0] > 0 || d->at.items[count - 1] < 1 ||
               d->at.items[count - 1] > 1 || !rises(d->at.items, count)) {
        return "\"at\" needs one probability for each quantile, rising from 0 to 1";
    }
    *l = length_from_quantiles(d->at.items, d->quantiles.items, count);
    return NULL;
}

static const char *make_empirical(struct draft *d, struct length *l)
{
    if (!given(d, 0) || (d->quantiles.count > 0) == (d->values.count > 0))
        return "an empirical length needs either \"quantiles\" (and perhaps \"at\") or \"values\" "
               "(and perhaps \"weights\")";
    if (d->quantiles.count)
        return d->weights.count ? "\"weights\" belong to \"values\"" : make_quantiles(d, l);
    size_t count = d->values.count;
    if (d->at.count)
        return "\"at\" belongs to \"quantiles\"";
    if (d->weights.count == 0) {
        d->weights.items = mem_resize(d->weights.items, count, sizeof(double));
        for (size_t i = 0; i < count; i++)
            d->weights.items[i] = 1;
    } else if (d->weights.count != count) {
        return "\"weights\" needs one number for each of \"values\"";
    }
    double sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += d->weights.items[i];
    if (sum <= 0)
        return "\"weights\" must not be all 0";
    *l = length_from_weights(d->values.items, d->weights.items, count);
    return NULL;
}

/* Makes the length of what the object gave, without bounds. NULL, or what is missing. */
static const char *make(struct draft *d, struct length *l)
{
    const double *n = d->number;
    l->kind = d->kind;
    switch (l->kind) {
    case LENGTH_CONSTANT:
        l->a = n[VALUE];
        return given(d, HAS(VALUE)) ? NULL : "a constant length needs \"value\"";
    case LENGTH_UNIFORM:
        l->a = n[LOW];
        l->b = n[HIGH];
        return given(d, HAS(LOW) | HAS(HIGH)) && floor(l->b) >= ceil(l->a) && l->b >= l->a
                   ? NULL
                   : "a uniform length needs \"low\" and \"high\" with a whole number between";
    case LENGTH_NORMAL:
        l->a = n[MEAN];
        l->b = given(d, HAS(MEAN) | HAS(CV)) ? n[CV] * fabs(n[MEAN]) : n[STDDEV];
        return given(d, HAS(MEAN) | HAS(CV)) || given(d, HAS(MEAN) | HAS(STDDEV))
                   ? NULL
                   : "a normal length needs \"mean\" and one of \"stddev\", \"cv\"";
    case LENGTH_LOGNORMAL:
        return make_lognormal(d, l)
                   ? NULL
                   : "a lognormal length needs \"median\" and \"sigma\", or "
                     "\"mean\" (above 0) and one of \"stddev\", \"cv\", \"median\"";
    case LENGTH_EXPONENTIAL:
        l->a = n[MEAN];
        return given(d, HAS(MEAN)) && l->a > 0 ? NULL
                                               : "an exponential length needs \"mean\" above 0";
    case LENGTH_GAMMA:
        return make_gamma(d, l) ? NULL
                                : "a gamma length needs \"mean\" and \"cv\" (0.001 to 100), "
                                  "or \"shape\" (0.0001 to 1e6) and \"scale\"";
    case LENGTH_PARETO:
        l->a = n[ALPHA];
        l->b = n[SCALE];
        return given(d, HAS(ALPHA) | HAS(SCALE)) ? NULL
                                                 : "a pareto length needs \"alpha\" and \"scale\"";
    case LENGTH_ZIPF:
        return make_zipf(d, l) ? NULL : "a zipf length needs \"a\" and \"max\" (1 to 1,000,000)";
    default:
        return make_empirical(d, l);
    }
}

static void check_draft(struct json_scan *s, void *object, uint64_t seen)
{
    struct draft *d = object;
    const size_t counts[] = {d->quantiles.count, d->at.count, d->values.count, d->weights.count};
    for (int i = 0; i < 4; i++)
        if ((seen >> i & 1) && counts[i] == 0)
            json_fail(s, "expected at least one number in \"%s\"", rows[i].name);
    const char *missing =
        d->number[MIN] > d->number[MAX] ? "\"min\" is above \"max\"" : make(d, &d->made);
    if (missing)
        json_fail(s, "%s", missing);
    if (!isnan(d->number[MIN]))
        d->made.min = d->number[MIN];
    if (!isnan(d->number[MAX]))
        d->made.max = d->number[MAX];
}

bool length_parse(struct json_scan *s, struct length *out)
{
    *out = length_constant(0);
    if (json_peek(s) == JSON_NUMBER)
        return json_double(s, -1e15, 1e15, &out->a);
    struct draft d = {.made = *out};
    json_fields_clear(&length_table, &d);
    json_fields_read(s, &length_table, &d);
    free(d.quantiles.items);
    free(d.at.items);
    free(d.values.items);
    free(d.weights.items);
    if (s->failed)
        length_free(&d.made);
    else
        *out = d.made;
    return !s->failed;
}

/* Of the values that are written in the file, or the middle of a distribution: the least and the
 * greatest, as `min` and `max` move them. */
static void extent(const struct length *l, double *low, double *high)
{
    *low = *high = l->a;
    switch (l->kind) {
    case LENGTH_UNIFORM:
        *high = l->b;
        break;
    case LENGTH_LOGNORMAL:
        *low = *high = exp(l->a);
        break;
    case LENGTH_GAMMA:
        *low = *high = l->a * l->b;
        break;
    case LENGTH_PARETO:
        *low = *high = l->b;
        break;
    case LENGTH_ZIPF:
    case LENGTH_EMPIRICAL:
    case LENGTH_VALUES:
        *low = *high = l->values[0];
        for (size_t i = 1; i < l->count; i++) {
            *low = fmin(*low, l->values[i]);
            *high = fmax(*high, l->values[i]);
        }
        break;
    default:
        break;
    }
    *low = fmin(fmax(*low, l->min), l->max);
    *high = fmin(fmax(*high, l->min), l->max);
}

/* Draws beyond what a row allows are cut, as few have to be; what lies beyond as a whole is a
 * mistake. */
static void check_range(struct json_scan *s, const struct json_field *f, const struct length *l)
{
    double low, high;
    if (f->max <= 0 || s->failed)
        return;
    extent(l, &low, &high);
    if (low < f->min || high > f->max)
        json_fail(s, "\"%s\" is out of range: expected lengths from %s to %s, found %s", f->name,
                  TEXT_SHORT(f->min, 6), TEXT_SHORT(f->max, 6),
                  TEXT_SHORT(low < f->min ? low : high, 6));
}

void length_read_field(struct json_scan *s, const struct json_field *f, void *member)
{
    length_free(member);
    if (length_parse(s, member))
        check_range(s, f, member);
    else
        *(struct length *)member = length_constant(0);
}

void length_write_field(struct json_writer *w, const struct json_field *f, const void *member)
{
    (void)f;
    length_write(member, w);
}

/* Tables stand on one line each, whatever the file's indentation. */
static void write_list(struct json_writer *w, const char *key, const double *items, size_t count)
{
    int indent = w->indent;
    json_key(w, key);
    json_begin_array(w);
    w->indent = 0;
    for (size_t i = 0; i < count; i++)
        json_put_double(w, items[i]);
    json_end_array(w);
    w->indent = indent;
}

static void write_values(const struct length *l, struct json_writer *w)
{
    double *weights = mem_alloc(l->count * sizeof *weights);
    for (size_t i = 0; i < l->count; i++)
        weights[i] = l->at[i] - (i ? l->at[i - 1] : 0);
    write_list(w, "values", l->values, l->count);
    write_list(w, "weights", weights, l->count);
    free(weights);
}

static void write_parameters(const struct length *l, struct json_writer *w)
{
    static const char *const names[][2] = {
        [LENGTH_CONSTANT] = {"value", NULL},   [LENGTH_UNIFORM] = {"low", "high"},
        [LENGTH_NORMAL] = {"mean", "stddev"},  [LENGTH_LOGNORMAL] = {"median", "sigma"},
        [LENGTH_EXPONENTIAL] = {"mean", NULL}, [LENGTH_GAMMA] = {"shape", "scale"},
        [LENGTH_PARETO] = {"alpha", "scale"},  [LENGTH_ZIPF] = {"a", NULL},
    };
    if (l->kind == LENGTH_EMPIRICAL) {
        write_list(w, "quantiles", l->values, l->count);
        write_list(w, "at", l->at, l->count);
    } else if (l->kind == LENGTH_VALUES) {
        write_values(l, w);
    } else {
        json_pair_double(w, names[l->kind][0], l->kind == LENGTH_LOGNORMAL ? exp(l->a) : l->a);
        if (names[l->kind][1])
            json_pair_double(w, names[l->kind][1], l->b);
    }
}

void length_write(const struct length *l, struct json_writer *w)
{
    if (l->kind == LENGTH_CONSTANT && l->min <= l->a && l->max >= l->a) {
        json_put_double(w, l->a);
        return;
    }
    json_begin_object(w);
    json_pair_string(w, "distribution",
                     l->kind == LENGTH_VALUES ? "empirical" : kind_names[l->kind]);
    write_parameters(l, w);
    if (isfinite(l->min))
        json_pair_double(w, "min", l->min);
    if (isfinite(l->max))
        json_pair_double(w, "max", l->max);
    json_end_object(w);
}
