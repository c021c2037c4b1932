#include "cli/commands/report/report_page.h"

#include "cli/commands/report/report_repeats.h"
#include "cli/report/page/html_compare.h"
#include "cli/report/page/html_parts.h"
#include "cli/report/plot/overlay.h"
#include "core/file.h"
#include "core/file_output.h"
#include "core/memory.h"
#include "core/runs/record/run_dir.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MOST_PLOTS 2

/* A page under way. */
struct making {
    const struct terminal *t;
    const struct report_sections *s;
    const struct report_subject *subjects;
    size_t plot_number;
    struct buffer page;
};

/* What belongs to a section of several runs. */
struct several {
    struct html_run *runs;
    struct buffer answer, tables, svg[MOST_PLOTS];
    struct html_plot plots[MOST_PLOTS];
    size_t plot_count;
};

static void fill_runs(const struct making *m, const struct report_section *section,
                      struct html_run *runs)
{
    for (size_t i = 0; i < section->count; i++) {
        const struct report_subject *s = &m->subjects[section->first + i];
        runs[i] = (struct html_run){.name = s->name,
                                    .summary = &s->summary,
                                    .bill = s->is_billed ? &s->bill.bill : NULL,
                                    .plots = s->plots,
                                    .model = s->model,
                                    .started = s->started[0] ? s->started : NULL,
                                    .errors = s->errors,
                                    .error_count = s->error_count,
                                    .recomputed = s->recomputed};
    }
}

/* Draws into the page; without gnuplot there is no plot, and the page is good without. */
static void add_plot(const struct making *m, struct several *all, struct picture *p,
                     const char *caption)
{
    struct error err = {0};
    struct buffer *svg = &all->svg[all->plot_count];
    if (plot_svg(&p->plot, svg, &err) == 0)
        all->plots[all->plot_count++] =
            (struct html_plot){.name = p->plot.name, .caption = caption, .svg = svg->data};
    else {
        buffer_free(svg);
        warn(m->t, "no plot: %s", err.message);
    }
}

static void overlay(const struct making *m, const struct report_section *section,
                    struct several *all)
{
    struct overlay_run *runs = mem_zero(section->count, sizeof *runs);
    const char **names = mem_zero(section->count, sizeof *names);
    struct picture *p = mem_zero(1, sizeof *p);
    for (size_t i = 0; i < section->count; i++) {
        const struct report_subject *s = &m->subjects[section->first + i];
        size_t group = m->s->runs[section->first + i].group;
        runs[i] = (struct overlay_run){group, s->collector, &s->summary};
        names[group] = section->groups ? section->groups[group] : s->name;
    }
    struct overlay o = {.runs = runs,
                        .count = section->count,
                        .groups = names,
                        .group_count = section->groups ? section->group_count : section->count};
    if (overlay_latency(&o, p))
        add_plot(m, all, p,
                 "The share of requests that took at most so long: a line for each run, further "
                 "left is faster.");
    picture_free(p);
    free(p);
    free(names);
    free(runs);
}

static void add_changes(const struct making *m, struct several *all, const char *json)
{
    struct picture *p = mem_zero(1, sizeof *p);
    if (html_compare_picture(text_of(json), p))
        add_plot(m, all, p,
                 "How much B differs from A: the point is the estimate, the bar the interval that "
                 "holds the true change in 95 of 100 such comparisons.");
    picture_free(p);
    free(p);
}

static void add_runs(struct making *m, const struct report_section *section, bool plots)
{
    struct several all = {.runs = mem_zero(section->count + 1, sizeof *all.runs)};
    struct html_several page = {.runs = all.runs, .count = section->count};
    buffer_init(&all.answer, BUFFER_UNBOUNDED);
    buffer_init(&all.tables, BUFFER_UNBOUNDED);
    fill_runs(m, section, all.runs);
    if (section->kind == REPORT_COMPARE) {
        html_compare_answer(text_of(section->json), &all.answer);
        html_compare_tables(text_of(section->json), &all.tables);
        if (plots)
            add_changes(m, &all, section->json);
    } else if (section->kind == REPORT_RUNS && section->count > 1) {
        report_runs_answer(section, m->subjects, &all.answer);
        page.answer = all.answer.length ? all.answer.data : NULL;
    } else if (section->kind == REPORT_REPEATS) {
        report_repeats_answer(section, m->s->runs, m->subjects, &all.answer);
        report_repeats_table(section, m->s->runs, m->subjects, &all.tables);
    }
    if (plots && (section->count > 1 || section->kind != REPORT_RUNS))
        overlay(m, section, &all);
    if (section->kind != REPORT_RUNS) {
        page.title = section->name;
        page.answer = all.answer.data;
        page.tables = all.tables.data;
    }
    page.plots = all.plots;
    page.plot_count = all.plot_count;
    html_add_runs(&page, &m->plot_number, &m->page);
    for (size_t i = 0; i < all.plot_count; i++)
        buffer_free(&all.svg[i]);
    buffer_free(&all.answer);
    buffer_free(&all.tables);
    free(all.runs);
}

static void add_document(struct making *m, const struct report_section *section, bool plots)
{
    char *folder = run_dir_file(section->path, "plots");
    struct html_document d = {.kind = section->document,
                              .name = section->name,
                              .json = text_of(section->json),
                              .draws = plots,
                              .plots = plots && file_exists(folder) ? folder : NULL};
    html_document(&d, &m->plot_number, &m->page);
    free(folder);
}

static const char *title_of(const struct report_sections *s, const struct report_subject *subjects)
{
    if (s->count > 1)
        return "farebox: several results";
    if (s->items[0].kind != REPORT_RUNS)
        return s->items[0].name;
    return s->run_count == 1 ? subjects[0].name : "farebox: several runs";
}

int report_page_write(const struct terminal *t, const struct report_sections *s,
                      const struct report_subject *subjects, bool plots, const char *output,
                      struct error *err)
{
    struct making m = {.t = t, .s = s, .subjects = subjects};
    buffer_init(&m.page, BUFFER_UNBOUNDED);
    html_begin(&m.page, title_of(s, subjects), "farebox report");
    for (size_t i = 0; i < s->count; i++)
        if (s->items[i].kind == REPORT_DOCUMENT)
            add_document(&m, &s->items[i], plots);
        else
            add_runs(&m, &s->items[i], plots);
    html_end(&m.page);
    char *path = output ? mem_copy_string(output) : run_dir_file(s->items[0].path, "report.html");
    int status = file_write_atomic(path, m.page.data, m.page.length, err);
    if (status == 0)
        say(t, "the page is %s", file_output_name(path));
    free(path);
    buffer_free(&m.page);
    return status;
}
