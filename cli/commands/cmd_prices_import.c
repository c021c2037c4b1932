/* farebox prices import: public price lists as price books. */
#include "cli/command.h"
#include "cli/output.h"
#include "core/clock.h"
#include "core/file.h"
#include "sim/cost/book/plan.h"
#include "sim/cost/import/import.h"

#include <stdlib.h>
#include <string.h>

struct import_command {
    struct common_options common;
    const char *litellm, *genai, *openrouter;
    const char *output, *as_of;
    bool force, models, all;
};

#define AT(field) offsetof(struct import_command, field)
static const struct option_spec options[] = {
    {"litellm", 0, OPTION_TEXT, AT(litellm), NULL, "FILE",
     .help = "LiteLLM's model_prices_and_context_window.json", .group = "The list (one of)"},
    {"genai-prices", 0, OPTION_TEXT, AT(genai), NULL, "FILE", .help = "genai-prices' data (v2)"},
    {"openrouter", 0, OPTION_TEXT, AT(openrouter), NULL, "FILE",
     .help = "OpenRouter's public list of models (/api/v1/models)"},
    {"output", 'o', OPTION_OUTPUT, AT(output), NULL, "FILE",
     .help = "the price book to write (- is standard output); without it the list is only read and "
             "counted",
     .group = "The book"},
    {"force", 'f', OPTION_FLAG, AT(force), NULL, NULL, .help = "replace an existing file"},
    {"as-of", 0, OPTION_TEXT, AT(as_of), NULL, "DATE",
     .help = "the day that the list is of, kept in the book; of dated prices that a plan cannot "
             "hold beside others, those of that day are taken"},
    {"match-models", 0, OPTION_FLAG, AT(models), NULL, NULL,
     .help = "each plan serves only the model it is named for; else any, as a what-if"},
    {"all", 0, OPTION_FLAG, AT(all), NULL, NULL,
     .help = "name every finding, not only the counts (--json always does)"},
    {0},
};

#define SHOWN_PER_REASON 3

static const char *const change_names[] = {[IMPORT_LEFT_OUT] = "left_out",
                                           [IMPORT_IN_PART] = "in_part",
                                           [IMPORT_SNAPPED] = "snapped",
                                           [IMPORT_ROUNDED] = "rounded",
                                           [IMPORT_ASSUMED] = "assumed"};

static bool is_about(const struct import_finding *f, enum import_change change,
                     enum import_reason reason)
{
    return f->change == change && f->reason == reason;
}

/* A few of the entries that a count stands for, or all of them. */
static void show_examples(FILE *to, const struct import_report *r, enum import_change change,
                          enum import_reason reason, bool all)
{
    size_t shown = 0;
    const char *last = "";
    for (size_t i = 0; i < r->finding_count; i++) {
        const struct import_finding *f = &r->findings[i];
        if (!is_about(f, change, reason) || (!all && strcmp(f->entry, last) == 0))
            continue;
        if (!all && shown == SHOWN_PER_REASON) {
            fprintf(to, ", …");
            break;
        }
        if (all)
            fprintf(to, "\n         %s%s%s%s%s", f->entry, f->field ? ": " : "",
                    f->field ? f->field : "", f->detail ? ": " : "", f->detail ? f->detail : "");
        else
            fprintf(to, "%s%s", shown ? ", " : ": ", f->entry);
        shown++;
        last = f->entry;
    }
    fputc('\n', to);
}

static void show_reasons(FILE *to, const struct import_report *r, const size_t *counts,
                         enum import_change change, bool all)
{
    for (int reason = 0; reason < IMPORT_REASONS; reason++)
        if (counts[reason] > 0) {
            fprintf(to, "  %6zu  %s", counts[reason],
                    import_reason_text((enum import_reason)reason));
            show_examples(to, r, change, (enum import_reason)reason, all);
        }
}

static void show_numbers(FILE *to, const struct import_report *r, bool all)
{
    fprintf(to, "%zu prices taken as written but for\n", r->prices);
    fprintf(to, "  %6zu  snapped: artefacts of floating point", r->snapped);
    show_examples(to, r, IMPORT_SNAPPED, IMPORT_REASONS, all);
    fprintf(to, "  %6zu  rounded: finer than a plan can hold", r->rounded);
    show_examples(to, r, IMPORT_ROUNDED, IMPORT_REASONS, all);
}

static bool any_of(const size_t *counts)
{
    size_t sum = 0;
    for (int reason = 0; reason < IMPORT_REASONS; reason++)
        sum += counts[reason];
    return sum > 0;
}

static void show_report(FILE *to, const struct import_report *r, bool all)
{
    fprintf(to, "%zu entries read = %zu represented + %zu without some price + %zu left out\n",
            r->read, r->represented, r->partly, r->left_out);
    if (r->variants)
        fprintf(to, "%zu more plans: the same models in a region, at a speed and such\n",
                r->variants);
    if (r->partly) {
        fprintf(to, "without some price (an entry may count under several reasons):\n");
        show_reasons(to, r, r->partly_by, IMPORT_IN_PART, all);
    }
    if (r->left_out) {
        fprintf(to, "left out:\n");
        show_reasons(to, r, r->left_out_by, IMPORT_LEFT_OUT, all);
    }
    if (any_of(r->assumed_by)) {
        fprintf(to, "taken by a rule where the list is silent:\n");
        show_reasons(to, r, r->assumed_by, IMPORT_ASSUMED, all);
    }
    show_numbers(to, r, all);
}

static void put_reasons(struct json_writer *w, const char *key, const size_t *counts)
{
    json_key(w, key);
    json_begin_object(w);
    for (int reason = 0; reason < IMPORT_REASONS; reason++)
        if (counts[reason] > 0)
            json_pair_u64(w, import_reason_text((enum import_reason)reason), counts[reason]);
    json_end_object(w);
}

static void put_finding(struct json_writer *w, const struct import_finding *f)
{
    json_begin_object(w);
    json_pair_string(w, "entry", f->entry);
    if (f->field)
        json_pair_string(w, "field", f->field);
    json_pair_string(w, "change", change_names[f->change]);
    if (f->reason < IMPORT_REASONS)
        json_pair_string(w, "reason", import_reason_text(f->reason));
    if (f->detail)
        json_pair_string(w, "detail", f->detail);
    json_end_object(w);
}

static void put_report(const struct import_report *r, struct json_writer *w)
{
    json_begin_object(w);
    json_pair_u64(w, "read", r->read);
    json_pair_u64(w, "represented", r->represented);
    json_pair_u64(w, "partly", r->partly);
    json_pair_u64(w, "left_out", r->left_out);
    json_pair_u64(w, "variants", r->variants);
    json_pair_u64(w, "prices", r->prices);
    json_pair_u64(w, "snapped", r->snapped);
    json_pair_u64(w, "rounded", r->rounded);
    put_reasons(w, "partly_by", r->partly_by);
    put_reasons(w, "left_out_by", r->left_out_by);
    put_reasons(w, "assumed_by", r->assumed_by);
    json_key(w, "findings");
    json_begin_array(w);
    for (size_t i = 0; i < r->finding_count; i++)
        put_finding(w, &r->findings[i]);
    json_end_array(w);
    json_end_object(w);
}

/* The one list that was named. */
static int choose(const struct import_command *o, enum import_form *form, const char **path,
                  struct import_options *import, struct error *err)
{
    const char *const paths[] = {o->litellm, o->genai, o->openrouter};
    static const char *const books[] = {"litellm", "genai-prices", "openrouter"};
    static const char *const sources[] = {"LiteLLM's map of model prices", "genai-prices' data",
                                          "OpenRouter's public list of models"};
    int count = 0;
    for (int i = 0; i < 3; i++)
        if (paths[i]) {
            count++;
            *form = (enum import_form)i;
            *path = paths[i];
            import->book = books[i];
            import->source = sources[i];
        }
    if (count != 1)
        return error_set(err, ERR_INPUT,
                         "expected one list: --litellm, --genai-prices or --openrouter");
    int64_t day;
    if (o->as_of &&
        (strlen(o->as_of) != 10 || clock_parse_instant(o->as_of, strlen(o->as_of), &day) < 0))
        return error_set(err, ERR_INPUT,
                         "--as-of expects a date such as 2026-08-01, found \"%.60s\"", o->as_of);
    import->file = *path;
    import->as_of = o->as_of;
    import->models = o->models;
    return 0;
}

/* What was written must read back: a book that does not is a fault of this program. */
static int check_book(const struct buffer *book, struct error *err)
{
    struct plan_book plans = {0};
    struct error why = {0};
    char message[700];
    if (plan_book_parse("imported book", book->data, book->length, &plans, &why) < 0) {
        error_format(&why, message, sizeof message);
        return error_set(err, ERR_WORK, "the imported book does not read back (a bug): %.600s",
                         message);
    }
    plan_book_free(&plans);
    return 0;
}

static int finish(const struct terminal *t, const struct import_command *o,
                  const struct buffer *book, const struct import_report *report, struct error *err)
{
    struct output out;
    int code = check_book(book, err);
    if (code == 0 && o->output)
        code = file_write_atomic(o->output, book->data, book->length, err);
    if (code < 0)
        return code;
    show_report(t->human, report, o->all);
    output_begin(&out);
    put_report(report, &out.json);
    output_end(&out, NULL, o->common.json ? t->machine : NULL);
    if (o->output && strcmp(o->output, "-") != 0)
        say(t, "%zu plans written to %s; farebox bill TRACE --plans '%s#PATTERN' prices with them",
            report->represented + report->partly + report->variants, o->output, o->output);
    size_t unknown =
        report->partly_by[IMPORT_UNKNOWN_KEY] + report->left_out_by[IMPORT_UNKNOWN_KEY];
    if (unknown > 0)
        warn(t,
             "%zu entr%s keys that this version of farebox does not know, where prices may stand: "
             "the book may lack them (--all names the keys)",
             unknown, unknown == 1 ? "y has" : "ies have");
    return 0;
}

static int run(const struct terminal *t, const void *given, struct error *err)
{
    const struct import_command *o = given;
    struct import_options import = {0};
    struct import_report report;
    enum import_form form = IMPORT_LITELLM;
    const char *path = NULL;
    char *text;
    size_t length;
    if (command_arguments(&o->common, 0, "", err) < 0 || choose(o, &form, &path, &import, err) < 0)
        return ERR_INPUT;
    int code = file_read_all(path, IMPORT_MAX_BYTES, &text, &length, err);
    if (code < 0)
        return code;
    struct buffer book;
    buffer_init(&book, BUFFER_UNBOUNDED);
    code = prices_import(form, text, length, &import, &book, &report, err);
    if (code == 0) {
        code = finish(t, o, &book, &report, err);
        import_report_free(&report);
    }
    buffer_free(&book);
    free(text);
    return code;
}

const struct command command_prices_import = {
    .name = "prices import",
    .summary = "turn a public price list into a price book",
    .usage = "--litellm|--genai-prices|--openrouter FILE -o BOOK.json",
    .about =
        "Reads the list whole: read = represented + without some price + left out, each of the\n"
        "latter with its reason. Numbers keep their digits but for artefacts of floating point\n"
        "(0.0000029999999999999997), which are snapped and counted; docs/prices.md has the rules.",
    .examples = "  farebox prices import --openrouter models.json -o openrouter.json\n"
                "  farebox prices import --litellm map.json -o litellm.json --as-of 2026-08-01\n"
                "  farebox bill trace.jsonl --plans 'litellm.json#gpt-4o,oxlo/pro'\n",
    .options = options,
    .options_size = sizeof(struct import_command),
    .run = run,
};
