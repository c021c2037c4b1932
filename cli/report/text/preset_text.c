#include "cli/report/text/preset_text.h"

bool preset_has_doubt(const struct engine_config *e)
{
    return e->error_tpot > 0 || e->error_ttft > 0 || e->caveat[0];
}

void preset_add_error(const struct engine_config *e, struct buffer *out)
{
    if (e->error_tpot > 0)
        buffer_add_format(out, " Expected error: TPOT ±%.0f %%", 100 * e->error_tpot);
    if (e->error_ttft > 0)
        buffer_add_format(out, "%s TTFT ±%.0f %%",
                          e->error_tpot > 0 ? "," : " Expected error:", 100 * e->error_ttft);
    buffer_add_text(out, e->error_tpot > 0 || e->error_ttft > 0 ? "." : " States no error.");
    if (e->caveat[0])
        buffer_add_format(out, " %s", e->caveat);
}
