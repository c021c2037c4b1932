/* farebox engine list | show: engine presets. */
#include "cli/command.h"
#include "cli/output.h"
#include "cli/report/text/summary_table.h"
#include "core/embedded.h"
#include "sim/engine/preset.h"
#include "sim/engine/step_time.h"

#include <inttypes.h>
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
    output_end(&out, NULL, t->machine);
    return 0;
}

const struct command command_engine_show = {
    .name = "engine show",
    .summary = "one preset, as the file that gives the same engine",
    .usage = "PRESET",
    .about =
        "Prints every key with its effective value: a start for a preset of one's own. What it\n"
        "does not use is left out: speculative_config (drafts), prefill_replicas with\n"
        "kv_transfer_bandwidth and kv_transfer_latency_ms (separate pools), autoscale; see\n"
        "docs/engine.md.",
    .examples = "  farebox engine show rtx4090-llama-3.1-8b-tp1 > mine.json\n",
    .options = no_options,
    .options_size = sizeof(struct plain_options),
    .run = run_show,
};
