#include "cli/report/text/fleet_text.h"

#include "core/screen/table.h"
#include "core/text.h"
#include "core/wrap.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define CELL 64

struct writing {
    const struct fleet_plan *p;
    int width;
    struct buffer *out;
};

static const char *usd(money m, char out[MONEY_TEXT_SIZE])
{
    money_format_amount(m, 2, out);
    return out;
}

/* "5 min", "1 h" */
static const char *span(int64_t ns, char out[CELL])
{
    double s = (double)ns / 1e9;
    if (s >= 172800)
        snprintf(out, CELL, "%s days", TEXT_SHORT(s / 86400, 3));
    else if (s >= 3600)
        snprintf(out, CELL, "%s h", TEXT_SHORT(s / 3600, 3));
    else if (s >= 60)
        snprintf(out, CELL, "%s min", TEXT_SHORT(s / 60, 3));
    else
        snprintf(out, CELL, "%s s", TEXT_SHORT(s, 3));
    return out;
}

static void cell_u64(struct table *t, uint64_t value)
{
    char text[TEXT_GROUPED_SIZE];
    table_cell(t, text_group_u64(value, text));
}

static void cell_usd(struct table *t, money m)
{
    char text[MONEY_TEXT_SIZE];
    table_cell(t, usd(m, text));
}

static void put_head(const struct writing *w)
{
    const struct fleet_options *o = w->p->options;
    char text[CELL], slot[CELL];
    buffer_add_format(w->out, "%s, %s: ", o->horizon->name ? o->horizon->name : "workload",
                      span((int64_t)w->p->demand.slot_count * o->slot_ns, text));
    for (size_t i = 0; i < o->slos->count; i++)
        buffer_add_format(w->out, "%s%s %s ms", i ? ", " : "",
                          metric_title(o->slos->items[i].metric),
                          TEXT_SHORT(o->slos->items[i].limit_ms, 4));
    buffer_add_format(w->out, " met by %g %% of the requests of every %s\n\n", 100 * o->goodput,
                      o->slot_ns == 3600000000000 ? "hour" : span(o->slot_ns, slot));
}

/* "1.25", "at least 90", "none" */
static void put_rates(const struct fleet_plan *p, size_t offer, char out[CELL])
{
    size_t length = 0;
    out[0] = 0;
    for (size_t m = 0; m < p->mixes.count && length + 16 < CELL; m++) {
        const struct fleet_capacity *c = &p->table[offer][m];
        if (p->mixes.requests[m] > 0)
            length += (size_t)snprintf(out + length, CELL - length, "%s%s%s", length ? ", " : "",
                                       c->unbounded ? "≥ " : "",
                                       c->rate_rps > 0 ? TEXT_SHORT(c->rate_rps, 3) : "none");
    }
}

static void put_offers(const struct writing *w)
{
    static const struct table_column columns[] = {{.head = "offer", .left = true},
                                                  {.head = "$ a replica-hour"},
                                                  {.head = "unit"},
                                                  {.head = "start"},
                                                  {.head = "requests/s"},
                                                  {.head = "units paid"},
                                                  {.head = "starts"}};
    const struct fleet_terms *terms = w->p->options->terms;
    struct table *t = table_create(columns, sizeof columns / sizeof *columns);
    char text[CELL];
    for (size_t o = 0; o < terms->offer_count; o++) {
        const struct fleet_offer *x = &terms->offers[o];
        table_cell(t, x->name);
        cell_usd(t, x->hour);
        table_cell(t, span(x->unit_ns, text));
        table_cell(t, span(x->start_ns, text));
        put_rates(w->p, o, text);
        table_cell(t, text);
        cell_u64(t, w->p->course.units[o]);
        cell_u64(t, w->p->course.starts[o]);
    }
    table_end(t, w->width, w->out);
    buffer_add_text(w->out, "requests/s: what one replica sustains");
    const char *by = ", in the mix of requests ";
    for (size_t m = 0; m < w->p->mixes.count && w->p->mixes.count > 1; m++) {
        if (w->p->mixes.requests[m] == 0)
            continue;
        buffer_add_format(w->out, "%s%c (%s in, %s out, %zu slots)", by, (int)('A' + (int)m),
                          TEXT_SHORT(w->p->mixes.input[m], 3), TEXT_SHORT(w->p->mixes.output[m], 3),
                          w->p->mixes.slots[m]);
        by = ",\n  ";
    }
    if (w->p->options->headroom > 0)
        buffer_add_format(w->out, "; loaded to %g %% of it", 100 - 100 * w->p->options->headroom);
    buffer_add_byte(w->out, '\n');
}

static void put_commitments(const struct writing *w)
{
    const struct fleet_terms *terms = w->p->options->terms;
    char horizon[CELL], term[CELL], owed[CELL];
    int64_t span_ns = (int64_t)w->p->demand.slot_count * w->p->options->slot_ns;
    for (size_t c = 0; c < terms->commitment_count; c++) {
        const struct fleet_commitment *x = &terms->commitments[c];
        int64_t terms_begun = (span_ns + x->term_ns - 1) / x->term_ns;
        buffer_add_format(w->out, "Committed: %u of %s at %g %% off, term %s",
                          w->p->course.committed[c], terms->offers[x->offer].name,
                          (double)x->off_millionths / 1e4, span(x->term_ns, term));
        if (w->p->course.committed[c] > 0 && terms_begun * x->term_ns > span_ns)
            buffer_add_format(
                w->out, ";\n  paid here are %s of it, and %s more are owed after them",
                span(span_ns, horizon), span(terms_begun * x->term_ns - span_ns, owed));
        buffer_add_byte(w->out, '\n');
    }
}

/* "3 + 1": by offer, with committed ones. */
static void put_replicas(const struct fleet_plan *p, size_t t, char out[CELL])
{
    size_t length = 0;
    out[0] = 0;
    for (size_t o = 0; o < p->options->terms->offer_count && length + 16 < CELL; o++)
        length += (size_t)snprintf(out + length, CELL - length, "%s%u", o ? " + " : "",
                                   fleet_plan_replicas(p, t, o));
}

static bool same_slot(const struct fleet_plan *p, size_t a, size_t b)
{
    for (size_t o = 0; o < p->options->terms->offer_count; o++)
        if (fleet_plan_replicas(p, a, o) != fleet_plan_replicas(p, b, o))
            return false;
    return p->added[a] == p->added[b] &&
           fleet_hour_holds(&p->replay.hours[a], p->options->goodput) ==
               fleet_hour_holds(&p->replay.hours[b], p->options->goodput);
}

/* Hours as people count them, from the horizon's begin. */
static void put_time(const struct fleet_plan *p, size_t t, char out[CELL])
{
    int64_t minutes = (int64_t)t * (p->options->slot_ns / 1000000000) / 60;
    if (p->demand.slot_count * (size_t)(p->options->slot_ns / 1000000000) > 90000)
        snprintf(out, CELL, "day %" PRId64 " %02" PRId64 ":%02" PRId64, minutes / 1440 + 1,
                 minutes % 1440 / 60, minutes % 60);
    else
        snprintf(out, CELL, "%02" PRId64 ":%02" PRId64, minutes / 60, minutes % 60);
}

static void put_run(struct table *t, const struct fleet_plan *p, size_t from, size_t to)
{
    char text[3 * CELL], begin[CELL], end[CELL];
    struct fleet_hour sum = {0};
    uint64_t busiest = 0;
    double lowest = 1;
    for (size_t i = from; i < to; i++) {
        const struct fleet_hour *h = &p->replay.hours[i];
        sum.due += h->due;
        sum.spilled += h->spilled;
        busiest = h->due > busiest ? h->due : busiest;
        double good = h->due ? (double)(h->met + h->spilled) / (double)h->due : 1;
        lowest = good < lowest ? good : lowest;
    }
    put_time(p, from, begin);
    put_time(p, to, end);
    snprintf(text, sizeof text, "%s–%s", begin, end);
    table_cell(t, text);
    cell_u64(t, sum.due);
    cell_u64(t, busiest);
    put_replicas(p, from, text);
    table_cell(t, text);
    cell_u64(t, sum.spilled);
    snprintf(text, CELL, "%.1f %%", 100 * lowest);
    table_cell(t, text);
    if (!fleet_hour_holds(&p->replay.hours[from], p->options->goodput))
        table_note(t, p->added[from] ? "<- misses, more replicas or not" : "<- misses");
    else if (p->added[from] > 0) {
        snprintf(text, CELL, "<- missed, got %u more", p->added[from]);
        table_note(t, text);
    }
}

static void put_slots(const struct writing *w)
{
    static const struct table_column columns[] = {{.head = "time", .left = true},
                                                  {.head = "requests"},
                                                  {.head = "busiest slot"},
                                                  {.head = "replicas"},
                                                  {.head = "spilled over", .optional = true},
                                                  {.head = "goodput, least"}};
    struct table *t = table_create(columns, sizeof columns / sizeof *columns);
    const struct fleet_plan *p = w->p;
    buffer_add_byte(w->out, '\n');
    for (size_t from = 0, to; from < p->demand.slot_count; from = to) {
        for (to = from + 1; to < p->demand.slot_count && same_slot(p, from, to);)
            to++;
        put_run(t, p, from, to);
    }
    table_end(t, w->width, w->out);
}

static void put_cash(const struct writing *w)
{
    const struct fleet_figure *f = &w->p->whole;
    char all[MONEY_TEXT_SIZE], a[MONEY_TEXT_SIZE], b[MONEY_TEXT_SIZE], c[MONEY_TEXT_SIZE];
    buffer_add_format(w->out, "\nCash: $%s = replicas $%s + commitments $%s + spill-over $%s\n",
                      usd(f->cash, all), usd(f->replicas_usd, a), usd(f->commitments_usd, b),
                      usd(f->spill_usd, c));
    if (w->p->options->terms->interruption_count > 0)
        buffer_add_format(w->out,
                          "  a mean over %zu courses of spot, none interrupted the first; the "
                          "replay is that one\n",
                          w->p->options->terms->interruption_count + 1);
    if (f->missed_hours > 0)
        buffer_add_format(w->out,
                          "  %zu slots miss the goodput when the plan is replayed: more headroom "
                          "(--headroom)\n  or shorter slots (--slot) would help\n",
                          f->missed_hours);
    if (w->p->demand.guessed > 0)
        buffer_add_format(w->out,
                          "  %s requests ask for a service that %s does not name: there they "
                          "would\n  cost its standard price\n",
                          text_group_u64(w->p->demand.guessed, (char[TEXT_GROUPED_SIZE]){0}),
                          w->p->options->spill->name);
    if (f->spilled > 0)
        buffer_add_text(w->out, "  what spills over counts as met: the API's latency is not "
                                "simulated\n");
}

static void put_way(struct table *t, const char *name, const struct fleet_figure *f)
{
    char text[CELL];
    table_cell(t, name);
    cell_usd(t, f->cash);
    snprintf(text, sizeof text, "%.1f", f->replica_hours);
    table_cell(t, text);
    cell_u64(t, f->most);
    cell_u64(t, f->spilled);
    snprintf(text, sizeof text, "%.2f %%",
             f->due ? 100.0 * (double)(f->met + f->spilled) / (double)f->due : 100.0);
    table_cell(t, text);
    cell_u64(t, f->missed_hours);
    if (f->unserved > 0) {
        snprintf(text, sizeof text, "%" PRIu64 " found no replica", f->unserved);
        table_note(t, text);
    }
}

/* A figure below the foresight's would read as a contradiction. */
static void put_less(const struct writing *w)
{
    const struct fleet_figure *f = w->p->figures;
    bool less = false;
    for (int way = FLEET_FORESIGHT + 1; way < FLEET_WAYS; way++)
        less = less || (f[way].known && f[way].cash < f[FLEET_FORESIGHT].cash);
    if (less)
        buffer_add_text(w->out, "foresight is the least by the tabulated capacities: what loads "
                                "its replicas\n  beyond them may pay less\n");
}

static void put_ways(const struct writing *w)
{
    static const struct table_column columns[] = {{.head = "held out", .left = true},
                                                  {.head = "cash $"},
                                                  {.head = "replica-hours paid"},
                                                  {.head = "most at once"},
                                                  {.head = "spilled over", .optional = true},
                                                  {.head = "goodput"},
                                                  {.head = "slots missed"}};
    const struct fleet_plan *p = w->p;
    if (!p->has_held_out) {
        buffer_add_text(w->out,
                        "\nNothing is held out: a trace of two days, or two weeks, lets the last "
                        "one judge\nthe schedule of the one before, and an autoscaler\n");
        return;
    }
    char text[CELL];
    buffer_add_format(w->out, "\nJudged on %s, %s:\n",
                      p->drawn ? "another draw of the scenario"
                               : "the last of the workload, planned from what came before",
                      span((int64_t)p->period_slots * p->options->slot_ns, text));
    struct table *t = table_create(columns, sizeof columns / sizeof *columns);
    put_way(t, "perfect foresight", &p->figures[FLEET_FORESIGHT]);
    put_way(t, "the last schedule", &p->figures[FLEET_LAST]);
    put_way(t, "reactive autoscaling", &p->figures[FLEET_REACTIVE]);
    table_end(t, w->width, w->out);
    buffer_add_format(w->out,
                      "autoscaling: %s alone, by %s requests in a replica,\n  the target that did "
                      "best on what came before\n",
                      p->options->terms->offers[p->reactive_offer].name,
                      TEXT_SHORT(p->reactive_target, 3));
    put_less(w);
}

static void put_curve(const struct writing *w)
{
    static const struct table_column columns[] = {{.head = "objectives"},
                                                  {.head = "cash $"},
                                                  {.head = "of this plan"},
                                                  {.head = "spilled over", .optional = true}};
    const struct fleet_plan *p = w->p;
    double base = 0;
    char text[CELL];
    buffer_add_text(w->out,
                    "\nThe price of tighter objectives, by capacities alone (no replay):\n");
    struct table *t = table_create(columns, sizeof columns / sizeof *columns);
    for (size_t i = 0; i < FLEET_CURVE; i++)
        if (p->curve[i].scale == 1 && p->curve[i].possible)
            base = money_to_double(p->curve[i].cash);
    for (size_t i = 0; i < FLEET_CURVE; i++) {
        const struct fleet_point *x = &p->curve[i];
        snprintf(text, sizeof text, "× %g", x->scale);
        table_cell(t, text);
        if (!x->possible) {
            table_cell(t, "");
            table_cell(t, "");
            table_cell(t, "");
            table_note(t, "no fleet meets them in every slot");
            continue;
        }
        cell_usd(t, x->cash);
        if (base > 0)
            snprintf(text, sizeof text, "%.0f %%", 100 * money_to_double(x->cash) / base);
        table_cell(t, base > 0 ? text : "");
        cell_u64(t, x->spilled);
    }
    table_end(t, w->width, w->out);
}

void fleet_plan_write_text(const struct fleet_plan *p, int width, struct buffer *out)
{
    struct writing w = {p, width, out};
    put_head(&w);
    put_offers(&w);
    put_commitments(&w);
    put_slots(&w);
    put_cash(&w);
    put_ways(&w);
    put_curve(&w);
}
