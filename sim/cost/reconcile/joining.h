/* A reconciliation under way. Private to the room.
 *
 * An item is what gets one amount: a line with an id, or the sum of a day. Whoever makes items says
 * what they cost by the plan once all that is known of them is taken over (`list`), and what they
 * would under another hypothesis; items_settle() finds terms and hypotheses and adds what they do.
 */
#ifndef FAREBOX_SIM_COST_RECONCILE_JOINING_H
#define FAREBOX_SIM_COST_RECONCILE_JOINING_H

#include "sim/cost/reconcile/reconcile.h"

struct joining {
    struct reconciliation *out;
    const struct own_list *own;
    const struct invoice *invoice;
    const struct reconcile_options *how;
    bool *inside; /* by own charge: in the invoice's time */
};

/* The number of an own request's id, NAME_NONE. What bench sends again goes by "r7.2", "r7.3". */
uint32_t joining_id(const struct own_list *own, const char *id);

/* True for a line of usage in the time that is compared. */
static inline bool joining_has(const struct joining *j, const struct invoice_line *l)
{
    if (l->kind == LINE_CHARGE)
        return false;
    return !j->how->has_period || l->from_ns == TIME_NEVER ||
           (l->from_ns >= j->how->from_ns && l->from_ns < j->how->until_ns);
}

/* The time of a line that is joined by time: of a single request its UTC day. */
void joining_time(const struct invoice_line *l, int64_t *from_ns, int64_t *until_ns);

/* Adds to the finding of these causes. */
void finding_add(struct joining *j, uint32_t causes, money usd, uint64_t rows);
void finding_move(struct joining *j, uint32_t causes, money moved, uint64_t rows);
void finding_moved(struct joining *j, uint32_t causes, money moved);

/* Prices of another day, service or tier. */
struct hypothesis {
    enum cause cause;
    enum service service; /* of CAUSE_SERVICE */
    int64_t day_ns;       /* of CAUSE_PRICE_DATE */
    size_t table;         /* of CAUSE_TIER */
};

#define HYPOTHESES_MOST 24

struct item {
    money list;      /* by the plan */
    money amount;    /* in the invoice's currency */
    money said;      /* the list price that the invoice says, in USD */
    bool has_amount; /* else it costs what the plan asks */
    bool has_said;
    bool closed;      /* no hypothesis is tried: what it costs is not known exactly */
    uint32_t pending; /* causes that what is left of a closed item belongs to; 0 = the rest */
    uint64_t rows;
    size_t number; /* the maker's */
};

/* The item's list price under a hypothesis; false where there is none. */
typedef bool hypothesis_price(void *context, const struct item *item, const struct hypothesis *h,
                              money *out);

/* By how much one of the item's requests alone, the `part`-th, costs more under a hypothesis; false
 * behind the last. */
typedef bool hypothesis_part(void *context, const struct item *item, const struct hypothesis *h,
                             size_t part, money *more);

/* Who makes items. */
struct items {
    const struct item *list;
    size_t count;
    hypothesis_price *price;
    hypothesis_part *part; /* NULL: an item is one request */
    void *context;
};

/* True if terms and hypotheses explain all items. */
bool items_fit(struct joining *j, const struct items *items);

/* Adds what terms and hypotheses do to each item. -1: it does not fit. */
int items_settle(struct joining *j, const struct items *items);

/* A line's amount as items have it: in USD already where the invoice does not say what its currency
 * is worth. -1: it does not fit. */
int joining_amount(const struct joining *j, money amount, money *out);

/* USD of such an amount: by the rate that was given, else by the invoice's. */
int joining_usd(const struct joining *j, money amount, money *out);

/* The facts under a hypothesis. */
struct facts hypothesis_facts(const struct facts *f, const struct hypothesis *h,
                              const struct plan *plan);

int reconcile_by_id(struct joining *j);
int reconcile_by_bucket(struct joining *j, struct error *err);

#endif
