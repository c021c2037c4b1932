/* libFuzzer entry: what describes engines. The first byte says what the rest is: a preset (what is
 * read is written and read as the same), a model's config.json, a GPU, step times to be fitted, a
 * measured run in another tool's form. */
#include "fuzzing.h"

#include "core/json/json_write.h"
#include "sim/engine/calibrate/measured.h"
#include "sim/engine/fit/grid.h"
#include "sim/engine/hardware/gpu.h"
#include "sim/engine/hardware/model.h"
#include "sim/engine/preset.h"

#include <math.h>

static char *written(const struct engine_config *config)
{
    struct buffer out;
    struct json_writer w;
    buffer_init(&out, BUFFER_UNBOUNDED);
    json_write_init(&w, &out, 2);
    engine_config_write(config, &w);
    return buffer_take(&out);
}

static void read_preset(const char *text, size_t length)
{
    struct engine_config config, again;
    if (engine_config_parse("fuzz.json", text, length, &config, NULL) < 0)
        return;
    char *first = written(&config);
    if (engine_config_parse("fuzz.json", first, strlen(first), &again, NULL) < 0)
        abort();
    char *second = written(&again);
    if (strcmp(first, second) != 0)
        abort();
    free(first);
    free(second);
}

static void read_model(const char *text, size_t length)
{
    struct model m;
    if (model_parse("config.json", text, length, &m, NULL) < 0)
        return;
    if (!(model_weight_bytes(&m) > 0) || !isfinite(model_weight_bytes(&m)) ||
        !(model_active_parameters(&m) <= model_parameters(&m)) ||
        !isfinite(model_kv_bytes_per_token(&m, 16)) || !isfinite(model_pair_flops(&m)))
        abort();
}

static void read_gpu(const char *text, size_t length)
{
    struct gpu g;
    struct gpu_achieved share;
    if (gpu_load(fuzz_write("gpu.json", text, length), &g, NULL) == 0) {
        gpu_find_shares(&g, 8, true, &share);
        if (!isfinite(gpu_flops(&g, 4)))
            abort();
    }
}

static void read_grid(const char *text, size_t length)
{
    struct grid g;
    if (grid_parse("grid.json", text, length, &g, NULL) < 0)
        return;
    if (grid_hold_back(&g) > g.count)
        abort();
    bool small = g.count < 200;
    grid_free(&g);
    if (small)
        fuzz_run("engine", "fit", fuzz_write("grid.json", text, length));
}

static void read_measured(const char *text, size_t length)
{
    struct measured_run run;
    struct error err = {0};
    if (measured_read(fuzz_write("result.json", text, length), &run, &err) == 0) {
        for (size_t i = 1; i < run.count; i++)
            if (run.requests[i].arrival_ns < run.requests[i - 1].arrival_ns)
                abort();
        measured_free(&run);
    } else if (!err.message[0]) {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static void (*const readers[])(const char *, size_t) = {read_preset, read_model, read_gpu,
                                                            read_grid, read_measured};
    if (size < 1)
        return 0;
    char *text = mem_copy_text((const char *)data + 1, size - 1);
    readers[data[0] % (sizeof readers / sizeof *readers)](text, size - 1);
    free(text);
    return 0;
}
