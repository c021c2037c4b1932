#include "sim/mock/fault.h"

#include "core/clock.h"
#include "core/random.h"

#include <stdio.h>
#include <string.h>

#define MAX_CHUNKS (FAULT_NEVER - 1)
#define MAX_MS UINT64_C(86400000)
#define MAX_HUGE_BYTES (16 << 20)

enum effect_form {
    FORM_FLAG,  /* name */
    FORM_COUNT, /* name=N */
    FORM_MS,    /* name=MS */
    FORM_PAIR,  /* name=N:N or name=N:MS */
};

struct effect {
    const char *name;
    enum effect_form form;
    size_t first, second; /* offsets in struct fault */
    uint64_t min, max;    /* of the first number */
    uint64_t second_max;
    bool second_is_ms;
};

#define AT(field) offsetof(struct fault, field)
static const struct effect effects[] = {
    {"status", FORM_COUNT, AT(status), 0, 200, 599, 0, false},
    {"reset", FORM_FLAG, AT(reset), 0, 0, 0, 0, false},
    {"reset-after", FORM_COUNT, AT(reset_after), 0, 0, MAX_CHUNKS, 0, false},
    {"stall", FORM_MS, AT(stall_first_ns), 0, 0, MAX_MS, 0, false},
    {"stall-after", FORM_PAIR, AT(stall_after), AT(stall_ns), 0, MAX_CHUNKS, MAX_MS, true},
    {"drip", FORM_PAIR, AT(drip_bytes), AT(drip_ns), 1, 1 << 20, MAX_MS, true},
    {"truncate-after", FORM_COUNT, AT(truncate_after), 0, 0, MAX_CHUNKS, 0, false},
    {"no-done", FORM_FLAG, AT(no_done), 0, 0, 0, 0, false},
    {"no-finish", FORM_FLAG, AT(no_finish), 0, 0, 0, 0, false},
    {"malformed-after", FORM_COUNT, AT(malformed_after), 0, 0, MAX_CHUNKS, 0, false},
    {"error-after", FORM_COUNT, AT(error_after), 0, 0, MAX_CHUNKS, 0, false},
    {"duplicate-after", FORM_COUNT, AT(duplicate_after), 0, 0, MAX_CHUNKS, 0, false},
    {"crlf", FORM_FLAG, AT(crlf), 0, 0, 0, 0, false},
    {"tokens-per-chunk", FORM_COUNT, AT(tokens_per_chunk), 0, 1, 1000000, 0, false},
    {"utf8-after", FORM_COUNT, AT(utf8_after), 0, 0, MAX_CHUNKS, 0, false},
    {"huge-after", FORM_PAIR, AT(huge_after), AT(huge_bytes), 0, MAX_CHUNKS, MAX_HUGE_BYTES, false},
    {"ping-after", FORM_COUNT, AT(ping_after), 0, 0, MAX_CHUNKS, 0, false},
    {"buffer", FORM_FLAG, AT(buffer), 0, 0, 0, 0, false},
};

enum { EFFECT_COUNT = sizeof effects / sizeof effects[0] };

void fault_init(struct fault *f)
{
    *f = (struct fault){.tokens_per_chunk = 1};
    f->reset_after = f->stall_after = f->truncate_after = f->malformed_after = FAULT_NEVER;
    f->error_after = f->duplicate_after = f->utf8_after = f->huge_after = FAULT_NEVER;
    f->ping_after = FAULT_NEVER;
}

static void set_u32(struct fault *f, size_t offset, uint64_t value)
{
    uint32_t narrow = (uint32_t)value;
    memcpy((char *)f + offset, &narrow, sizeof narrow);
}

static void set_ns(struct fault *f, size_t offset, uint64_t ms)
{
    int64_t ns = (int64_t)ms * NS_PER_MS;
    memcpy((char *)f + offset, &ns, sizeof ns);
}

static void set_flag(struct fault *f, size_t offset)
{
    bool on = true;
    memcpy((char *)f + offset, &on, sizeof on);
}

static int wrong_value(const struct effect *e, struct error *err)
{
    static const char *const forms[] = {"no value", "=N", "=MS", "=N:N"};
    return error_set(err, ERR_INPUT, "fault %s: expected %s%s, from %llu to %llu", e->name, e->name,
                     e->form == FORM_PAIR && e->second_is_ms ? "=N:MS" : forms[e->form],
                     (unsigned long long)e->min, (unsigned long long)e->max);
}

static int apply(struct fault *f, const struct effect *e, struct text value, struct error *err)
{
    uint64_t first, second = 0;
    struct text head = value;
    if (e->form == FORM_FLAG) {
        if (value.length)
            return wrong_value(e, err);
        set_flag(f, e->first);
        return 0;
    }
    const char *colon = value.length ? memchr(value.at, ':', value.length) : NULL;
    if ((colon != NULL) != (e->form == FORM_PAIR))
        return wrong_value(e, err);
    if (colon) {
        head.length = (size_t)(colon - value.at);
        struct text tail = {colon + 1, value.length - head.length - 1};
        if (!text_to_u64(tail, &second) || second > e->second_max)
            return wrong_value(e, err);
    }
    if (!text_to_u64(head, &first) || first < e->min || first > e->max)
        return wrong_value(e, err);
    if (e->form == FORM_MS)
        set_ns(f, e->first, first);
    else
        set_u32(f, e->first, first);
    if (e->form == FORM_PAIR && e->second_is_ms)
        set_ns(f, e->second, second);
    else if (e->form == FORM_PAIR)
        set_u32(f, e->second, second);
    return 0;
}

static int unknown_effect(struct text name, struct error *err)
{
    const char *names[EFFECT_COUNT + 1] = {NULL};
    for (size_t i = 0; i < EFFECT_COUNT; i++)
        names[i] = effects[i].name;
    const char *near = text_nearest(name, names);
    return error_set(err, ERR_INPUT, "unknown fault \"%.*s\"%s%s%s", (int)name.length, name.at,
                     near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "");
}

static int parse_effect(struct fault *f, struct text text, struct error *err)
{
    const char *equals = text.length ? memchr(text.at, '=', text.length) : NULL;
    struct text name = text, value = {text.at, 0};
    if (equals) {
        name.length = (size_t)(equals - text.at);
        value = (struct text){equals + 1, text.length - name.length - 1};
    }
    for (size_t i = 0; i < EFFECT_COUNT; i++)
        if (text_equal(name, effects[i].name))
            return apply(f, &effects[i], value, err);
    return unknown_effect(name, err);
}

int fault_parse(struct fault *f, struct text text, struct error *err)
{
    fault_init(f);
    if (text.length == 0 || text.length >= sizeof f->text)
        return error_set(err, ERR_INPUT, "a fault has 1 to %zu characters", sizeof f->text - 1);
    memcpy(f->text, text.at, text.length);
    while (text.length) {
        const char *comma = memchr(text.at, ',', text.length);
        size_t length = comma ? (size_t)(comma - text.at) : text.length;
        if (parse_effect(f, (struct text){text.at, length}, err) < 0)
            return ERR_INPUT;
        length += comma != NULL;
        text.at += length;
        text.length -= length;
    }
    return 0;
}

static bool parse_range(struct text t, int decimals, int64_t *from, int64_t *to)
{
    const char *dash = t.length ? memchr(t.at, '-', t.length) : NULL;
    size_t length = dash ? (size_t)(dash - t.at) : t.length;
    struct text head = {t.at, length};
    struct text tail = dash ? (struct text){dash + 1, t.length - length - 1} : head;
    return text_to_fixed(head, decimals, from) && text_to_fixed(tail, decimals, to) && *from >= 0 &&
           *to >= *from;
}

/* "5%", "10-20s", "#100-200", "#7" */
static int parse_when(struct fault_rule *r, struct text t, struct error *err)
{
    int64_t from, to;
    struct text body = {t.at, t.length ? t.length - 1 : 0};
    char last = t.length ? t.at[t.length - 1] : '\0';
    double percent;
    if (last == '%' && text_to_double(body, &percent) && percent >= 0 && percent <= 100) {
        r->when = FAULT_RATE;
        r->rate = percent / 100;
        return 0;
    }
    if (last == 's' && parse_range(body, 9, &r->from_ns, &r->to_ns)) {
        r->when = FAULT_SECONDS;
        return 0;
    }
    if (t.length > 1 && t.at[0] == '#' &&
        parse_range((struct text){t.at + 1, t.length - 1}, 0, &from, &to)) {
        r->when = FAULT_NUMBERS;
        r->first = (uint64_t)from;
        r->last = (uint64_t)to;
        return 0;
    }
    return error_set(err, ERR_INPUT,
                     "fault: \"@%.*s\" says no time; expected a rate (5%%), seconds (10-20s) or "
                     "request numbers (#100-200)",
                     (int)t.length, t.at);
}

int fault_rule_add(struct fault_rules *r, const char *text, struct error *err)
{
    if (r->count == FAULT_MAX_RULES)
        return error_set(err, ERR_INPUT, "more than %d fault rules", FAULT_MAX_RULES);
    struct fault_rule rule = {.when = FAULT_ALWAYS};
    const char *when = strchr(text, '@');
    struct text effect_text = {text, when ? (size_t)(when - text) : strlen(text)};
    if (fault_parse(&rule.fault, effect_text, err) < 0)
        return ERR_INPUT;
    if (when && parse_when(&rule, text_of(when + 1), err) < 0)
        return ERR_INPUT;
    r->rules[r->count++] = rule;
    return 0;
}

static bool applies(const struct fault_rule *rule, size_t index, uint64_t seed, uint64_t number,
                    int64_t since_start_ns)
{
    switch (rule->when) {
    case FAULT_ALWAYS:
        return true;
    case FAULT_RATE: {
        struct random r;
        random_init(&r, seed, RANDOM_FAULTS, number * FAULT_MAX_RULES + index);
        return random_unit(&r) < rule->rate;
    }
    case FAULT_SECONDS:
        return since_start_ns >= rule->from_ns && since_start_ns < rule->to_ns;
    case FAULT_NUMBERS:
        return number >= rule->first && number <= rule->last;
    }
    return false;
}

bool fault_rules_choose(const struct fault_rules *r, uint64_t seed, uint64_t number,
                        int64_t since_start_ns, struct fault *out)
{
    for (size_t i = 0; i < r->count; i++) {
        if (!applies(&r->rules[i], i, seed, number, since_start_ns))
            continue;
        *out = r->rules[i].fault;
        return true;
    }
    fault_init(out);
    return false;
}
