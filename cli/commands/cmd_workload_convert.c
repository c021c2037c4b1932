/* farebox workload convert TRACE -o FILE: one form of trace into another. */
#include "cli/command.h"
#include "cli/commands/convert_run.h"
#include "cli/output.h"
#include "cli/workload_files.h"
#include "core/file_output.h"

#include <string.h>

#define AT(field) offsetof(struct convert_options, field)

struct convert_options {
    struct common_options common;
    struct trace_reading reading;
    const char *output, *to, *as_run;
    bool force;
};

static const struct option_spec options[] = {
    {"output", 'o', OPTION_OUTPUT, AT(output), NULL, "FILE",
     .help = "where to write; .gz compresses, - is standard output"},
    {"to", 0, OPTION_TEXT, AT(to), NULL, "FORM",
     .help = "jsonl (all that is known), mooncake (four keys) or csv; else from the file's name"},
    {"as-run", 0, OPTION_TEXT, AT(as_run), NULL, "DIR",
     .help = "instead of -o: write a run directory, for report and diff, of a log that says how "
             "long its requests took"},
    {"force", 'f', OPTION_FLAG, AT(force), NULL, NULL, .help = "replace an existing file"},
    TRACE_READING_OPTIONS(struct convert_options, reading),
    {0},
};

static bool ends_with(const char *text, const char *ending)
{
    size_t have = strlen(text), wanted = strlen(ending);
    return have >= wanted && strcmp(text + have - wanted, ending) == 0;
}

static int choose_form(const struct convert_options *o, enum trace_output *form, struct error *err)
{
    static const char *const names[] = {"jsonl", "mooncake", "csv", NULL};
    if (!o->to) {
        *form = ends_with(o->output, ".csv") || ends_with(o->output, ".csv.gz") ? TRACE_CSV
                                                                                : TRACE_CANONICAL;
        return 0;
    }
    int found = trace_output_from_name(o->to);
    if (found < 0) {
        const char *near = text_nearest(text_of(o->to), names);
        return error_set(err, ERR_INPUT, "--to \"%.40s\": expected jsonl, mooncake or csv%s%s%s",
                         o->to, near ? "; did you mean \"" : "", near ? near : "",
                         near ? "\"?" : "");
    }
    *form = (enum trace_output)found;
    return 0;
}

/* What is wrong with the words, before anything is read. */
static int check(const struct convert_options *o, enum trace_output *form, struct error *err)
{
    if (o->as_run && (o->output || o->to))
        return error_set(err, ERR_INPUT, "--as-run writes a run: leave -o and --to out");
    if (o->as_run)
        return command_arguments(&o->common, 1, TRACE_ARGUMENT, err);
    if (command_arguments(&o->common, 1, TRACE_ARGUMENT, err) < 0 ||
        workload_output_given(o->output, err) < 0)
        return ERR_INPUT;
    return choose_form(o, form, err);
}

static void put_result(const struct terminal *t, const struct convert_options *o,
                       const struct trace_report *report, const char *losses)
{
    struct output out;
    struct json_writer *w = &out.json;
    output_begin(&out);
    json_begin_object(w);
    json_pair_string(w, "input", o->common.arguments[0]);
    json_pair_string(w, "format", report->format);
    json_pair_string(w, "output", o->as_run ? o->as_run : o->output);
    json_pair_u64(w, "requests", report->rows);
    for (int skipped = 1; skipped >= 0; skipped--) {
        json_key(w, skipped ? "skipped" : "noticed");
        json_begin_object(w);
        for (size_t i = 0; i < report->note_count; i++) {
            if (report->notes[i].skipped != (skipped == 1))
                continue;
            json_pair_u64(w, report->notes[i].what, report->notes[i].count);
        }
        json_end_object(w);
    }
    json_key(w, "unknown_usage_keys");
    json_begin_array(w);
    for (uint32_t i = 0; i < report->unknown_usage_keys.count; i++)
        json_put_string(w, report->unknown_usage_keys.name[i]);
    json_end_array(w);
    json_pair_string(w, "left_out", losses);
    json_end_object(w);
    output_end(&out, NULL, t->machine);
}

/* "300 requests", "7 rows for 4,200 requests", "7 rows for 4,200 requests and more". */
#define WORDS_SIZE 96
static const char *requests_words(const struct workload *w, const struct trace_report *report,
                                  char out[WORDS_SIZE])
{
    char n[TEXT_GROUPED_SIZE];
    uint64_t count;
    bool known = workload_count_requests(w, &count);
    if (!w->requests)
        snprintf(out, WORDS_SIZE, "%llu requests", (unsigned long long)report->rows);
    else
        snprintf(out, WORDS_SIZE, "%llu rows for %s requests%s", (unsigned long long)report->rows,
                 text_group_u64(count, n), known ? "" : " or more");
    return out;
}

static void tell(const struct terminal *t, const struct convert_options *o,
                 const struct trace_report *report, const struct workload *w, const char *losses)
{
    char words[WORDS_SIZE];
    for (size_t i = 0; i < report->note_count; i++)
        say(t, "%s %llu × %s", report->notes[i].skipped ? "skipped" : "noticed",
            (unsigned long long)report->notes[i].count, report->notes[i].what);
    trace_tell_unknown_keys(t, report);
    if (report->moved_ns > 0)
        say(t, "the first request stands at %s ms and is written as the start",
            TEXT_SHORT((double)report->moved_ns / 1e6, 15));
    if (losses[0])
        warn(t, "this form cannot hold, and left out: %s; --to jsonl keeps them", losses);
    if (o->common.json)
        put_result(t, o, report, losses);
    else
        say(t, "%s (%s) written to %s", requests_words(w, report, words), report->format,
            o->as_run ? o->as_run : file_output_name(o->output));
}

static int run(const struct terminal *t, const void *given, struct error *err)
{
    const struct convert_options *o = given;
    struct trace_options reading = trace_reading_options(&o->reading);
    struct trace_report report;
    struct workload w;
    struct buffer losses;
    enum trace_output form = TRACE_CANONICAL;
    if (check(o, &form, err) < 0)
        return ERR_INPUT;
    workload_init(&w);
    int status = trace_read(o->common.arguments[0], &reading, &w, &report, err);
    if (status == 0)
        status = o->as_run ? convert_to_run(&w, o->as_run, o->force, options, o, t, err)
                           : trace_write(&w, form, o->output, err);
    if (status == 0) {
        buffer_init(&losses, BUFFER_UNBOUNDED);
        buffer_add_text(&losses, "");
        trace_output_losses(&w, form, &losses);
        tell(t, o, &report, &w, losses.data);
        buffer_free(&losses);
    }
    workload_free(&w);
    return status;
}

const struct command command_workload_convert = {
    .name = "workload convert",
    .summary = "turn any known trace into canonical JSON Lines, Mooncake's form or CSV",
    .usage = "TRACE -o FILE",
    .about =
        "Reads a trace in any known form and writes it in another. The canonical JSON Lines hold\n"
        "everything and convert to themselves byte for byte; what another form cannot hold is\n"
        "named. A log whose rows say how long they took becomes a run with --as-run. The earliest\n"
        "request is written as time 0. Nothing is written where the input is wrong.",
    .examples = "  farebox workload convert BurstGPT_1.csv -o burst.jsonl.gz\n"
                "  farebox workload convert --to mooncake agent.jsonl -o - | head -1\n"
                "  farebox workload convert --keys input=usage.prompt_tokens,"
                "output=usage.completion_tokens log.jsonl -o t.jsonl\n"
                "  farebox workload convert gateway.csv --columns timestamp=start,input=in,"
                "output=out,e2e_ms=latency --as-run results/live\n",
    .options = options,
    .options_size = sizeof(struct convert_options),
    .run = run,
};
