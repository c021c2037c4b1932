/* The bill as a person reads it. */
#include "sim/cost/bill/bill.h"

#include "core/memory.h"
#include "core/wrap.h"
#include "sim/cost/bill/bill_parts.h"
#include "sim/cost/bill/bill_tokens_show.h"
#include "sim/cost/book/plan_words.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Many plans make many pairs: people see those of the best few, the JSON has all. */
#define SHOWN_MOST 6

const char *bill_duration(int64_t ns, char out[32])
{
    double s = (double)ns * 1e-9;
    if (s < 120)
        snprintf(out, 32, "%s s", TEXT_SHORT(s, 3));
    else if (s < 2 * 3600)
        snprintf(out, 32, "%.0f min", s / 60);
    else if (s < 2 * 86400)
        snprintf(out, 32, "%.1f h", s / 3600);
    else
        snprintf(out, 32, "%.1f days", s / 86400);
    return out;
}

/* " (9 of it)", where one buys more than one. */
static void put_times(uint64_t subscriptions, struct buffer *out)
{
    char n[TEXT_GROUPED_SIZE];
    if (subscriptions > 1)
        buffer_add_format(out, " (%s of it)", text_group_u64(subscriptions, n));
}

/* What the waiting in a ranked plan amounts to, and what it cuts short. */
static void put_drawbacks(const struct plan_bill *p, struct buffer *out)
{
    char n[TEXT_GROUPED_SIZE], wait[32];
    if (p->served.delayed > 0)
        buffer_add_format(out, "; %s requests wait, up to %s", text_group_u64(p->served.delayed, n),
                          bill_duration(p->served.delay_max_ns, wait));
    if (p->served.truncated > 0)
        buffer_add_format(out, "; %s answers are cut short",
                          text_group_u64(p->served.truncated, n));
}

/* Costs that a log holds as floating point are off by less than this part of them. */
#define ROUNDING_SHARE 1000000000

void bill_put_against_paid(const struct bill *b, struct buffer *out)
{
    char amount[MONEY_TEXT_SIZE];
    if (b->ranking_count == 0 || b->period || !b->has_reported ||
        b->reported_requests < b->sample->count)
        return;
    money less = b->reported - b->plans[b->ranking[0]].total;
    money_format_amount(less < 0 ? -less : less, 4, amount);
    if (less == 0)
        buffer_add_text(out, "That is what you paid.\n");
    else if ((less < 0 ? -less : less) < b->reported / ROUNDING_SHARE)
        buffer_add_format(out, "That is what you paid, but for $%s that rounding makes.\n", amount);
    else
        buffer_add_format(out, "That is $%s %s than you paid.\n", amount,
                          less > 0 ? "less" : "more");
}

static void put_cheapest(const struct bill *b, struct buffer *out)
{
    static const char *const spans[] = {"this once", "for the day", "for the month"};
    char name[BILL_NAME_SIZE], amount[MONEY_TEXT_SIZE], wait[32];
    if (b->ranking_count == 0) {
        buffer_add_format(out, "No plan serves all of it%s.\n",
                          bill_only_waits(b) ? " in time (--max-wait allows a longer wait)" : "");
        return;
    }
    if (b->undecided) {
        bill_put_undecided(b, out);
        return;
    }
    const struct plan_bill *first = &b->plans[b->ranking[0]];
    money_format_amount(first->total, 4, amount);
    buffer_add_format(out, "Cheapest that serves everything, %s", spans[b->options.period]);
    if (b->options.max_wait_ns > 0)
        buffer_add_format(out, " and within %s of its time",
                          bill_duration(b->options.max_wait_ns, wait));
    buffer_add_format(out, ": %s", bill_plan_name(first, name));
    put_times(first->subscriptions, out);
    buffer_add_format(out, " at $%s", amount);
    if (b->ranking_count > 1) {
        const struct plan_bill *second = &b->plans[b->ranking[1]];
        money difference = second->total - first->total;
        bill_plan_name(second, name);
        money_format_amount(difference < 0 ? -difference : difference, 4, amount);
        if (difference == 0)
            buffer_add_format(out, ", and %s costs the same", name);
        else
            buffer_add_format(out, ", $%s %s than %s", amount, difference > 0 ? "less" : "more",
                              name);
        put_times(second->subscriptions, out);
        if (difference < 0)
            put_drawbacks(second, out);
    }
    put_drawbacks(first, out);
    buffer_add_text(out, ".\n");
    bill_put_against_paid(b, out);
}

/* Why prices vary: each part's share of the variance. */
static void put_variance(const struct plan_bill *p, struct buffer *out)
{
    bool negative = false;
    if (p->flat || isnan(p->stats.share[0]) || isnan(p->stats.max_over_median))
        return;
    char times[48], grouped[TEXT_GROUPED_SIZE];
    snprintf(times, sizeof times, "%.2f", p->stats.max_over_median);
    buffer_add_format(out,
                      "%s: the dearest request costs %s× the median one; variance:", p->plan->name,
                      text_group(times, grouped));
    const char *comma = " ";
    for (int i = 0; i < CHARGE_PARTS; i++)
        if (p->sums.part[i] != 0) {
            double share = cost_share_percent(&p->stats, i);
            negative = negative || share < 0;
            buffer_add_format(out, "%s%.2f %% %s", comma, share,
                              charge_part_name((enum charge_part)i));
            comma = ", ";
        }
    buffer_add_format(out, "%s.\n", negative ? " (" COST_NEGATIVE_SHARE ")" : "");
}

static void put_break_even(const struct bill *b, const struct break_even *e, struct buffer *out)
{
    const struct plan_bill *token = &b->plans[e->token_plan], *flat = &b->plans[e->flat_plan];
    char mean[MONEY_TEXT_SIZE], n[TEXT_GROUPED_SIZE], m[TEXT_GROUPED_SIZE], all[TEXT_GROUPED_SIZE];
    if (e->undecided) {
        bill_put_pair_undecided(b, e->token_plan, e->flat_plan, out);
        return;
    }
    money_format_amount(token->per_request, 8, mean);
    buffer_add_format(out, "%s against %s%s%s: breaks even at $%s a request", token->plan->name,
                      flat->plan->name, e->model ? ", for " : "", e->model ? e->model : "", mean);
    if (e->input.kind == BREAK_EVEN_NEVER)
        buffer_add_format(out, "; with %s tokens out no input is dearer by the token",
                          text_group_u64(e->mean_output, n));
    else if (e->input.kind == BREAK_EVEN_ALWAYS)
        buffer_add_format(out, "; with %s tokens out every input is dearer by the token",
                          text_group_u64(e->mean_output, n));
    else
        buffer_add_format(out, "; with %s tokens out the token price is higher from %s in%s",
                          text_group_u64(e->mean_output, n), text_group_u64(e->input.value, m),
                          e->input.kind == BREAK_EVEN_BEYOND
                              ? ", above the flat plan's cap: never within it"
                              : "");
    buffer_add_format(out, "; flat wins for %s of %s requests",
                      text_group_u64(bill_scaled(b, e->dearer), n),
                      text_group_u64(bill_scaled(b, token->served_requests), all));
    if (e->flat.requests > 1) {
        money_format_amount(flat->per_used_request, 6, mean);
        buffer_add_format(out, " (at what was paid for each, $%s)", mean);
    }
    buffer_add_text(out, ".\n");
}

/* How far the best split that was found may be from the best one there is. */
static void put_below(const struct bill *b, struct buffer *out)
{
    char below[MONEY_TEXT_SIZE], gap[MONEY_TEXT_SIZE];
    if (!bill_split_may_save(b))
        return;
    money_format_amount(b->split_below, 4, below);
    money_format_amount(b->best_split->total - b->split_below, 4, gap);
    buffer_add_format(out, "No split of them can be below $%s", below);
    if (bill_split_saves(b))
        buffer_add_format(out, ", $%s less than this one", gap);
    buffer_add_text(out, ".\n");
}

static void put_left_out(const struct bill *b, struct buffer *out)
{
    if (b->left_out_count == 0)
        return;
    buffer_add_text(out, "Left out of the splits: ");
    for (size_t i = 0; i < b->left_out_count && i < SHOWN_MOST; i++)
        buffer_add_format(out, "%s%s (%s)", i ? ", " : "", b->plans[b->left_out[i].plan].plan->name,
                          b->left_out[i].why);
    if (b->left_out_count > SHOWN_MOST)
        buffer_add_format(out, " and %zu more, in the JSON", b->left_out_count - SHOWN_MOST);
    buffer_add_text(out, ".\n");
}

static void put_best_split(const struct bill *b, struct buffer *out)
{
    const struct bill_split *s = b->best_split;
    char n[TEXT_GROUPED_SIZE], rest[TEXT_GROUPED_SIZE], total[MONEY_TEXT_SIZE],
        saved[MONEY_TEXT_SIZE], name[BILL_NAME_SIZE];
    money_format_amount(s->total, 4, total);
    money_format_amount(b->best_split_saved, 4, saved);
    buffer_add_format(out, "Best split%s: %s requests to %s",
                      b->split_below < s->total ? " found" : "", text_group_u64(s->to_flat, n),
                      b->plans[s->flat_plan].plan->name);
    put_times(s->subscriptions, out);
    buffer_add_format(out, " as its limits allow, the other %s to %s: $%s",
                      text_group_u64(s->to_token, rest), b->plans[s->token_plan].plan->name, total);
    if (b->ranking_count > 0)
        buffer_add_format(out, ", $%s less than %s alone", saved,
                          bill_plan_name(&b->plans[b->ranking[0]], name));
    buffer_add_text(out, ".\n");
}

static void put_split(const struct bill *b, struct buffer *out)
{
    if (b->best_split && b->split_undecided) {
        buffer_add_text(out, "Whether a split saves anything is not decided either.\n");
        return;
    }
    if (b->best_split && bill_split_saves(b))
        put_best_split(b, out);
    else if (b->best_split)
        buffer_add_format(out, "No split between a flat and a token plan%s saves anything.\n",
                          bill_split_may_save(b) ? " that was found" : "");
    put_below(b, out);
    put_left_out(b, out);
}

static const char *window_length(const struct plan_quota *q, char out[32])
{
    static const struct {
        int64_t seconds;
        const char *name;
    } known[] = {{1, "a second"},  {60, "a minute"},   {3600, "an hour"},
                 {86400, "a day"}, {604800, "a week"}, {2592000, "a month"}};
    int64_t length_ns = plan_quota_length(q);
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (length_ns == known[i].seconds * NS_PER_S)
            return known[i].name;
    snprintf(out, 32, "in %s h", TEXT_SHORT((double)length_ns / (3600.0 * NS_PER_S), 4));
    return out;
}

/* "$20.00 of usage a week", "1,500 credits a month" */
static void put_amount_limit(const struct plan_quota *q, const char *per, struct buffer *out)
{
    char text[MONEY_TEXT_SIZE], n[TEXT_GROUPED_SIZE];
    if (q->credits_micro % PLAN_MICRO == 0 && q->credits_micro > 0) {
        buffer_add_format(out, "%s credits %s", text_group_u64(q->credits_micro / PLAN_MICRO, n),
                          per);
        return;
    }
    money_format_amount(q->usd, 2, text);
    buffer_add_format(out, "$%s of usage %s", text, per);
}

/* "60 requests a minute", "10 at a time". */
static void put_limit(const struct plan_bill *p, struct buffer *out)
{
    static const char *const units[] = {"requests", "tokens", "input tokens", "output tokens"};
    const struct plan_quota *q = &p->need.window;
    char n[TEXT_GROUPED_SIZE], length[32];
    uint64_t amount = q->unit == QUOTA_REQUESTS ? q->amount / PLAN_MICRO : q->amount;
    if (p->need.concurrency)
        buffer_add_format(out, "%s at a time", text_group_u64(p->plan->limits.concurrency, n));
    else if (q->unit == QUOTA_USD)
        put_amount_limit(q, window_length(q, length), out);
    else
        buffer_add_format(out, "%s %s %s", text_group_u64(amount, n), units[q->unit],
                          window_length(q, length));
}

/* Why one buys so many of a plan. */
static void put_need(const struct bill *b, const struct plan_bill *p, struct buffer *out)
{
    char n[TEXT_GROUPED_SIZE], wait[32];
    if (p->subscriptions < 2 || p->without_caps || p->need.count < 2)
        return;
    buffer_add_format(out, "%s: %s of it, because its limit of ", p->plan->name,
                      text_group_u64(p->subscriptions, n));
    put_limit(p, out);
    if (p->alone_rejected > 0)
        buffer_add_format(out, " binds: one alone would turn %s requests away.\n",
                          text_group_u64(p->alone_rejected, n));
    else if (b->options.max_wait_ns > 0)
        buffer_add_format(out, " binds; so no request waits longer than %s.\n",
                          bill_duration(b->options.max_wait_ns, wait));
    else
        buffer_add_text(out, " binds; so no request waits (--max-wait lets them).\n");
}

static void put_cache_misses(const struct plan_bill *p, struct buffer *out)
{
    char text[MONEY_TEXT_SIZE];
    if (!p->waste.has_cache || p->waste.cache_misses <= 0)
        return;
    money_format_amount(p->waste.cache_misses, 4, text);
    buffer_add_format(
        out, "%s: prompts repeat; an infinite prefix cache would save $%s (%.1f %%).\n",
        p->plan->name, text, 100 * cost_usd(p->waste.cache_misses) / cost_usd(p->sums.total));
}

static void put_waste(const struct plan_bill *p, struct buffer *out)
{
    money wasted = bill_wasted(&p->waste);
    char text[MONEY_TEXT_SIZE], good[MONEY_TEXT_SIZE];
    put_cache_misses(p, out);
    if (wasted == 0 || p->sums.total == 0)
        return;
    money_format_amount(wasted, 6, text);
    money_format_amount(p->waste.usage_per_good, 6, good);
    buffer_add_format(out,
                      "Waste: $%s (%.1f %%) of %s's charges went to retries, failed%s and cut "
                      "requests",
                      text, 100 * cost_usd(wasted) / cost_usd(p->sums.total), p->plan->name,
                      p->waste.has_slo ? ", late" : "");
    if (p->waste.good_requests > 0)
        buffer_add_format(out, "; a good request cost $%s", good);
    buffer_add_text(out, ".\n");
}

static void put_extrapolation(const struct bill *b, struct buffer *out)
{
    char n[TEXT_GROUPED_SIZE], span[32];
    buffer_add_format(out,
                      "An extrapolation: the trace's sessions in their order, again and again, "
                      "%s of them over %s, ",
                      text_group_u64(b->extrapolation.sessions, n),
                      bill_duration(b->scale_ns ? b->scale_ns : b->billed_span_ns, span));
    buffer_add_text(out, b->extrapolation.by_hour
                             ? "each hour of the week as busy as in the trace.\n"
                             : "evenly: the trace spans less than a week, so its busy hours are "
                               "not known.\n");
    if (b->scale_ns > 0)
        buffer_add_format(out, "The rest of %s was scaled from that stretch.\n",
                          bill_duration(b->billed_span_ns, span));
}

static void put_remarks(const struct bill *b, struct buffer *out)
{
    bool quotas = false, unchecked = false, unconfirmed = false, same = false;
    for (size_t i = 0; i < b->plan_count; i++) {
        quotas = quotas || b->plans[i].plan->quota_count || b->plans[i].plan->rate_limit_count;
        unchecked = unchecked || b->plans[i].served.concurrency_unchecked;
        unconfirmed = unconfirmed || (b->plans[i].without_caps && !bill_repeats(b, i));
        same = same || (b->plans[i].without_caps && bill_repeats(b, i));
    }
    if (quotas && !b->has_start)
        buffer_add_text(out, "No start is known: quota windows count as if the first request came "
                             "at midnight UTC (--start).\n");
    for (size_t i = 0; i < b->plan_count; i++)
        if (b->plans[i].plan->provisioned.present && b->plans[i].rank &&
            b->plans[i].plan->provisioned.tokens_per_minute == 0)
            buffer_add_format(out,
                              "%s: what its units can serve is not known, so nothing checks that "
                              "they keep up with these requests.\n",
                              b->plans[i].plan->name);
    for (size_t i = 0; i < b->plan_count; i++)
        if (!b->plans[i].without_caps)
            plan_put_remarks(b->plans[i].plan, b->workload, out);
    bill_put_token_remarks(b, out);
    if (unchecked)
        buffer_add_text(out, "Concurrency limits were not checked: the trace does not say how long "
                             "requests run (--ttft-ms, --tpot-ms).\n");
    if (unconfirmed)
        buffer_add_text(out,
                        "Caps that are unconfirmed: billed with and without (?), ranked with.\n");
    else if (same)
        buffer_add_text(out, "The caps of some plans are unconfirmed; they make no difference "
                             "here.\n");
    if (b->period)
        put_extrapolation(b, out);
}

static bool among_best(const struct bill *b, const struct plan_bill *p)
{
    size_t better = 0;
    for (size_t i = 0; i < b->ranking_count; i++) {
        const struct plan_bill *r = &b->plans[b->ranking[i]];
        better += r->flat == p->flat && r->rank < p->rank;
    }
    return p->rank ? better < SHOWN_MOST / 2 : b->plan_count <= SHOWN_MOST;
}

static void put_pairs(const struct bill *b, struct buffer *out)
{
    size_t left = 0;
    bool few = b->break_even_count <= SHOWN_MOST;
    for (size_t i = 0; i < b->break_even_count; i++) {
        const struct break_even *e = &b->break_even[i];
        if (few ||
            (among_best(b, &b->plans[e->token_plan]) && among_best(b, &b->plans[e->flat_plan])))
            put_break_even(b, e, out);
        else
            left++;
    }
    if (left > 0)
        buffer_add_format(out, "%zu more pairs of plans are compared in the JSON.\n", left);
}

static void put_nothing(const struct bill *b, struct buffer *out)
{
    char n[TEXT_GROUPED_SIZE];
    buffer_add_text(out, "Nothing was served, so no plan is ranked: ");
    if (b->workload->count == 0)
        buffer_add_text(out, "there is no request to bill.\n");
    else
        buffer_add_format(out, "none of the %s requests completed.\n",
                          text_group_u64(b->workload->count, n));
}

/* Which models keep requests from a plan. */
#define UNSOLD_NAMED 4
static void put_unsold(const struct bill *b, const struct plan_bill *p, struct buffer *out)
{
    const struct workload *w = b->workload;
    size_t count = 0;
    if (p->without_caps || p->served.count[SERVE_MODEL] == 0 || !w->model)
        return;
    bool *used = mem_zero(w->models.count + 1, sizeof *used);
    for (size_t i = 0; i < w->count; i++)
        if (w->model[i] < w->models.count)
            used[w->model[i]] = true;
    for (size_t m = 0; m < w->models.count; m++) {
        const char *name = names_text(&w->models, (uint32_t)m);
        if (!used[m] || plan_rate_for(p->plan, name))
            continue;
        if (++count <= UNSOLD_NAMED)
            buffer_add_format(out, "%s%s%.80s", count > 1 ? ", " : p->plan->name,
                              count > 1 ? "" : " does not sell ", name);
    }
    free(used);
    if (count > UNSOLD_NAMED)
        buffer_add_format(out, " and %zu more", count - UNSOLD_NAMED);
    if (count > 0)
        buffer_add_text(out, ".\n");
}

/* True for the plans that people see sentences about. */
static bool is_told(const struct bill *b, size_t plan)
{
    return b->plan_count <= SHOWN_MOST || among_best(b, &b->plans[plan]);
}

void bill_put_notes(const struct bill *b, struct buffer *out)
{
    for (size_t i = 0; i < b->plan_count; i++)
        if (is_told(b, i))
            put_unsold(b, &b->plans[i], out);
    for (size_t i = 0; i < b->plan_count && b->completed; i++)
        if (is_told(b, i))
            put_variance(&b->plans[i], out);
    for (size_t i = 0; i < b->plan_count && b->completed; i++)
        if (is_told(b, i))
            put_need(b, &b->plans[i], out);
    if (b->completed > 0) {
        put_pairs(b, out);
        put_split(b, out);
    }
    for (size_t i = 0; i < b->plan_count; i++)
        if (is_told(b, i))
            put_waste(&b->plans[i], out);
    put_remarks(b, out);
}

/* What the table means, in sentences. */
static void put_sentences(const struct bill *b, struct buffer *out)
{
    if (b->completed > 0)
        put_cheapest(b, out);
    else
        put_nothing(b, out);
    bill_put_notes(b, out);
}

void bill_write_table(const struct bill *b, int width, struct buffer *out)
{
    struct buffer sentences;
    bill_put_head(b, width, out);
    bill_put_rows(b, width, out);
    buffer_init(&sentences, BUFFER_UNBOUNDED);
    put_sentences(b, &sentences);
    wrap_text((struct text){sentences.data, sentences.length}, (size_t)width, 2, out);
    buffer_free(&sentences);
}
