/* Pictures of a workload: lengths, rate over time, prefix hits against cache size.
 *
 *     info_plots_draw(&w, &info, "plots", err);     // plots/workload.svg, plots/workload.png
 */
#ifndef FAREBOX_CLI_REPORT_PLOT_INFO_PLOTS_H
#define FAREBOX_CLI_REPORT_PLOT_INFO_PLOTS_H

#include "core/error.h"
#include "workloads/describe/info.h"

/* Draws into `directory` (made if it is not there); `info` must have its detail. ERR_SYSTEM or
 * ERR_WORK if gnuplot cannot be run or fails. */
int info_plots_draw(const struct workload *w, const struct workload_info *info,
                    const char *directory, struct error *err);

#endif
