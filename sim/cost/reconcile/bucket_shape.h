/* Shapes of differences, and what is asked of sums again and again. Private to the room.
 *
 * A difference is theirs − ours of one cell, less what was found, by class.
 */
#ifndef FAREBOX_SIM_COST_RECONCILE_BUCKET_SHAPE_H
#define FAREBOX_SIM_COST_RECONCILE_BUCKET_SHAPE_H

#include "sim/cost/reconcile/bucket_causes.h"

bool shape_is_zero(const money d[CELL_VALUES]);

/* True if all of it is positive (sign 1) or negative (−1), or 0, and something is not. */
bool shape_has_sign(const money d[CELL_VALUES], int sign);
void shape_negate(const money d[CELL_VALUES], money out[CELL_VALUES]);

/* The sum of what models made, or else of what they were given. */
money shape_side(const money d[CELL_VALUES], bool output);

/* The difference in requests, 0 where it is not known: then one, two and more are tried. */
int64_t bucket_requests(const struct cell *cell);
int64_t bucket_size_of(int64_t n);

/* How many requests a finding touches: as many as differ, else as many as were found, else 1. */
uint64_t bucket_rows_of(int64_t requests, int found);

/* All of what is left of a cell is these causes'; `list` is what it costs where that is `known`. */
void bucket_name_all(struct cells *c, struct cell *cell, uint32_t causes, bool known, money list,
                     uint64_t rows);

/* True if some sum of the invoice (`there`), or of one's own, is of the model. */
bool bucket_has_model(const struct cells *c, uint32_t model, bool there);

/* The cell of a place; NULL. */
const struct cell *bucket_cell(const struct cells *c, uint32_t bucket, uint32_t model,
                               enum service service);

/* True for a later sum of the same model and service, as late as something arrives. */
bool bucket_is_later(const struct cells *c, const struct cell *from, const struct cell *to);

/* The day boundary as a cause, where it may be one. */
uint32_t bucket_boundary(const struct cells *c);

#endif
