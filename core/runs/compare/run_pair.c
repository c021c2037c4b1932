#include "core/runs/compare/run_pair.h"

#include "core/memory.h"
#include "core/runs/record/record_file.h"
#include "core/runs/record/run_dir.h"

#include <stdlib.h>

#define PAIRED_SHARE 0.9

static int by_id(const void *a, const void *b)
{
    const struct pair_request *x = a, *y = b;
    return x->id < y->id ? -1 : x->id > y->id;
}

static int by_schedule(const void *a, const void *b)
{
    const struct pair_request *x = a, *y = b;
    if (x->row.scheduled_ns != y->row.scheduled_ns)
        return x->row.scheduled_ns < y->row.scheduled_ns ? -1 : 1;
    return by_id(a, b);
}

/* What the attempts before a request's last one cost. */
struct earlier_costs {
    struct names ids;
    money *usd; /* by number */
    size_t capacity;
};

static void add_earlier(struct earlier_costs *e, const struct record *r)
{
    if (!r->has_cost)
        return;
    uint32_t number = names_add(&e->ids, text_of(r->request_id));
    size_t known = e->capacity;
    mem_grow(&e->usd, &e->capacity, number + 1, sizeof *e->usd);
    for (size_t i = known; i < e->capacity; i++)
        e->usd[i] = 0;
    if (money_add(e->usd[number], r->cost, &e->usd[number]) < 0)
        e->usd[number] = MONEY_MAX;
}

/* False: nobody said. */
static bool cost_of(const struct record *r, const struct earlier_costs *earlier, money *out)
{
    uint32_t number = names_find(&earlier->ids, text_of(r->request_id));
    money before = number == NAME_NONE ? 0 : earlier->usd[number];
    *out = before;
    if (r->has_cost && money_add(before, r->cost, out) < 0)
        *out = MONEY_MAX;
    return r->has_cost || number != NAME_NONE;
}

static int64_t longest_gap(const struct record *r)
{
    int64_t longest = TIME_NEVER;
    if (r->status != RECORD_COMPLETED || !r->chunk_ns)
        return TIME_NEVER;
    for (uint32_t k = 1; k < r->chunks; k++) {
        int64_t gap = r->chunk_ns[k] - r->chunk_ns[k - 1];
        if (longest == TIME_NEVER || gap > longest)
            longest = gap;
    }
    return longest;
}

/* A run under way. */
struct reading {
    struct pair_run *run;
    struct earlier_costs earlier;
};

static int take_record(void *context, const struct record *r, struct error *err)
{
    struct reading *g = context;
    struct pair_run *run = g->run;
    uint32_t row = RUN_PRICING_NONE;
    int status = 0;
    collector_add(run->collector, r);
    if (run->pricing)
        status = run->pricing->add(run->pricing->context, run->number, r, &row, err);
    if (!r->final) {
        add_earlier(&g->earlier, r);
        return status;
    }
    struct text id = text_of(r->request_id);
    struct pair_request q = {.id = text_hash(id.at, id.length),
                             .row = run->collector->last,
                             .priced_row = row,
                             .longest_gap_ns = longest_gap(r)};
    q.has_cost = cost_of(r, &g->earlier, &q.cost);
    sorter_add(&run->requests, &q);
    return status;
}

static int read_run(struct pair_run *run, const char *path, struct error *err)
{
    struct reading g = {.run = run};
    if (!run_dir_is_run(path))
        return error_set(err, ERR_INPUT, "%s is no run directory: it has no requests.jsonl", path);
    struct error why = {0};
    if (summary_read_run(path, run->summary, &why) == ERR_SYSTEM) {
        *err = why;
        return ERR_SYSTEM;
    }
    names_init(&g.earlier.ids);
    int status = run_records_read(path, take_record, &g, &run->torn, err);
    names_free(&g.earlier.ids);
    free(g.earlier.usd);
    if (status == 0 && run->pricing)
        status = run->pricing->end(run->pricing->context, run->number, path, err);
    if (status == 0)
        status = collector_read_gaps(run->collector, path, err);
    run->from_ns = collector_window_start(run->collector, run->summary);
    struct sorter_scan scan;
    sorter_scan_begin(&scan, &run->requests);
    for (const struct pair_request *q; (q = sorter_scan_next(&scan));)
        run->in_window += q->row.scheduled_ns >= run->from_ns;
    sorter_scan_end(&scan);
    return status;
}

static bool asked_alike(const struct pair_request *a, const struct pair_request *b)
{
    return a->row.asked_input == b->row.asked_input && a->row.asked_output == b->row.asked_output;
}

static void add_pair(struct run_pair *p, const struct pair_request *a, const struct pair_request *b)
{
    struct pair_request both[2] = {*a, *b};
    sorter_add(&p->both, both);
}

/* Pairs what stands at the same place in two sorters, or has the same id if they are sorted so. */
static void join(struct run_pair *p, struct sorter *left, struct sorter *right, bool ids)
{
    struct sorter_scan scans[2];
    sorter_scan_begin(&scans[0], left);
    sorter_scan_begin(&scans[1], right);
    const struct pair_request *a = sorter_scan_next(&scans[0]), *b = sorter_scan_next(&scans[1]);
    while (a && b) {
        int order = ids ? by_id(a, b) : 0;
        if (order == 0 && asked_alike(a, b))
            add_pair(p, a, b);
        if (order <= 0)
            a = sorter_scan_next(&scans[0]);
        if (order >= 0)
            b = sorter_scan_next(&scans[1]);
    }
    sorter_scan_end(&scans[0]);
    sorter_scan_end(&scans[1]);
}

/* Sorts the requests by id; false if one comes twice: then ids name no request. */
static bool sort_by_id(struct sorter *requests, struct sorter *sorted)
{
    struct sorter_scan scan;
    const struct pair_request *q;
    uint64_t last = 0, count = 0;
    bool unique = true;
    sorter_init(sorted, sizeof(struct pair_request), by_id);
    sorter_scan_begin(&scan, requests);
    while ((q = sorter_scan_next(&scan)))
        sorter_add(sorted, q);
    sorter_scan_end(&scan);
    sorter_scan_begin(&scan, sorted);
    while ((q = sorter_scan_next(&scan))) {
        unique = unique && (count++ == 0 || q->id != last);
        last = q->id;
    }
    sorter_scan_end(&scan);
    return unique;
}

static void join_by_id(struct run_pair *p)
{
    struct sorter sorted[2];
    bool unique = sort_by_id(&p->runs[0].requests, &sorted[0]);
    unique = sort_by_id(&p->runs[1].requests, &sorted[1]) && unique;
    if (unique)
        join(p, &sorted[0], &sorted[1], true);
    sorter_free(&sorted[0]);
    sorter_free(&sorted[1]);
}

static bool enough_pairs(struct run_pair *p, uint64_t least)
{
    uint64_t found = sorter_count(&p->both);
    if (found > 0 && (double)found >= PAIRED_SHARE * (double)least)
        return true;
    sorter_free(&p->both);
    return false;
}

static bool find_pairs(struct run_pair *p)
{
    uint64_t n = sorter_count(&p->runs[0].requests), m = sorter_count(&p->runs[1].requests);
    join_by_id(p);
    if (enough_pairs(p, n < m ? n : m))
        return true;
    if (n != m)
        return false;
    join(p, &p->runs[0].requests, &p->runs[1].requests, false);
    return enough_pairs(p, n);
}

int run_pair_read(struct run_pair *out, const char *const paths[2],
                  const struct run_pricing *pricing, enum pair_how how, struct error *err)
{
    int status = 0;
    *out = (struct run_pair){0};
    for (int i = 0; i < 2; i++) {
        sorter_init(&out->runs[i].requests, sizeof(struct pair_request), by_schedule);
        out->runs[i].collector = collector_create();
        out->runs[i].summary = mem_zero(1, sizeof(struct summary));
        out->runs[i].pricing = pricing;
        out->runs[i].number = i;
    }
    sorter_init(&out->both, sizeof(struct pair_request[2]), by_schedule);
    for (int i = 0; i < 2 && status == 0; i++)
        status = read_run(&out->runs[i], paths[i], err);
    if (status == 0 && how == PAIR_IF_SAME)
        out->paired = find_pairs(out);
    return status;
}

void run_pair_free(struct run_pair *p)
{
    for (int i = 0; i < 2; i++) {
        collector_free(p->runs[i].collector);
        summary_free(p->runs[i].summary);
        free(p->runs[i].summary);
        sorter_free(&p->runs[i].requests);
    }
    sorter_free(&p->both);
}

/* The request with its cost under the plan, where there is one. */
static struct pair_request priced(const struct pair_run *run, const struct pair_request *q)
{
    const struct run_pricing *pricing = run->pricing;
    struct pair_request out = *q;
    if (pricing)
        out.has_cost = q->priced_row != RUN_PRICING_NONE &&
                       pricing->cost(pricing->context, run->number, q->priced_row, &out.cost);
    return out;
}

static bool value_of(const struct pair_run *run, const struct pair_request *q, request_value *value,
                     const void *context, double *out)
{
    const struct pair_request one = priced(run, q);
    return value(&one, context, out);
}

static bool in_both_windows(const struct run_pair *p, const struct pair_request q[2])
{
    return q[0].row.scheduled_ns >= p->runs[0].from_ns &&
           q[1].row.scheduled_ns >= p->runs[1].from_ns;
}

static void take_pairs(struct run_pair *p, request_value *value, const void *context,
                       struct pair_values *out)
{
    struct sorter_scan scan;
    for (int i = 0; i < 2; i++)
        out->values[i] = mem_alloc((size_t)sorter_count(&p->both) * sizeof(double));
    sorter_scan_begin(&scan, &p->both);
    for (const struct pair_request *q; (q = sorter_scan_next(&scan));) {
        double a, b;
        if (!in_both_windows(p, q))
            continue;
        bool has_a = value_of(&p->runs[0], &q[0], value, context, &a);
        bool has_b = value_of(&p->runs[1], &q[1], value, context, &b);
        out->alone[0] += has_a && !has_b;
        out->alone[1] += has_b && !has_a;
        if (!has_a || !has_b)
            continue;
        out->values[0][out->n[0]++] = a;
        out->values[1][out->n[1]++] = b;
    }
    sorter_scan_end(&scan);
}

static void take_run(struct pair_run *run, request_value *value, const void *context, double **out,
                     size_t *n)
{
    struct sorter_scan scan;
    *out = mem_alloc((size_t)sorter_count(&run->requests) * sizeof **out);
    sorter_scan_begin(&scan, &run->requests);
    for (const struct pair_request *q; (q = sorter_scan_next(&scan));)
        if (q->row.scheduled_ns >= run->from_ns)
            *n += value_of(run, q, value, context, &(*out)[*n]);
    sorter_scan_end(&scan);
}

void run_pair_values(struct run_pair *p, request_value *value, const void *context,
                     struct pair_values *out)
{
    *out = (struct pair_values){0};
    if (p->paired)
        take_pairs(p, value, context, out);
    for (int i = 0; i < 2 && !p->paired; i++)
        take_run(&p->runs[i], value, context, &out->values[i], &out->n[i]);
}

void pair_values_free(struct pair_values *v)
{
    free(v->values[0]);
    free(v->values[1]);
}

void run_pair_own_values(struct run_pair *p, int run, request_value *value, const void *context,
                         double **values, size_t *n)
{
    *n = 0;
    take_run(&p->runs[run], value, context, values, n);
}

static void add_charge(struct diff_charges *out, int run, const struct pair_request *q)
{
    if (money_add(out->usd[run], q->cost, &out->usd[run]) < 0)
        out->fits = false;
    out->requests[run]++;
}

static void add_pair_charges(struct run_pair *p, struct diff_charges *out)
{
    struct sorter_scan scan;
    sorter_scan_begin(&scan, &p->both);
    for (const struct pair_request *q; (q = sorter_scan_next(&scan));) {
        struct pair_request a = priced(&p->runs[0], &q[0]), b = priced(&p->runs[1], &q[1]);
        if (!in_both_windows(p, q) || !a.has_cost || !b.has_cost)
            continue;
        add_charge(out, 0, &a);
        add_charge(out, 1, &b);
    }
    sorter_scan_end(&scan);
}

void run_pair_charges(struct run_pair *p, struct diff_charges *out)
{
    *out = (struct diff_charges){.fits = true};
    if (p->paired)
        add_pair_charges(p, out);
    for (int i = 0; i < 2 && !p->paired; i++) {
        struct sorter_scan scan;
        sorter_scan_begin(&scan, &p->runs[i].requests);
        for (const struct pair_request *q; (q = sorter_scan_next(&scan));) {
            struct pair_request one = priced(&p->runs[i], q);
            if (one.has_cost && q->row.scheduled_ns >= p->runs[i].from_ns)
                add_charge(out, i, &one);
        }
        sorter_scan_end(&scan);
    }
}
