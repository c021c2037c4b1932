/* Arrivals as they stand in scenario files. */
#include "workloads/scenario/arrival.h"

#include "core/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MOST_STAGES 1000000
#define MOST_RPS 1e7

static const char *const day_names[] = {"monday", "tuesday",  "wednesday", "thursday",
                                        "friday", "saturday", "sunday",    NULL};

/* ---- the shape of the gaps, of the whole or of a stage ---- */

struct shape {
    double burstiness, cv, shape; /* NAN = not given */
};

#define SHAPE(member) JSON_AS_DOUBLE, JSON_AT(struct shape, member)
static const struct json_field shape_rows[] = {
    {"shape", SHAPE(shape), 0.0025, 400, .optional = true},
    {"burstiness", SHAPE(burstiness), 0.0025, 400, .optional = true},
    {"cv", SHAPE(cv), 0.05, 20, .optional = true},
};
static const struct json_table shape_table = {JSON_ROWS(shape_rows)};

static int given_shapes(const struct shape *g)
{
    return !isnan(g->burstiness) + !isnan(g->cv) + !isnan(g->shape);
}

/* The shape from whichever of the three was given. */
static void choose_shape(struct json_scan *s, enum arrival_process process, const struct shape *g,
                         double *out)
{
    int given = given_shapes(g);
    bool needs = process == ARRIVAL_GAMMA || process == ARRIVAL_WEIBULL;
    *out = 1;
    if (given > 1)
        json_fail(s, "give one of \"burstiness\", \"cv\", \"shape\", not several");
    else if (needs && !given)
        json_fail(s, "%s arrivals need \"cv\" or \"shape\"", arrival_process_names[process]);
    else if (!needs && given)
        json_fail(s, "%s arrivals take no \"burstiness\", \"cv\" or \"shape\"",
                  arrival_process_names[process]);
    else if (!isnan(g->burstiness) && process == ARRIVAL_WEIBULL)
        json_fail(s, "\"burstiness\" belongs to gamma arrivals; give \"cv\" or \"shape\"");
    else if (process == ARRIVAL_WEIBULL && g->shape < 0.05)
        json_fail(s, "the shape of weibull arrivals must be at least 0.05");
    else if (!isnan(g->cv))
        *out = arrival_shape_for_cv(process, g->cv);
    else if (given)
        *out = isnan(g->shape) ? g->burstiness : g->shape;
}

static struct shape written_shape(enum arrival_process process, double shape)
{
    bool has = process == ARRIVAL_GAMMA || process == ARRIVAL_WEIBULL;
    return (struct shape){NAN, NAN, has ? shape : NAN};
}

/* ---- a stage: {"duration_s": 60, "rate_rps": 2, "to_rps": 10, "process": "gamma", "cv": 2} ----
 */

struct stage_draft {
    struct arrival_stage stage;
    struct shape shape;
};

static void init_stage(void *object)
{
    struct stage_draft *d = object;
    d->stage.to_rps = NAN;
    d->shape = (struct shape){NAN, NAN, NAN};
}

static void check_stage(struct json_scan *s, void *object, uint64_t seen);

#define STAGE(member) JSON_AT(struct stage_draft, member)
enum { STAGE_PROCESS = 3 };
static const struct json_field stage_rows[] = {
    {"duration_s", JSON_AS_DOUBLE, STAGE(stage.duration_s), 1e-3, SCENARIO_MOST_SECONDS,
     .required = true},
    {"rate_rps", JSON_AS_DOUBLE, STAGE(stage.from_rps), 0, MOST_RPS, .required = true},
    {"to_rps", JSON_AS_DOUBLE, STAGE(stage.to_rps), 0, MOST_RPS},
    [STAGE_PROCESS] = {"process", JSON_AS_CHOICE, STAGE(stage.process),
                       .names = arrival_process_names, .what = "process"},
    {NULL, JSON_AS_INLINE, STAGE(shape), .table = &shape_table},
};
static const struct json_table stage_table = {JSON_ROWS(stage_rows), .where = "a stage",
                                              .needs =
                                                  "a stage needs \"duration_s\" and \"rate_rps\"",
                                              .init = init_stage, .check = check_stage};

/* A shape that is not said comes from the whole: NAN. */
static void check_stage(struct json_scan *s, void *object, uint64_t seen)
{
    struct stage_draft *d = object;
    struct arrival_stage *stage = &d->stage;
    if (isnan(stage->to_rps))
        stage->to_rps = stage->from_rps;
    stage->shape = NAN;
    if (seen >> STAGE_PROCESS & 1)
        choose_shape(s, stage->process, &d->shape, &stage->shape);
    else if (given_shapes(&d->shape))
        json_fail(s, "a stage with its own \"cv\" or \"shape\" needs its own \"process\"");
}

static void read_stage(struct json_scan *s, const struct json_field *f, void *member)
{
    struct stage_draft d = {0};
    json_fields_read(s, f->table, &d);
    *(struct arrival_stage *)member = d.stage;
}

static void write_stage(struct json_writer *w, const struct json_field *f, const void *member)
{
    const struct arrival_stage *stage = member;
    struct stage_draft d = {*stage, written_shape(stage->process, stage->shape)};
    json_fields_write(w, f->table, &d, 0);
}

static const struct json_field stage_item = {.size = sizeof(struct arrival_stage),
                                             .table = &stage_table,
                                             .read = read_stage,
                                             .write = write_stage};

/* ---- a curve: {"step_s": 60, "rates_rps": [2, 2.5, 0, 4]}, a level stage for each step ---- */

struct curve {
    double step_s, *rates_rps;
    size_t count;
};

static void check_curve(struct json_scan *s, void *object, uint64_t seen)
{
    (void)seen;
    if (((const struct curve *)object)->count == 0)
        json_fail(s, "a curve needs \"step_s\" and \"rates_rps\"");
}

#define CURVE(member) JSON_AT(struct curve, member)
static const struct json_field rate_item = {NULL, JSON_AS_DOUBLE, .size = sizeof(double),
                                            .max = MOST_RPS};
static const struct json_field curve_rows[] = {
    {"step_s", JSON_AS_DOUBLE, CURVE(step_s), 1e-3, SCENARIO_MOST_SECONDS, .required = true},
    {"rates_rps", JSON_AS_LIST, CURVE(rates_rps), .max = MOST_STAGES, .what = "steps",
     .item = &rate_item, .count = offsetof(struct curve, count), .required = true},
};
static const struct json_table curve_table = {JSON_ROWS(curve_rows), .where = "curve",
                                              .needs = "a curve needs \"step_s\" and \"rates_rps\"",
                                              .check = check_curve};

static void read_curve(struct json_scan *s, const struct json_field *f, void *member)
{
    struct arrival *a = member;
    struct curve c = {0};
    json_fields_read(s, f->table, &c);
    for (size_t i = 0; i < c.count; i++) {
        struct arrival_stage *stage = mem_append(&a->stages, &a->stage_count, sizeof *stage);
        *stage = (struct arrival_stage){.duration_s = c.step_s,
                                        .from_rps = c.rates_rps[i],
                                        .to_rps = c.rates_rps[i],
                                        .shape = NAN};
    }
    free(c.rates_rps);
}

/* The rates stand on one line, whatever the file's indentation. */
static void write_curve(struct json_writer *w, const struct json_field *f, const void *member)
{
    const struct arrival *a = member;
    int indent = w->indent;
    (void)f;
    json_begin_object(w);
    json_pair_double(w, "step_s", a->stages[0].duration_s);
    json_key(w, "rates_rps");
    json_begin_array(w);
    w->indent = 0;
    for (size_t i = 0; i < a->stage_count; i++)
        json_put_double(w, a->stages[i].from_rps);
    json_end_array(w);
    w->indent = indent;
    json_end_object(w);
}

/* True where all stages are level and alike but for their rates. */
static bool is_curve(const struct arrival *a)
{
    for (size_t i = 0; i < a->stage_count; i++) {
        const struct arrival_stage *g = &a->stages[i];
        bool level = !(g->to_rps > g->from_rps) && !(g->to_rps < g->from_rps);
        bool same = fabs(g->duration_s - a->stages[0].duration_s) < 1e-9 &&
                    fabs(g->shape - a->shape) < 1e-12 && g->process == a->process;
        if (!level || !same)
            return false;
    }
    return a->stage_count > 0;
}

static bool has_no_curve(const void *member)
{
    return !is_curve(member);
}

static bool has_no_stages(const void *member)
{
    const struct arrival *a =
        (const void *)((const char *)member - offsetof(struct arrival, stages));
    return a->stage_count == 0 || is_curve(a);
}

/* ---- what multiplies the rate ---- */

static void init_diurnal(void *object)
{
    ((struct arrival *)object)->peak_hour = 14;
}

#define AT(member) JSON_AT(struct arrival, member)
static const struct json_field diurnal_rows[] = {
    {"amplitude", JSON_AS_DOUBLE, AT(amplitude), 0, 1},
    {"peak_hour", JSON_AS_DOUBLE, AT(peak_hour), 0, 24},
};
static const struct json_table diurnal_table = {JSON_ROWS(diurnal_rows), .where = "diurnal",
                                                .init = init_diurnal};

static bool has_no_diurnal(const void *member)
{
    return !(((const struct arrival *)member)->amplitude > 0);
}

static void read_days(struct json_scan *s, const struct json_field *f, void *member)
{
    double *factor = member;
    int days = 0;
    json_array_begin(s);
    while (json_array_next(s)) {
        if (days == 7)
            json_fail(s, "\"days\" has more than 7 numbers");
        else
            json_double(s, f->min, f->max, &factor[days++]);
    }
    if (days != 7)
        json_fail(s, "\"days\" needs 7 numbers, Monday first; found %d", days);
}

static void write_days(struct json_writer *w, const struct json_field *f, const void *member)
{
    (void)f;
    json_begin_array(w);
    for (int i = 0; i < 7; i++)
        json_put_double(w, ((const double *)member)[i]);
    json_end_array(w);
}

static void read_weekend(struct json_scan *s, const struct json_field *f, void *member)
{
    double *factor = member;
    json_double(s, f->min, f->max, &factor[5]);
    factor[6] = factor[5];
}

/* Scaled to a mean of 1. */
static void check_weekly(struct json_scan *s, void *object, uint64_t seen)
{
    struct arrival *a = object;
    double sum = 0;
    (void)seen;
    for (int i = 0; i < 7; i++)
        sum += a->day_factor[i];
    if (sum <= 0)
        json_fail(s, "the days' factors must not all be 0");
    for (int i = 0; i < 7; i++)
        a->day_factor[i] *= 7 / sum;
}

static const struct json_field weekly_rows[] = {
    {"days", JSON_AS_OTHER, AT(day_factor), 0, 1e6, .read = read_days, .write = write_days},
    {"weekend", JSON_AS_OTHER, AT(day_factor), 0, 1e6, .read = read_weekend},
};
static const struct json_table weekly_table = {JSON_ROWS(weekly_rows), .where = "weekly",
                                               .check = check_weekly};

static const struct json_field on_off_rows[] = {
    {"on_s", JSON_AS_DOUBLE, AT(on_s), 1e-3, SCENARIO_MOST_SECONDS, .required = true},
    {"off_s", JSON_AS_DOUBLE, AT(off_s), 1e-3, SCENARIO_MOST_SECONDS, .required = true},
    {"off_factor", JSON_AS_DOUBLE, AT(off_factor), 0, 1},
    {"fixed", JSON_AS_BOOL, AT(fixed_phases)},
};
static const struct json_table on_off_table = {JSON_ROWS(on_off_rows), .where = "on_off",
                                               .needs = "\"on_off\" needs \"on_s\" and \"off_s\""};

static bool has_no_phases(const void *member)
{
    return !(((const struct arrival *)member)->on_s > 0);
}

/* ---- the whole ---- */

struct draft {
    struct arrival a;
    struct shape shape;
    double rate_rps; /* NAN = not given */
    double start_hour;
    int start_day;
};

static void check_arrival(struct json_scan *s, void *object, uint64_t seen);

/* Written only where the rate depends on the time of day or week. */
enum { WITH_CLOCK = 1 };

#undef AT
#define AT(member) JSON_AT(struct draft, member)
static const struct json_field rows[] = {
    {"process", JSON_AS_CHOICE, AT(a.process), .names = arrival_process_names, .what = "process"},
    {NULL, JSON_AS_INLINE, AT(shape), .table = &shape_table},
    {"curve", JSON_AS_OTHER, AT(a), .read = read_curve, .write = write_curve,
     .is_nothing = has_no_curve, .table = &curve_table},
    {"stages", JSON_AS_LIST, AT(a.stages), .max = MOST_STAGES, .what = "stages",
     .item = &stage_item, .count = offsetof(struct draft, a.stage_count),
     .is_nothing = has_no_stages},
    {"repeat", JSON_AS_BOOL, AT(a.repeat), .optional = true},
    {"rate_rps", JSON_AS_DOUBLE, AT(rate_rps), 1e-9, MOST_RPS, .optional = true},
    {"diurnal", JSON_AS_OBJECT, AT(a), .table = &diurnal_table, .is_nothing = has_no_diurnal},
    {"weekly", JSON_AS_OBJECT, AT(a), .table = &weekly_table, .groups = WITH_CLOCK},
    {"start_hour", JSON_AS_DOUBLE, AT(start_hour), 0, 24, .groups = WITH_CLOCK},
    {"start_day", JSON_AS_CHOICE, AT(start_day), .names = day_names, .what = "day",
     .groups = WITH_CLOCK},
    {"on_off", JSON_AS_OBJECT, AT(a), .table = &on_off_table, .is_nothing = has_no_phases},
};
const struct json_table arrival_table = {JSON_ROWS(rows), .where = "arrivals",
                                         .check = check_arrival};

/* What can only be said once every key is known. */
static void check_arrival(struct json_scan *s, void *object, uint64_t seen)
{
    struct draft *d = object;
    struct arrival *a = &d->a;
    (void)seen;
    a->start_hour = d->start_hour + 24 * d->start_day;
    choose_shape(s, a->process, &d->shape, &a->shape);
    for (size_t i = 0; i < a->stage_count; i++)
        if (isnan(a->stages[i].shape)) {
            a->stages[i].process = a->process;
            a->stages[i].shape = a->shape;
        }
    a->rate_rps = isnan(d->rate_rps) ? 0 : d->rate_rps;
    if (a->stages && !isnan(d->rate_rps))
        json_fail(s, "give \"rate_rps\" or \"stages\" (or \"curve\"), not both");
    else if (!a->stages && isnan(d->rate_rps))
        json_fail(s, "arrivals need \"rate_rps\", \"stages\" or \"curve\"");
    else if (arrival_mean_rps(a) <= 0)
        json_fail(s, "the rate of every stage is 0");
    else if (!a->stages && a->repeat)
        json_fail(s, "\"repeat\" belongs to \"stages\" or \"curve\"");
}

bool arrival_parse(struct json_scan *s, struct arrival *out)
{
    struct draft d = {.a = arrival_poisson(0), .rate_rps = NAN, .shape = {NAN, NAN, NAN}};
    json_fields_read(s, &arrival_table, &d);
    if (s->failed)
        arrival_free(&d.a);
    *out = d.a;
    return !s->failed;
}

void arrival_read_field(struct json_scan *s, const struct json_field *f, void *member)
{
    (void)f;
    arrival_free(member);
    arrival_parse(s, member);
}

static bool needs_clock(const struct arrival *a)
{
    bool days = false;
    for (int i = 0; i < 7; i++)
        days = days || a->day_factor[i] < 1 || a->day_factor[i] > 1;
    return a->amplitude > 0 || days;
}

void arrival_write_field(struct json_writer *w, const struct json_field *f, const void *member)
{
    const struct arrival *a = member;
    struct draft d = {.a = *a,
                      .shape = written_shape(a->process, a->shape),
                      .rate_rps = a->stages ? NAN : a->rate_rps,
                      .start_hour = fmod(a->start_hour, 24),
                      .start_day = (int)(a->start_hour / 24) % 7};
    (void)f;
    json_fields_write(w, &arrival_table, &d, needs_clock(a) ? WITH_CLOCK : 0);
}
