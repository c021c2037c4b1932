/* farebox engine derive: a preset from a model's config.json and a GPU's datasheet. */
#include "cli/command.h"
#include "cli/output.h"
#include "core/file_output.h"
#include "sim/engine/hardware/derive.h"

struct derive_options {
    struct common_options common;
    const char *model, *gpu, *kv_type, *output;
    uint64_t tensor_parallel, data_parallel;
    double weight_bits;
    bool force;
};

#define AT(field) offsetof(struct derive_options, field)
static const struct option_spec specs[] = {
    {"model", 'm', OPTION_TEXT, AT(model), .unit = "FILE",
     .help = "the model's config.json, or a bundled model: llama-3.1-8b, llama-3.3-70b, "
             "llama-3.3-70b-fp8, qwen3-32b, qwen3-32b-fp8, qwen3-30b-a3b, deepseek-r1"},
    {"gpu", 0, OPTION_TEXT, AT(gpu), .unit = "GPU",
     .help = "a100, h100, h200, b200, l40s, rtxpro6000, or a JSON file of a GPU's figures"},
    {"tp", 0, OPTION_COUNT, AT(tensor_parallel), "1", "N", .min = 1, .max = 1024,
     .help = "GPUs that share the model (tensor parallel)"},
    {"dp", 0, OPTION_COUNT, AT(data_parallel), "1", "N", .min = 1, .max = 1024,
     .help = "copies of the attention that share the experts, each a replica of its own"},
    {"weight-bits", 0, OPTION_NUMBER, AT(weight_bits), .unit = "BITS", .min = 2, .max = 32,
     .help = "of a weight, where the config does not say how the model is quantised: 16, 8, 4"},
    {"kv-type", 0, OPTION_TEXT, AT(kv_type), "bf16", "TYPE", .choice = placement_kv_type,
     .help = "type of the KV cache: its blocks are half as large in fp8"},
    {"output", 'o', OPTION_OUTPUT, AT(output), .unit = "FILE",
     .help = "where the preset goes, as JSON; without it, to standard output"},
    {"force", 'f', OPTION_FLAG, AT(force), .help = "replace an existing file"},
    {0},
};

static int load(const struct derive_options *o, struct model *model, struct gpu *gpu,
                struct error *err)
{
    if (command_arguments(&o->common, 0, NULL, err) < 0)
        return err->code;
    if (!o->model || !o->gpu)
        return error_set(err, ERR_INPUT, "expected --model and --gpu");
    if (model_load(o->model, model, err) < 0 || gpu_load(o->gpu, gpu, err) < 0)
        return err->code;
    if (o->weight_bits > 0)
        model->weight_bits = o->weight_bits;
    return 0;
}

static int run(const struct terminal *t, const void *given, struct error *err)
{
    const struct derive_options *o = given;
    struct model model;
    struct gpu gpu;
    struct engine_config config;
    struct output out;
    engine_config_init(&config);
    if (load(o, &model, &gpu, err) < 0)
        return err->code;
    struct placement p = {&model, &gpu, (uint32_t)o->tensor_parallel, placement_kv_bits(o->kv_type),
                          (uint32_t)o->data_parallel};
    if (derive_preset(&p, &config, err) < 0)
        return err->code;
    output_begin(&out);
    engine_config_write(&config, &out.json);
    int status = output_keep(&out, NULL, o->output ? o->output : "-", err);
    output_end(&out, NULL, NULL);
    if (status == 0)
        warn(t, "%s", config.caveat);
    if (status == 0 && o->output)
        fprintf(t->human, "written to %s\n", file_output_name(o->output));
    return status;
}

const struct command command_engine_derive = {
    .name = "engine derive",
    .summary = "a preset from a model's config.json and a GPU",
    .usage = "--model config.json --gpu NAME [--tp N]",
    .about =
        "A roofline: bytes over the memory's bandwidth, arithmetic over the GPU's, each by the\n"
        "share of the datasheet that engines achieve. It says what it is and how far off it was\n"
        "on layouts that it was not fitted to. Dense models and mixtures of experts,\n"
        "grouped-query and latent attention. A bundled preset or one fitted to step times is\n"
        "better where there is one; docs/engine.md.",
    .examples = "  farebox engine derive --model config.json --gpu h200 --tp 4 -o mine.json\n"
                "  farebox engine derive --model qwen3-32b-fp8 --gpu l40s --tp 2 | less\n",
    .options = specs,
    .options_size = sizeof(struct derive_options),
    .run = run,
};
