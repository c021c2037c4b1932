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

static const char *const keys[] = {"value",     "low",    "high",   "mean",    "stddev",
                                   "cv",        "median", "sigma",  "shape",   "scale",
                                   "alpha",     "a",      "min",    "max",     "distribution",
                                   "quantiles", "at",     "values", "weights", NULL};

struct list {
    double *items;
    size_t count, capacity;
};

struct draft {
    struct text kind;
    double number[NUMBERS];
    struct list quantiles, at, values, weights;
};

static void list_parse(struct json_scan *s, double min, struct list *out)
{
    out->count = 0;
    json_array_begin(s);
    while (json_array_next(s)) {
        double x = 0;
        if (!json_double(s, min, 1e15, &x))
            return;
        if (out->count == LENGTH_TABLE_MAX) {
            json_fail(s, "more than %d numbers", LENGTH_TABLE_MAX);
            return;
        }
        mem_grow((void **)&out->items, &out->capacity, out->count + 1, sizeof *out->items);
        out->items[out->count++] = x;
    }
    if (!s->failed && out->count == 0)
        json_fail(s, "expected at least one number in the list");
}

static void number_parse(struct json_scan *s, int which, double *out)
{
    bool any_sign = which == VALUE || which == LOW || which == HIGH || which == MEAN ||
                    which == MIN || which == MAX;
    if (!json_double(s, any_sign ? -1e15 : 0, 1e15, out) || any_sign || which == STDDEV ||
        which == SIGMA)
        return;
    if (*out <= 0)
        json_fail(s, "\"%s\" must be above 0", keys[which]);
}

static void member_parse(struct json_scan *s, struct text key, struct draft *d)
{
    for (int i = 0; i < NUMBERS; i++)
        if (text_equal(key, keys[i])) {
            number_parse(s, i, &d->number[i]);
            return;
        }
    if (text_equal(key, "distribution"))
        json_string(s, &d->kind);
    else if (text_equal(key, "quantiles"))
        list_parse(s, -1e15, &d->quantiles);
    else if (text_equal(key, "at"))
        list_parse(s, 0, &d->at);
    else if (text_equal(key, "values"))
        list_parse(s, -1e15, &d->values);
    else if (text_equal(key, "weights"))
        list_parse(s, 0, &d->weights);
    else
        json_unknown_key(s, key, keys, "a length");
}

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
    double low = l->min, high = l->max;
    *l = length_gamma(shape, scale);
    l->min = low;
    l->max = high;
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
    double low = l->min, high = l->max;
    *l = length_from_weights(values, weights, count);
    l->kind = LENGTH_ZIPF;
    l->a = d->number[A];
    l->min = low;
    l->max = high;
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
    double low = l->min, high = l->max;
    *l = length_from_quantiles(d->at.items, d->quantiles.items, count);
    l->min = low;
    l->max = high;
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
    double low = l->min, high = l->max;
    *l = length_from_weights(d->values.items, d->weights.items, count);
    l->min = low;
    l->max = high;
    return NULL;
}

/* Fills the length from what the object gave. NULL, or what is missing. */
static const char *make(struct draft *d, int kind, struct length *l)
{
    const double *n = d->number;
    l->kind = (enum length_kind)kind;
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

static int kind_find(struct json_scan *s, struct text name)
{
    for (int i = 0; kind_names[i]; i++)
        if (text_equal(name, kind_names[i]))
            return i;
    const char *near = text_nearest(name, kind_names);
    json_fail(s,
              "unknown distribution \"%.*s\"%s%s%s; known: constant, uniform, normal, "
              "lognormal, exponential, gamma, pareto, zipf, empirical",
              (int)(name.length < 60 ? name.length : 60), name.at, near ? "; did you mean \"" : "",
              near ? near : "", near ? "\"?" : "");
    return -1;
}

static void draft_free(struct draft *d)
{
    free(d->quantiles.items);
    free(d->at.items);
    free(d->values.items);
    free(d->weights.items);
}

bool length_parse(struct json_scan *s, struct length *out)
{
    *out = length_constant(0);
    if (json_peek(s) == JSON_NUMBER)
        return json_double(s, -1e15, 1e15, &out->a);
    struct draft d = {0};
    for (int i = 0; i < NUMBERS; i++)
        d.number[i] = NAN;
    struct text key;
    json_object_begin(s);
    const char *start = s->value;
    while (json_object_next(s, &key))
        member_parse(s, key, &d);
    if (s->failed) {
        draft_free(&d);
        return false;
    }
    s->value = start; /* what is missing is missing in the object, not in its last member */
    if (!isnan(d.number[MIN]))
        out->min = d.number[MIN];
    if (!isnan(d.number[MAX]))
        out->max = d.number[MAX];
    int kind = d.kind.at ? kind_find(s, d.kind) : -1;
    const char *missing = NULL;
    if (!d.kind.at)
        missing = "a length needs \"distribution\"";
    else if (out->min > out->max)
        missing = "\"min\" is above \"max\"";
    else if (kind >= 0)
        missing = make(&d, kind, out);
    if (missing)
        json_fail(s, "%s", missing);
    draft_free(&d);
    if (s->failed)
        length_free(out);
    return !s->failed;
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
