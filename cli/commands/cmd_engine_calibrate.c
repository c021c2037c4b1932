/* farebox engine calibrate: a preset that replays measured runs. */
#include "cli/command.h"
#include "cli/output.h"
#include "cli/report/text/calibration_text.h"
#include "core/file_output.h"
#include "core/memory.h"
#include "sim/engine/calibrate/calibrate.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define NAME_SIZE 80
#define NEAR_ENOUGH 0.03 /* of the KV blocks */

struct calibrate_options {
    struct common_options common;
    const char *engine, *fit, *output;
    uint64_t kv_blocks, block_size, max_num_seqs, max_num_batched_tokens;
    bool force, served_out;
};

#define OFF 0.10    /* by request: what is worth a warning */
#define WORSE 0.005 /* of the measured mean: what is worth a warning */

#define AT(field) offsetof(struct calibrate_options, field)
static const struct option_spec calibrate_specs[] = {
    {"engine", 'e', OPTION_TEXT, AT(engine), .unit = "PRESET",
     .help = "the preset to start from: the same hardware and model, or the nearest"},
    {"fit", 0, OPTION_TEXT, AT(fit), "auto", "NAME,...",
     .help = "constants to fit, or auto: those that foretell best what they were not fitted to; of "
             "k, w0, w1, c0, c1, ap, kappa, d0, d1, s0, s1, ar_latency, "
             "request_overhead_ms"},
    {"output", 'o', OPTION_OUTPUT, AT(output), .unit = "FILE",
     .help = "where the fitted preset goes, as JSON; - is standard output"},
    {"served-out", 0, OPTION_FLAG, AT(served_out),
     .help = "nothing was in flight when the runs ended: none is taken for cut"},
    {"force", 'f', OPTION_FLAG, AT(force), .help = "replace an existing file"},
    {"kv-blocks", 0, OPTION_COUNT, AT(kv_blocks), .unit = "N", .min = 2, .max = 1e9,
     .help = "KV blocks that the measured server reported; without it by its metrics, where a run "
             "has them",
     .group = "Settings of the server"},
    {"block-size", 0, OPTION_COUNT, AT(block_size), .unit = "TOKENS", .min = 1, .max = 1e6,
     .help = "tokens of a KV block; without --kv-blocks the preset's memory is cut into such"},
    {"max-num-seqs", 0, OPTION_COUNT, AT(max_num_seqs), .unit = "N", .min = 1, .max = 1e6,
     .help = "as the measured server was started; without it by its metrics, where they show it"},
    {"max-num-batched-tokens", 0, OPTION_COUNT, AT(max_num_batched_tokens), .unit = "N", .min = 1,
     .max = 1e7, .help = "as the measured server was started"},
    {0},
};

static int write_preset(const struct calibrate_options *o, const struct calibration *c,
                        struct error *err)
{
    struct output out;
    if (!o->output)
        return 0;
    output_begin(&out);
    engine_config_write(&c->config, &out.json);
    int status = output_keep(&out, NULL, o->output, err);
    output_end(&out, NULL, NULL);
    return status;
}

static int load_base(const struct calibrate_options *o, struct engine_config *base,
                     struct error *err)
{
    if (o->common.argument_count == 0)
        return command_arguments(&o->common, 1, "a measured run, or several", err);
    if (!o->engine)
        return error_set(err, ERR_INPUT,
                         "expected --engine PRESET to start from (farebox engine list)");
    if (engine_config_load(o->engine, base, err) < 0)
        return err->code;
    if (o->block_size) {
        base->kv_blocks = base->kv_blocks * base->block_size / o->block_size;
        base->block_size = (uint32_t)o->block_size;
    }
    if (o->kv_blocks)
        base->kv_blocks = o->kv_blocks;
    if (base->kv_blocks < 2)
        return error_set(
            err, ERR_INPUT,
            "--block-size %" PRIu64
            ": the preset's KV memory holds fewer than 2 such blocks; give --kv-blocks",
            o->block_size);
    if (o->max_num_seqs)
        base->max_num_seqs = (uint32_t)o->max_num_seqs;
    if (o->max_num_batched_tokens)
        base->max_num_batched_tokens = (uint32_t)o->max_num_batched_tokens;
    return 0;
}

/* ---- the runs ---- */

struct runs {
    struct measured_run *items;
    size_t count;
};

static void runs_free(struct runs *runs)
{
    for (size_t i = 0; i < runs->count; i++)
        measured_free(&runs->items[i]);
    free(runs->items);
}

static int check_given_twice(const struct common_options *o, size_t i, struct error *err)
{
    for (size_t k = 0; k < i; k++)
        if (strcmp(o->arguments[k], o->arguments[i]) == 0)
            return error_set(err, ERR_INPUT, "%s is given twice: each run counts once",
                             o->arguments[i]);
    return 0;
}

static int runs_read(struct runs *runs, const struct calibrate_options *o, struct error *err)
{
    size_t count = o->common.argument_count;
    *runs = (struct runs){.items = mem_zero(count, sizeof *runs->items)};
    for (size_t i = 0; i < count; i++) {
        if (check_given_twice(&o->common, i, err) < 0 ||
            measured_read(o->common.arguments[i], &runs->items[i], err) < 0) {
            runs_free(runs);
            return err->code;
        }
        runs->items[runs->count++].served_out |= o->served_out;
    }
    return 0;
}

/* ---- settings by the server's own metrics ---- */

static bool is_near(double a, double b)
{
    return fabs(a / b - 1) <= NEAR_ENOUGH;
}

/* Takes what the metrics tell and was not given. */
static void take_settings(const struct calibrate_options *o, const struct calibrate_settings *found,
                          struct engine_config *base)
{
    if (found->kv_blocks && !o->kv_blocks &&
        !is_near((double)found->kv_blocks, (double)base->kv_blocks))
        base->kv_blocks = found->kv_blocks;
    if (found->max_num_seqs && !o->max_num_seqs)
        base->max_num_seqs = found->max_num_seqs;
}

/* `given`: the preset with what the user said of the server. */
static void tell_settings(const struct terminal *t, const struct calibrate_options *o,
                          const struct engine_config *given, const struct calibrate_settings *found)
{
    if (found->kv_blocks && !is_near((double)found->kv_blocks, (double)given->kv_blocks))
        warn(t,
             "by the server's metrics it has about %" PRIu64 " KV blocks of %u tokens, not %" PRIu64
             "%s",
             found->kv_blocks, given->block_size, given->kv_blocks,
             o->kv_blocks ? ", as was given" : ": these are taken; --kv-blocks says better");
    if (found->max_num_seqs && found->max_num_seqs != given->max_num_seqs)
        warn(t, "by the server's metrics at most %u requests ran while others waited, not %u%s",
             found->max_num_seqs, given->max_num_seqs,
             o->max_num_seqs ? ", as was given" : ": that is taken; --max-num-seqs says better");
}

/* The blocks of a request follow from the model, so they are looked at again once it is fitted. */
static int fit_runs(const struct calibrate_options *o, const struct runs *runs,
                    struct engine_config *base, struct calibrate_settings *found,
                    struct calibration *c, struct error *err)
{
    if (calibrate_find_settings(runs->items, runs->count, base, found, err) < 0)
        return err->code;
    take_settings(o, found, base);
    if (calibrate(runs->items, runs->count, base, o->fit, c, err) < 0)
        return err->code;
    if (found->kv_blocks == 0 || o->kv_blocks)
        return 0;
    uint64_t taken = base->kv_blocks;
    int status = calibrate_find_settings(runs->items, runs->count, &c->config, found, err);
    if (status == 0)
        take_settings(o, found, base);
    if (status == 0 && base->kv_blocks == taken)
        return 0;
    calibration_free(c);
    return status < 0 ? status : calibrate(runs->items, runs->count, base, o->fit, c, err);
}

/* ---- warnings ---- */

/* The run's name before what is said of it, where there are several. */
static const char *name_of(const struct calibration *c, size_t i, char out[NAME_SIZE])
{
    snprintf(out, NAME_SIZE, "%.*s%s", c->part_count > 1 ? NAME_SIZE - 3 : 0, c->parts[i].name,
             c->part_count > 1 ? ": " : "");
    return out;
}

static void tell_run(const struct terminal *t, const struct measured_run *run,
                     const struct calibrate_part *p, const char *name)
{
    if (run->skipped)
        warn(t,
             "%s%" PRIu64 " requests without a completed stream were left out; what they cost the "
             "others is not in the model",
             name, run->skipped);
    if (p->refused)
        warn(t, "%s%zu requests do not fit the preset's KV blocks and were left out; --kv-blocks",
             name, p->refused);
}

static void tell_load(const struct terminal *t, const struct measured_run *run, const char *name)
{
    if (run->endless)
        warn(t,
             "%s%" PRIu64 " requests begin and have no end: they failed, or the run was cut while "
             "they were in flight; %" PRIu64 " of them are replayed as load to its end, with the "
             "output they asked for",
             name, run->endless, run->load);
    else if (run->load)
        warn(t,
             "%s%" PRIu64 " requests that the client hung up on are replayed as load until then, "
             "with the output they asked for",
             name, run->load);
}

/* What a run that was cut does to the constants. */
static void tell_cut(const struct terminal *t, const struct measured_run *run,
                     const struct calibrate_part *p, const char *name)
{
    char put_in[96] = "";
    const char *why = "the run looks cut (it ends at its full rate, or its end is slower than its "
                      "beginning foretells)";
    if (p->cut == CALIBRATE_WHOLE)
        return;
    if (p->cut == CALIBRATE_KILLED)
        why = run->endless ? "the run counts as cut"
                           : "the run has no summary.json or a torn last line: it was cut";
    if (p->counted)
        snprintf(put_in, sizeof put_in,
                 ": %" PRIu64 " requests of load stand for it, by the server's count", p->put_in);
    warn(t,
         "%s%s: what was in flight then%s%s; %zu of %zu requests%s are fitted. Constants may still "
         "come out too high, and no interval is given: calibrate on a run that was served out",
         name, why,
         run->endless ? " slowed the others" : " has no record, though it slowed the others",
         put_in, p->judged, p->requests,
         p->judged < p->requests ? ", those that ended early enough," : "");
}

static void tell_runs(const struct terminal *t, const struct runs *runs,
                      const struct calibration *c)
{
    char name[NAME_SIZE];
    for (size_t i = 0; i < runs->count; i++) {
        name_of(c, i, name);
        tell_run(t, &runs->items[i], &c->parts[i], name);
        tell_load(t, &runs->items[i], name);
        tell_cut(t, &runs->items[i], &c->parts[i], name);
        if (c->parts[i].server.spread)
            warn(
                t,
                "%sno answer says what came from the prefix cache: each prompt counts as cached by "
                "the share of the server's metrics, %.1f %%",
                name, 100 * c->parts[i].server.hit_rate);
    }
}

/* A figure of a run before and after the fit. */
struct doubted {
    const char *name;
    const struct calibrate_figure *before, *after;
};

static void tell_figure(const struct terminal *t, const struct calibration *c, const char *run,
                        const struct doubted *d)
{
    double before = d->before->mean_model / d->before->mean_measured - 1;
    double after = d->after->mean_model / d->after->mean_measured - 1;
    if (d->after->error > OFF)
        warn(t,
             "%s%s is off by %.0f %% by request after the fit (above %.0f %%): means may be right "
             "where single requests are not; %s",
             run, d->name, 100 * d->after->error, 100 * OFF,
             c->candidate_count ? "no set of constants that was tried does much better"
                                : "--fit auto looks for better constants");
    if (fabs(after) > fabs(before) + WORSE)
        warn(t,
             "%sthe mean %s is farther off than before: %+.1f %%, was %+.1f %%; more --fit "
             "constants may meet both",
             run, d->name, text_shown(100 * after, 1), text_shown(100 * before, 1));
}

/* What speaks against the fit, though it came closer in all groups together. */
static void tell_doubts(const struct terminal *t, const struct calibration *c)
{
    char name[NAME_SIZE];
    if (c->kept)
        warn(t,
             "no fit comes closer to the run%s than the preset does: it is kept as it was; --fit "
             "names other constants",
             c->part_count > 1 ? "s" : "");
    for (size_t i = 0; i < c->count; i++)
        if (c->constants[i].at_limit)
            warn(t,
                 "%s went to the end of what a fit may change: is the preset of the same server, "
                 "and are its --kv-blocks and --max-num-seqs given?",
                 c->constants[i].name);
    for (size_t i = 0; i < c->part_count; i++) {
        const struct calibrate_fit *b = &c->parts[i].before, *a = &c->parts[i].after;
        const struct doubted figures[] = {
            {"TTFT", &b->ttft, &a->ttft}, {"TPOT", &b->tpot, &a->tpot}, {"E2E", &b->e2e, &a->e2e}};
        for (size_t k = 0; k < COUNT_OF(figures); k++)
            tell_figure(t, c, name_of(c, i, name), &figures[k]);
    }
}

/* ---- the command ---- */

static size_t all_requests(const struct calibration *c)
{
    size_t sum = 0;
    for (size_t i = 0; i < c->part_count; i++)
        sum += c->parts[i].requests;
    return sum;
}

static void put_source(const struct engine_config *base, struct calibration *c)
{
    char runs[32] = "";
    if (c->kept)
        return;
    if (c->part_count > 1)
        snprintf(runs, sizeof runs, " of %zu runs", c->part_count);
    snprintf(c->config.source, sizeof c->config.source,
             "calibrated (%.60s) on %zu measured requests%s, from %.60s: %.200s", c->names,
             all_requests(c), runs, base->name, base->source);
}

static int show(const struct terminal *t, const struct calibrate_options *o,
                const struct runs *runs, const struct calibration *c, struct error *err)
{
    struct output out;
    tell_runs(t, runs, c);
    output_begin(&out);
    calibration_write_text(c, &out.text);
    calibration_write(c, &out.json);
    print_buffer(t->human, &out.text);
    tell_doubts(t, c);
    int status = write_preset(o, c, err);
    output_end(&out, NULL, status == 0 && o->common.json ? t->machine : NULL);
    if (status == 0 && o->output)
        fprintf(t->human, "\nwritten to %s\n", file_output_name(o->output));
    return status;
}

static int run_calibrate(const struct terminal *t, const void *given, struct error *err)
{
    const struct calibrate_options *o = given;
    struct engine_config base, as_given;
    struct runs runs;
    struct calibration c;
    struct calibrate_settings found;
    if (load_base(o, &base, err) < 0 || engine_config_check(&base, err) < 0 ||
        runs_read(&runs, o, err) < 0)
        return err->code;
    as_given = base;
    int status = fit_runs(o, &runs, &base, &found, &c, err);
    if (status == 0) {
        tell_settings(t, o, &as_given, &found);
        put_source(&base, &c);
        status = show(t, o, &runs, &c, err);
        calibration_free(&c);
    }
    runs_free(&runs);
    return status;
}

const struct command command_engine_calibrate = {
    .name = "engine calibrate",
    .summary = "fit a preset to measured runs",
    .usage = "RUN... --engine PRESET [--fit NAME,...] -o FILE",
    .about =
        "RUN is a run directory of bench, a vLLM result JSON (saved with details) or an AIPerf\n"
        "profile_export.jsonl. The model replays its arrivals; least squares make the model's\n"
        "TTFT and TPOT meet the measured ones. Which constants, --fit auto finds out: a few sets\n"
        "are fitted to three quarters of the run and foretell the fourth, and the smallest set\n"
        "that is off least, or nearly so, is taken. More constants need a run that tells them\n"
        "apart (unloaded and loaded, short and long), served out to its end. A fit that comes no\n"
        "closer than the preset is not taken.\n"
        "\n"
        "Several runs of one server are fitted together, each counts alike, and each is foretold\n"
        "by a fit to the others: that error is what to expect of a load that was not measured.\n"
        "Where a run has the server's own metrics (bench --server-metrics), they tell its KV\n"
        "blocks, its limit of requests and its cache hits, and stand beside the model's.",
    .examples =
        "  farebox engine calibrate results/live --engine h100-llama-2-70b-tp4 -o mine.json\n"
        "  farebox engine calibrate vllm.json --engine mine.json --fit w0,c1,kappa -o "
        "fitted.json\n"
        "  farebox engine calibrate results/low results/high --engine mine.json -o fitted.json\n",
    .options = calibrate_specs,
    .options_size = sizeof(struct calibrate_options),
    .run = run_calibrate,
};
