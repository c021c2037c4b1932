/* Lines with ids: each is joined with the attempt at the request that it bills. */
#include "core/json/json_scan.h"
#include "core/memory.h"
#include "sim/cost/reconcile/joining.h"
#include "sim/cost/reconcile/seen.h"

#include <stdlib.h>
#include <string.h>

#define NO_ONE UINT32_MAX
#define QUARTER_NS (INT64_C(900) * NS_PER_S)
#define SKEW_NS (INT64_C(300) * NS_PER_S) /* clocks, and a request's own length */

struct by_id {
    struct joining *j;
    uint32_t *first; /* own charge, by number of the id: its first attempt; one more at the end */
    uint32_t *own;   /* of each line: the charge that it bills; NO_ONE */
    uint32_t *id;    /* of each line: the number of its id among one's own; NO_ONE */
    bool *taken;     /* of each own charge */
    struct seen seen;
    struct item *items;
    struct facts *facts; /* of each item, with the usage of its line */
    size_t count;
};

/* ---- who bills whom ---- */

static void index_own(struct by_id *b)
{
    const struct own_list *own = b->j->own;
    uint32_t ids = (uint32_t)own->ids.count;
    b->first = mem_alloc((ids + 1) * sizeof *b->first);
    for (size_t i = own->count; i-- > 0;)
        b->first[names_find(&own->ids, text_of(own->items[i].id))] = (uint32_t)i;
    b->first[ids] = (uint32_t)own->count;
}

static bool same_tokens(const struct usage *a, const struct usage *b)
{
    return memcmp(a->tokens, b->tokens, sizeof a->tokens) == 0;
}

/* True if the line says what the attempt used, or what the plan bills of it. */
static bool is_of(const struct by_id *b, const struct own *o, const struct invoice_line *l)
{
    struct usage billed = own_billed_usage(o, b->j->how->plan);
    return l->has_usage && (same_tokens(&o->usage, &l->usage) || same_tokens(&billed, &l->usage));
}

/* The attempt of the id that the line bills, among those that none bills yet: the last one, but
 * where the line says another's usage; a line more than there are attempts bills none. */
static uint32_t attempt_of(const struct by_id *b, uint32_t id, const struct invoice_line *l)
{
    const struct own *items = b->j->own->items;
    uint32_t from = b->first[id], end = b->first[id + 1], last = end - 1;
    if (!b->taken[last] && is_of(b, &items[last], l))
        return last;
    for (uint32_t i = from; i < last; i++)
        if (!b->taken[i] && same_tokens(&items[i].usage, &l->usage) &&
            (items[i].billed || b->taken[last]))
            return i;
    if (!b->taken[last])
        return last;
    for (uint32_t i = from; i < last; i++)
        if (!b->taken[i] && items[i].billed)
            return i;
    return NO_ONE;
}

static void join(struct by_id *b)
{
    const struct invoice *invoice = b->j->invoice;
    b->own = mem_alloc((invoice->count + 1) * sizeof *b->own);
    b->id = mem_alloc((invoice->count + 1) * sizeof *b->id);
    b->taken = mem_zero(b->j->own->count + 1, sizeof *b->taken);
    for (size_t i = 0; i < invoice->count; i++) {
        const struct invoice_line *l = &invoice->lines[i];
        b->own[i] = NO_ONE;
        b->id[i] = l->id ? joining_id(b->j->own, l->id) : NO_ONE;
        if (!joining_has(b->j, l) || b->id[i] == NO_ONE)
            continue;
        b->own[i] = attempt_of(b, b->id[i], l);
        if (b->own[i] != NO_ONE)
            b->taken[b->own[i]] = true;
        b->j->out->joined++;
    }
}

/* ---- clocks ---- */

/* How much later the line's time is, in quarters of an hour; false where a time is missing. */
static bool quarters_late(const struct by_id *b, size_t line, int64_t *quarters, int64_t *late_ns)
{
    const struct invoice_line *l = &b->j->invoice->lines[line];
    if (b->own[line] == NO_ONE || l->from_ns == TIME_NEVER || l->from_ns != l->until_ns ||
        b->j->own->items[b->own[line]].at_ns == TIME_NEVER)
        return false;
    *late_ns = l->from_ns - b->j->own->items[b->own[line]].at_ns;
    int64_t shifted = *late_ns + QUARTER_NS / 2;
    *quarters = shifted / QUARTER_NS - (shifted % QUARTER_NS < 0);
    return true;
}

/* The offset that more than half of the lines have. */
static int64_t common_offset(const struct by_id *b)
{
    int64_t best = 0, quarters, late;
    uint64_t lead = 0, with = 0, all = 0;
    for (size_t i = 0; i < b->j->invoice->count; i++) { /* the majority's, where there is one */
        if (!quarters_late(b, i, &quarters, &late))
            continue;
        if (lead == 0)
            best = quarters;
        lead += quarters == best ? 1 : (uint64_t)-1;
    }
    for (size_t i = 0; i < b->j->invoice->count; i++)
        if (quarters_late(b, i, &quarters, &late)) {
            with += quarters == best;
            all++;
        }
    return 2 * with > all && best >= -56 && best <= 56 ? best * QUARTER_NS : 0;
}

/* Rows that stand on another day there: no money of the total, but of the days. */
static void find_moves(struct by_id *b)
{
    int64_t quarters, late;
    int64_t offset = b->j->out->offset_ns = common_offset(b);
    b->j->out->offset_from_ns = b->j->out->offset_to_ns = offset;
    for (size_t i = 0; i < b->j->invoice->count; i++) {
        if (!quarters_late(b, i, &quarters, &late))
            continue;
        const struct own *o = &b->j->own->items[b->own[i]];
        bool other_day = clock_day_of(o->at_ns) != clock_day_of(o->at_ns + offset);
        if (offset != 0)
            finding_move(b->j, CAUSE_BIT(CAUSE_DAY_BOUNDARY), other_day ? o->price : 0, 1);
        if (late - offset > SKEW_NS)
            finding_move(
                b->j, CAUSE_BIT(CAUSE_LATE_ARRIVAL),
                clock_day_of(o->at_ns + offset) != clock_day_of(o->at_ns + late) ? o->price : 0, 1);
    }
}

/* ---- fact by fact ---- */

/* A list price on its way from one's own facts to the invoice's. */
struct way {
    struct joining *j;
    struct facts facts;
    struct usage usage; /* facts point at it */
    bool billed;
    money now;
};

static int step(struct way *w, enum cause c, bool differs)
{
    money next = 0;
    if (!differs)
        return 0;
    w->facts.usage = &w->usage;
    if (w->billed && facts_price(w->j->how->plan, &w->facts, &next) < 0)
        return -1;
    finding_add(w->j, CAUSE_BIT(c), next - w->now, 1);
    w->now = next;
    return 0;
}

static bool same_service(enum service a, const char *other, enum service b, const char *name)
{
    return a == b && (a != SERVICE_OTHER || (other && name && strcmp(other, name) == 0));
}

static bool is_named_otherwise(const char *own, const char *there)
{
    return there && (!own || strcmp(own, there) != 0);
}

static const enum usage_class written[] = {USAGE_CACHE_WRITE, USAGE_CACHE_WRITE_1H};

static uint64_t written_of(const struct usage *u)
{
    return u->tokens[USAGE_CACHE_WRITE] + u->tokens[USAGE_CACHE_WRITE_1H];
}

/* The invoice's classes of input, with what was written kept as long as one's own records say. */
static struct usage without_lifetimes(const struct usage *own, const struct usage *there)
{
    struct usage u = *there;
    uint64_t all = written_of(there), hour = own->tokens[USAGE_CACHE_WRITE_1H];
    if (all == written_of(own)) {
        for (int k = 0; k < 2; k++)
            u.tokens[written[k]] = own->tokens[written[k]];
    } else if (own->tokens[USAGE_CACHE_WRITE] == 0 && hour > 0) {
        u.tokens[USAGE_CACHE_WRITE] = 0;
        u.tokens[USAGE_CACHE_WRITE_1H] = all;
    } else if (hour == 0) {
        u.tokens[USAGE_CACHE_WRITE] = all;
        u.tokens[USAGE_CACHE_WRITE_1H] = 0;
    }
    return u;
}

static void take_side(struct usage *to, const struct usage *from, bool output)
{
    for (int c = 0; c < USAGE_CLASSES; c++)
        if (usage_is_output((enum usage_class)c) == output)
            to->tokens[c] = from->tokens[c];
}

/* Input: divided otherwise, or other numbers. */
static int step_input(struct way *w, const struct usage *there)
{
    struct usage before = w->usage, target = w->usage;
    take_side(&target, there, false);
    if (usage_input(there) != usage_input(&w->usage)) {
        w->usage = target;
        return step(w, CAUSE_TOKEN_COUNTS, true);
    }
    w->usage = without_lifetimes(&before, &target);
    if (step(w, CAUSE_CACHE_CLASS, !same_tokens(&before, &w->usage)) < 0)
        return -1;
    before = w->usage;
    w->usage = target;
    return step(w, CAUSE_TIME_TO_LIVE, !same_tokens(&before, &w->usage));
}

/* Whether and how much of an answer that failed or was cut is billed is these causes', and comes
 * after all that is known of the request. */
static int step_outcome(struct way *w, const struct own *o, const struct usage *there)
{
    enum cause c = o->earlier                      ? CAUSE_RETRIED
                   : o->status == RECORD_CANCELLED ? CAUSE_ABORTED
                                                   : CAUSE_FAILED;
    struct usage before = w->usage;
    bool differs = !w->billed;
    w->billed = true;
    w->usage = *there;
    return step(w, c, differs || !same_tokens(&before, &w->usage));
}

static int walk(struct way *w, const struct own *o, const struct invoice_line *l)
{
    bool whole = o->status == RECORD_COMPLETED && o->billed;
    const char *model = w->facts.model;
    if (is_named_otherwise(model, l->model)) {
        money ignored;
        struct facts renamed = w->facts;
        renamed.model = l->model;
        if (facts_price(w->j->how->plan, &renamed, &ignored) > 0) /* else it costs as before */
            w->facts.model = l->model;
        if (step(w, CAUSE_MODEL_ALIAS, true) < 0)
            return -1;
    }
    struct usage before = w->usage;
    if (l->has_usage && w->billed && step_input(w, &l->usage) < 0)
        return -1;
    if (l->has_usage && whole) {
        before = w->usage;
        take_side(&w->usage, &l->usage, true);
        if (step(w, CAUSE_TOKEN_COUNTS, !same_tokens(&before, &w->usage)) < 0)
            return -1;
    }
    const struct rate_prices *p = facts_tables(w->j->how->plan, &w->facts);
    if (l->has_tier && p && p->table_count > 1) {
        const struct token_table *t = price_table(p, usage_input(&w->usage));
        w->facts.has_tier = true;
        w->facts.tier_from = l->tier_from;
        bool other = t->input_from + 1 < l->tier_from || t->input_from > l->tier_from + 1;
        if (step(w, CAUSE_TIER, other) < 0)
            return -1;
    }
    bool service = l->has_service && !same_service(l->service, l->other_service, w->facts.service,
                                                   w->facts.other_service);
    if (l->has_service) {
        w->facts.service = l->service;
        w->facts.other_service = l->other_service;
    }
    if (step(w, CAUSE_SERVICE, service) < 0)
        return -1;
    return whole ? 0 : step_outcome(w, o, l->has_usage ? &l->usage : &o->usage);
}

/* ---- lines ---- */

static struct item *add_item(struct by_id *b, size_t line, const struct facts *f, money list)
{
    const struct invoice_line *l = &b->j->invoice->lines[line];
    struct item *item = &b->items[b->count];
    *item = (struct item){.list = list, .has_amount = l->has_amount, .rows = 1, .number = line};
    b->facts[b->count] = *f;
    b->count++;
    return item;
}

static int take_amounts(struct by_id *b, struct item *item)
{
    const struct invoice_line *l = &b->j->invoice->lines[item->number];
    money usd = item->list;
    if (l->has_amount && (joining_amount(b->j, l->amount, &item->amount) < 0 ||
                          joining_usd(b->j, item->amount, &usd) < 0))
        return -1;
    if (l->has_list) {
        item->has_said = true;
        if (joining_amount(b->j, l->list, &item->said) < 0 ||
            (b->j->out->per_usd &&
             terms_unscale(item->said, b->j->out->per_usd, &item->said, NULL) < 0))
            return -1;
    }
    return money_add(b->j->out->theirs, usd, &b->j->out->theirs);
}

/* Without a plan nothing can be split: what differs in one fact only is that fact's. */
static void compare_costs(struct item *item, const struct own *o, const struct invoice_line *l)
{
    uint32_t causes = 0;
    if (is_named_otherwise(o->model, l->model))
        causes |= CAUSE_BIT(CAUSE_MODEL_ALIAS);
    if (l->has_service && !same_service(l->service, l->other_service, o->service, o->other_service))
        causes |= CAUSE_BIT(CAUSE_SERVICE);
    if (l->has_usage && !same_tokens(&l->usage, &o->usage))
        causes |= usage_input(&l->usage) != usage_input(&o->usage) ||
                          usage_output(&l->usage) != usage_output(&o->usage)
                      ? CAUSE_BIT(CAUSE_TOKEN_COUNTS)
                  : written_of(&l->usage) == written_of(&o->usage) &&
                          l->usage.tokens[USAGE_CACHED_INPUT] == o->usage.tokens[USAGE_CACHED_INPUT]
                      ? CAUSE_BIT(CAUSE_TIME_TO_LIVE)
                      : CAUSE_BIT(CAUSE_CACHE_CLASS);
    item->closed = causes != 0;
    item->pending = causes;
}

static int take_joined(struct by_id *b, size_t line)
{
    const struct own *o = &b->j->own->items[b->own[line]];
    const struct invoice_line *l = &b->j->invoice->lines[line];
    struct way w = {b->j, own_facts(o, NULL), own_billed_usage(o, b->j->how->plan), o->billed,
                    o->price};
    w.facts.usage = &w.usage;
    if (!b->j->inside[b->own[line]] && o->price != 0) /* their day begins at another hour */
        finding_add(b->j, CAUSE_BIT(CAUSE_DAY_BOUNDARY), o->price, 1);
    if (b->j->how->plan && walk(&w, o, l) < 0)
        return -1;
    w.facts.usage = l->has_usage ? &l->usage : &o->usage;
    struct item *item = add_item(b, line, &w.facts, w.now);
    if (!b->j->how->plan)
        compare_costs(item, o, l);
    return take_amounts(b, item);
}

/* A line that no own charge stands behind costs what it says, or what the plan asks for it. */
static int take_alone(struct by_id *b, size_t line)
{
    const struct invoice_line *l = &b->j->invoice->lines[line];
    enum cause c =
        b->id[line] != NO_ONE ? CAUSE_RETRIED
        : seen_is_other(&b->seen, l->model, l->labels,
                        l->from_ns == l->until_ns ? l->from_ns : TIME_NEVER, b->j->out->offset_ns)
            ? CAUSE_OTHER_TRAFFIC
            : CAUSE_MISSING_HERE;
    struct facts f = {.model = l->model,
                      .labels = l->labels,
                      .service = l->service,
                      .other_service = l->other_service,
                      .usage = &l->usage,
                      .at_ns = l->from_ns,
                      .has_tier = l->has_tier,
                      .tier_from = l->tier_from};
    money list = 0;
    int sold = b->j->how->plan && l->has_usage ? facts_price(b->j->how->plan, &f, &list) : 0;
    if (sold < 0) {
        f.has_tier = false;
        sold = facts_price(b->j->how->plan, &f, &list);
    }
    if (sold < 0)
        return -1;
    struct item *item = add_item(b, line, &f, sold ? list : 0);
    if (take_amounts(b, item) < 0)
        return -1;
    item->closed = !sold;
    item->pending = sold ? 0 : CAUSE_BIT(c);
    if (sold)
        finding_add(b->j, CAUSE_BIT(c), list, 1);
    return 0;
}

static int take_lines(struct by_id *b)
{
    const struct invoice *invoice = b->j->invoice;
    for (size_t i = 0; i < invoice->count; i++) {
        if (!joining_has(b->j, &invoice->lines[i]))
            continue;
        if ((b->own[i] != NO_ONE ? take_joined(b, i) : take_alone(b, i)) < 0)
            return -1;
    }
    return 0;
}

/* True where another attempt at its request is billed. */
static bool another_is_billed(const struct by_id *b, const struct own *o)
{
    uint32_t id = names_find(&b->j->own->ids, text_of(o->id));
    for (uint32_t k = b->first[id]; k < b->first[id + 1]; k++)
        if (b->taken[k])
            return true;
    return false;
}

/* Own charges that no line bills. */
static void take_unbilled(struct by_id *b)
{
    for (size_t i = 0; i < b->j->own->count; i++) {
        const struct own *o = &b->j->own->items[i];
        if (b->taken[i] || !b->j->inside[i] || !o->billed)
            continue;
        finding_add(b->j, CAUSE_BIT(another_is_billed(b, o) ? CAUSE_RETRIED : CAUSE_MISSING_THERE),
                    -o->price, 1);
    }
}

static bool price_under(void *context, const struct item *item, const struct hypothesis *h,
                        money *out)
{
    const struct by_id *b = context;
    const struct facts *f = &b->facts[item - b->items];
    const struct invoice_line *l = &b->j->invoice->lines[item->number];
    if ((h->cause == CAUSE_TIER && l->has_tier) || (h->cause == CAUSE_SERVICE && l->has_service))
        return false;
    struct facts under = hypothesis_facts(f, h, b->j->how->plan);
    return facts_price(b->j->how->plan, &under, out) > 0;
}

int reconcile_by_id(struct joining *j)
{
    struct by_id b = {.j = j};
    index_own(&b);
    join(&b);
    seen_make(&b.seen, j->own);
    find_moves(&b);
    b.items = mem_alloc((j->invoice->count + 1) * sizeof *b.items);
    b.facts = mem_alloc((j->invoice->count + 1) * sizeof *b.facts);
    int status = take_lines(&b);
    if (status == 0) {
        take_unbilled(&b);
        status = items_settle(
            j, &(struct items){
                   .list = b.items, .count = b.count, .price = price_under, .context = &b});
    }
    seen_free(&b.seen);
    free(b.items);
    free(b.facts);
    free(b.first);
    free(b.own);
    free(b.id);
    free(b.taken);
    return status;
}
