/* How far a preset can be trusted, in words. */
#ifndef FAREBOX_CLI_REPORT_TEXT_PRESET_TEXT_H
#define FAREBOX_CLI_REPORT_TEXT_PRESET_TEXT_H

#include "core/buffer.h"
#include "sim/engine/preset.h"

/* True if the preset states an error, or what is known against it, or does what was never held
 * against a measured run. */
bool preset_has_doubt(const struct engine_config *e);

/* Appends " Expected error: TPOT ±15 %, TTFT ±25 %. ", or " States no error.", and the caveat. */
void preset_add_error(const struct engine_config *e, struct buffer *out);

#endif
