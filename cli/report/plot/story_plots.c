#include "cli/report/plot/story_plots.h"

#include "core/json/json_look.h"
#include "core/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define ROW 22 /* pixels */
#define NAME_COLUMNS 24
#define LOW_ROW 15     /* where there are several panels */
#define PANEL_FRAME 60 /* pixels of a panel beside its rows */

/* ---- rows ---- */

/* The workloads, and of each what its document says of one plan. */
struct rows {
    struct text *items, *plans;
    size_t count;
    char *plan;
};

static struct text plan_named(struct text workload, const char *name)
{
    struct text *plans, found = JSON_NO_OBJECT;
    size_t count = json_look_items(workload, "plans", &plans);
    for (size_t i = 0; i < count; i++) {
        char *other = json_look_string(plans[i], "plan");
        if (other && name && strcmp(other, name) == 0)
            found = plans[i];
        free(other);
    }
    free(plans);
    return found;
}

/* `key` names the plan: "by_token". */
static void read_rows(struct text json, const char *key, struct rows *out)
{
    out->plan = json_look_string(json, key);
    out->count = json_look_items(json, "workloads", &out->items);
    out->plans = mem_alloc((out->count + 1) * sizeof *out->plans);
    for (size_t i = 0; i < out->count; i++)
        out->plans[i] = plan_named(out->items[i], out->plan);
}

static void free_rows(struct rows *r)
{
    free(r->items);
    free(r->plans);
    free(r->plan);
}

/* From the top down. */
static double place(const struct rows *r, size_t i)
{
    return (double)(r->count - 1 - i);
}

static void name_rows(struct picture *p, const struct rows *r, struct plot_panel *panel)
{
    double *ticks = picture_array(p, r->count);
    for (size_t i = 0; i < r->count && i < PICTURE_NAMES; i++) {
        char *name = json_look_string(r->items[i], "workload"), cut[PICTURE_PLAN_NAME];
        plot_cut(name ? name : "workload", NAME_COLUMNS, cut, sizeof cut);
        if (panel == &p->panels[0])
            p->name_list[0][i] = picture_name(p, "%s", cut);
        ticks[i] = place(r, i);
        free(name);
    }
    panel->y_names = p->name_list[0];
    panel->y_ticks = ticks;
    panel->y_name_count = r->count < PICTURE_NAMES ? r->count : PICTURE_NAMES;
    panel->y_min = -0.6;
    panel->y_max = (double)r->count - 0.4;
    p->plot.panel_height = (int)r->count * ROW + PANEL_FRAME;
}

/* Level bars of one kind, a row each. */
struct bars {
    double *box[4], *value;
    size_t count;
};

static void begin_bars(struct bars *b, const struct rows *r, struct picture *p)
{
    for (int k = 0; k < 4; k++)
        b->box[k] = picture_array(p, r->count);
    b->value = picture_array(p, r->count);
    b->count = 0;
}

static void add_bar(struct bars *b, double from, double to, double row, double value)
{
    if (!isfinite(from) || !isfinite(to))
        return;
    b->box[0][b->count] = fmin(from, to);
    b->box[3][b->count] = fmax(from, to);
    b->box[1][b->count] = row - 0.36;
    b->box[2][b->count] = row + 0.36;
    b->value[b->count++] = value;
}

static void end_bars(const struct bars *b, struct plot_panel *panel, const char *title, int color)
{
    if (b->count)
        plot_add_cells(panel, title, b->box, b->count, color)->value = b->value;
}

static void free_axis(struct plot_panel *panel, bool log_x)
{
    panel->log_x = log_x;
    panel->x_min = panel->x_max = NAN;
    panel->always_legend = true;
}

/* ---- how much a price varies ---- */

bool picture_story_variance(struct text json, const char *run, struct picture *p)
{
    static const char *const titles[] = {"the cheaper half", "above the median", "the dearest 1 %"};
    static const char *const ends[] = {"min", "p50", "p99", "max"};
    struct rows r;
    struct bars bars[3];
    double most = 0;
    read_rows(json, "by_token", &r);
    picture_begin(p, "story-variance", "what one request costs, over the median one", run);
    for (int k = 0; k < 3; k++)
        begin_bars(&bars[k], &r, p);
    for (size_t i = 0; i < r.count; i++) {
        struct text usd = json_look_part(r.plans[i], "request_usd");
        double median = json_look_number(usd, "p50");
        for (int k = 0; k < 3 && median > 0; k++)
            add_bar(&bars[k], fmax(json_look_number(usd, ends[k]) / median, 0.01),
                    json_look_number(usd, ends[k + 1]) / median, place(&r, i),
                    json_look_number(usd, ends[k + 1]) / median);
        most = fmax(most, median > 0 ? json_look_number(usd, "max") / median : 0);
    }
    for (int k = 0; k < 3; k++)
        end_bars(&bars[k], &p->panels[0], titles[k], k);
    name_rows(p, &r, &p->panels[0]);
    free_axis(&p->panels[0], true);
    p->panels[0].x_label = "times the median request";
    plot_add_mark(&p->panels[0], "flat", 1, true);
    picture_say(p, "By the token the dearest request costs up to %.1f times the median one", most);
    bool any = bars[0].count > 0;
    free_rows(&r);
    return any;
}

/* ---- what moves it ---- */

double story_moved_percent(struct text plan, const char *change)
{
    struct text c = json_look_part(json_look_part(plan, "changes"), change);
    money saved, before;
    if (!json_look_money(c, "saved_usd", &saved) || !json_look_money(c, "before_usd", &before) ||
        before <= 0)
        return NAN;
    return -100 * money_to_double(saved) / money_to_double(before);
}

static bool add_panel(const struct rows *r, const char *change, const char *title,
                      struct plot_panel *panel, struct picture *p)
{
    struct bars less, more;
    begin_bars(&less, r, p);
    begin_bars(&more, r, p);
    for (size_t i = 0; i < r->count; i++) {
        double percent = story_moved_percent(r->plans[i], change);
        add_bar(percent <= 0 ? &less : &more, 0, percent, place(r, i), percent);
    }
    end_bars(&less, panel, NULL, 2);
    end_bars(&more, panel, NULL, 5);
    name_rows(p, r, panel);
    free_axis(panel, false);
    panel->always_legend = false;
    panel->title = picture_name(p, "%s under %s", title, r->plan);
    plot_add_mark(panel, "", 0, true);
    return less.count + more.count > 0;
}

/* True if a change moves what some workload costs under the flat plan. */
static bool flat_moves(struct text json)
{
    static const char *const changes[] = {"cache", "tiers", "parallel", "retry"};
    struct rows r;
    bool moves = false;
    read_rows(json, "flat", &r);
    for (size_t i = 0; i < r.count; i++)
        for (size_t k = 0; k < COUNT_OF(changes); k++)
            moves = moves || fabs(story_moved_percent(r.plans[i], changes[k])) > 0;
    free_rows(&r);
    return moves;
}

/* One axis for all panels: of whole tens, with nothing at its ends. */
static void share_axis(struct picture *p, size_t panels)
{
    double least = 0, most = 0;
    for (size_t i = 0; i < panels; i++)
        for (size_t k = 0; k < p->panels[i].series_count; k++) {
            const struct plot_series *s = &p->panels[i].series[k];
            for (size_t n = 0; n < s->count; n++) {
                least = fmin(least, s->value[n]);
                most = fmax(most, s->value[n]);
            }
        }
    for (size_t i = 0; i < panels; i++) {
        p->panels[i].x_min = least < 0 ? 10 * floor(least / 10 - 0.05) : 0;
        p->panels[i].x_max = most > 0 ? 10 * ceil(most / 10 + 0.05) : 0;
    }
    p->plot.share_x = true;
}

bool picture_story_changes(struct text json, const char *run, struct picture *p)
{
    static const struct {
        const char *change, *plan, *title;
    } asked[] = {{"cache", "cached", "A prompt cache"},
                 {"tiers", "by_token", "Three tiers of models"},
                 {"parallel", "by_token", "Tools side by side, not one by one"},
                 {"retry", "by_token", "Retries of 5 % of the attempts"}};
    size_t drawn = 0;
    picture_begin(p, "story-changes", "what the month costs", run);
    for (size_t i = 0; i < COUNT_OF(asked); i++) {
        struct rows r;
        read_rows(json, asked[i].plan, &r);
        if (r.plan && add_panel(&r, asked[i].change, asked[i].title, &p->panels[drawn], p))
            drawn++;
        else if (drawn < PICTURE_PANELS)
            p->panels[drawn] = (struct plot_panel){0};
        free_rows(&r);
    }
    if (drawn == 0)
        return false;
    p->plot.panel_count = drawn;
    share_axis(p, drawn);
    p->plot.panel_height = (int)p->panels[0].y_name_count * LOW_ROW + PANEL_FRAME;
    p->panels[drawn - 1].x_label = "change of the month's cash (%)";
    picture_say(p, flat_moves(json)
                       ? "What moves a bill by the token"
                       : "What moves a bill by the token; a flat price stays as it is");
    return true;
}

/* ---- from where on flat pays ---- */

struct paying {
    struct bars bars;
    double *x, *y;
    size_t dots;
    size_t never;
};

static void add_paying(struct paying *out, const struct rows *r, size_t i, struct picture *p)
{
    struct text pays = json_look_part(r->plans[i], "flat_pays_from");
    double row = place(r, i);
    double at = json_look_number(pays, "requests"), low = json_look_number(pays, "low"),
           high = json_look_number(pays, "high"), end = json_look_number(pays, "looked_up_to");
    if (isnan(end))
        return;
    if (isnan(at)) {
        p->name_list[0][i] = picture_name(p, "%s, never", p->name_list[0][i]);
        out->never++;
        return;
    }
    add_bar(&out->bars, isnan(low) ? at : low, isnan(high) ? (isnan(low) ? at : end) : high, row,
            at);
    out->x[out->dots] = at;
    out->y[out->dots++] = row;
}

bool picture_story_pays(struct text json, const char *run, struct picture *p)
{
    struct rows r;
    struct paying out = {0};
    struct plot_panel *panel = &p->panels[0];
    read_rows(json, "by_token", &r);
    picture_begin(p, "story-pays", "from how many requests a month flat pays", run);
    begin_bars(&out.bars, &r, p);
    out.x = picture_array(p, r.count);
    out.y = picture_array(p, r.count);
    name_rows(p, &r, panel);
    for (size_t i = 0; i < r.count && i < PICTURE_NAMES; i++)
        add_paying(&out, &r, i, p);
    end_bars(&out.bars, panel, "95 %", 0);
    plot_add_series(panel, "as expected", PLOT_DOTS, out.x, out.y, out.dots, PLOT_INK_COLOR);
    free_axis(panel, true);
    panel->x_label = "requests a month";
    double volume = json_look_number(json, "volume");
    if (volume > 0)
        plot_add_mark(panel, "here", volume, true);
    picture_say(p, "Flat pays for %zu of %zu workloads: from so many requests a month on", out.dots,
                out.dots + out.never);
    free_rows(&r);
    return out.dots > 0;
}

/* ---- the folder ---- */

int story_plots_draw(struct text json, const char *run, const char *directory, struct error *err)
{
    static picture_of_json *const all[] = {picture_story_variance, picture_story_changes,
                                           picture_story_pays};
    return pictures_draw(all, COUNT_OF(all), json, run, directory, err);
}
