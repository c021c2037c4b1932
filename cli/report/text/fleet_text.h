/* The plan of a fleet, for people. */
#ifndef FAREBOX_CLI_REPORT_TEXT_FLEET_TEXT_H
#define FAREBOX_CLI_REPORT_TEXT_FLEET_TEXT_H

#include "core/buffer.h"
#include "sim/fleet/fleet_plan.h"

void fleet_plan_write_text(const struct fleet_plan *p, int width, struct buffer *out);

#endif
