/* A ladder as a person reads it. */
#include "sim/cost/bill/bought.h"
#include "sim/cost/ladder/ladder.h"

#include "core/wrap.h"

#include <stdio.h>
#include <string.h>

#define NAME_WIDTH 26
#define SHOWN_MOST 12

static const char *plan_name(const struct ladder *l, size_t plan)
{
    return plan == LADDER_NOBODY ? "no plan serves it all" : l->bill->plans[plan].plan->name;
}

static size_t columns_of(const char *text)
{
    return wrap_columns(text_of(text));
}

/* A name that is too long keeps its end, where names differ. */
static const char *shortened(const char *name, char out[4 * NAME_WIDTH + 8])
{
    size_t length = strlen(name);
    const char *end = name + length;
    if (columns_of(name) <= NAME_WIDTH)
        return name;
    while (columns_of(end) < NAME_WIDTH - 1)
        end--;
    while (((unsigned char)*end & 0xC0) == 0x80)
        end++;
    snprintf(out, 4 * NAME_WIDTH + 8, "…%s", end);
    return out;
}

static void put_money_range(const struct ladder_run *r, struct buffer *out)
{
    char from[MONEY_TEXT_SIZE] = "?", to[MONEY_TEXT_SIZE] = "?", both[2 * MONEY_TEXT_SIZE + 8];
    if (r->plan == LADDER_NOBODY) {
        wrap_padded("–", 24, true, out);
        return;
    }
    if (r->total_from != MONEY_MAX)
        money_format_amount(r->total_from, 2, from);
    if (r->total_to != MONEY_MAX)
        money_format_amount(r->total_to, 2, to);
    bool same = strcmp(from, to) == 0;
    snprintf(both, sizeof both, same ? "%s" : "%s – %s", from, to);
    wrap_padded(both, 24, true, out);
}

static void put_count_range(const struct ladder_interval *i, struct buffer *out)
{
    char from[TEXT_GROUPED_SIZE], to[TEXT_GROUPED_SIZE], both[2 * TEXT_GROUPED_SIZE + 8];
    text_group_u64(i->least_subscriptions, from);
    text_group_u64(i->most_subscriptions, to);
    if (i->most_subscriptions == 0)
        snprintf(both, sizeof both, "–");
    else
        snprintf(both, sizeof both, strcmp(from, to) == 0 ? "%s" : "%s–%s", from, to);
    wrap_padded(both, 9, true, out);
}

/* As wide as the longest name, so that rows of short ones fit a terminal. */
static size_t name_width(const struct ladder *l)
{
    size_t width = 16;
    for (size_t i = 0; i < l->interval_count; i++) {
        size_t columns = columns_of(plan_name(l, l->intervals[i].run.plan));
        width = columns > width ? columns : width;
    }
    return width < NAME_WIDTH ? width : NAME_WIDTH;
}

static void put_row(const struct ladder *l, const struct ladder_interval *i, size_t width,
                    struct buffer *out)
{
    char from[TEXT_GROUPED_SIZE], to[TEXT_GROUPED_SIZE], name[4 * NAME_WIDTH + 8];
    buffer_add_text(out, i == ladder_at(l, l->here) ? " → " : "   ");
    wrap_padded(text_group_u64(i->run.from, from), width, true, out);
    buffer_add_text(out, " – ");
    wrap_padded(text_group_u64(i->run.to, to), width, true, out);
    buffer_add_text(out, i->run.plan_proven ? "   " : " * ");
    wrap_padded(shortened(plan_name(l, i->run.plan), name), name_width(l), false, out);
    put_count_range(i, out);
    put_money_range(&i->run, out);
    buffer_add_text(out, "\n");
}

/* How many narrow intervals follow each other from here on. */
static size_t narrow_run(const struct ladder *l, size_t first)
{
    size_t i = first;
    while (i < l->interval_count && ladder_is_narrow(&l->intervals[i]))
        i++;
    return i - first;
}

/* Where plans take turns, one row for all. */
static void put_turns(const struct ladder *l, size_t first, size_t count, size_t width,
                      struct buffer *out)
{
    struct ladder_interval all = l->intervals[first];
    char from[TEXT_GROUPED_SIZE], to[TEXT_GROUPED_SIZE], words[48];
    all.run.to = l->intervals[first + count - 1].run.to;
    snprintf(words, sizeof words, "(they take turns, %zu times)", count);
    bool here = l->here >= all.run.from && l->here <= all.run.to;
    buffer_add_text(out, here ? " → " : "   ");
    wrap_padded(text_group_u64(all.run.from, from), width, true, out);
    buffer_add_text(out, " – ");
    wrap_padded(text_group_u64(all.run.to, to), width, true, out);
    buffer_add_format(out, "   %s\n", words);
}

/* The first of those that are shown: around here where there are many. */
static size_t first_shown(const struct ladder *l)
{
    const struct ladder_interval *here = ladder_at(l, l->here);
    size_t at = here ? (size_t)(here - l->intervals) : 0;
    if (l->interval_count <= SHOWN_MOST || at < SHOWN_MOST / 2)
        return 0;
    at -= SHOWN_MOST / 2;
    return at + SHOWN_MOST < l->interval_count ? at : l->interval_count - SHOWN_MOST;
}

static void put_rows(const struct ladder *l, struct buffer *out)
{
    char end[TEXT_GROUPED_SIZE];
    size_t width = columns_of(text_group_u64(l->end, end)), first = first_shown(l), shown = 0;
    buffer_add_text(out, "   ");
    wrap_padded("requests", 2 * width + 6, false, out);
    wrap_padded("cheapest a month", name_width(l), false, out);
    wrap_padded("count", 9, true, out);
    wrap_padded("USD a month", 24, true, out);
    buffer_add_text(out, "\n");
    size_t i = first;
    for (; i < l->interval_count && shown < SHOWN_MOST; shown++) {
        size_t turns = narrow_run(l, i);
        if (turns > 1)
            put_turns(l, i, turns, width, out);
        else
            put_row(l, &l->intervals[i], width, out);
        i += turns > 1 ? turns : 1;
    }
    if (first + l->interval_count - i > 0)
        buffer_add_format(out, "   and %zu more intervals, in the JSON\n",
                          first + l->interval_count - i);
    buffer_add_text(out, "\n");
}

/* ---- sentences ---- */

static const char *wait_text(int64_t ns, char out[32])
{
    int64_t s = ns / NS_PER_S;
    if (s % 86400 == 0)
        snprintf(out, 32, "%lld d", (long long)(s / 86400));
    else if (s % 3600 == 0)
        snprintf(out, 32, "%lld h", (long long)(s / 3600));
    else if (s % 60 == 0)
        snprintf(out, 32, "%lld min", (long long)(s / 60));
    else
        snprintf(out, 32, "%lld s", (long long)s);
    return out;
}

static void put_rules(const struct ladder *l, struct buffer *out)
{
    char n[TEXT_GROUPED_SIZE], wait[32];
    buffer_add_format(out, "→ You are here: %s requests a month%s. ", text_group_u64(l->here, n),
                      l->at_own_rate ? ", the workload's own rate" : "");
    buffer_add_text(out, l->by_hour ? "Each hour of the week is as busy as in the trace; "
                                    : "Requests come evenly; ");
    if (l->bill->options.max_wait_ns > 0)
        buffer_add_format(out, "none waits longer than %s (--max-wait).\n",
                          wait_text(l->bill->options.max_wait_ns, wait));
    else
        buffer_add_text(out, "none waits (--max-wait lets them).\n");
}

/* Plans that are not ranked here: a reader would look for them. */
#define UNSERVED_NAMED 6
static void put_unserved(const struct ladder *l, struct buffer *out)
{
    size_t count = 0;
    for (size_t i = 0; i < l->bill->plan_count; i++) {
        const struct plan_bill *p = &l->bill->plans[i];
        if (p->rank || p->without_caps)
            continue;
        if (++count <= UNSERVED_NAMED)
            buffer_add_format(out, "%s%s",
                              count > 1 ? ", "
                                        : "Left out where not every request is served in time: ",
                              p->plan->name);
    }
    if (count > UNSERVED_NAMED)
        buffer_add_format(out, " and %zu more", count - UNSERVED_NAMED);
    if (count > 0)
        buffer_add_text(out, ".\n");
}

static void put_early_end(const struct ladder *l, struct buffer *out)
{
    char n[TEXT_GROUPED_SIZE];
    if (l->ends_early)
        buffer_add_format(
            out,
            "It ends at %s requests a month: of more only a stretch is billed, and how "
            "many to buy of a plan that charges beyond its quota is too much work "
            "there.\n",
            text_group_u64(l->end, n));
}

/* What happens to requests that a plan's limits have no room for. */
static void put_overflow(const struct plan *p, struct buffer *out)
{
    static const char *const words[] = {"wait", "are turned away", "are paid for one by one"};
    bool seen[3] = {false};
    const char *comma = " ";
    for (size_t i = 0; i < plan_limit_count(p); i++)
        seen[plan_limit_at(p, i)->beyond] = true;
    if (!seen[BEYOND_QUEUE] && !seen[BEYOND_REJECT] && !seen[BEYOND_PAY])
        return;
    buffer_add_format(out, "%s: beyond its quota and limits requests", p->name);
    for (int i = 0; i < 3; i++)
        if (seen[i]) {
            buffer_add_format(out, "%s%s", comma, words[i]);
            comma = " or ";
        }
    if (!plan_is_bought_in_numbers(p, 0))
        buffer_add_text(out, ", and it can be had once only.\n");
    else
        buffer_add_format(out, "; one more is bought where that %s.\n",
                          seen[BEYOND_PAY] ? "costs less" : "would happen");
}

static void put_overflows(const struct ladder *l, struct buffer *out)
{
    for (size_t i = 0; i < l->curve_count; i++)
        put_overflow(l->bill->plans[l->curves[i].plan].plan, out);
}

static void put_end(uint64_t requests, struct buffer *out)
{
    char n[TEXT_GROUPED_SIZE];
    if (requests == UINT64_MAX)
        buffer_add_text(out, "beyond the ladder's end");
    else
        buffer_add_text(out, text_group_u64(requests, n));
}

static void put_surety(const struct ladder *l, const struct ladder_interval *i, struct buffer *out)
{
    char n[TEXT_GROUPED_SIZE], m[TEXT_GROUPED_SIZE];
    const struct ladder_surety *s = &i->surety;
    if (i->left && !s->known) {
        buffer_add_format(out, "%s does not serve all of %s requests a month and more.\n",
                          plan_name(l, i[-1].run.plan), text_group_u64(i->run.from, n));
        return;
    }
    buffer_add_format(out, "%s is cheaper than %s from %s on", plan_name(l, i->run.plan),
                      plan_name(l, i[-1].run.plan), text_group_u64(i->run.from, n));
    if (!s->known) {
        buffer_add_text(out, "; how sure that is was not worked out.\n");
        return;
    }
    buffer_add_format(out, "; in 95 %% of %s months of re-drawn %s from ",
                      text_group_u64(s->redraws, m), l->by_days ? "days" : "sessions");
    put_end(s->low, out);
    if (s->high != s->low) {
        buffer_add_text(out, " to ");
        put_end(s->high, out);
    }
    if (s->beyond > 0)
        buffer_add_format(out, ", in %s of them not at all", text_group_u64(s->beyond, m));
    buffer_add_text(out, ".\n");
}

static void put_sureties(const struct ladder *l, struct buffer *out)
{
    char n[TEXT_GROUPED_SIZE], m[TEXT_GROUPED_SIZE];
    size_t first = first_shown(l);
    for (size_t i = first + 1; i < l->interval_count && i < first + SHOWN_MOST; i++)
        if (l->intervals[i].run.plan != LADDER_NOBODY &&
            l->intervals[i - 1].run.plan != LADDER_NOBODY && !ladder_is_narrow(&l->intervals[i]) &&
            !ladder_is_narrow(&l->intervals[i - 1]))
            put_surety(l, &l->intervals[i], out);
    if (l->redraws > 0)
        buffer_add_format(out, "The cheapest plan here is the same in %s of %s such months.\n",
                          text_group_u64(l->here_same, n), text_group_u64(l->redraws, m));
    if (!l->by_days && l->interval_count > 1)
        buffer_add_text(out, "The trace spans too few days to say how days vary; where they do, a "
                             "quota by the day pays off later.\n");
    if (!l->plans_proven)
        buffer_add_text(out, "* Worked out for some numbers of requests and for both ends; in "
                             "between another plan may be cheaper here and there.\n");
    else if (!l->proven)
        buffer_add_text(out, "How many of a plan are bought was not worked out for every number of "
                             "requests; which plan is the cheapest is proven for all.\n");
}

/* ---- break-evens ---- */

static void put_answer(const struct ladder_break_even *e, struct buffer *out)
{
    char n[TEXT_GROUPED_SIZE], mean[TEXT_GROUPED_SIZE];
    text_group_u64(e->mean_input, mean);
    if (e->input.kind == BREAK_EVEN_NEVER)
        buffer_add_text(out, ", at no length of the input");
    else if (e->input.kind == BREAK_EVEN_ALWAYS)
        buffer_add_text(out, ", at any length of the input");
    else
        buffer_add_format(out, ", from %s tokens in on%s (the mean is %s)",
                          text_group_u64(e->input.value, n),
                          e->input.kind == BREAK_EVEN_BEYOND ? ", above its cap" : "", mean);
    if (e->cache.kind == BREAK_EVEN_AT)
        buffer_add_format(out, ", or up to %llu.%llu %% of the input from a cache",
                          (unsigned long long)(e->cache.value / 10000),
                          (unsigned long long)(e->cache.value / 1000 % 10));
}

static void put_break_even(const struct ladder *l, const struct ladder_break_even *e,
                           struct buffer *out)
{
    char n[TEXT_GROUPED_SIZE], here[TEXT_GROUPED_SIZE], each[MONEY_TEXT_SIZE];
    money price;
    if (money_prorate(e->flat.price, 1, e->flat.requests, &price) < 0)
        return;
    money_format_fixed(price, 6, each);
    buffer_add_format(out,
                      "%s against %s: it pays off from %s requests a month on. For the %s here it "
                      "costs $%s each; by the token one costs more",
                      plan_name(l, e->flat_plan), plan_name(l, e->token_plan),
                      text_group_u64(e->requests, n), text_group_u64(l->here, here), each);
    put_answer(e, out);
    buffer_add_text(out, ".");
    if (e->has_use)
        buffer_add_format(
            out,
            " Of what it includes in a month %llu.%llu %% is used there, %llu.%llu %% "
            "here.",
            (unsigned long long)(e->use_millionths / 10000),
            (unsigned long long)(e->use_millionths / 1000 % 10),
            (unsigned long long)(e->use_here_millionths / 10000),
            (unsigned long long)(e->use_here_millionths / 1000 % 10));
    buffer_add_text(out, "\n");
}

void ladder_write_table(const struct ladder *l, int width, struct buffer *out)
{
    struct buffer sentences;
    buffer_add_text(out, "\n");
    put_rows(l, out);
    buffer_init(&sentences, BUFFER_UNBOUNDED);
    put_rules(l, &sentences);
    put_unserved(l, &sentences);
    put_early_end(l, &sentences);
    put_overflows(l, &sentences);
    put_sureties(l, &sentences);
    for (size_t i = 0; i < l->break_even_count; i++)
        put_break_even(l, &l->break_even[i], &sentences);
    wrap_text((struct text){sentences.data, sentences.length}, (size_t)width, 2, out);
    buffer_free(&sentences);
}
