/* What a calibration found, for people and for machines. */
#ifndef FAREBOX_CLI_REPORT_TEXT_CALIBRATION_TEXT_H
#define FAREBOX_CLI_REPORT_TEXT_CALIBRATION_TEXT_H

#include "core/buffer.h"
#include "core/json/json_write.h"
#include "sim/engine/calibrate/calibrate.h"

void calibration_write_text(const struct calibration *c, struct buffer *out);
void calibration_write(const struct calibration *c, struct json_writer *w);

#endif
