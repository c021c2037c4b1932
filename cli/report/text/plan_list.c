#include "cli/report/text/plan_list.h"

#include "core/text.h"
#include "core/wrap.h"

#include <string.h>

#define PER_MTOK 1000000
#define NAME_MOST 40
#define PRICES_WIDTH 39
#define TERMS_INDENT 4

/* A price with its point in a fixed place, at least two decimals; "–" where there is none. */
static void add_price(struct buffer *out, bool given, money price)
{
    char text[MONEY_TEXT_SIZE];
    if (!given) {
        buffer_add_format(out, "%7s%s%5s", "", "–", "");
        return;
    }
    money_format(price, text);
    const char *point = strchr(text, '.');
    int whole = point ? (int)(point - text) : (int)strlen(text);
    int decimals = point ? (int)strlen(point + 1) : 0;
    buffer_add_format(out, "%6.*s.%s%.*s", whole, text, point ? point + 1 : "",
                      decimals < 2 ? 2 - decimals : 0, "00");
    for (int i = decimals < 2 ? 2 : decimals; i < 6; i++)
        buffer_add_byte(out, ' ');
}

static void add_token_prices(struct buffer *out, const struct plan_rate *rate, bool many)
{
    static const enum usage_class shown[] = {USAGE_UNCACHED_INPUT, USAGE_CACHED_INPUT,
                                             USAGE_OUTPUT};
    const struct token_prices *base = &rate->base.base;
    for (size_t i = 0; i < sizeof shown / sizeof shown[0]; i++)
        add_price(out, !many && base->given >> shown[i] & 1u, base->price[shown[i]] * PER_MTOK);
}

static const char *period_name(int64_t ns)
{
    const int64_t day = 86400 * NS_PER_S;
    return ns == 0 || ns == 30 * day ? "month"
           : ns == day               ? "day"
           : ns == 365 * day         ? "year"
           : ns == 7 * day           ? "week"
           : ns == 3600 * NS_PER_S   ? "hour"
           : ns == 60 * NS_PER_S     ? "minute"
                                     : NULL;
}

static void add_period(struct buffer *out, int64_t ns)
{
    const char *name = period_name(ns);
    if (name)
        buffer_add_text(out, name);
    else if (ns % (3600 * NS_PER_S) == 0)
        buffer_add_format(out, "%lldh", (long long)(ns / (3600 * NS_PER_S)));
    else
        buffer_add_format(out, "%llds", (long long)(ns / NS_PER_S));
}

static void add_money(struct buffer *out, const char *before, money amount, const char *after)
{
    char text[MONEY_TEXT_SIZE];
    money_format(amount, text);
    const char *point = strchr(text, '.');
    bool one_decimal = point && point[1] && !point[2]; /* $14.90, not $14.9 */
    buffer_add_format(out, "%s$%s%s%s", before, text, one_decimal ? "0" : "", after);
}

static void add_quota(struct buffer *out, const struct plan_quota *q, bool limit)
{
    if (limit)
        buffer_add_text(out, ", at most");
    if (limit && q->unit == QUOTA_REQUESTS)
        buffer_add_format(out, " %llu requests", (unsigned long long)(q->amount / PLAN_MICRO));
    else if (limit)
        buffer_add_format(out, " %llu tokens", (unsigned long long)q->amount);
    else if (q->of)
        buffer_add_format(out, ", %s %s free", TEXT_SHORT((double)q->amount / PLAN_MICRO, 6),
                          q->of);
    else if (q->credits_micro > 0)
        buffer_add_format(out, ", %s credits",
                          TEXT_SHORT((double)q->credits_micro / PLAN_MICRO, 6));
    else if (q->unit == QUOTA_USD)
        add_money(out, ", ", q->usd, " of usage");
    else if (q->unit == QUOTA_REQUESTS)
        buffer_add_format(out, ", %llu requests", (unsigned long long)(q->amount / PLAN_MICRO));
    else
        buffer_add_format(out, ", %llu tokens", (unsigned long long)q->amount);
    buffer_add_text(out, "/");
    add_period(out, plan_quota_length(q));
    for (size_t i = 0; i < q->model_count; i++)
        buffer_add_format(out, "%s%s", i ? ", " : " of ", q->models[i]);
    if (q->alignment == WINDOW_SESSION)
        buffer_add_text(out, " from the first");
    if (q->rolls_over)
        buffer_add_text(out, " (rolls over)");
}

static void add_rate_terms(struct buffer *out, const struct plan_rate *r)
{
    if (r->base.tier_count)
        buffer_add_format(out, ", tiers from %llu%s",
                          (unsigned long long)r->base.tiers[0].input_from,
                          r->base.by_output ? " out" : "");
    if (r->window_count)
        buffer_add_format(out, ", %zu window%s", r->window_count, r->window_count > 1 ? "s" : "");
    if (r->tool_count + r->unit_count)
        buffer_add_format(out, ", %zu fee%s", r->tool_count + r->unit_count,
                          r->tool_count + r->unit_count > 1 ? "s" : "");
}

/* Units by the hour: "15 PTU at $1 an hour each, 3000 tokens/minute each". */
static void add_provisioned(struct buffer *out, const struct plan_provisioned *v)
{
    const char *unit = v->unit ? v->unit : "unit";
    const char *each = v->units_given && v->units > 1 ? " each" : "";
    if (v->units_given)
        buffer_add_format(out, ", %llu %s%s", (unsigned long long)v->units, unit,
                          !v->unit && v->units > 1 ? "s" : "");
    else
        buffer_add_format(out, ", as many %s%s as it takes", unit, v->unit ? "" : "s");
    add_money(out, " at ", v->price, "/");
    add_period(out, v->period_ns);
    buffer_add_text(out, v->units_given ? each : " each");
    if (v->tokens_per_minute)
        buffer_add_format(out, ", %llu tokens/minute%s", (unsigned long long)v->tokens_per_minute,
                          v->units_given ? each : " each");
}

static void add_limits(struct buffer *out, const struct plan *p)
{
    const char *unconfirmed = p->limits.unconfirmed ? " (unconfirmed)" : "";
    if (p->limits.max_input_tokens)
        buffer_add_format(out, ", at most %llu in%s",
                          (unsigned long long)p->limits.max_input_tokens, unconfirmed);
    if (p->limits.max_output_tokens)
        buffer_add_format(out, ", at most %llu out%s",
                          (unsigned long long)p->limits.max_output_tokens, unconfirmed);
    if (p->limits.max_total_tokens)
        buffer_add_format(out, ", at most %llu in and out%s",
                          (unsigned long long)p->limits.max_total_tokens, unconfirmed);
    if (p->limits.concurrency)
        buffer_add_format(out, ", %llu at once%s", (unsigned long long)p->limits.concurrency,
                          unconfirmed);
    for (size_t i = 0; i < p->rate_limit_count && !p->provisioned.tokens_per_minute; i++)
        add_quota(out, &p->rate_limits[i], true);
}

/* "prices for batch/flex": what a rate says of services, and of what else moves its prices. */
static void add_services(struct buffer *out, const struct plan_rate *r)
{
    const char *comma = ", prices for ";
    for (int s = 0; s < SERVICE_COUNT; s++)
        if (s != SERVICE_STANDARD && (r->services[s] || r->multipliers[s] != MONEY_USD)) {
            buffer_add_format(out, "%s%s", comma, service_name((enum service)s));
            comma = "/";
        }
    for (size_t i = 0; i < r->other_service_count; i++) {
        buffer_add_format(out, "%s%s", comma, r->other_services[i].name);
        comma = "/";
    }
    for (size_t i = 0; i < r->uplift_count; i++)
        buffer_add_format(out, ", other prices by the label %s", r->uplifts[i].label);
    if (r->weight_count)
        buffer_add_text(out, ", some requests count as more or less than one");
    if (r->cache_storage > 0)
        buffer_add_text(out, ", keeping a cache costs");
}

static void add_percent(struct buffer *out, uint32_t millionths, const char *what)
{
    if (millionths)
        buffer_add_format(out, ", %s %% %s", TEXT_SHORT((double)millionths / 10000, 6), what);
}

/* What comes on top of the charges, or off them. */
static void add_fees(struct buffer *out, const struct plan *p)
{
    static const char *const scopes[] = {"", " a part", " a request", " a bill"};
    const struct plan_fees *f = &p->fees;
    if (p->rounding.scope != ROUND_NOTHING)
        add_money(out, ", rounded to ", p->rounding.unit, scopes[p->rounding.scope]);
    if (f->minimum_per_request > 0)
        add_money(out, ", at least ", f->minimum_per_request, " a request");
    if (f->minimum > 0) {
        add_money(out, ", at least ", f->minimum, "/");
        add_period(out, f->minimum_period_ns);
    }
    for (size_t i = 0; i < f->volume_count; i++) {
        const struct volume_step *last = &f->volumes[i].steps[f->volumes[i].step_count - 1];
        buffer_add_format(out, ", volume discount up to %s %%",
                          TEXT_SHORT((double)last->off_millionths / 10000, 6));
    }
    add_percent(out, f->credit_fee_millionths, "fee on credits");
    add_percent(out, f->credit_bonus_millionths, "bonus on credits");
}

/* What is not a token price, in a few words. */
static void add_terms(struct buffer *out, const struct plan *p)
{
    const struct plan_rate *r = &p->rates[0];
    size_t start = out->length;
    if (p->subscription.present) {
        add_money(out, ", ", p->subscription.price, "/");
        add_period(out, p->subscription.period_ns);
        if (p->subscription.seats > 1)
            buffer_add_format(out, " for each of %llu seats",
                              (unsigned long long)p->subscription.seats);
    }
    if (p->subscription.setup > 0)
        add_money(out, ", ", p->subscription.setup, " to set up");
    for (size_t i = 0; i < p->quota_count; i++)
        if (!p->provisioned.tokens_per_minute) /* else they are what the units hold */
            add_quota(out, &p->quotas[i], false);
    if (p->currency)
        buffer_add_format(out, ", prices in %s", p->currency);
    if (p->charged != CHARGED_REQUEST)
        buffer_add_format(out, ", charged by the %s",
                          p->charged == CHARGED_TURN ? "user's turn" : "session");
    add_limits(out, p);
    if (p->provisioned.present)
        add_provisioned(out, &p->provisioned);
    if (r->base.has_per_request)
        add_money(out, ", ", r->base.per_request_micro * PLAN_MICRO, " a request");
    if (p->rate_count > 1)
        buffer_add_format(out, ", %zu rates by model", p->rate_count);
    else
        add_rate_terms(out, r);
    if (p->rate_count == 1)
        add_services(out, r);
    add_fees(out, p);
    if (out->length > start) { /* the first ", " */
        memmove(out->data + start, out->data + start + 2, out->length - start - 2);
        out->length -= 2;
        out->data[out->length] = '\0';
    }
}

static void put_names(struct json_writer *w, const char *key, char **names, size_t count)
{
    if (count == 0)
        return;
    json_key(w, key);
    json_begin_array(w);
    for (size_t i = 0; i < count; i++)
        json_put_string(w, names[i]);
    json_end_array(w);
}

static void put_fees(struct json_writer *w, const char *key, const struct named_fee *fees,
                     size_t count)
{
    if (count == 0)
        return;
    json_key(w, key);
    json_begin_object(w);
    for (size_t i = 0; i < count; i++)
        json_pair_money(w, fees[i].name, fees[i].price_micro * PLAN_MICRO);
    json_end_object(w);
}

static void put_token_prices(struct json_writer *w, const struct token_prices *prices)
{
    json_key(w, "per_mtok");
    json_begin_object(w);
    for (int c = 0; c < USAGE_CLASSES; c++)
        if (prices->given >> c & 1)
            json_pair_money(w, plan_class_key((enum usage_class)c), prices->price[c] * PER_MTOK);
    json_end_object(w);
}

static void put_rate(struct json_writer *w, const struct plan_rate *r)
{
    json_begin_object(w);
    put_names(w, "models", r->models, r->model_count);
    if (r->base.base.given)
        put_token_prices(w, &r->base.base);
    if (r->base.tier_count) {
        json_key(w, "tiers");
        json_begin_array(w);
        for (size_t i = 0; i < r->base.tier_count; i++) {
            json_begin_object(w);
            json_pair_u64(w, r->base.by_output ? "output_from" : "input_from",
                          r->base.tiers[i].input_from);
            put_token_prices(w, &r->base.tiers[i].prices);
            json_end_object(w);
        }
        json_end_array(w);
    }
    if (r->base.has_per_request)
        json_pair_money(w, "per_request", r->base.per_request_micro * PLAN_MICRO);
    put_fees(w, "per_tool", r->tools, r->tool_count);
    put_fees(w, "per_unit", r->units, r->unit_count);
    json_pair_u64(w, "windows", r->window_count);
    json_end_object(w);
}

static void put_plan(struct json_writer *w, const struct plan *p)
{
    struct buffer terms;
    buffer_init(&terms, BUFFER_UNBOUNDED);
    add_terms(&terms, p);
    json_begin_object(w);
    json_pair_string(w, "plan", p->name);
    json_pair_string(w, "seller", p->seller);
    json_pair_string(w, "as_of", p->as_of);
    json_pair_string(w, "source", p->source);
    json_pair_string(w, "note", p->note);
    json_pair_string(w, "terms", terms.data ? terms.data : "");
    json_pair_bool(w, "caps_unconfirmed", p->limits.unconfirmed);
    json_pair_bool(w, "needs_start", plan_needs_start(p));
    json_key(w, "rates");
    json_begin_array(w);
    for (size_t i = 0; i < p->rate_count; i++)
        put_rate(w, &p->rates[i]);
    json_end_array(w);
    json_end_object(w);
    buffer_free(&terms);
}

static bool is_of_book(const struct plan_selection *s, const struct plan *p, const char *name)
{
    for (size_t i = 0; i < s->book_count; i++) {
        const struct plan_book *b = &s->books[i];
        for (size_t k = 0; k < b->count; k++)
            if (&b->plans[k] == p)
                return b->name && strcmp(b->name, name) == 0;
    }
    return false;
}

/* A pattern where it has * or ?, else a part of the plan's name or its book's whole name. */
static bool listed(const struct plan_selection *s, const struct plan *p, const char *pattern)
{
    if (!pattern || strstr(p->name, pattern))
        return true;
    return text_matches(text_of(p->name), text_of(pattern)) || is_of_book(s, p, pattern);
}

/* Columns of the longest name that is listed, and of the longest line with its terms. */
static void measure(const struct plan_selection *s, const char *pattern, int *name, int *line)
{
    struct buffer terms;
    buffer_init(&terms, BUFFER_UNBOUNDED);
    *name = (int)sizeof "USD per million tokens" - 1;
    *line = 0;
    for (size_t i = 0; i < s->count; i++) {
        if (!listed(s, s->plans[i], pattern))
            continue;
        buffer_clear(&terms);
        add_terms(&terms, s->plans[i]);
        int columns = (int)wrap_columns(text_of(s->plans[i]->name));
        int words = (int)wrap_columns((struct text){terms.data, terms.length});
        *name = columns > *name ? columns : *name;
        *line = words > *line ? words : *line;
    }
    if (*name > NAME_MOST)
        *name = NAME_MOST;
    *line += *name + 2 + PRICES_WIDTH + 1;
    buffer_free(&terms);
}

/* Below the prices, where behind them is no room. */
static void add_terms_below(const struct plan *p, int width, struct buffer *out)
{
    struct buffer terms;
    buffer_init(&terms, BUFFER_UNBOUNDED);
    buffer_add_format(&terms, "%*s", TERMS_INDENT, "");
    add_terms(&terms, p);
    if (terms.length > TERMS_INDENT) {
        buffer_add_byte(out, '\n');
        wrap_text((struct text){terms.data, terms.length}, (size_t)width, TERMS_INDENT, out);
    }
    buffer_free(&terms);
}

static void add_plan(const struct plan *p, int name, bool behind, int width, struct buffer *out)
{
    buffer_add_text(out, p->name);
    int columns = (int)wrap_columns(text_of(p->name));
    buffer_add_format(out, "%s%*s", columns > name ? "\n" : "",
                      columns > name ? name + 2 : name + 2 - columns, "");
    add_token_prices(out, &p->rates[0], p->rate_count > 1);
    if (behind) {
        buffer_add_byte(out, ' ');
        add_terms(out, p);
    }
    while (out->data[out->length - 1] == ' ')
        out->length--;
    out->data[out->length] = '\0';
    if (!behind)
        add_terms_below(p, width, out);
    buffer_add_byte(out, '\n');
}

size_t plan_list_write_text(const struct plan_selection *s, const char *pattern, int width,
                            struct buffer *out)
{
    size_t shown = 0;
    int name, line;
    measure(s, pattern, &name, &line);
    if (name + 2 + PRICES_WIDTH > width)
        name = width - 2 - PRICES_WIDTH;
    bool behind = line <= width;
    buffer_add_format(out, "%-*s  %-13s%-13s%s\n", name, "USD per million tokens", "    input",
                      "   cached", behind ? "   output     other terms" : "   output");
    for (size_t i = 0; i < s->count; i++) {
        if (!listed(s, s->plans[i], pattern))
            continue;
        shown++;
        add_plan(s->plans[i], name, behind, width, out);
    }
    return shown;
}

void plan_list_write(const struct plan_selection *s, const char *pattern, struct json_writer *w)
{
    json_begin_object(w);
    json_key(w, "plans");
    json_begin_array(w);
    for (size_t i = 0; i < s->count; i++)
        if (listed(s, s->plans[i], pattern))
            put_plan(w, s->plans[i]);
    json_end_array(w);
    json_end_object(w);
}
