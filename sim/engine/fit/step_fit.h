/* Fits the constants of a step's time (sim/engine/step_time.h) to a grid of measured steps.
 *
 *     struct step_fit fit;
 *     step_fit_make(&grid, &fit);
 *     config.steps = fit.constants;
 *
 * Least squares of the relative error, with a soft tail (2·(√(1+z²) − 1), so that few bad rows do
 * not bend the rest) and constants that cannot be negative. Of the forms with and without experts,
 * with tiles of 128 or 256 rows, and with experts that alone wait for arithmetic (e0, e1 in place
 * of c0, c1), the one is taken that is off least where rows were kept back: every second batch and
 * context; a simpler form that does nearly as well goes first. The constants
 * are then fitted to all rows.
 */
#ifndef FAREBOX_SIM_ENGINE_FIT_STEP_FIT_H
#define FAREBOX_SIM_ENGINE_FIT_STEP_FIT_H

#include "sim/engine/fit/grid.h"
#include "sim/engine/preset.h"

/* Relative errors of steps, absolute: 0.05 = 5 %; NAN of no rows. */
struct fit_error {
    size_t rows;
    double median, p90, most, mean_signed;
};

struct step_fit {
    struct step_constants constants;
    bool has_experts;      /* the form has m0 and n0 */
    struct fit_error held; /* of rows kept back, by constants that did not see them */
    struct fit_error held_of[GRID_KINDS];
    struct fit_error fitted; /* of all rows, by the constants above */
    bool no_prefill;         /* the grid has no prefill: nothing is known of them */
};

/* Marks the rows kept back in the grid. */
void step_fit_make(struct grid *grid, struct step_fit *out);

/* Milliseconds that the constants give for a row of the grid. */
double step_fit_ms(const struct step_constants *constants, const struct grid *grid,
                   const struct grid_row *row);

/* Errors of the rows of a kind (GRID_KINDS: of all), of those kept back or of all. */
struct fit_error step_fit_error(const struct step_constants *constants, const struct grid *grid,
                                enum grid_kind kind, bool only_held);

#endif
