#include "workloads/trace/trace_form.h"

#include "core/embedded.h"
#include "core/json/json_fields.h"
#include "core/memory.h"
#include "workloads/trace/trace_csv.h"
#include "workloads/trace/trace_json.h"

#include <stdlib.h>
#include <string.h>

#define AT(member) JSON_AT(struct trace_form, member)
static const char *const rows_names[] = {"json", "table", NULL};
static const struct json_field name_item = {.kind = JSON_AS_STRING, .size = sizeof(char *)};
static const struct json_field rows[] = {
    {"about", JSON_AS_STRING, AT(about), .required = true},
    {"export", JSON_AS_STRING, AT(export), .required = true},
    {"source", JSON_AS_STRING, AT(source), .required = true},
    {"checked", JSON_AS_BOOL, AT(checked)},
    {"rows", JSON_AS_CHOICE, AT(is_table), .names = rows_names, .what = "kind of rows"},
    {"has", JSON_AS_LIST, AT(has), .item = &name_item, .max = FORM_MAX_NAMES, .required = true,
     .count = offsetof(struct trace_form, has_count), .what = "names"},
    {"fields", JSON_AS_STRING, AT(fields), .required = true},
};
static const struct json_table table = {
    JSON_ROWS(rows),
    .where = "form",
    .needs = "a form needs about, export, source, has and fields",
    .once = true,
};

static void read_form(const struct embedded_file *file, struct trace_form *out)
{
    struct json_scan s;
    *out = (struct trace_form){.name = file->stem};
    json_scan_init(&s, file->stem, file->bytes, file->length, 1);
    json_fields_read(&s, &table, out);
    if (json_scan_end(&s, NULL) < 0)
        abort(); /* it is ours, and the tests read them all */
}

bool trace_form_at(size_t i, struct trace_form *out)
{
    const struct embedded_file *f = embedded_next("forms", NULL);
    while (f && i-- > 0)
        f = embedded_next("forms", f);
    if (f)
        read_form(f, out);
    return f != NULL;
}

void trace_form_free(struct trace_form *f)
{
    for (size_t i = 0; i < f->has_count; i++)
        free(f->has[i]);
    free(f->has);
    free(f->about);
    free(f->export);
    free(f->source);
    free(f->fields);
}

bool trace_form_find(const char *name, struct trace_form *out)
{
    const struct embedded_file *f = embedded_find("forms", name);
    if (f)
        read_form(f, out);
    return f != NULL;
}

static bool object_fits(const struct trace_form *f, struct text object)
{
    struct text value;
    for (size_t i = 0; i < f->has_count; i++)
        if (!trace_json_find(object, f->has[i], &value))
            return false;
    return true;
}

/* Any of the lines that are seen whole, for logs begin with rows of other kinds. */
static bool lines_fit(const struct trace_form *f, const struct trace_probe *p)
{
    const char *at = p->all.at, *end = at + p->all.length;
    if (object_fits(f, p->line))
        return true;
    while (at < end) {
        const char *stop = memchr(at, '\n', (size_t)(end - at));
        struct text line = text_trim((struct text){at, (size_t)((stop ? stop : end) - at)});
        if (line.length > 0 && line.at[0] == '{' && object_fits(f, line))
            return true;
        at = stop ? stop + 1 : end;
    }
    return false;
}

static bool table_fits(const struct trace_form *f, const struct trace_probe *p)
{
    const char *names[FORM_MAX_NAMES + 1] = {NULL};
    memcpy(names, f->has, f->has_count * sizeof *names);
    return csv_probe(p, names);
}

bool trace_form_recognise(const struct trace_probe *p, struct trace_form *out)
{
    for (size_t i = 0; trace_form_at(i, out); i++) {
        if (out->is_table != p->is_object &&
            (out->is_table ? table_fits(out, p) : lines_fit(out, p)))
            return true;
        trace_form_free(out);
    }
    return false;
}
