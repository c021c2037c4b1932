/* Arrivals as they stand in scenario files. */
#include "workloads/scenario/arrival.h"

#include "core/memory.h"

#include <math.h>
#include <string.h>

#define MOST_STAGES 1000000
#define MOST_SECONDS 1e9
#define MOST_RPS 1e7

static const char *const process_names[] = {"constant", "poisson", "gamma", "weibull", NULL};
static const char *const day_names[] = {"monday", "tuesday",  "wednesday", "thursday",
                                        "friday", "saturday", "sunday",    NULL};
static const char *const keys[] = {"process",    "rate_rps",  "burstiness", "cv",      "shape",
                                   "stages",     "curve",     "repeat",     "diurnal", "weekly",
                                   "start_hour", "start_day", "on_off",     NULL};

/* Takes a string that is one of the names; its number, or -1 after an error. */
static int choose(struct json_scan *s, const char *const *names, const char *what)
{
    struct text name;
    if (!json_string(s, &name))
        return -1;
    for (int i = 0; names[i]; i++)
        if (text_equal(name, names[i]))
            return i;
    const char *near = text_nearest(name, names);
    json_fail(s, "unknown %s \"%.*s\"%s%s%s; the first known one is \"%s\"", what,
              (int)(name.length < 60 ? name.length : 60), name.at, near ? "; did you mean \"" : "",
              near ? near : "", near ? "\"?" : "", names[0]);
    return -1;
}

struct draft {
    struct arrival a;
    size_t stage_capacity;
    double rate_rps, burstiness, cv, shape; /* NAN = not given */
    double day;
    bool curve;
};

static void parse_shape(struct json_scan *s, struct text key, double *burstiness, double *cv,
                        double *shape)
{
    if (text_equal(key, "cv"))
        json_double(s, 0.05, 20, cv);
    else
        json_double(s, 0.0025, 400, text_equal(key, "shape") ? shape : burstiness);
}

/* The shape of the gaps from whichever of the three was given. */
static void settle_shape(struct json_scan *s, enum arrival_process process, double burstiness,
                         double cv, double shape, double *out)
{
    int given = !isnan(burstiness) + !isnan(cv) + !isnan(shape);
    bool needs = process == ARRIVAL_GAMMA || process == ARRIVAL_WEIBULL;
    *out = 1;
    if (given > 1)
        json_fail(s, "give one of \"burstiness\", \"cv\", \"shape\", not several");
    else if (needs && !given)
        json_fail(s, "%s arrivals need \"cv\" or \"shape\"", process_names[process]);
    else if (!needs && given)
        json_fail(s, "%s arrivals take no \"burstiness\", \"cv\" or \"shape\"",
                  process_names[process]);
    else if (!isnan(burstiness) && process == ARRIVAL_WEIBULL)
        json_fail(s, "\"burstiness\" belongs to gamma arrivals; give \"cv\" or \"shape\"");
    else if (process == ARRIVAL_WEIBULL && shape < 0.05)
        json_fail(s, "the shape of weibull arrivals must be at least 0.05");
    else if (!isnan(cv))
        *out = arrival_shape_for_cv(process, cv);
    else if (given)
        *out = isnan(shape) ? burstiness : shape;
}

static struct arrival_stage *add_stage(struct draft *d)
{
    mem_grow((void **)&d->a.stages, &d->stage_capacity, d->a.stage_count + 1, sizeof *d->a.stages);
    struct arrival_stage *stage = &d->a.stages[d->a.stage_count++];
    *stage = (struct arrival_stage){0};
    return stage;
}

/* {"duration_s": 60, "rate_rps": 2, "to_rps": 10, "process": "gamma", "cv": 2}; -1 stands for a
 * process that comes from the whole. */
static void parse_stage(struct json_scan *s, struct draft *d)
{
    static const char *const known[] = {"duration_s", "rate_rps", "to_rps", "process",
                                        "burstiness", "cv",       "shape",  NULL};
    struct arrival_stage *stage = add_stage(d);
    double to = NAN, burstiness = NAN, cv = NAN, shape = NAN;
    int process = -1;
    struct text key;
    stage->duration_s = stage->from_rps = NAN;
    json_object_begin(s);
    const char *start = s->value;
    while (json_object_next(s, &key)) {
        if (text_equal(key, "duration_s"))
            json_double(s, 1e-3, MOST_SECONDS, &stage->duration_s);
        else if (text_equal(key, "rate_rps"))
            json_double(s, 0, MOST_RPS, &stage->from_rps);
        else if (text_equal(key, "to_rps"))
            json_double(s, 0, MOST_RPS, &to);
        else if (text_equal(key, "process"))
            process = choose(s, process_names, "process");
        else if (text_equal(key, "burstiness") || text_equal(key, "cv") || text_equal(key, "shape"))
            parse_shape(s, key, &burstiness, &cv, &shape);
        else
            json_unknown_key(s, key, known, "a stage");
    }
    if (s->failed)
        return;
    s->value = start;
    stage->to_rps = isnan(to) ? stage->from_rps : to;
    if (isnan(stage->duration_s) || isnan(stage->from_rps))
        json_fail(s, "a stage needs \"duration_s\" and \"rate_rps\"");
    stage->shape = NAN; /* from the whole, see settle() */
    if (process >= 0) {
        stage->process = (enum arrival_process)process;
        settle_shape(s, stage->process, burstiness, cv, shape, &stage->shape);
    } else if (!isnan(burstiness) || !isnan(cv) || !isnan(shape)) {
        json_fail(s, "a stage with its own \"cv\" or \"shape\" needs its own \"process\"");
    }
}

/* {"step_s": 60, "rates_rps": [2, 2.5, 0, 4]}: one level stage per step. */
static void parse_curve(struct json_scan *s, struct draft *d)
{
    static const char *const known[] = {"step_s", "rates_rps", NULL};
    double step_s = NAN;
    size_t first = d->a.stage_count;
    struct text key;
    json_object_begin(s);
    const char *start = s->value;
    while (json_object_next(s, &key)) {
        if (text_equal(key, "step_s")) {
            json_double(s, 1e-3, MOST_SECONDS, &step_s);
        } else if (text_equal(key, "rates_rps")) {
            json_array_begin(s);
            while (json_array_next(s) && d->a.stage_count < MOST_STAGES) {
                struct arrival_stage *stage = add_stage(d);
                json_double(s, 0, MOST_RPS, &stage->from_rps);
                stage->to_rps = stage->from_rps;
                stage->shape = NAN;
            }
            if (d->a.stage_count >= MOST_STAGES)
                json_fail(s, "more than %d steps", MOST_STAGES);
        } else {
            json_unknown_key(s, key, known, "curve");
        }
    }
    for (size_t i = first; i < d->a.stage_count; i++)
        d->a.stages[i].duration_s = step_s;
    s->value = s->failed ? s->value : start;
    if (isnan(step_s) || d->a.stage_count == first)
        json_fail(s, "a curve needs \"step_s\" and \"rates_rps\"");
}

static void parse_stages(struct json_scan *s, struct draft *d)
{
    json_array_begin(s);
    while (json_array_next(s)) {
        parse_stage(s, d);
        if (d->a.stage_count == MOST_STAGES)
            json_fail(s, "more than %d stages", MOST_STAGES);
    }
}

static void parse_diurnal(struct json_scan *s, struct arrival *a)
{
    static const char *const known[] = {"amplitude", "peak_hour", NULL};
    struct text key;
    a->peak_hour = 14;
    json_object_begin(s);
    while (json_object_next(s, &key)) {
        if (text_equal(key, "amplitude"))
            json_double(s, 0, 1, &a->amplitude);
        else if (text_equal(key, "peak_hour"))
            json_double(s, 0, 24, &a->peak_hour);
        else
            json_unknown_key(s, key, known, "diurnal");
    }
}

/* {"days": [7 numbers]} or {"weekend": 0.37}: scaled to a mean of 1. */
static void parse_weekly(struct json_scan *s, struct arrival *a)
{
    static const char *const known[] = {"days", "weekend", NULL};
    struct text key;
    json_object_begin(s);
    while (json_object_next(s, &key)) {
        if (text_equal(key, "days")) {
            int days = 0;
            json_array_begin(s);
            while (json_array_next(s)) {
                if (days == 7)
                    json_fail(s, "\"days\" has more than 7 numbers");
                else
                    json_double(s, 0, 1e6, &a->day_factor[days++]);
            }
            if (days != 7)
                json_fail(s, "\"days\" needs 7 numbers, Monday first; found %d", days);
        } else if (text_equal(key, "weekend")) {
            json_double(s, 0, 1e6, &a->day_factor[5]);
            a->day_factor[6] = a->day_factor[5];
        } else {
            json_unknown_key(s, key, known, "weekly");
        }
    }
    double sum = 0;
    for (int i = 0; i < 7; i++)
        sum += a->day_factor[i];
    if (sum <= 0)
        json_fail(s, "the days' factors must not all be 0");
    for (int i = 0; i < 7; i++)
        a->day_factor[i] *= 7 / sum;
}

static void parse_on_off(struct json_scan *s, struct arrival *a)
{
    static const char *const known[] = {"on_s", "off_s", "off_factor", "fixed", NULL};
    struct text key;
    json_object_begin(s);
    const char *start = s->value;
    while (json_object_next(s, &key)) {
        if (text_equal(key, "on_s"))
            json_double(s, 1e-3, MOST_SECONDS, &a->on_s);
        else if (text_equal(key, "off_s"))
            json_double(s, 1e-3, MOST_SECONDS, &a->off_s);
        else if (text_equal(key, "off_factor"))
            json_double(s, 0, 1, &a->off_factor);
        else if (text_equal(key, "fixed"))
            json_bool(s, &a->fixed_phases);
        else
            json_unknown_key(s, key, known, "on_off");
    }
    s->value = s->failed ? s->value : start;
    if (a->on_s <= 0 || a->off_s <= 0)
        json_fail(s, "\"on_off\" needs \"on_s\" and \"off_s\"");
}

static void member_parse(struct json_scan *s, struct text key, struct draft *d)
{
    struct arrival *a = &d->a;
    int number;
    if (text_equal(key, "process")) {
        number = choose(s, process_names, "process");
        a->process = number < 0 ? ARRIVAL_POISSON : (enum arrival_process)number;
    } else if (text_equal(key, "rate_rps")) {
        json_double(s, 1e-9, MOST_RPS, &d->rate_rps);
    } else if (text_equal(key, "burstiness") || text_equal(key, "cv") || text_equal(key, "shape")) {
        parse_shape(s, key, &d->burstiness, &d->cv, &d->shape);
    } else if (text_equal(key, "stages")) {
        parse_stages(s, d);
    } else if (text_equal(key, "curve")) {
        parse_curve(s, d);
    } else if (text_equal(key, "repeat")) {
        json_bool(s, &a->repeat);
    } else if (text_equal(key, "diurnal")) {
        parse_diurnal(s, a);
    } else if (text_equal(key, "weekly")) {
        parse_weekly(s, a);
    } else if (text_equal(key, "on_off")) {
        parse_on_off(s, a);
    } else if (text_equal(key, "start_hour")) {
        json_double(s, 0, 24, &a->start_hour);
    } else if (text_equal(key, "start_day")) {
        number = choose(s, day_names, "day");
        d->day = number < 0 ? 0 : number;
    } else {
        json_unknown_key(s, key, keys, "arrivals");
    }
}

/* What can only be said once every member is known. */
static void settle(struct json_scan *s, struct draft *d)
{
    struct arrival *a = &d->a;
    a->start_hour += 24 * d->day;
    settle_shape(s, a->process, d->burstiness, d->cv, d->shape, &a->shape);
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
    struct draft d = {
        .a = arrival_poisson(0), .rate_rps = NAN, .burstiness = NAN, .cv = NAN, .shape = NAN};
    struct text key;
    json_object_begin(s);
    const char *start = s->value;
    while (json_object_next(s, &key))
        member_parse(s, key, &d);
    if (!s->failed) {
        s->value = start;
        settle(s, &d);
    }
    if (s->failed)
        arrival_free(&d.a);
    *out = d.a;
    return !s->failed;
}

static void write_process(enum arrival_process process, double shape, struct json_writer *w)
{
    json_pair_string(w, "process", process_names[process]);
    if (process == ARRIVAL_GAMMA || process == ARRIVAL_WEIBULL)
        json_pair_double(w, "shape", shape);
}

/* A curve where all stages are level and alike but for their rates, else stages. */
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
    return true;
}

static void write_stages(const struct arrival *a, struct json_writer *w)
{
    int indent = w->indent;
    if (is_curve(a)) {
        json_key(w, "curve");
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
    } else {
        json_key(w, "stages");
        json_begin_array(w);
        for (size_t i = 0; i < a->stage_count; i++) {
            json_begin_object(w);
            json_pair_double(w, "duration_s", a->stages[i].duration_s);
            json_pair_double(w, "rate_rps", a->stages[i].from_rps);
            json_pair_double(w, "to_rps", a->stages[i].to_rps);
            write_process(a->stages[i].process, a->stages[i].shape, w);
            json_end_object(w);
        }
        json_end_array(w);
    }
    if (a->repeat)
        json_pair_bool(w, "repeat", true);
}

static void write_clock(const struct arrival *a, struct json_writer *w)
{
    if (a->amplitude > 0) {
        json_key(w, "diurnal");
        json_begin_object(w);
        json_pair_double(w, "amplitude", a->amplitude);
        json_pair_double(w, "peak_hour", a->peak_hour);
        json_end_object(w);
    }
    json_key(w, "weekly");
    json_begin_object(w);
    json_key(w, "days");
    json_begin_array(w);
    for (int i = 0; i < 7; i++)
        json_put_double(w, a->day_factor[i]);
    json_end_array(w);
    json_end_object(w);
    json_pair_double(w, "start_hour", fmod(a->start_hour, 24));
    json_pair_string(w, "start_day", day_names[(int)(a->start_hour / 24) % 7]);
}

void arrival_write(const struct arrival *a, struct json_writer *w)
{
    json_begin_object(w);
    write_process(a->process, a->shape, w);
    if (a->stages)
        write_stages(a, w);
    else
        json_pair_double(w, "rate_rps", a->rate_rps);
    bool days = false;
    for (int i = 0; i < 7; i++)
        days = days || a->day_factor[i] < 1 || a->day_factor[i] > 1;
    if (a->amplitude > 0 || days)
        write_clock(a, w);
    if (a->on_s > 0) {
        json_key(w, "on_off");
        json_begin_object(w);
        json_pair_double(w, "on_s", a->on_s);
        json_pair_double(w, "off_s", a->off_s);
        json_pair_double(w, "off_factor", a->off_factor);
        json_pair_bool(w, "fixed", a->fixed_phases);
        json_end_object(w);
    }
    json_end_object(w);
}
