/* Measured step times: what a preset's constants are fitted to.
 *
 * The file is JSON: {"model": "...", "system": "...", "backend": "...", "kw": {...}, "rows":
 * [...]}, all but the rows optional. A row is one step:
 *   ["dec", 0, 0, batch, context, ms]   `batch` decodes, each over `context` tokens of KV
 *   ["pre", q, prefix, 0, 0, ms]        one chunk of q prefill tokens behind `prefix` cached ones
 *   ["mix", q, 0, batch, context, ms]   one prefill of q tokens beside `batch` decodes
 *
 *     struct grid g;
 *     if (grid_read("grid.json", &g, err) < 0) return err->code;
 *     ... g.rows[i] ...
 *     grid_free(&g);
 */
#ifndef FAREBOX_SIM_ENGINE_FIT_GRID_H
#define FAREBOX_SIM_ENGINE_FIT_GRID_H

#include "core/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum grid_kind { GRID_DECODE, GRID_PREFILL, GRID_MIXED, GRID_KINDS };

struct grid_row {
    enum grid_kind kind;
    uint32_t q, prefix, batch, context;
    double ms;
    bool held; /* kept back: not fitted, but compared */
};

struct grid {
    char model[96], system[48], backend[32];
    uint32_t tensor_parallel; /* 1 unless the file's "kw" has tp_size */
    uint32_t data_parallel;   /* 1 unless it has attention_dp_size */
    uint32_t expert_parallel; /* 1 unless it has moe_ep_size */
    char weights[16];         /* gemm_quant_mode, "" */
    struct grid_row *rows;
    size_t count;
    /* Mixed steps last as long over a short context as over a long one, while pure decodes do not:
     * whoever made the file left the decodes' attention out of them. */
    bool mixed_without_kv;
};

/* Returns 0, or ERR_INPUT with the place and what would be right. */
int grid_read(const char *path, struct grid *out, struct error *err);
int grid_parse(const char *file, const char *text, size_t length, struct grid *out,
               struct error *err);
void grid_free(struct grid *g);

/* Of each kind keeps back every row whose batch or context (prefills: whose q or prefix) is every
 * second one of those in the file, the smallest ones staying. Returns the number kept back. */
size_t grid_hold_back(struct grid *g);

#endif
