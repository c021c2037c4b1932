/* Inside sim/engine/calibrate: what the server said of itself while a run went on. */
#ifndef FAREBOX_SIM_ENGINE_CALIBRATE_MEASURED_SERVER_H
#define FAREBOX_SIM_ENGINE_CALIBRATE_MEASURED_SERVER_H

#include "sim/engine/calibrate/measured.h"

/* Fills `server` and the scrapes from the run directory's server.jsonl, up to the last answer.
 * Where the server found tokens in its prefix cache and no answer says which, each prompt counts as
 * cached by the server's share. Without the file nothing is known; ERR_SYSTEM where it is there and
 * cannot be read. */
int measured_read_server(const char *path, struct measured_run *run, struct error *err);

#endif
