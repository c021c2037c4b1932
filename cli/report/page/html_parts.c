#include "cli/report/page/html_parts.h"

#include "cli/report/page/html.h"
#include "cli/report/text/summary_table.h"
#include "core/embedded.h"
#include "core/printable.h"

#include <math.h>
#include <string.h>

static void add_asset(const char *name, struct buffer *out)
{
    const struct embedded_file *f = embedded_find("assets", name);
    if (f)
        buffer_add(out, f->bytes, f->length);
}

void html_begin(struct buffer *out, const char *title, const char *heading)
{
    buffer_add_text(out,
                    "<!doctype html>\n<html lang=en><head><meta charset=utf-8>\n"
                    "<meta name=viewport content=\"width=device-width, initial-scale=1\">\n"
                    "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
                    "style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:\">\n"
                    "<link rel=icon href=\"data:,\">\n<style>\n");
    add_asset("page.css", out);
    buffer_add_text(out, "</style>\n<title>");
    html_add_text(out, title);
    buffer_add_format(out, "</title></head><body><header><h1>%s</h1></header><main>", heading);
}

void html_end(struct buffer *out)
{
    buffer_add_text(out,
                    "</main><footer><p><small>Made by farebox; every figure is defined in "
                    "results/README.md of its source. Click a column's head to sort; point at a "
                    "plot for its values.</small></p></footer>\n<script>\n");
    add_asset("page.js", out);
    buffer_add_text(out, "</script></body></html>\n");
}

static void escape_byte(struct buffer *out, char c)
{
    switch (c) {
    case '<':
        buffer_add_text(out, "&lt;");
        break;
    case '>':
        buffer_add_text(out, "&gt;");
        break;
    case '&':
        buffer_add_text(out, "&amp;");
        break;
    case '"':
        buffer_add_text(out, "&quot;");
        break;
    case '\'':
        buffer_add_text(out, "&#39;");
        break;
    default:
        buffer_add_byte(out, c);
    }
}

void html_escape(struct buffer *out, struct text text)
{
    struct printable p = {0};
    struct buffer shown;
    buffer_init(&shown, BUFFER_UNBOUNDED);
    printable_add(&p, text.at, text.length, &shown);
    printable_end(&p, &shown);
    for (size_t i = 0; i < shown.length; i++)
        escape_byte(out, shown.data[i]);
    buffer_free(&shown);
}

void html_add_text(struct buffer *out, const char *text)
{
    html_escape(out, text_of(text));
}

void html_add_cell(struct buffer *out, double value)
{
    char cell[CELL_SIZE];
    format_cell(value, cell);
    if (isfinite(value))
        buffer_add_format(out, "<td data-v=\"%.9g\">%s</td>", value, cell);
    else
        buffer_add_format(out, "<td>%s</td>", cell);
}

void html_add_count(struct buffer *out, uint64_t count)
{
    char text[TEXT_GROUPED_SIZE];
    buffer_add_text(out, text_group_u64(count, text));
}

void html_add_count_cell(struct buffer *out, uint64_t count)
{
    buffer_add_format(out, "<td data-v=\"%llu\">", (unsigned long long)count);
    html_add_count(out, count);
    buffer_add_text(out, "</td>");
}

void html_add_usd(struct buffer *out, money value, int decimals)
{
    char text[MONEY_TEXT_SIZE];
    money_format_amount(value < 0 ? -value : value, decimals, text);
    buffer_add_format(out, "%s$%s", value < 0 ? "-" : "", text);
}

void html_add_money(struct buffer *out, money value)
{
    html_add_money_cell(out, value, 4);
}

void html_add_money_cell(struct buffer *out, money value, int decimals)
{
    char text[MONEY_TEXT_SIZE];
    money_format_column(value < 0 ? -value : value, decimals, text);
    buffer_add_format(out, "<td data-v=\"%.12g\">%s$", money_to_double(value),
                      value < 0 ? "-" : "");
    for (const char *at = text; *at; at++) /* blanks as wide as digits: the points stand in line */
        buffer_add(out, *at == ' ' ? "\u2007" : at, *at == ' ' ? 3 : 1);
    buffer_add_text(out, "</td>");
}
