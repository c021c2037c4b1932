#include "sim/cost/book/plan_read.h"

#include "core/memory.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void plan_fail_at(struct json_scan *s, const char *place, const char *format, ...)
{
    char message[512];
    va_list args;
    va_start(args, format);
    vsnprintf(message, sizeof message, format, args);
    va_end(args);
    if (place)
        s->value = place;
    json_fail(s, "%s", message);
}

/* The digits of a string or a bare number; shortened for messages by the caller. */
static bool decimal_text(struct json_scan *s, struct text *digits)
{
    if (json_peek(s) == JSON_STRING)
        return json_string(s, digits);
    return json_number(s, digits);
}

static int shown(struct text t)
{
    return t.length > 60 ? 60 : (int)t.length;
}

void plan_read_price(struct json_scan *s, enum money_per per, money *out)
{
    struct text digits;
    money value, whole;
    if (!decimal_text(s, &digits))
        return;
    enum money_fault fault = money_parse(digits.at, digits.length, per, &value);
    if (fault != MONEY_OK) {
        json_fail(s, "the price \"%.*s\" %s", shown(digits), digits.at, money_fault_text(fault));
        return;
    }
    if (value < 0) {
        json_fail(s, "the price \"%.*s\" is negative; a discount goes into \"multipliers\"",
                  shown(digits), digits.at);
        return;
    }
    if (money_parse(digits.at, digits.length, MONEY_PER_ONE, &whole) != MONEY_OK ||
        whole > PLAN_PRICE_MAX) {
        json_fail(s, "the price \"%.*s\" is above 1,000,000,000 USD", shown(digits), digits.at);
        return;
    }
    *out = value;
}

void plan_read_factor(struct json_scan *s, unsigned max, money *out)
{
    struct text digits;
    money value;
    if (!decimal_text(s, &digits))
        return;
    if (money_parse(digits.at, digits.length, MONEY_PER_ONE, &value) != MONEY_OK || value < 0 ||
        value > (money)max * MONEY_USD)
        json_fail(s, "expected a factor from 0 to %u, found \"%.*s\"", max, shown(digits),
                  digits.at);
    else
        *out = value;
}

void plan_read_micro(struct json_scan *s, unsigned max, uint64_t *out)
{
    money factor = -1;
    plan_read_factor(s, max, &factor);
    if (s->failed || factor < 0)
        return;
    if (factor % (MONEY_USD / PLAN_MICRO) != 0)
        json_fail(s, "expected at most 6 decimals");
    else
        *out = (uint64_t)(factor / (MONEY_USD / PLAN_MICRO));
}

void plan_read_percent(struct json_scan *s, uint32_t *out)
{
    uint64_t micro = 0;
    plan_read_micro(s, 100, &micro);
    if (micro % 100 != 0)
        json_fail(s, "expected at most 4 decimals of a percent");
    else
        *out = (uint32_t)(micro / 100);
}

void plan_read_text(struct json_scan *s, char **out)
{
    char *copy;
    if (!json_string_copy(s, PLAN_TEXT_MAX, &copy))
        return;
    free(*out);
    *out = copy;
}

static void add_pattern(struct json_scan *s, char ***out, size_t *count)
{
    char *copy;
    if (!json_string_copy(s, PLAN_TEXT_MAX, &copy))
        return;
    *out = mem_resize(*out, *count + 1, sizeof **out);
    (*out)[(*count)++] = copy;
}

void plan_read_patterns(struct json_scan *s, char ***out, size_t *count)
{
    if (json_peek(s) == JSON_STRING) {
        add_pattern(s, out, count);
        return;
    }
    json_array_begin(s);
    while (json_array_next(s))
        add_pattern(s, out, count);
}

static const struct {
    const char *name;
    int64_t ns;
} lengths[] = {
    {"second", NS_PER_S},
    {"minute", 60 * NS_PER_S},
    {"hour", 3600 * NS_PER_S},
    {"day", 86400 * NS_PER_S},
    {"week", 7 * 86400 * NS_PER_S},
    {"month", 30 * 86400 * NS_PER_S},
    {"year", 365 * 86400 * NS_PER_S},
};

static int64_t length_of(struct text t)
{
    static const char letters[] = "smhd";
    uint64_t n;
    if (t.length < 2)
        return 0;
    const char *letter = strchr(letters, t.at[t.length - 1]);
    if (!letter || *letter == '\0' || !text_to_u64((struct text){t.at, t.length - 1}, &n) ||
        n == 0 || n > 366)
        return 0;
    static const int64_t unit[] = {NS_PER_S, 60 * NS_PER_S, 3600 * NS_PER_S, 86400 * NS_PER_S};
    return (int64_t)n * unit[letter - letters];
}

void plan_read_length(struct json_scan *s, bool calendar_month, int64_t *out_ns)
{
    struct text t;
    if (!json_string(s, &t))
        return;
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++)
        if (text_equal(t, lengths[i].name)) {
            *out_ns = calendar_month && text_equal(t, "month") ? 0 : lengths[i].ns;
            return;
        }
    int64_t ns = length_of(t);
    if (ns <= 0)
        json_fail(s, "expected a period such as \"day\", \"month\" or \"5h\", found \"%.*s\"",
                  shown(t), t.at);
    else
        *out_ns = ns;
}

void plan_read_choice(struct json_scan *s, const char *const *names, int *out)
{
    struct text t;
    char list[256] = "";
    if (!json_string(s, &t))
        return;
    for (int i = 0; names[i]; i++) {
        if (text_equal(t, names[i])) {
            *out = i;
            return;
        }
        size_t used = strlen(list);
        snprintf(list + used, sizeof list - used, "%s\"%s\"", i ? ", " : "", names[i]);
    }
    json_fail(s, "expected one of %s, found \"%.*s\"", list, shown(t), t.at);
}

bool plan_skip_remark(struct json_scan *s, struct text key)
{
    if (!text_equal(key, "comment") && !text_equal(key, "note"))
        return false;
    json_skip(s, NULL);
    return true;
}
