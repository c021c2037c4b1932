/* Inside sim/engine/calibrate: the load of a run that was cut which has no record. */
#ifndef FAREBOX_SIM_ENGINE_CALIBRATE_CALIBRATE_LOAD_H
#define FAREBOX_SIM_ENGINE_CALIBRATE_CALIBRATE_LOAD_H

#include "sim/engine/calibrate/calibrate.h"

/* Puts in requests for those that were in flight at the last answer and have no record: as many as
 * the server counted beyond those of the records. They have the prompts of requests that are there
 * in turn, answers that do not end before the cut, and are hung up on at it. Returns how many, or
 * -1 where the server's metrics do not reach until the cut. */
int64_t calibrate_add_load(struct measured_run *run);

#endif
