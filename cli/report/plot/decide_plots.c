#include "cli/report/plot/decide_plots.h"

#include "core/json/json_look.h"
#include "core/memory.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAME_COLUMNS 28
#define BAR_SHARE 1.04 /* a bar reaches from the volume over it to the volume times it */
#define ROW 34         /* pixels */
#define WORST (-100.0) /* percent: what loses by more is drawn to here */

static double volume_of(struct text json)
{
    struct text question;
    return json_look(json, "question", &question) ? json_look_number(question, "requests_a_month")
                                                  : NAN;
}

/* ---- the ladder ---- */

/* The candidate of that name; false: there is none. */
static bool find_candidate(const struct text *candidates, size_t count, const char *name,
                           struct text *out)
{
    for (size_t i = 0; i < count; i++) {
        char *other = json_look_string(candidates[i], "name");
        bool same = other && strcmp(other, name) == 0;
        free(other);
        if (same) {
            *out = candidates[i];
            return true;
        }
    }
    return false;
}

static size_t read_curve(struct text curve, const char *key, struct picture *p, double **x,
                         double **y)
{
    struct text *points;
    size_t count = json_look_items(curve, "points", &points), n = 0;
    *x = picture_array(p, count);
    *y = picture_array(p, count);
    for (size_t i = 0; i < count; i++) {
        double at = json_look_number(points[i], "requests"), usd = json_look_number(points[i], key);
        if (at > 0 && usd > 0) {
            (*x)[n] = at;
            (*y)[n++] = usd;
        }
    }
    free(points);
    return n;
}

/* What holds 95 % of the draws, at the month's own volume. */
static void add_bar(struct text candidate, double volume, int color, struct picture *p)
{
    struct text *ends;
    size_t count = json_look_items(candidate, "usd_per_good_request_95", &ends);
    double low = count == 2 ? json_number_of(ends[0]) : NAN,
           high = count == 2 ? json_number_of(ends[1]) : NAN;
    free(ends);
    if (!(low > 0) || !(high >= low) || !(volume > 0))
        return;
    double *box[4], at[4] = {volume / BAR_SHARE, low, high, volume * BAR_SHARE};
    for (int k = 0; k < 4; k++) {
        box[k] = picture_array(p, 1);
        box[k][0] = at[k];
    }
    plot_add_cells(&p->panels[0], NULL, box, 1, color);
}

/* One line of a candidate: where it serves, or only if its unconfirmed caps do not hold (dashed).
 */
static bool add_line(struct text curve, const char *name, bool open, int color, struct picture *p)
{
    double *x, *y;
    char cut[PICTURE_PLAN_NAME];
    const char *key = open ? "usd_per_good_request_without_caps" : "usd_per_good_request";
    size_t n = read_curve(curve, key, p, &x, &y);
    if (n == 0)
        return false;
    plot_cut(name, NAME_COLUMNS, cut, sizeof cut);
    plot_add_series(&p->panels[0], picture_name(p, open ? "%s (without caps)" : "%s", cut),
                    PLOT_LINES, x, y, n, color)
        ->dashed = open;
    return true;
}

static void add_curve(struct text curve, const struct text *candidates, size_t count, double volume,
                      int color, struct picture *p)
{
    char *name = json_look_string(curve, "candidate");
    struct text candidate;
    bool drawn = name && add_line(curve, name, false, color, p);
    drawn = (name && add_line(curve, name, true, color, p)) || drawn;
    if (drawn && find_candidate(candidates, count, name, &candidate))
        add_bar(candidate, volume, color, p);
    free(name);
}

/* A mark where another one leads. */
static void mark_flip(struct text answer, const char *key, struct picture *p)
{
    double flips = json_look_number(answer, key);
    char at[TEXT_GROUPED_SIZE];
    if (flips > 0)
        plot_add_mark(&p->panels[0], picture_name(p, "%s", text_group_u64((uint64_t)flips, at)),
                      flips, true);
}

static void say_leader(struct text answer, double volume, struct picture *p)
{
    char *name = json_look_string(answer, "cheapest"), cut[PICTURE_PLAN_NAME],
         at[TEXT_GROUPED_SIZE];
    if (name) {
        plot_cut(name, 40, cut, sizeof cut);
        picture_say(p, "%s is the %s at %s requests a month", cut,
                    json_look_true(answer, "too_close_to_call") ? "likeliest to be the cheapest"
                                                                : "cheapest",
                    text_group_u64((uint64_t)volume, at));
    }
    free(name);
}

static void set_axes(struct plot_panel *panel)
{
    panel->x_label = "requests a month";
    panel->y_label = "for each good request (USD)";
    panel->log_x = panel->log_y = true;
    panel->y_unit = PLOT_USD;
    panel->always_legend = true;
    panel->x_min = panel->x_max = panel->y_min = panel->y_max = NAN;
}

bool picture_decide_ladder(struct text json, const char *run, struct picture *p)
{
    struct text *curves, *candidates, answer;
    double volume = volume_of(json);
    size_t count = json_look_items(json, "curves", &curves),
           known = json_look_items(json, "candidates", &candidates);
    picture_begin(p, "decide-ladder", "USD for each good request, over requests a month", run);
    set_axes(&p->panels[0]);
    for (size_t i = 0; i < count && p->panels[0].series_count + 3 <= PLOT_SERIES; i++)
        add_curve(curves[i], candidates, known, volume, (int)i, p);
    if (json_look(json, "answer", &answer)) {
        say_leader(answer, volume, p);
        mark_flip(answer, "flips_above_requests", p);
        mark_flip(answer, "flips_below_requests", p);
    }
    if (volume > 0)
        plot_add_mark(&p->panels[0], "here", volume, true);
    free(curves);
    free(candidates);
    return p->panels[0].series_count > 0;
}

/* ---- what it hinges on ---- */

struct hinge {
    char *what;
    double ends[2]; /* percent; NAN: not known */
    double swing;
    bool turns;
};

/* An end's advantage in percent. Where the expected cheapest serves no more, another is named and
 * there is no figure: the axis' end, as the worst. */
static double read_end(struct text hinge, const char *key)
{
    struct text end;
    if (!json_look(hinge, key, &end))
        return NAN;
    double advantage = 100 * json_look_number(end, "advantage");
    char *who = json_look_string(end, "cheapest");
    bool lost = isnan(advantage) && who;
    free(who);
    if (isnan(advantage) && !lost)
        return NAN;
    return lost || advantage < WORST ? WORST : advantage;
}

static int by_swing(const void *a, const void *b)
{
    const struct hinge *x = a, *y = b;
    if (x->swing != y->swing)
        return x->swing > y->swing ? -1 : 1;
    return strcmp(x->what, y->what);
}

static size_t read_hinges(struct text json, double now, struct hinge **out)
{
    struct text *items;
    size_t count = json_look_items(json, "hinges", &items), n = 0;
    *out = mem_zero(count + 1, sizeof **out);
    for (size_t i = 0; i < count; i++) {
        struct hinge h = {.what = json_look_string(items[i], "what"),
                          .ends = {read_end(items[i], "less"), read_end(items[i], "more")},
                          .turns = json_look_true(items[i], "turns")};
        for (int k = 0; k < 2; k++)
            h.swing = fmax(h.swing, isnan(h.ends[k]) ? 0 : fabs(h.ends[k] - now));
        if (h.what && !(isnan(h.ends[0]) && isnan(h.ends[1])))
            (*out)[n++] = h;
        else
            free(h.what);
    }
    qsort(*out, n, sizeof **out, by_swing);
    free(items);
    return n;
}

static void add_hinge(const struct hinge *h, double now, double y, struct picture *p)
{
    for (int k = 0; k < 2; k++) {
        double *box[4], *value = picture_array(p, 1);
        if (isnan(h->ends[k]))
            continue;
        for (int i = 0; i < 4; i++)
            box[i] = picture_array(p, 1);
        box[0][0] = fmin(now, h->ends[k]);
        box[3][0] = fmax(now, h->ends[k]);
        box[1][0] = k ? y - 0.3 : y + 0.02;
        box[2][0] = k ? y - 0.02 : y + 0.3;
        value[0] = h->ends[k];
        plot_add_cells(&p->panels[0], NULL, box, 1, k)->value = value;
    }
}

static void set_hinge_axes(const struct hinge *hinges, size_t count, double now, struct picture *p)
{
    struct plot_panel *panel = &p->panels[0];
    double low = fmin(0, now), high = fmax(0, now);
    for (size_t i = 0; i < count; i++)
        for (int k = 0; k < 2; k++) {
            low = isnan(hinges[i].ends[k]) ? low : fmin(low, hinges[i].ends[k]);
            high = isnan(hinges[i].ends[k]) ? high : fmax(high, hinges[i].ends[k]);
        }
    double room = fmax(0.05 * (high - low), 0.5);
    panel->x_label = "cheaper than the best of the others by (%)";
    panel->y_label = "if it changes, cheaper by (%)";
    panel->x_min = low - room;
    panel->x_max = high + room;
    panel->y_min = -0.6;
    panel->y_max = (double)count - 0.4;
    panel->y_names = p->name_list[0];
    panel->y_name_count = count;
    p->plot.panel_height = (int)count * ROW + 20;
    plot_add_mark(panel, "the choice turns", 0, true);
    plot_add_mark(panel, "as expected", now, true);
}

static void say_hinges(struct text json, const struct hinge *hinges, size_t count,
                       struct picture *p)
{
    struct text answer;
    char *name = json_look(json, "answer", &answer)
                     ? json_look_string(answer, "cheapest_as_expected")
                     : NULL,
         cut[PICTURE_PLAN_NAME];
    size_t turns = 0;
    for (size_t i = 0; i < count; i++)
        turns += hinges[i].turns;
    plot_cut(name ? name : "the choice", 40, cut, sizeof cut);
    snprintf(p->title, sizeof p->title,
             "One thing at a time: blue where it is less, orange where it is more");
    if (turns == 0)
        picture_say(p, "%s stays the cheapest whatever of these changes", cut);
    else
        picture_say(p, "%zu of %zu things would turn %s round; most moves it: %s", turns, count,
                    cut, hinges[0].what);
    free(name);
}

bool picture_decide_hinges(struct text json, const char *run, struct picture *p)
{
    struct text answer;
    struct hinge *hinges;
    double now = json_look(json, "answer", &answer)
                     ? 100 * json_look_number(answer, "advantage_as_expected")
                     : NAN;
    size_t count = read_hinges(json, isnan(now) ? 0 : now, &hinges);
    picture_begin(p, "decide-hinges", "What would change it", run);
    double *ticks = picture_array(p, count);
    p->panels[0].y_ticks = ticks;
    for (size_t i = 0; i < count; i++) {
        ticks[i] = (double)(count - 1 - i);
        p->name_list[0][i] = picture_name(p, "%.40s", hinges[i].what);
        add_hinge(&hinges[i], isnan(now) ? 0 : now, ticks[i], p);
    }
    set_hinge_axes(hinges, count, isnan(now) ? 0 : now, p);
    say_hinges(json, hinges, count, p);
    for (size_t i = 0; i < count; i++)
        free(hinges[i].what);
    free(hinges);
    return count > 0 && isfinite(now);
}

/* ---- the folder ---- */

int decide_plots_draw(struct text json, const char *run, const char *directory, struct error *err)
{
    static picture_of_json *const all[] = {picture_decide_ladder, picture_decide_hinges};
    return pictures_draw(all, COUNT_OF(all), json, run, directory, err);
}
