/* A forecast as a person reads it. */
#ifndef FAREBOX_CLI_REPORT_TEXT_FORECAST_TEXT_H
#define FAREBOX_CLI_REPORT_TEXT_FORECAST_TEXT_H

#include "core/buffer.h"
#include "sim/plan/forecast.h"

/* The plans' bills under each assumption of growth, what to choose, and notes `width` columns wide.
 */
void forecast_write_text(const struct forecast *f, int width, struct buffer *out);

/* A statistic in USD as its tables have it: "1,234.56". */
const char *forecast_usd(double usd, char out[MONEY_TEXT_SIZE]);

/* What to commit to under one of them, a line a plan; for who shows it elsewhere. */
void forecast_commit_lines(const struct forecast *f, const struct forecast_result *r,
                           struct buffer *out);

/* The same as a member of the scenario in forecast.json: "commit", a list of texts. */
void forecast_put_sentences(const struct forecast *f, const struct forecast_result *r,
                            struct json_writer *w);

#endif
