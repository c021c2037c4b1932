#include "workloads/trace/trace_fields.h"

#include "core/json/json_write.h"
#include "core/memory.h"
#include "workloads/trace/value/number.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const names[FIELD_COUNT] = {
    "timestamp",
    "timestamp_s",
    "timestamp_ms",
    "timestamp_us",
    "timestamp_ns",
    "input",
    "uncached_input",
    "output",
    "cached_input",
    "cache_write",
    "cache_write_1h",
    "reasoning",
    "image_input",
    "audio_input",
    "video_input",
    "cached_image_input",
    "cached_audio_input",
    "image_output",
    "audio_output",
    "usage",
    "session_id",
    "request_id",
    "model",
    "class",
    "service",
    "priority",
    "status",
    "failed",
    "aborted",
    "attempts",
    "cost_usd",
    "ended",
    "first_token",
    "e2e_ms",
    "e2e_s",
    "ttft_ms",
    "ttft_s",
    "finish_reason",
    "initiator",
    "requests",
    "messages",
    "prompt",
    "label",
    "where",
    "skip",
    "unique",
};

/* Other names for the same. */
static const struct {
    const char *name;
    enum trace_field field;
} aliases[] = {
    {"input_length", FIELD_INPUT},
    {"output_length", FIELD_OUTPUT},
    {"session", FIELD_SESSION},
    {"request", FIELD_REQUEST},
    {"cost", FIELD_COST},
    {"started", FIELD_TIMESTAMP},
    {"first_token_ms", FIELD_TTFT_MS},
    {"end_ms", FIELD_E2E_MS},
    {"latency_ms", FIELD_E2E_MS},
    {"latency_s", FIELD_E2E_S},
    {"finish", FIELD_FINISH},
};

const char *trace_field_name(enum trace_field field)
{
    return names[field];
}

enum trace_field trace_field_from_name(struct text name)
{
    for (int i = 0; i < FIELD_COUNT; i++)
        if (i != FIELD_LABEL && text_equal(name, names[i]))
            return (enum trace_field)i;
    for (size_t i = 0; i < sizeof aliases / sizeof *aliases; i++)
        if (text_equal(name, aliases[i].name))
            return aliases[i].field;
    if (text_starts(name, "usage.") && name.length > 6)
        return FIELD_USAGE;
    return text_starts(name, "label.") && name.length > 6 ? FIELD_LABEL : FIELD_COUNT;
}

/* "type:assistant|user": what stands before the first colon, and behind it. */
static int split_filter(struct text *source, char **values)
{
    const char *colon = memchr(source->at, ':', source->length);
    if (!colon || colon == source->at)
        return -1;
    *values = mem_copy_text(colon + 1, (size_t)(source->at + source->length - colon - 1));
    source->length = (size_t)(colon - source->at);
    return 0;
}

static int parse_mapping(struct text item, const char *option, struct trace_mapping *out,
                         struct error *err)
{
    const char *equals = item.length ? memchr(item.at, '=', item.length) : NULL;
    int shown = item.length > 80 ? 80 : (int)item.length;
    if (!equals || equals == item.at + item.length - 1)
        return error_set(err, ERR_INPUT, "--%s: expected FIELD=SOURCE, found \"%.*s\"", option,
                         shown, item.at);
    struct text name = {item.at, (size_t)(equals - item.at)};
    out->field = trace_field_from_name(name);
    if (out->field == FIELD_COUNT) {
        const char *known[FIELD_COUNT + 1] = {NULL};
        memcpy(known, names, sizeof names);
        const char *near = text_nearest(name, known);
        return error_set(err, ERR_INPUT, "--%s: unknown field \"%.*s\"%s%s%s", option,
                         (int)(name.length > 60 ? 60 : name.length), name.at,
                         near ? "; did you mean \"" : "; docs/traces.md names them all: ",
                         near ? near : "timestamp, input, output, model, cost_usd, label.team, ...",
                         near ? "\"?" : "");
    }
    struct text source = {equals + 1, (size_t)(item.at + item.length - equals - 1)};
    if (out->field == FIELD_LABEL || (out->field == FIELD_USAGE && name.length > 6))
        out->label = mem_copy_text(name.at + 6, name.length - 6);
    if ((out->field == FIELD_WHERE || out->field == FIELD_SKIP) &&
        split_filter(&source, &out->label) < 0)
        return error_set(err, ERR_INPUT, "--%s: expected %.*s=SOURCE:VALUE, found \"%.*s\"", option,
                         (int)name.length, name.at, shown, item.at);
    out->source = mem_copy_text(source.at, source.length);
    return 0;
}

/* "requests=?". The mapping is then none of a source. */
static bool is_uncounted(struct trace_mapping *m)
{
    if (m->field != FIELD_REQUESTS || strcmp(m->source, "?") != 0)
        return false;
    free(m->source);
    *m = (struct trace_mapping){0};
    return true;
}

int trace_mappings_parse(const char *text, const char *option, struct trace_mappings *out,
                         struct error *err)
{
    *out = (struct trace_mappings){0};
    for (const char *at = text;; at++) {
        size_t length = strcspn(at, ",");
        if (out->count == TRACE_MAX_MAPPINGS)
            return error_set(err, ERR_INPUT, "--%s: more than %d fields", option,
                             TRACE_MAX_MAPPINGS);
        struct trace_mapping *m = &out->items[out->count];
        if (parse_mapping((struct text){at, length}, option, m, err) < 0)
            return ERR_INPUT;
        if (is_uncounted(m))
            out->uncounted = true;
        else
            out->count++;
        at += length;
        if (*at == '\0')
            return 0;
    }
}

void trace_mappings_free(struct trace_mappings *m)
{
    for (size_t i = 0; i < m->count; i++) {
        free(m->items[i].label);
        free(m->items[i].source);
    }
    m->count = 0;
}

const struct trace_mapping *trace_mapping_of(const struct trace_mappings *m, enum trace_field field)
{
    for (size_t i = 0; i < m->count; i++)
        if (m->items[i].field == field)
            return &m->items[i];
    return NULL;
}

uint32_t trace_mappings_count(const struct trace_mappings *m, enum trace_field field)
{
    uint32_t count = 0;
    for (size_t i = 0; i < m->count; i++)
        count += m->items[i].field == field;
    return count;
}

void trace_fields_init(struct trace_fields *f, const struct trace_input *in)
{
    *f = (struct trace_fields){.rules = in->instants, .decimal_comma = in->separator == ';'};
    trace_strings_init(&f->texts);
    buffer_init(&f->labels, TRACE_MAX_NAME);
    buffer_init(&f->made, TRACE_MAX_NAME);
    buffer_init(&f->messages, BUFFER_UNBOUNDED);
}

void trace_fields_free(struct trace_fields *f)
{
    trace_strings_free(&f->texts);
    buffer_free(&f->labels);
    buffer_free(&f->made);
    buffer_free(&f->messages);
}

void trace_fields_take_sums(struct trace_fields *f, const struct trace_mappings *m)
{
    f->uncounted = m->uncounted;
    f->buckets = m->uncounted || trace_mapping_of(m, FIELD_REQUESTS) != NULL;
}

void trace_fields_clear(struct trace_fields *f)
{
    f->row = (struct request){.timestamp_ns = TIME_NEVER, .attempts = 1};
    f->row.requests = f->uncounted ? REQUESTS_UNKNOWN : 1;
    f->given = 0;
    f->failed = f->aborted = f->skipped = false;
    f->wheres_met = 0;
    f->prompt_tokens = 0;
    f->messages_given = f->input_estimated = false;
    buffer_clear(&f->messages);
    f->unique = (struct text){NULL, 0};
    f->row_clock = CLOCK_NONE;
    f->report.is_there = false;
    trace_strings_clear(&f->texts);
    buffer_clear(&f->labels);
    buffer_clear(&f->made);
}

/* A number of seconds, or an epoch told by its size: 1e8 s lies in 1973, so any larger number is on
 * the wall clock, in s below 1e11, ms below 1e14, us below 1e17, else ns. */
static bool guess_time(struct trace_fields *f, struct text value, int64_t *out_ns)
{
    double size;
    if (!text_to_double(value, &size) || size < 0)
        return false;
    if (size >= 1e8)
        f->row_clock = CLOCK_WALL;
    int decimals = size < 1e11 ? 9 : size < 1e14 ? 6 : size < 1e17 ? 3 : 0;
    return text_to_fixed(value, decimals, out_ns);
}

const char *trace_read_time(struct trace_fields *f, enum trace_field field, struct text value,
                            int64_t *out_ns)
{
    static const int decimals[] = {0, 9, 6, 3, 0};
    int64_t ns = 0;
    bool good;
    f->row_clock = CLOCK_OFFSET;
    if (field != FIELD_TIMESTAMP) {
        good = text_to_fixed(value, decimals[field], &ns);
    } else if (!guess_time(f, value, &ns)) {
        enum instant_verdict verdict = instant_parse(value, &f->rules, &ns);
        if (verdict == INSTANT_AMBIGUOUS)
            return "a date whose month is certain (--dates day-first or month-first says which "
                   "number it is)";
        f->row_clock = CLOCK_WALL;
        good = verdict == INSTANT_GOOD;
    } else {
        good = true;
    }
    if (!good || ns < 0 || ns == TIME_NEVER)
        return "an instant or a time from 0";
    *out_ns = ns;
    /* 1e8 s in nanoseconds: a wall clock, whatever its unit. */
    if (ns >= INT64_C(100000000) * NS_PER_S)
        f->row_clock = CLOCK_WALL;
    return NULL;
}

static const char *set_count(struct trace_fields *f, enum trace_field field, struct text value)
{
    return number_count(value, f->decimal_comma, &f->counts[field]) &&
                   f->counts[field] <= trace_tokens_most(f)
               ? NULL
               : trace_tokens_wanted(f);
}

static const char *set_name(struct trace_fields *f, struct text value, const char **out)
{
    struct buffer *slot = &f->texts.slots[f->texts.used];
    if (memchr(value.at, '\0', value.length) || !text_is_utf8(value.at, value.length, NULL))
        return "UTF-8 text without zero bytes";
    if (f->texts.used == TRACE_ROW_TEXTS || buffer_add(slot, value.at, value.length) < 0)
        return "a text of at most 4096 bytes";
    f->texts.used++;
    *out = slot->data;
    return NULL;
}

static const char *set_other(struct trace_fields *f, enum trace_field field, const char *source,
                             struct text value)
{
    int64_t number;
    switch (field) {
    case FIELD_USAGE:
        return usage_report_parse(value, &f->report) ? NULL : "a usage object";
    case FIELD_SERVICE:
        f->row.service = service_called(value);
        if (f->row.service != SERVICE_OTHER)
            return NULL;
        return value.length > SERVICE_NAME_MAX ? "a service's name of at most 64 bytes"
                                               : set_name(f, value, &f->row.other_service);
    case FIELD_PRIORITY:
        if (!text_to_i64(value, &number) || number < INT16_MIN || number > INT16_MAX)
            return "a priority from -32768 to 32767";
        f->row.priority = (int)number;
        return NULL;
    case FIELD_STATUS:
        return trace_status_read(source, value, &f->row.status);
    case FIELD_FAILED:
        return trace_truth_read(value, &f->failed);
    case FIELD_ABORTED:
        return trace_truth_read(value, &f->aborted);
    case FIELD_COST:
        if (!number_dollars(value, f->decimal_comma, &f->row.cost) || f->row.cost < 0 ||
            f->row.cost == MONEY_MAX)
            return "dollars from 0, with at most 24 decimals";
        f->row.has_cost = true;
        return NULL;
    default:
        return "a field that is known";
    }
}

/* False for fields in which null is a word like others. */
static bool is_value(enum trace_field field)
{
    return field != FIELD_STATUS && field != FIELD_FAILED && field != FIELD_ABORTED;
}

const char *trace_fields_set(struct trace_fields *f, enum trace_field field, const char *source,
                             struct text value)
{
    const char *wanted;
    if (value.length == 0 || (is_value(field) && number_is_missing(value)))
        return NULL;
    switch (field) {
    case FIELD_TIMESTAMP:
    case FIELD_TIMESTAMP_S:
    case FIELD_TIMESTAMP_MS:
    case FIELD_TIMESTAMP_US:
    case FIELD_TIMESTAMP_NS:
        wanted = trace_read_time(f, field, value, &f->row.timestamp_ns);
        break;
    case FIELD_SESSION:
        wanted = set_name(f, value, &f->row.session_id);
        break;
    case FIELD_REQUEST:
        wanted = set_name(f, value, &f->row.request_id);
        break;
    case FIELD_MODEL:
        wanted = set_name(f, value, &f->row.model);
        break;
    case FIELD_CLASS:
        wanted = set_name(f, value, &f->row.class_name);
        break;
    case FIELD_FINISH:
        wanted = set_name(f, value, &f->row.finish_reason);
        break;
    case FIELD_ENDED:
    case FIELD_FIRST_TOKEN:
    case FIELD_E2E_MS:
    case FIELD_E2E_S:
    case FIELD_TTFT_MS:
    case FIELD_TTFT_S:
        wanted = trace_set_measured(f, field, value);
        break;
    case FIELD_INITIATOR:
    case FIELD_REQUESTS:
    case FIELD_MESSAGES:
    case FIELD_PROMPT:
        wanted = trace_set_content(f, field, value);
        break;
    case FIELD_USAGE:
    case FIELD_SERVICE:
    case FIELD_PRIORITY:
    case FIELD_STATUS:
    case FIELD_FAILED:
    case FIELD_ABORTED:
    case FIELD_COST:
        wanted = set_other(f, field, source, value);
        break;
    default:
        wanted = set_count(f, field, value);
    }
    if (!wanted)
        f->given |= UINT64_C(1) << field;
    return wanted;
}

/* One count of a usage object that is given in parts. */
static const char *add_count(struct trace_fields *f, const char *key, struct text value)
{
    uint64_t count;
    if (value.length == 0 || number_is_missing(value))
        return NULL;
    if (!number_count(value, f->decimal_comma, &count) || count > trace_tokens_most(f))
        return trace_tokens_wanted(f);
    buffer_add_format(&f->made, "%s\"%s\": %llu", f->made.length ? ", " : "{", key,
                      (unsigned long long)count);
    f->given |= UINT64_C(1) << FIELD_USAGE;
    return NULL;
}

/* The object of those counts, together with one that was given whole. */
static void take_made(struct trace_fields *f, bool whole)
{
    struct usage_report made;
    if (f->made.length == 0 || buffer_add_byte(&f->made, '}') < 0)
        return;
    if (!usage_report_parse((struct text){f->made.data, f->made.length}, &made))
        return;
    if (whole)
        usage_report_merge(&f->report, &made);
    else
        f->report = made;
}

static const char *set_label(struct trace_fields *f, const char *label, struct text value)
{
    if (value.length == 0)
        return NULL;
    if (memchr(value.at, '\0', value.length) || value.length > TRACE_MAX_NAME / 2)
        return "a text of at most 2048 bytes";
    struct buffer entry;
    buffer_init(&entry, BUFFER_UNBOUNDED);
    buffer_add_text(&entry, f->labels.length ? ", " : "{");
    json_escape(&entry, text_of(label));
    buffer_add_text(&entry, ": ");
    json_escape(&entry, value);
    int status = buffer_add(&f->labels, entry.data, entry.length);
    buffer_free(&entry);
    return status < 0 ? "labels of at most 4096 bytes" : NULL;
}

/* A row without a time among others that have one, or an offset among instants, would put half a
 * century into the trace. */
static const char *check_clock(struct trace_fields *f)
{
    static const char *const wanted[] = {
        [CLOCK_NONE] = "no time, as in the rows before: all rows have one or none",
        [CLOCK_OFFSET] = "a time from the start, as in the rows before",
        [CLOCK_WALL] = "an instant or an epoch, as in the rows before",
    };
    if (f->clock != CLOCK_NOT_KNOWN && f->clock != f->row_clock)
        return wanted[f->clock];
    f->clock = f->row_clock;
    f->instants = f->clock == CLOCK_WALL;
    return NULL;
}

/* True if the value is one of "a|b|c"; "*" is any that is there. */
static bool is_one_of(struct text value, const char *values)
{
    for (const char *at = values;; at++) {
        size_t length = strcspn(at, "|");
        if (text_same(value, (struct text){at, length}))
            return true;
        at += length;
        if (*at == '\0')
            return strcmp(values, "*") == 0 && value.length > 0;
    }
}

const char *trace_fields_map(struct trace_fields *f, const struct trace_mapping *m,
                             const char *source, struct text value)
{
    const char *unique;
    const char *wanted;
    switch (m->field) {
    case FIELD_USAGE:
        return m->label ? add_count(f, m->label, value)
                        : trace_fields_set(f, m->field, source, value);
    case FIELD_LABEL:
        return set_label(f, m->label, value);
    case FIELD_WHERE:
        f->wheres_met += is_one_of(value, m->label);
        return NULL;
    case FIELD_SKIP:
        f->skipped |= is_one_of(value, m->label);
        return NULL;
    case FIELD_UNIQUE:
        if (value.length == 0 || (wanted = set_name(f, value, &unique)) != NULL)
            return value.length == 0 ? NULL : wanted;
        f->unique = text_of(unique);
        return NULL;
    default:
        return trace_fields_set(f, m->field, source, value);
    }
}

const char *trace_fields_pass_over(const struct trace_fields *f, const struct trace_mappings *m)
{
    static const uint64_t counts = UINT64_C(1) << FIELD_INPUT |
                                   UINT64_C(1) << FIELD_UNCACHED_INPUT |
                                   UINT64_C(1) << FIELD_OUTPUT | UINT64_C(1) << FIELD_USAGE |
                                   UINT64_C(1) << FIELD_MESSAGES | UINT64_C(1) << FIELD_PROMPT;
    if (f->skipped || f->wheres_met < trace_mappings_count(m, FIELD_WHERE))
        return "filtered";
    bool failed = f->failed || f->aborted || f->row.status != REQUEST_OK;
    if (trace_has(f, FIELD_REQUESTS) && f->counts[FIELD_REQUESTS] == 0)
        return "no_requests";
    return (f->given & counts) || failed ? NULL : "no_counts";
}

const char *trace_fields_finish(struct trace_fields *f)
{
    struct request *r = &f->row;
    if (f->aborted || f->failed)
        r->status = f->aborted || r->status == REQUEST_ABORTED ? REQUEST_ABORTED : REQUEST_FAILED;
    take_made(f, f->report.is_there);
    const char *odd_clock = check_clock(f);
    if (odd_clock)
        return odd_clock;
    trace_take_usage(f);
    bool any_input = trace_has(f, FIELD_INPUT) || trace_has(f, FIELD_UNCACHED_INPUT);
    if (f->messages_given && !any_input) {
        f->counts[FIELD_INPUT] = f->prompt_tokens;
        f->given |= UINT64_C(1) << FIELD_INPUT;
        any_input = f->input_estimated = true;
    }
    bool unbounded = f->messages_given && !trace_has(f, FIELD_OUTPUT); /* as in files of prompts */
    if (r->status == REQUEST_OK && (!any_input || (!trace_has(f, FIELD_OUTPUT) && !unbounded)))
        return any_input ? "an output token count" : "an input token count";
    const char *wanted = trace_fill_lengths(f);
    if (wanted)
        return wanted;
    uint64_t searches = f->report.count[COUNT_WEB_SEARCHES];
    if (trace_has(f, FIELD_USAGE) && searches > 0) {
        f->extras[0] = (struct usage_extra){"web_search", (int64_t)searches * 1000000, 0};
        r->usage.extras = f->extras;
        r->usage.extra_count = 1;
        r->has_usage = true;
    }
    if (trace_has(f, FIELD_USAGE) && f->report.has_cost && !r->has_cost &&
        f->report.cost < MONEY_MAX) {
        r->has_cost = true;
        r->cost = f->report.cost;
    }
    if (trace_has(f, FIELD_ATTEMPTS))
        r->attempts = f->counts[FIELD_ATTEMPTS] ? (uint32_t)f->counts[FIELD_ATTEMPTS] : 1;
    if ((wanted = trace_fill_measured(f)) != NULL)
        return wanted;
    if (r->timestamp_ns == TIME_NEVER)
        r->timestamp_ns = 0;
    if (f->labels.length > 0) {
        if (buffer_add_byte(&f->labels, '}') < 0)
            return "labels of at most 4096 bytes";
        r->labels = f->labels.data;
    }
    return NULL;
}

int trace_fields_settle(struct trace_input *in, const struct trace_fields *f,
                        const struct trace_mappings *map, const char *option, struct error *err)
{
    char advice[128];
    if (f->instants) {
        trace_start_at_first(in);
        return 0;
    }
    for (size_t i = 0; i < map->count; i++) {
        if (map->items[i].field != FIELD_TIMESTAMP_MS)
            continue;
        snprintf(advice, sizeof advice, "timestamp_s=%.60s in --%s", map->items[i].source,
                 option ? option : "columns");
        return trace_refuse_seconds(in, !option, map->items[i].source, advice, err);
    }
    return 0;
}
