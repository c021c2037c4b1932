/* Any CSV: columns named by --columns, or by a header of the names that our own writer uses. */
#include "workloads/trace/trace_csv.h"
#include "workloads/trace/trace_fields.h"
#include "workloads/trace/trace_unique.h"

#include "core/memory.h"

#include <stdlib.h>
#include <string.h>

struct columns {
    struct trace_mappings map;
    int at[TRACE_MAX_MAPPINGS];     /* column of each mapping, from 0 */
    char *name[TRACE_MAX_MAPPINGS]; /* in the header, else as given */
    int last;
    int counts[TRACE_MAX_MAPPINGS]; /* columns that nobody mapped, whose name counts requests */
    char *count_names[TRACE_MAX_MAPPINGS];
    size_t count_columns;
    struct trace_fields fields;
    struct trace_unique *unique;
    struct csv_row row;
    struct buffer plain; /* a field without its doubled quotation marks */
};

static const char *const own_names[] = {"input_length", "output_length", NULL};

static bool probe(const struct trace_probe *p)
{
    return csv_probe(p, own_names);
}

/* "3" for the third column; −1 where it is no number from 1. */
static int column_number(const char *source)
{
    uint64_t number;
    if (!text_to_u64(text_of(source), &number) || number < 1 || number > CSV_MAX_FIELDS)
        return -1;
    return (int)number - 1;
}

/* Of a wide table not all columns are named. */
#define COLUMNS_SHOWN 300

static int missing_column(struct trace_input *in, const struct csv_row *header, const char *name,
                          struct error *err)
{
    char *copies[CSV_MAX_FIELDS + 1] = {NULL};
    for (size_t i = 0; i < header->count; i++)
        copies[i] = mem_copy_text(header->fields[i].at, header->fields[i].length);
    const char *near = text_nearest(text_of(name), (const char *const *)copies);
    struct buffer all;
    buffer_init(&all, BUFFER_UNBOUNDED);
    for (size_t i = 0; i < header->count && all.length < COLUMNS_SHOWN; i++)
        buffer_add_format(&all, "%s\"%.60s\"", i ? ", " : "; the columns are ", copies[i]);
    const char *hint = near ? "; did you mean \"" : all.length > 0 ? all.data : "";
    int status = trace_fail(in, 1, err, "expected a header with a column \"%.60s\"%s%.60s%s", name,
                            hint, near ? near : "", near ? "\"?" : "");
    buffer_free(&all);
    for (size_t i = 0; i < header->count; i++)
        free(copies[i]);
    return status;
}

/* Not every version of a form has all of its columns. */
static void drop_missing(struct columns *c)
{
    size_t kept = 0;
    for (size_t i = 0; i < c->map.count; i++) {
        struct trace_mapping *m = &c->map.items[i];
        if (csv_find(&c->row, m->source) >= 0) {
            c->map.items[kept++] = *m;
            continue;
        }
        free(m->label);
        free(m->source);
    }
    c->map.count = kept;
}

/* Finds the columns: by their names in the header, if there is one, else by their numbers. */
static int bind_columns(struct trace_input *in, struct columns *c, bool header, struct error *err)
{
    if (in->form)
        drop_missing(c);
    for (size_t i = 0; i < c->map.count; i++) {
        c->at[i] = header ? csv_find(&c->row, c->map.items[i].source) : -1;
        if (c->at[i] < 0)
            c->at[i] = column_number(c->map.items[i].source);
        if (c->at[i] < 0)
            return missing_column(in, &c->row, c->map.items[i].source, err);
        if (c->at[i] > c->last)
            c->last = c->at[i];
        struct text name = header && (size_t)c->at[i] < c->row.count
                               ? c->row.fields[c->at[i]]
                               : text_of(c->map.items[i].source);
        name = text_trim(name);
        c->name[i] = mem_copy_text(name.at, name.length);
    }
    return 0;
}

/* Columns such as "requests" that no mapping takes. */
static void find_counts(struct columns *c)
{
    for (size_t i = 0; i < c->row.count && c->count_columns < TRACE_MAX_MAPPINGS; i++) {
        bool mapped = false;
        struct text name = text_trim(c->row.fields[i]);
        for (size_t k = 0; k < c->map.count; k++)
            mapped |= c->at[k] == (int)i;
        if (mapped || !trace_is_aggregate(name, text_of("2"), true))
            continue;
        c->count_names[c->count_columns] = mem_copy_text(name.at, name.length);
        c->counts[c->count_columns++] = (int)i;
    }
}

static int check_counts(struct trace_input *in, const struct columns *c, struct text line,
                        struct error *err)
{
    for (size_t i = 0; i < c->count_columns; i++) {
        if ((size_t)c->counts[i] >= c->row.count)
            continue;
        struct text name = text_of(c->count_names[i]), value = c->row.fields[c->counts[i]];
        if (trace_is_aggregate(name, value, true))
            return trace_fail_aggregate(in, line, name, value, "columns", err);
    }
    return 0;
}

/* Without --columns every header name that is a field's name is taken. */
static void map_by_names(struct columns *c)
{
    for (size_t i = 0; i < c->row.count && c->map.count < TRACE_MAX_MAPPINGS; i++) {
        enum trace_field field = trace_field_from_name(c->row.fields[i]);
        if (field == FIELD_COUNT || field >= FIELD_MESSAGES) /* a "prompt" may be a count */
            continue;
        c->map.items[c->map.count++] = (struct trace_mapping){
            .field = field,
            .label = field == FIELD_USAGE && c->row.fields[i].length > 6
                         ? mem_copy_text(c->row.fields[i].at + 6, c->row.fields[i].length - 6)
                         : NULL,
            .source = mem_copy_text(c->row.fields[i].at, c->row.fields[i].length),
        };
    }
}

/* A file whose columns are all given by number may come without a header: its first line is one if
 * a count in it is no number. */
static bool is_header(const struct columns *c)
{
    for (size_t i = 0; i < c->map.count; i++) {
        int at = column_number(c->map.items[i].source);
        uint64_t number;
        if (at < 0)
            return true;
        if (c->map.items[i].field == FIELD_INPUT || c->map.items[i].field == FIELD_OUTPUT)
            if ((size_t)at < c->row.count && !text_to_u64(c->row.fields[at], &number))
                return true;
    }
    return c->map.count == 0;
}

/* Without blanks and line ends around it. */
static struct text trim(struct text t)
{
    while (t.length > 0 && memchr("\r\n", t.at[t.length - 1], 2))
        t.length--;
    while (t.length > 0 && memchr("\r\n", t.at[0], 2))
        t = (struct text){t.at + 1, t.length - 1};
    return text_trim(t);
}

/* What is between the quotes of a field, where "" stands for a quotation mark. */
static struct text without_doubled(struct columns *c, struct text line, struct text field)
{
    bool quoted = field.at > line.at && field.at[-1] == '"';
    if (!quoted || field.length == 0 || !memchr(field.at, '"', field.length))
        return field;
    buffer_clear(&c->plain);
    for (size_t i = 0; i < field.length; i++) {
        buffer_add_byte(&c->plain, field.at[i]);
        i += field.at[i] == '"' && i + 1 < field.length && field.at[i + 1] == '"';
    }
    return (struct text){c->plain.data, c->plain.length};
}

static int read_row(struct trace_input *in, struct columns *c, struct text line, struct error *err)
{
    struct trace_fields *f = &c->fields;
    struct text fault = {"", 0};
    const char *wanted = NULL;
    if (c->row.count <= (size_t)c->last)
        return trace_fail(in, (long)line.length + 1, err,
                          "expected %d fields, found %zu: the line is cut short", c->last + 1,
                          c->row.count);
    if (check_counts(in, c, line, err) < 0)
        return ERR_INPUT;
    trace_fields_clear(f);
    for (size_t i = 0; i < c->map.count; i++) {
        const struct trace_mapping *m = &c->map.items[i];
        struct text value = trim(c->row.fields[c->at[i]]);
        const char *what = trace_fields_map(
            f, m, c->name[i], trim(without_doubled(c, line, c->row.fields[c->at[i]])));
        if (what && !wanted) { /* a fault of a row that is passed over is none */
            wanted = what;
            fault = value;
        }
    }
    const char *over = trace_fields_pass_over(f, &c->map);
    if (over && !(wanted && strcmp(over, "no_counts") == 0)) {
        trace_note(in, over, true);
        return 0;
    }
    if (wanted)
        return trace_fail_value(in, line, fault, wanted, err);
    wanted = trace_fields_finish(f);
    if (wanted)
        return trace_fail(in, 1, err, "expected %s", wanted);
    trace_fields_note_usage(in, f);
    return trace_unique_add(c->unique, in, f, err);
}

static int read_lines(struct trace_input *in, struct columns *c, struct error *err)
{
    struct text line;
    int more = csv_header(in, &line, &c->row, err);
    if (more <= 0)
        return more;
    trace_fields_init(&c->fields, in);
    bool header = is_header(c);
    if (c->map.count == 0)
        map_by_names(c);
    if (bind_columns(in, c, header, err) < 0)
        return ERR_INPUT;
    trace_fields_take_sums(&c->fields, &c->map);
    if (header)
        find_counts(c);
    c->unique = trace_unique_create(trace_mapping_of(&c->map, FIELD_UNIQUE) != NULL);
    if (!header && read_row(in, c, line, err) < 0)
        return ERR_INPUT;
    while ((more = csv_next(in, &line, &c->row, err)) > 0)
        if (read_row(in, c, line, err) < 0)
            return ERR_INPUT;
    return more < 0 ? more : trace_unique_settle(c->unique, in, err);
}

static int read_rows(struct trace_input *in, struct error *err)
{
    struct columns *c = mem_zero(1, sizeof *c);
    int status = 0;
    buffer_init(&c->plain, BUFFER_UNBOUNDED);
    if (in->options.columns)
        status = trace_mappings_parse(in->options.columns, "columns", &c->map, err);
    if (status == 0)
        status = read_lines(in, c, err);
    if (status == 0)
        status = trace_fields_settle(in, &c->fields, &c->map,
                                     in->options.columns ? "columns" : NULL, err);
    if (status == 0)
        status = trace_settle_buckets(in, err);
    for (size_t i = 0; i < c->map.count; i++)
        free(c->name[i]);
    for (size_t i = 0; i < c->count_columns; i++)
        free(c->count_names[i]);
    trace_unique_free(c->unique);
    trace_mappings_free(&c->map);
    trace_fields_free(&c->fields);
    buffer_free(&c->plain);
    free(c);
    return status;
}

const struct trace_reader trace_reader_columns = {
    "csv",
    "any CSV: columns by --columns, or a header of farebox's own field names",
    probe,
    read_rows,
};
