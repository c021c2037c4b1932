#include "cli/report/export/export_shares.h"

#include "core/csv/sheet.h"

#include <math.h>

static void put_trend(struct sheet *s, const struct plan_bill *p, const struct bill_group *g)
{
    bool charged = p->sums.total > 0;
    money unit = charged ? 1 : MONEY_USD; /* requests are counted one by one */
    sheet_put_text(s, "trend_of", !g->has_trend ? NULL : charged ? "usage_usd" : "requests");
    sheet_put_known_money(s, "last_week", g->has_trend, g->trend_now * unit);
    sheet_put_known_money(s, "week_before", g->has_trend, g->trend_before * unit);
    sheet_put_number(s, "change",
                     g->has_trend && g->trend_before > 0
                         ? cost_usd(g->trend_now) / cost_usd(g->trend_before) - 1
                         : NAN);
}

static void put_group(struct sheet *s, const struct bill *b, const struct plan_bill *p,
                      const struct bill_group *g)
{
    static const char *const kinds[] = {"value", "none", "unused"};
    char name[BILL_NAME_SIZE];
    money each = 0;
    if (g->requests > 0)
        (void)money_prorate(g->total, 1, g->requests, &each);
    sheet_put_text(s, "workload", b->workload->name ? b->workload->name : "workload");
    sheet_put_text(s, "plan", bill_plan_name(p, name));
    sheet_put_text(s, "by", b->options.by);
    sheet_put_text(s, "name", g->name);
    sheet_put_text(s, "kind", kinds[g->kind]);
    sheet_put_money(s, "total_usd", g->total);
    sheet_put_money(s, "shown_usd", g->shown);
    sheet_put_number(s, "share", p->total > 0 ? (double)g->share_tenths * 1e-3 : NAN);
    sheet_put_u64(s, "requests", g->requests);
    sheet_put_known_money(s, "per_request_usd", g->requests > 0, each);
    sheet_put_money(s, "usage_usd", g->usage);
    sheet_put_number(s, "cv", g->stats.cv);
    sheet_put_number(s, "max_over_median", g->stats.max_over_median);
    put_trend(s, p, g);
    sheet_end_row(s);
}

void export_bill_shares(const struct bill *const *bills, size_t count, struct buffer *out)
{
    struct sheet s;
    sheet_init(&s, out);
    put_group(&s, bills[0], &bills[0]->plans[0], &(struct bill_group){.name = ""}); /* titles */
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < bills[i]->plan_count; k++) {
            const struct plan_bill *p = &bills[i]->plans[k];
            for (size_t g = 0; g < p->group_count && !bill_repeats(bills[i], k); g++)
                put_group(&s, bills[i], p, &p->groups[g]);
        }
    sheet_end(&s);
}
