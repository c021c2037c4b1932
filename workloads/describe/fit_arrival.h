/* The fitted arrivals. Internal to the fit.
 *
 * The rate curve is level over steps; within, gaps are Gamma. Of one rate for all and ever shorter
 * steps, the longest ones are taken whose best shape gives the recorded CV of the gaps: a curve
 * as fine as the gaps would only repeat the recording.
 */
#ifndef FAREBOX_WORKLOADS_DESCRIBE_FIT_ARRIVAL_H
#define FAREBOX_WORKLOADS_DESCRIBE_FIT_ARRIVAL_H

#include "workloads/describe/fit.h"

/* `times` in order. Fills the arrivals and the report's CVs, shape and step. */
int fit_arrival(const int64_t *times, size_t count, struct arrival *out, struct fit_report *report,
                struct error *err);

/* Population σ over mean. */
double fit_cv(const double *values, size_t count);

#endif
