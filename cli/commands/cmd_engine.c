/* farebox engine list | show | calibrate: engine presets. */
#include "cli/command.h"
#include "cli/output.h"
#include "cli/report/text/calibration_text.h"
#include "cli/report/text/summary_table.h"
#include "core/embedded.h"
#include "core/file_output.h"
#include "sim/engine/calibrate/calibrate.h"
#include "sim/engine/preset.h"
#include "sim/engine/step_time.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

struct plain_options {
    struct common_options common;
};

static const struct option_spec no_options[] = {{0}};

/* ---- list ---- */

#define CONTEXT 1024 /* tokens over which the TPOT that is told is reckoned */

/* Of one request alone, and of 64: what a replica gives that does nothing else. */
static double tpot_of(const struct engine_config *c, uint32_t batch)
{
    return c->kind == ENGINE_STEPS ? step_tpot_ms(c, batch, CONTEXT) : c->itl_ms;
}

static void put_preset(const struct engine_config *c, struct json_writer *w)
{
    json_begin_object(w);
    json_pair_string(w, "name", c->name);
    json_pair_string(w, "kind", engine_kind_name(c->kind));
    json_pair_u64(w, "tensor_parallel", c->tensor_parallel);
    json_pair_double(w, "memory_bytes", c->memory_bytes * c->tensor_parallel);
    json_pair_u64(w, "kv_tokens", c->kv_blocks * c->block_size);
    json_pair_u64(w, "max_num_seqs", c->max_num_seqs);
    json_pair_double(w, "tpot_ms_batch_1", tpot_of(c, 1));
    json_pair_double(w, "tpot_ms_batch_64", tpot_of(c, 64));
    json_pair_double(w, "error_tpot", c->error_tpot);
    json_pair_double(w, "error_ttft", c->error_ttft);
    json_pair_string(w, "source", c->source);
    json_pair_string(w, "caveat", c->caveat);
    json_end_object(w);
}

static void list_row(const struct engine_config *c, struct buffer *text)
{
    char tokens[TEXT_GROUPED_SIZE] = "constant", memory[32] = "–", cell[32];
    if (c->kind == ENGINE_STEPS)
        text_group_u64(c->kv_blocks * c->block_size, tokens);
    if (c->memory_bytes > 0)
        snprintf(memory, sizeof memory, "%.0f GB", c->memory_bytes * c->tensor_parallel / 1e9);
    buffer_add_text(text, "  ");
    add_padded(text, c->name, 32, false);
    add_padded(text, memory, 8, true);
    add_padded(text, tokens, 11, true);
    snprintf(cell, sizeof cell, "%.1f", tpot_of(c, 1));
    add_padded(text, cell, 8, true);
    snprintf(cell, sizeof cell, "%.1f", tpot_of(c, 64));
    add_padded(text, cell, 8, true);
    if (c->error_tpot > 0)
        snprintf(cell, sizeof cell, "  ±%.0f %%", 100 * c->error_tpot);
    buffer_add_text(text, c->error_tpot > 0 ? cell : c->caveat[0] ? "  doubt" : "");
    buffer_add_text(text, "\n");
}

static int run_list(const struct terminal *t, const void *given, struct error *err)
{
    const struct plain_options *o = given;
    struct output out;
    if (command_arguments(&o->common, 0, NULL, err) < 0)
        return ERR_INPUT;
    output_begin(&out);
    json_begin_array(&out.json);
    buffer_add_text(&out.text,
                    "                                            KV cache     TPOT, ms, of\n"
                    "  preset                            memory     tokens   1 req.  64 req.\n");
    for (const struct embedded_file *f = NULL; (f = embedded_next("presets", f));) {
        struct engine_config c;
        if (engine_config_load(f->stem, &c, err) < 0)
            break;
        put_preset(&c, &out.json);
        list_row(&c, &out.text);
    }
    json_end_array(&out.json);
    buffer_add_text(
        &out.text,
        "\nTPOT of decodes over 1,024 tokens each and nothing else; ±: the error that nine\n"
        "of ten requests are expected to stay within; doubt: something is known against\n"
        "it. farebox engine show PRESET says where the figures are from and what was not\n"
        "checked.\n");
    output_end(&out, o->common.json ? NULL : t->human, o->common.json ? t->machine : NULL);
    return err->code;
}

const struct command command_engine_list = {
    .name = "engine list",
    .summary = "the bundled engine presets",
    .usage = "",
    .about = "Presets are constants of a step-time formula with their sources, or constant times;\n"
             "docs/engine.md explains them. A file of the same form serves as well.",
    .examples = "  farebox engine list --json\n",
    .options = no_options,
    .options_size = sizeof(struct plain_options),
    .run = run_list,
};

/* ---- show ---- */

static int run_show(const struct terminal *t, const void *given, struct error *err)
{
    const struct plain_options *o = given;
    struct engine_config c;
    struct output out;
    if (command_arguments(&o->common, 1, "a preset's name or file", err) < 0 ||
        engine_config_load(o->common.arguments[0], &c, err) < 0 || engine_config_check(&c, err) < 0)
        return err->code;
    output_begin(&out);
    engine_config_write(&c, &out.json);
    output_end(&out, NULL, o->common.json ? t->machine : t->human);
    return 0;
}

const struct command command_engine_show = {
    .name = "engine show",
    .summary = "one preset, as the file that gives the same engine",
    .usage = "PRESET",
    .about = "Prints every key with its effective value: a start for a preset of one's own.",
    .examples = "  farebox engine show rtx4090-llama-3.1-8b-tp1 > mine.json\n",
    .options = no_options,
    .options_size = sizeof(struct plain_options),
    .run = run_show,
};

/* ---- calibrate ---- */

struct calibrate_options {
    struct common_options common;
    const char *engine, *fit, *output;
    uint64_t kv_blocks, block_size, max_num_seqs, max_num_batched_tokens;
    bool force;
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
    {"force", 'f', OPTION_FLAG, AT(force), .help = "replace an existing file"},
    {"kv-blocks", 0, OPTION_COUNT, AT(kv_blocks), .unit = "N", .min = 2, .max = 1e9,
     .help = "KV blocks that the measured server reported", .group = "Settings of the server"},
    {"block-size", 0, OPTION_COUNT, AT(block_size), .unit = "TOKENS", .min = 1, .max = 1e6,
     .help = "tokens of a KV block; without --kv-blocks the preset's memory is cut into such"},
    {"max-num-seqs", 0, OPTION_COUNT, AT(max_num_seqs), .unit = "N", .min = 1, .max = 1e6,
     .help = "as the measured server was started"},
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
    if (command_arguments(&o->common, 1, "a measured run", err) < 0)
        return ERR_INPUT;
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
    if (o->max_num_seqs)
        base->max_num_seqs = (uint32_t)o->max_num_seqs;
    if (o->max_num_batched_tokens)
        base->max_num_batched_tokens = (uint32_t)o->max_num_batched_tokens;
    return 0;
}

static void tell_run(const struct terminal *t, const struct measured_run *run,
                     const struct calibration *c)
{
    if (run->skipped)
        warn(t,
             "%" PRIu64 " requests without a completed stream were left out; what they cost the "
             "others is not in the model",
             run->skipped);
    if (c->refused)
        warn(t, "%zu requests do not fit the preset's KV blocks and were left out; --kv-blocks",
             c->refused);
}

/* What a run that was cut does to the constants. */
static void tell_cut(const struct terminal *t, const struct measured_run *run,
                     const struct calibration *c)
{
    if (run->endless)
        warn(t,
             "%" PRIu64 " requests begin and have no end: they failed, or the run was cut while "
             "they were in flight; %" PRIu64 " of them are replayed as load to its end, with the "
             "output they asked for",
             run->endless, run->load);
    else if (run->load)
        warn(t,
             "%" PRIu64 " requests that the client hung up on are replayed as load until then, "
             "with the output they asked for",
             run->load);
    if (c->cut == CALIBRATE_WHOLE)
        return;
    const char *why = "the run looks cut (it ends at its full rate, or its end is slower than its "
                      "beginning foretells)";
    if (c->cut == CALIBRATE_KILLED)
        why = run->endless ? "the run counts as cut"
                           : "the run has no summary.json or a torn last line: it was cut";
    warn(t,
         "%s: what was in flight then%s; %zu of %zu requests, those that ended early enough, are "
         "fitted. Constants may still come out too high, and no interval is given: calibrate on a "
         "run that was served out",
         why, run->endless ? " slowed the others" : " has no record, though it slowed the others",
         c->judged, c->requests);
}

/* What speaks against the fit, though it came closer in all groups together. */
static void tell_doubts(const struct terminal *t, const struct calibration *c)
{
    const struct {
        const char *name;
        const struct calibrate_figure *before, *after;
    } figures[] = {{"TTFT", &c->before.ttft, &c->after.ttft},
                   {"TPOT", &c->before.tpot, &c->after.tpot},
                   {"E2E", &c->before.e2e, &c->after.e2e}};
    if (c->kept)
        warn(t, "no fit comes closer to the run than the preset does: it is kept as it was; --fit "
                "names other constants");
    for (size_t i = 0; i < c->count; i++)
        if (c->constants[i].at_limit)
            warn(t,
                 "%s went to the end of what a fit may change: is the preset of the same server, "
                 "and are its --kv-blocks and --max-num-seqs given?",
                 c->constants[i].name);
    for (size_t i = 0; i < sizeof figures / sizeof *figures; i++)
        if (figures[i].after->error > OFF)
            warn(
                t,
                "%s is off by %.0f %% by request after the fit (above %.0f %%): means may be right "
                "where single requests are not; %s",
                figures[i].name, 100 * figures[i].after->error, 100 * OFF,
                c->candidate_count ? "no set of constants that was tried does much better"
                                   : "--fit auto looks for better constants");
    for (size_t i = 0; i < sizeof figures / sizeof *figures; i++) {
        const struct calibrate_figure *b = figures[i].before, *a = figures[i].after;
        double before = b->mean_model / b->mean_measured - 1;
        double after = a->mean_model / a->mean_measured - 1;
        if (fabs(after) > fabs(before) + WORSE)
            warn(t,
                 "the mean %s is farther off than before: %+.1f %%, was %+.1f %%; more --fit "
                 "constants may meet both",
                 figures[i].name, 100 * after, 100 * before);
    }
}

static int run_calibrate(const struct terminal *t, const void *given, struct error *err)
{
    const struct calibrate_options *o = given;
    struct engine_config base;
    struct measured_run run;
    struct calibration c;
    struct output out;
    if (load_base(o, &base, err) < 0 || measured_read(o->common.arguments[0], &run, err) < 0)
        return err->code;
    int status = calibrate(&run, &base, o->fit, &c, err);
    if (status == 0) {
        if (!c.kept)
            snprintf(c.config.source, sizeof c.config.source,
                     "calibrated (%.60s) on %zu measured requests, from %.60s: %.200s", c.names,
                     c.requests, base.name, base.source);
        tell_run(t, &run, &c);
        tell_cut(t, &run, &c);
        output_begin(&out);
        calibration_write_text(&c, &out.text);
        calibration_write(&c, &out.json);
        print_buffer(t->human, &out.text);
        tell_doubts(t, &c);
        status = write_preset(o, &c, err);
        output_end(&out, NULL, status == 0 && o->common.json ? t->machine : NULL);
    }
    if (status == 0 && o->output)
        fprintf(t->human, "\nwritten to %s\n", file_output_name(o->output));
    measured_free(&run);
    return status;
}

const struct command command_engine_calibrate = {
    .name = "engine calibrate",
    .summary = "fit a preset to a measured run",
    .usage = "RUN --engine PRESET [--fit NAME,...] -o FILE",
    .about =
        "RUN is a run directory of bench, a vLLM result JSON (saved with details) or an AIPerf\n"
        "profile_export.jsonl. The model replays its arrivals; least squares make the model's\n"
        "TTFT and TPOT meet the measured ones. Which constants, --fit auto finds out: a few sets\n"
        "are fitted to three quarters of the run and foretell the fourth, and the smallest set\n"
        "that is off least, or nearly so, is taken. More constants need a run that tells them\n"
        "apart (unloaded and loaded, short and long), served out to its end. A fit that comes no\n"
        "closer than the preset is not taken.",
    .examples =
        "  farebox engine calibrate results/live --engine h100-llama-2-70b-tp4 -o mine.json\n"
        "  farebox engine calibrate vllm.json --engine mine.json --fit w0,c1,kappa -o "
        "fitted.json\n",
    .options = calibrate_specs,
    .options_size = sizeof(struct calibrate_options),
    .run = run_calibrate,
};
