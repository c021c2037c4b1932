/* Prices of GPUs, as a command line gives them: one for all, or by GPU or engine.
 *
 *     struct gpu_prices prices;
 *     if (gpu_prices_read("h200=3.50,b200=6,2.20", &prices, err) < 0) return err->code;
 *     if (gpu_prices_find(&prices, "h200-qwen3-32b-tp1", &price)) ...     // 3.50
 *     if (gpu_prices_all_used(&prices, names, count, err) < 0) ...
 */
#ifndef FAREBOX_SIM_PLAN_GPU_PRICE_H
#define FAREBOX_SIM_PLAN_GPU_PRICE_H

#include "core/error.h"
#include "core/money.h"

#include <stdbool.h>
#include <stddef.h>

#define GPU_PRICES 64
#define GPU_NAME_SIZE 64

/* Of one GPU for an hour, USD. */
struct gpu_price {
    char name[GPU_NAME_SIZE]; /* of an engine, or what its name begins with before a "-" */
    money hour;
};

struct gpu_prices {
    struct gpu_price items[GPU_PRICES];
    size_t count;
    bool has_other;
    money other; /* of what has none of its own */
};

/* Reads "3.50" or "NAME=USD,...", with at most one price without a name. ERR_INPUT. */
int gpu_prices_read(const char *text, struct gpu_prices *out, struct error *err);

/* The price with the longest name that is the engine's, or its beginning up to a "-"; else the one
 * without a name. False where there is none. */
bool gpu_prices_find(const struct gpu_prices *prices, const char *engine, money *hour);

/* ERR_INPUT where a price is that of no engine among `names`. */
int gpu_prices_all_used(const struct gpu_prices *prices, const char *const *names, size_t count,
                        struct error *err);

#endif
