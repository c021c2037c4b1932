/* OpenAI's text completions. */
#include "sim/mock/api/openai.h"

static const struct field fields[] = {
    {"prompt", FIELD_TEXTS, 0, 0},
    {"echo", FIELD_BOOL, 0, 0},
    {"suffix", FIELD_STRING, 0, 0},
    {"best_of", FIELD_INTEGER, 1, 1},
    {NULL, 0, 0, 0},
};

static const struct field *const all_fields[] = {openai_common, openai_generation, openai_vllm,
                                                 fields, NULL};

static int parse(struct ask *a, const struct ask_rules *rules, struct api_error *e)
{
    if (openai_parse_generation(a, rules, e) < 0)
        return -1;
    return openai_parse_texts(a, "prompt", e);
}

static void begin(struct rendering *r)
{
    openai_begin(r, "text_completion");
}

static void add_piece(struct rendering *r, uint32_t part, uint32_t token, uint32_t count)
{
    openai_open_chunk(r);
    buffer_add_text(r->json, "{\"index\":0,\"text\":\"");
    render_text(r->answer, part, token, count, r->json);
    buffer_add_text(r->json, "\",\"logprobs\":null,\"finish_reason\":null}");
    openai_close_chunk(r);
}

static void finish(struct rendering *r, const struct usage *u)
{
    openai_finish(r, "\"text\":\"\"", u);
}

static void add_answer(const struct rendering *r, const struct usage *u, struct buffer *out)
{
    openai_open_answer(r, "text_completion", out);
    buffer_add_text(out, "\"text\":");
    render_parts(r->answer, PART_CONTENT, out);
    openai_close_answer(r, u, out);
}

const struct mock_api mock_completions = {
    .path = "/completions",
    .id_prefix = "cmpl",
    .key_header = "Authorization",
    .key_prefix = "Bearer ",
    .fields = all_fields,
    .parse = parse,
    .begin = begin,
    .add_piece = add_piece,
    .finish = finish,
    .end = openai_end,
    .add_answer = add_answer,
    .add_error = api_error_write,
};
