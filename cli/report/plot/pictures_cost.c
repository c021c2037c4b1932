/* Pictures of what things cost. */
#include "cli/report/plot/pictures.h"

#include "core/memory.h"
#include "sim/cost/bill/bill_rows.h"

#include <gsl/gsl_sort.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CURVE_POINTS 400
#define DOTS 400
#define SPEND_PERIODS 10000 /* that begin in a curve, at most */

/* A plan's name for a legend, and what must be known of its curve. */
static const char *legend_of(struct picture *p, const struct bill *b, size_t plan, const char *note)
{
    const struct plan_bill *of = &b->plans[plan];
    char name[PICTURE_PLAN_NAME], served[72] = "", n[TEXT_GROUPED_SIZE], all[TEXT_GROUPED_SIZE];
    if (of->rejected)
        snprintf(served, sizeof served, ", serves %s of %s", text_group_u64(of->served_requests, n),
                 text_group_u64(of->requests, all));
    return picture_name(p, "%s%s%s", picture_plan_name(b, plan, PICTURE_NAME_COLUMNS, name), note,
                        served);
}

/* Plans before this one, of those that are worth a curve: by rank, then as they were asked for. */
static size_t plans_before(const struct bill *b, size_t plan)
{
    size_t before = 0;
    int rank = b->plans[plan].rank ? b->plans[plan].rank : INT_MAX;
    for (size_t i = 0; i < b->plan_count; i++) {
        int other = b->plans[i].rank ? b->plans[i].rank : INT_MAX;
        if (i != plan && !b->plans[i].without_caps && b->plans[i].served_requests > 0)
            before += other < rank || (other == rank && i < plan);
    }
    return before;
}

bool picture_plan_is_drawn(const struct bill *b, size_t plan)
{
    const struct plan_bill *p = &b->plans[plan];
    if (bill_repeats(b, plan) || p->served_requests == 0)
        return false;
    if (p->without_caps)
        return b->plan_count <= PICTURE_PLANS;
    return plans_before(b, plan) < PICTURE_PLANS;
}

void picture_begin_plans(struct picture *p, const struct bill *b, const char *name,
                         const char *what, const char *run)
{
    size_t plans = 0, drawn = 0, length;
    picture_begin(p, name, what, run);
    for (size_t i = 0; i < b->plan_count; i++) {
        plans += !b->plans[i].without_caps;
        drawn += !b->plans[i].without_caps && picture_plan_is_drawn(b, i);
    }
    length = strlen(p->title);
    if (drawn < plans)
        snprintf(p->title + length, sizeof p->title - length, " · %zu of %zu plans", drawn, plans);
}

/* The last request, or the last period that is begun: for those whom a plan makes wait, as long as
 * that is allowed. */
static int64_t spend_end(const struct bill *b, size_t plan)
{
    const struct plan_bill *p = &b->plans[plan];
    int64_t last = p->rank && p->periods > 1 && p->periods < SPEND_PERIODS
                       ? bill_period_begin(b, p, p->periods - 1)
                       : b->first_ns;
    return last > b->span_ns ? last : b->span_ns;
}

/* What is paid so far in steps: each period when it begins, each request when it is due; at the end
 * the bill's total, with the lines that are only known then. */
struct spend {
    double unit_s;
    double *x, *y;
    size_t count;
};

static void add_point(struct spend *s, const struct bill *b, int64_t at_ns, money paid)
{
    s->x[s->count] = (double)(at_ns - b->first_ns) / 1e9 / s->unit_s;
    s->y[s->count++] = cost_usd(paid);
}

/* Of usage what has to be paid: credit that is included, and discounts, are taken off first. */
static money paid_usage(const struct plan_bill *p, money usage)
{
    money off = p->cash[LINE_INCLUDED] + p->cash[LINE_VOLUME];
    return usage + off > 0 ? usage + off : 0;
}

/* The periods that have begun by then, each a step. */
static uint64_t add_periods(struct spend *s, const struct bill *b, const struct plan_bill *p,
                            uint64_t begun, int64_t until_ns, money usage)
{
    for (; begun < p->periods && begun < SPEND_PERIODS; begun++) {
        int64_t at_ns = bill_period_begin(b, p, begun);
        if (at_ns > until_ns)
            break;
        add_point(s, b, at_ns, paid_usage(p, usage) + bill_paid_by_periods(p, begun + 1));
    }
    return begun;
}

/* At most `points` of the requests, and the beginning of every period. */
static void spend_curve(const struct bill *b, size_t plan, const struct bill_row *rows,
                        size_t count, size_t points, struct spend *s)
{
    const struct plan_bill *p = &b->plans[plan];
    money usage = 0;
    uint64_t begun = 1;
    add_point(s, b, b->first_ns, bill_paid_by_periods(p, begun));
    for (size_t i = 0, at = 0; i < count; i++) {
        begun = add_periods(s, b, p, begun, rows[i].due_ns, usage);
        usage += rows[i].charge;
        if ((i + 1) * points / count <= at)
            continue;
        at++;
        add_point(s, b, rows[i].due_ns, paid_usage(p, usage) + bill_paid_by_periods(p, begun));
    }
    add_periods(s, b, p, begun, spend_end(b, plan), usage);
    if (b->scale_ns == 0)
        add_point(s, b, spend_end(b, plan), p->total);
}

/* What the requests really cost, where each of them says it. */
static void add_paid(struct picture *p, const struct bill *b, const struct bill_row *rows,
                     size_t count, double unit_s, double *most)
{
    size_t points = count < CURVE_POINTS ? count : CURVE_POINTS;
    struct plot_panel *panel = &p->panels[0];
    money paid = 0;
    if (!b->has_reported || b->period || b->reported_requests < b->sample->count ||
        panel->series_count == PLOT_SERIES)
        return;
    struct spend s = {unit_s, picture_array(p, points), picture_array(p, points), 0};
    for (size_t i = 0; i < count; i++) {
        paid += b->workload->cost[rows[i].row];
        if ((i + 1) * points / count > s.count)
            add_point(&s, b, rows[i].due_ns, paid);
    }
    *most = fmax(*most, cost_usd(paid));
    plot_add_series(panel, "paid, as reported", PLOT_STEPS, s.x, s.y, s.count, PLOT_NOBODY)
        ->dashed = true;
}

static void say_total(struct picture *p, const struct bill *b)
{
    char name[PICTURE_PLAN_NAME], other[PICTURE_PLAN_NAME], usd[2][MONEY_TEXT_SIZE];
    size_t best = b->ranking[0];
    money_format_amount(b->plans[best].total, 4, usd[0]);
    picture_plan_name(b, best, 28, name);
    if (b->ranking_count == 1) {
        picture_say(p, "Under %s $%s is paid in all", name, usd[0]);
        return;
    }
    money_format_amount(b->plans[b->ranking[1]].total, 4, usd[1]);
    picture_plan_name(b, b->ranking[1], 28, other);
    picture_say(p, "Under %s the least is paid: $%s; under %s $%s", name, usd[0], other, usd[1]);
}

bool picture_spend(struct picture *p, const struct bill *b, const char *run)
{
    struct plot_panel *panel = &p->panels[0];
    double most = 0;
    int64_t end_ns = b->span_ns;
    picture_begin_plans(p, b, "spend", "Paid so far", run);
    for (size_t i = 0; i < b->plan_count; i++)
        if (picture_plan_is_drawn(b, i) && spend_end(b, i) > end_ns)
            end_ns = spend_end(b, i);
    double unit_s = picture_time_axis(p, panel, b, end_ns);
    panel->y_label = "paid so far (USD)";
    panel->y_max = NAN;
    panel->always_legend = true;
    for (size_t i = 0; i < b->plan_count; i++) {
        struct bill_row *rows;
        const struct plan_bill *plan = &b->plans[i];
        if (!picture_plan_is_drawn(b, i) || panel->series_count == PLOT_SERIES)
            continue;
        size_t count = bill_rows(b, i, &rows);
        size_t points = count < CURVE_POINTS ? count : CURVE_POINTS, room = points + 2;
        room += plan->periods < SPEND_PERIODS ? plan->periods : SPEND_PERIODS;
        struct spend s = {unit_s, picture_array(p, room), picture_array(p, room), 0};
        spend_curve(b, i, rows, count, points, &s);
        if (panel->series_count == 0)
            add_paid(p, b, rows, count, unit_s, &most);
        free(rows);
        most = fmax(most, s.y[s.count - 1]);
        plot_add_series(panel, legend_of(p, b, i, ""), PLOT_STEPS, s.x, s.y, s.count,
                        picture_plan_color(b, i))
            ->dashed = plan->without_caps;
    }
    picture_money_axis(p, panel, most);
    if (b->ranking_count && !b->undecided)
        say_total(p, b);
    return panel->series_count > 0 && b->span_ns > 0;
}

/* Quantiles of what served requests were charged. A flat price is one step. */
static size_t cost_points(const struct bill *b, size_t plan, double *x, double *y)
{
    const struct plan_bill *p = &b->plans[plan];
    if (p->flat) {
        x[0] = x[1] = cost_usd(p->per_used_request);
        y[1] = 1;
        return x[0] > 0 ? 2 : 0;
    }
    struct bill_row *rows;
    size_t count = bill_rows(b, plan, &rows), n = 0;
    double *values = mem_alloc((count + 1) * sizeof *values);
    for (size_t i = 0; i < count; i++)
        if (serve_is_served(rows[i].fate))
            values[n++] = cost_usd(rows[i].charge);
    gsl_sort(values, 1, n);
    size_t points = n == 0 || values[n - 1] <= 0 ? 0
                    : n < 2                      ? 2
                    : n < CURVE_POINTS           ? n
                                                 : CURVE_POINTS;
    picture_share_curve(values, n, points, x, y);
    free(values);
    free(rows);
    return points;
}

/* The plan by the token that ranks first, else the first of the ranking. */
static const struct plan_bill *leading(const struct bill *b, size_t *plan)
{
    for (size_t i = 0; i < b->ranking_count; i++)
        if (!b->plans[ *plan = b->ranking[i]].flat)
            return &b->plans[*plan];
    return b->ranking_count ? &b->plans[*plan = b->ranking[0]] : NULL;
}

static void say_spread(struct picture *p, const struct bill *b)
{
    size_t plan = 0;
    const struct plan_bill *of = leading(b, &plan);
    char name[PICTURE_PLAN_NAME], usd[2][MONEY_TEXT_SIZE];
    if (!of || of->sums.total == 0)
        return;
    picture_plan_name(b, plan, 28, name);
    if (of->flat)
        picture_say(p, "Under %s every request costs the same", name);
    else {
        money_format_amount(cost_money(of->stats.p50), 5, usd[0]);
        money_format_amount(cost_money(of->stats.p99), 5, usd[1]);
        picture_say(p, "Under %s half of the requests cost at most $%s, 99 %% at most $%s", name,
                    usd[0], usd[1]);
    }
}

bool picture_cost_cdf(struct picture *p, const struct bill *b, const char *run)
{
    struct plot_panel *panel = &p->panels[0];
    picture_begin_plans(p, b, "cost-cdf", "Price of a request", run);
    panel->x_label = "price of a request (USD)";
    panel->x_unit = PLOT_USD;
    panel->log_x = true;
    picture_share_axis(panel, "share of served requests");
    say_spread(p, b);
    panel->always_legend = true;
    for (size_t i = 0; i < b->plan_count && panel->series_count < PLOT_SERIES; i++) {
        const struct plan_bill *plan = &b->plans[i];
        if (!picture_plan_is_drawn(b, i))
            continue;
        double *x = picture_array(p, CURVE_POINTS), *y = picture_array(p, CURVE_POINTS);
        size_t points = cost_points(b, i, x, y);
        if (points == 0)
            continue;
        const char *note = plan->flat ? ", per used" : "";
        plot_add_series(panel, legend_of(p, b, i, note), PLOT_LINES, x, y, points,
                        picture_plan_color(b, i))
            ->dashed = plan->without_caps;
    }
    return panel->series_count > 0;
}

/* Where a cell of the map begins: half way to its neighbour on a logarithmic scale. */
static double cell_edge(const uint64_t *lengths, size_t count, size_t i)
{
    if (i == 0)
        return (double)lengths[0] * sqrt((double)lengths[0] / (double)lengths[1]);
    if (i == count)
        return (double)lengths[count - 1] *
               sqrt((double)lengths[count - 1] / (double)lengths[count - 2]);
    return sqrt((double)lengths[i - 1] * (double)lengths[i]);
}

/* A rectangle of cells that the last one may go on from: the same rows, in the column before. */
static bool goes_on(double *const data[4], size_t used, const double cell[4])
{
    for (size_t i = used; i-- > 0;)
        if (data[3][i] == cell[0] && data[1][i] == cell[1] && data[2][i] == cell[2]) {
            data[3][i] = cell[3];
            return true;
        }
    return false;
}

/* The cells in which `plan` is the cheapest (-1: nobody serves, -2: not decided), joined to
 * rectangles: between cells of one color no seam shows. */
static size_t map_cells(const struct cheapest_map *m, int plan, double *data[4])
{
    size_t used = 0, o = m->output_count;
    for (size_t i = 0; i < m->input_count; i++)
        for (size_t from = 0, to; from < o; from = to) {
            for (to = from; to < o && m->cheapest[i * o + to] == plan;)
                to++;
            if (to == from) {
                to++;
                continue;
            }
            const double cell[4] = {cell_edge(m->inputs, m->input_count, i),
                                    cell_edge(m->outputs, o, from), cell_edge(m->outputs, o, to),
                                    cell_edge(m->inputs, m->input_count, i + 1)};
            if (goes_on(data, used, cell))
                continue;
            for (int k = 0; k < 4; k++)
                data[k][used] = cell[k];
            used++;
        }
    return used;
}

static const char *legend_name(struct picture *p, const struct bill *b, size_t plan)
{
    char name[PICTURE_PLAN_NAME];
    return picture_name(p, "%s", picture_plan_name(b, plan, PICTURE_NAME_COLUMNS, name));
}

static void add_map_plan(struct picture *p, const struct bill *b, int plan)
{
    double *data[4];
    struct plot_panel *panel = &p->panels[0];
    size_t cells = b->map.input_count * b->map.output_count;
    if (panel->series_count >= PLOT_SERIES - 1)
        return;
    for (int k = 0; k < 4; k++)
        data[k] = picture_array(p, cells);
    size_t used = map_cells(&b->map, plan, data);
    if (used == 0)
        return;
    const char *title = plan == -1   ? "no plan serves it"
                        : plan == -2 ? "not decided: another model's counts"
                                     : legend_name(p, b, (size_t)plan);
    plot_add_cells(panel, title, data, used,
                   plan < 0 ? PLOT_NOBODY : picture_plan_color(b, (size_t)plan));
}

/* The workload's own requests, at most DOTS of them, evenly chosen. */
static void add_dots(struct picture *p, const struct bill *b)
{
    const struct workload *w = b->workload;
    size_t step = (w->count + DOTS - 1) / DOTS, n = 0;
    if (w->count == 0 || p->panels[0].series_count == PLOT_SERIES)
        return;
    double *x = picture_array(p, DOTS), *y = picture_array(p, DOTS);
    for (size_t i = 0; i < w->count && n < DOTS; i += step, n++) {
        x[n] = w->input_tokens[i];
        y[n] = w->output_tokens[i];
    }
    plot_add_series(&p->panels[0], step > 1 ? "requests (a sample)" : "requests", PLOT_DOTS, x, y,
                    n, PLOT_NOBODY);
}

/* How many of the requests lie where which plan is the cheapest, by the nearest cell of the map. */
static size_t nearest(const uint64_t *lengths, size_t count, double length)
{
    size_t best = 0;
    for (size_t i = 1; i < count; i++)
        if (length >= cell_edge(lengths, count, i))
            best = i;
    return best;
}

static void say_map(struct picture *p, const struct bill *b)
{
    const struct cheapest_map *m = &b->map;
    const struct workload *w = b->workload;
    size_t *hits = mem_zero(b->plan_count + 1, sizeof *hits), best = 0;
    char name[PICTURE_PLAN_NAME];
    for (size_t i = 0; i < w->count; i++) {
        int plan =
            m->cheapest[nearest(m->inputs, m->input_count, w->input_tokens[i]) * m->output_count +
                        nearest(m->outputs, m->output_count, w->output_tokens[i])];
        if (plan >= 0)
            hits[plan]++;
    }
    for (size_t i = 0; i < b->plan_count; i++)
        best = hits[i] > hits[best] ? i : best;
    if (hits[best] > 0)
        picture_say(p, "By its length %.0f %% of the requests are cheapest under %s%s",
                    100 * (double)hits[best] / (double)w->count,
                    picture_plan_name(b, best, 28, name),
                    b->plans[best].rank       ? ""
                    : b->plans[best].rejected ? ", which does not serve all of them"
                                              : ", which is not ranked for all of them");
    free(hits);
}

bool picture_cheapest(struct picture *p, const struct bill *b, const char *run)
{
    const struct cheapest_map *m = &b->map;
    struct plot_panel *panel = &p->panels[0];
    picture_begin(p, "cheapest", "Cheapest plan by length", run);
    if (m->input_count < 2 || m->output_count < 2)
        return false;
    say_map(p, b);
    panel->x_label = "input of a request (tokens)";
    panel->y_label = "output of a request (tokens)";
    panel->log_x = panel->log_y = true;
    panel->always_legend = true;
    panel->x_min = cell_edge(m->inputs, m->input_count, 0);
    panel->x_max = cell_edge(m->inputs, m->input_count, m->input_count);
    panel->y_min = cell_edge(m->outputs, m->output_count, 0);
    panel->y_max = cell_edge(m->outputs, m->output_count, m->output_count);
    for (size_t i = 0; i < b->plan_count; i++)
        add_map_plan(p, b, (int)i);
    bool some = panel->series_count > 0;
    add_map_plan(p, b, -1);
    add_map_plan(p, b, -2);
    add_dots(p, b);
    return some;
}
