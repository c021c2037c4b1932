/* A forecast as a person reads it. */
#ifndef FAREBOX_CLI_REPORT_TEXT_FORECAST_TEXT_H
#define FAREBOX_CLI_REPORT_TEXT_FORECAST_TEXT_H

#include "core/buffer.h"
#include "sim/plan/forecast.h"

/* The plans' bills under each assumption of growth, what to choose, and notes `width` columns wide.
 */
void forecast_write_text(const struct forecast *f, int width, struct buffer *out);

#endif
