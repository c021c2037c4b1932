/* Values of a price book that no kind of row covers. */
#include "sim/cost/book/plan_read.h"

#include "core/memory.h"

#include <stdlib.h>
#include <string.h>

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

static void read_price(struct json_scan *s, enum money_per per, money *out)
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
    const struct plan_reading *r = s->context; /* NULL while the book's currency is read */
    if (r && r->usd_rate > 0 && money_scale(value, r->usd_rate, &value) < 0)
        json_fail(s, "the price \"%.*s\" in USD is finer than 1e-24; shorten the rate",
                  shown(digits), digits.at);
    *out = value;
}

void plan_read_price(struct json_scan *s, const struct json_field *f, void *member)
{
    (void)f;
    read_price(s, MONEY_PER_ONE, member);
}

void plan_read_mtok_price(struct json_scan *s, const struct json_field *f, void *member)
{
    (void)f;
    read_price(s, MONEY_PER_MILLION, member);
}

void plan_read_factor(struct json_scan *s, const struct json_field *f, void *member)
{
    struct text digits;
    money value;
    if (!decimal_text(s, &digits))
        return;
    if (money_parse(digits.at, digits.length, MONEY_PER_ONE, &value) != MONEY_OK || value < 0 ||
        value > (money)f->max * MONEY_USD)
        json_fail(s, "expected a factor from 0 to %.0f, found \"%.*s\"", f->max, shown(digits),
                  digits.at);
    else
        *(money *)member = value;
}

void plan_read_micro(struct json_scan *s, const struct json_field *f, void *member)
{
    money factor = -1;
    plan_read_factor(s, f, &factor);
    if (s->failed || factor < 0)
        return;
    if (factor % (MONEY_USD / PLAN_MICRO) != 0)
        json_fail(s, "expected at most 6 decimals");
    else
        *(uint64_t *)member = (uint64_t)(factor / (MONEY_USD / PLAN_MICRO));
}

void plan_read_percent(struct json_scan *s, const struct json_field *f, void *member)
{
    uint64_t micro = 0;
    plan_read_micro(s, f, &micro);
    if (micro % 100 != 0)
        json_fail(s, "expected at most 4 decimals of a percent");
    else
        *(uint32_t *)member = (uint32_t)(micro / 100);
}

static void add_pattern(struct json_scan *s, char ***out, size_t *count)
{
    char *copy;
    if (!json_string_copy(s, PLAN_TEXT_MAX, &copy))
        return;
    *out = mem_resize(*out, *count + 1, sizeof **out);
    (*out)[(*count)++] = copy;
}

void plan_read_patterns(struct json_scan *s, const struct json_field *f, void *member)
{
    size_t *count = (size_t *)((char *)plan_owner(f, member) + f->count);
    if (json_peek(s) == JSON_STRING) {
        add_pattern(s, member, count);
        return;
    }
    json_array_begin(s);
    while (json_array_next(s))
        add_pattern(s, member, count);
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

static void read_length(struct json_scan *s, bool calendar_month, int64_t *out_ns)
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

void plan_read_period(struct json_scan *s, const struct json_field *f, void *member)
{
    (void)f;
    read_length(s, false, member);
}

void plan_read_window_length(struct json_scan *s, const struct json_field *f, void *member)
{
    (void)f;
    read_length(s, true, member);
}
