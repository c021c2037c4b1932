/* Forms of logs and exports that need no code of their own: a JSON file each in
 * workloads/trace/forms/, found by the names that the first rows have. Private to workloads/.
 *
 *     { "about": "what it is, in one line",
 *       "export": "how its owner gets such a file",
 *       "source": "the public page that describes it", "checked": true,
 *       "rows": "json" or "table",
 *       "has": ["names", "that", "outer.inner", "a row has"],
 *       "fields": "timestamp=...,usage=...,where=type:assistant,unique=message.id" }
 *
 * `fields` is what --keys or --columns would be given. The file's stem is the form's name.
 */
#ifndef FAREBOX_WORKLOADS_TRACE_TRACE_FORM_H
#define FAREBOX_WORKLOADS_TRACE_TRACE_FORM_H

#include "workloads/trace/trace_input.h"

#define FORM_MAX_NAMES 12

struct trace_form {
    const char *name; /* the program's */
    char *about, *export, *source, *fields;
    bool checked; /* against a real file or the tool's own source; else by its documentation */
    bool is_table;
    char **has;
    size_t has_count;
};

/* Form number i; false behind the last. The caller frees it. */
bool trace_form_at(size_t i, struct trace_form *out);
void trace_form_free(struct trace_form *f);

/* The form of which a row among the first ones has all names, or of that name. False if there is
 * none. */
bool trace_form_recognise(const struct trace_probe *p, struct trace_form *out);
bool trace_form_find(const char *name, struct trace_form *out);

#endif
