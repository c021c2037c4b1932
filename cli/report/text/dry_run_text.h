/* What a dry run tells a person. */
#ifndef FAREBOX_CLI_REPORT_TEXT_DRY_RUN_TEXT_H
#define FAREBOX_CLI_REPORT_TEXT_DRY_RUN_TEXT_H

#include "core/buffer.h"
#include "sim/plan/dry_run.h"

void dry_run_write_text(const struct dry_run *d, struct buffer *out);

#endif
