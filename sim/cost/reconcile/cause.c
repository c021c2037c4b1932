#include "sim/cost/reconcile/cause.h"

#include <string.h>

static const struct {
    const char *name, *words;
} causes[CAUSES] = {
    [CAUSE_DAY_BOUNDARY] = {"day_boundary", "day boundary"},
    [CAUSE_LATE_ARRIVAL] = {"late_arrival", "late arrival"},
    [CAUSE_OTHER_TRAFFIC] = {"other_traffic", "other traffic on the key"},
    [CAUSE_MISSING_HERE] = {"missing_here", "missing here"},
    [CAUSE_MISSING_THERE] = {"missing_there", "missing there"},
    [CAUSE_MODEL_ALIAS] = {"model_alias", "model alias"},
    [CAUSE_CACHE_CLASS] = {"cache_class", "cache class"},
    [CAUSE_TIME_TO_LIVE] = {"time_to_live", "time to live"},
    [CAUSE_TOKEN_COUNTS] = {"token_counts", "token counts"},
    [CAUSE_TIER] = {"tier", "tier"},
    [CAUSE_SERVICE] = {"service", "service"},
    [CAUSE_FAILED] = {"failed", "failed"},
    [CAUSE_ABORTED] = {"aborted", "aborted"},
    [CAUSE_RETRIED] = {"retried", "retried"},
    [CAUSE_DISCOUNT] = {"discount", "discount"},
    [CAUSE_CREDIT] = {"credit", "credit"},
    [CAUSE_TAX] = {"tax", "tax"},
    [CAUSE_CURRENCY] = {"currency", "currency"},
    [CAUSE_ROUNDING] = {"rounding", "rounding"},
    [CAUSE_PRICE_DATE] = {"price_date", "price date"},
};

const char *cause_name(enum cause c)
{
    return causes[c].name;
}

const char *cause_words(enum cause c)
{
    return causes[c].words;
}

static bool same_but_dashes(struct text name, const char *known)
{
    if (name.length != strlen(known))
        return false;
    for (size_t i = 0; i < name.length; i++)
        if ((name.at[i] == '-' ? '_' : name.at[i]) != known[i])
            return false;
    return true;
}

bool cause_from_name(struct text name, enum cause *out)
{
    for (int c = 0; c < CAUSES; c++)
        if (same_but_dashes(name, causes[c].name)) {
            *out = (enum cause)c;
            return true;
        }
    return false;
}
