/* The plan of a fleet in a picture: demand, replicas and cash by hour; the price of objectives. */
#ifndef FAREBOX_CLI_REPORT_PLOT_FLEET_PLOT_H
#define FAREBOX_CLI_REPORT_PLOT_FLEET_PLOT_H

#include "core/error.h"
#include "sim/fleet/fleet_plan.h"

/* fleet and fleet-objectives, each as svg and png; as plot_draw. */
int fleet_plan_draw(const struct fleet_plan *p, const char *directory, bool keep_script,
                    struct error *err);

#endif
