/* Requests too many or too few: which of one's own they may be, and why. */
#include "sim/cost/reconcile/bucket_causes.h"
#include "sim/cost/reconcile/bucket_shape.h"

#include <string.h>

#define DAY_NS (INT64_C(86400) * NS_PER_S)
#define LATEST_NS (7 * DAY_NS)

/* ---- attempts that one's own plan does not bill ---- */

/* All of them of a kind in the cell together. */
static bool sum_unbilled(const struct cells *c, uint32_t cell, bool earlier,
                         enum record_status status, money sum[CELL_VALUES], money *price,
                         uint64_t *rows)
{
    money value[CELL_VALUES];
    memset(sum, 0, CELL_VALUES * sizeof *sum);
    *price = 0;
    *rows = 0;
    for (uint32_t k = c->start[cell]; k < c->start[cell + 1]; k++) {
        const struct own *o = &c->j->own->items[c->rows[k]];
        struct facts f = own_facts(o, &o->usage);
        money one = 0;
        if (o->billed || o->earlier != earlier || (!earlier && o->status != status))
            continue;
        cells_row(c, c->rows[k], value);
        for (int v = 0; v < CELL_VALUES; v++)
            sum[v] += value[v];
        if (c->j->how->plan && facts_price(c->j->how->plan, &f, &one) >= 0)
            *price += one;
        (*rows)++;
    }
    return *rows > 0;
}

static const struct {
    bool earlier;
    enum record_status status;
    enum cause cause;
} kinds[] = {
    {false, RECORD_FAILED, CAUSE_FAILED},
    {false, RECORD_CANCELLED, CAUSE_ABORTED},
    {true, RECORD_FAILED, CAUSE_RETRIED},
};

static void find_unbilled(struct cells *c)
{
    money d[CELL_VALUES], sum[CELL_VALUES], price;
    uint64_t rows;
    for (uint32_t i = 0; i < c->count; i++)
        for (size_t k = 0; k < COUNT_OF(kinds); k++) {
            struct cell *cell = &c->items[i];
            uint32_t found[2];
            struct row_search one = {
                .unbilled = true, .of_status = true, .status = kinds[k].status};
            if (!cell_differs(cell, d) || !shape_has_sign(d, 1) ||
                !sum_unbilled(c, i, kinds[k].earlier, kinds[k].status, sum, &price, &rows))
                continue;
            if (memcmp(sum, d, sizeof sum) == 0)
                bucket_name_all(c, cell, CAUSE_BIT(kinds[k].cause), true, price, rows);
            else if (!kinds[k].earlier &&
                     (rows = (uint64_t)bucket_find_rows(c, i, d, &one, found, &price)) > 0)
                bucket_name_all(c, cell, CAUSE_BIT(kinds[k].cause), true, price, rows);
        }
}

/* Cut answers that are billed whole: more output than was delivered, just as much as was asked. */
static void find_aborted(struct cells *c)
{
    money d[CELL_VALUES];
    for (uint32_t i = 0; i < c->count && c->tokens; i++) {
        struct cell *cell = &c->items[i];
        money missing = 0, one = 0, wanted;
        uint64_t rows = 0;
        int64_t requests;
        if (!cell_differs(cell, d) || !shape_has_sign(d, 1) ||
            d[USAGE_OUTPUT] != shape_side(d, true) || shape_side(d, false) != 0 ||
            (cell_requests_differ(cell, &requests) && requests != 0))
            continue;
        wanted = d[USAGE_OUTPUT];
        for (uint32_t k = c->start[i]; k < c->start[i + 1]; k++) {
            const struct own *o = &c->j->own->items[c->rows[k]];
            struct usage u = own_billed_usage(o, c->j->how->plan);
            uint64_t output = usage_output(&u);
            if (o->status != RECORD_CANCELLED || !o->billed || o->asked_output <= output)
                continue;
            rows++;
            missing += (money)(o->asked_output - output);
            if ((money)(o->asked_output - output) == wanted)
                one = wanted;
        }
        if (rows > 0 && (missing == wanted || one == wanted))
            bucket_name_all(c, cell, CAUSE_BIT(CAUSE_ABORTED), false, 0,
                            missing == wanted ? rows : 1);
    }
}

/* ---- requests too few and too many ---- */

static bool has_status(const struct cells *c, uint32_t cell, enum record_status status, bool billed)
{
    for (uint32_t k = c->start[cell]; k < c->start[cell + 1]; k++) {
        const struct own *o = &c->j->own->items[c->rows[k]];
        if (o->status == status && o->billed == billed)
            return true;
    }
    return false;
}

/* True if something is left of another sum that a request may have come from, or gone to. */
static bool has_open(const struct cells *c, uint32_t i, bool later)
{
    const struct cell *cell = &c->items[i];
    for (size_t k = 0; k < c->count; k++) {
        const struct cell *other = &c->items[k];
        if (other->open &&
            (later ? bucket_is_later(c, cell, other) : bucket_is_later(c, other, cell)))
            return true;
    }
    return false;
}

static void mark_open(struct cells *c)
{
    money d[CELL_VALUES];
    for (size_t i = 0; i < c->count; i++)
        c->items[i].open = cell_differs(&c->items[i], d);
}

/* True if something is left of the same model and time under another service. */
static bool may_be_service(const struct cells *c, const struct cell *cell)
{
    for (int k = 0; k < CELL_SERVICES && c->by_service; k++) {
        const struct cell *other = bucket_cell(c, cell->bucket, cell->model, (enum service)k);
        if (k != (int)cell->service && other && other->open)
            return true;
    }
    return false;
}

/* True where the invoice has a model at that time that the records do not have. */
static bool may_be_renamed(const struct cells *c, const struct cell *cell)
{
    for (size_t i = 0; i < c->count && c->by_model; i++)
        if (c->items[i].bucket == cell->bucket && c->items[i].has_there &&
            !bucket_has_model(c, c->items[i].model, false))
            return true;
    return false;
}

/* What is missing may not be billed by its outcome, or will stand on the next invoice. */
static uint32_t why_fewer(const struct cells *c, uint32_t i, const uint32_t rows[2], int found)
{
    uint32_t causes = CAUSE_BIT(CAUSE_MISSING_THERE) | bucket_boundary(c);
    bool failed = has_status(c, i, RECORD_FAILED, true);
    bool aborted = has_status(c, i, RECORD_CANCELLED, true), retried = false;
    for (uint32_t k = c->start[i]; k < c->start[i + 1]; k++)
        retried = retried ||
                  (c->j->own->items[c->rows[k]].earlier && c->j->own->items[c->rows[k]].billed);
    if (found > 0) { /* which ones they are is known */
        failed = aborted = true;
        retried = false;
        for (int k = 0; k < found; k++) {
            const struct own *o = &c->j->own->items[rows[k]];
            failed = failed && o->status == RECORD_FAILED;
            aborted = aborted && o->status == RECORD_CANCELLED;
            retried = retried || o->earlier;
        }
    }
    if (c->buckets[c->items[i].bucket].until_ns >
            c->buckets[c->bucket_count - 1].until_ns - DAY_NS ||
        has_open(c, i, true))
        causes |= CAUSE_BIT(CAUSE_LATE_ARRIVAL);
    if (may_be_renamed(c, &c->items[i]))
        causes |= CAUSE_BIT(CAUSE_MODEL_ALIAS);
    causes |= may_be_service(c, &c->items[i]) ? CAUSE_BIT(CAUSE_SERVICE) : 0;
    causes |= failed ? CAUSE_BIT(CAUSE_FAILED) : 0;
    causes |= aborted ? CAUSE_BIT(CAUSE_ABORTED) : 0;
    return causes | (retried ? CAUSE_BIT(CAUSE_RETRIED) : 0);
}

static void find_fewer(struct cells *c)
{
    money d[CELL_VALUES], less[CELL_VALUES], price;
    for (uint32_t i = 0; i < c->count; i++) {
        struct cell *cell = &c->items[i];
        uint32_t rows[2];
        int64_t requests = bucket_requests(cell);
        if (!cell_differs(cell, d) || !shape_has_sign(d, -1) || requests > 0)
            continue;
        shape_negate(d, less);
        struct row_search how = {.requests = bucket_size_of(requests)};
        int found = bucket_find_rows(c, i, less, &how, rows, &price);
        bool all = !cell->has_there && shape_is_zero(cell->found);
        if (all)
            price = cell->price;
        else if (found == 0 && (requests == 0 || !c->tokens))
            continue; /* tokens without requests are no requests that are missing */
        bucket_name_all(c, cell, why_fewer(c, i, rows, found), found > 0 || all, -price,
                        bucket_rows_of(requests, found));
    }
}

/* What stands behind one's own requests if a sum repeats some of them: by their tokens, or only by
 * as many in and out, as classes may differ too. */
static uint32_t why_repeated(const struct cells *c, const struct cell *cell,
                             const money d[CELL_VALUES], int64_t requests)
{
    uint32_t causes = 0;
    for (uint32_t i = 0; i < c->count; i++) {
        struct row_search how = {.any = true, .totals = c->tokens, .requests = requests};
        uint32_t rows[2];
        money price;
        if (c->items[i].model != cell->model)
            continue;
        int found = bucket_find_rows(c, i, d, &how, rows, &price);
        if (found == 0)
            continue;
        causes |= CAUSE_BIT(CAUSE_RETRIED);
        how.totals = false;
        if (c->tokens && bucket_find_rows(c, i, d, &how, rows, &price) == 0)
            causes |= CAUSE_BIT(CAUSE_CACHE_CLASS) | CAUSE_BIT(CAUSE_TIME_TO_LIVE);
        for (int k = 0; k < found; k++) {
            const struct own *o = &c->j->own->items[rows[k]];
            if (!o->billed && !o->earlier)
                causes |= CAUSE_BIT(o->status == RECORD_CANCELLED ? CAUSE_ABORTED : CAUSE_FAILED);
        }
    }
    return causes;
}

/* True if an answer was cut that may be billed whole there. */
static bool has_cut_answer(const struct cells *c, uint32_t i)
{
    for (uint32_t k = c->start[i]; k < c->start[i + 1]; k++) {
        const struct own *o = &c->j->own->items[c->rows[k]];
        if (o->status == RECORD_CANCELLED && o->asked_output > usage_output(&o->usage))
            return true;
    }
    return false;
}

/* True where the records say of the one request that these tokens are that it was tried again. */
static bool is_retried(const struct cells *c, uint32_t i, const money d[CELL_VALUES])
{
    struct row_search how = {.requests = 1};
    uint32_t rows[2];
    money price;
    return bucket_find_rows(c, i, d, &how, rows, &price) == 1 &&
           c->j->own->items[rows[0]].attempts > 1;
}

/* True if requests of before the invoice's time may have come that late. */
static bool has_earlier_outside(const struct cells *c, const struct cell *cell,
                                const money d[CELL_VALUES], int64_t requests)
{
    int64_t from_ns = c->buckets[cell->bucket].from_ns;
    money value[CELL_VALUES];
    for (size_t i = 0; i < c->j->own->count && c->j->out->outside > 0; i++) {
        const struct own *o = &c->j->own->items[i];
        if (c->row_cell[i] != NO_CELL || !o->billed || o->at_ns == TIME_NEVER ||
            o->at_ns > from_ns || from_ns - o->at_ns > LATEST_NS ||
            c->renamed[c->row_model[i]] != cell->model)
            continue;
        cells_row(c, i, value);
        if (requests != 1 || memcmp(value, d, sizeof value) == 0)
            return true;
    }
    return false;
}

static uint32_t why_more(const struct cells *c, uint32_t i, const money d[CELL_VALUES],
                         int64_t requests)
{
    const struct cell *cell = &c->items[i];
    bool few = (requests == 1 || requests == 2) && !bucket_may_be_mixed(c, i, d, requests);
    if (requests <= 1 && is_retried(c, i, d))
        return CAUSE_BIT(CAUSE_RETRIED) | bucket_boundary(c);
    uint32_t causes = CAUSE_BIT(CAUSE_MISSING_HERE) | bucket_boundary(c);
    causes |= few ? why_repeated(c, cell, d, requests) : CAUSE_BIT(CAUSE_RETRIED);
    if (has_cut_answer(c, i))
        causes |= CAUSE_BIT(CAUSE_ABORTED) | CAUSE_BIT(CAUSE_RETRIED);
    if (!few && has_status(c, i, RECORD_FAILED, false))
        causes |= CAUSE_BIT(CAUSE_FAILED);
    if (!few && has_status(c, i, RECORD_CANCELLED, false))
        causes |= CAUSE_BIT(CAUSE_ABORTED);
    if (has_open(c, i, false) || has_earlier_outside(c, cell, d, requests))
        causes |= CAUSE_BIT(CAUSE_LATE_ARRIVAL);
    causes |= may_be_service(c, cell) ? CAUSE_BIT(CAUSE_SERVICE) : 0;
    return causes;
}

/* True if it is what one or two of the cell's own requests cost. */
static bool repeats(const struct cells *c, uint32_t i, const money d[CELL_VALUES])
{
    struct row_search how = {.any = true};
    uint32_t rows[2];
    money price;
    return bucket_find_rows(c, i, d, &how, rows, &price) > 0;
}

static void find_more(struct cells *c)
{
    money d[CELL_VALUES];
    for (uint32_t i = 0; i < c->count; i++) {
        struct cell *cell = &c->items[i];
        int64_t requests = bucket_requests(cell);
        bool known = cell->has_requests || !cell->has_there;
        if (!cell_differs(cell, d) || !shape_has_sign(d, 1) || requests < 0 ||
            (known && requests == 0))
            continue;
        if (c->tokens ? shape_side(d, false) == 0 : !repeats(c, i, d))
            continue; /* a request has input; of amounts only what repeats one says something */
        bucket_name_all(c, cell, why_more(c, i, d, requests), false, 0,
                        bucket_rows_of(requests, 0));
    }
}

void bucket_counts(struct cells *c)
{
    find_unbilled(c);
    find_aborted(c);
    mark_open(c);
    find_fewer(c);
    find_more(c);
}
