#include "workloads/trace/trace_csv.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

static int quoted_field(struct trace_input *in, struct text line, const char **at,
                        struct text *field, struct error *err)
{
    const char *end = line.at + line.length, *start = *at + 1, *p = start;
    for (;; p += 2) {
        p = p < end ? memchr(p, '"', (size_t)(end - p)) : NULL;
        if (!p)
            return trace_fail(in, *at - line.at + 1, err, "this quote is not closed on its line");
        if (p + 1 == end || p[1] != '"')
            break;
    }
    *field = (struct text){start, (size_t)(p - start)};
    *at = p + 1;
    if (*at < end && **at != ',')
        return trace_fail(in, *at - line.at + 1, err, "expected ',' behind the closing quote");
    return 0;
}

int csv_split(struct trace_input *in, struct text line, struct csv_row *row, struct error *err)
{
    const char *at = line.at, *end = line.at + line.length;
    row->count = 0;
    for (;;) {
        if (row->count == CSV_MAX_FIELDS)
            return trace_fail(in, at - line.at + 1, err, "more than %d fields", CSV_MAX_FIELDS);
        struct text *field = &row->fields[row->count++];
        if (at < end && *at == '"') {
            if (quoted_field(in, line, &at, field, err) < 0)
                return ERR_INPUT;
        } else {
            const char *comma = at < end ? memchr(at, ',', (size_t)(end - at)) : NULL;
            const char *stop = comma ? comma : end;
            *field = (struct text){at, (size_t)(stop - at)};
            at = stop;
        }
        if (at == end)
            return 0;
        at++;
    }
}

int csv_find(const struct csv_row *header, const char *name)
{
    for (size_t i = 0; i < header->count; i++) {
        struct text t = text_trim(header->fields[i]);
        if (t.length == strlen(name) && strncasecmp(t.at, name, t.length) == 0)
            return (int)i;
    }
    return -1;
}

bool csv_probe(const struct trace_probe *p, const char *const *names)
{
    struct trace_report ignored = {0};
    struct trace_input in = {.report = &ignored};
    struct csv_row header;
    if (p->is_object || csv_split(&in, p->line, &header, NULL) < 0)
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
