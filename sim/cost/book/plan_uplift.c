/* Factors on token prices by labels: a region, a speed. */
#include "sim/cost/book/plan_read.h"

#include "core/memory.h"

#include <stdlib.h>
#include <string.h>

#define FACTOR_MOST 1000

static bool factor_of(const struct label_uplift *u, struct text value, money *out)
{
    for (size_t i = 0; i < u->count; i++)
        if (text_matches(value, text_of(u->values[i]))) {
            *out = u->factors[i];
            return true;
        }
    return false;
}

money plan_rate_uplift(const struct plan_rate *rate, const char *labels)
{
    money product = MONEY_USD;
    for (size_t i = 0; labels && i < rate->uplift_count; i++) {
        struct text value;
        money factor;
        if (json_member(labels, rate->uplifts[i].label, &value) &&
            factor_of(&rate->uplifts[i], value, &factor))
            (void)money_scale(product, factor, &product); /* fits: plan_uplifts_check */
    }
    return product;
}

static bool is_seen(const struct workload *w, const char *label)
{
    struct text value;
    for (size_t i = 0; w->labels && i < w->label_sets.count; i++)
        if (json_member(names_text(&w->label_sets, (uint32_t)i), label, &value))
            return true;
    return false;
}

void plan_labels_unseen(const struct plan *plan, const struct workload *w, struct names *out)
{
    for (size_t r = 0; r < plan->rate_count; r++)
        for (size_t i = 0; i < plan->rates[r].uplift_count; i++) {
            struct text label = text_of(plan->rates[r].uplifts[i].label);
            if (names_find(out, label) == NAME_NONE && !is_seen(w, label.at))
                names_add(out, label);
        }
}

/* ---- reading: {"label": "region", "values": {"eu": "1.1", "us-*": "1.1"}} ---- */

static void read_values(struct json_scan *s, const struct json_field *f, void *member)
{
    struct label_uplift *u = plan_owner(f, member);
    const struct json_field row = {f->name, JSON_AS_OTHER, .max = FACTOR_MOST};
    struct text key;
    json_object_begin(s);
    while (json_object_next(s, &key)) {
        uint64_t micro = 0;
        if (key.length == 0 || key.length > PLAN_TEXT_MAX)
            json_fail(s, "expected a label's value, or a pattern of values");
        plan_read_micro(s, &row, &micro);
        if (s->failed)
            return;
        u->values = mem_resize(u->values, u->count + 1, sizeof *u->values);
        u->factors = mem_resize(u->factors, u->count + 1, sizeof *u->factors);
        u->values[u->count] = mem_copy_text(key.at, key.length);
        u->factors[u->count++] = (money)micro * (MONEY_USD / PLAN_MICRO);
    }
}

#define UPLIFT(member) JSON_AT(struct label_uplift, member)
static const struct json_field uplift_rows[] = {
    {"label", JSON_AS_STRING, UPLIFT(label), 0, PLAN_TEXT_MAX, .required = true},
    {"values", JSON_AS_OTHER, UPLIFT(values), .read = read_values, .required = true},
    PLAN_REMARKS,
};

static void check_uplift(struct json_scan *s, void *uplift, uint64_t seen)
{
    const struct label_uplift *u = uplift;
    (void)seen;
    if (!u->label || u->label[0] == '\0' || u->count == 0)
        json_fail(s, PLAN_UPLIFT_NEEDS);
}

const struct json_table plan_uplift_table = {JSON_ROWS(uplift_rows), .where = "\"uplift\" of",
                                             .needs = PLAN_UPLIFT_NEEDS, .check = check_uplift};

static void add_uplift(struct json_scan *s, const struct json_field *f, struct plan_rate *rate)
{
    struct label_uplift u = {0};
    json_fields_read(s, f->table, &u);
    rate->uplifts = mem_resize(rate->uplifts, rate->uplift_count + 1, sizeof *rate->uplifts);
    rate->uplifts[rate->uplift_count++] = u;
    for (size_t i = 0; i + 1 < rate->uplift_count && !s->failed; i++)
        if (strcmp(rate->uplifts[i].label, u.label) == 0)
            json_fail(s, "the label \"%.60s\" stands twice: put its values together", u.label);
}

/* One or a list of them. */
void plan_read_uplifts(struct json_scan *s, const struct json_field *f, void *member)
{
    struct plan_rate *rate = plan_owner(f, member);
    if (json_peek(s) != JSON_ARRAY) {
        add_uplift(s, f, rate);
        return;
    }
    json_array_begin(s);
    while (json_array_next(s)) {
        if (rate->uplift_count == PLAN_UPLIFTS_MOST)
            json_fail(s, "a rate has uplifts by at most %d labels", PLAN_UPLIFTS_MOST);
        add_uplift(s, f, rate);
    }
}

/* ---- every product is exact, and none passes what a token may cost ---- */

/* The largest factor, and the finest digit that one of them has. */
static void range_of(const struct label_uplift *u, money *most, money *finest)
{
    *most = *finest = MONEY_USD;
    for (size_t i = 0; i < u->count; i++) {
        while (u->factors[i] % *finest != 0)
            *finest /= 10;
        *most = u->factors[i] > *most ? u->factors[i] : *most;
    }
}

static bool all_fit(const struct token_table *t, money most, money finest)
{
    money price;
    for (int c = 0; c < USAGE_CLASSES; c++)
        if (money_scale(t->price[c], finest, &price) < 0 ||
            money_scale(t->price[c], most, &price) < 0 || price > PLAN_TOKEN_PRICE_MAX)
            return false;
    return true;
}

void plan_uplifts_check(struct json_scan *s, const struct plan_rate *rate)
{
    char where[JSON_WHERE_SIZE];
    money most = MONEY_USD, finest = MONEY_USD, m, f;
    for (size_t i = 0; i < rate->uplift_count; i++) {
        range_of(&rate->uplifts[i], &m, &f);
        (void)money_scale(finest, f, &finest); /* 4 × 6 decimals are 24 */
        (void)money_scale(most, m, &most);     /* at most 1e12 */
    }
    size_t sets = (rate->window_count + 1) * plan_rate_services(rate);
    for (size_t i = 0; rate->uplift_count > 0 && i < sets && !s->failed; i++)
        for (size_t t = 0; t < rate->resolved[i].table_count; t++)
            if (!all_fit(&rate->resolved[i].tables[t], most, finest))
                json_fail(s,
                          "the uplifts of %s make a price finer than 1e-24 USD a token, or one "
                          "above 1,000 USD",
                          json_fields_where(s, where));
}

void plan_free_uplifts(struct plan_rate *rate)
{
    for (size_t i = 0; i < rate->uplift_count; i++) {
        struct label_uplift *u = &rate->uplifts[i];
        for (size_t k = 0; k < u->count; k++)
            free(u->values[k]);
        free(u->values);
        free(u->factors);
        free(u->label);
    }
    free(rate->uplifts);
}
