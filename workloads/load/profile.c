#include "workloads/load/profile.h"

#include "core/memory.h"
#include "core/text.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

void load_arrivals_begin(struct load_arrivals *p, const struct profile *load, double requests,
                         enum arrival_process process, double shape, uint64_t seed)
{
    struct profile_stage *stages = mem_alloc(load->count * sizeof *stages);
    *p = (struct load_arrivals){{stages, load->count}, process, shape, .stage = 0};
    for (size_t i = 0; i < load->count; i++) {
        stages[i] = load->stages[i];
        stages[i].from /= requests;
        stages[i].to /= requests;
        stages[i].sum_before /= requests;
    }
    random_init(&p->random, seed, RANDOM_ARRIVALS, 0);
}

void load_arrivals_free(struct load_arrivals *p)
{
    profile_free(&p->load);
}

/* The burst that comes before the arrival at `sum`, if there is one; begins it. */
static bool begin_burst(struct load_arrivals *p)
{
    const struct profile *load = &p->load;
    while (p->stage < load->count && load->stages[p->stage].burst == 0)
        p->stage++;
    if (p->stage == load->count)
        return false;
    /* Behind the last arrival all bursts that are left come. */
    if (load->stages[p->stage].sum_before >= p->sum && profile_when_sum(load, p->sum) != TIME_NEVER)
        return false;
    p->burst_left = load->stages[p->stage].burst;
    p->burst_ns = load->stages[p->stage++].start_ns;
    return true;
}

int64_t load_arrivals_next(struct load_arrivals *p)
{
    if (!p->drawn && p->burst_left == 0) {
        p->sum += arrival_gap(p->process, p->shape, !p->begun, &p->random);
        p->begun = p->drawn = true;
    }
    if (p->burst_left > 0 || begin_burst(p)) {
        p->burst_left--;
        return p->burst_ns;
    }
    p->drawn = false;
    return profile_when_sum(&p->load, p->sum);
}

static double seconds(int64_t ns)
{
    return (double)ns / 1e9;
}

static int64_t nanoseconds(double s)
{
    return s >= 9e9 ? TIME_NEVER : (int64_t)llround(s * 1e9);
}

#define LONGEST_NS (NS_PER_S * 300000000) /* as --duration: far from where times overflow */

static double stage_sum(const struct profile_stage *s)
{
    return s->length_ns == TIME_NEVER ? INFINITY : (s->from + s->to) / 2 * seconds(s->length_ns);
}

static void add_stage(struct profile *p, double from, double to, int64_t length_ns, uint64_t burst)
{
    struct profile_stage stage = {.from = from, .to = to, .length_ns = length_ns, .burst = burst};
    if (p->count) {
        const struct profile_stage *last = &p->stages[p->count - 1];
        stage.start_ns = last->start_ns + last->length_ns;
        stage.sum_before = last->sum_before + stage_sum(last);
    }
    p->stages = mem_resize(p->stages, p->count + 1, sizeof *p->stages);
    p->stages[p->count++] = stage;
}

void profile_hold(struct profile *p, double value)
{
    *p = (struct profile){0};
    add_stage(p, value, value, TIME_NEVER, 0);
}

void profile_free(struct profile *p)
{
    free(p->stages);
    *p = (struct profile){0};
}

static struct text cut(struct text *rest, char at)
{
    const char *found = memchr(rest->at, at, rest->length);
    struct text part = {rest->at, found ? (size_t)(found - rest->at) : rest->length};
    size_t used = part.length + (found ? 1 : 0);
    *rest = (struct text){rest->at + used, rest->length - used};
    return part;
}

static bool parse_level(struct text t, double *out)
{
    return text_to_double(t, out) && *out >= 0 && *out <= 1e9;
}

static bool parse_burst(struct profile *p, struct text stage)
{
    uint64_t burst;
    if (!text_to_u64((struct text){stage.at + 1, stage.length - 1}, &burst) || burst == 0 ||
        burst > 1000000000)
        return false;
    add_stage(p, 0, 0, 0, burst);
    return true;
}

static bool parse_stage(struct profile *p, struct text stage)
{
    if (stage.length && stage.at[0] == '+')
        return parse_burst(p, stage);
    struct text to = cut(&stage, ':'), from = cut(&to, '-');
    double a, b;
    int64_t length;
    bool ramp = from.at + from.length < to.at; /* there was a dash */
    if (!ramp)
        to = from;
    if (!parse_level(from, &a) || !parse_level(to, &b) ||
        clock_parse_duration(stage.at, stage.length, &length) < 0 || length == 0)
        return false;
    const struct profile_stage *last = p->count ? &p->stages[p->count - 1] : NULL;
    if (length > LONGEST_NS || (last && last->start_ns + last->length_ns > LONGEST_NS - length))
        return false;
    add_stage(p, a, b, length, 0);
    return true;
}

int profile_parse(const char *text, struct profile *out, struct error *err)
{
    struct text rest = text_of(text);
    double value;
    *out = (struct profile){0};
    if (parse_level(rest, &value) && value > 0) {
        profile_hold(out, value);
        return 0;
    }
    for (bool more = rest.length > 0; more;) {
        more = memchr(rest.at, ',', rest.length) != NULL;
        struct text stage = cut(&rest, ',');
        if (parse_stage(out, stage))
            continue;
        profile_free(out);
        return error_set(
            err, ERR_INPUT,
            "\"%.*s\" is no load: expected a number above 0, at most 10^9, or "
            "stages such as 10:30s,10-50:60s, in all at most 300,000,000 s, or a burst "
            "in a load, such as 10:30s,+200,10:30s",
            (int)(stage.length > 40 ? 40 : stage.length), stage.at);
    }
    if (out->count == 0)
        return error_set(err, ERR_INPUT, "expected a load such as 10 or 10:30s,10-50:60s");
    return 0;
}

int64_t profile_end_ns(const struct profile *p)
{
    const struct profile_stage *last = &p->stages[p->count - 1];
    if (last->length_ns == TIME_NEVER)
        return TIME_NEVER;
    return last->start_ns + last->length_ns + (last->burst > 0);
}

bool profile_has_burst(const struct profile *p)
{
    for (size_t i = 0; i < p->count; i++)
        if (p->stages[i].burst)
            return true;
    return false;
}

static double value_in(const struct profile_stage *s, int64_t at_ns)
{
    if (s->length_ns == TIME_NEVER)
        return s->from;
    return s->from + (s->to - s->from) * ((double)(at_ns - s->start_ns) / (double)s->length_ns);
}

static bool holds(const struct profile_stage *s, int64_t at_ns)
{
    return s->length_ns == TIME_NEVER || at_ns < s->start_ns + s->length_ns;
}

double profile_value(const struct profile *p, int64_t at_ns)
{
    for (size_t i = 0; i < p->count; i++)
        if (holds(&p->stages[i], at_ns))
            return value_in(&p->stages[i], at_ns);
    return 0;
}

double profile_sum(const struct profile *p, int64_t at_ns)
{
    double sum = 0;
    for (size_t i = 0; i < p->count && p->stages[i].start_ns <= at_ns; i++) {
        const struct profile_stage *s = &p->stages[i];
        bool whole = !holds(s, at_ns);
        double length_s = seconds(whole ? s->length_ns : at_ns - s->start_ns);
        double to = whole ? s->to : value_in(s, at_ns);
        sum += s->burst ? (double)s->burst : (s->from + to) / 2 * length_s;
    }
    return sum;
}

static double time_for(const struct profile_stage *s, double sum)
{
    double slope = s->length_ns == TIME_NEVER ? 0 : (s->to - s->from) / seconds(s->length_ns);
    return sum > 0 ? arrival_ramp(s->from, slope, sum) : 0;
}

int64_t profile_when_sum(const struct profile *p, double sum)
{
    for (size_t i = 0; i < p->count; i++) {
        const struct profile_stage *s = &p->stages[i];
        double inside = sum - s->sum_before;
        if (!(inside < stage_sum(s)))
            continue;
        int64_t t = nanoseconds(time_for(s, inside));
        return t == TIME_NEVER ? t : s->start_ns + t;
    }
    return TIME_NEVER;
}

int64_t profile_when_level(const struct profile *p, int64_t from_ns, double level)
{
    for (size_t i = 0; i < p->count; i++) {
        const struct profile_stage *s = &p->stages[i];
        if (!holds(s, from_ns) || s->burst)
            continue;
        int64_t at = from_ns > s->start_ns ? from_ns : s->start_ns;
        if (value_in(s, at) >= level)
            return at;
        if (s->length_ns == TIME_NEVER || s->to < level)
            continue;
        double part = (level - s->from) / (s->to - s->from);
        int64_t reached = s->start_ns + (int64_t)ceil(part * (double)s->length_ns);
        if (reached < s->start_ns + s->length_ns)
            return reached;
    }
    return TIME_NEVER;
}
