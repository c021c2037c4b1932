/* farebox plan forecast: months to come, from a sample. */
#include "cli/command.h"
#include "cli/output.h"
#include "cli/report/plot/forecast_plot.h"
#include "cli/report/text/forecast_text.h"
#include "cli/run_bill.h"
#include "cli/workload_files.h"
#include "core/file.h"
#include "core/memory.h"
#include "core/runs/record/run_dir.h"
#include "sim/plan/forecast.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define SCENARIOS_MAX 4

struct forecast_command {
    struct common_options common;
    struct option_list plans, scenarios, tokens_as;
    const char *season, *start, *history, *budget, *output;
    uint64_t months, samples;
    double growth;
    int64_t span_ns;
    bool assume_stationary, commit, force, keep_script;
    struct trace_reading reading;
};

#define AT(field) offsetof(struct forecast_command, field)
static const struct option_spec options[] = {
    {"plans", 'p', OPTION_LIST, AT(plans), .unit = "PLAN|FILE[,...]",
     .help = "price books, bundled books or plans of theirs (* and ? allowed)",
     .group = "What is forecast"},
    TOKENS_AS_OPTION(struct forecast_command, tokens_as),
    {"months", 0, OPTION_COUNT, AT(months), "1", "N", .min = 1, .max = FORECAST_MAX_MONTHS,
     .help = "how far, in months of 30 days"},
    {"budget", 0, OPTION_TEXT, AT(budget), .unit = "USD",
     .help = "for the whole horizon: how likely it is passed, and when"},
    {"growth", 0, OPTION_NUMBER, AT(growth), .unit = "PERCENT", .min = -99, .max = 1000,
     .help = "growth per month, instead of the trend of the sample"},
    {"scenarios", 0, OPTION_LIST, AT(scenarios), .unit = "NAME=PERCENT,...",
     .help = "several assumptions of growth side by side: low=0,base=5,high=15; at most 4"},
    {"season", 0, OPTION_TEXT, AT(season), "weekly", "weekly|none",
     .help = "whether weekdays differ"},
    {"history", 0, OPTION_TEXT, AT(history), .unit = "FILE",
     .help = "demand by day for level, trend and season: a CSV with date, requests and maybe "
             "input_tokens, output_tokens"},
    {"assume-stationary", 0, OPTION_FLAG, AT(assume_stationary),
     .help = "take less than a week for all weeks, as if every hour were alike"},
    {"commit", 0, OPTION_FLAG, AT(commit),
     .help = "how many to commit to of plans that are paid by the period, used or not (seats, "
             "quotas, provisioned units, reserved GPUs), the rest at the cheapest plan by use; at "
             "which price a commitment pays, and when that turns"},
    {"start", 0, OPTION_TEXT, AT(start), .unit = "INSTANT",
     .help = "wall clock of the sample's first instant, such as 2026-11-01T00:00:00Z",
     .group = "The sample"},
    {"span", 0, OPTION_DURATION, AT(span_ns), .unit = "TIME", .max = 3e8,
     .help = "how long the sample was recorded; to its last request unless given"},
    {"samples", 0, OPTION_COUNT, AT(samples), "1000", "N", .min = 20, .max = FORECAST_MAX_SAMPLES,
     .help = "futures to draw"},
    {"output", 'o', OPTION_TEXT, AT(output), .unit = "DIR",
     .help = "write forecast.json and the plot there", .group = "What is written"},
    {"force", 0, OPTION_FLAG, AT(force), .help = "replace a forecast that is there"},
    {"gnuplot-script", 0, OPTION_FLAG, AT(keep_script),
     .help = "keep the plot's script and data beside it"},
    TRACE_READING_OPTIONS(struct forecast_command, reading),
    {0},
};

struct forecasting {
    const struct terminal *t;
    const struct forecast_command *o;
    struct forecast_options how;
    struct forecast_scenario scenarios[SCENARIOS_MAX];
    char names[SCENARIOS_MAX][40];
    struct plan_selection plans;
    struct run_workload run; /* of a trace the workload alone */
    struct demand_history history;
    struct token_scales scales;
    struct forecast forecast;
};

static int add_scenario(struct forecasting *x, struct text part, struct error *err)
{
    const char *equals = memchr(part.at, '=', part.length);
    size_t name = equals ? (size_t)(equals - part.at) : 0;
    size_t n = x->how.scenario_count;
    double percent;
    if (name == 0 || name >= sizeof x->names[0] ||
        !text_to_double((struct text){equals + 1, part.length - name - 1}, &percent))
        return error_set(err, ERR_INPUT,
                         "--scenarios expects NAME=PERCENT such as base=5, found \"%.*s\"",
                         (int)part.length, part.at);
    if (n == SCENARIOS_MAX)
        return error_set(err, ERR_INPUT, "--scenarios takes at most %d", SCENARIOS_MAX);
    memcpy(x->names[n], part.at, name);
    x->scenarios[n] = (struct forecast_scenario){x->names[n], true, percent};
    x->how.scenario_count++;
    return 0;
}

static int choose_scenarios(struct forecasting *x, struct error *err)
{
    const struct forecast_command *o = x->o;
    x->how.scenarios = x->scenarios;
    if (o->scenarios.count > 0 && options_given(o, "growth"))
        return error_set(err, ERR_INPUT, "--growth and --scenarios exclude each other");
    for (size_t i = 0; i < o->scenarios.count; i++) {
        const char *rest = o->scenarios.items[i];
        while (rest) {
            const char *comma = strchr(rest, ',');
            size_t length = comma ? (size_t)(comma - rest) : strlen(rest);
            if (add_scenario(x, (struct text){rest, length}, err) < 0)
                return ERR_INPUT;
            rest = comma ? comma + 1 : NULL;
        }
    }
    if (o->scenarios.count == 0) {
        x->scenarios[0] = (struct forecast_scenario){"base", options_given(o, "growth"), o->growth};
        x->how.scenario_count = 1;
    }
    return 0;
}

static int read_options(struct forecasting *x, struct error *err)
{
    const struct forecast_command *o = x->o;
    x->how = (struct forecast_options){.months = (unsigned)o->months,
                                       .samples = (unsigned)o->samples,
                                       .seed = o->common.seed,
                                       .no_season = strcmp(o->season, "none") == 0,
                                       .commits = o->commit,
                                       .assume_stationary = o->assume_stationary,
                                       .span_ns = o->span_ns,
                                       .farm = x->t->farm};
    if (!x->how.no_season && strcmp(o->season, "weekly") != 0)
        return error_set(err, ERR_INPUT, "--season takes weekly or none, found \"%s\"", o->season);
    x->how.has_start = o->start != NULL;
    if (o->start && options_parse_instant("--start", o->start, &x->how.start_unix_ns, err) < 0)
        return ERR_INPUT;
    x->how.has_budget = o->budget != NULL;
    if (o->budget && (money_parse(o->budget, strlen(o->budget), MONEY_PER_ONE, &x->how.budget) ||
                      x->how.budget <= 0))
        return error_set(err, ERR_INPUT,
                         "--budget expects an amount of USD above 0 such as 5000, found \"%s\"",
                         o->budget);
    if (o->plans.count == 0)
        return error_set(err, ERR_INPUT,
                         "no plans: give --plans FILE or names from the price book (farebox prices "
                         "list)");
    return choose_scenarios(x, err);
}

static int read_sample(struct forecasting *x, struct error *err)
{
    const char *path = x->o->common.arguments[0];
    if (trace_or_run_read(path, &x->o->reading, NULL, x->t, &x->run, err) < 0)
        return err->code;
    if (workload_check_single(&x->run.workload, "the sample of a forecast (--history takes days)",
                              err) < 0)
        return err->code;
    if (x->run.report.unsent > 0)
        say(x->t, "%" PRIu64 " requests were never sent: they are not in the forecast",
            x->run.report.unsent);
    return 0;
}

static int draw(const struct forecasting *x, struct error *err)
{
    char *directory = run_dir_file(x->o->output, "plots");
    int code = forecast_draw(&x->forecast, directory, x->o->keep_script, err);
    if (x->forecast.plan_count > FORECAST_PLOT_PLANS)
        say(x->t, "the plot shows the first %d of %zu plans", FORECAST_PLOT_PLANS,
            x->forecast.plan_count);
    free(directory);
    return code;
}

static int check_output(const struct forecast_command *o, struct error *err)
{
    if (!o->output || o->force)
        return 0;
    char *path = run_dir_file(o->output, "forecast.json");
    bool there = file_exists(path);
    free(path);
    return there ? error_set(err, ERR_INPUT, "%s holds a forecast; --force replaces it", o->output)
                 : 0;
}

static int write_output(const struct forecasting *x, struct output *out, struct error *err)
{
    if (!x->o->output)
        return 0;
    if (file_make_directories(x->o->output, err) < 0 ||
        output_keep(out, x->o->output, "forecast.json", err) < 0)
        return err->code;
    return draw(x, err);
}

static int show(const struct forecasting *x, struct error *err)
{
    const struct terminal *t = x->t;
    struct output out;
    output_begin(&out);
    forecast_write_json(&x->forecast, forecast_put_sentences, &out.json);
    forecast_write_text(&x->forecast, t->width, &out.text);
    int code = write_output(x, &out, err);
    output_end(&out, !x->o->common.json || !x->o->common.quiet ? t->human : NULL,
               x->o->common.json ? t->machine : NULL);
    if (code == 0 && x->o->output)
        say(t, "forecast.json and plots/forecast.svg, .png written to %s", x->o->output);
    return code;
}

static int make_forecast(struct forecasting *x, struct error *err)
{
    int code = read_options(x, err);
    if (code == 0)
        code = check_output(x->o, err);
    if (code == 0)
        code = run_bill_select(&x->o->plans, &x->plans, err);
    run_bill_say_taken(x->t, &x->plans);
    if (code == 0)
        code = run_bill_read_scales(&x->o->tokens_as, &x->scales, err);
    x->how.scales = &x->scales;
    if (code == 0 && x->o->history) {
        code = demand_history_read(x->o->history, &x->history, err);
        x->how.history = &x->history;
    }
    if (code == 0)
        code = read_sample(x, err);
    if (code == 0)
        code = forecast_make(&x->forecast, &x->run.workload, x->plans.plans, x->plans.count,
                             &x->how, err);
    if (code == 0) {
        code = show(x, err);
        forecast_free(&x->forecast);
    }
    return code;
}

static int run(const struct terminal *t, const void *given, struct error *err)
{
    const struct forecast_command *o = given;
    struct forecasting *x = mem_zero(1, sizeof *x);
    x->t = t;
    x->o = o;
    workload_init(&x->run.workload);
    int code = command_arguments(&o->common, 1, TRACE_ARGUMENT, err);
    if (code == 0)
        code = make_forecast(x, err);
    demand_history_free(&x->history);
    run_workload_free(&x->run);
    plan_selection_free(&x->plans);
    token_scales_free(&x->scales);
    free(x);
    return code;
}

const struct command command_plan_forecast = {
    .name = "plan forecast",
    .summary = "the bills of the months to come, from a sample: bands, budgets, quotas",
    .usage = "(TRACE | RUN) --plans FILE[,FILE]",
    .about =
        "Draws many futures from a sample, whole sessions and all, by block bootstrap with a "
        "weekly\n"
        "season and a trend, and bills each under every plan: the expected bill, the band that\n"
        "holds 90 % of the futures, how likely a budget is passed and when, when quotas run out,\n"
        "and which plan is the cheapest, month by month. --commit chooses how many to buy of "
        "plans\n"
        "that are paid by the period, before it is known which of the futures comes.",
    .examples = "  farebox plan forecast trace.jsonl --plans plans.json --budget 5000\n"
                "  farebox plan forecast results/week --plans plans.json --months 6 --scenarios "
                "low=0,base=5,high=15\n"
                "  farebox plan forecast trace.jsonl --plans plans.json --history demand.csv -o "
                "results/forecast\n"
                "  farebox plan forecast october.jsonl --plans openai/gpt-4o,oxlo/premium --commit "
                "--months 12 --growth 10\n",
    .options = options,
    .options_size = sizeof(struct forecast_command),
    .run = run,
    .tasks = &forecast_futures,
};
