/* farebox engine fit: a preset's constants from measured step times. */
#include "cli/command.h"
#include "cli/output.h"
#include "cli/report/text/summary_table.h"
#include "core/file_output.h"
#include "sim/engine/fit/step_fit.h"
#include "sim/engine/hardware/placement.h"

#include <math.h>
#include <string.h>

struct fit_options {
    struct common_options common;
    const char *model, *gpu, *kv_type, *output, *source, *caveat;
    double error_tpot, error_ttft, step_overhead, layer_overhead;
    uint64_t tensor_parallel;
    bool force;
};

#define AT(field) offsetof(struct fit_options, field)
static const struct option_spec specs[] = {
    {"output", 'o', OPTION_OUTPUT, AT(output), .unit = "FILE",
     .help = "where the preset goes, as JSON; - is standard output. Without it errors alone are "
             "told"},
    {"force", 'f', OPTION_FLAG, AT(force), .help = "replace an existing file"},
    {"model", 'm', OPTION_TEXT, AT(model), .unit = "NAME",
     .help = "the model: a bundled one, or its config.json; without it the grid's own name",
     .group = "What the grid is of"},
    {"gpu", 0, OPTION_TEXT, AT(gpu), .unit = "GPU",
     .help = "the GPU: a100, h100, h200, b200, l40s, rtxpro6000, or a JSON file of its figures"},
    {"tp", 0, OPTION_COUNT, AT(tensor_parallel), .unit = "N", .min = 1, .max = 1024,
     .help = "GPUs that share the model (tensor parallel)"},
    {"kv-type", 0, OPTION_TEXT, AT(kv_type), "bf16", "TYPE", .choice = placement_kv_type,
     .help = "type of the KV cache: its blocks are half as large in fp8"},
    {"step-overhead", 0, OPTION_NUMBER, AT(step_overhead), "0", "MS", .min = 0, .max = 1e4,
     .help = "CPU time of every step, which kernel times leave out (o0)",
     .group = "What kernel times do not say"},
    {"layer-overhead", 0, OPTION_NUMBER, AT(layer_overhead), "0", "MS", .min = 0, .max = 1e3,
     .help = "CPU time of each layer of a step with a prefill (o1)"},
    {"expect-tpot", 0, OPTION_NUMBER, AT(error_tpot), "0", "SHARE", .min = 0, .max = 10,
     .help = "error of TPOT to state in the preset, 90th percentile: 0.15"},
    {"expect-ttft", 0, OPTION_NUMBER, AT(error_ttft), "0", "SHARE", .min = 0, .max = 10,
     .help = "the same of the mean TTFT"},
    {"source", 0, OPTION_TEXT, AT(source), .unit = "TEXT",
     .help = "where the step times are from, to state in the preset"},
    {"caveat", 0, OPTION_TEXT, AT(caveat), .unit = "TEXT",
     .help = "what speaks against the figures, or was not checked"},
    {0},
};

/* ---- what the grid is of ---- */

static int load_model(const struct fit_options *o, const struct grid *g, struct model *m,
                      struct error *err)
{
    const char *name = o->model ? o->model : model_called(g->model, g->weights);
    if (!name)
        return error_set(err, ERR_INPUT,
                         "expected --model: the grid's \"%s\" is none of the bundled ones "
                         "(farebox engine derive --help); a config.json will do",
                         g->model);
    return model_load(name, m, err);
}

static int load_gpu(const struct fit_options *o, const struct grid *g, struct gpu *gpu,
                    struct error *err)
{
    const char *name = o->gpu ? o->gpu : gpu_called(g->system);
    if (!name)
        return error_set(err, ERR_INPUT,
                         "expected --gpu: the grid's \"%s\" is none of the bundled ones",
                         g->system);
    return gpu_load(name, gpu, err);
}

static uint32_t largest_batch(const struct grid *g)
{
    uint32_t most = 1;
    for (size_t i = 0; i < g->count; i++)
        if (g->rows[i].batch > most)
            most = g->rows[i].batch;
    return most;
}

static int make_preset(const struct fit_options *o, const struct grid *g,
                       const struct step_fit *fit, struct engine_config *config, struct error *err)
{
    struct model model;
    struct gpu gpu;
    engine_config_init(config);
    if (load_model(o, g, &model, err) < 0 || load_gpu(o, g, &gpu, err) < 0)
        return err->code;
    config->steps = fit->constants;
    config->steps.o0 = o->step_overhead;
    config->steps.o1 = o->layer_overhead;
    struct placement p = {&model, &gpu,
                          o->tensor_parallel ? (uint32_t)o->tensor_parallel : g->tensor_parallel,
                          placement_kv_bits(o->kv_type), g->data_parallel};
    if (placement_apply(&p, config, err) < 0)
        return err->code;
    if (largest_batch(g) < config->max_num_seqs)
        config->max_num_seqs = largest_batch(g); /* beyond it nothing was measured */
    config->error_step = round(1000 * fit->held.p90) / 1000;
    config->error_tpot = o->error_tpot;
    config->error_ttft = o->error_ttft;
    snprintf(
        config->source, sizeof config->source,
        "fitted to %zu step times of %s (%s, %s on %u x %s); of those kept back half are within "
        "%.1f %%, nine of ten within %.1f %%",
        g->count, o->source ? o->source : "a grid", model.name, g->backend,
        p.tensor_parallel * g->data_parallel, gpu.name, 100 * fit->held.median,
        100 * fit->held.p90);
    snprintf(config->caveat, sizeof config->caveat, "%s", o->caveat ? o->caveat : "");
    return 0;
}

/* ---- what is told ---- */

static void put_error(struct json_writer *w, const char *key, const struct fit_error *e)
{
    json_key(w, key);
    json_begin_object(w);
    json_pair_u64(w, "rows", e->rows);
    json_pair_double(w, "median", e->median);
    json_pair_double(w, "p90", e->p90);
    json_pair_double(w, "max", e->most);
    json_end_object(w);
}

static void put_fit(struct json_writer *w, const char *path, const struct grid *g,
                    const struct step_fit *fit)
{
    static const char *const keys[GRID_KINDS] = {"held_decode", "held_prefill", "held_mixed"};
    json_begin_object(w);
    json_pair_string(w, "grid", path);
    json_pair_string(w, "model", g->model);
    json_pair_string(w, "system", g->system);
    put_error(w, "held", &fit->held);
    for (int kind = 0; kind < GRID_KINDS; kind++)
        put_error(w, keys[kind], &fit->held_of[kind]);
    put_error(w, "fitted", &fit->fitted);
    json_pair_bool(w, "mixed_without_kv", g->mixed_without_kv);
    json_pair_bool(w, "has_experts", fit->has_experts);
    json_pair_u64(w, "tile", fit->constants.tile);
    json_end_object(w);
}

static void add_share(struct buffer *text, double median, double p90)
{
    char cell[32] = "–";
    if (!isnan(median))
        snprintf(cell, sizeof cell, "%.1f / %.1f", 100 * median, 100 * p90);
    add_padded(text, cell, 12, true);
}

/* The end of a path, as much of it as fits. */
static void add_name(struct buffer *text, const char *path, int width)
{
    const char *base = strrchr(path, '/');
    char name[64];
    base = base ? base + 1 : path;
    size_t length = strlen(base);
    if (length > 5 && strcmp(base + length - 5, ".json") == 0)
        length -= 5;
    snprintf(name, sizeof name, "%.*s", (int)(length < 60 ? length : 60), base);
    add_padded(text, name, width, false);
}

static void tell_fit(struct buffer *text, const char *path, const struct step_fit *fit)
{
    add_name(text, path, 30);
    add_share(text, fit->held.median, fit->held.p90);
    for (int kind = 0; kind < GRID_KINDS; kind++)
        add_share(text, fit->held_of[kind].median, fit->held_of[kind].p90);
    buffer_add_text(text, "\n");
}

static void tell_notes(const struct terminal *t, const char *path, const struct grid *g,
                       const struct step_fit *fit)
{
    if (g->mixed_without_kv)
        warn(t,
             "%s: its mixed steps last as long over a short context as over a long one: they were "
             "made without the decodes' attention, and are fitted so",
             path);
    if (fit->no_prefill)
        warn(t, "%s: it has no prefill: a preset of it knows nothing of them", path);
}

/* ---- the command ---- */

static int write_preset(const struct fit_options *o, const struct engine_config *config,
                        struct error *err)
{
    struct output out;
    output_begin(&out);
    engine_config_write(config, &out.json);
    int status = output_keep(&out, NULL, o->output, err);
    output_end(&out, NULL, NULL);
    return status;
}

static int fit_one(const struct terminal *t, const struct fit_options *o, const char *path,
                   struct output *out, struct error *err)
{
    struct grid g;
    struct step_fit fit;
    struct engine_config config;
    if (grid_read(path, &g, err) < 0)
        return err->code;
    step_fit_make(&g, &fit);
    tell_notes(t, path, &g, &fit);
    put_fit(&out->json, path, &g, &fit);
    tell_fit(&out->text, path, &fit);
    int status = 0;
    if (o->output)
        status =
            make_preset(o, &g, &fit, &config, err) < 0 ? err->code : write_preset(o, &config, err);
    grid_free(&g);
    return status;
}

static int run(const struct terminal *t, const void *given, struct error *err)
{
    const struct fit_options *o = given;
    struct output out;
    int status = 0;
    if (o->common.argument_count == 0)
        return error_set(err, ERR_INPUT, "expected a file of step times");
    if (o->output && o->common.argument_count > 1)
        return error_set(err, ERR_INPUT, "-o takes the preset of one grid; %zu are given",
                         o->common.argument_count);
    output_begin(&out);
    json_begin_array(&out.json);
    buffer_add_text(&out.text,
                    "error of steps kept back, %       all       decode     prefill       mixed\n"
                    "  median / 90th percentile\n");
    for (size_t i = 0; i < o->common.argument_count && status == 0; i++)
        status = fit_one(t, o, o->common.arguments[i], &out, err);
    json_end_array(&out.json);
    bool tells = status == 0;
    output_end(&out, tells && !o->common.json ? t->human : NULL,
               tells && o->common.json ? t->machine : NULL);
    if (tells && o->output)
        fprintf(t->human, "written to %s\n", file_output_name(o->output));
    return status;
}

const struct command command_engine_fit = {
    .name = "engine fit",
    .summary = "fit a preset to a grid of step times",
    .usage = "GRID... [-o FILE]",
    .about =
        "GRID is a JSON file of step times, from a profiler or an operator database; a row is\n"
        "one step: [\"dec\", 0, 0, batch, context, ms], [\"pre\", q, prefix, 0, 0, ms] or\n"
        "[\"mix\", q, 0, batch, context, ms] (docs/engine.md). Every second batch and context is\n"
        "kept back from a first fit, whose error on them is told; the preset is fitted to all.\n"
        "Of the forms with and without experts and tiles the one is taken that is off least.",
    .examples = "  farebox engine fit grid.json -o h200-llama-3.3-70b-tp4.json\n"
                "  farebox engine fit grids/*.json --json\n",
    .options = specs,
    .options_size = sizeof(struct fit_options),
    .run = run,
};
