#include "cli/report/page/html_parts.h"

#include "cli/report/page/html.h"
#include "cli/report/text/summary_table.h"

#include <math.h>
#include <string.h>

const char html_head[] =
    "<!doctype html>\n<html lang=en><head><meta charset=utf-8>\n"
    "<meta name=viewport content=\"width=device-width, initial-scale=1\">\n"
    "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
    "style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:\">\n"
    "<link rel=icon href=\"data:,\">\n<style>\n"
    ":root{color-scheme:light dark;--line:#8884;--dim:#767676}\n"
    "body{font:15px/1.5 system-ui,sans-serif;margin:0 auto;max-width:1140px;padding:1rem}\n"
    "h1{font-size:1.1rem;color:var(--dim);font-weight:500;margin:0}\n"
    "h2{margin:.2em 0 .4em}h2 small{font-weight:400;color:var(--dim)}h3{margin:1.6em 0 .4em}\n"
    "dl{border-left:4px solid #0072b2;padding:.2em 0 .2em 1em;margin:1em 0;font-size:1.05rem}\n"
    "dt{font-weight:600}dd{margin:0 0 .7em}\n"
    ".good{color:#00875f}.bad{color:#c0392b}\n"
    "table{border-collapse:collapse;font-variant-numeric:tabular-nums;display:block;font-size:."
    "92rem;"
    "overflow-x:auto}\n"
    "section{margin-top:2.2em}\n"
    "th,td{padding:.25em .45em;border-bottom:1px solid var(--line);text-align:right;"
    "white-space:nowrap}\n"
    "thead th{white-space:normal;vertical-align:bottom}\n"
    "tbody th{white-space:normal;overflow-wrap:anywhere;min-width:7em}\n"
    "tbody th,thead th:first-child{text-align:left;font-weight:400}\n"
    "thead th{cursor:pointer;font-weight:600}\n"
    "thead th[aria-sort=ascending]::after{content:' ▲'}\n"
    "thead th[aria-sort=descending]::after{content:' ▼'}\n"
    "pre{overflow-x:auto;font-size:.85rem}\n"
    "td.words{white-space:pre-wrap;text-align:left;max-width:48em}\n"
    "figure{margin:1.5em 0}svg{max-width:100%;height:auto}\n"
    "figcaption{color:var(--dim);font-size:.9rem;max-width:60em}\n"
    "thead th:focus-visible{outline:2px solid #0072b2}\n"
    "@media "
    "print{:root{color-scheme:light}body{max-width:none;font-size:11px}footer{display:none}section{"
    "break-inside:auto}figure,table{break-inside:avoid}"
    "thead th{cursor:auto}}\n"
    "</style>\n";

const char html_foot[] =
    "</main><footer><p><small>Made by farebox; every figure is defined in results/README.md of its "
    "source. Click a column's head to sort.</small></p></footer>\n<script>\n"
    "const value = (row, column) => { const c = row.cells[column], v = c && c.dataset.v;\n"
    "  return v !== undefined ? Number(v) : c ? c.textContent : ''; };\n"
    "function sort(head) {\n"
    "  const table = head.closest('table'), body = table.tBodies[0], column = head.cellIndex;\n"
    "  const up = head.getAttribute('aria-sort') === 'descending';\n"
    "  const less = (x, y) => typeof x === 'number' ? x - y : x.localeCompare(y);\n"
    "  const rows = [...body.rows].sort((a, b) => {\n"
    "    const x = value(a, column), y = value(b, column);\n"
    "    if (typeof x !== typeof y) return typeof x === 'number' ? -1 : 1;\n" /* missing: last */
    "    return up ? less(x, y) : less(y, x); });\n"
    "  for (const other of table.tHead.rows[0].cells) other.removeAttribute('aria-sort');\n"
    "  head.setAttribute('aria-sort', up ? 'ascending' : 'descending');\n"
    "  body.append(...rows);\n"
    "}\n"
    "for (const head of document.querySelectorAll('table.sort thead th')) {\n"
    "  head.tabIndex = 0;\n"
    "  head.addEventListener('click', () => sort(head));\n"
    "  head.addEventListener('keydown', e => { if (e.key === 'Enter') sort(head); });\n"
    "}\n"
    "</script></body></html>\n";

void html_add_prefixed(const char *svg, const char *prefix, struct buffer *out)
{
    static const char *const marks[] = {"id=\"", "id='", "href='#", "href=\"#", "url(#"};
    while (*svg) {
        size_t best = strlen(svg), length = 0;
        for (size_t i = 0; i < sizeof marks / sizeof marks[0]; i++) {
            const char *at = strstr(svg, marks[i]);
            if (at && (size_t)(at - svg) < best) {
                best = (size_t)(at - svg);
                length = strlen(marks[i]);
            }
        }
        buffer_add(out, svg, best + length);
        if (length)
            buffer_add_text(out, prefix);
        svg += best + length;
    }
}

void html_escape(struct buffer *out, struct text text)
{
    for (size_t i = 0; i < text.length;) {
        unsigned char c = (unsigned char)text.at[i];
        size_t step = text.length - i < 4 ? text.length - i : 4, good;
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
            if (c >= 0x80) {
                /* Up to four bytes hold a whole sequence, or start with a wrong byte. */
                if (!text_is_utf8(text.at + i, step, &good))
                    step = good;
                buffer_add(out, step ? text.at + i : "\xEF\xBF\xBD", step ? step : 3);
                i += step ? step : 1;
                continue;
            }
            buffer_add_byte(out, c < 0x20 && c != '\n' && c != '\t' ? ' ' : (char)c);
        }
        i++;
    }
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
    money_format_amount(value, decimals, text);
    buffer_add_format(out, "$%s", text);
}

void html_add_money(struct buffer *out, money value)
{
    html_add_money_cell(out, value, 4);
}

void html_add_money_cell(struct buffer *out, money value, int decimals)
{
    char text[MONEY_TEXT_SIZE];
    money_format_column(value, decimals, text);
    buffer_add_format(out, "<td data-v=\"%.12g\">", money_to_double(value));
    for (const char *at = text; *at; at++) /* blanks as wide as digits: the points stand in line */
        buffer_add(out, *at == ' ' ? "\u2007" : at, *at == ' ' ? 3 : 1);
    buffer_add_text(out, "</td>");
}
