#include "bench/wire/chunk.h"

#include "core/json/json_scan.h"

#include <string.h>

/* A number that no honest usage passes; keeps sums of several far from overflow. */
#define MAX_TOKENS UINT64_C(1000000000000)

/* ---- usage ---- */

struct usage_fields {
    uint64_t prompt, completion, total;
    uint64_t cached, written, written_5m, written_1h, reasoning;
    uint64_t read_beside, input;
    bool has_prompt, has_input, has_total, anthropic;
    bool has_cost;
    money cost;
};

/* A count, where null and absent mean 0. */
static void count(struct json_scan *s, uint64_t *out)
{
    if (json_peek(s) == JSON_NULL)
        json_null(s);
    else
        json_u64(s, 0, MAX_TOKENS, out);
}

/* An object of counts of which two are wanted; null is an empty object. */
static void details(struct json_scan *s, const char *first, uint64_t *a, const char *second,
                    uint64_t *b)
{
    struct text key;
    if (!json_skip_unless(s, JSON_OBJECT))
        return;
    json_object_begin(s);
    while (json_object_next(s, &key)) {
        if (text_equal(key, first))
            count(s, a);
        else if (second && text_equal(key, second))
            count(s, b);
        else
            json_skip(s, NULL);
    }
}

static void read_cost(struct json_scan *s, struct usage_fields *f)
{
    struct text digits;
    if (!json_skip_unless(s, JSON_NUMBER) || !json_number(s, &digits))
        return;
    f->has_cost = money_parse(digits.at, digits.length, MONEY_PER_ONE, &f->cost) == MONEY_OK;
}

static void usage_field(struct json_scan *s, struct text key, struct usage_fields *f)
{
    if (text_equal(key, "prompt_tokens")) {
        f->has_prompt = true;
        count(s, &f->prompt);
    } else if (text_equal(key, "completion_tokens") || text_equal(key, "output_tokens")) {
        count(s, &f->completion);
    } else if (text_equal(key, "total_tokens")) {
        f->has_total = true;
        count(s, &f->total);
    } else if (text_equal(key, "prompt_tokens_details") ||
               text_equal(key, "input_tokens_details")) {
        details(s, "cached_tokens", &f->cached, "cache_write_tokens", &f->written);
    } else if (text_equal(key, "completion_tokens_details") ||
               text_equal(key, "output_tokens_details")) {
        details(s, "reasoning_tokens", &f->reasoning, NULL, NULL);
    } else if (text_equal(key, "reasoning_tokens")) {
        count(s, &f->reasoning);
    } else if (text_equal(key, "prompt_cache_hit_tokens")) {
        count(s, &f->cached);
    } else if (text_equal(key, "input_tokens")) {
        f->has_input = true;
        count(s, &f->input);
    } else if (text_equal(key, "cache_read_input_tokens")) {
        f->anthropic = true;
        count(s, &f->read_beside);
    } else if (text_equal(key, "cache_creation_input_tokens")) {
        f->anthropic = true;
        count(s, &f->written);
    } else if (text_equal(key, "cache_creation")) {
        details(s, "ephemeral_5m_input_tokens", &f->written_5m, "ephemeral_1h_input_tokens",
                &f->written_1h);
    } else if (text_equal(key, "cost")) {
        read_cost(s, f);
    } else {
        json_skip(s, NULL);
    }
}

static struct usage disjoint_usage(const struct usage_fields *f)
{
    uint64_t input = f->has_prompt ? f->prompt : f->input;
    uint64_t cached = f->cached, output = f->completion;
    uint64_t written_1h = f->written_1h;
    /* The total of the cache writes holds the 1-hour ones. */
    uint64_t written = f->written > written_1h ? f->written - written_1h : f->written_5m;
    if (f->anthropic && !f->has_prompt) {
        cached = f->read_beside;
        input += cached + written + written_1h;
    } else if (f->anthropic && cached == 0) {
        cached = f->read_beside;
    }
    bool beside = f->reasoning > output ||
                  (f->has_total && f->reasoning > 0 && f->total == input + output + f->reasoning);
    if (beside)
        output += f->reasoning;
    return usage_from_totals(input, cached, written, written_1h, output, f->reasoning);
}

void chunk_read_usage(struct json_scan *s, struct chunk *c)
{
    struct usage_fields f = {0};
    struct text key;
    if (!json_skip_unless(s, JSON_OBJECT))
        return;
    const char *start = s->at; /* the white space is passed */
    json_object_begin(s);
    while (json_object_next(s, &key))
        usage_field(s, key, &f);
    c->usage = disjoint_usage(&f);
    c->has_cost = f.has_cost;
    c->cost = f.cost;
    c->has_usage = !s->failed;
    c->raw_usage = (struct text){start, (size_t)(s->at - start)};
}
