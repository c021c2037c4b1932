/* farebox demo: the whole road on one machine, as the commands that a user would type. */
#include "cli/command.h"
#include "core/error.h"

#include <stdio.h>
#include <string.h>

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
    {"plans", 0, OPTION_TEXT, AT(plans), "demo/token,demo/flat", "FILE|NAMES",
     .help = "how to price them"},
    {"force", 'f', OPTION_FLAG, AT(force), .help = "replace the run of an earlier demo"},
    {0},
};

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
    return status;
}

const struct command command_demo = {
    .name = "demo",
    .summary = "the whole road in under a minute on one machine",
    .usage = "",
    .about =
        "Starts a simulated endpoint on a free port of this machine, replays a bundled workload\n"
        "against it, prints the latencies and the bill, and draws the plots. Every step is shown\n"
        "as the command to type.",
    .options = options,
    .options_size = sizeof(struct demo_options),
    .run = run,
};
