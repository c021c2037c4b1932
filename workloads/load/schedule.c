#include "workloads/load/schedule.h"

#include "core/heap.h"
#include "core/memory.h"
#include "workloads/load/dependencies.h"

#include <math.h>
#include <stdlib.h>

struct schedule {
    struct schedule_config config;
    const struct workload *w;
    int64_t end_ns; /* nothing becomes due from here on */

    uint32_t *owner;                 /* worker by row; NULL: one worker */
    uint32_t rows;                   /* rows that take part */
    uint32_t *roots;                 /* rows without parents in order of their time */
    uint64_t root_count, root_total; /* distinct ones, and with repeats */
    uint64_t planned, planned_here;  /* requests in all, and this worker's; 0 = without end */
    uint64_t handed_out;             /* taken, or handed out as unsent */

    uint64_t root_next; /* number of the next root to look at */
    struct due next;    /* the next root of this worker */
    bool has_next;
    struct load_arrivals process; /* open loop: of roots */

    struct dependencies deps;
    bool *doomed;        /* a parent failed; NULL without dependencies */
    struct heap soon;    /* dependents with their due time */
    struct heap orphans; /* rows behind a failed parent */

    uint32_t in_flight;
    int64_t freed_ns;    /* when the in-flight cap last opened */
    struct heap slots;   /* closed loop: since when each free slot is free */
    uint32_t slot_count; /* free and used */
    int64_t slots_ns;    /* the profile was followed up to here */
    int64_t opens_ns;    /* no slot opens before */

    bool closed;
    int64_t closed_ns;
    enum unsent_reason reason;
};

static int64_t scaled(const struct schedule *s, int64_t ns)
{
    if (s->config.speed == 1.0)
        return ns;
    double slowed = (double)ns / s->config.speed;
    return slowed < (double)TIME_NEVER ? (int64_t)llround(slowed) : TIME_NEVER;
}

/* The row's own time; 0 where only its parents count or the mode ignores it. */
static int64_t own_time(const struct schedule *s, uint32_t row)
{
    int64_t ns = s->w->timestamp_ns[row];
    if (s->config.mode != SCHEDULE_TRACE || ns == TIME_NEVER)
        return 0;
    return scaled(s, ns);
}

static bool is_ours(const struct schedule *s, uint32_t row)
{
    return !s->owner || s->owner[row] == s->config.worker;
}

/* ---- roots and their arrival process ---- */

static bool is_root(const struct schedule *s, uint32_t row)
{
    return !s->deps.parents_left || s->deps.parents_left[row] == 0;
}

/* Lists the roots in order of their own times, equal ones as they stand. */
static void list_roots(struct schedule *s)
{
    int64_t *times = mem_alloc((size_t)s->rows * sizeof *times);
    for (uint32_t row = 0; row < s->rows; row++)
        times[row] = own_time(s, row);
    s->roots = workload_order_by(times, s->rows);
    for (uint32_t i = 0; i < s->rows; i++)
        if (is_root(s, s->roots[i]))
            s->roots[s->root_count++] = s->roots[i];
    free(times);
}

static int64_t arrival(struct schedule *s, uint32_t row)
{
    if (s->config.mode == SCHEDULE_TRACE)
        return own_time(s, row);
    if (s->config.mode == SCHEDULE_CLOSED)
        return 0;
    return load_arrivals_next(&s->process);
}

/* Finds this worker's next root. Every worker draws every arrival, so that the process does not
 * depend on their number. */
static void find_next(struct schedule *s)
{
    s->has_next = false;
    while (s->root_next < s->root_total) {
        uint64_t k = s->root_next++;
        uint32_t row = s->roots[k % s->root_count];
        int64_t at_ns = arrival(s, row);
        if (at_ns >= s->end_ns) {
            s->root_next = s->root_total;
            return;
        }
        if (!is_ours(s, row))
            continue;
        uint64_t repeat = k / s->root_count;
        s->next = (struct due){row, (uint32_t)repeat, repeat * s->w->count + row, at_ns, at_ns};
        s->has_next = true;
        return;
    }
}

/* ---- creation ---- */

static uint64_t ours_among(const struct schedule *s, uint64_t rows)
{
    uint64_t count = 0;
    for (uint32_t row = 0; row < rows; row++)
        count += is_ours(s, row);
    return count;
}

/* How many requests there are to be: see max_requests. */
static void plan(struct schedule *s)
{
    const struct schedule_config *c = &s->config;
    bool repeats = c->mode != SCHEDULE_TRACE && !s->deps.parents_left;
    if (!repeats) {
        s->root_total = s->root_count;
        s->planned = s->rows;
        s->planned_here = ours_among(s, s->rows);
        return;
    }
    if (c->max_requests == 0 && s->end_ns != TIME_NEVER) {
        s->root_total = ours_among(s, s->rows) ? UINT64_MAX : 0;
        return;
    }
    s->root_total = s->planned = c->max_requests ? c->max_requests : s->rows;
    s->planned_here = ours_among(s, s->rows) * (s->planned / s->root_count) +
                      ours_among(s, s->planned % s->root_count);
}

void schedule_config_init(struct schedule_config *config)
{
    *config = (struct schedule_config){
        .mode = SCHEDULE_TRACE, .speed = 1, .burstiness = 1, .duration_ns = TIME_NEVER};
}

/* Nothing may be due after TIME_LAST_DUE. A load with an end has it before that. */
static int check_times(const struct schedule_config *c, const struct workload *w, struct error *err)
{
    if (c->duration_ns <= TIME_LAST_DUE || c->mode == SCHEDULE_CLOSED)
        return 0;
    if (c->mode == SCHEDULE_TRACE)
        return workload_check_speed(w, c->speed, err);
    if (profile_end_ns(&c->load) != TIME_NEVER)
        return 0;
    return workload_check_rate(w, c->max_requests, profile_value(&c->load, 0), err);
}

int schedule_check(const struct schedule_config *c, const struct workload *w, struct error *err)
{
    if (w->count == 0)
        return error_set(err, ERR_INPUT, "the workload holds no request");
    if (!(c->speed > 0))
        return error_set(err, ERR_INPUT, "the speed must be above 0");
    if (c->mode != SCHEDULE_TRACE && c->load.count == 0)
        return error_set(err, ERR_INPUT, "an open or closed loop needs a load");
    if (c->mode == SCHEDULE_OPEN && c->arrivals == ARRIVAL_GAMMA && !(c->burstiness > 0))
        return error_set(err, ERR_INPUT, "the burstiness must be above 0");
    return check_times(c, w, err);
}

struct schedule *schedule_create(const struct schedule_config *config, const struct workload *w,
                                 struct error *err)
{
    if (schedule_check(config, w, err) < 0)
        return NULL;
    struct schedule *s = mem_zero(1, sizeof *s);
    struct schedule_config *c = &s->config;
    *c = *config;
    c->workers = c->workers ? c->workers : 1;
    c->shards = c->shards ? c->shards : 1;
    s->w = w;
    s->rows =
        (uint32_t)(c->max_requests && c->max_requests < w->count ? c->max_requests : w->count);
    s->end_ns = c->duration_ns;
    s->opens_ns = c->slot_step_ns * c->worker;
    if (c->mode != SCHEDULE_TRACE && profile_end_ns(&c->load) < s->end_ns)
        s->end_ns = profile_end_ns(&c->load);
    if (c->workers > 1)
        s->owner = dependencies_owners(w, c->shards, c->workers / c->shards);
    dependencies_init(&s->deps, w, s->rows);
    if (s->deps.parents_left)
        s->doomed = mem_zero(s->rows, sizeof *s->doomed);
    list_roots(s);
    plan(s);
    if (c->mode == SCHEDULE_OPEN) /* the requests behind the roots come on top */
        load_arrivals_begin(&s->process, &c->load, (double)s->rows / (double)s->root_count,
                            c->arrivals, c->burstiness, c->seed);
    find_next(s);
    return s;
}

void schedule_free(struct schedule *s)
{
    if (!s)
        return;
    free(s->owner);
    free(s->roots);
    free(s->doomed);
    load_arrivals_free(&s->process);
    dependencies_free(&s->deps);
    heap_free(&s->soon);
    heap_free(&s->orphans);
    heap_free(&s->slots);
    free(s);
}

/* ---- taking ---- */

/* The worker's share of a number of slots: they differ by one at most. */
static uint32_t slots_wanted(const struct schedule *s, int64_t now_ns)
{
    double level = floor(profile_value(&s->config.load, now_ns) + 1e-9);
    uint32_t all = level < 4e9 ? (uint32_t)level : UINT32_MAX - s->config.workers;
    return (all + s->config.workers - 1 - s->config.worker) / s->config.workers;
}

static int64_t next_slot_ns(const struct schedule *s)
{
    double level = (double)s->slot_count * s->config.workers + s->config.worker + 1;
    int64_t at_ns = profile_when_level(&s->config.load, s->slots_ns, level);
    return at_ns > s->opens_ns ? at_ns : s->opens_ns;
}

/* The worker's next slot opens its step later, but not before now: one that came late does not
 * make the others late. */
static void space_slots(struct schedule *s, int64_t opened_ns, int64_t now_ns)
{
    int64_t next_ns = opened_ns + s->config.slot_step_ns * s->config.workers;
    if (s->config.slot_step_ns)
        s->opens_ns = next_ns > now_ns ? next_ns : now_ns;
}

/* Lets the number of slots follow the profile up to now_ns. */
static void follow_profile(struct schedule *s, int64_t now_ns)
{
    int64_t at_ns;
    while ((at_ns = next_slot_ns(s)) <= now_ns) {
        heap_push(&s->slots, at_ns, 0);
        s->slot_count++;
        s->slots_ns = at_ns;
        space_slots(s, at_ns, now_ns);
    }
    s->slots_ns = now_ns;
    while (s->slots.count && s->slot_count > slots_wanted(s, now_ns)) {
        heap_pop(&s->slots);
        s->slot_count--;
    }
}

static uint32_t cap_here(const struct schedule *s)
{
    uint32_t cap = s->config.max_in_flight;
    if (cap == 0)
        return UINT32_MAX;
    uint32_t share = (cap + s->config.workers - 1 - s->config.worker) / s->config.workers;
    return share ? share : 1;
}

/* The dependent that comes first; there is one. */
static struct due first_soon(const struct schedule *s)
{
    const struct heap_entry *e = &s->soon.entries[0];
    return (struct due){(uint32_t)e->number, 0, e->number, e->at, e->at};
}

static struct due take_soon(struct schedule *s)
{
    struct due due = first_soon(s);
    heap_pop(&s->soon);
    return due;
}

static struct due take_root(struct schedule *s)
{
    struct due due = s->next;
    find_next(s);
    return due;
}

static int64_t first_due_ns(const struct schedule *s)
{
    int64_t soon = heap_next(&s->soon), root = s->has_next ? s->next.scheduled_ns : TIME_NEVER;
    return soon <= root ? soon : root;
}

static struct due take_first(struct schedule *s)
{
    int64_t soon = heap_next(&s->soon);
    return soon != TIME_NEVER && soon == first_due_ns(s) ? take_soon(s) : take_root(s);
}

/* When what is due then may be sent: not before the cap last opened. */
static int64_t ready_ns(const struct schedule *s, int64_t due_ns)
{
    return s->config.max_in_flight && s->freed_ns > due_ns ? s->freed_ns : due_ns;
}

/* Dependents whose time has come go before new roots: a session begun is a session to finish. */
static bool take_closed(struct schedule *s, int64_t now_ns, struct due *out)
{
    follow_profile(s, now_ns);
    int64_t slot_ns = heap_next(&s->slots), soon_ns = heap_next(&s->soon);
    if (slot_ns == TIME_NEVER)
        return false;
    bool dependent = soon_ns <= now_ns;
    if (!dependent && !s->has_next)
        return false;
    int64_t at_ns = dependent && soon_ns > slot_ns ? soon_ns : slot_ns;
    if (at_ns >= s->end_ns)
        return false;
    *out = dependent ? take_soon(s) : take_root(s);
    heap_pop(&s->slots);
    out->scheduled_ns = out->ready_ns = at_ns;
    return true;
}

bool schedule_take(struct schedule *s, int64_t now_ns, struct due *out)
{
    if (s->closed)
        return false;
    if (s->config.mode == SCHEDULE_CLOSED) {
        if (!take_closed(s, now_ns, out))
            return false;
    } else {
        int64_t at_ns = first_due_ns(s);
        if (at_ns > now_ns || ready_ns(s, at_ns) >= s->end_ns || s->in_flight >= cap_here(s))
            return false;
        *out = take_first(s);
        out->ready_ns = ready_ns(s, at_ns);
    }
    s->in_flight++;
    s->handed_out++;
    return true;
}

bool schedule_foresee(const struct schedule *s, int64_t now_ns, struct due *out)
{
    int64_t soon_ns = heap_next(&s->soon);
    if (s->closed || (soon_ns == TIME_NEVER && !s->has_next))
        return false;
    int64_t root_ns = s->config.mode == SCHEDULE_CLOSED ? now_ns : s->next.scheduled_ns;
    *out = s->has_next && root_ns < soon_ns ? s->next : first_soon(s);
    return true;
}

int64_t schedule_next_ns(struct schedule *s, int64_t now_ns)
{
    int64_t next = TIME_NEVER;
    if (s->closed)
        return TIME_NEVER;
    if (s->config.mode == SCHEDULE_CLOSED) {
        follow_profile(s, now_ns);
        if (s->slots.count == 0)
            next = s->has_next || s->soon.count ? next_slot_ns(s) : TIME_NEVER;
        else
            next = s->has_next ? now_ns : heap_next(&s->soon);
    } else if (s->in_flight < cap_here(s)) {
        next = ready_ns(s, first_due_ns(s));
    }
    return next < s->end_ns ? next : TIME_NEVER;
}

/* ---- ends ---- */

static void release_children(struct schedule *s, uint32_t row, int64_t now_ns, bool completed)
{
    if (!s->deps.parents_left)
        return;
    for (uint64_t i = s->deps.child_start[row]; i < s->deps.child_start[row + 1]; i++) {
        uint32_t child = s->deps.child[i];
        if (!completed)
            s->doomed[child] = true;
        if (!dependencies_parent_ended(&s->deps, child, now_ns))
            continue;
        int64_t delay_ns = s->w->delay_ns ? scaled(s, s->w->delay_ns[child]) : 0;
        int64_t at_ns, own_ns = own_time(s, child);
        if (__builtin_add_overflow(s->deps.last_end_ns[child], delay_ns, &at_ns))
            at_ns = TIME_NEVER;
        heap_push(s->doomed[child] ? &s->orphans : &s->soon, at_ns > own_ns ? at_ns : own_ns,
                  child);
    }
}

void schedule_ended(struct schedule *s, const struct due *due, int64_t now_ns, bool completed)
{
    if (s->in_flight == cap_here(s))
        s->freed_ns = now_ns;
    s->in_flight--;
    if (s->config.mode == SCHEDULE_CLOSED) {
        if (s->slot_count > slots_wanted(s, now_ns))
            s->slot_count--;
        else
            heap_push(&s->slots, now_ns, 0);
    }
    release_children(s, due->row, now_ns, completed);
}

void schedule_close(struct schedule *s, int64_t end_ns, enum unsent_reason reason)
{
    if (s->closed)
        return;
    s->closed = true;
    s->closed_ns = end_ns;
    s->reason = reason;
}

static bool take_orphan(struct schedule *s, struct due *out)
{
    while (s->orphans.count) {
        struct heap_entry entry = heap_pop(&s->orphans);
        uint32_t row = (uint32_t)entry.number;
        *out = (struct due){row, 0, row, entry.at, TIME_NEVER};
        release_children(s, row, entry.at, false);
        if (entry.at < s->end_ns && (!s->closed || entry.at <= s->closed_ns))
            return true;
    }
    return false;
}

bool schedule_take_unsent(struct schedule *s, struct due *out, enum unsent_reason *reason)
{
    if (take_orphan(s, out)) {
        *reason = UNSENT_PARENT_FAILED;
        s->handed_out++;
        return true;
    }
    /* In a closed loop a request is due when a slot opens: nothing waits at the end. */
    if (!s->closed || s->config.mode == SCHEDULE_CLOSED)
        return false;
    int64_t at_ns = first_due_ns(s);
    if (at_ns > s->closed_ns || at_ns >= s->end_ns)
        return false;
    *out = take_first(s);
    out->ready_ns = TIME_NEVER;
    *reason = s->reason;
    s->handed_out++;
    release_children(s, out->row, at_ns, false);
    return true;
}

bool schedule_exhausted(struct schedule *s, int64_t now_ns)
{
    if (s->closed || now_ns >= s->end_ns)
        return true;
    bool may_release = s->deps.parents_left && s->in_flight > 0;
    if (s->config.mode == SCHEDULE_CLOSED && s->in_flight == 0 && s->slots.count == 0 &&
        next_slot_ns(s) == TIME_NEVER)
        return true; /* no slot of this worker's will ever open */
    return !s->has_next && !may_release && heap_next(&s->soon) >= s->end_ns;
}

int64_t schedule_end_ns(const struct schedule *s)
{
    return s->end_ns;
}

uint64_t schedule_planned(const struct schedule *s)
{
    return s->planned;
}

uint64_t schedule_not_due(const struct schedule *s)
{
    return s->planned_here > s->handed_out ? s->planned_here - s->handed_out : 0;
}
