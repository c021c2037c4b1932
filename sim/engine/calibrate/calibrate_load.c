#include "sim/engine/calibrate/calibrate_load.h"

#include "core/memory.h"

#include <gsl/gsl_sort.h>
#include <math.h>
#include <stdlib.h>

#define NEAR_THE_CUT 3 /* times between two scrapes: so late is the last one at most */

/* How many requests without a record were in flight at an instant. */
struct lack {
    int64_t t_ns;
    double count;
};

struct lacks {
    struct lack *items;
    size_t count, capacity;
};

static void add_lack(struct lacks *l, int64_t t_ns, double count)
{
    mem_grow(&l->items, &l->capacity, l->count + 1, sizeof *l->items);
    l->items[l->count++] = (struct lack){t_ns, count};
}

static int64_t end_of(const struct measured_request *r)
{
    return r->cancelled ? r->cancelled_ns : r->last_ns;
}

static int64_t last_end(const struct measured_run *run)
{
    int64_t last_ns = 0;
    for (size_t i = 0; i < run->count; i++)
        if (!run->requests[i].cancelled && run->requests[i].last_ns > last_ns)
            last_ns = run->requests[i].last_ns;
    return last_ns;
}

/* The times when requests came, and ended, each sorted. */
struct flights {
    double *starts, *ends;
    size_t count, begun, ended;
};

static struct flights flights_of(const struct measured_run *run)
{
    struct flights f = {mem_alloc((run->count + 1) * sizeof(double)),
                        mem_alloc((run->count + 1) * sizeof(double)), run->count, 0, 0};
    for (size_t i = 0; i < run->count; i++) {
        f.starts[i] = (double)run->requests[i].arrival_ns;
        f.ends[i] = (double)end_of(&run->requests[i]);
    }
    gsl_sort(f.starts, 1, f.count);
    gsl_sort(f.ends, 1, f.count);
    return f;
}

static double flights_at(struct flights *f, double t_ns)
{
    while (f->begun < f->count && f->starts[f->begun] <= t_ns)
        f->begun++;
    while (f->ended < f->count && f->ends[f->ended] <= t_ns)
        f->ended++;
    return (double)f->begun - (double)f->ended;
}

static bool reaches_the_cut(const struct measured_run *run)
{
    size_t n = run->scrape_count;
    if (n < 2 || isnan(run->scrapes[n - 1].running) || isnan(run->scrapes[n - 1].waiting))
        return false;
    int64_t between = (run->scrapes[n - 1].t_ns - run->scrapes[0].t_ns) / (int64_t)(n - 1);
    return last_end(run) - run->scrapes[n - 1].t_ns <= NEAR_THE_CUT * between;
}

static void find_lacks(const struct measured_run *run, struct lacks *out)
{
    struct flights f = flights_of(run);
    for (size_t i = 0; i < run->scrape_count; i++) {
        const struct measured_scrape *s = &run->scrapes[i];
        double known = flights_at(&f, (double)s->t_ns), there = s->running + s->waiting;
        add_lack(out, s->t_ns, isnan(there) ? 0 : there - known);
    }
    free(f.starts);
    free(f.ends);
}

/* What lacks a record stays so until the cut: never more at one time than at all later ones. */
static void settle(struct lacks *l)
{
    for (size_t i = l->count; i-- > 1;)
        if (l->items[i - 1].count > l->items[i].count)
            l->items[i - 1].count = l->items[i].count;
}

static uint32_t longest_answer(const struct measured_run *run)
{
    uint32_t longest = 1;
    for (size_t i = 0; i < run->count; i++)
        if (run->requests[i].output_tokens > longest)
            longest = run->requests[i].output_tokens;
    return longest;
}

static int by_arrival(const void *a, const void *b)
{
    const struct measured_request *x = a, *y = b;
    return (x->arrival_ns > y->arrival_ns) - (x->arrival_ns < y->arrival_ns);
}

static int64_t put_in(struct measured_run *run, const struct lacks *l)
{
    size_t known = run->count;
    int64_t cut_ns = last_end(run), before_ns = 0, count = 0;
    uint32_t longest = longest_answer(run);
    for (size_t i = 0; i < l->count; before_ns = l->items[i++].t_ns)
        for (; count < llround(l->items[i].count); count++) {
            struct measured_request r = run->requests[(size_t)count % known];
            int64_t at_ns = before_ns + (l->items[i].t_ns - before_ns) / 2;
            r = (struct measured_request){.arrival_ns = at_ns,
                                          .first_ns = at_ns,
                                          .last_ns = at_ns,
                                          .input_tokens = r.input_tokens,
                                          .cached_tokens = r.cached_tokens,
                                          .output_tokens = longest,
                                          .cancelled = true,
                                          .cancelled_ns = cut_ns};
            mem_grow(&run->requests, &run->capacity, run->count + 1, sizeof *run->requests);
            run->requests[run->count++] = r;
            run->load++;
        }
    qsort(run->requests, run->count, sizeof *run->requests, by_arrival);
    return count;
}

int64_t calibrate_add_load(struct measured_run *run)
{
    struct lacks lacks = {0};
    if (!reaches_the_cut(run))
        return -1;
    find_lacks(run, &lacks);
    settle(&lacks);
    int64_t count = put_in(run, &lacks);
    free(lacks.items);
    return count;
}
