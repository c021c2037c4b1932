/* The parts of a bill as a person reads them. */
#include "core/memory.h"
#include "core/printable.h"
#include "core/wrap.h"
#include "sim/cost/shares/shares.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SHOWN_GROUPS 20
#define SHOWN_DAYS 92 /* a quarter */

#define NO_TEXT "(empty)" /* a label whose value is "" */

struct columns {
    int name; /* its width */
    bool trend;
    int decimals;
};

static size_t shown_columns(const char *name)
{
    struct buffer shown;
    buffer_init(&shown, BUFFER_UNBOUNDED);
    printable_add_line(name, &shown);
    size_t n = wrap_columns((struct text){shown.data, shown.length});
    buffer_free(&shown);
    return n;
}

static struct columns columns_of(const struct plan_bill *p, int width)
{
    struct columns c = {.name = 8, .decimals = p->shown_decimals};
    size_t longest = 8;
    for (size_t i = 0; i < p->group_count; i++) {
        size_t n = shown_columns(p->groups[i].name);
        longest = n > longest ? n : longest;
        c.trend = c.trend || p->groups[i].has_trend;
    }
    int room = width - 3 - (c.trend ? 62 : 54);
    room = room < 12 ? 12 : room;
    c.name = longest < (size_t)room ? (int)longest : room;
    return c;
}

/* A name in its column; one that is wider on a line of its own: cut, two might look the same. */
static void put_name(struct buffer *out, const char *name, const struct columns *c)
{
    size_t begin = out->length + 3;
    buffer_add_text(out, "   ");
    printable_add_line(name[0] ? name : NO_TEXT, out);
    size_t n = wrap_columns((struct text){out->data + begin, out->length - begin});
    if (n > (size_t)c->name)
        buffer_add_format(out, "\n%*s", 3 + c->name, "");
    else
        buffer_add_format(out, "%*s", c->name - (int)n, "");
}

static void put_share(struct buffer *out, int64_t tenths, bool known)
{
    char text[32];
    snprintf(text, sizeof text, "%s%lld.%lld %%", tenths < 0 ? "-" : "",
             (long long)(llabs(tenths) / 10), (long long)(llabs(tenths) % 10));
    wrap_padded(known ? text : "–", 8, true, out);
}

static void put_each(struct buffer *out, money total, uint64_t requests)
{
    char text[MONEY_TEXT_SIZE], grouped[TEXT_GROUPED_SIZE];
    money each = 0;
    wrap_padded(requests ? text_group_u64(requests, grouped) : "–", 10, true, out);
    if (requests > 0)
        (void)money_prorate(total, 1, requests, &each);
    money_format_amount(each, 6, text);
    wrap_padded(requests ? text : "–", 10, true, out);
}

static void put_usd(struct buffer *out, money value, int decimals)
{
    char text[MONEY_TEXT_SIZE];
    money_format_column(value, decimals, text);
    wrap_padded(text, 12, true, out);
}

/* `value` where charges by the request vary, `same` where there are none; else a dash. */
static const char *variation(const struct plan_bill *p, const struct bill_group *g, double value,
                             double same, int decimals, const char *unit, char out[BILL_TREND_SIZE])
{
    bool some = g->kind != GROUP_UNUSED && g->requests > 0, charged = p->sums.total > 0;
    double shown = some && charged ? value : some && p->flat ? same : NAN;
    if (isnan(shown))
        snprintf(out, BILL_TREND_SIZE, "–");
    else
        snprintf(out, BILL_TREND_SIZE, "%.*f%s", decimals, text_shown(shown, decimals), unit);
    return out;
}

const char *bill_share_cv(const struct plan_bill *p, const struct bill_group *g,
                          char out[BILL_TREND_SIZE])
{
    return variation(p, g, g->stats.cv, 0, 2, "", out);
}

const char *bill_share_dearest(const struct plan_bill *p, const struct bill_group *g,
                               char out[BILL_TREND_SIZE])
{
    return variation(p, g, g->stats.max_over_median, 1, 1, "×", out);
}

static void put_variance(struct buffer *out, const struct plan_bill *p, const struct bill_group *g)
{
    char text[BILL_TREND_SIZE];
    wrap_padded(bill_share_cv(p, g, text), 6, true, out);
    wrap_padded(bill_share_dearest(p, g, text), 8, true, out);
}

const char *bill_share_trend(const struct bill_group *g, char out[BILL_TREND_SIZE])
{
    double change = cost_usd(g->trend_now) / cost_usd(g->trend_before);
    bool same = fabs(change - 1) < 0.005;
    strcpy(out, "–");
    if (g->has_trend && g->trend_before <= 0)
        strcpy(out, g->trend_now > 0 ? "new" : "–");
    else if (g->has_trend && change >= 10)
        snprintf(out, BILL_TREND_SIZE, "×%.0f", change);
    else if (g->has_trend)
        snprintf(out, BILL_TREND_SIZE, same ? "%.0f %%" : "%+.0f %%",
                 same ? 0.0 : text_shown(100 * (change - 1), 0));
    return out;
}

static void put_group(struct buffer *out, const struct plan_bill *p, const struct bill_group *g,
                      const struct columns *c)
{
    put_name(out, g->name, c);
    put_share(out, g->share_tenths, p->total > 0);
    put_each(out, g->total, g->requests);
    put_usd(out, g->shown, c->decimals);
    if (g->kind != GROUP_UNUSED) {
        char trend[BILL_TREND_SIZE];
        put_variance(out, p, g);
        if (c->trend)
            wrap_padded(bill_share_trend(g, trend), 8, true, out);
    }
    buffer_add_byte(out, '\n');
}

static void put_head(struct buffer *out, const struct bill *b, const struct plan_bill *p,
                     const struct columns *c)
{
    char name[BILL_NAME_SIZE];
    buffer_add_format(out, "\n%s by %s\n   %*s", bill_plan_name(p, name), b->options.by, c->name,
                      "");
    wrap_padded("share", 8, true, out);
    wrap_padded("requests", 10, true, out);
    wrap_padded("USD each", 10, true, out);
    wrap_padded("USD", 12, true, out);
    wrap_padded("CV", 6, true, out);
    wrap_padded("max/med", 8, true, out);
    if (c->trend)
        wrap_padded("7 days", 8, true, out);
    buffer_add_byte(out, '\n');
}

/* Groups that there is no room for, as one: `from` up to `end`. */
static void put_others(struct buffer *out, const struct plan_bill *p, size_t from, size_t end,
                       const char *what, const struct columns *c)
{
    struct bill_group sum = {.kind = GROUP_UNUSED};
    char name[64], n[TEXT_GROUPED_SIZE];
    if (from >= end)
        return;
    for (size_t i = from; i < end; i++) {
        sum.requests += p->groups[i].requests;
        sum.total += p->groups[i].total;
        sum.shown += p->groups[i].shown;
        sum.share_tenths += p->groups[i].share_tenths;
    }
    snprintf(name, sizeof name, "%s %s", text_group_u64(end - from, n), what);
    sum.name = name;
    put_group(out, p, &sum, c);
}

static void put_together(struct buffer *out, const struct plan_bill *p, const struct columns *c)
{
    struct bill_group sum = {.kind = GROUP_UNUSED, .name = "together"};
    for (size_t i = 0; i < p->group_count; i++) {
        sum.requests += p->groups[i].requests;
        sum.shown += p->groups[i].shown;
        sum.share_tenths += p->groups[i].share_tenths;
    }
    sum.total = p->total;
    put_group(out, p, &sum, c);
}

/* The dearest values, or the last days, and then what no value bears. */
static void put_groups(struct buffer *out, const struct bill *b, const struct plan_bill *p,
                       const struct columns *c)
{
    bool days = strcmp(b->options.by, "day") == 0;
    size_t values = 0, most = days ? SHOWN_DAYS : SHOWN_GROUPS;
    while (values < p->group_count && p->groups[values].kind == GROUP_VALUE)
        values++;
    size_t first = days && values > most ? values - most : 0;
    size_t end = !days && values > most ? most : values;
    put_others(out, p, 0, first, "days before", c);
    for (size_t i = first; i < end; i++)
        put_group(out, p, &p->groups[i], c);
    put_others(out, p, end, values, "others", c);
    for (size_t i = values; i < p->group_count; i++)
        put_group(out, p, &p->groups[i], c);
    put_together(out, p, c);
}

/* ---- sentences ---- */

static void put_quantity(struct buffer *out, money value)
{
    char text[MONEY_TEXT_SIZE], grouped[TEXT_GROUPED_SIZE];
    money_format_fixed(value, value % MONEY_USD ? 2 : 0, text);
    buffer_add_text(out, text_group(text, grouped));
}

static void say_meter(struct buffer *out, const struct plan_bill *p)
{
    const struct bill_meter *m = &p->meter;
    if (!m->of)
        return;
    buffer_add_format(out, "What is paid by the period is divided by the %s",
                      strcmp(m->of, "USD") == 0 ? "dollars" : m->of);
    if (!m->is_allowance) {
        buffer_add_text(out, " served: the plan itself counts nothing.\n");
        return;
    }
    buffer_add_text(out, " that the plan's allowance counted: ");
    put_quantity(out, m->used);
    buffer_add_text(out, " of ");
    put_quantity(out, m->capacity);
    buffer_add_text(out, m->used < m->capacity ? ", the rest is unused.\n" : ".\n");
}

/* No negative figure without a word. */
static void say_credits(struct buffer *out, const struct plan_bill *p)
{
    for (size_t i = 0; i < p->group_count; i++) {
        const struct bill_group *g = &p->groups[i];
        char text[MONEY_TEXT_SIZE];
        if (g->total >= 0)
            continue;
        money_format_amount(-g->shown, p->shown_decimals, text);
        buffer_add_format(out,
                          "%s: a credit of $%s, as discounts and included credit take off more "
                          "than it was charged.\n",
                          g->name, text);
    }
}

static bool compares(const struct plan_bill *p)
{
    for (size_t i = 0; i < p->group_count; i++)
        if (p->groups[i].has_trend)
            return true;
    return false;
}

void bill_shares_put_notes(const struct bill *b, const struct plan_bill *p, struct buffer *out)
{
    say_meter(out, p);
    say_credits(out, p);
    if (compares(p))
        buffer_add_format(out, "7 days: the %s of the last seven days against the seven before.\n",
                          p->sums.total > 0 ? "charges" : "requests");
    else if (strcmp(b->options.by, "day") != 0)
        buffer_add_text(out, b->period ? "No trend: an extrapolated month has none of its own.\n"
                                       : "No trend: that takes two weeks of requests.\n");
}

void bill_shares_write_table(const struct bill *b, int width, struct buffer *out)
{
    for (size_t i = 0; i < b->plan_count; i++) {
        const struct plan_bill *p = &b->plans[i];
        struct columns c = columns_of(p, width);
        struct buffer words;
        if (p->group_count == 0 || bill_repeats(b, i))
            continue;
        put_head(out, b, p, &c);
        put_groups(out, b, p, &c);
        buffer_init(&words, BUFFER_UNBOUNDED);
        bill_shares_put_notes(b, p, &words);
        wrap_text((struct text){words.data, words.length}, (size_t)width, 2, out);
        buffer_free(&words);
    }
}
