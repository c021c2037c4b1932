/* libFuzzer entry: any bytes as a usage object. Whatever it says, classes add up to what the report
 * says, nothing is beyond its bounds, and a report taken into itself changes nothing. */
#include "core/usage/usage_report.h"

#include <stdlib.h>

static void check(bool holds)
{
    if (!holds)
        abort();
}

static void check_unknown(const struct usage_report *r, const char *from, size_t size)
{
    struct usage_key_names names = {0};
    check(r->unknown_count <= USAGE_UNKNOWN_KEYS);
    for (uint32_t i = 0; i < r->unknown_count; i++) {
        struct text key = r->unknown[i];
        check(key.at >= from && key.at + key.length <= from + size);
        usage_key_names_add(&names, key);
    }
    check(names.count <= r->unknown_count);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *bytes = (const char *)data;
    struct usage_report r, twice;
    struct usage u, v;
    if (!usage_report_parse((struct text){bytes, size}, &r))
        return 0;
    check_unknown(&r, bytes, size);
    check(!r.has_cost || r.cost >= 0);
    uint32_t odd = usage_report_resolve(&r, &u);
    check(odd < 1u << ODDITIES && (odd & r.odd) == r.odd);
    for (int c = 0; c < USAGE_CLASSES; c++)
        check(u.tokens[c] <= 100 * USAGE_MAX_TOKENS);
    check(usage_input(&u) == 0 || r.given != 0);
    twice = r;
    usage_report_merge(&twice, &r);
    check(usage_report_resolve(&twice, &v) == odd);
    for (int c = 0; c < USAGE_CLASSES; c++)
        check(u.tokens[c] == v.tokens[c]);
    return 0;
}
