/* Inside sim/engine/calibrate: whether a run was cut, what of it may be judged then, and the
 * load that it lacks. */
#ifndef FAREBOX_SIM_ENGINE_CALIBRATE_CALIBRATE_CUT_H
#define FAREBOX_SIM_ENGINE_CALIBRATE_CALIBRATE_CUT_H

#include "sim/engine/calibrate/calibrate_fit.h"

#define CALIBRATE_SMALL_SET "k,request_overhead_ms"

struct calibrate_mask calibrate_mask_create(size_t count);
void calibrate_mask_free(struct calibrate_mask *m);
struct calibrate_logs calibrate_logs_create(size_t count);
void calibrate_logs_free(struct calibrate_logs *l);

/* Makes the mask, whose figures are to be fitted: everything, or what is clean of a run that was
 * cut, into which load is put; and `cut`, `judged`, `drift`, `put_in` and `basis` of the part.
 * ERR_INPUT where nothing tells the load and hardly anything is clean; the mask is made all the
 * same. */
int calibrate_find_cut(struct measured_run *run, const struct engine_config *preset,
                       struct calibrate_mask *mask, struct calibrate_part *part, struct error *err);

#endif
