#include "sim/engine/autoscale.h"

#include "core/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- the config ---- */

static const char *const metric_names[] = {"none", "concurrency", "queue", "schedule", NULL};

static void read_point(struct json_scan *s, struct autoscale_point *p)
{
    uint64_t replicas = 0;
    json_array_begin(s);
    if (!json_array_next(s) || !json_double(s, 0, 1e9, &p->at_s) || !json_array_next(s) ||
        !json_u64(s, 1, 100000, &replicas)) {
        json_fail(s, "a point of the schedule is [seconds, replicas]");
        return;
    }
    if (json_array_next(s))
        json_fail(s, "a point of the schedule is [seconds, replicas], and no more");
    p->replicas = (uint32_t)replicas;
}

static void read_schedule(struct json_scan *s, const struct json_field *row, void *config)
{
    struct autoscale_config *c = config;
    (void)row;
    c->schedule_count = 0;
    json_array_begin(s);
    while (json_array_next(s))
        if (c->schedule_count == AUTOSCALE_SCHEDULE_MOST)
            json_fail(s, "more than %d points of the schedule", AUTOSCALE_SCHEDULE_MOST);
        else
            read_point(s, &c->schedule[c->schedule_count++]);
}

static void put_schedule(struct json_writer *w, const struct json_field *row, const void *config)
{
    const struct autoscale_config *c = config;
    (void)row;
    json_begin_array(w);
    for (uint32_t i = 0; i < c->schedule_count; i++) {
        json_begin_array(w);
        json_put_double(w, c->schedule[i].at_s);
        json_put_u64(w, c->schedule[i].replicas);
        json_end_array(w);
    }
    json_end_array(w);
}

static bool has_no_schedule(const void *config)
{
    return ((const struct autoscale_config *)config)->schedule_count == 0;
}

static bool is_zero(const void *member)
{
    double value;
    memcpy(&value, member, sizeof value);
    return !(value > 0);
}

#define AT(member) JSON_AT(struct autoscale_config, member)
static const struct json_field rows[] = {
    {"metric", JSON_AS_CHOICE, AT(metric), .names = metric_names, .what = "metric to scale on"},
    {"target", JSON_AS_DOUBLE, AT(target), 0, 1e9, .is_nothing = is_zero},
    {"min_replicas", JSON_AS_UINT, AT(min_replicas), 1, 100000},
    {"max_replicas", JSON_AS_UINT, AT(max_replicas), 1, 100000},
    {"cold_start_s", JSON_AS_DOUBLE, AT(cold_start_s), 0, 1e6},
    {"sync_period_s", JSON_AS_DOUBLE, AT(sync_period_s), 0.001, 1e6},
    {"tolerance", JSON_AS_DOUBLE, AT(tolerance), 0, 10},
    {"stabilization_window_s", JSON_AS_DOUBLE, AT(stabilization_window_s), 0, 1e6},
    {"schedule", .is_nothing = has_no_schedule, .read = read_schedule, .write = put_schedule},
    {"period_s", JSON_AS_DOUBLE, AT(period_s), 0, 1e9, .is_nothing = is_zero},
    {"billing_unit_s", JSON_AS_DOUBLE, AT(billing_unit_s), 0, 1e9, .is_nothing = is_zero},
};
const struct json_table autoscale_table = {JSON_ROWS(rows), .where = "autoscale", .once = true};

void autoscale_config_init(struct autoscale_config *c)
{
    *c = (struct autoscale_config){.min_replicas = 1,
                                   .max_replicas = 1,
                                   .sync_period_s = 15,
                                   .tolerance = 0.1,
                                   .stabilization_window_s = 300};
}

bool autoscale_is_nothing(const void *config)
{
    return ((const struct autoscale_config *)config)->metric == AUTOSCALE_NONE;
}

int autoscale_config_parse(const char *option, const char *text, struct autoscale_config *c,
                           struct error *err)
{
    struct json_scan s;
    autoscale_config_init(c);
    json_scan_init(&s, option, text, strlen(text), 1);
    json_fields_read(&s, &autoscale_table, c);
    if (json_scan_end(&s, err) < 0)
        return ERR_INPUT;
    if (c->metric == AUTOSCALE_NONE)
        return error_set(err, ERR_INPUT,
                         "%s: give metric: concurrency, queue or schedule; without it nothing is "
                         "scaled",
                         option);
    return 0;
}

static int check_schedule(const struct autoscale_config *c, struct error *err)
{
    if (c->schedule_count == 0 || c->schedule[0].at_s > 0)
        return error_set(err, ERR_INPUT,
                         "autoscale: a schedule begins at second 0: [[0, 2], [600, 4]]");
    for (uint32_t i = 1; i < c->schedule_count; i++)
        if (c->schedule[i].at_s <= c->schedule[i - 1].at_s)
            return error_set(err, ERR_INPUT, "autoscale: the schedule goes from %g s to %g s",
                             c->schedule[i - 1].at_s, c->schedule[i].at_s);
    if (c->period_s > 0 && c->schedule[c->schedule_count - 1].at_s >= c->period_s)
        return error_set(err, ERR_INPUT, "autoscale: the schedule is longer than its period_s, %g",
                         c->period_s);
    return 0;
}

int autoscale_config_check(const struct autoscale_config *c, uint32_t replicas, struct error *err)
{
    if (c->metric == AUTOSCALE_NONE)
        return 0;
    if (c->min_replicas > c->max_replicas)
        return error_set(err, ERR_INPUT, "autoscale: min_replicas (%u) is above max_replicas (%u)",
                         c->min_replicas, c->max_replicas);
    if (replicas < c->min_replicas || replicas > c->max_replicas)
        return error_set(err, ERR_INPUT,
                         "autoscale: replicas, those at the beginning, are %u: they must be from "
                         "min_replicas (%u) to max_replicas (%u)",
                         replicas, c->min_replicas, c->max_replicas);
    if (c->metric == AUTOSCALE_SCHEDULE)
        return check_schedule(c, err);
    if (!(c->target > 0))
        return error_set(err, ERR_INPUT, "autoscale: give target, the %s of a replica",
                         c->metric == AUTOSCALE_QUEUE ? "waiting requests" : "requests in flight");
    return 0;
}

/* ---- decisions ---- */

void autoscaler_free(struct autoscaler *a)
{
    free(a->wishes);
    *a = (struct autoscaler){0};
}

static int64_t ns_of(double seconds)
{
    return llround(seconds * (double)NS_PER_S);
}

static void add_wish(struct autoscaler *a, int64_t at_ns, uint32_t replicas)
{
    mem_grow(&a->wishes, &a->capacity, a->count + 1, sizeof *a->wishes);
    a->wishes[a->count++] = (struct autoscale_wish){at_ns, replicas};
}

void autoscaler_init(struct autoscaler *a, const struct autoscale_config *config, uint32_t replicas,
                     int64_t now_ns)
{
    *a = (struct autoscaler){.config = config, .begun_ns = now_ns, .next_ns = now_ns};
    if (config->metric == AUTOSCALE_SCHEDULE)
        return;
    a->next_ns += ns_of(config->sync_period_s);
    add_wish(a, now_ns, replicas);
}

static uint32_t within(const struct autoscale_config *c, double replicas)
{
    if (replicas < c->min_replicas)
        return c->min_replicas;
    return replicas > c->max_replicas ? c->max_replicas : (uint32_t)replicas;
}

/* The schedule at this instant; sets the next sync to its next point. */
static uint32_t follow_schedule(struct autoscaler *a)
{
    const struct autoscale_config *c = a->config;
    int64_t now_ns = a->next_ns, period_ns = ns_of(c->period_s);
    int64_t since_ns = now_ns - a->begun_ns;
    int64_t round_ns = period_ns > 0 ? since_ns / period_ns * period_ns : 0;
    uint32_t i = 0;
    while (i + 1 < c->schedule_count && ns_of(c->schedule[i + 1].at_s) <= since_ns - round_ns)
        i++;
    a->next_ns = TIME_NEVER;
    if (i + 1 < c->schedule_count)
        a->next_ns = a->begun_ns + round_ns + ns_of(c->schedule[i + 1].at_s);
    else if (period_ns > 0)
        a->next_ns = a->begun_ns + round_ns + period_ns;
    return within(c, c->schedule[i].replicas);
}

static uint32_t wish(const struct autoscale_config *c, uint32_t replicas, uint64_t total)
{
    double ratio = (double)total / (c->target * replicas);
    if (1 - c->tolerance <= ratio && ratio <= 1 + c->tolerance)
        return within(c, replicas);
    double most = replicas > 4 ? 2.0 * replicas : replicas + 4.0;
    return within(c, fmin(ceil((double)total / c->target - 1e-9), most));
}

/* The highest wish of the window that ends with this one. */
static uint32_t stabilize(struct autoscaler *a, uint32_t wanted)
{
    int64_t window_ns = ns_of(a->config->stabilization_window_s);
    size_t old = 0;
    while (old < a->count && a->wishes[old].at_ns <= a->next_ns - window_ns)
        old++;
    a->count -= old;
    if (old > 0)
        memmove(a->wishes, a->wishes + old, a->count * sizeof *a->wishes);
    while (a->count > 0 && a->wishes[a->count - 1].replicas <= wanted)
        a->count--;
    add_wish(a, a->next_ns, wanted);
    return a->wishes[0].replicas;
}

uint32_t autoscaler_sync(struct autoscaler *a, uint32_t replicas, uint64_t total)
{
    if (a->config->metric == AUTOSCALE_SCHEDULE)
        return follow_schedule(a);
    uint32_t wanted = wish(a->config, replicas, total), calm = stabilize(a, wanted);
    a->next_ns += ns_of(a->config->sync_period_s);
    if (wanted >= replicas)
        return wanted;
    return calm < replicas ? calm : replicas;
}
