/* farebox demo: the whole road on one machine, as the commands that a user would type. */
#include "cli/command.h"
#include "core/file.h"
#include "core/runs/record/run_dir.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RESULT_CAP ((size_t)64 << 20)

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

static int print_json(const struct terminal *t, const char *run, struct error *err)
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
    json_end_object(&w);
    buffer_add_byte(&text, '\n');
    if (status == 0)
        print_buffer(t->machine, &text);
    buffer_free(&text);
    return status;
}

static int run(const struct terminal *t, const void *parsed, struct error *err)
{
    const struct demo_options *o = parsed;
    char requests[24], seed[24];
    if (command_arguments(&o->common, 0, "no argument", err) < 0)
        return ERR_INPUT;
    snprintf(requests, sizeof requests, "%llu", (unsigned long long)o->requests);
    snprintf(seed, sizeof seed, "%llu", (unsigned long long)o->common.seed);
    const char *bench[] = {
        "bench",  "--url", "mock:constant", "--scenario", "chat", "--rate", "40",      "--requests",
        requests, "--slo", "ttft=50",       "--seed",     seed,   "-o",     o->output, "--force"};
    const char *bill[] = {"bill", o->output, "--plans", o->plans};
    const char *report[] = {"report", o->output, "--plans", o->plans, "--no-tables"};
    size_t bench_words = sizeof bench / sizeof bench[0] - (o->force ? 0 : 1);
    fprintf(t->human, "Three questions, asked of a simulated endpoint on this machine.\n\n"
                      "1. How fast and how steady is it under my load?\n");
    int status = command_invoke(t, bench, bench_words, err);
    if (status == 0) {
        fprintf(t->human, "\n2. What does this workload cost, and how much does that vary?\n");
        status = command_invoke(t, bill, sizeof bill / sizeof bill[0], err);
    }
    if (status == 0) {
        fprintf(t->human, "\n3. What does it look like?\n");
        status = command_invoke(t, report, sizeof report / sizeof report[0], err);
    }
    if (status == 0 && o->common.json)
        status = print_json(t, o->output, err);
    return status;
}

const struct command command_demo = {
    .name = "demo",
    .summary = "the whole road in under a minute on one machine",
    .usage = "",
    .about =
        "Starts a simulated endpoint on a free port of this machine, replays a bundled workload\n"
        "against it, prints the latencies and the bill, and draws the plots. Every step is shown\n"
        "as the command to type. --json gives the run's summary and its bill as one object.",
    .options = options,
    .options_size = sizeof(struct demo_options),
    .run = run,
};
