/* What the plots show is what the summary and the bill say, and every axis has its unit. */
#include "testing_workload.h"

#include "cli/report/plot/pictures.h"
#include "core/file.h"
#include "core/memory.h"
#include "core/runs/record/run_dir.h"
#include "core/runs/server/server_line.h"
#include "sim/cost/bill/bill_rows.h"
#include "sim/cost/ladder/ladder.h"

#include <math.h>
#include <string.h>

#define REQUESTS 500

static const char book_text[] =
    "{\"plans\": ["
    "{\"name\": \"token<b>'\\\"\", \"per_mtok\": {\"input\": \"0.50\", \"output\": \"2.15\"}},"
    "{\"name\": \"flat\", \"subscription\": {\"price\": \"80\", \"period\": \"month\","
    " \"includes\": {\"requests\": 100, \"per\": \"day\"}, \"beyond\": \"queue\"}},"
    "{\"name\": \"capped\", \"per_mtok\": {\"input\": \"0.10\", \"output\": \"8\"},"
    " \"limits\": {\"max_input_tokens\": 2000}}]}";

/* A run of REQUESTS requests, one a second, the i-th taking 50 + i ms to its first token. */
static struct collector *make_collector(void)
{
    struct collector *c = collector_create();
    for (int i = 0; i < REQUESTS; i++) {
        struct record r;
        char id[16];
        int64_t chunks[4];
        record_init(&r);
        snprintf(id, sizeof id, "r%d", i);
        r.request_id = id;
        r.attempt = 1;
        r.final = true;
        r.scheduled_ns = r.ready_ns = r.sent_ns = i * NS_PER_S;
        for (int k = 0; k < 4; k++)
            chunks[k] = r.sent_ns + (50 + i) * NS_PER_MS + k * (10 + i % 7) * NS_PER_MS;
        r.first_byte_ns = r.first_token_ns = r.first_output_ns = chunks[0];
        r.last_token_ns = r.done_ns = chunks[3];
        r.status = RECORD_COMPLETED;
        r.streamed = true;
        r.usage = usage_from_totals(1000, 0, 0, 0, 4, 0);
        r.usage_from = USAGE_SERVER;
        r.chunks = 4;
        r.chunk_ns = chunks;
        collector_add(c, &r);
    }
    return c;
}

static struct summary summarize(struct collector *c)
{
    struct summary_options how = {.command = "bench", .load = "open", .no_intervals = true};
    struct summary s;
    how.slos.items[how.slos.count++] = (struct slo){METRIC_TTFT, 300};
    how.warmup = WARMUP_GIVEN;
    how.warmup_ns = 100 * NS_PER_S;
    collector_summarize(c, &how, &s);
    return s;
}

struct priced {
    struct workload workload;
    struct plan_book book;
    struct bill bill;
};

static struct priced *make_bill(void)
{
    struct priced *b = mem_zero(1, sizeof *b);
    const struct plan *plans[3];
    struct error err = {0};
    ck_assert_int_eq(plan_book_parse("test", book_text, strlen(book_text), &b->book, &err), 0);
    workload_init(&b->workload);
    for (uint32_t i = 0; i < REQUESTS; i++) {
        workload_add_plain(&b->workload, (int64_t)i * NS_PER_S, 100 + i * 9, 1 + i % 97);
    }
    for (size_t i = 0; i < 3; i++)
        plans[i] = &b->book.plans[i];
    ck_assert_msg(bill_make(&b->bill, &b->workload, plans, 3, &(struct bill_options){.workers = 1},
                            &err) == 0,
                  "%s", err.message);
    return b;
}

static void free_bill(struct priced *b)
{
    bill_free(&b->bill);
    plan_book_free(&b->book);
    workload_free(&b->workload);
    free(b);
}

/* Where the curve y(x) of a distribution passes the share. */
static double x_at(const struct plot_series *s, double share)
{
    for (size_t i = 1; i < s->count; i++)
        if (s->y[i] >= share)
            return s->x[i - 1] +
                   (s->x[i] - s->x[i - 1]) * (share - s->y[i - 1]) / (s->y[i] - s->y[i - 1]);
    return s->x[s->count - 1];
}

/* What the script writes around the panels: titles, axes, names. */
static void assert_text(const struct picture *p, const char *text)
{
    struct buffer script;
    char line[300];
    buffer_init(&script, BUFFER_UNBOUNDED);
    plot_script(&p->plot, "svg", "x.svg", &script);
    snprintf(line, sizeof line, "set label '%s' at screen", text);
    ck_assert_msg(strstr(script.data, line) != NULL, "%s: no %s", p->plot.name, line);
    buffer_free(&script);
}

static void assert_axes(const struct picture *p, const char *x, const char *y)
{
    assert_text(p, x);
    assert_text(p, y);
}

START_TEST(latency_plots_show_the_summary)
{
    struct collector *c = make_collector();
    struct summary s = summarize(c);
    const struct metric_summary *ttft = &s.window.metrics[METRIC_TTFT];
    struct picture p;
    ck_assert_uint_eq(ttft->count, 400);
    ck_assert(picture_latency_cdf(&p, c, &s, "run"));
    ck_assert_double_eq_tol(x_at(&p.panels[0].series[0], 0.5), ttft->p50, 1e-6 * ttft->p50);
    ck_assert_double_eq_tol(x_at(&p.panels[0].series[0], 0.99), ttft->p99, 1e-6 * ttft->p99);
    ck_assert_double_eq(p.panels[0].marks[0].at, 300);
    assert_axes(&p, "latency (ms)", "share of requests");
    picture_free(&p);

    ck_assert(picture_spectrum(&p, c, &s, "run"));
    const struct plot_series *spectrum = &p.panels[0].series[0];
    ck_assert_double_eq_tol(spectrum->y[0], ttft->min, 1e-9);
    for (size_t i = 1; i < spectrum->count; i++)
        if (spectrum->x[i - 1] <= 100 && spectrum->x[i] >= 100) {
            ck_assert_double_le(spectrum->y[i - 1], ttft->p99);
            ck_assert_double_ge(spectrum->y[i], ttft->p99);
        }
    ck_assert_double_eq(p.panels[0].x_max, 400);
    assert_axes(&p, "percentile (%), spaced by 1/(1 − q)", "latency (ms)");
    picture_free(&p);
    collector_free(c);
}
END_TEST

START_TEST(counts_of_histogram_and_heat_map_are_the_summarys)
{
    struct collector *c = make_collector();
    struct summary s = summarize(c);
    struct picture p;
    double gaps = 0, cells = 0;
    ck_assert(picture_chunk_gaps(&p, c, &s, "run"));
    for (size_t i = 0; i < p.panels[0].series[0].count; i++)
        if (p.panels[0].series[0].y2[i] > 0)
            gaps += p.panels[0].series[0].y2[i];
    ck_assert_double_eq(gaps, (double)s.window.metrics[METRIC_CHUNK_GAP].count);
    ck_assert_double_eq(gaps, 1200);
    ck_assert_double_eq(p.panels[0].marks[0].at, s.window.metrics[METRIC_CHUNK_GAP].p50);
    assert_axes(&p, "gap between chunks (ms)", "gaps (count)");
    picture_free(&p);

    ck_assert(picture_heat(&p, c, &s, "run"));
    ck_assert_uint_eq(p.plot.panel_count, 2);
    const struct plot_series *heat = &p.panels[1].series[0];
    for (size_t i = 0; i < heat->count; i++) {
        cells += heat->value[i];
        ck_assert_double_lt(heat->y[i], heat->y2[i]);
    }
    ck_assert_double_eq(cells, (double)s.window.metrics[METRIC_E2E_SCHEDULED].count);
    assert_axes(&p, "time since the start (s)", "TTFT, scheduled (ms)");
    assert_axes(&p, "time since the start (s)", "E2E, scheduled (ms)");
    picture_free(&p);

    double completed = 0, tokens = 0;
    ck_assert(picture_timeline(&p, c, &s, "run"));
    for (size_t i = 0; i < p.panels[0].series[1].count; i++) {
        completed += p.panels[0].series[1].y[i];
        tokens += p.panels[1].series[0].y[i];
    }
    ck_assert_double_eq(completed, (double)s.accounting.completed);
    ck_assert_double_eq(tokens, (double)s.all.output_tokens);
    assert_axes(&p, "time since the start (s)", "requests/s");
    assert_axes(&p, "output tokens/s", "in flight (requests)");
    assert_text(&p, "500 of 500 requests completed, at most 1 in flight at once");
    picture_free(&p);
    collector_free(c);
}
END_TEST

/* A record without chunk times leaves the gaps to histograms.json. */
START_TEST(gaps_come_back_from_a_finished_run)
{
    struct collector *c = make_collector(), *later = collector_create();
    struct summary_options how = {.command = "bench", .load = "open", .no_intervals = true};
    struct summary before, after;
    struct buffer text;
    struct json_writer w;
    char folder[] = "/tmp/farebox-plots-XXXXXX", path[64];
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/histograms.json", folder);
    buffer_init(&text, BUFFER_UNBOUNDED);
    json_write_init(&w, &text, 2);
    collector_write_histograms(c, &w);
    ck_assert_int_eq(collector_read_gaps(later, folder, NULL), 0); /* nothing is there yet */
    ck_assert_int_eq(file_write_atomic(path, text.data, text.length, NULL), 0);
    collector_summarize(c, &how, &before);
    ck_assert_int_eq(collector_read_gaps(later, folder, NULL), 0);
    collector_summarize(later, &how, &after);
    const struct metric_summary *a = &before.window.metrics[METRIC_CHUNK_GAP];
    const struct metric_summary *b = &after.window.metrics[METRIC_CHUNK_GAP];
    ck_assert_uint_eq(a->count, 1500);
    ck_assert_uint_eq(b->count, a->count);
    ck_assert_double_eq(b->mean, a->mean);
    ck_assert_double_eq(b->max, a->max);
    ck_assert_double_eq_tol(b->p99, a->p99, a->p99 * 0.001);
    testing_remove(folder);
    buffer_free(&text);
    collector_free(later);
    collector_free(c);
}
END_TEST

START_TEST(a_run_without_values_has_no_plots)
{
    struct collector *c = collector_create();
    struct summary s = summarize(c);
    struct picture p;
    ck_assert(!picture_latency_cdf(&p, c, &s, "run"));
    picture_free(&p);
    ck_assert(!picture_spectrum(&p, c, &s, "run"));
    picture_free(&p);
    ck_assert(!picture_chunk_gaps(&p, c, &s, "run"));
    picture_free(&p);
    ck_assert(!picture_heat(&p, c, &s, "run"));
    picture_free(&p);
    ck_assert(!picture_timeline(&p, c, &s, "run"));
    picture_free(&p);
    collector_free(c);
}
END_TEST

/* Two sources: each has points of its own, and what they share is their sum. */
START_TEST(the_server_stands_under_the_timeline_on_the_same_axis)
{
    struct collector *c = make_collector();
    struct summary s = summarize(c);
    struct picture p;
    struct buffer text;
    char folder[] = "/tmp/farebox-plots-XXXXXX";
    ck_assert_ptr_nonnull(mkdtemp(folder));
    char *file = run_dir_file(folder, "server.jsonl");
    buffer_init(&text, BUFFER_UNBOUNDED);
    for (int i = 0; i < 20; i++) {
        struct server_line line;
        server_line_init(&line);
        line.t_ns = i * NS_PER_S;
        snprintf(line.source, sizeof line.source, "%s", i % 2 ? "b" : "a");
        line.values[SERVER_RUNNING] = i % 2 ? 3 : 4;
        line.values[SERVER_KV_USE] = 0.5;
        if (i % 2)
            line.values[SERVER_GPU_POWER] = 300;
        server_line_write(&line, &text);
    }
    ck_assert_int_eq(file_write_atomic(file, text.data, text.length, NULL), 0);
    ck_assert(picture_timeline(&p, c, &s, "run"));
    picture_add_server(&p, folder);
    ck_assert_uint_eq(p.plot.panel_count, 6);
    const struct plot_series *running = &p.panels[3].series[0], *power = &p.panels[5].series[0];
    ck_assert_uint_eq(running->count, 20);
    ck_assert_double_eq(running->y[0], 4); /* the other is not known yet */
    ck_assert_double_eq(running->y[19], 7);
    ck_assert_double_eq(p.panels[4].series[0].y[19], 50);
    ck_assert_uint_eq(power->count, 10);
    ck_assert_double_eq(power->x[1], 3);
    for (size_t i = 1; i < 6; i++) {
        ck_assert_double_eq(p.panels[i].x_min, p.panels[0].x_min);
        ck_assert_double_eq(p.panels[i].x_max, p.panels[0].x_max);
        ck_assert_int_eq(p.panels[i].x_label != NULL, i == 5);
    }
    assert_axes(&p, "time since the start (s)", "GPU power (W)");
    picture_free(&p);
    unlink(file);
    ck_assert(picture_timeline(&p, c, &s, "run"));
    picture_add_server(&p, folder);
    ck_assert_uint_eq(p.plot.panel_count, 3);
    picture_free(&p);
    rmdir(folder);
    free(file);
    buffer_free(&text);
    collector_free(c);
}
END_TEST

START_TEST(cost_plots_show_the_bill)
{
    struct priced *b = make_bill();
    const struct plan_bill *token = &b->bill.plans[0], *flat = &b->bill.plans[1];
    struct picture p;
    ck_assert(picture_cost_cdf(&p, &b->bill, "run"));
    const struct plot_series *s = p.panels[0].series;
    ck_assert_uint_eq(p.panels[0].series_count, 3);
    ck_assert_double_eq_tol(x_at(&s[0], 0.5), token->stats.p50, 1e-6 * token->stats.p50);
    ck_assert_double_eq_tol(x_at(&s[0], 0.99), token->stats.p99, 1e-6 * token->stats.p99);
    ck_assert_double_eq(s[1].x[0], money_to_double(flat->per_used_request));
    ck_assert_double_eq(s[1].x[1], s[1].x[0]);
    ck_assert_ptr_nonnull(strstr(s[2].title, "serves 212 of 500"));
    assert_axes(&p, "price of a request (USD)", "share of served requests");
    picture_free(&p);

    ck_assert(picture_spend(&p, &b->bill, "run"));
    s = p.panels[0].series;
    for (int i = 0; i < 3; i++) {
        const struct plan_bill *plan = &b->bill.plans[i];
        ck_assert_double_eq_tol(s[i].y[s[i].count - 1], money_to_double(plan->total), 1e-12);
        ck_assert_int_eq(s[i].color, i);
    }
    assert_axes(&p, "time since the first request (s)", "paid so far (USD)");
    picture_free(&p);

    ck_assert(picture_variance(&p, &b->bill, "run"));
    ck_assert_double_eq(p.panels[0].series[0].x2[0], token->stats.cv);
    ck_assert_double_eq(p.panels[0].series[1].x2[0], 0);
    ck_assert_double_eq_tol(p.panels[1].series[0].x2[0], 100 * token->stats.share[PART_INPUT],
                            1e-9);
    double token_shares = 0;
    for (size_t i = 0; i < p.panels[1].series_count; i++) {
        const struct plot_series *part = &p.panels[1].series[i];
        if (part->y[0] > 1.5) /* the first of three rows, the token plan's */
            token_shares += part->x2[0] - part->x[0];
    }
    ck_assert_double_eq_tol(token_shares, 100, 0.05);
    assert_axes(&p, "deviation / mean (CV)", "plan, and its CV");
    assert_axes(&p, "share of variance (%)", "which part of the charge that comes from");
    picture_free(&p);
    free_bill(b);
}
END_TEST

START_TEST(the_ladder_is_drawn_from_end_to_end_of_its_steps)
{
    struct priced *b = make_bill();
    struct ladder ladder;
    struct ladder_options options = {.seed = 1};
    struct picture p;
    struct error err = {0};
    ck_assert(!picture_ladder(&p, &b->bill, "run"));
    picture_free(&p);
    ck_assert_msg(ladder_make(&ladder, &b->bill, &options, &err) == 0, "%s", err.message);
    ladder_attach(&ladder, &b->bill);
    ck_assert(picture_ladder(&p, &b->bill, "run"));
    const struct plot_panel *panel = &p.panels[0];
    ck_assert_uint_eq(panel->series_count, ladder.curve_count + ladder.interval_count);
    const struct ladder_run *last = &ladder.intervals[ladder.interval_count - 1].run;
    const struct plot_series *s = &panel->series[panel->series_count - 1];
    ck_assert_double_eq(s->x[s->count - 1], (double)last->to);
    ck_assert_double_eq(s->y[s->count - 1], money_to_double(last->total_to));
    ck_assert_int_eq(s->color, picture_plan_color(&b->bill, last->plan));
    ck_assert_double_eq(panel->marks[0].at, (double)ladder.here);
    assert_axes(&p, "requests a month", "a month (USD)");
    picture_free(&p);
    ladder_free(&ladder);
    free_bill(b);
}
END_TEST

/* Every cell's middle lies in a rectangle of the plan that the bill's map names. */
/* The last y of a curve of steps at x or before it. */
static double y_until(const struct plot_series *s, double x)
{
    double y = 0;
    for (size_t i = 0; i < s->count && s->x[i] <= x; i++)
        y = s->y[i];
    return y;
}

/* 40 requests, one every twelve hours, from a Thursday noon on: $10 a week, and what was paid. */
START_TEST(what_is_paid_stands_over_dates_and_a_subscription_is_a_step)
{
    static const char weekly[] =
        "{\"plans\": [{\"name\": \"a-name-that-is-much-too-long-for-a-legend-and-ends-in-one\","
        " \"subscription\": {\"price\": \"1000\", \"period\": \"week\", \"includes\":"
        " {\"requests\": 100, \"per\": \"week\"}, \"beyond\": \"reject\"}},"
        "{\"name\": \"a-name-that-is-much-too-long-for-a-legend-and-ends-in-two\","
        " \"per_request\": \"0.5\"}]}";
    const double day = 86400;
    struct workload w = testing_rows(40, 43200 * NS_PER_S, 100, 10);
    struct plan_book book;
    struct bill bill;
    struct picture p;
    struct error err = {0};
    ck_assert_int_eq(plan_book_parse("test", weekly, strlen(weekly), &book, &err), 0);
    const struct plan *plans[] = {&book.plans[0], &book.plans[1]};
    struct bill_options how = {
        .workers = 1, .has_start = true, .start_unix_ns = INT64_C(1761220800) * NS_PER_S};
    w.cost = mem_alloc(40 * sizeof *w.cost);
    for (size_t i = 0; i < 40; i++)
        w.cost[i] = MONEY_USD / 4;
    ck_assert_int_eq(bill_make(&bill, &w, plans, 2, &how, &err), 0);
    ck_assert(picture_spend(&p, &bill, "run"));
    const struct plot_series *paid = &p.panels[0].series[0], *flat = &p.panels[0].series[1];
    ck_assert_str_eq(paid->title, "paid, as reported");
    ck_assert_double_eq_tol(paid->y[paid->count - 1], 10, 1e-9);
    for (int week = 0; week < 3; week++) {
        ck_assert_double_eq_tol(y_until(flat, week * 7 * day), 1000 * (week + 1), 1e-9);
        ck_assert_double_eq_tol(y_until(flat, (week + 1) * 7 * day - 1), 1000 * (week + 1), 1e-9);
    }
    ck_assert_double_eq(flat->y[flat->count - 1], money_to_double(bill.plans[0].total));
    ck_assert_str_ne(flat->title, p.panels[0].series[2].title);
    assert_axes(&p, "date (UTC)", "paid so far (USD)");
    ck_assert_str_eq(p.panels[0].x_names[0], "2025-10-24");
    ck_assert_double_eq(p.panels[0].x_ticks[0], day / 2);
    ck_assert_str_eq(p.panels[0].y_names[2], "$1,000");
    ck_assert_double_eq(p.panels[0].y_ticks[2], 1000);
    picture_free(&p);
    bill_free(&bill);
    plan_book_free(&book);
    workload_free(&w);
}
END_TEST

START_TEST(the_map_shows_the_cheapest_plan)
{
    struct priced *b = make_bill();
    const struct cheapest_map *m = &b->bill.map;
    struct picture p;
    ck_assert(picture_cheapest(&p, &b->bill, "run"));
    for (size_t i = 0; i < m->input_count; i++)
        for (size_t o = 0; o < m->output_count; o++) {
            int color = -2, hits = 0;
            double x = (double)m->inputs[i], y = (double)m->outputs[o];
            for (size_t k = 0; k < p.panels[0].series_count; k++) {
                const struct plot_series *s = &p.panels[0].series[k];
                for (size_t j = 0; s->style == PLOT_CELLS && j < s->count; j++)
                    if (s->x[j] <= x && x < s->x2[j] && s->y[j] <= y && y < s->y2[j]) {
                        color = s->color;
                        hits++;
                    }
            }
            ck_assert_int_eq(hits, 1);
            ck_assert_int_eq(color, m->cheapest[i * m->output_count + o]);
        }
    assert_axes(&p, "input of a request (tokens)", "output of a request (tokens)");
    picture_free(&p);
    free_bill(b);
}
END_TEST

START_TEST(rows_add_up_to_the_bill_and_tell_when_a_quota_ends)
{
    struct priced *b = make_bill();
    struct bill_row *rows;
    for (size_t i = 0; i < 3; i++) {
        size_t count = bill_rows(&b->bill, i, &rows);
        money sum = 0;
        ck_assert_uint_eq(count, REQUESTS);
        for (size_t k = 0; k < count; k++)
            sum += rows[k].charge;
        ck_assert(sum == b->bill.plans[i].sums.total);
        ck_assert_uint_eq(bill_rows_first_limited(rows, count), count);
        free(rows);
        /* One flat plan takes 100 a day: the 101st waits. Nothing limits the others' pace. */
        count = bill_rows_of(&b->bill, i, 1, &rows);
        ck_assert_uint_eq(bill_rows_first_limited(rows, count), i == 1 ? 100 : count);
        free(rows);
    }
    free_bill(b);
}
END_TEST

START_TEST(names_from_outside_are_data_in_the_script)
{
    struct priced *b = make_bill();
    struct picture p;
    struct buffer script;
    buffer_init(&script, BUFFER_UNBOUNDED);
    ck_assert(picture_cost_cdf(&p, &b->bill, "a'; system \"false\" #"));
    plot_script(&p.plot, "svg", "x.svg", &script);
    ck_assert_ptr_nonnull(strstr(script.data, "set label 'token<b>''\"'"));
    ck_assert_ptr_nonnull(strstr(script.data, "a''; system \"false\" #' at screen"));
    buffer_free(&script);
    picture_free(&p);
    free_bill(b);
}
END_TEST

/* Three lines of which the first and the last lie on each other, and a dashed one there too. */
START_TEST(lines_on_each_other_show_in_turn)
{
    static const double x[] = {1, 2, 3}, y[] = {4, 5, 6}, same[] = {4, 5 + 1e-9, 6};
    static const double other[] = {4, 5, 7};
    struct plot_panel panel = {
        .series =
            {{.title = "one", .style = PLOT_LINES, .x = x, .y = y, .count = 3, .color = 0},
             {.title = "two", .style = PLOT_LINES, .x = x, .y = other, .count = 3, .color = 1},
             {.title = "six", .style = PLOT_LINES, .x = x, .y = same, .count = 3, .color = 2},
             {.title = "cap", .style = PLOT_LINES, .x = x, .y = y, .count = 3, .dashed = true}},
        .series_count = 4};
    struct plot plot = {.name = "p", .panels = &panel, .panel_count = 1};
    struct buffer script;
    buffer_init(&script, BUFFER_UNBOUNDED);
    plot_script(&plot, "svg", "x.svg", &script);
    ck_assert_ptr_nonnull(strstr(script.data, "with lines lw 2 lc rgb '#0072b2' notitle"));
    ck_assert_ptr_nonnull(strstr(script.data, "with lines lw 2 lc rgb '#d55e00' notitle"));
    ck_assert_ptr_nonnull(
        strstr(script.data, "with lines lw 2 dt (14,14) lc rgb '#009e73' notitle"));
    ck_assert_ptr_nonnull(strstr(script.data, "lw 1.9 dt 2 lc rgb '#0072b2' notitle"));
    buffer_free(&script);
}
END_TEST

START_TEST(the_color_bar_has_both_its_ends)
{
    static const struct {
        double most;
        const char *tics;
    } cases[] = {{1, "('1' 1, '2' 2)"},
                 {3, "('1' 1, '2' 2, '3' 3)"},
                 {25, "('1' 1, '2' 2, '5' 5, '10' 10, '25' 25)"},
                 {295, "('1' 1, '10' 10, '100' 100, '295' 295)"}};
    const double at[] = {1}, ends[] = {2};
    struct plot_panel panel = {.value_label = "requests (count)",
                               .series = {{.style = PLOT_HEAT,
                                           .x = at,
                                           .y = at,
                                           .x2 = ends,
                                           .y2 = ends,
                                           .value = &cases[_i].most,
                                           .count = 1}},
                               .series_count = 1};
    struct plot plot = {.name = "p", .panels = &panel, .panel_count = 1};
    struct buffer script;
    buffer_init(&script, BUFFER_UNBOUNDED);
    plot_script(&plot, "svg", "x.svg", &script);
    ck_assert_msg(strstr(script.data, cases[_i].tics) != NULL, "%s", script.data);
    buffer_free(&script);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("plots");
    TCase *test = tcase_create("plots");
    tcase_add_test(test, latency_plots_show_the_summary);
    tcase_add_test(test, lines_on_each_other_show_in_turn);
    tcase_add_loop_test(test, the_color_bar_has_both_its_ends, 0, 4);
    tcase_add_test(test, counts_of_histogram_and_heat_map_are_the_summarys);
    tcase_add_test(test, gaps_come_back_from_a_finished_run);
    tcase_add_test(test, a_run_without_values_has_no_plots);
    tcase_add_test(test, the_server_stands_under_the_timeline_on_the_same_axis);
    tcase_add_test(test, cost_plots_show_the_bill);
    tcase_add_test(test, what_is_paid_stands_over_dates_and_a_subscription_is_a_step);
    tcase_add_test(test, the_map_shows_the_cheapest_plan);
    tcase_add_test(test, the_ladder_is_drawn_from_end_to_end_of_its_steps);
    tcase_add_test(test, rows_add_up_to_the_bill_and_tell_when_a_quota_ends);
    tcase_add_test(test, names_from_outside_are_data_in_the_script);
    suite_add_tcase(suite, test);
    return testing_run(suite);
}
