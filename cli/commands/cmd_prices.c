/* farebox prices list, prices check: what the price books hold. */
#include "cli/command.h"
#include "cli/output.h"
#include "core/text.h"
#include "sim/cost/book/select.h"

#include <stdlib.h>
#include <string.h>

#define ALL_BUNDLED "*"
#define PER_MTOK 1000000

struct list_options {
    struct common_options common;
    struct option_list plans;
};

static const struct option_spec list_options[] = {
    {"plans", 'p', OPTION_LIST, offsetof(struct list_options, plans), NULL, "LIST",
     .help = "books, files or plans to list, separated by commas (default: every bundled book)"},
    {0},
};

static const struct option_spec check_options[] = {{0}};

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

static void add_quota(struct buffer *out, const struct plan_quota *q)
{
    if (q->unit == QUOTA_USD)
        add_money(out, ", ", q->usd, " of usage");
    else if (q->unit == QUOTA_REQUESTS)
        buffer_add_format(out, ", %llu requests", (unsigned long long)(q->amount / PLAN_MICRO));
    else
        buffer_add_format(out, ", %llu tokens", (unsigned long long)q->amount);
    buffer_add_text(out, "/");
    add_period(out, plan_quota_length(q));
}

static void add_rate_terms(struct buffer *out, const struct plan_rate *r)
{
    if (r->base.tier_count)
        buffer_add_format(out, ", tiers from %llu",
                          (unsigned long long)r->base.tiers[0].input_from);
    if (r->window_count)
        buffer_add_format(out, ", %zu window%s", r->window_count, r->window_count > 1 ? "s" : "");
    if (r->tool_count + r->unit_count)
        buffer_add_format(out, ", %zu fee%s", r->tool_count + r->unit_count,
                          r->tool_count + r->unit_count > 1 ? "s" : "");
}

/* What is not a token price, in a few words. */
static void add_terms(struct buffer *out, const struct plan *p)
{
    const struct plan_rate *r = &p->rates[0];
    size_t start = out->length;
    if (p->subscription.present) {
        add_money(out, ", ", p->subscription.price, "/");
        add_period(out, p->subscription.period_ns);
    }
    for (size_t i = 0; i < p->quota_count; i++)
        add_quota(out, &p->quotas[i]);
    if (p->limits.max_input_tokens)
        buffer_add_format(out, ", at most %llu in%s",
                          (unsigned long long)p->limits.max_input_tokens,
                          p->limits.unconfirmed ? " (unconfirmed)" : "");
    if (p->provisioned.present)
        add_money(out, ", ", p->provisioned.price, " a unit-period");
    if (r->base.has_per_request)
        add_money(out, ", ", r->base.per_request_micro * PLAN_MICRO, " a request");
    if (p->rate_count > 1)
        buffer_add_format(out, ", %zu rates by model", p->rate_count);
    else
        add_rate_terms(out, r);
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
    static const char *const keys[USAGE_CLASSES] = {"input",          "cached_input", "cache_write",
                                                    "cache_write_1h", "output",       "reasoning"};
    json_key(w, "per_mtok");
    json_begin_object(w);
    for (int c = 0; c < USAGE_CLASSES; c++)
        if (prices->given >> c & 1)
            json_pair_money(w, keys[c], prices->price[c] * PER_MTOK);
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
            json_pair_u64(w, "input_from", r->base.tiers[i].input_from);
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

/* A pattern where it has * or ?, else a part of the name. */
static bool listed(const struct plan *p, const char *pattern)
{
    if (!pattern || strstr(p->name, pattern))
        return true;
    return text_matches(text_of(p->name), text_of(pattern));
}

static size_t show_plans(const struct plan_selection *s, const char *pattern, struct buffer *out)
{
    size_t shown = 0, longest = 4;
    for (size_t i = 0; i < s->count; i++)
        if (listed(s->plans[i], pattern) && strlen(s->plans[i]->name) > longest)
            longest = strlen(s->plans[i]->name);
    int width = longest > 40 ? 40 : (int)longest;
    buffer_add_format(out, "%-*s  %-13s%-13s%-13s%s\n", width, "", "    input", "   cached",
                      "   output", " USD per million tokens; other terms");
    for (size_t i = 0; i < s->count; i++) {
        const struct plan *p = s->plans[i];
        if (!listed(p, pattern))
            continue;
        shown++;
        buffer_add_format(out, "%-*s  ", width, p->name);
        add_token_prices(out, &p->rates[0], p->rate_count > 1);
        buffer_add_byte(out, ' ');
        add_terms(out, p);
        buffer_add_byte(out, '\n');
    }
    return shown;
}

static void put_plans(const struct plan_selection *s, const char *pattern, struct json_writer *w)
{
    json_begin_object(w);
    json_key(w, "plans");
    json_begin_array(w);
    for (size_t i = 0; i < s->count; i++)
        if (listed(s->plans[i], pattern))
            put_plan(w, s->plans[i]);
    json_end_array(w);
    json_end_object(w);
}

static int run_list(const struct terminal *t, const void *given, struct error *err)
{
    const struct list_options *o = given;
    struct plan_selection s = {0};
    struct output out;
    if (o->common.argument_count > 1)
        return command_arguments(&o->common, 1, "at most one pattern", err);
    const char *pattern = o->common.argument_count ? o->common.arguments[0] : NULL;
    int code = o->plans.count ? 0 : plan_select(ALL_BUNDLED, &s, err);
    for (size_t i = 0; i < o->plans.count && code == 0; i++)
        code = plan_select(o->plans.items[i], &s, err);
    if (code < 0)
        return code;
    output_begin(&out);
    put_plans(&s, pattern, &out.json);
    if (show_plans(&s, pattern, &out.text) == 0)
        code = error_set(err, ERR_INPUT,
                         "no plan's name holds \"%.100s\"; without a pattern all of them are shown",
                         pattern);
    output_end(&out, code == 0 && !o->common.json ? t->human : NULL,
               code == 0 && o->common.json ? t->machine : NULL);
    plan_selection_free(&s);
    return code;
}

struct book_counts {
    size_t plans, rates, tiers, windows, services, per_request, fees, subscriptions, provisioned,
        unconfirmed;
};

static const struct {
    const char *key, *text;
    size_t offset;
} count_names[] = {
    {"plans", "plans", offsetof(struct book_counts, plans)},
    {"rates", "rates", offsetof(struct book_counts, rates)},
    {"with_tiers", "with tiers", offsetof(struct book_counts, tiers)},
    {"with_windows", "with windows", offsetof(struct book_counts, windows)},
    {"with_services", "with prices by service", offsetof(struct book_counts, services)},
    {"per_request", "per request", offsetof(struct book_counts, per_request)},
    {"with_fees", "with tool or unit fees", offsetof(struct book_counts, fees)},
    {"subscriptions", "subscriptions", offsetof(struct book_counts, subscriptions)},
    {"provisioned", "provisioned", offsetof(struct book_counts, provisioned)},
    {"caps_unconfirmed", "with unconfirmed caps", offsetof(struct book_counts, unconfirmed)},
};

static struct book_counts count_book(const struct plan_book *book)
{
    struct book_counts n = {.plans = book->count};
    for (size_t i = 0; i < book->count; i++) {
        const struct plan *p = &book->plans[i];
        n.subscriptions += p->subscription.present;
        n.provisioned += p->provisioned.present;
        n.unconfirmed += p->limits.unconfirmed;
        n.rates += p->rate_count;
        for (size_t k = 0; k < p->rate_count; k++) {
            const struct plan_rate *r = &p->rates[k];
            bool services = false;
            for (int service = 0; service < SERVICE_COUNT; service++)
                services |= r->services[service] || r->multipliers[service] != MONEY_USD;
            n.tiers += r->base.tier_count > 0;
            n.windows += r->window_count > 0;
            n.services += services;
            n.per_request += r->base.has_per_request;
            n.fees += r->tool_count + r->unit_count > 0;
        }
    }
    return n;
}

static void put_counts(struct json_writer *w, const char *file, const struct book_counts *n,
                       const struct error *bad)
{
    char message[1536];
    json_begin_object(w);
    json_pair_string(w, "file", file);
    json_pair_bool(w, "ok", bad == NULL);
    if (bad) {
        error_format(bad, message, sizeof message);
        json_pair_string(w, "error", message);
    }
    for (size_t i = 0; !bad && i < sizeof count_names / sizeof count_names[0]; i++)
        json_pair_u64(w, count_names[i].key,
                      *(const size_t *)((const char *)n + count_names[i].offset));
    json_end_object(w);
}

static void show_counts(const struct terminal *t, const char *file, const struct book_counts *n)
{
    fprintf(t->human, "%s: good", file);
    for (size_t i = 0; i < sizeof count_names / sizeof count_names[0]; i++) {
        size_t count = *(const size_t *)((const char *)n + count_names[i].offset);
        if (count > 0)
            fprintf(t->human, "%s %zu %s", i ? "," : ":", count, count_names[i].text);
    }
    fputc('\n', t->human);
}

/* Every file is checked; the first finding is the command's error, the others are said. */
static int run_check(const struct terminal *t, const void *given, struct error *err)
{
    const struct common_options *common = given;
    struct output out;
    int code = 0;
    if (common->argument_count == 0)
        return command_arguments(common, 1, "one price book or more", err);
    output_begin(&out);
    json_begin_array(&out.json);
    for (size_t i = 0; i < common->argument_count; i++) {
        struct plan_book book = {0};
        struct error bad = {0};
        int found = plan_book_load(common->arguments[i], &book, &bad);
        struct book_counts n = count_book(&book);
        put_counts(&out.json, common->arguments[i], &n, found < 0 ? &bad : NULL);
        if (found == 0) {
            show_counts(t, common->arguments[i], &n);
        } else if (code < 0) {
            char message[1536];
            error_format(&bad, message, sizeof message);
            say(t, "%s", message);
        } else {
            *err = bad;
            code = found;
        }
        plan_book_free(&book);
    }
    json_end_array(&out.json);
    output_end(&out, NULL, common->json ? t->machine : NULL);
    return code;
}

const struct command command_prices_list = {
    .name = "prices list",
    .summary = "show the plans of the price books",
    .usage = "[PATTERN] [--plans LIST]",
    .about =
        "Without --plans the books that are part of the program. PATTERN is a part of a plan's\n"
        "name, or a pattern with * and ?. --json gives sources, dates, tiers and fees as well.",
    .examples = "  farebox prices list oxlo\n"
                "  farebox prices list 'gpt-4o*' --plans litellm.json\n"
                "  farebox prices list --json | jq '.plans[] | .plan, .source'\n",
    .options = list_options,
    .options_size = sizeof(struct list_options),
    .run = run_list,
};

const struct command command_prices_check = {
    .name = "prices check",
    .summary = "check price books and count what they hold",
    .usage = "FILE...",
    .about = "Reads each book as a bill would. What is wrong is shown with file, line and column.",
    .examples = "  farebox prices check mine.json\n",
    .options = check_options,
    .options_size = sizeof(struct common_options),
    .run = run_check,
};
