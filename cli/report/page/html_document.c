#include "cli/report/page/html_document.h"

#include "cli/report/page/html_parts.h"
#include "cli/report/text/summary_table.h"
#include "core/file.h"
#include "core/json/json_look.h"
#include "core/memory.h"
#include "core/runs/record/run_dir.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *file;
    void (*add)(const struct html_document *d, size_t *plot_number, struct buffer *out);
} kinds[HTML_KINDS] = {
    [HTML_SWEEP] = {"sweep.json", html_loads},
    [HTML_FIND_MAX] = {"find-max.json", html_loads},
    [HTML_CAPACITY] = {"capacity.json", html_capacity},
    [HTML_FORECAST] = {"forecast.json", html_forecast},
    [HTML_BILL] = {"bill.json", html_bill_document},
    [HTML_DECIDE] = {"decide.json", html_decide},
    [HTML_STORY] = {"story.json", html_story},
};

const char *html_document_file(enum html_kind kind)
{
    return kinds[kind].file;
}

void html_document(const struct html_document *d, size_t *plot_number, struct buffer *out)
{
    buffer_add_text(out, "<section><h2>");
    html_add_text(out, d->name);
    kinds[d->kind].add(d, plot_number, out);
    buffer_add_text(out, "</section>");
}

/* Of a directory: what stands behind the last slash but those at its end. */
static char *name_of(const char *path)
{
    size_t end = strlen(path), from;
    while (end > 1 && path[end - 1] == '/')
        end--;
    for (from = end; from > 0 && path[from - 1] != '/';)
        from--;
    return mem_copy_text(path + from, end - from);
}

static int write_page(const struct html_document *d, const char *directory, const char *heading,
                      struct error *err)
{
    struct buffer text;
    char *path = run_dir_file(directory, "index.html");
    size_t plot_number = 0;
    buffer_init(&text, BUFFER_UNBOUNDED);
    html_begin(&text, d->name, heading);
    html_document(d, &plot_number, &text);
    html_end(&text);
    int status = file_write_atomic(path, text.data, text.length, err);
    buffer_free(&text);
    free(path);
    return status;
}

int html_document_write(struct html_document *d, const char *directory, const char *heading,
                        html_draw_plots *draw, struct error *no_plot, struct error *err)
{
    char *name = name_of(directory), *plots = run_dir_file(directory, "plots");
    d->name = name;
    int status = file_make_directories(directory, err);
    if (status == 0)
        d->draws = draw(d->json, name, plots, no_plot) == 0;
    if (status == 0)
        status = write_page(d, directory, heading, err);
    d->name = NULL;
    free(plots);
    free(name);
    return status;
}

void html_add_picture(const struct html_document *d, picture_of_json *draw, const char *caption,
                      size_t *plot_number, struct buffer *out)
{
    struct picture *p = mem_zero(1, sizeof *p);
    struct buffer svg;
    if (d->draws && draw(d->json, d->name, p)) {
        if (plot_svg(&p->plot, &svg, &(struct error){0}) == 0)
            html_add_svg(svg.data, p->plot.name, caption, plot_number, out);
        buffer_free(&svg);
    }
    picture_free(p);
    free(p);
}

void html_add_item(struct text item, struct buffer *out)
{
    char *text = json_text_of(item);
    html_add_text(out, text ? text : "–");
    free(text);
}

void html_look_text(struct text object, const char *key, struct buffer *out)
{
    struct text value;
    html_add_item(json_look(object, key, &value) ? value : JSON_NO_OBJECT, out);
}

void html_add_figure(double value, struct buffer *out)
{
    char cell[CELL_SIZE];
    buffer_add_text(out, format_cell(value, cell));
}

/* Cents; of what is less than a dollar four digits. */
static void add_amount(money value, struct buffer *out)
{
    html_add_usd(out, value, value < MONEY_USD && value > -MONEY_USD ? 4 : 2);
}

void html_add_dollars(double usd, struct buffer *out)
{
    if (isfinite(usd))
        add_amount(cost_money(usd), out);
    else
        buffer_add_text(out, "–");
}

void html_look_usd(struct text object, const char *key, struct buffer *out)
{
    money value;
    if (json_look_money(object, key, &value))
        add_amount(value, out);
    else
        html_add_dollars(json_look_number(object, key), out);
}

void html_look_cell(struct text object, const char *key, double unit, struct buffer *out)
{
    html_add_cell(out, unit * json_look_number(object, key));
}

void html_look_count_cell(struct text object, const char *key, struct buffer *out)
{
    double count = json_look_number(object, key);
    if (count >= 0)
        html_add_count_cell(out, (uint64_t)count);
    else
        buffer_add_text(out, "<td>–</td>");
}

void html_look_usd_cell(struct text object, const char *key, struct buffer *out)
{
    money value;
    double usd =
        json_look_money(object, key, &value) ? cost_usd(value) : json_look_number(object, key);
    if (isfinite(usd))
        buffer_add_format(out, "<td data-v=\"%.12g\">", usd);
    else
        buffer_add_text(out, "<td>");
    html_look_usd(object, key, out);
    buffer_add_text(out, "</td>");
}
