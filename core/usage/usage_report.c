#include "core/usage/usage_report.h"

#include "core/usage/usage_keys.h"

#include <math.h>

#define MAX_DEPTH 5

struct reader {
    struct json_scan *s;
    struct usage_report *out;
    struct usage_report other; /* what stands under names that are not known */
    struct {
        bool has_own, has_total, has_sum, has_upstream, own_key, foreign;
        money own, total, sum, upstream;
    } cost;
};

/* ---- numbers ---- */

/* Takes a value that is no object, array or string, also one that is no JSON, such as NaN. */
static bool take_bare(struct json_scan *s, struct text *out)
{
    json_peek(s); /* passes white space */
    const char *at = s->at;
    while (at < s->end && ((*at >= '0' && *at <= '9') || (*at >= 'A' && *at <= 'Z') ||
                           (*at >= 'a' && *at <= 'z') || *at == '-' || *at == '+' || *at == '.'))
        at++;
    if (s->failed || at == s->at)
        return json_skip(s, out);
    *out = (struct text){s->at, (size_t)(at - s->at)};
    s->value = s->at;
    s->at = at;
    return true;
}

static bool take_scalar(struct json_scan *s, struct text *out)
{
    return json_peek(s) == JSON_STRING ? json_string(s, out) : take_bare(s, out);
}

static bool is_null(struct text t)
{
    return t.length == 0 || text_equal(t, "null");
}

/* A count: 1 known, 0 unknown. */
static bool parse_count(struct text t, uint64_t *out, uint32_t *odd)
{
    double value;
    if (text_to_u64(t, out) && *out <= USAGE_MAX_TOKENS)
        return true;
    if (!text_to_double(t, &value) || value < 0 || value > (double)USAGE_MAX_TOKENS) {
        *odd |= ODDITY(USAGE_NUMBER);
        return false;
    }
    *out = (uint64_t)ceil(value);
    if (value != ceil(value))
        *odd |= ODDITY(USAGE_NUMBER);
    return true;
}

static void put_count(struct usage_report *r, unsigned which, uint64_t value)
{
    r->given |= 1u << which;
    value = value < USAGE_MAX_TOKENS ? value : USAGE_MAX_TOKENS;
    if (value > r->count[which])
        r->count[which] = value;
}

static void read_count(struct usage_report *to, unsigned which, struct text t)
{
    uint64_t value;
    to->told |= 1u << which;
    if (!is_null(t) && parse_count(t, &value, &to->odd))
        put_count(to, which, value);
}

/* ---- cost ---- */

/* What a double's digits have below 1e-24 USD is cut off. */
static bool parse_cost(struct text t, money *out)
{
    char digits[64];
    size_t mantissa = 0;
    if (text_starts(t, "$"))
        t = (struct text){t.at + 1, t.length - 1};
    enum money_fault fault = money_parse(t.at, t.length, MONEY_PER_ONE, out);
    if (fault != MONEY_TOO_FINE || t.length >= sizeof digits)
        return fault == MONEY_OK && *out >= 0;
    memcpy(digits, t.at, t.length);
    while (mantissa < t.length && digits[mantissa] != 'e' && digits[mantissa] != 'E')
        mantissa++;
    size_t length = t.length;
    while (fault == MONEY_TOO_FINE && mantissa > 1) {
        memmove(digits + mantissa - 1, digits + mantissa, length - mantissa);
        mantissa--;
        length--;
        if (digits[mantissa - 1] != '.')
            fault = money_parse(digits, length, MONEY_PER_ONE, out);
    }
    return fault == MONEY_OK && *out >= 0;
}

static void keep_cost(bool *has, money *kept, money value)
{
    if (!*has || value > *kept)
        *kept = value;
    *has = true;
}

static void read_cost(struct reader *r, unsigned which, enum usage_place place, struct text key,
                      struct text t)
{
    money value;
    if (which == COUNT_CURRENCY) {
        r->cost.foreign |= place == PLACE_COST && !text_equal(t, "USD") && !text_equal(t, "usd");
        return;
    }
    if (is_null(t) || !parse_cost(t, &value))
        return;
    if (which == COUNT_COST_UPSTREAM)
        keep_cost(&r->cost.has_upstream, &r->cost.upstream, value);
    else if (which == COUNT_COST_TICKS)
        keep_cost(&r->cost.has_total, &r->cost.total, value / INT64_C(10000000000));
    else if (which == COUNT_COST_TOTAL || (place == PLACE_COST && which == COUNT_TOTAL))
        keep_cost(&r->cost.has_total, &r->cost.total, value);
    else if (place != PLACE_COST)
        keep_cost(&r->cost.has_own, &r->cost.own, value);
    else if (!text_starts(key, "upstream") && money_add(r->cost.sum, value, &r->cost.sum) == 0)
        r->cost.has_sum = true;
}

static void settle_cost(struct reader *r)
{
    struct usage_report *out = r->out;
    bool upstream = r->cost.has_upstream && r->cost.upstream > 0;
    out->has_cost = true;
    if (r->cost.has_total)
        out->cost = r->cost.total;
    else if (r->cost.has_own)
        out->cost = r->cost.own;
    else if (r->cost.has_sum)
        out->cost = r->cost.sum;
    else
        out->has_cost = upstream;
    if (upstream && (out->cost == 0 || r->cost.own_key) &&
        money_add(out->cost, r->cost.upstream, &out->cost) < 0)
        out->has_cost = false;
    if (r->cost.foreign)
        out->has_cost = false;
}

/* ---- members ---- */

static void read_object(struct reader *r, enum usage_place place, struct usage_report *to,
                        int depth);

static void note_unknown(struct reader *r, enum usage_place place, struct text key, struct text t)
{
    struct usage_report *out = r->out;
    uint64_t value;
    bool details = place == PLACE_INPUT || place == PLACE_CACHED || place == PLACE_OUTPUT;
    if (place == PLACE_COST || place == PLACE_TOOLS || place == PLACE_NOWHERE)
        return;
    if (!text_to_u64(t, &value) || value == 0 || !(details || usage_key_is_of_tokens(key)))
        return;
    out->odd |= ODDITY(USAGE_KEY);
    if (out->unknown_count < USAGE_UNKNOWN_KEYS)
        out->unknown[out->unknown_count++] = key;
}

static void read_scalar(struct reader *r, enum usage_place place, struct usage_report *to,
                        struct text key)
{
    const struct usage_key *k = usage_key_find(key);
    unsigned which = k ? usage_key_count(k, place) : COUNT_OBJECT;
    struct text t;
    if (!take_scalar(r->s, &t))
        return;
    if (place == PLACE_COST || (which >= COUNT_COST && which != COUNT_OWN_KEY))
        read_cost(r, which, place, key, t);
    else if (which < USAGE_COUNTS)
        read_count(to, which, t);
    else if (which == COUNT_OWN_KEY)
        r->cost.own_key |= text_equal(t, "true");
    else if (which == COUNT_OBJECT)
        note_unknown(r, place, key, t);
}

/* {"modality": "IMAGE", "tokenCount": 258}, {"ttl": "1h", "inputTokens": 2048}: added up. */
static void read_entry(struct reader *r, enum usage_place place, struct usage_report *to)
{
    struct text key, t, name = {"", 0};
    uint64_t value = 0;
    bool known = false;
    json_object_begin(r->s);
    while (json_object_next(r->s, &key)) {
        enum json_kind kind = json_peek(r->s);
        if (kind == JSON_OBJECT || kind == JSON_ARRAY)
            json_skip(r->s, NULL);
        else if (kind == JSON_STRING && (text_equal(key, "modality") || text_equal(key, "ttl")))
            json_string(r->s, &name);
        else if (take_scalar(r->s, &t) && !is_null(t) && usage_key_is_of_tokens(key))
            known |= parse_count(t, &value, &to->odd);
    }
    const struct usage_key *k = usage_key_find(name);
    unsigned which = place == PLACE_WRITTEN && text_equal(name, "5m")   ? COUNT_WRITTEN_5M
                     : place == PLACE_WRITTEN && text_equal(name, "1h") ? COUNT_WRITTEN_1H
                     : k                                                ? usage_key_count(k, place)
                                                                        : COUNT_NOTHING;
    if (known && which < USAGE_COUNTS)
        put_count(to, which, to->count[which] + value);
}

static void read_array(struct reader *r, enum usage_place place, struct usage_report *to)
{
    json_array_begin(r->s);
    while (json_array_next(r->s)) {
        if (place <= PLACE_WRITTEN && place != PLACE_TOP && json_peek(r->s) == JSON_OBJECT)
            read_entry(r, place, to);
        else
            json_skip(r->s, NULL);
    }
}

static void read_member(struct reader *r, enum usage_place place, struct usage_report *to,
                        struct text key, int depth)
{
    enum json_kind kind = json_peek(r->s);
    if (kind != JSON_OBJECT && kind != JSON_ARRAY) {
        read_scalar(r, place, to, key);
        return;
    }
    const struct usage_key *k = usage_key_find(key);
    enum usage_place inside = k                    ? (enum usage_place)k->place
                              : place == PLACE_TOP ? PLACE_OTHER
                                                   : place;
    if (inside == PLACE_NOWHERE || depth == MAX_DEPTH)
        json_skip(r->s, NULL);
    else if (kind == JSON_ARRAY)
        read_array(r, inside, to);
    else
        read_object(r, inside, inside == PLACE_OTHER ? &r->other : to, depth + 1);
}

static void read_object(struct reader *r, enum usage_place place, struct usage_report *to,
                        int depth)
{
    struct text key;
    json_object_begin(r->s);
    while (json_object_next(r->s, &key))
        read_member(r, place, to, key, depth);
}

/* ---- reading ---- */

#define LENGTHS                                                                               \
    (1u << COUNT_PROMPT | 1u << COUNT_INPUT | 1u << COUNT_UNCACHED | 1u << COUNT_COMPLETION | \
     1u << COUNT_CANDIDATES | 1u << COUNT_TOTAL)

void usage_report_read(struct json_scan *s, struct usage_report *out)
{
    struct reader r = {.s = s, .out = out};
    *out = (struct usage_report){0};
    if (!json_skip_unless(s, JSON_OBJECT))
        return;
    read_object(&r, PLACE_TOP, out, 0);
    out->is_there = !s->failed;
    if (!(out->given & LENGTHS) && (r.other.given & LENGTHS))
        usage_report_merge(out, &r.other);
    settle_cost(&r);
}

/* Most keys are no such: that is told at once. */
static bool names_cost(struct text key)
{
    const struct usage_key *k;
    bool may = false;
    for (size_t i = 1; !may && i + 3 <= key.length; i++)
        may = memcmp(key.at + i, "ost", 3) == 0;
    return may && (k = usage_key_find(key)) && k->place == PLACE_COST;
}

static void read_metadata(struct json_scan *s, bool *has_cost, money *cost, int depth)
{
    struct text key;
    if (!json_skip_unless(s, JSON_OBJECT))
        return;
    json_object_begin(s);
    while (json_object_next(s, &key)) {
        if (depth == 0 && text_equal(key, "gateway"))
            read_metadata(s, has_cost, cost, 1);
        else if (depth == 0 || !usage_cost_read(s, key, has_cost, cost))
            json_skip(s, NULL);
    }
}

bool usage_cost_read(struct json_scan *s, struct text key, bool *has_cost, money *cost)
{
    struct usage_report out = {0};
    struct reader r = {.s = s, .out = &out};
    if (text_equal(key, "provider_metadata") || text_equal(key, "providerMetadata")) {
        read_metadata(s, has_cost, cost, 0);
        return true;
    }
    if (!names_cost(key))
        return false;
    read_member(&r, PLACE_TOP, &out, key, 0);
    settle_cost(&r);
    if (out.has_cost)
        keep_cost(has_cost, cost, out.cost);
    return true;
}

bool usage_report_parse(struct text json, struct usage_report *out)
{
    struct json_scan s;
    json_scan_init(&s, "", json.at, json.length, 1);
    usage_report_read(&s, out);
    return json_scan_end(&s, NULL) == 0 && out->is_there;
}

bool usage_key_holds(struct text key)
{
    return text_equal(key, "usage") || text_equal(key, "usageMetadata") ||
           text_equal(key, "usage_metadata") || text_equal(key, "token_usage") ||
           text_equal(key, "tokenUsage") || text_equal(key, "billed_units") ||
           text_equal(key, "amazon-bedrock-invocationMetrics");
}

bool usage_key_wraps(struct text key)
{
    return text_equal(key, "x_groq") || text_equal(key, "message") || text_equal(key, "meta") ||
           text_equal(key, "metadata") || text_equal(key, "response") ||
           text_equal(key, "response_metadata") || text_equal(key, "delta");
}

bool usage_report_find(struct json_scan *s, struct usage_report *out)
{
    struct text key;
    bool found = false;
    if (!json_skip_unless(s, JSON_OBJECT))
        return false;
    json_object_begin(s);
    while (json_object_next(s, &key)) {
        if (!found && usage_key_holds(key)) {
            usage_report_read(s, out);
            found = out->is_there;
        } else {
            json_skip(s, NULL);
        }
    }
    return found && !s->failed;
}

static uint64_t beside_sum(const struct usage_report *r)
{
    return r->count[COUNT_INPUT] + r->count[COUNT_CACHED_BESIDE] + r->count[COUNT_WRITTEN_BESIDE];
}

/* An input that was told as one number and is told again by where it came from: no count fell. */
static void forget_unsplit(struct usage_report *into, const struct usage_report *later)
{
    bool splits = later->count[COUNT_CACHED_BESIDE] + later->count[COUNT_WRITTEN_BESIDE] > 0;
    bool both = into->given & later->given & 1u << COUNT_INPUT;
    if (both && splits && later->count[COUNT_INPUT] < into->count[COUNT_INPUT] &&
        beside_sum(later) >= beside_sum(into))
        into->count[COUNT_INPUT] = 0;
}

void usage_report_merge(struct usage_report *into, const struct usage_report *later)
{
    forget_unsplit(into, later);
    for (int i = 0; i < USAGE_COUNTS; i++) {
        if (!(later->given & 1u << i))
            continue;
        if (later->count[i] < into->count[i])
            into->odd |= ODDITY(USAGE_BACK);
        put_count(into, (unsigned)i, later->count[i]);
    }
    into->is_there |= later->is_there;
    into->told |= later->told;
    into->odd |= later->odd;
    if (later->has_cost)
        keep_cost(&into->has_cost, &into->cost, later->cost);
    for (uint32_t i = 0; i < later->unknown_count && into->unknown_count < USAGE_UNKNOWN_KEYS; i++)
        into->unknown[into->unknown_count++] = later->unknown[i];
}
