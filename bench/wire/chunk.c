#include "bench/wire/chunk.h"

#include "core/json/json_scan.h"

#include <string.h>

/* ---- usage ---- */

static void keep_usage(struct json_scan *s, const char *start, const struct usage_report *r,
                       struct chunk *c)
{
    if (!r->is_there)
        return;
    if (c->has_usage)
        usage_report_merge(&c->report, r);
    else
        c->report = *r;
    c->has_usage = true;
    c->raw_usage = (struct text){start, (size_t)(s->at - start)};
    usage_report_resolve(&c->report, &c->usage);
}

void chunk_read_usage(struct json_scan *s, struct chunk *c)
{
    struct usage_report r;
    json_peek(s); /* passes white space */
    const char *start = s->at;
    usage_report_read(s, &r);
    keep_usage(s, start, &r, c);
}

bool chunk_find_usage(struct json_scan *s, struct text key, struct chunk *c)
{
    if (usage_key_holds(key)) {
        chunk_read_usage(s, c);
        return true;
    }
    if (!usage_key_wraps(key) || json_peek(s) != JSON_OBJECT)
        return usage_cost_read(s, key, &c->has_cost, &c->cost);
    struct usage_report r;
    const char *start = s->at;
    if (usage_report_find(s, &r))
        keep_usage(s, start, &r, c);
    return true;
}

/* ---- the end ---- */

bool chunk_is_end_mark(struct text data)
{
    data = text_trim(data);
    if (data.length > 2 && data.at[0] == '"' && data.at[data.length - 1] == '"')
        data = (struct text){data.at + 1, data.length - 2};
    static const char *const marks[] = {"[DONE]", "[END]",      "[EOS]",      "[EOF]",
                                        "[STOP]", "[FINISHED]", "[COMPLETE]", "[COMPLETED]"};
    for (size_t i = 0; i < sizeof marks / sizeof *marks; i++)
        if (text_equal_nocase(data, marks[i]))
            return true;
    return false;
}
