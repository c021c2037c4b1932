#include "sim/cost/what_if/what_if.h"

#include "core/memory.h"
#include "sim/cost/bill/bill_parts.h"
#include "sim/cost/what_if/what_if_changes.h"
#include "sim/cost/what_if/what_if_why.h"
#include "workloads/transform/transform.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const cache_changes[] = {"cache=none", "cache=infinite",
                                            "cache=ttl:300s,min:1024,step:128"};

static void add_note(void *context, const char *text)
{
    struct buffer *note = context;
    buffer_add_format(note, "%s%s", note->length ? "; " : "", text);
}

/* What the table is made with. */
struct making {
    struct what_if *t;
    const struct workload *as_is;
    struct bill_options options;
    uint64_t seed;
    money *answered; /* by plan: the total as it is with all requests answered; NULL: not asked */
};

static uint64_t count_failed(const struct workload *w)
{
    uint64_t failed = 0;
    for (size_t i = 0; w->status && i < w->count; i++)
        failed += w->status[i] == REQUEST_FAILED;
    return failed;
}

/* True if both have the same requests in the same order: what a run knows of its attempts before
 * the last then belongs to the rows of either. */
static bool same_rows(const struct workload *a, const struct workload *b)
{
    bool same = a->count == b->count && !b->attempts == !a->attempts;
    for (size_t i = 0; same && i < a->count; i++) {
        char first[REQUEST_ID_SIZE], second[REQUEST_ID_SIZE];
        same = strcmp(workload_request_id(a, i, first), workload_request_id(b, i, second)) == 0 &&
               (!a->attempts || a->attempts[i] == b->attempts[i]);
    }
    return same;
}

/* The totals of a case under all plans if every request that failed had been answered by its last
 * attempt; `w` is its workload. The caller frees *totals, also after an error. */
static int total_answered(const struct making *m, const struct what_if_case *c,
                          const struct workload *w, money **totals, struct error *err)
{
    struct workload answered = *w; /* all but the fates is lent */
    struct bill bill;
    money *out = *totals = mem_zero(m->t->plan_count + 1, sizeof *out);
    for (size_t i = 0; i < m->t->plan_count; i++)
        out[i] = c->cells[i].total;
    if (c->failed == 0)
        return 0;
    answered.status = mem_alloc(w->count + 1);
    for (size_t i = 0; i < w->count; i++)
        answered.status[i] = w->status[i] == REQUEST_FAILED ? REQUEST_OK : w->status[i];
    int code = bill_make(&bill, &answered, m->t->plans, m->t->plan_count, &m->options, err);
    for (size_t i = 0; code == 0 && i < m->t->plan_count; i++)
        out[i] = bill.plans[i].total;
    if (code == 0)
        bill_free(&bill);
    free(answered.status);
    return code;
}

static void fill_cell(struct what_if_cell *cell, const struct plan_bill *p)
{
    *cell = (struct what_if_cell){
        .usage = p->sums.total,
        .total = p->total,
        .by_period = p->cash[LINE_SUBSCRIPTION] + p->cash[LINE_PROVISIONED],
        .subscriptions = p->subscriptions,
        .periods = p->periods,
        .served = p->served_requests,
        .rejected = p->rejected,
        .delayed = p->served.delayed,
        .truncated = p->served.truncated,
        .unpriced = p->sums.unpriced,
        .input_tokens = p->sums.input_tokens,
        .output_tokens = p->sums.output_tokens,
        .last_start_ns = p->served.last_start_ns,
        .doubt = token_counts_in_doubt(&p->counts),
    };
    if (p->counts.foreign > 0)
        cell->counts_of = mem_copy_string(p->counts.counted);
    if (p->counts.priced)
        cell->priced_as = mem_copy_string(p->counts.priced);
    for (int side = 0; side < TOKEN_SIDES; side++)
        cell->at[side] = p->at[side].total;
}

/* True if other counts than those, within their doubt, turn a saving into a loss. The same plan
 * counts alike before and after, unless a change of models lies between. */
static bool is_undecided(const struct what_if_cell *before, const struct what_if_cell *after)
{
    money saved = before->total - after->total;
    bool together = before->doubt && after->doubt && before->priced_as && after->priced_as &&
                    strcmp(before->priced_as, after->priced_as) == 0;
    for (int x = 0; x < TOKEN_SIDES && (before->doubt || after->doubt); x++)
        for (int y = 0; y < TOKEN_SIDES; y++) {
            money other = before->at[x] - after->at[y];
            if ((x == y || !together) && ((saved > 0 && other < 0) || (saved < 0 && other > 0)))
                return true;
        }
    return false;
}

/* What a case saves against the first, and why. */
static int compare_case(struct making *m, struct what_if_case *c, const struct workload *w,
                        int kind, struct error *err)
{
    const struct what_if_case *first = &m->t->cases[0];
    bool uneven = c->failed != first->failed;
    money *answered = NULL;
    int code = 0;
    if (uneven && !m->answered)
        code = total_answered(m, first, m->as_is, &m->answered, err);
    if (uneven && code == 0)
        code = total_answered(m, c, w, &answered, err);
    for (size_t i = 0; code == 0 && i < m->t->plan_count; i++) {
        struct what_if_cell *cell = &c->cells[i];
        const struct what_if_cell *before = &first->cells[i];
        cell->undecided = c != first && is_undecided(before, cell);
        cell->has_saved = cell->rejected == before->rejected &&
                          cell->unpriced == before->unpriced && !cell->undecided;
        if (cell->has_saved && c != first)
            cell->saved = uneven ? m->answered[i] - answered[i] : before->total - cell->total;
        cell->why =
            c == first ? mem_copy_string("") : what_if_why(m->t->plans[i], kind, first, c, i);
    }
    free(answered);
    return code;
}

static struct what_if_case *new_case(struct what_if *t, const char *name, const char *note,
                                     const struct workload *w)
{
    t->cases = mem_resize(t->cases, t->case_count + 1, sizeof *t->cases);
    struct what_if_case *c = &t->cases[t->case_count++];
    *c = (struct what_if_case){.name = mem_copy_string(name),
                               .note = mem_copy_string(note),
                               .requests = w->count,
                               .failed = count_failed(w),
                               .cells = mem_zero(t->plan_count + 1, sizeof *c->cells)};
    return c;
}

/* The first case, of a bill that is at hand: its plans with their caps are those of the table. */
static int take_as_is(struct making *m, const struct bill *bill, struct error *err)
{
    struct what_if_case *c = new_case(m->t, "as it is", "", m->as_is);
    for (size_t i = 0, next = 0; i < bill->plan_count; i++)
        if (!bill->plans[i].without_caps)
            fill_cell(&c->cells[next++], &bill->plans[i]);
    return compare_case(m, c, m->as_is, -1, err);
}

/* Bills the workload and takes down one case of the table; kind: of the transform, -1 = several. */
static int add_case(struct making *m, const char *name, const char *note, const struct workload *w,
                    int kind, struct error *err)
{
    struct what_if *t = m->t;
    struct bill bill;
    struct workload billed = *w;
    if (same_rows(m->as_is, w)) /* else the attempts are of other rows, or drawn anew */
        billed.earlier = m->as_is->earlier;
    int code = bill_make(&bill, &billed, t->plans, t->plan_count, &m->options, err);
    if (code < 0)
        return code;
    struct what_if_case *c = new_case(t, name, note, w);
    for (size_t i = 0; i < t->plan_count; i++)
        fill_cell(&c->cells[i], &bill.plans[i]);
    bill_free(&bill);
    return compare_case(m, c, &billed, kind, err);
}

/* What no price and none of these changes looks at need not be copied: the blocks of the prompts
 * are most of a large trace. */
static struct workload lean_view(const struct workload *w, const char *const *changes, size_t count)
{
    struct workload lean = *w;
    if (!w->earlier)
        lean.ids = (struct request_ids){0};
    for (size_t i = 0; i < count; i++)
        if (strncmp(changes[i], "cache=", 6) == 0 || strncmp(changes[i], "responses", 9) == 0)
            return lean;
    lean.hash_start = lean.hash_ids = lean.messages_start = lean.body_start = NULL;
    lean.block_size = 0;
    return lean;
}

static int add_changed(struct making *m, const char *name, const char *const *changes, size_t count,
                       int kind, struct error *err)
{
    struct workload changed;
    struct buffer note;
    const struct workload lean = lean_view(m->as_is, changes, count);
    int code = bill_copy_workload(&lean, &changed, err);
    if (code < 0)
        return code;
    buffer_init(&note, BUFFER_UNBOUNDED);
    buffer_add_text(&note, "");
    code = transform_apply_all(changes, count, m->seed, &changed, add_note, &note, err);
    if (code == 0)
        code = add_case(m, name, note.data, &changed, kind, err);
    buffer_free(&note);
    workload_free(&changed);
    return code;
}

/* ---- all together ---- */

/* Changes of one kind, of which one can hold at a time. */
struct alternatives {
    int kind;
    char *class_name; /* of service=..,class:NAME: other classes are no alternative */
    const char **changes;
    size_t count;
};

static bool is_alternative(const struct alternatives *a, const struct transform *t)
{
    const char *one = a->class_name, *other = t->class_name;
    return a->kind == (int)t->kind && (!one || !other || strcmp(one, other) == 0);
}

static bool is_chain(const char *change)
{
    struct what_if_changes parts = {0};
    what_if_changes_split(change, &parts);
    bool chain = parts.count > 1;
    what_if_changes_free(&parts);
    return chain;
}

static int sort_alternatives(const char *const *changes, size_t count, struct alternatives *out,
                             size_t *used, struct error *err)
{
    for (size_t i = 0; i < count; i++) {
        struct transform t;
        size_t a = 0;
        if (strcmp(changes[i], "cache") == 0 || is_chain(changes[i]))
            continue;
        if (transform_parse(changes[i], &t, err) < 0)
            return ERR_INPUT;
        while (a < *used && !is_alternative(&out[a], &t))
            a++;
        if (a == *used)
            out[(*used)++] = (struct alternatives){
                .kind = (int)t.kind,
                .class_name = t.class_name ? mem_copy_string(t.class_name) : NULL,
                .changes = mem_alloc(count * sizeof *out[a].changes)};
        out[a].changes[out[a].count++] = changes[i];
        transform_free(&t);
    }
    return 0;
}

/* More combinations than that nobody reads. */
#define TOGETHER_MOST 12

/* Every combination of one alternative of each kind. */
static int add_together(struct making *m, const struct alternatives *a, size_t count,
                        struct error *err)
{
    size_t combinations = 1;
    int code = 0;
    for (size_t i = 0; i < count && combinations <= TOGETHER_MOST; i++)
        combinations *= a[i].count;
    if (count < 2 || combinations > TOGETHER_MOST)
        return 0;
    const char **chosen = mem_alloc(count * sizeof *chosen);
    for (size_t n = 0; n < combinations && code == 0; n++) {
        struct buffer name;
        size_t rest = n;
        buffer_init(&name, BUFFER_UNBOUNDED);
        buffer_add_text(&name, combinations > 1 ? "together:" : "all together");
        for (size_t i = 0; i < count; i++) {
            chosen[i] = a[i].changes[rest % a[i].count];
            rest /= a[i].count;
            if (a[i].count > 1)
                buffer_add_format(&name, " %s", chosen[i]);
        }
        code = add_changed(m, name.data, chosen, count, -1, err);
        if (code == 0)
            m->t->cases[m->t->case_count - 1].together = true;
        buffer_free(&name);
    }
    free(chosen);
    return code;
}

static int add_all_together(struct making *m, const char *const *changes, size_t count,
                            struct error *err)
{
    struct alternatives *a = mem_zero(count + 1, sizeof *a);
    size_t used = 0;
    int code = sort_alternatives(changes, count, a, &used, err);
    if (code == 0)
        code = add_together(m, a, used, err);
    for (size_t i = 0; i < used; i++) {
        free(a[i].class_name);
        free(a[i].changes);
    }
    free(a);
    return code;
}

static int add_one(struct making *m, const char *change, struct error *err)
{
    struct what_if_changes parts = {0};
    struct transform t;
    int kind = -1;
    what_if_changes_split(change, &parts);
    int code = transform_parse(parts.items[0], &t, err);
    if (code == 0) {
        kind = parts.count == 1 ? (int)t.kind : -1;
        transform_free(&t);
        code = add_changed(m, change, parts.items, parts.count, kind, err);
    }
    what_if_changes_free(&parts);
    return code;
}

int what_if_make(struct what_if *out, const struct workload *w, const struct plan *const *plans,
                 size_t plan_count, const char *const *changes, size_t change_count,
                 const struct bill_options *options, uint64_t seed, const struct bill *as_is,
                 struct error *err)
{
    struct making m = {.t = out, .as_is = w, .options = *options, .seed = seed};
    m.options.by = NULL;
    m.options.both_caps = false;
    m.options.totals_only = true;
    *out = (struct what_if){.plans = plans, .plan_count = plan_count};
    int code = as_is ? take_as_is(&m, as_is, err) : add_case(&m, "as it is", "", w, -1, err);
    for (size_t i = 0; i < change_count && code == 0; i++) {
        if (strcmp(changes[i], "cache") != 0) {
            code = add_one(&m, changes[i], err);
            continue;
        }
        for (size_t c = 0; c < sizeof cache_changes / sizeof cache_changes[0] && code == 0; c++)
            code = add_one(&m, cache_changes[c], err);
    }
    if (code == 0)
        code = add_all_together(&m, changes, change_count, err);
    free(m.answered);
    if (code < 0)
        what_if_free(out);
    return code;
}

static void free_cell(struct what_if_cell *cell)
{
    free(cell->why);
    free(cell->counts_of);
    free(cell->priced_as);
}

void what_if_free(struct what_if *table)
{
    for (size_t i = 0; i < table->case_count; i++) {
        for (size_t p = 0; p < table->plan_count; p++)
            free_cell(&table->cases[i].cells[p]);
        free(table->cases[i].name);
        free(table->cases[i].note);
        free(table->cases[i].cells);
    }
    free(table->cases);
    *table = (struct what_if){0};
}
