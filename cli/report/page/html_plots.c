/* Plots inside of a page. */
#include "cli/report/page/html.h"
#include "cli/report/page/html_parts.h"
#include "cli/report/plot/run_plots.h"
#include "core/file.h"
#include "core/memory.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MOST_BYTES ((size_t)64 << 20)

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

/* What is between two marks goes. */
static void cut_out(char *svg, const char *from, const char *to)
{
    char *start = strstr(svg, from), *end = start ? strstr(start, to) : NULL;
    if (end)
        memmove(start, end + strlen(to), strlen(end + strlen(to)) + 1);
}

/* ---- what gnuplot writes, in fewer bytes ---- */

/* "rgb( 63, 152, 206)" as "#3f98ce"; returns what follows it. */
static const char *put_color(const char *at, struct buffer *out)
{
    unsigned red, green, blue;
    int length = 0;
    if (sscanf(at, "rgb( %u , %u , %u )%n", &red, &green, &blue, &length) == 3 && length > 0) {
        buffer_add_format(out, "#%02x%02x%02x", red & 255, green & 255, blue & 255);
        return at + length;
    }
    buffer_add_byte(out, *at);
    return at + 1;
}

/* A coordinate to a tenth of a pixel. */
static const char *put_number(const char *at, struct buffer *out)
{
    char *end, text[32];
    double value = strtod(at, &end);
    snprintf(text, sizeof text, "%.1f", value);
    size_t length = strlen(text);
    buffer_add(out, text, strcmp(text + length - 2, ".0") == 0 ? length - 2 : length);
    return end;
}

/* A digit begins a number unless a name or a color goes on with it. */
static bool begins_number(const char *svg, const char *at)
{
    return *at >= '0' && *at <= '9' && at > svg && strchr(" ,'(\"-MLHVm", at[-1]);
}

/* Inside of a tag, up to its end. */
static const char *put_tag(const char *svg, const char *at, struct buffer *out)
{
    static const char butt[] = " stroke-linecap=\"butt\" stroke-linejoin=\"miter\"";
    static const char black[] = " color=\"black\"";
    while (*at && *at != '>') {
        if (strncmp(at, butt, strlen(butt)) == 0) /* which they are anyway */
            at += strlen(butt);
        else if (strncmp(at, black, strlen(black)) == 0) /* the page's own is to be inherited */
            at += strlen(black);
        else if (*at == 'r' && strncmp(at, "rgb(", 4) == 0)
            at = put_color(at, out);
        else if (begins_number(svg, at))
            at = put_number(at, out);
        else if ((*at == '\n' || *at == '\t' || *at == ' ') && strchr(" \n\t", at[1]))
            at++;
        else
            buffer_add_byte(out, *at == '\n' || *at == '\t' ? ' ' : *at), at++;
    }
    return at;
}

/* Texts and values stay; blanks between tags go. */
static void squeeze(const char *svg, struct buffer *out)
{
    static const char values[] = "<metadata>";
    for (const char *at = svg; *at;) {
        const char *text = at + strspn(at, " \n\t");
        if (*text == '<')
            at = text;
        if (strncmp(at, values, strlen(values)) == 0) {
            buffer_add_text(out, at);
            return;
        }
        if (*at == '<')
            at = put_tag(svg, at, out);
        else
            buffer_add_byte(out, *at++);
    }
}

/* Axes and texts in the page's own color, on white and on black. */
static void add_inked(const char *svg, const char *prefix, struct buffer *out)
{
    static const char ink[] = "#767676";
    struct buffer inked;
    buffer_init(&inked, BUFFER_UNBOUNDED);
    for (const char *at; (at = strstr(svg, ink)); svg = at + strlen(ink)) {
        buffer_add(&inked, svg, (size_t)(at - svg));
        buffer_add_text(&inked, "currentColor");
    }
    buffer_add_text(&inked, svg);
    html_add_prefixed(inked.data, prefix, out);
    buffer_free(&inked);
}

/* Without its XML prolog, so that it can stand inside HTML. Ids get the plot's number as a prefix:
 * several SVG in one page share one name space. */
void html_add_svg(const char *text, const char *name, const char *caption, size_t *number,
                  struct buffer *out)
{
    const char *start = strstr(text, "<svg"), *title = strstr(text, "<title>"),
               *end = title ? strstr(title, "</title>") : NULL;
    struct buffer squeezed;
    char prefix[32];
    if (!start)
        return;
    char *svg = mem_copy_string(start + strlen("<svg"));
    snprintf(prefix, sizeof prefix, "p%zu-", *number);
    buffer_add_text(out, "<figure id=\"plot-");
    html_add_text(out, name);
    buffer_add_format(out, "-%zu\"><div class=scroll><svg role=img aria-label=\"", (*number)++);
    if (end) { /* escaped as XML has it; a quote is none of what XML has to escape */
        for (const char *at = title + strlen("<title>"); at < end; at++)
            buffer_add_text(out, *at == '"' ? "&quot;" : (char[]){*at, '\0'});
    }
    buffer_add_text(out, "\"");
    cut_out(svg, "<title>", "</title>");
    cut_out(svg, "<desc>", "</desc>");
    buffer_init(&squeezed, BUFFER_UNBOUNDED);
    buffer_add_text(&squeezed, "");
    squeeze(svg, &squeezed);
    add_inked(squeezed.data, prefix, out);
    buffer_free(&squeezed);
    buffer_add_text(out, "</div><figcaption>");
    html_add_text(out, caption ? caption : name);
    buffer_add_text(out, "</figcaption></figure>");
    free(svg);
}

/* A picture that is there and cannot be read is told where it would stand. */
static void add_missing(const struct error *why, struct buffer *out)
{
    char words[1536];
    error_format(why, words, sizeof words);
    buffer_add_text(out, "<p>");
    html_add_text(out, words);
    buffer_add_text(out, "</p>");
}

static void add_file(const char *folder, const char *name, size_t *number, struct buffer *out)
{
    char *text = NULL, *path = mem_alloc(strlen(folder) + strlen(name) + sizeof "/.svg");
    struct error why = {0};
    size_t length;
    sprintf(path, "%s/%s.svg", folder, name);
    if (file_exists(path)) { /* else nothing was drawn of it */
        if (file_read_all(path, MOST_BYTES, &text, &length, &why) == 0)
            html_add_svg(text, name, run_plots_caption(name), number, out);
        else
            add_missing(&why, out);
    }
    free(text);
    free(path);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Names of the .svg files of a folder, sorted; the caller frees them. */
static size_t list_pictures(const char *folder, char ***out)
{
    DIR *d = mem_given(opendir(folder));
    size_t count = 0, capacity = 0;
    *out = NULL;
    for (struct dirent *e; d && (e = readdir(d));) {
        size_t length = strlen(e->d_name);
        if (length <= 4 || strcmp(e->d_name + length - 4, ".svg") != 0)
            continue;
        mem_grow(out, &capacity, count + 1, sizeof **out);
        (*out)[count++] = mem_copy_text(e->d_name, length - 4);
    }
    if (d)
        closedir(d);
    if (count)
        qsort(*out, count, sizeof **out, by_name);
    return count;
}

static bool is_among(const char *name, const char *const *names)
{
    for (; *names; names++)
        if (strcmp(name, *names) == 0)
            return true;
    return false;
}

void html_add_plots(const char *folder, const char *const *names, size_t *number,
                    struct buffer *out)
{
    for (; folder && *names; names++)
        add_file(folder, *names, number, out);
}

void html_add_other_plots(const char *folder, const char *const *names, size_t *number,
                          struct buffer *out)
{
    char **there;
    const char *known;
    if (!folder)
        return;
    size_t count = list_pictures(folder, &there);
    for (size_t i = 0; (known = run_plots_name(i)); i++)
        if (!is_among(known, names))
            add_file(folder, known, number, out);
    for (size_t i = 0; i < count; i++) {
        if (!run_plots_has(there[i]) && !is_among(there[i], names))
            add_file(folder, there[i], number, out);
        free(there[i]);
    }
    free(there);
}
