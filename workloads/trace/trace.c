#include "workloads/trace/trace_files.h"
#include "workloads/trace/trace_form.h"
#include "workloads/trace/trace_propose.h"

#include "core/json/mend.h"
#include "core/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PEEK_SIZE ((size_t)64 << 10)

/* In the order in which they are asked: the more particular first. */
static const struct trace_reader *const readers[] = {
    &trace_reader_azure,    &trace_reader_burstgpt, &trace_reader_columns,
    &trace_reader_run,      &trace_reader_tracelab, &trace_reader_weka,
    &trace_reader_ragpulse, &trace_reader_bailian,  &trace_reader_batch,
    &trace_reader_buckets,  &trace_reader_outcomes, &trace_reader_copilot,
    &trace_reader_gemini,   &trace_reader_guidellm, &trace_reader_litellm,
    &trace_reader_aiperf,   &trace_reader_vllm,     &trace_reader_servingsim,
    &trace_reader_claude,   &trace_reader_otel,     &trace_reader_canonical,
    &trace_reader_codex,    &trace_reader_prompts,  &trace_reader_keys,
};
#define READER_COUNT (sizeof readers / sizeof *readers)

enum json_kind trace_probe_kind(const struct trace_probe *p, const char *key)
{
    struct json_scan s;
    struct text found;
    if (!p->is_object)
        return JSON_NOTHING;
    json_scan_init(&s, "", p->all.at, p->all.length, 1);
    json_object_begin(&s);
    while (json_object_next(&s, &found)) {
        if (text_equal(found, key))
            return json_peek(&s);
        json_skip(&s, NULL);
    }
    return JSON_NOTHING;
}

bool trace_probe_key(const struct trace_probe *p, const char *key)
{
    return trace_probe_kind(p, key) != JSON_NOTHING;
}

void trace_note(struct trace_input *in, const char *what, bool skipped)
{
    struct trace_report *r = in->report;
    for (size_t i = 0; i < r->note_count; i++) {
        if (strcmp(r->notes[i].what, what) == 0) {
            r->notes[i].count++;
            return;
        }
    }
    if (r->note_count < TRACE_NOTES)
        r->notes[r->note_count++] = (struct trace_note){what, skipped, 1, trace_line_number(in)};
}

long trace_line_number(const struct trace_input *in)
{
    return in->first_line ? in->first_line : in->lines.number;
}

int trace_fail(struct trace_input *in, long column, struct error *err, const char *format, ...)
{
    char message[768];
    va_list args;
    va_start(args, format);
    vsnprintf(message, sizeof message, format, args);
    va_end(args);
    return error_at(err, in->lines.name, trace_line_number(in), column, "%s", message);
}

int trace_fail_in(struct trace_input *in, struct text row, const char *at, struct error *err,
                  const char *format, ...)
{
    char message[768];
    va_list args;
    long number = trace_line_number(in);
    const char *start = row.at;
    for (const char *p = row.at; p < at; p++)
        if (*p == '\n') {
            number++;
            start = p + 1;
        }
    va_start(args, format);
    vsnprintf(message, sizeof message, format, args);
    va_end(args);
    return error_at(err, in->lines.name, number, at - start + 1, "%s", message);
}

int trace_fail_value(struct trace_input *in, struct text line, struct text value,
                     const char *wanted, struct error *err)
{
    char shown[4 * 40 + 4] = "";
    size_t used = 0;
    for (size_t i = 0; i < value.length && i < 40; i++) {
        unsigned char c = (unsigned char)value.at[i];
        int n = snprintf(shown + used, sizeof shown - used,
                         c >= 0x20 && c < 0x7f ? "%c" : "\\x%02x", c);
        used += (size_t)n;
    }
    uintptr_t at = (uintptr_t)value.at, begin = (uintptr_t)line.at;
    bool inside = at >= begin && at <= begin + line.length; /* else of a text that was decoded */
    return trace_fail_in(in, line, inside ? value.at : line.at, err, "expected %s, found \"%s%s\"",
                         wanted, shown, value.length > 40 ? "…" : "");
}

int trace_add(struct trace_input *in, const struct request *r, struct error *err)
{
    struct error why = {0};
    if (workload_add(in->out, r, &why) == 0)
        return 0;
    return trace_fail(in, 0, err, "%s", why.message);
}

void trace_rebase(struct trace_input *in)
{
    int64_t first = 0, last = 0;
    if (workload_time_range(in->out, &first, &last) && first != 0)
        workload_shift(in->out, -first);
}

void trace_start_at_first(struct trace_input *in)
{
    in->out->has_start = true;
    in->out->start_unix_ns = 0;
    trace_rebase(in);
}

/* Fractions of a millisecond in at least every second row, a thousand rows a second and more, and
 * all in a minute: a client that logged seconds. */
static bool spaced_in_seconds(const struct workload *w, int64_t span_ns)
{
    uint64_t timed = 0, fractions = 0;
    for (size_t i = 0; i < w->count; i++) {
        if (w->timestamp_ns[i] == TIME_NEVER)
            continue;
        timed++;
        fractions += w->timestamp_ns[i] % NS_PER_MS != 0;
    }
    return timed > 1 && fractions * 2 >= timed - 1 && span_ns > 0 && span_ns < 60 * NS_PER_S &&
           (double)(timed - 1) * 1e9 / (double)span_ns >= 1000;
}

/* A time as the file has it: milliseconds, without zeros at the end. */
static void write_ms(int64_t ns, char out[40])
{
    int used =
        snprintf(out, 40, "%lld.%06lld", (long long)(ns / NS_PER_MS), (long long)(ns % NS_PER_MS));
    while (used > 1 && out[used - 1] == '0')
        out[--used] = '\0';
    if (out[used - 1] == '.')
        out[used - 1] = '\0';
}

int trace_refuse_seconds(struct trace_input *in, bool spacing, const char *field,
                         const char *advice, struct error *err)
{
    /* 2010 and 2040 in seconds, read as milliseconds: 15 and 26 days. */
    const int64_t early = INT64_C(1262304000) * NS_PER_MS, late = INT64_C(2208988800) * NS_PER_MS;
    int64_t first = 0, last = 0;
    char from[40], to[40];
    if (!workload_time_range(in->out, &first, &last))
        return 0;
    write_ms(first, from);
    write_ms(last, to);
    if (first >= early && last < late)
        return error_at(err, in->lines.name, 0, 0,
                        "\"%s\" is in milliseconds, and %s to %s can only be an epoch in seconds: "
                        "expected %s",
                        field, from, to, advice);
    if (spacing && spaced_in_seconds(in->out, last - first))
        return error_at(err, in->lines.name, 0, 0,
                        "\"%s\" is in milliseconds, and %zu requests from %s to %s can only be in "
                        "seconds: expected %s",
                        field, in->out->count, from, to, advice);
    return 0;
}

int trace_settle_timestamps(struct trace_input *in, struct error *err)
{
    static const char advice[] =
        "--keys timestamp_s=timestamp,input=input_length,output=output_length (or --format "
        "canonical, which takes them for milliseconds)";
    int64_t first = 0, last = 0;
    if (!workload_time_range(in->out, &first, &last))
        return 0;
    if (last >= TRACE_WALL_NS && (first < TRACE_WALL_NS || in->out->has_start))
        return error_at(err, in->lines.name, 0, 0,
                        in->out->has_start
                            ? "the first line says when 0 was, and \"timestamp\" holds epochs: "
                              "expected one or the other"
                            : "some of \"timestamp\" are epochs and some are offsets from a "
                              "start: expected one or the other");
    if (first >= TRACE_WALL_NS)
        trace_start_at_first(in);
    else if (!in->out->has_start && !in->options.format)
        return trace_refuse_seconds(in, true, "timestamp", advice, err);
    return 0;
}

/* Times that go back are kept in file order; consumers sort. The report says how many. Which line
 * each row stood on is not kept. */
static void count_backward(struct trace_input *in)
{
    const struct workload *w = in->out;
    int64_t latest = INT64_MIN;
    in->lines.number = 0;
    for (size_t i = 0; i < w->count; i++) {
        if (w->timestamp_ns[i] == TIME_NEVER)
            continue;
        if (w->timestamp_ns[i] < latest)
            trace_note(in, "time_went_back", false);
        else
            latest = w->timestamp_ns[i];
    }
}

/* What is peeked at, without a byte-order mark and blank space in front. */
static struct text without_blanks(struct text all)
{
    if (text_starts(all, "\xEF\xBB\xBF"))
        all = (struct text){all.at + 3, all.length - 3};
    while (all.length > 0 && strchr(" \t\r\n", all.at[0]) && all.at[0] != '\0') {
        all.at++;
        all.length--;
    }
    return all;
}

static struct text first_line(struct text all)
{
    const char *end = all.length ? memchr(all.at, '\n', all.length) : NULL;
    if (end)
        all.length = (size_t)(end - all.at);
    if (all.length > 0 && all.at[all.length - 1] == '\r')
        all.length--;
    return all;
}

/* What a file may be whose form is not known. */
static void say_not_recognised(struct trace_input *in, const struct trace_probe *p,
                               struct error *err)
{
    const char *what = in->options.is_invoice ? "invoice" : "trace";
    const char *dashes = in->options.is_invoice ? "--invoice-" : "--";
    struct buffer mapping;
    buffer_init(&mapping, 600);
    if (p->line.length == 0)
        error_at(err, in->lines.name, 0, 0, "is empty; %s %s was expected",
                 in->options.is_invoice ? "an" : "a", what);
    else if (trace_propose(p, &mapping)) /* "--columns input=in,..." */
        error_at(err, in->lines.name, 1, 0,
                 "this is no %s that is recognised; its names suggest %s%s", what, dashes,
                 mapping.data + strlen("--"));
    else
        error_at(err, in->lines.name, 1, 0,
                 "this is no %s that is recognised; name its form with %sformat, or its fields "
                 "with %scolumns (CSV) or %skeys (JSON Lines)",
                 what, dashes, dashes, dashes);
    buffer_free(&mapping);
}

/* Reads as a form that was found, which becomes the input's. */
static const struct trace_reader *read_form(struct trace_input *in, const struct trace_form *found)
{
    in->form = mem_zero(1, sizeof *in->form);
    *in->form = *found;
    in->options.keys = found->is_table ? NULL : found->fields;
    in->options.columns = found->is_table ? found->fields : NULL;
    return found->is_table ? &trace_reader_columns : &trace_reader_keys;
}

static const struct trace_reader *find_by_content(struct trace_input *in, struct trace_probe *p)
{
    struct trace_form form;
    p->is_object = p->line.length > 0 && p->line.at[0] == '{';
    for (size_t i = 0; i < READER_COUNT; i++)
        if (readers[i]->probe && readers[i]->probe(p))
            return readers[i];
    return trace_form_recognise(p, &form) ? read_form(in, &form) : NULL;
}

/* True where the first line is only a part of an object. */
static bool goes_on(const struct trace_probe *p)
{
    struct json_scan s;
    if (p->line.length == 0 || p->line.at[0] != '{' || p->line.length + 2 >= p->all.length)
        return false;
    json_scan_init(&s, "", p->line.at, p->line.length, 1);
    json_skip(&s, NULL);
    return json_scan_end(&s, NULL) < 0;
}

/* As lines, then as the elements of a document. */
static const struct trace_reader *find_in(struct trace_input *in, struct trace_probe *p)
{
    struct text all = p->all;
    const struct trace_reader *found = goes_on(p) ? NULL : find_by_content(in, p);
    if (found || !document_begins(&in->document, all, &all))
        return found;
    in->is_document = true;
    *p = (struct trace_probe){.line = all, .all = all};
    return find_by_content(in, p);
}

/* What is peeked at, mended, if it is no JSON but nearly so. */
static const struct trace_reader *find_mended(struct trace_input *in, struct text all)
{
    if (all.length == 0 || (all.at[0] != '{' && all.at[0] != '['))
        return NULL;
    in->mended.cap = 6 * (all.length + 1);
    if (!mend_json(all, &in->mended))
        return NULL;
    all = (struct text){in->mended.data, in->mended.length};
    in->is_document = false;
    return find_in(in, &(struct trace_probe){.line = first_line(all), .all = all});
}

static const struct trace_reader *recognise(struct trace_input *in, struct error *err)
{
    struct text all;
    if (line_reader_peek(&in->lines, PEEK_SIZE, &all, err) < 0)
        return NULL;
    all = without_blanks(all);
    struct trace_probe p = {.line = first_line(all), .all = all};
    const struct trace_reader *found = find_in(in, &p);
    if (!found)
        found = find_mended(in, all);
    if (!found)
        say_not_recognised(in, &p, err);
    return found;
}

static const struct trace_reader *find_reader(const char *name, struct error *err)
{
    struct buffer known;
    for (size_t i = 0; i < READER_COUNT; i++)
        if (strcmp(name, readers[i]->name) == 0)
            return readers[i];
    buffer_init(&known, BUFFER_UNBOUNDED);
    const char *known_name;
    for (size_t i = 0; (known_name = trace_format_name(i)); i++)
        buffer_add_format(&known, "%s%s", i ? ", " : "", known_name);
    error_set(err, ERR_INPUT, "unknown trace format \"%.60s\"; expected one of %s", name,
              known.data);
    buffer_free(&known);
    return NULL;
}

/* --keys take lines of JSON, and the elements of a document. */
static int rows_of_document(struct trace_input *in, struct error *err)
{
    struct text all;
    if (line_reader_peek(&in->lines, PEEK_SIZE, &all, err) < 0)
        return ERR_INPUT;
    in->is_document = document_begins(&in->document, without_blanks(all), &all);
    return 0;
}

/* --format wins, then --columns and --keys, then the content. */
static const struct trace_reader *choose_reader(struct trace_input *in, struct error *err)
{
    const struct trace_options *o = &in->options;
    if (o->columns && o->keys) {
        error_set(err, ERR_INPUT, "--columns is for CSV and --keys for JSON Lines; expected one");
        return NULL;
    }
    struct trace_form form;
    if (o->format && trace_form_find(o->format, &form))
        return rows_of_document(in, err) < 0 ? NULL : read_form(in, &form);
    const struct trace_reader *named = o->format ? find_reader(o->format, err) : NULL;
    if (o->format)
        return named == &trace_reader_buckets && rows_of_document(in, err) < 0 ? NULL : named;
    if (o->columns)
        return &trace_reader_columns;
    if (o->keys)
        return rows_of_document(in, err) < 0 ? NULL : &trace_reader_keys;
    return recognise(in, err);
}

/* The part of a path that people call the file by: no folders, no extensions. */
static char *stem_of(const char *path)
{
    size_t length = strlen(path);
    while (length > 1 && path[length - 1] == '/')
        length--;
    const char *slash = memrchr(path, '/', length), *name = slash && length > 1 ? slash + 1 : path;
    char *stem = strcmp(path, "-") == 0 ? mem_copy_string("stdin")
                                        : mem_copy_text(name, length - (size_t)(name - path));
    static const char *const endings[] = {".gz", ".jsonl", ".json", ".csv", ".ndjson"};
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) {
        size_t have = strlen(stem), cut = strlen(endings[i]);
        if (have > cut && strcmp(stem + have - cut, endings[i]) == 0)
            stem[have - cut] = '\0';
    }
    return stem;
}

/* Cut from the middle of a recording, a trace would begin with a wait that nobody asked for, and a
 * subscription would be paid from a day on which nothing was asked. */
static void start_at_earliest(struct trace_input *in)
{
    int64_t first = 0, last = 0;
    if (!workload_time_range(in->out, &first, &last) || first == 0)
        return;
    in->report->moved_ns = first;
    workload_shift(in->out, -first);
}

const char *trace_dates_name(size_t i)
{
    static const char *const names[] = {"day-first", "month-first"};
    return i < COUNT_OF(names) ? names[i] : NULL;
}

static int read_instant_options(struct trace_input *in, struct error *err)
{
    const struct trace_options *o = &in->options;
    if (o->timezone && instant_zone_parse(text_of(o->timezone), &in->instants.zone_ns) < 0)
        return error_set(
            err, ERR_INPUT,
            "--timezone: expected a fixed offset such as +02:00 or UTC, found \"%.40s\" "
            "(a named zone does not say when it changes its clocks)",
            o->timezone);
    if (o->dates)
        in->instants.order =
            strcmp(o->dates, trace_dates_name(0)) == 0 ? DATES_DAY_FIRST : DATES_MONTH_FIRST;
    return 0;
}

/* A canonical trace is whole, or it is none; and what is left of a table's cut row looks like one.
 */
static bool is_strict(const struct trace_reader *reader)
{
    return reader == &trace_reader_canonical || reader == &trace_reader_columns ||
           reader == &trace_reader_azure || reader == &trace_reader_burstgpt;
}

/* Of a strict form compressed bytes that end too early are an error. */
static int whole_or_not(struct trace_input *in, struct error *err)
{
    in->lines.tolerant = false;
    return in->lines.cut ? error_at(err, in->lines.name, 0, 0, "gzip data ends too early") : 0;
}

static int read_open(struct trace_input *in, struct error *err)
{
    if (read_instant_options(in, err) < 0)
        return ERR_INPUT;
    const struct trace_reader *reader = choose_reader(in, err);
    if (!reader)
        return ERR_INPUT;
    in->report->format = in->form ? in->form->name : reader->name;
    in->strict = is_strict(reader);
    int status = in->strict ? whole_or_not(in, err) : 0;
    if (status == 0)
        status = reader->read(in, err);
    if (status == 0 && in->out->count == 0)
        status = error_at(err, in->lines.name, in->lines.number, 0,
                          "holds no request (read as \"%s\"%s)", in->report->format,
                          trace_report_skipped(in->report)
                              ? "; rows without any token count are taken for no calls"
                              : "");
    if (status == 0)
        count_backward(in);
    if (status == 0 && in->options.from_first)
        start_at_earliest(in);
    return status;
}

/* Frees what reading took, but for the workload. */
static void close_input(struct trace_input *in)
{
    line_reader_close(&in->lines);
    document_free(&in->document);
    if (in->form)
        trace_form_free(in->form);
    free(in->form);
    buffer_free(&in->record);
    buffer_free(&in->header);
    buffer_free(&in->mended);
}

static int open_input(struct trace_input *in, const char *path, struct error *err)
{
    size_t max_line = in->options.max_line ? in->options.max_line : TRACE_MAX_LINE;
    document_init(&in->document, max_line);
    buffer_init(&in->mended, 0);
    int status = line_reader_open(&in->lines, path, max_line, err);
    in->lines.tolerant = true;
    return status;
}

/* The name of the form that a file has, for itself; NULL where it has none. */
static const char *form_of_file(const char *path, const struct trace_options *options)
{
    struct trace_report unused = {0};
    struct trace_input in = {.report = &unused, .options = *options};
    const char *name = NULL;
    if (open_input(&in, path, NULL) == 0) {
        const struct trace_reader *reader = recognise(&in, NULL);
        name = reader ? in.form ? in.form->name : reader->name : NULL;
    }
    close_input(&in);
    return name;
}

/* Of several files those that are of the form of the first that has one: what lies beside logs in a
 * folder is no trace. */
static void keep_one_form(struct trace_input *in, struct trace_files *files)
{
    const char *form = NULL;
    size_t kept = 0;
    if (in->options.format || in->options.columns || in->options.keys)
        return;
    for (size_t i = 0; i < files->count; i++) {
        const char *name = form_of_file(files->paths[i], &in->options);
        if (!form)
            form = name;
        if (name && strcmp(name, form) == 0) {
            char *path = files->paths[i];
            files->paths[i] = files->paths[kept];
            files->paths[kept++] = path;
        } else {
            trace_note(in, "other_file", true);
        }
    }
    for (size_t i = form ? kept : 1; i < files->count; i++)
        free(files->paths[i]);
    files->count = form ? kept : 1;
}

static int read_files(struct trace_input *in, const struct trace_files *files, struct error *err)
{
    int status = open_input(in, files->paths[0], err);
    line_reader_chain(&in->lines, files->paths + 1, files->count - 1);
    if (status == 0)
        status = read_open(in, err);
    close_input(in);
    return status;
}

int trace_read(const char *path, const struct trace_options *options, struct workload *out,
               struct trace_report *report, struct error *err)
{
    struct trace_report unused = {0};
    struct error own = {0};
    struct trace_files files;
    struct trace_input in = {.out = out, .report = report ? report : &unused};
    err = err ? err : &own;
    *in.report = (struct trace_report){0};
    if (options)
        in.options = *options;
    if (trace_files_find(path, &files, err) < 0)
        return err->code;
    if (files.count > 1)
        keep_one_form(&in, &files);
    int status = read_files(&in, &files, err);
    trace_files_free(&files);
    if (status < 0) {
        workload_free(out);
        return status;
    }
    out->name = stem_of(path);
    in.report->rows = out->count;
    return 0;
}

uint64_t trace_report_skipped(const struct trace_report *report)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < report->note_count; i++)
        if (report->notes[i].skipped)
            sum += report->notes[i].count;
    return sum;
}

const char *trace_format_name(size_t i)
{
    struct trace_form form;
    if (i < READER_COUNT)
        return readers[i]->name;
    if (!trace_form_at(i - READER_COUNT, &form))
        return NULL;
    trace_form_free(&form);
    return form.name;
}
