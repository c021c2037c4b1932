/* What better caching would have saved. */
#include "sim/cost/bill/bill_parts.h"

#include "core/memory.h"
#include "workloads/transform/transform.h"

int bill_copy_workload(const struct workload *from, struct workload *to, struct error *err)
{
    workload_init(to);
    to->name = from->name ? mem_copy_string(from->name) : NULL;
    to->has_start = from->has_start;
    to->start_unix_ns = from->start_unix_ns;
    for (size_t i = 0; i < from->count; i++) {
        struct request r;
        workload_get(from, i, &r);
        int code = workload_add(to, &r, err);
        if (code < 0) {
            workload_free(to);
            return code;
        }
    }
    return 0;
}

int bill_ideal_cache(const struct workload *w, struct workload *out, struct error *err)
{
    static const char *const change = "cache=infinite";
    if (!w->hash_start || w->count == 0 || w->count > IDEAL_CACHE_ROWS)
        return 0;
    int code = bill_copy_workload(w, out, err);
    if (code == 0)
        code = transform_apply_all(&change, 1, 0, out, NULL, NULL, err);
    return code;
}

void bill_add_cache_misses(struct plan_bill *p, const struct tariff *t,
                           const struct workload *ideal, const struct bill *bill)
{
    struct serve_rows rows = *t->rows;
    struct charge_sums sums;
    struct tariff cached;
    if (ideal->count != rows.workload->count || ideal->count == 0)
        return;
    struct token_view view;
    struct workload same_attempts = *ideal;
    same_attempts.earlier = bill->workload->earlier;
    token_view_make(&view, &same_attempts, p->plan, bill->options.scales, TOKENS_AS);
    rows.workload = &view.workload;
    tariff_init(&cached, t->plan, &rows, t->served, t->start_unix_ns, t->ignore_caps);
    tariff_charge_all(&cached, bill->options.workers, &sums, NULL);
    tariff_free(&cached);
    token_view_free(&view);
    p->waste.has_cache = !sums.overflow;
    if (p->waste.has_cache)
        p->waste.cache_misses = p->sums.total - sums.total;
}
