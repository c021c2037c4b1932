#include "core/memory.h"
#include "sim/engine/fit/step_fit.h"
#include "sim/engine/hardware/derive.h"
#include "sim/engine/step_time.h"
#include "tests/unit/testing.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- grids that are made by the formula ---- */

static void add(struct grid *g, struct grid_row row, const struct step_constants *c)
{
    static size_t capacity;
    if (g->count == 0)
        capacity = 0;
    mem_grow(&g->rows, &capacity, g->count + 1, sizeof *g->rows);
    row.ms = step_fit_ms(c, g, &row);
    g->rows[g->count++] = row;
}

static struct grid make_grid(const struct step_constants *c)
{
    static const uint32_t batches[] = {1, 2, 4, 8, 16, 24, 32, 48, 64, 96, 128, 160, 192, 256, 512};
    static const uint32_t contexts[] = {128, 512, 2048, 4096, 8192, 16384};
    static const uint32_t chunks[] = {64, 128, 256, 512, 768, 1024, 2048, 4096, 8192};
    struct grid g = {.tensor_parallel = 1};
    for (size_t i = 0; i < COUNT_OF(batches); i++)
        for (size_t k = 0; k < COUNT_OF(contexts); k++)
            add(&g, (struct grid_row){GRID_DECODE, 0, 0, batches[i], contexts[k], 0, false}, c);
    for (size_t i = 0; i < COUNT_OF(chunks); i++)
        for (size_t k = 0; k < COUNT_OF(contexts); k++)
            add(&g, (struct grid_row){GRID_PREFILL, chunks[i], contexts[k], 0, 0, 0, false}, c);
    for (size_t i = 0; i < COUNT_OF(chunks); i += 2)
        for (size_t k = 0; k < COUNT_OF(batches); k++)
            add(&g, (struct grid_row){GRID_MIXED, chunks[i], 0, batches[k], 1024, 0, false}, c);
    return g;
}

static const struct step_constants dense = {.k = 1,
                                            .w0 = 8,
                                            .w1 = 0.01,
                                            .c0 = 3,
                                            .c1 = 0.045,
                                            .ap = 1,
                                            .kappa = 19,
                                            .d0 = 1.5,
                                            .d1 = 0.002,
                                            .p0 = 2};

static struct step_constants with(double m0, double n0, double c2, uint32_t tile)
{
    struct step_constants c = dense;
    c.m0 = m0;
    c.n0 = n0;
    c.c2 = c2;
    c.tile = tile;
    return c;
}

/* Experts that wait for arithmetic from 90 tokens on, and nothing else that does. */
static struct step_constants with_knee(void)
{
    struct step_constants c = with(16, 20, 0, 0);
    c.c0 = c.c1 = 0;
    c.e0 = 90;
    c.e1 = 0.05;
    return c;
}

START_TEST(experts_that_wait_for_arithmetic_are_told_by_the_grid)
{
    const struct step_constants made = with_knee();
    struct grid g = make_grid(&made);
    struct step_fit fit;
    step_fit_make(&g, &fit);
    ck_assert_double_lt(fit.held.p90, 0.01);
    ck_assert_double_eq_tol(fit.constants.e0, made.e0, 0.05 * made.e0);
    ck_assert_double_eq_tol(fit.constants.e1, made.e1, 0.05 * made.e1);
    ck_assert_double_eq(fit.constants.c1, 0);
    grid_free(&g);
}
END_TEST

START_TEST(a_grid_gives_back_what_made_it)
{
    const struct step_constants made[] = {dense, with(0, 0, 0.06, 256), with(16, 20, 0, 0),
                                          with(0, 0, 0.09, 128)};
    struct grid g = make_grid(&made[_i]);
    struct step_fit fit;
    step_fit_make(&g, &fit);
    ck_assert_double_lt(fit.held.p90, 0.01);
    ck_assert_double_lt(fit.fitted.p90, 0.01);
    ck_assert_uint_eq(fit.constants.tile, made[_i].tile);
    ck_assert_int_eq(fit.has_experts, made[_i].m0 > 0);
    ck_assert_double_eq_tol(fit.constants.kappa, made[_i].kappa, 0.02 * made[_i].kappa);
    ck_assert_double_eq_tol(fit.constants.c1, made[_i].c1, 0.05 * made[_i].c1);
    if (made[_i].m0 > 0)
        ck_assert_double_eq_tol(fit.constants.n0, made[_i].n0, 0.1 * made[_i].n0);
    grid_free(&g);
}
END_TEST

START_TEST(rows_kept_back_are_every_second_batch_and_context)
{
    struct grid g = make_grid(&dense);
    size_t held = grid_hold_back(&g), counted = 0;
    for (size_t i = 0; i < g.count; i++) {
        const struct grid_row *r = &g.rows[i];
        counted += r->held;
        if (r->kind == GRID_DECODE && r->batch == 1 && r->context == 128)
            ck_assert(!r->held);
        if (r->kind == GRID_DECODE && (r->batch == 2 || r->context == 512))
            ck_assert(r->held);
        if (r->kind == GRID_DECODE && r->batch == 4 && r->context == 2048)
            ck_assert(!r->held);
    }
    ck_assert_uint_eq(held, counted);
    ck_assert_uint_gt(held, g.count / 2);
    ck_assert_uint_lt(held, g.count);
    grid_free(&g);
}
END_TEST

/* Mixed steps whose times do not know the context are fitted without the decodes' attention: the
 * pure decodes then keep theirs. */
START_TEST(attention_that_was_left_out_bends_nothing)
{
    struct grid g = make_grid(&dense);
    struct buffer text;
    struct error err = {0};
    struct step_fit fit;
    static const char *const kinds[] = {"dec", "pre", "mix"};
    buffer_init(&text, BUFFER_UNBOUNDED);
    buffer_add_text(&text, "{\"rows\":[");
    g.mixed_without_kv = true;
    for (size_t i = 0; i < g.count; i++) {
        struct grid_row r = g.rows[i];
        for (int twice = 0; twice < 1 + (r.kind == GRID_MIXED); twice++)
            buffer_add_format(&text, "%s[\"%s\",%u,%u,%u,%u,%.9g]", text.length > 9 ? "," : "",
                              kinds[r.kind], r.q, r.prefix, r.batch,
                              r.context * (1 + 3 * (unsigned)twice), step_fit_ms(&dense, &g, &r));
    }
    buffer_add_text(&text, "]}");
    grid_free(&g);
    ck_assert_msg(grid_parse("own.json", text.data, text.length, &g, &err) == 0, "%s", err.message);
    ck_assert(g.mixed_without_kv);
    step_fit_make(&g, &fit);
    ck_assert_double_lt(fit.fitted.p90, 0.01);
    ck_assert_double_eq_tol(fit.constants.kappa, dense.kappa, 0.02 * dense.kappa);
    grid_free(&g);
    buffer_free(&text);
}
END_TEST

static const struct {
    const char *text, *words;
} bad[] = {
    {"{}", "rows"},
    {"{\"rows\":[]}", "no row"},
    {"{\"rows\":[[\"dec\",0,0,1,128]]}", ""},
    {"{\"rows\":[[\"deco\",0,0,1,128,5]]}", "\"mix\""},
    {"{\"rows\":[[\"dec\",0,0,1.5,128,5]]}", "whole number"},
    {"{\"rows\":[[\"dec\",0,0,1,128,-5]]}", "above 0"},
    {"{\"rows\":[[\"dec\",0,0,0,128,5]]}", "batch"},
    {"{\"rows\":[[\"dec\",0,0,1,128,5,7]]}", "six"},
};

START_TEST(a_bad_grid_is_refused_with_its_place)
{
    struct grid g;
    struct error err = {0};
    ck_assert_int_eq(grid_parse("g.json", bad[_i].text, strlen(bad[_i].text), &g, &err), ERR_INPUT);
    ck_assert_msg(strstr(err.message, bad[_i].words) != NULL, "%s: %s", bad[_i].text, err.message);
}
END_TEST

/* ---- padding ---- */

START_TEST(rows_fill_up_powers_of_two_and_then_tiles)
{
    ck_assert_int_eq(step_padding(5, 0), 0);
    ck_assert_int_eq(step_padding(1, 256), 15);
    ck_assert_int_eq(step_padding(16, 256), 0);
    ck_assert_int_eq(step_padding(17, 256), 15);
    ck_assert_int_eq(step_padding(129, 256), 127);
    ck_assert_int_eq(step_padding(256, 256), 0);
    ck_assert_int_eq(step_padding(257, 256), 255);
    ck_assert_int_eq(step_padding(768, 256), 0);
    ck_assert_int_eq(step_padding(90, 100), 10);
}
END_TEST

/* ---- models ---- */

/* Published counts, in thousand millions. */
static const struct {
    const char *name;
    double all, active, kv_bytes;
    uint32_t kv_heads;
} models[] = {
    {"llama-3.1-8b", 8.03, 7.5, 131072, 8}, {"llama-3.3-70b", 70.6, 69.5, 327680, 8},
    {"qwen3-32b", 32.8, 32.0, 262144, 8},   {"qwen3-30b-a3b", 30.5, 3.0, 98304, 4},
    {"deepseek-r1", 671, 37, 70272, 1},
};

START_TEST(parameters_are_those_published)
{
    struct model m;
    struct error err = {0};
    ck_assert_int_eq(model_load(models[_i].name, &m, &err), 0);
    ck_assert_double_eq_tol(model_parameters(&m) / 1e9, models[_i].all, 0.01 * models[_i].all);
    ck_assert_double_eq_tol(model_active_parameters(&m) / 1e9, models[_i].active,
                            0.05 * models[_i].active);
    ck_assert_double_eq(model_kv_bytes_per_token(&m, 16), models[_i].kv_bytes);
    ck_assert_double_eq(model_kv_bytes_per_token(&m, 8), models[_i].kv_bytes / 2);
    ck_assert_uint_eq(model_kv_heads(&m), models[_i].kv_heads);
}
END_TEST

static uint64_t blocks_of(const char *model, const char *gpu, uint32_t tp, double kv_bits)
{
    struct model m;
    struct gpu g;
    struct engine_config c;
    struct error err = {0};
    engine_config_init(&c);
    ck_assert_int_eq(model_load(model, &m, &err), 0);
    ck_assert_int_eq(gpu_load(gpu, &g, &err), 0);
    struct placement p = {&m, &g, tp, kv_bits, 1};
    return placement_apply(&p, &c, &err) < 0 ? 0 : c.kv_blocks;
}

START_TEST(memory_decides_how_many_blocks_there_are)
{
    uint64_t eight = blocks_of("deepseek-r1", "b200", 8, 16);
    ck_assert_uint_eq(blocks_of("llama-3.3-70b", "h100", 1, 16), 0); /* does not fit */
    ck_assert_uint_gt(blocks_of("llama-3.3-70b-fp8", "h100", 2, 16), 0);
    double ratio = (double)blocks_of("llama-3.3-70b", "h200", 4, 8) /
                   (double)blocks_of("llama-3.3-70b", "h200", 4, 16);
    ck_assert_double_eq_tol(ratio, 2, 1e-3);
    /* latent attention: every rank holds the whole cache of a token, 61 layers of 576 values */
    ck_assert_uint_lt(eight * 16 * 70272 * 8, UINT64_C(8) * 191500000000);
    ck_assert_uint_gt(eight * 16 * 70272 * 8, UINT64_C(8) * 191500000000 / 3);
    /* 8 KV heads on 16 ranks: two copies */
    double more = (double)blocks_of("llama-3.3-70b-fp8", "h200", 16, 16) /
                  (double)blocks_of("llama-3.3-70b-fp8", "h200", 8, 16);
    ck_assert_double_lt(more, 1.1);
}
END_TEST

START_TEST(a_model_is_found_by_the_names_it_goes_by)
{
    ck_assert_str_eq(model_called("meta-llama/Meta-Llama-3.1-70B", "fp8"), "llama-3.3-70b-fp8");
    ck_assert_str_eq(model_called("Qwen/Qwen3-32B", ""), "qwen3-32b");
    ck_assert_ptr_null(model_called("someone/unheard-of", ""));
    ck_assert_str_eq(gpu_called("h200_sxm"), "h200");
    ck_assert_ptr_null(gpu_called("abacus"));
}
END_TEST

/* ---- rooflines ---- */

static struct engine_config derived(const char *model, const char *gpu, uint32_t tp)
{
    struct model m;
    struct gpu g;
    struct engine_config c;
    struct error err = {0};
    engine_config_init(&c);
    ck_assert_int_eq(model_load(model, &m, &err), 0);
    ck_assert_int_eq(gpu_load(gpu, &g, &err), 0);
    struct placement p = {&m, &g, tp, 16, 1};
    ck_assert_msg(derive_preset(&p, &c, &err) == 0, "%s", err.message);
    return c;
}

/* A decode of one request reads all weights once: no faster than the memory, and not half as slow
 * again as it and the layers' own time allow. */
START_TEST(a_roofline_reads_the_weights_once)
{
    static const struct {
        const char *model, *gpu;
        uint32_t tp;
        double bytes, bandwidth;
    } layouts[] = {{"llama-3.1-8b", "h100", 1, 16.1e9, 3350e9},
                   {"llama-3.3-70b", "h200", 4, 141e9, 4 * 4800e9},
                   {"llama-3.3-70b-fp8", "b200", 2, 72.6e9, 2 * 8000e9},
                   {"llama-3.1-8b", "l40s", 1, 16.1e9, 864e9}};
    for (size_t i = 0; i < COUNT_OF(layouts); i++) {
        struct engine_config c = derived(layouts[i].model, layouts[i].gpu, layouts[i].tp);
        double floor_ms = 1e3 * layouts[i].bytes / layouts[i].bandwidth;
        double ms = step_tpot_ms(&c, 1, 128);
        ck_assert_double_gt(ms, floor_ms);
        ck_assert_double_lt(ms, 2 * floor_ms + 0.15 * c.layers);
        ck_assert_msg(strstr(c.caveat, "roofline") != NULL, "%s", c.caveat);
    }
}
END_TEST

/* More requests at once, more GPUs, more experts: each in the direction that it must. */
START_TEST(a_roofline_goes_the_way_it_must)
{
    struct engine_config two = derived("llama-3.3-70b-fp8", "h200", 2);
    struct engine_config eight = derived("llama-3.3-70b-fp8", "h200", 8);
    ck_assert_double_gt(step_tpot_ms(&two, 1, 1024), step_tpot_ms(&eight, 1, 1024));
    ck_assert_double_gt(step_tpot_ms(&two, 64, 1024), step_tpot_ms(&two, 1, 1024));
    struct engine_config r1 = derived("deepseek-r1", "h200", 8);
    ck_assert_double_gt(r1.steps.m0, 0);
    ck_assert_double_eq(r1.steps.n0, 32); /* 256 experts, 8 chosen */
    ck_assert_double_gt(step_tpot_ms(&r1, 64, 128), 1.5 * step_tpot_ms(&r1, 1, 128));
}
END_TEST

/* Against measured steps, where they are: the median error is that which the preset states, or
 * less. Not all: what was fitted to all of them cannot be off more than when a layout was left out.
 */
START_TEST(rooflines_stay_near_measured_steps)
{
    static const struct {
        const char *grid, *model, *gpu;
        uint32_t tp;
        double median;
    } checks[] = {{"h200-l70fp8-tp4", "llama-3.3-70b-fp8", "h200", 4, 0.15},
                  {"h100-q32-tp2", "qwen3-32b", "h100", 2, 0.15},
                  {"b200-l70-tp2", "llama-3.3-70b", "b200", 2, 0.15},
                  {"rtxpro-q32-tp2", "qwen3-32b", "rtxpro6000", 2, 0.15},
                  {"a100-l8-tp1", "llama-3.1-8b", "a100", 1, 0.15}};
    const char *folder = getenv("FAREBOX_GRIDS");
    char path[512];
    struct grid g;
    struct error err = {0};
    snprintf(path, sizeof path, "%s/grid-%s.json", folder ? folder : "../shared/engine/grids",
             checks[_i].grid);
    if (access(path, R_OK) != 0) {
        testing_skip("no grid of step times: FAREBOX_GRIDS names their folder");
    }
    ck_assert_int_eq(grid_read(path, &g, &err), 0);
    struct engine_config c = derived(checks[_i].model, checks[_i].gpu, checks[_i].tp);
    struct fit_error e = step_fit_error(&c.steps, &g, GRID_KINDS, false);
    ck_assert_msg(e.median <= checks[_i].median, "%s: %.3f", checks[_i].grid, e.median);
    grid_free(&g);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("step_fit");
    TCase *t = tcase_create("step_fit");
    tcase_set_timeout(t, 60);
    tcase_add_loop_test(t, a_grid_gives_back_what_made_it, 0, 4);
    tcase_add_test(t, experts_that_wait_for_arithmetic_are_told_by_the_grid);
    tcase_add_test(t, rows_kept_back_are_every_second_batch_and_context);
    tcase_add_test(t, attention_that_was_left_out_bends_nothing);
    tcase_add_loop_test(t, a_bad_grid_is_refused_with_its_place, 0, (int)COUNT_OF(bad));
    tcase_add_test(t, rows_fill_up_powers_of_two_and_then_tiles);
    tcase_add_loop_test(t, parameters_are_those_published, 0, (int)COUNT_OF(models));
    tcase_add_test(t, memory_decides_how_many_blocks_there_are);
    tcase_add_test(t, a_model_is_found_by_the_names_it_goes_by);
    tcase_add_test(t, a_roofline_reads_the_weights_once);
    tcase_add_test(t, a_roofline_goes_the_way_it_must);
    tcase_add_loop_test(t, rooflines_stay_near_measured_steps, 0, 5);
    suite_add_tcase(suite, t);
    return testing_run(suite);
}
