#include "workloads/trace/trace_csv.h"

#include "core/csv/csv.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

/* What stands between two fields where the header was not read yet. */
static char separator_of(const struct trace_input *in)
{
    return in->separator ? in->separator : ',';
}

/* Takes a quoted field from its quote to what is behind its closing one. False: it is not closed.
 */
static bool take_quoted(const char **at, const char *end, struct text *field)
{
    const char *start = *at + 1, *p = start;
    for (;; p += 2) {
        p = p < end ? memchr(p, '"', (size_t)(end - p)) : NULL;
        if (!p)
            return false;
        if (p + 1 == end || p[1] != '"')
            break;
    }
    *field = (struct text){start, (size_t)(p - start)};
    *at = p + 1;
    return true;
}

/* 1, 0 where the quote at *open is not closed, or an error. */
static int split(struct trace_input *in, struct text line, struct csv_row *row, const char **open,
                 struct error *err)
{
    const char *at = line.at, *end = line.at + line.length;
    char separator = separator_of(in);
    row->count = 0;
    for (;;) {
        if (row->count == CSV_MAX_FIELDS)
            return trace_fail(in, at - line.at + 1, err, "more than %d fields", CSV_MAX_FIELDS);
        struct text *field = &row->fields[row->count++];
        const char *start = at;
        if (at < end && *at == '"') {
            *open = at;
            if (!take_quoted(&at, end, field))
                return 0;
            if (at < end && *at != separator)
                return trace_fail_in(in, line, at, err, "expected '%s' behind the closing quote",
                                     separator == '\t' ? "tab" : (char[2]){separator, 0});
        } else {
            while (at < end && *at != separator)
                at++;
            *field = (struct text){start, (size_t)(at - start)};
        }
        *field = csv_plain_text(*field);
        if (at == end)
            return 1;
        at++;
    }
}

int csv_split(struct trace_input *in, struct text line, struct csv_row *row, struct error *err)
{
    const char *open = line.at;
    int whole = split(in, line, row, &open, err);
    if (whole == 0)
        return trace_fail(in, open - line.at + 1, err, "this quote is not closed on its line");
    return whole < 0 ? whole : 0;
}

/* Joins lines behind one whose last field is open until the quote is closed: each quote opens or
 * closes, as a doubled one does both. 1, 0 where it never is, or an error. */
static int join_lines(struct trace_input *in, struct text line, struct error *err)
{
    bool open = true;
    int more = 1;
    buffer_clear(&in->record);
    if (in->record.cap == 0)
        buffer_init(&in->record, in->lines.max_line);
    for (size_t added = 0; more > 0; added++) {
        if (buffer_add(&in->record, line.at, line.length) < 0 ||
            buffer_add_byte(&in->record, '\n') < 0)
            return trace_fail(in, 0, err, "the row that ends here is longer than %zu bytes",
                              in->lines.max_line);
        for (size_t i = 0; added > 0 && i < line.length; i++)
            open ^= line.at[i] == '"';
        if (!open)
            break;
        more = line_reader_next(&in->lines, &line, err);
        in->report->lines += more > 0;
    }
    if (in->record.length > 0)
        in->record.length--;
    return more;
}

static int split_joined(struct trace_input *in, struct text *line, struct csv_row *row,
                        const char *open, struct error *err)
{
    long column = open - line->at + 1;
    in->first_line = in->lines.number;
    int more = join_lines(in, *line, err);
    if (more < 0)
        return more;
    *line = (struct text){in->record.data, in->record.length};
    int whole = more > 0 ? split(in, *line, row, &open, err) : 0;
    if (whole == 0)
        return error_at(err, in->lines.name, in->first_line, column,
                        "this quote is not closed in all of the file");
    return whole;
}

static int split_record(struct trace_input *in, struct text *line, struct csv_row *row,
                        struct error *err)
{
    const char *open = line->at;
    int whole = split(in, *line, row, &open, err);
    return whole == 0 ? split_joined(in, line, row, open, err) : whole;
}

/* "sep=;", a spreadsheet's first line: the separator, or 0. */
static char said_separator(struct text line)
{
    if (line.length >= 2 && line.at[0] == '"' && line.at[line.length - 1] == '"')
        line = (struct text){line.at + 1, line.length - 2};
    return line.length == 5 && strncasecmp(line.at, "sep=", 4) == 0 ? line.at[4] : 0;
}

/* The header of a further file of a chain, or its "sep=". */
static bool is_header_again(const struct trace_input *in, struct text line)
{
    if (in->lines.number > 2 || in->header.length == 0)
        return false;
    return text_same(line, (struct text){in->header.data, in->header.length}) ||
           said_separator(line) == in->separator;
}

int csv_next(struct trace_input *in, struct text *line, struct csv_row *row, struct error *err)
{
    int more;
    do
        more = trace_next_line(in, line, err);
    while (more > 0 && is_header_again(in, *line));
    return more <= 0 ? more : split_record(in, line, row, err);
}

/* The one that a header holds most of, outside quotes. */
static char shown_separator(struct text line)
{
    static const char candidates[] = {',', ';', '\t', '|'};
    size_t counts[sizeof candidates] = {0}, best = 0;
    bool quoted = false;
    for (size_t i = 0; i < line.length; i++) {
        quoted ^= line.at[i] == '"';
        for (size_t k = 0; !quoted && k < sizeof candidates; k++)
            counts[k] += line.at[i] == candidates[k];
    }
    for (size_t k = 1; k < sizeof candidates; k++)
        if (counts[k] > counts[best])
            best = k;
    return candidates[best];
}

int csv_header(struct trace_input *in, struct text *line, struct csv_row *row, struct error *err)
{
    int more = trace_next_line(in, line, err);
    if (more > 0 && (in->separator = said_separator(*line)) != 0)
        more = trace_next_line(in, line, err);
    if (more <= 0)
        return more;
    if (!in->separator)
        in->separator = shown_separator(*line);
    if (in->lines.next_count > 0 && in->header.length == 0) {
        buffer_init(&in->header, in->lines.max_line);
        buffer_add(&in->header, line->at, line->length);
    }
    return split_record(in, line, row, err);
}

int csv_find(const struct csv_row *header, const char *name)
{
    for (size_t i = 0; i < header->count; i++)
        if (text_equal_nocase(text_trim(header->fields[i]), name))
            return (int)i;
    return -1;
}

/* The header that a probe shows: its line, or the one behind "sep=". */
static struct text probed_header(const struct trace_probe *p, char *separator)
{
    struct text line = p->line, all = p->all;
    *separator = said_separator(line);
    if (!*separator) {
        *separator = shown_separator(line);
        return line;
    }
    const char *end = memchr(all.at, '\n', all.length);
    line = end ? (struct text){end + 1, (size_t)(all.at + all.length - end - 1)}
               : (struct text){"", 0};
    end = line.length ? memchr(line.at, '\n', line.length) : NULL;
    if (end)
        line.length = (size_t)(end - line.at);
    if (line.length && line.at[line.length - 1] == '\r')
        line.length--;
    return line;
}

bool csv_probe_header(const struct trace_probe *p, struct csv_row *header)
{
    struct trace_report ignored = {0};
    struct trace_input in = {.report = &ignored};
    struct text line = probed_header(p, &in.separator);
    const char *open = NULL;
    return !p->is_object && split(&in, line, header, &open, NULL) > 0;
}

bool csv_probe(const struct trace_probe *p, const char *const *names)
{
    struct csv_row header;
    if (!csv_probe_header(p, &header))
        return false;
    for (; *names; names++)
        if (csv_find(&header, *names) < 0)
            return false;
    return true;
}

long csv_column(struct text line, struct text field)
{
    return field.at - line.at + 1;
}

int csv_tokens(struct trace_input *in, struct text line, struct text field, const char *what,
               uint32_t *out, struct error *err)
{
    char wanted[80];
    uint64_t value = 0;
    struct text t = text_trim(field);
    if (text_to_u64(t, &value) && value <= WORKLOAD_MAX_TOKENS) {
        *out = (uint32_t)value;
        return 0;
    }
    snprintf(wanted, sizeof wanted, "%s from 0 to %u", what, WORKLOAD_MAX_TOKENS);
    return trace_fail_value(in, line, field, wanted, err);
}
