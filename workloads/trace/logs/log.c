#include "workloads/trace/logs/log.h"

#include <stdio.h>
#include <string.h>

void log_init(struct log *l, struct trace_input *in)
{
    *l = (struct log){.in = in};
    trace_fields_init(&l->fields, in);
    trace_fields_clear(&l->fields);
    l->unique = trace_unique_create(true);
    buffer_init(&l->plain, TRACE_MAX_NAME);
    buffer_init(&l->usage, TRACE_MAX_NAME);
    buffer_init(&l->id, 2 * TRACE_MAX_NAME);
}

void log_free(struct log *l)
{
    trace_fields_free(&l->fields);
    trace_unique_free(l->unique);
    buffer_free(&l->plain);
    buffer_free(&l->usage);
    buffer_free(&l->id);
}

void log_begin(struct log *l, struct text line)
{
    trace_fields_clear(&l->fields);
    buffer_clear(&l->usage);
    buffer_clear(&l->id);
    l->line = line;
    l->wanted = NULL;
    l->end_ns = TIME_NEVER;
}

struct text log_unquoted(struct text raw)
{
    if (raw.length < 2 || raw.at[0] != '"')
        return (struct text){"", 0};
    return (struct text){raw.at + 1, raw.length - 2};
}

bool log_find(struct text object, const char *path, struct text *raw)
{
    struct text found;
    if (object.length == 0 || !trace_json_find(object, path, &found) || text_equal(found, "null"))
        return false;
    *raw = found;
    return true;
}

struct text log_name(struct text object, const char *path)
{
    struct text raw = {"", 0};
    return log_find(object, path, &raw) ? log_unquoted(raw) : (struct text){"", 0};
}

bool log_is(struct text object, const char *path, const char *word)
{
    return text_equal(log_name(object, path), word);
}

static void fail(struct log *l, struct text raw, const char *wanted)
{
    if (!wanted || l->wanted)
        return;
    l->wanted = wanted;
    l->fault = raw;
}

/* A string's text, or any other value as it stands. */
static struct text plain_of(struct log *l, struct text raw)
{
    if (raw.at[0] != '"')
        return raw;
    buffer_clear(&l->plain);
    buffer_reserve(&l->plain, 0);
    if (!json_unescape(log_unquoted(raw), &l->plain))
        fail(l, raw, "a text of at most 4096 bytes");
    return (struct text){l->plain.data, l->plain.length};
}

void log_take(struct log *l, enum trace_field field, struct text raw)
{
    fail(l, raw, trace_fields_set(&l->fields, field, "", plain_of(l, raw)));
}

void log_label(struct log *l, const char *name, struct text raw)
{
    const struct trace_mapping m = {.field = FIELD_LABEL, .label = (char *)name};
    if (raw.at[0] != '{' && raw.at[0] != '[')
        fail(l, raw, trace_fields_map(&l->fields, &m, "", plain_of(l, raw)));
}

void log_count(struct log *l, const char *key, struct text raw)
{
    char name[64];
    snprintf(name, sizeof name, "\"%s\"", key);
    if (raw.at[0] == '{' || raw.at[0] == '[')
        return;
    const char *before = l->usage.length > 0 ? strstr(l->usage.data, name) : NULL;
    if (before && strncmp(before + strlen(name), ": null", 6) != 0)
        return;
    buffer_add_format(&l->usage, "%s%s: ", l->usage.length ? ", " : "{", name);
    buffer_add(&l->usage, raw.at, raw.length);
}

bool log_take_at(struct log *l, enum trace_field field, struct text object, const char *path)
{
    struct text raw;
    bool found = log_find(object, path, &raw);
    if (found)
        log_take(l, field, raw);
    return found;
}

bool log_label_at(struct log *l, const char *name, struct text object, const char *path)
{
    struct text raw;
    bool found = log_find(object, path, &raw);
    if (found)
        log_label(l, name, raw);
    return found;
}

bool log_count_at(struct log *l, const char *key, struct text object, const char *path)
{
    struct text raw;
    bool there = object.length > 0 && trace_json_find(object, path, &raw);
    if (there)
        log_count(l, key, raw);
    return there && !text_equal(raw, "null");
}

void log_end(struct log *l, struct text raw)
{
    int64_t start = l->fields.row.timestamp_ns;
    if (trace_fields_set(&l->fields, FIELD_TIMESTAMP, "", plain_of(l, raw)) == NULL)
        l->end_ns = l->fields.row.timestamp_ns;
    l->fields.row.timestamp_ns = start;
}

void log_end_after_ms(struct log *l, struct text raw)
{
    int64_t ns, start = l->fields.row.timestamp_ns;
    if (start != TIME_NEVER && text_to_fixed(raw, 6, &ns) && ns >= 0 && ns < TIME_NEVER - start)
        l->end_ns = start + ns;
}

void log_initiator(struct log *l, bool user)
{
    l->fields.row.initiator = user ? INITIATOR_USER : INITIATOR_AGENT;
}

void log_id(struct log *l, struct text a, struct text b)
{
    buffer_clear(&l->id);
    buffer_add(&l->id, a.at, a.length);
    if (a.length && b.length)
        buffer_add_byte(&l->id, '/');
    buffer_add(&l->id, b.at, b.length);
}

/* A length that nobody counted beside one that was: embeddings have no output, and say none. */
static void take_none(struct log *l, enum trace_field field)
{
    if (trace_has(&l->fields, field))
        return;
    l->fields.counts[field] = 0;
    l->fields.given |= UINT64_C(1) << field;
}

/* The single counts as a usage object. */
static const char *take_counts(struct log *l)
{
    if (l->usage.length == 0)
        return NULL;
    buffer_add_byte(&l->usage, '}');
    return trace_fields_set(&l->fields, FIELD_USAGE, "",
                            (struct text){l->usage.data, l->usage.length});
}

/* A length of a call that went well stands there as null. */
static bool is_unknown(const struct log *l)
{
    const struct trace_fields *f = &l->fields;
    if (!trace_has(f, FIELD_USAGE) || f->failed || f->aborted || f->row.status != REQUEST_OK)
        return false;
    return (!trace_has(f, FIELD_INPUT) && usage_report_input_is_unknown(&f->report)) ||
           (!trace_has(f, FIELD_OUTPUT) && usage_report_output_is_unknown(&f->report));
}

static const char *finish(struct log *l)
{
    struct trace_fields *f = &l->fields;
    if (trace_has(f, FIELD_USAGE) &&
        usage_report_has_input(&f->report) != usage_report_has_output(&f->report))
        take_none(l, usage_report_has_input(&f->report) ? FIELD_OUTPUT : FIELD_INPUT);
    return trace_fields_finish(f);
}

int log_add(struct log *l, struct error *err)
{
    static const struct trace_mappings none = {.count = 0};
    struct trace_fields *f = &l->fields;
    if (l->usage.length == 0 && trace_fields_pass_over(f, &none)) {
        trace_note(l->in, "no_call", true);
        return 0;
    }
    if (l->wanted)
        return trace_fail_value(l->in, l->line, l->fault, l->wanted, err);
    const char *wanted = take_counts(l);
    if (!wanted && is_unknown(l)) {
        trace_note(l->in, "unknown_tokens", true);
        return 0;
    }
    wanted = wanted ? wanted : finish(l);
    if (wanted)
        return trace_fail(l->in, 1, err, "expected %s", wanted);
    trace_fields_note_usage(l->in, f);
    f->unique = (struct text){l->id.length ? l->id.data : NULL, l->id.length};
    int status = trace_unique_add(l->unique, l->in, f, err);
    if (status == 0)
        trace_unique_end(l->unique, l->end_ns);
    return status;
}

int log_settle(struct log *l, struct error *err)
{
    int status = trace_unique_settle(l->unique, l->in, err);
    if (status == 0 && l->fields.instants)
        trace_start_at_first(l->in);
    return status;
}
