#include "sim/cost/what_if/what_if_changes.h"

#include "core/memory.h"
#include "sim/cost/book/price.h"
#include "workloads/transform/transform.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void take(struct what_if_changes *c, char *change)
{
    c->items = mem_resize(c->items, c->count + 1, sizeof(const char *));
    c->items[c->count++] = change;
}

void what_if_changes_add(struct what_if_changes *c, const char *change)
{
    take(c, mem_copy_string(change));
}

void what_if_changes_free(struct what_if_changes *c)
{
    for (size_t i = 0; i < c->count; i++)
        free((void *)(uintptr_t)c->items[i]);
    free(c->items);
    *c = (struct what_if_changes){0};
}

/* True if a transform begins there. */
static bool begins(const char *at)
{
    for (const struct transform_info *t = transform_list(); t->name; t++) {
        size_t n = strlen(t->name);
        if (strncmp(at, t->name, n) == 0 && at[n] == '=')
            return true;
    }
    return false;
}

void what_if_changes_split(const char *change, struct what_if_changes *out)
{
    const char *from = change;
    for (const char *at = change; *at; at++)
        if (*at == '+' && begins(at + 1)) {
            take(out, mem_copy_text(from, (size_t)(at - from)));
            from = at + 1;
        }
    take(out, mem_copy_string(from));
}

static int by_value(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return x < y ? -1 : x > y;
}

/* The median of the inputs, or of input and output, to two digits. */
static uint64_t median(const struct workload *w, bool total)
{
    uint32_t *tokens = mem_alloc((w->count + 1) * sizeof *tokens);
    for (size_t i = 0; i < w->count; i++)
        tokens[i] = w->input_tokens[i] + (total ? w->output_tokens[i] : 0);
    qsort(tokens, w->count, sizeof *tokens, by_value);
    uint64_t middle = w->count ? tokens[w->count / 2] : 0, unit = 1;
    free(tokens);
    while (middle / unit >= 100)
        unit *= 10;
    return middle / unit * unit;
}

/* The model that a rate's first pattern stands for, where that finds the rate; NULL: it does not.
 * The caller frees it. */
static char *model_of(const struct plan *plan, const struct plan_rate *rate)
{
    if (rate->model_count == 0)
        return NULL;
    char *name = mem_copy_string(rate->models[0]);
    size_t used = 0;
    for (size_t i = 0; name[i]; i++)
        if (name[i] != '*')
            name[used++] = name[i] == '?' ? '-' : name[i];
    name[used] = '\0';
    if (used > 0 && !strpbrk(name, ",:") && plan_rate_for(plan, name) == rate)
        return name;
    free(name);
    return NULL;
}

/* What a request of these lengths costs at a rate. */
static money price_of(const struct plan *plan, const struct plan_rate *rate, uint64_t input,
                      uint64_t output)
{
    struct usage u = usage_from_totals(input, 0, 0, 0, output, 0);
    struct price_query q = {.usage = &u, .at_unix_ns = TIME_NEVER};
    struct charge c;
    return price_request(plan, rate, &q, &c) < 0 || c.unpriced ? MONEY_MAX : c.total;
}

/* The cheapest and the dearest model of a plan for the mean request. */
static void find_models(const struct plan *plan, const struct workload *w, char *found[2])
{
    uint64_t in, out, n = w->count ? w->count : 1;
    money price[2] = {MONEY_MAX, -1};
    workload_sum_tokens(w, w->count, &in, &out);
    for (size_t i = 0; i < plan->rate_count; i++) {
        char *name = model_of(plan, &plan->rates[i]);
        money now = name ? price_of(plan, &plan->rates[i], in / n, out / n) : MONEY_MAX;
        for (int end = 0; end < 2 && now != MONEY_MAX; end++)
            if (end == 0 ? now < price[0] : now > price[1]) {
                price[end] = now;
                free(found[end]);
                found[end] = mem_copy_string(name);
            }
        free(name);
    }
}

#define ROUTES_MOST 2

static void add_routes(struct what_if_changes *out, const struct workload *w,
                       const struct plan *const *plans, size_t plan_count)
{
    uint64_t middle = median(w, true);
    size_t routes = 0;
    for (size_t i = 0; i < plan_count && routes < ROUTES_MOST; i++) {
        char *model[2] = {NULL, NULL}, text[512];
        find_models(plans[i], w, model);
        if (model[0] && model[1] && strcmp(model[0], model[1]) != 0) {
            int n = snprintf(text, sizeof text, "route=total<%" PRIu64 ":%.100s", middle, model[0]);
            if (!w->model) /* else the others stay with theirs */
                snprintf(text + n, sizeof text - (size_t)n, ",*:%.100s", model[1]);
            what_if_changes_add(out, text);
            routes++;
        }
        free(model[0]);
        free(model[1]);
    }
}

static bool has_cached(const struct workload *w)
{
    for (size_t i = 0; w->usage && i < w->count; i++)
        if (w->usage_known[i] && w->usage[i].cached_input > 0)
            return true;
    return false;
}

#define SHORT_CACHE "cache=ttl:5m,min:1024,step:128,write:5m"
#define RETRIES "retry=fail:0.05,max:3,cache:lost"

void what_if_changes_all(struct what_if_changes *out, const struct workload *w,
                         const struct plan *const *plans, size_t plan_count)
{
    char text[64];
    uint64_t middle = median(w, false);
    if (w->hash_start) {
        what_if_changes_add(out, "cache=none");
        what_if_changes_add(out, SHORT_CACHE);
        what_if_changes_add(out, "cache=ttl:1h,min:1024,step:128,write:1h");
        what_if_changes_add(out, "cache=infinite");
    }
    add_routes(out, w, plans, plan_count);
    snprintf(text, sizeof text, "truncate=tokens:%" PRIu64, middle);
    if (middle > 0)
        what_if_changes_add(out, text);
    what_if_changes_add(out, "service=batch");
    if (w->session && w->after_start)
        what_if_changes_add(out, "tools=parallel:4");
    what_if_changes_add(out, RETRIES);
    if (w->hash_start && !has_cached(w))
        what_if_changes_add(out, SHORT_CACHE "+" RETRIES);
}
