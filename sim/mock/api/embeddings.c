/* OpenAI's embeddings. */
#include "core/random.h"
#include "sim/mock/api/openai.h"

#include <string.h>

#define MAX_COMPONENTS (2 << 20) /* numbers in one answer */

static const struct field fields[] = {
    {"input", FIELD_TEXTS, 0, 0},
    {"dimensions", FIELD_INTEGER, 1, 8192},
    {"encoding_format", FIELD_STRING, 0, 0},
    {NULL, 0, 0, 0},
};

static const struct field *const all_fields[] = {openai_common, fields, NULL};

static int parse(struct ask *a, const struct ask_rules *rules, struct api_error *e)
{
    (void)rules;
    const cJSON *dimensions = ask_member(a->body, "dimensions");
    a->dimensions = dimensions ? (uint32_t)dimensions->valuedouble : 256;
    const char *format = ask_string(a->body, "encoding_format");
    a->base64 = format && strcmp(format, "base64") == 0;
    if (format && !a->base64 && strcmp(format, "float") != 0)
        return api_error_invalid(e, "encoding_format", "invalid_value",
                                 "Invalid value: '%.40s'. Supported values are: 'float' and "
                                 "'base64'.",
                                 format);
    a->output_tokens = 0;
    if (openai_parse_texts(a, "input", e) < 0)
        return -1;
    if ((uint64_t)a->inputs * a->dimensions > MAX_COMPONENTS)
        return api_error_invalid(e, "input", "array_above_max_length",
                                 "Invalid 'input': %u texts of %u dimensions are more than %d "
                                 "numbers in one answer.",
                                 a->inputs, a->dimensions, MAX_COMPONENTS);
    return 0;
}

/* Component i of text number `row`: pseudo-random in (−1, 1), the same for the same seed. */
static float component(uint64_t seed, uint32_t row, uint32_t i)
{
    int32_t bits = (int32_t)(random_mix(seed + row, i) >> 32);
    return (float)bits / 2147483648.0F;
}

static void add_embedding(const struct ask *ask, uint64_t seed, uint32_t row, struct buffer *out)
{
    if (ask->base64)
        buffer_add_byte(out, '"');
    else
        buffer_add_byte(out, '[');
    float group[3]; /* 12 bytes: base64 of it needs no padding */
    for (uint32_t i = 0; i < ask->dimensions; i++) {
        group[i % 3] = component(seed, row, i);
        if (!ask->base64)
            buffer_add_format(out, "%s%.7g", i ? "," : "", (double)group[i % 3]);
        else if (i % 3 == 2 || i + 1 == ask->dimensions)
            buffer_add_base64(out, group, (i % 3 + 1) * sizeof group[0]);
    }
    buffer_add_byte(out, ask->base64 ? '"' : ']');
}

static void add_answer(const struct rendering *r, const struct usage *u, struct buffer *out)
{
    const struct ask *ask = r->ask;
    (void)u;
    buffer_add_text(out, "{\"object\":\"list\",\"data\":[");
    for (uint32_t row = 0; row < ask->inputs; row++) {
        buffer_add_format(
            out, "%s{\"object\":\"embedding\",\"index\":%u,\"embedding\":", row ? "," : "", row);
        add_embedding(ask, ask->prompt.chain, row, out);
        buffer_add_byte(out, '}');
    }
    buffer_add_text(out, "],\"model\":");
    render_string(r->model, out);
    buffer_add_format(out, ",\"usage\":{\"prompt_tokens\":%llu,\"total_tokens\":%llu}}",
                      (unsigned long long)ask->prompt.tokens,
                      (unsigned long long)ask->prompt.tokens);
}

const struct mock_api mock_embeddings = {
    .path = "/embeddings",
    .id_prefix = "cmpl",
    .key_header = "Authorization",
    .key_prefix = "Bearer ",
    .fields = all_fields,
    .parse = parse,
    .add_answer = add_answer,
    .add_error = api_error_write,
};
