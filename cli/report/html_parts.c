#include "cli/report/html_parts.h"

#include <string.h>

const char html_head[] =
    "<!doctype html>\n<html lang=en><head><meta charset=utf-8>\n"
    "<meta name=viewport content=\"width=device-width, initial-scale=1\">\n"
    "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
    "style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:\">\n"
    "<link rel=icon href=\"data:,\">\n<style>\n"
    ":root{color-scheme:light dark;--line:#8884;--dim:#767676}\n"
    "body{font:15px/1.5 system-ui,sans-serif;margin:0 auto;max-width:1100px;padding:1rem}\n"
    "h1{font-size:1.1rem;color:var(--dim);font-weight:500;margin:0}\n"
    "h2{margin:.2em 0 .4em}h2 small{font-weight:400;color:var(--dim)}h3{margin:1.6em 0 .4em}\n"
    "dl{border-left:4px solid #0072b2;padding:.2em 0 .2em 1em;margin:1em 0;font-size:1.05rem}\n"
    "dt{font-weight:600}dd{margin:0 0 .7em}\n"
    ".good{color:#00875f}.bad{color:#c0392b}\n"
    "table{border-collapse:collapse;font-variant-numeric:tabular-nums;display:block;"
    "overflow-x:auto}\n"
    "th,td{padding:.25em .7em;border-bottom:1px solid var(--line);text-align:right;"
    "white-space:nowrap}\n"
    "tbody th,thead th:first-child{text-align:left;font-weight:400}\n"
    "thead th{cursor:pointer;font-weight:600}\n"
    "thead th[aria-sort=ascending]::after{content:' ▲'}\n"
    "thead th[aria-sort=descending]::after{content:' ▼'}\n"
    "td.words{white-space:pre-wrap;text-align:left;max-width:48em}\n"
    "figure{margin:1.5em 0}svg{max-width:100%;height:auto}\n"
    "@media print{body{max-width:none}section{break-inside:auto}figure,table{break-inside:avoid}"
    "thead th{cursor:auto}}\n"
    "</style>\n";

const char html_foot[] =
    "</main><footer><p><small>Made by farebox; every figure is defined in results/README.md of its "
    "source. Click a column's head to sort.</small></p></footer>\n<script>\n"
    "for (const head of document.querySelectorAll('table.sort thead th'))\n"
    "  head.addEventListener('click', () => {\n"
    "    const table = head.closest('table'), body = table.tBodies[0];\n"
    "    const column = head.cellIndex, down = head.getAttribute('aria-sort') === 'descending';\n"
    "    const key = row => { const c = row.cells[column], v = c.dataset.v;\n"
    "      return v === undefined ? c.textContent : Number(v); };\n"
    "    const rows = [...body.rows].sort((a, b) => { const x = key(a), y = key(b);\n"
    "      const less = typeof x === 'number' && typeof y === 'number'\n"
    "        ? x - y : String(x).localeCompare(String(y));\n"
    "      return down ? less : -less; });\n"
    "    for (const other of table.tHead.rows[0].cells) other.removeAttribute('aria-sort');\n"
    "    head.setAttribute('aria-sort', down ? 'ascending' : 'descending');\n"
    "    body.append(...rows);\n"
    "  });\n"
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
