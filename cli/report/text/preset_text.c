#include "cli/report/text/preset_text.h"

/* What no measured run was held against; NULL if all was. */
static const char *unchecked(const struct engine_config *e)
{
    if (e->speculative.num_speculative_tokens > 0 && e->prefill_replicas > 0)
        return "Speculative decoding and separate pools were";
    if (e->speculative.num_speculative_tokens > 0)
        return "Speculative decoding was";
    return e->prefill_replicas > 0 ? "Separate pools were" : NULL;
}

bool preset_has_doubt(const struct engine_config *e)
{
    return e->error_tpot > 0 || e->error_ttft > 0 || e->caveat[0] || unchecked(e);
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
    if (unchecked(e))
        buffer_add_format(out, " %s not checked against a measured run.", unchecked(e));
}
