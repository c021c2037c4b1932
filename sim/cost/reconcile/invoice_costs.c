/* Cost reports of OpenAI's and Anthropic's administration APIs: amounts a day, without tokens.
 *
 *     {"start_time": 1767225600, "end_time": 1767312000, "results": [
 *       {"object": "organization.costs.result", "amount": {"value": 0.06, "currency": "usd"},
 *        "line_item": "gpt-4o-2024-08-06, input", "project_id": null}]}
 *     {"starting_at": "2026-01-01T00:00:00Z", "ending_at": "2026-01-02T00:00:00Z", "results": [
 *       {"amount": "123.45", "currency": "USD", "model": "…", "token_type": "output_tokens",
 *        "cost_type": "tokens", "context_window": "0-200k", "service_tier": "standard"}]}
 *
 * OpenAI's amounts are dollars, Anthropic's are cents. Sources: platform.openai.com, API reference,
 * Usage, Costs; platform.claude.com, Admin API, Get Cost Report.
 */
#include "core/json/json_scan.h"
#include "sim/cost/reconcile/invoice.h"

#include <ctype.h>
#include <string.h>

struct bucket {
    struct invoice *invoice;
    int64_t from_ns, until_ns;
};

/* Amounts that passed through floating point may have digits below 1e-24: the last ones go. */
static bool amount_of(struct text digits, money *out)
{
    char number[64];
    if (digits.length >= sizeof number)
        return false;
    memcpy(number, digits.at, digits.length);
    number[digits.length] = '\0';
    size_t mantissa = strcspn(number, "eE"), length = digits.length;
    enum money_fault fault = money_parse(number, length, MONEY_PER_ONE, out);
    while (fault == MONEY_TOO_FINE && mantissa > 1) {
        memmove(number + mantissa - 1, number + mantissa, length - mantissa + 1);
        mantissa--;
        length--;
        fault = money_parse(number, length, MONEY_PER_ONE, out);
    }
    return fault == MONEY_OK;
}

static bool take_amount(struct json_scan *s, money *out)
{
    struct text raw;
    bool got = json_peek(s) == JSON_STRING ? json_string(s, &raw) : json_number(s, &raw);
    if (got && !amount_of(raw, out)) {
        json_fail(s, "expected an amount, found \"%.*s\"", (int)(raw.length < 60 ? raw.length : 60),
                  raw.at);
        return false;
    }
    return got;
}

static void take_currency(struct json_scan *s, struct invoice *invoice)
{
    struct text raw;
    if (!json_string(s, &raw))
        return;
    if (raw.length != 3) {
        json_fail(s, "expected a currency's code such as usd");
        return;
    }
    for (int i = 0; i < 3; i++)
        invoice->currency[i] = (char)toupper((unsigned char)raw.at[i]);
}

/* {"value": 0.06, "currency": "usd"}, or "123.45" of cents. */
static void read_amount(struct json_scan *s, struct bucket *b, struct invoice_line *l)
{
    struct text key;
    l->has_amount = true;
    if (json_peek(s) != JSON_OBJECT) {
        money cents = 0;
        if (take_amount(s, &cents) && terms_scale(cents, TERMS_ONE / 100, &l->amount, NULL) < 0)
            json_fail(s, "this amount is too large");
        return;
    }
    json_object_begin(s);
    while (json_object_next(s, &key)) {
        if (text_equal(key, "value") && json_peek(s) != JSON_NULL)
            take_amount(s, &l->amount);
        else if (text_equal(key, "currency") && json_peek(s) == JSON_STRING)
            take_currency(s, b->invoice);
        else
            json_skip(s, NULL);
    }
}

static const struct {
    const char *words;
    enum usage_class c;
} token_types[] = {
    {"uncached_input_tokens", USAGE_UNCACHED_INPUT},
    {"cache_read_input_tokens", USAGE_CACHED_INPUT},
    {"cache_creation.ephemeral_5m_input_tokens", USAGE_CACHE_WRITE},
    {"cache_creation.ephemeral_1h_input_tokens", USAGE_CACHE_WRITE_1H},
    {"output_tokens", USAGE_OUTPUT},
    {"input", USAGE_UNCACHED_INPUT},
    {"cached input", USAGE_CACHED_INPUT},
    {"output", USAGE_OUTPUT},
    {"audio input", USAGE_AUDIO_INPUT},
    {"audio output", USAGE_AUDIO_OUTPUT},
    {"image input", USAGE_IMAGE_INPUT},
    {"image output", USAGE_IMAGE_OUTPUT},
};

static int class_of(struct text words)
{
    for (size_t i = 0; i < sizeof token_types / sizeof *token_types; i++)
        if (text_equal(words, token_types[i].words))
            return (int)token_types[i].c;
    return LINE_ANY_CLASS;
}

/* "gpt-4o-2024-08-06, cached input". */
static void read_item(struct bucket *b, struct invoice_line *l, struct text item)
{
    const char *comma = memrchr(item.at, ',', item.length);
    l->about = invoice_text(b->invoice, item);
    if (!comma)
        return;
    struct text model = text_trim((struct text){item.at, (size_t)(comma - item.at)});
    struct text words = text_trim((struct text){comma + 1, item.length - model.length - 1});
    l->of_class = class_of(words);
    if (l->of_class != LINE_ANY_CLASS)
        l->model = invoice_text(b->invoice, model);
}

/* "200k-1M" begins above 200,000. */
static void read_window(struct invoice_line *l, struct text words)
{
    uint64_t thousands = 0;
    const char *k = memchr(words.at, 'k', words.length);
    const char *dash = memchr(words.at, '-', words.length);
    l->has_tier = text_starts(words, "0-");
    if (!l->has_tier && k && dash && k < dash &&
        text_to_u64((struct text){words.at, (size_t)(k - words.at)}, &thousands)) {
        l->has_tier = true;
        l->tier_from = thousands * 1000 + 1;
    }
}

static void read_tier(struct bucket *b, struct invoice_line *l, struct text tier)
{
    l->has_service = true;
    l->service = service_called(tier);
    l->other_service = l->service == SERVICE_OTHER ? invoice_text(b->invoice, tier) : NULL;
}

static void read_text(struct json_scan *s, struct bucket *b, struct invoice_line *l,
                      struct text key, bool *of_tokens)
{
    struct text raw;
    if (!json_string(s, &raw))
        return;
    if (text_equal(key, "line_item"))
        read_item(b, l, raw);
    else if (text_equal(key, "model"))
        l->model = invoice_text(b->invoice, raw);
    else if (text_equal(key, "token_type"))
        l->of_class = class_of(raw);
    else if (text_equal(key, "service_tier"))
        read_tier(b, l, raw);
    else if (text_equal(key, "context_window"))
        read_window(l, raw);
    else if (text_equal(key, "description"))
        l->about = invoice_text(b->invoice, raw);
    else if (text_equal(key, "cost_type"))
        *of_tokens = text_equal(raw, "tokens");
    else if (text_equal(key, "currency") && raw.length == 3)
        for (int i = 0; i < 3; i++)
            b->invoice->currency[i] = (char)toupper((unsigned char)raw.at[i]);
}

static void read_result(struct json_scan *s, struct bucket *b)
{
    struct text key;
    bool of_tokens = true;
    struct invoice_line *l = invoice_add(b->invoice);
    l->kind = LINE_OF_BUCKET;
    l->from_ns = b->from_ns;
    l->until_ns = b->until_ns;
    json_object_begin(s);
    while (json_object_next(s, &key)) {
        if (text_equal(key, "amount") && json_peek(s) != JSON_NULL)
            read_amount(s, b, l);
        else if (json_peek(s) == JSON_STRING)
            read_text(s, b, l, key, &of_tokens);
        else
            json_skip(s, NULL);
    }
    if (!of_tokens) /* searches, sessions: of no tokens */
        l->kind = LINE_CHARGE;
    if (!l->has_amount) {
        b->invoice->count--;
        b->invoice->skipped++;
    }
}

static void read_time(struct json_scan *s, int64_t *out)
{
    int64_t seconds;
    struct text raw;
    if (json_peek(s) == JSON_NUMBER) {
        if (json_i64(s, 0, INT64_MAX / NS_PER_S, &seconds))
            *out = seconds * NS_PER_S;
    } else if (json_string(s, &raw) && clock_parse_instant(raw.at, raw.length, out) < 0) {
        json_fail(s, "expected an instant such as 2026-11-01T00:00:00Z");
    }
}

/* Times stand before the results in all that was seen, but need not: the results are kept. */
static void read_bucket(struct json_scan *s, struct invoice *invoice);

static void read_results(struct json_scan *s, struct bucket *b)
{
    json_array_begin(s);
    while (json_array_next(s))
        read_result(s, b);
}

static void read_pages(struct json_scan *s, struct invoice *invoice)
{
    json_array_begin(s);
    while (json_array_next(s))
        read_bucket(s, invoice);
}

static void read_bucket(struct json_scan *s, struct invoice *invoice)
{
    struct bucket b = {invoice, TIME_NEVER, TIME_NEVER};
    struct text key;
    size_t first = invoice->count;
    json_object_begin(s);
    while (json_object_next(s, &key)) {
        if (text_equal(key, "start_time") || text_equal(key, "starting_at"))
            read_time(s, &b.from_ns);
        else if (text_equal(key, "end_time") || text_equal(key, "ending_at"))
            read_time(s, &b.until_ns);
        else if (text_equal(key, "data") && json_peek(s) == JSON_ARRAY)
            read_pages(s, invoice);
        else if (text_equal(key, "results") && json_peek(s) == JSON_ARRAY)
            read_results(s, &b);
        else
            json_skip(s, NULL);
    }
    for (size_t i = first; i < invoice->count && b.from_ns != TIME_NEVER; i++) {
        invoice->lines[i].from_ns = b.from_ns;
        invoice->lines[i].until_ns = b.until_ns;
    }
}

int invoice_read_costs(const char *file, const char *text, size_t length, struct invoice *out,
                       struct error *err)
{
    struct json_scan s;
    out->form = "costs";
    json_scan_init(&s, file, text, length, 1);
    while (!s.failed && json_peek(&s) != JSON_NOTHING) {
        if (json_peek(&s) == JSON_ARRAY)
            read_pages(&s, out);
        else
            read_bucket(&s, out);
    }
    if (json_scan_end(&s, err) < 0)
        return ERR_INPUT;
    for (size_t i = 0; i < out->count; i++)
        if (out->lines[i].kind == LINE_OF_BUCKET && out->lines[i].until_ns == TIME_NEVER)
            return error_at(err, file, 0, 0,
                            "expected buckets with start_time and end_time, or starting_at and "
                            "ending_at");
    return 0;
}
