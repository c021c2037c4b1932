/* Several engines for one demand, for a person: a row for each, within 80 columns. */
#include "cli/report/text/load_text.h"
#include "cli/report/text/preset_text.h"
#include "cli/report/text/summary_table.h"
#include "core/wrap.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define NAME_WIDTH 27
#define LINE_WIDTH 80

static const char *name_of(const struct capacity_comparison *c, size_t rank)
{
    return c->plans[c->order[rank]].engine->name;
}

/* Frees the line. */
static void add_wrapped(struct buffer *line, struct buffer *out)
{
    wrap_text((struct text){line->data, line->length}, LINE_WIDTH, 2, out);
    buffer_add_byte(out, '\n');
    buffer_free(line);
}

/* A name that is too long has a line of its own. */
static void add_name(const char *name, bool marked, struct buffer *out)
{
    buffer_add_text(out, marked ? "* " : "  ");
    add_padded(out, name, NAME_WIDTH, false);
    if (wrap_columns(text_of(name)) <= NAME_WIDTH)
        return;
    buffer_add_byte(out, '\n');
    add_padded(out, "", 2 + NAME_WIDTH, false);
}

/* ---- what it costs ---- */

/* Whole dollars where one of the sums is a million or more. */
static bool is_large(const struct capacity_comparison *c)
{
    for (size_t i = 0; i < c->count; i++)
        if (c->plans[i].month_count > 0 && c->plans[i].months[0].cost >= 1000000 * MONEY_USD)
            return true;
    return false;
}

static void add_money(money amount, bool large, int width, struct buffer *out)
{
    char text[MONEY_TEXT_SIZE];
    money_format_amount(large ? money_round(amount, MONEY_USD) : amount, 2, text);
    if (large)
        *strchr(text, '.') = 0;
    add_padded(out, text, width, true);
}

/* A figure for each request, not a charge: enough digits to tell two engines apart. */
static void add_dollars(double usd, int width, struct buffer *out)
{
    char digits[TEXT_GROUPED_SIZE], text[TEXT_GROUPED_SIZE];
    if (!isfinite(usd)) {
        add_padded(out, "–", width, true);
        return;
    }
    snprintf(digits, sizeof digits, "%.*f", usd < 1 ? 4 : usd < 100 ? 3 : 2, usd);
    add_padded(out, text_group(digits, text), width, true);
}

static void add_row(const struct capacity_comparison *c, size_t rank, bool large,
                    struct buffer *out)
{
    const struct capacity_plan *p = &c->plans[c->order[rank]];
    const struct capacity_cost *cost = &c->costs[c->order[rank]];
    char text[CELL_SIZE];
    add_name(p->engine->name, rank < c->cheapest, out);
    snprintf(text, sizeof text, "%u", p->gpus);
    add_padded(out, text, 4, true);
    if (!capacity_plan_serves(p)) {
        buffer_add_text(out, p->capacity.attainable ? "  no limit was found\n"
                                                    : "  no rate meets the objectives\n");
        return;
    }
    add_padded_number(out, p->capacity.rate_rps, 7);
    snprintf(text, sizeof text, "%" PRIu64, p->month_count ? p->months[0].replicas : 0);
    add_padded(out, p->month_count ? text : "–", 6, true);
    if (p->has_price && p->month_count > 0)
        add_money(p->months[0].cost, large, 11, out);
    else
        add_padded(out, "–", 11, true);
    add_dollars(1e3 * (p->month_count ? cost->request : cost->full_request), 9, out);
    buffer_add_format(out, "  %s\n", capacity_limit_name(p->capacity.limit));
}

static void add_costs(const struct capacity_comparison *c, struct buffer *out)
{
    bool large = is_large(c);
    buffer_add_text(out, "\n");
    add_padded(out, "", 2 + NAME_WIDTH, false);
    buffer_add_text(out, "   a replica                      $ / 1000\n");
    add_padded(out, "  engine", 2 + NAME_WIDTH, false);
    buffer_add_text(out, "GPUs  req/s repl.  $ a month requests  binds\n");
    for (size_t i = 0; i < c->count; i++)
        add_row(c, i, large, out);
}

/* ---- which is the cheapest ---- */

/* "a, b and c", of the ranks from … to − 1. */
static void add_names(const struct capacity_comparison *c, size_t to, struct buffer *out)
{
    for (size_t i = 0; i < to; i++)
        buffer_add_format(out, "%s%s", i == 0 ? "" : i + 1 < to ? ", " : " and ", name_of(c, i));
}

/* The next one, and whether the presets are exact enough to tell them apart. */
static void add_next(const struct capacity_comparison *c, struct buffer *out)
{
    size_t a = c->order[0], b = c->order[c->cheapest < c->count ? c->cheapest : 0];
    bool demand = c->plans[a].month_count > 0;
    double least = demand ? c->costs[a].request : c->costs[a].full_request;
    double more = (demand ? c->costs[b].request : c->costs[b].full_request) / least - 1;
    double error = capacity_error_between(c, a, b);
    if (c->cheapest >= c->count || !isfinite(more))
        return;
    buffer_add_format(out, " %s costs %s %% more", c->plans[b].engine->name,
                      TEXT_SHORT(100 * more, 3));
    if (!isfinite(error))
        buffer_add_text(out,
                        "; as not both presets state an error, how sure that is is not known.");
    else
        buffer_add_format(out, ", %s than the errors of both presets together, ±%.0f %% in %s%s",
                          more > error ? "more" : "no more", 100 * error,
                          capacity_error_is_ttft(c, a) ? "TTFT" : "TPOT",
                          more > error ? "." : ": it may be the cheaper one.");
}

static void add_cheapest(const struct capacity_comparison *c, struct buffer *out)
{
    struct buffer line;
    buffer_init(&line, BUFFER_UNBOUNDED);
    if (c->cheapest == 0)
        buffer_add_text(&line, "--gpu-hour h200=3.50,b200=6 says which is the cheapest.");
    else if (c->cheapest > 1) {
        buffer_add_text(&line, "* ");
        add_names(c, c->cheapest, &line);
        buffer_add_text(&line, " cost the same, and the least.");
    } else {
        buffer_add_format(&line, "* %s is the cheapest.", name_of(c, 0));
    }
    if (c->cheapest > 0)
        add_next(c, &line);
    add_wrapped(&line, out);
}

static void add_month(const struct capacity_comparison *c, size_t month, struct buffer *out)
{
    char demand[CELL_SIZE], cost[MONEY_TEXT_SIZE];
    size_t cheapest = capacity_cheapest_in(c, month);
    const struct capacity_plan *any = &c->plans[c->order[0]];
    buffer_add_format(out, "\nIn %zu month%s: %s requests/s\n", month, month == 1 ? "" : "s",
                      format_cell(any->months[month].demand_rps, demand));
    for (size_t i = 0; i < c->count; i++) {
        const struct capacity_plan *p = &c->plans[c->order[i]];
        if (p->month_count <= month)
            continue;
        add_name(p->engine->name, c->order[i] == cheapest, out);
        buffer_add_format(out, "  %5" PRIu64 " replicas", p->months[month].replicas);
        if (p->has_price) {
            money_format_amount(p->months[month].cost, 2, cost);
            buffer_add_format(out, "  $%s", cost);
        }
        buffer_add_byte(out, '\n');
    }
}

/* The last month, and each in which another one becomes the cheapest. */
static void add_months(const struct capacity_comparison *c, struct buffer *out)
{
    size_t count = c->plans[c->order[0]].month_count, before = capacity_cheapest_in(c, 0);
    for (size_t m = 1; m < count; m++) {
        size_t now = capacity_cheapest_in(c, m);
        if (now != before || m + 1 == count)
            add_month(c, m, out);
        before = now;
    }
}

/* ---- what binds ---- */

static const int lift_widths[CAPACITY_LIMITS] = {11, 11, 12, 14};

static void add_lift(double lift, int width, struct buffer *out)
{
    char text[32];
    snprintf(text, sizeof text,
             lift >= 7  ? "8 × or more"
             : lift > 0 ? "+%.0f %%"
                        : "0 %%",
             100 * lift);
    add_padded(out, text, width, true);
}

static void add_limits(const struct capacity_comparison *c, struct buffer *out)
{
    buffer_add_text(out,
                    "\nWhat binds: how much more a replica would sustain with prefill or decode\n"
                    "twice as fast, with twice the KV memory, or twice max_num_seqs\n\n");
    add_padded(out, "  engine", 2 + NAME_WIDTH, false);
    for (enum capacity_limit k = 0; k < CAPACITY_LIMITS; k++)
        add_padded(out, capacity_limit_name(k), lift_widths[k], true);
    buffer_add_byte(out, '\n');
    for (size_t i = 0; i < c->count; i++) {
        const struct capacity_plan *p = &c->plans[c->order[i]];
        if (!capacity_plan_serves(p))
            continue;
        add_name(p->engine->name, false, out);
        for (size_t k = 0; k < CAPACITY_LIMITS; k++)
            add_lift(p->capacity.lifts[k], lift_widths[k], out);
        buffer_add_byte(out, '\n');
    }
}

/* ---- notes on each ---- */

static void add_reason(const struct capacity_plan *p, struct buffer *out)
{
    char a[CELL_SIZE], b[CELL_SIZE], c[CELL_SIZE];
    const struct load_point *u = &p->capacity.unloaded;
    if (p->capacity.unbounded) {
        buffer_add_format(out,
                          " No limit was found up to %s requests/s: a longer workload or more "
                          "--requests allow higher rates.",
                          format_cell(p->capacity.tried_rps, a));
        return;
    }
    buffer_add_format(out,
                      " No rate meets the objectives: of requests one at a time %.2f %% do (TTFT "
                      "p99 %s ms, TPOT %s ms, E2E %s ms without load).",
                      100 * u->goodput, format_cell(u->ttft_p99, a), format_cell(u->tpot_p99, b),
                      format_cell(u->e2e_p99, c));
    if (u->failed > 0)
        buffer_add_format(out, " %.0f of them do not fit into its KV memory.", u->failed);
}

static void add_binding(const struct capacity_plan *p, const struct capacity_cost *cost,
                        struct buffer *out)
{
    char a[CELL_SIZE], b[CELL_SIZE];
    buffer_add_format(out, " %s to %s requests/s (95 %%)", format_cell(p->capacity.low_rps, a),
                      format_cell(p->capacity.high_rps, b));
    if (cost->objective < p->slos->count)
        buffer_add_format(out, ", bound by the objective on %s.",
                          metric_title(p->slos->items[cost->objective].metric));
    else
        buffer_add_text(out, ", bound by a queue that grows while the objectives are met.");
    if (p->month_count > 0 && p->months[0].replicas_low == 0)
        buffer_add_text(out, " The interval reaches down to 0.");
    else if (p->month_count > 0 && p->months[0].replicas_low != p->months[0].replicas)
        buffer_add_format(out, " At its lower end: %" PRIu64 " replicas.",
                          p->months[0].replicas_low);
}

static void add_notes(const struct capacity_comparison *c, struct buffer *out)
{
    buffer_add_byte(out, '\n');
    for (size_t i = 0; i < c->count; i++) {
        const struct capacity_plan *p = &c->plans[c->order[i]];
        struct buffer line;
        buffer_init(&line, BUFFER_UNBOUNDED);
        buffer_add_format(&line, "%s:", p->engine->name);
        if (capacity_plan_serves(p))
            add_binding(p, &c->costs[c->order[i]], &line);
        else
            add_reason(p, &line);
        preset_add_error(p->engine, &line);
        add_wrapped(&line, out);
    }
}

/* ---- the whole ---- */

static void add_demand(const struct capacity_comparison *c, struct buffer *out)
{
    char demand[CELL_SIZE];
    struct buffer line;
    const struct capacity_plan *p = &c->plans[c->order[0]];
    buffer_init(&line, BUFFER_UNBOUNDED);
    if (p->month_count > 0)
        buffer_add_format(&line, "%s requests/s%s; replicas loaded to %.0f %%; a month of 30 days",
                          format_cell(p->months[0].demand_rps, demand),
                          p->demand_is_own ? ", the workload's own rate" : "",
                          100 * (1 - p->headroom));
    else
        buffer_add_format(&line,
                          "no demand is known (--demand RPS): costs are those of replicas loaded "
                          "to %.0f %%",
                          100 * (1 - p->headroom));
    add_wrapped(&line, out);
}

void capacity_comparison_write_text(const struct capacity_comparison *c, struct buffer *out)
{
    const struct capacity_plan *first = &c->plans[c->order[0]];
    struct buffer line;
    buffer_init(&line, BUFFER_UNBOUNDED);
    buffer_add_format(&line, "%s → %zu simulated engines: ", first->stem, c->count);
    capacity_objectives_text(first, &line);
    add_wrapped(&line, out);
    if (capacity_plan_serves(first))
        add_demand(c, out);
    add_costs(c, out);
    if (capacity_plan_serves(first)) {
        add_cheapest(c, out);
        add_months(c, out);
        add_limits(c, out);
    }
    add_notes(c, out);
    if (first->bill && capacity_plan_serves(first)) {
        buffer_add_format(out, "\nBeside paying by use: %s", first->engine->name);
        capacity_bills_text(first, out);
    }
}
