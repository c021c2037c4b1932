/* farebox demo: the whole road on one machine, as the commands that a user would type. */
#include "cli/command.h"
#include "core/file.h"
#include "core/memory.h"
#include "core/runs/record/run_dir.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RESULT_CAP ((size_t)64 << 20)
#define VOLUME "20000" /* requests a month: flat plans are paid by it */

struct demo_options {
    struct common_options common;
    const char *output, *plans;
    uint64_t requests;
    bool force;
};

#define AT(field) offsetof(struct demo_options, field)
static const struct option_spec options[] = {
    {"output", 'o', OPTION_TEXT, AT(output), "results/demo", "DIR", .help = "where the run goes"},
    {"requests", 'n', OPTION_COUNT, AT(requests), "600", "N", .min = 1, .max = 100000,
     .help = "requests to send"},
    {"plans", 0, OPTION_TEXT, AT(plans), "demo/token,demo/flat", "PLAN|FILE[,...]",
     .help = "how to price them"},
    {"force", 'f', OPTION_FLAG, AT(force), .help = "replace the run of an earlier demo"},
    {0},
};

/* A file of the run as the value of a key. */
static int put_file(const char *run, const char *name, const char *key, struct json_writer *w,
                    struct error *err)
{
    char *path = run_dir_file(run, name), *text;
    size_t length;
    int status = file_read_all(path, RESULT_CAP, &text, &length, err);
    if (status == 0) {
        while (length > 0 && text[length - 1] == '\n')
            length--;
        json_key(w, key);
        json_put_raw(w, (struct text){text, length});
        free(text);
    }
    free(path);
    return status;
}

static int print_json(const struct terminal *t, const char *run, const char *story,
                      struct error *err)
{
    struct buffer text;
    struct json_writer w;
    buffer_init(&text, BUFFER_UNBOUNDED);
    json_write_init(&w, &text, 0);
    json_begin_object(&w);
    json_pair_string(&w, "run", run);
    int status = put_file(run, "summary.json", "summary", &w, err);
    if (status == 0)
        status = put_file(run, "bill.json", "bill", &w, err);
    if (status == 0)
        status = put_file(story, "story.json", "story", &w, err);
    json_end_object(&w);
    buffer_add_byte(&text, '\n');
    if (status == 0)
        print_buffer(t->machine, &text);
    buffer_free(&text);
    return status;
}

/* A command under its question; the last words only with --force. */
static int ask(const struct terminal *t, const char *question, const char *const *words,
               size_t count, struct error *err)
{
    fprintf(t->human, "\n%s\n", question);
    return command_invoke(t, words, count, err);
}

/* What the run is called, and "-story" behind it. */
static char *story_beside(const char *run)
{
    struct buffer path;
    size_t length = strlen(run);
    while (length > 1 && run[length - 1] == '/')
        length--;
    buffer_init(&path, BUFFER_UNBOUNDED);
    buffer_add_format(&path, "%.*s-story", (int)length, run);
    return buffer_take(&path);
}

static int ask_all(const struct terminal *t, const struct demo_options *o, const char *story,
                   struct error *err)
{
    char requests[24], seed[24];
    snprintf(requests, sizeof requests, "%llu", (unsigned long long)o->requests);
    snprintf(seed, sizeof seed, "%llu", (unsigned long long)o->common.seed);
    const char *bench[] = {
        "bench",  "--url", "mock:constant", "--scenario", "chat", "--rate", "40",      "--requests",
        requests, "--slo", "ttft=50",       "--seed",     seed,   "-o",     o->output, "--force"};
    const char *bill[] = {"bill",     o->output, "--plans",  o->plans,
                          "--period", "month",   "--volume", VOLUME};
    const char *tell[] = {"decide", "--story", "--volume", VOLUME, "-o", story, "--force"};
    const char *report[] = {"report",   o->output, "--plans",    o->plans,
                            "--volume", VOLUME,    "--no-tables"};
    size_t left_out = o->force ? 0 : 1; /* --force */
    fprintf(t->human, "Three questions, asked of a simulated endpoint on this machine.\n");
    int status = ask(t, "1. How fast and how steady is it under my load?", bench,
                     COUNT_OF(bench) - left_out, err);
    if (status == 0)
        status = ask(t, "2. What does a month of it cost, and how much does one request vary?",
                     bill, COUNT_OF(bill), err);
    if (status == 0)
        status = ask(t, "3. By the token or flat: what would other workloads pay?", tell,
                     COUNT_OF(tell) - left_out, err);
    if (status == 0)
        status = ask(t, "All of it on a page:", report, COUNT_OF(report), err);
    return status;
}

static int run(const struct terminal *t, const void *parsed, struct error *err)
{
    const struct demo_options *o = parsed;
    if (command_arguments(&o->common, 0, "no argument", err) < 0)
        return ERR_INPUT;
    char *story = story_beside(o->output);
    int status = 0;
    if (!o->force && file_exists(story)) /* before a minute has gone by */
        status = error_set(err, ERR_INPUT, "%s exists: --force replaces it", story);
    if (status == 0)
        status = ask_all(t, o, story, err);
    if (status == 0 && o->common.json)
        status = print_json(t, o->output, story, err);
    free(story);
    return status;
}

const struct command command_demo = {
    .name = "demo",
    .summary = "the whole road in under a minute on one machine",
    .usage = "",
    .about =
        "Starts a simulated endpoint on a free port of this machine, replays a bundled workload\n"
        "against it, prints the latencies and a month's bill, tells what the bundled workloads "
        "would\n"
        "pay by the token or flat, and draws the plots. Every step is shown as the command to "
        "type.\n"
        "--json gives the run's summary, its bill and the story as one object.",
    .options = options,
    .options_size = sizeof(struct demo_options),
    .run = run,
};
