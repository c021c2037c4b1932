/* Inside sim/engine/calibrate: the model beside the server's own metrics. */
#ifndef FAREBOX_SIM_ENGINE_CALIBRATE_CALIBRATE_SERVER_H
#define FAREBOX_SIM_ENGINE_CALIBRATE_CALIBRATE_SERVER_H

#include "sim/engine/calibrate/calibrate.h"

/* Replays a run that has scrapes once more; of another one *out is nothing. */
int calibrate_compare_server(const struct measured_run *run, const struct engine_config *config,
                             struct calibrate_server *out, struct error *err);

#endif
