#include "sim/arrivals.h"

#include "core/heap.h"
#include "core/memory.h"
#include "core/random.h"
#include "workloads/load/request_rate.h"

#include <math.h>
#include <stdlib.h>

/* Parents and children by row; all NULL where nobody has parents. */
struct family {
    uint32_t *parents_left;
    uint64_t *child_start; /* children of row i: child[child_start[i]] … */
    uint32_t *child;
    int64_t *last_end_ns; /* of the parents that have ended */
    bool *doomed;         /* a parent failed */
};

struct arrivals {
    const struct simulate_options *options;
    const struct workload *w;
    uint32_t rows;   /* that take part */
    uint32_t *roots; /* rows without parents, in order of their time */
    uint64_t root_count, root_total, root_next;
    struct due next; /* the next root */
    bool has_next;
    struct random random;
    struct profile sessions;      /* open loop: the rate in roots per second */
    struct load_arrivals process; /* open loop */
    struct family family;
    struct heap soon, orphans; /* by row: dependents that may go, or never will */
    int64_t *slots;            /* closed loop: ring of the instants since which slots are free */
    uint32_t slot_first, slot_count;
    uint64_t in_flight;
    int64_t freed_ns; /* when the in-flight cap last opened */
    bool closed;
    int64_t closed_ns;
    uint64_t planned, handed_out;
};

static int64_t scaled(const struct arrivals *a, int64_t ns)
{
    if (a->options->speed == 1.0)
        return ns;
    double slowed = (double)ns / a->options->speed;
    return slowed < (double)TIME_NEVER ? (int64_t)llround(slowed) : TIME_NEVER;
}

/* The row's own time; 0 where only its parents count or the load ignores it. */
static int64_t own_time(const struct arrivals *a, uint32_t row)
{
    int64_t ns = a->w->timestamp_ns[row];
    if (a->options->load != SIMULATE_TRACE || ns == TIME_NEVER)
        return 0;
    return scaled(a, ns);
}

static void count_parents(struct arrivals *a, struct family *f)
{
    const struct workload *w = a->w;
    for (uint32_t row = 0; row < a->rows; row++)
        for (uint64_t i = w->after_start[row]; i < w->after_start[row + 1]; i++)
            if (w->after[i] < a->rows) {
                f->parents_left[row]++;
                f->child_start[w->after[i] + 1]++;
            }
    for (uint32_t row = 0; row < a->rows; row++)
        f->child_start[row + 1] += f->child_start[row];
}

static void make_family(struct arrivals *a)
{
    const struct workload *w = a->w;
    struct family *f = &a->family;
    if (!w->after_start || w->after_start[a->rows] == 0)
        return;
    f->parents_left = mem_zero(a->rows, sizeof *f->parents_left);
    f->child_start = mem_zero((size_t)a->rows + 1, sizeof *f->child_start);
    f->last_end_ns = mem_zero(a->rows, sizeof *f->last_end_ns);
    f->doomed = mem_zero(a->rows, sizeof *f->doomed);
    count_parents(a, f);
    f->child = mem_zero(f->child_start[a->rows], sizeof *f->child);
    uint64_t *place = mem_zero(a->rows, sizeof *place);
    for (uint32_t row = 0; row < a->rows; row++)
        for (uint64_t i = w->after_start[row]; i < w->after_start[row + 1]; i++) {
            uint32_t parent = w->after[i];
            if (parent < a->rows)
                f->child[f->child_start[parent] + place[parent]++] = row;
        }
    free(place);
}

struct timed_row {
    int64_t at_ns;
    uint32_t row;
};

static int by_time(const void *a, const void *b)
{
    const struct timed_row *x = a, *y = b;
    if (x->at_ns != y->at_ns)
        return x->at_ns < y->at_ns ? -1 : 1;
    return (x->row > y->row) - (x->row < y->row);
}

static void list_roots(struct arrivals *a)
{
    struct timed_row *timed = mem_zero(a->rows, sizeof *timed);
    for (uint32_t row = 0; row < a->rows; row++)
        if (!a->family.parents_left || a->family.parents_left[row] == 0)
            timed[a->root_count++] = (struct timed_row){own_time(a, row), row};
    qsort(timed, a->root_count, sizeof *timed, by_time);
    a->roots = mem_zero(a->root_count, sizeof *a->roots);
    for (uint64_t i = 0; i < a->root_count; i++)
        a->roots[i] = timed[i].row;
    free(timed);
}

static bool is_past_end(const struct arrivals *a, int64_t at_ns)
{
    return at_ns >= a->options->duration_ns;
}

static void find_next(struct arrivals *a)
{
    a->has_next = false;
    if (a->root_next >= a->root_total)
        return;
    uint64_t k = a->root_next++;
    uint32_t row = a->roots[k % a->root_count];
    int64_t at_ns = 0;
    if (a->options->load == SIMULATE_TRACE)
        at_ns = own_time(a, row);
    else if (a->options->load == SIMULATE_OPEN)
        at_ns = load_arrivals_next(&a->process);
    if (is_past_end(a, at_ns))
        return;
    a->next = (struct due){row, (uint32_t)(k / a->root_count), at_ns, at_ns};
    a->has_next = true;
}

int arrivals_check(const struct simulate_options *o, const struct workload *w, struct error *err)
{
    if (w->count == 0)
        return error_set(err, ERR_INPUT, "the workload holds no request");
    if (!(o->speed > 0))
        return error_set(err, ERR_INPUT, "the speed must be above 0");
    if (o->load == SIMULATE_OPEN && !o->rate && !(o->rate_rps > 0))
        return error_set(err, ERR_INPUT, "the rate must be above 0 requests per second");
    if (o->load == SIMULATE_OPEN && o->arrivals == ARRIVALS_GAMMA && !(o->burstiness > 0))
        return error_set(err, ERR_INPUT, "the burstiness must be above 0");
    if (o->load == SIMULATE_CLOSED && o->concurrency == 0)
        return error_set(err, ERR_INPUT, "the concurrency must be at least 1");
    if (o->duration_ns <= TIME_LAST_DUE)
        return 0;
    if (o->load == SIMULATE_OPEN && !o->rate)
        return workload_check_rate(w, o->max_requests, o->rate_rps, err);
    return o->load == SIMULATE_TRACE ? workload_check_speed(w, o->speed, err) : 0;
}

/* A workload without parents is begun anew: for `max_requests`, or at a rate for as long as things
 * become due. */
static void plan(struct arrivals *a)
{
    const struct simulate_options *o = a->options;
    a->root_total = a->root_count;
    a->planned = a->rows;
    if (o->load == SIMULATE_TRACE || a->family.parents_left)
        return;
    if (o->max_requests)
        a->root_total = a->planned = o->max_requests;
    else if (o->load == SIMULATE_OPEN && o->duration_ns != TIME_NEVER) {
        a->root_total = UINT64_MAX;
        a->planned = 0;
    }
}

/* The rate is in requests: what the process draws are the roots, and those behind them follow. */
static void begin_process(struct arrivals *a)
{
    const struct simulate_options *o = a->options;
    struct profile held = {0};
    random_init(&a->random, o->seed, RANDOM_ARRIVALS, 0);
    if (o->load != SIMULATE_OPEN)
        return;
    if (!o->rate)
        profile_hold(&held, o->rate_rps);
    profile_per_session(o->rate ? o->rate : &held, (double)a->rows / (double)a->root_count,
                        &a->sessions);
    profile_free(&held);
    a->process =
        (struct load_arrivals){&a->sessions, o->arrivals, o->burstiness, &a->random, .stage = 0};
}

struct arrivals *arrivals_create(const struct simulate_options *options, const struct workload *w,
                                 struct error *err)
{
    if (arrivals_check(options, w, err) < 0)
        return NULL;
    struct arrivals *a = mem_zero(1, sizeof *a);
    a->options = options;
    a->w = w;
    uint64_t max = options->max_requests;
    a->rows = (uint32_t)(max && max < w->count ? max : w->count);
    make_family(a);
    list_roots(a);
    plan(a);
    begin_process(a);
    if (options->load == SIMULATE_CLOSED) {
        a->slots = mem_zero(options->concurrency, sizeof *a->slots);
        a->slot_count = options->concurrency;
    }
    find_next(a);
    return a;
}

void arrivals_free(struct arrivals *a)
{
    if (!a)
        return;
    free(a->roots);
    profile_free(&a->sessions);
    free(a->family.parents_left);
    free(a->family.child_start);
    free(a->family.child);
    free(a->family.last_end_ns);
    free(a->family.doomed);
    heap_free(&a->soon);
    heap_free(&a->orphans);
    free(a->slots);
    free(a);
}

static int64_t soon_ns(const struct arrivals *a)
{
    return heap_next(&a->soon);
}

static int64_t first_due_ns(const struct arrivals *a)
{
    int64_t soon = soon_ns(a), root = a->has_next ? a->next.scheduled_ns : TIME_NEVER;
    return soon < root ? soon : root;
}

static struct due take_soon(struct arrivals *a)
{
    struct heap_entry entry = heap_pop(&a->soon);
    return (struct due){(uint32_t)entry.number, 0, entry.at, entry.at};
}

static struct due take_root(struct arrivals *a)
{
    struct due due = a->next;
    find_next(a);
    return due;
}

static struct due take_first(struct arrivals *a)
{
    return soon_ns(a) == first_due_ns(a) ? take_soon(a) : take_root(a);
}

static bool below_cap(const struct arrivals *a)
{
    return a->options->max_in_flight == 0 || a->in_flight < a->options->max_in_flight;
}

/* When the next slot of a closed loop has something to send. A dependent that is due goes before
 * a new root: a session begun is a session to finish. */
static int64_t closed_next_ns(const struct arrivals *a)
{
    if (a->slot_count == 0)
        return TIME_NEVER;
    int64_t slot_ns = a->slots[a->slot_first];
    if (a->has_next)
        return slot_ns;
    int64_t soon = soon_ns(a);
    return soon == TIME_NEVER || soon > slot_ns ? soon : slot_ns;
}

int64_t arrivals_next_ns(const struct arrivals *a)
{
    int64_t at_ns = TIME_NEVER;
    if (a->closed)
        return TIME_NEVER;
    if (a->options->load == SIMULATE_CLOSED)
        at_ns = closed_next_ns(a);
    else if (below_cap(a)) {
        at_ns = first_due_ns(a);
        if (is_past_end(a, at_ns))
            return TIME_NEVER;
        if (at_ns < a->freed_ns && a->options->max_in_flight)
            at_ns = a->freed_ns;
    }
    return is_past_end(a, at_ns) ? TIME_NEVER : at_ns;
}

static struct due take_for_slot(struct arrivals *a, int64_t now_ns)
{
    int64_t at_ns = a->slots[a->slot_first];
    a->slot_first = (a->slot_first + 1) % a->options->concurrency;
    a->slot_count--;
    bool dependent = soon_ns(a) <= now_ns;
    if (dependent && soon_ns(a) > at_ns)
        at_ns = soon_ns(a);
    struct due due = dependent ? take_soon(a) : take_root(a);
    due.scheduled_ns = due.ready_ns = at_ns;
    return due;
}

bool arrivals_take(struct arrivals *a, int64_t now_ns, struct due *out)
{
    if (arrivals_next_ns(a) > now_ns)
        return false;
    if (a->options->load == SIMULATE_CLOSED) {
        *out = take_for_slot(a, now_ns);
    } else {
        *out = take_first(a);
        if (a->options->max_in_flight && a->freed_ns > out->ready_ns)
            out->ready_ns = a->freed_ns;
    }
    a->in_flight++;
    a->handed_out++;
    return true;
}

static void release_children(struct arrivals *a, uint32_t row, int64_t now_ns, bool completed)
{
    struct family *f = &a->family;
    if (!f->parents_left)
        return;
    for (uint64_t i = f->child_start[row]; i < f->child_start[row + 1]; i++) {
        uint32_t child = f->child[i];
        f->doomed[child] |= !completed;
        if (now_ns > f->last_end_ns[child])
            f->last_end_ns[child] = now_ns;
        if (--f->parents_left[child] > 0)
            continue;
        int64_t delay_ns = a->w->delay_ns ? scaled(a, a->w->delay_ns[child]) : 0;
        int64_t at_ns, own_ns = own_time(a, child);
        if (__builtin_add_overflow(f->last_end_ns[child], delay_ns, &at_ns))
            at_ns = TIME_NEVER;
        heap_push(f->doomed[child] ? &a->orphans : &a->soon, at_ns > own_ns ? at_ns : own_ns,
                  child);
    }
}

void arrivals_ended(struct arrivals *a, uint32_t row, int64_t now_ns, bool completed)
{
    if (!below_cap(a))
        a->freed_ns = now_ns;
    a->in_flight--;
    if (a->slots) {
        uint32_t size = a->options->concurrency;
        a->slots[(a->slot_first + a->slot_count++) % size] = now_ns;
    }
    release_children(a, row, now_ns, completed);
}

void arrivals_close(struct arrivals *a, int64_t now_ns)
{
    a->closed = true;
    a->closed_ns = now_ns;
}

static bool take_orphan(struct arrivals *a, struct due *out)
{
    while (a->orphans.count > 0) {
        struct heap_entry entry = heap_pop(&a->orphans);
        uint32_t row = (uint32_t)entry.number;
        *out = (struct due){row, 0, entry.at, TIME_NEVER};
        release_children(a, row, entry.at, false);
        if (!is_past_end(a, entry.at) && (!a->closed || entry.at <= a->closed_ns))
            return true;
    }
    return false;
}

bool arrivals_take_unsent(struct arrivals *a, struct due *out, bool *parent_failed)
{
    *parent_failed = true;
    if (take_orphan(a, out)) {
        a->handed_out++;
        return true;
    }
    /* In a closed loop a request is due when a slot opens: nothing waits at the end. */
    *parent_failed = false;
    if (!a->closed || a->slots || first_due_ns(a) > a->closed_ns || is_past_end(a, first_due_ns(a)))
        return false;
    *out = take_first(a);
    out->ready_ns = TIME_NEVER;
    a->handed_out++;
    release_children(a, out->row, out->scheduled_ns, false);
    return true;
}

uint64_t arrivals_planned(const struct arrivals *a)
{
    return a->planned;
}

uint64_t arrivals_not_due(const struct arrivals *a)
{
    return a->planned > a->handed_out ? a->planned - a->handed_out : 0;
}
