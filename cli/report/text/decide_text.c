#include "cli/report/text/decide_text.h"

#include "core/memory.h"
#include "core/screen/table.h"
#include "core/wrap.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

const char *decide_usd(double usd, char out[DECIDE_USD_SIZE])
{
    char digits[TEXT_GROUPED_SIZE], grouped[TEXT_GROUPED_SIZE];
    if (!isfinite(usd)) {
        snprintf(out, DECIDE_USD_SIZE, "–");
        return out;
    }
    snprintf(digits, sizeof digits, "%.*f", fabs(usd) >= 1 || usd == 0 ? 2 : 6, fabs(usd));
    snprintf(out, DECIDE_USD_SIZE, "%s$%s", usd < 0 ? "−" : "", text_group(digits, grouped));
    return out;
}

static const char *name_of(const struct decide *d, size_t row)
{
    return row == VERDICT_NOBODY ? "none of them" : d->rows[row].candidate->name;
}

static void put_count(uint64_t n, const char *one, const char *many, struct buffer *out)
{
    char text[TEXT_GROUPED_SIZE];
    buffer_add_format(out, "%s %s", text_group_u64(n, text), n == 1 ? one : many);
}

/* ---- sentences ---- */

static void put_objectives(const struct decide *d, struct buffer *out)
{
    const struct slo_list *slos = d->options.slos;
    for (size_t i = 0; i < slos->count; i++) {
        char digits[TEXT_GROUPED_SIZE], text[TEXT_GROUPED_SIZE];
        snprintf(digits, sizeof digits, "%.15g", slos->items[i].limit_ms);
        buffer_add_format(out, "%s%s ≤ %s ms", i ? ", " : "", metric_title(slos->items[i].metric),
                          text_group(digits, text));
    }
    buffer_add_format(out, " for %.6g %% of the requests", 100 * d->options.goodput);
}

void decide_question_text(const struct decide *d, struct buffer *out)
{
    const char *name = d->options.workload->name;
    buffer_add_format(out, "%s · ", name ? name : "workload");
    put_count(d->volume, "request", "requests", out);
    buffer_add_text(out, " a month");
    buffer_add_text(out, d->by_hour ? ", by the sample's hours of the week" : ", evenly");
    buffer_add_text(out, " · ");
    put_objectives(d, out);
    buffer_add_text(out, " · by a sample of ");
    put_count(d->options.workload->count, "request", "requests", out);
    buffer_add_text(out, " in ");
    put_count(d->sample.sessions.count, "session", "sessions", out);
    buffer_add_byte(out, '\n');
}

static void put_lead(const struct decide *d, struct buffer *out)
{
    const struct verdict *v = &d->verdict;
    const struct decide_row *r = &d->rows[v->leader];
    char usd[DECIDE_USD_SIZE];
    double p = 100 * v->probability[v->leader];
    bool alone = v->runner_up == VERDICT_NOBODY;
    bool same = !alone && v->advantage < 0.0005 && v->advantage > -0.0005;
    if (alone)
        buffer_add_format(out, "%s costs %s a month; none beside it can be judged.",
                          r->candidate->name, decide_usd(r->cash, usd));
    else if (d->too_few)
        buffer_add_format(
            out,
            "How sure it is cannot be told from %zu %s: %s is the likeliest to be the "
            "cheapest, at %s a month (P = %.0f %% by these alone).",
            d->sample.blocks, d->sample.blocks == 1 ? "session" : redraw_unit(&d->sample),
            r->candidate->name, decide_usd(r->cash, usd), p);
    else if (v->close && same)
        buffer_add_format(out, "Too close to call: %s and %s cost the same, %s a month.",
                          r->candidate->name, name_of(d, v->runner_up), decide_usd(r->cash, usd));
    else if (v->close && v->unclear)
        buffer_add_format(
            out,
            "Too close to call: %s is likely the cheapest, at %s a month (P = %.0f %%), "
            "but in %.0f %% of the draws by less than 1 %% or not at all.",
            r->candidate->name, decide_usd(r->cash, usd), p, 100 * (1 - v->clear));
    else if (v->close)
        buffer_add_format(out,
                          "Too close to call: %s is the likeliest to be the cheapest, at %s a "
                          "month, with P = %.0f %%.",
                          r->candidate->name, decide_usd(r->cash, usd), p);
    else
        buffer_add_format(out, "%s is the cheapest: %s a month, P = %.0f %%.", r->candidate->name,
                          decide_usd(r->cash, usd), p >= 99.5 && p < 100 ? 99 : p);
    if (r->without_caps)
        buffer_add_text(out, " That is if its caps, which nobody confirmed, do not hold; with them "
                             "it does not serve every request.");
    buffer_add_byte(out, '\n');
}

static void put_next(const struct decide *d, struct buffer *out)
{
    const struct verdict *v = &d->verdict;
    char usd[DECIDE_USD_SIZE];
    if (v->runner_up == VERDICT_NOBODY) {
        buffer_add_text(out, "No other candidate that was measured or simulated meets the "
                             "objectives: there is nothing to compare it with.\n");
        return;
    }
    const struct decide_row *r = &d->rows[v->runner_up];
    buffer_add_format(out, "Next: %s at %s a month", r->candidate->name, decide_usd(r->cash, usd));
    if (v->advantage >= 0.0005)
        buffer_add_format(out,
                          "; for each good request %s costs %.3g %% less than the best of "
                          "the others",
                          name_of(d, v->leader), 100 * v->advantage);
    buffer_add_text(out, ".\n");
}

static void put_flips(const struct decide *d, struct buffer *out)
{
    char n[TEXT_GROUPED_SIZE];
    bool any = d->flips_below > 0 || d->flips_above > 0;
    if (d->verdict.runner_up == VERDICT_NOBODY || (!any && d->expected == VERDICT_NOBODY))
        return;
    if (d->flips_above > 0)
        buffer_add_format(out, "From about %s requests a month on %s is the cheapest",
                          text_group_u64(d->flips_above, n), name_of(d, d->above));
    if (d->flips_below > 0)
        buffer_add_format(out, "%s %s requests a month and fewer %s is",
                          d->flips_above > 0 ? "; at about" : "At about",
                          text_group_u64(d->flips_below, n), name_of(d, d->below));
    if (!any)
        buffer_add_format(out,
                          "From a hundredth to a hundred times as many requests %s stays the "
                          "cheapest",
                          name_of(d, d->expected));
    buffer_add_text(out, ".\n");
}

void decide_answer_text(const struct decide *d, struct buffer *out)
{
    if (d->judged == 0) {
        buffer_add_text(out,
                        "Nobody measured whether these plans meet the objectives, so no winner "
                        "is named: give RUN+PLAN (a run of bench against the endpoint) or "
                        "ENGINE+PRICE.\n");
        return;
    }
    if (d->verdict.leader == VERDICT_NOBODY) {
        buffer_add_text(out, "None of the candidates serves everything within the objectives.\n");
        return;
    }
    put_lead(d, out);
    put_next(d, out);
    put_flips(d, out);
}

static void put_sample(const struct decide *d, struct buffer *out)
{
    char n[TEXT_GROUPED_SIZE];
    double sessions = (double)d->sample.sessions.count * d->sample_factor;
    if (!d->verdict.close || d->verdict.unclear || isnan(d->sample_factor))
        return;
    if (isinf(d->sample_factor) || sessions > 1e9)
        buffer_add_text(out, "No larger sample decides it: what is in doubt are the engines' own "
                             "errors, the runs or the token counts. Measure those.\n");
    else
        buffer_add_format(out, "A sample of about %s sessions like these would decide it.\n",
                          text_group_u64((uint64_t)ceil(sessions), n));
}

static void put_errors(const struct decide *d, struct buffer *out)
{
    for (size_t i = 0; i < d->count; i++) {
        const struct own *o = &d->own[i];
        if (d->rows[i].candidate->kind != CANDIDATE_OWN)
            continue;
        if (o->error_unknown)
            buffer_add_format(out, "%s states no error: ±%.0f %% was taken.\n",
                              d->rows[i].candidate->engine->name, 100 * o->error);
        else if (o->error > 0)
            buffer_add_format(out, "%s: its times may be wrong by ±%.0f %% (90 %%).\n",
                              d->rows[i].candidate->engine->name, 100 * o->error);
    }
}

static void put_runs(const struct decide *d, struct buffer *out)
{
    const struct candidate_list *list = d->options.candidates;
    double busiest_rps = d->mean_rps * d->peak;
    for (size_t i = 0; i < list->run_count; i++) {
        const struct measured *m = list->runs[i];
        if (m->simulated)
            buffer_add_format(out, "%s is a simulation: its goodput is a model's, not measured.\n",
                              m->run);
        if (m->rate_rps < busiest_rps * 0.9)
            buffer_add_format(
                out,
                "%s was measured at %.3g requests/s, and the month's busiest hour has "
                "%.3g: whether the objectives hold there is not known.\n",
                m->run, m->rate_rps, busiest_rps);
    }
}

/* What choosing the leader costs; only draws in which it serves are counted. */
static void put_regret(const struct decide *d, struct buffer *out)
{
    const struct verdict *v = &d->verdict;
    char a[DECIDE_USD_SIZE], b[DECIDE_USD_SIZE], c[DECIDE_USD_SIZE];
    double month = (double)d->volume, serves = v->ranges[v->leader].acceptable;
    if (serves < 1)
        buffer_add_format(out,
                          "In %.3g %% of the draws %s does not serve or misses the "
                          "objectives; in the others choosing",
                          100 * (1 - serves), name_of(d, v->leader));
    else
        buffer_add_text(out, "Choosing");
    buffer_add_format(out,
                      " it costs %s a month more than the best choice would, on average "
                      "(95 %%: %s … %s).\n",
                      decide_usd(v->regret * month, a), decide_usd(v->regret_low * month, b),
                      decide_usd(v->regret_high * month, c));
}

void decide_surety_text(const struct decide *d, struct buffer *out)
{
    const struct verdict *v = &d->verdict;
    char n[TEXT_GROUPED_SIZE];
    if (v->leader == VERDICT_NOBODY)
        return;
    buffer_add_format(out, "%s months were drawn anew of the sample's ",
                      text_group_u64(d->options.draws, n));
    buffer_add_format(out, "%s %s, with all else that is in doubt.",
                      text_group_u64(d->sample.blocks, n),
                      d->sample.blocks == 1 ? "session" : redraw_unit(&d->sample));
    if (d->scaled)
        buffer_add_format(out, " Each has %s requests; what is charged by use was scaled.",
                          text_group_u64(DECIDE_DRAW_ROWS, n));
    buffer_add_byte(out, '\n');
    if (v->runner_up != VERDICT_NOBODY)
        put_regret(d, out);
    put_sample(d, out);
    put_errors(d, out);
    put_runs(d, out);
    if (!d->by_hour && d->options.peak <= 0)
        buffer_add_text(out,
                        "The sample spans less than a week, so the month's busiest hour is not "
                        "known: requests come evenly (--peak 5 for one of five times the "
                        "mean).\n");
}

/* ---- the table ---- */

static int class_of(const struct decide *d, size_t row)
{
    const struct decide_row *r = &d->rows[row];
    if (!r->judged)
        return 3;
    return !r->serves ? 2 : r->goodput < d->options.goodput;
}

static bool is_before(const struct decide *d, size_t a, size_t b)
{
    int x = class_of(d, a), y = class_of(d, b);
    if (x != y)
        return x < y;
    double of_a = x == 3 ? d->rows[a].cash : d->rows[a].unit;
    double of_b = x == 3 ? d->rows[b].cash : d->rows[b].unit;
    return of_a < of_b;
}

void decide_order(const struct decide *d, size_t *out)
{
    for (size_t i = 0; i < d->count; i++) {
        size_t k = i;
        for (; k > 0 && is_before(d, i, out[k - 1]); k--)
            out[k] = out[k - 1];
        out[k] = i;
    }
}

static void put_share(double share, struct table *t)
{
    char text[24];
    if (isnan(share))
        snprintf(text, sizeof text, "–");
    else
        snprintf(text, sizeof text, "%.*f %%", share > 0.99 && share < 1 ? 1 : 0,
                 share > 0.999 && share < 1 ? 99.9 : 100 * share);
    table_cell(t, text);
}

static void put_range(const struct verdict_range *r, struct table *t)
{
    char text[64];
    if (isnan(r->low))
        snprintf(text, sizeof text, "–");
    else
        snprintf(text, sizeof text, "%.3g … %.3g", r->low, r->high);
    table_cell(t, text);
}

static void put_row(const struct decide *d, size_t row, size_t rank, struct table *t)
{
    const struct decide_row *r = &d->rows[row];
    char text[DECIDE_USD_SIZE];
    snprintf(text, sizeof text, "%2zu", rank);
    table_cell(t, class_of(d, row) == 0 ? text : "");
    table_cell(t, r->candidate->name);
    table_cell(t, decide_usd(r->cash, text));
    put_share(r->goodput, t);
    put_range(&d->verdict.ranges[row], t);
    put_share(r->judged ? d->verdict.probability[row] : NAN, t);
}

static void put_replicas(const struct decide_row *r, struct buffer *out)
{
    char n[TEXT_GROUPED_SIZE];
    buffer_add_format(out, "%s: %s replica%s of %u GPU%s; one sustains ", r->candidate->name,
                      text_group_u64(r->count, n), r->count == 1 ? "" : "s", r->candidate->gpus,
                      r->candidate->gpus == 1 ? "" : "s");
    if (isinf(r->replica_rps))
        buffer_add_text(out, "whatever it was asked.\n");
    else
        buffer_add_format(out, "%.4g requests/s.\n", r->replica_rps);
}

static void put_remark(const struct decide *d, size_t row, struct buffer *out)
{
    const struct decide_row *r = &d->rows[row];
    char n[TEXT_GROUPED_SIZE], usd[DECIDE_USD_SIZE];
    const char *name = r->candidate->name;
    double holds = d->verdict.ranges[row].acceptable;
    if (r->why_not)
        buffer_add_format(out, "%s %s.", name, r->why_not);
    else if (!r->judged)
        buffer_add_format(out,
                          "%s: whether it meets the objectives was not measured (RUN+PLAN); it "
                          "takes no part.\n",
                          name);
    else if (r->goodput < d->options.goodput)
        buffer_add_format(out, "%s meets the objectives for %.4g %% of the requests only.\n", name,
                          100 * r->goodput);
    else if (r->candidate->kind == CANDIDATE_OWN)
        put_replicas(r, out);
    else if (r->count > 1)
        buffer_add_format(out, "%s: %s of it.\n", name, text_group_u64(r->count, n));
    if (r->without_caps)
        buffer_add_format(out,
                          " Its caps are unconfirmed, and without them it does, at %s a month "
                          "(%s of it): even odds.",
                          decide_usd(r->cash, usd), text_group_u64(r->count ? r->count : 1, n));
    if (r->why_not)
        buffer_add_byte(out, '\n');
    else if (r->judged && holds < 1)
        buffer_add_format(out, "%s serves and meets the objectives in %.0f %% of the draws.\n",
                          name, 100 * holds);
}

/* ---- what would change it ---- */

static void put_end(const struct decide *d, const struct decide_end *end, struct buffer *out)
{
    if (end->leader == d->expected)
        buffer_add_format(out, "%s: it stays, by %.*f %%", end->label, end->advantage < 0.1,
                          100 * end->advantage);
    else
        buffer_add_format(out, "%s: %s", end->label, name_of(d, end->leader));
}

static bool is_known(const struct decide_hinge *h)
{
    return h->less.known || h->more.known;
}

static bool hinges_known(const struct decide *d)
{
    for (size_t i = 0; i < d->hinge_count; i++)
        if (is_known(&d->hinges[i]))
            return true;
    return false;
}

void decide_hinges_text(const struct decide *d, struct buffer *out)
{
    for (size_t i = 0; i < d->hinge_count; i++) {
        const struct decide_hinge *h = &d->hinges[i];
        if (!is_known(h))
            continue;
        buffer_add_format(out, "%s: ", h->what);
        if (h->less.known)
            put_end(d, &h->less, out);
        buffer_add_text(out, h->less.known && h->more.known ? "; " : "");
        if (h->more.known)
            put_end(d, &h->more, out);
        buffer_add_text(out, ".\n");
    }
}

static void put_steps(const struct decide *d, struct buffer *out)
{
    char n[TEXT_GROUPED_SIZE];
    if (d->step_count < 2)
        return;
    buffer_add_text(out, "\n   requests a month, from      the cheapest, as expected\n");
    for (size_t i = 0; i < d->step_count; i++) {
        bool here = d->steps[i].from <= d->volume &&
                    (i + 1 == d->step_count || d->steps[i + 1].from > d->volume);
        buffer_add_text(out, here ? " → " : "   ");
        wrap_padded(text_group_u64(d->steps[i].from, n), 23, true, out);
        buffer_add_format(out, "      %s\n", name_of(d, d->steps[i].leader));
    }
}

static void put_wrapped(void (*write)(const struct decide *d, struct buffer *out),
                        const struct decide *d, int width, struct buffer *out)
{
    struct buffer text;
    buffer_init(&text, BUFFER_UNBOUNDED);
    write(d, &text);
    wrap_text((struct text){text.data, text.length}, (size_t)width, 2, out);
    buffer_free(&text);
}

static void put_remarks(const struct decide *d, struct buffer *out)
{
    size_t *order = mem_alloc((d->count + 1) * sizeof *order);
    decide_order(d, order);
    for (size_t i = 0; i < d->count; i++)
        put_remark(d, order[i], out);
    free(order);
}

/* Lines as a list of texts. */
static void put_lines(void (*write)(const struct decide *d, struct buffer *out),
                      const struct decide *d, const char *key, struct json_writer *w)
{
    struct buffer text;
    buffer_init(&text, BUFFER_UNBOUNDED);
    write(d, &text);
    json_pair_lines(w, key, (struct text){text.data, text.length});
    buffer_free(&text);
}

void decide_put_sentences(const struct decide *d, struct json_writer *w)
{
    json_key(w, "sentences");
    json_begin_object(w);
    put_lines(decide_question_text, d, "question", w);
    put_lines(decide_answer_text, d, "answer", w);
    put_lines(decide_surety_text, d, "how_sure", w);
    put_lines(decide_hinges_text, d, "would_change", w);
    put_lines(put_remarks, d, "remarks", w);
    json_end_object(w);
}

static void put_surety(const struct decide *d, struct buffer *out)
{
    if (d->verdict.leader != VERDICT_NOBODY)
        buffer_add_text(out, "How sure: ");
    decide_surety_text(d, out);
}

static void put_table(const struct decide *d, int width, struct buffer *out)
{
    static const struct table_column columns[] = {
        {.head = ""},     {.head = "candidate", .left = true}, {.head = "month"},
        {.head = "good"}, {.head = "USD a good request"},      {.head = "P"}};
    size_t *order = mem_alloc((d->count + 1) * sizeof *order);
    struct table *t = table_create(columns, COUNT_OF(columns));
    decide_order(d, order);
    for (size_t i = 0; i < d->count; i++)
        put_row(d, order[i], i + 1, t);
    free(order);
    table_end(t, width, out);
}

void decide_write_text(const struct decide *d, int width, struct buffer *out)
{
    put_wrapped(decide_question_text, d, width, out);
    buffer_add_byte(out, '\n');
    put_wrapped(decide_answer_text, d, width, out);
    buffer_add_byte(out, '\n');
    put_table(d, width, out);
    buffer_add_byte(out, '\n');
    put_wrapped(put_remarks, d, width, out);
    put_wrapped(put_surety, d, width, out);
    put_steps(d, out);
    if (hinges_known(d))
        buffer_add_format(out, "\nWhat would change it, one thing at a time, from %s:\n",
                          name_of(d, d->expected));
    put_wrapped(decide_hinges_text, d, width, out);
}
