/* OpenAI's text completions. */
#include "sim/mock/api/openai.h"

#include "core/json/json_write.h"
#include "core/memory.h"

#include <string.h>

static const struct field fields[] = {
    {"prompt", FIELD_TEXTS, 0, 0},
    {"echo", FIELD_BOOL, 0, 0},
    {"logprobs", FIELD_INTEGER, 0, LOGPROBS_MOST},
    {"suffix", FIELD_STRING, 0, 0},
    {"best_of", FIELD_INTEGER, 1, 1},
    {NULL, 0, 0, 0},
};

static const struct field *const all_fields[] = {openai_common, openai_generation, openai_vllm,
                                                 fields, NULL};

/* Each prompt's choices begin with it. */
static int parse_echo(struct ask *a, struct api_error *e)
{
    const cJSON *prompt = ask_member(a->body, "prompt");
    if (!cJSON_IsTrue(ask_member(a->body, "echo")))
        return 0;
    if (a->logprobs)
        return api_error_invalid(e, "echo", "invalid_value",
                                 "This endpoint has no logprobs of a prompt: ask for 'echo' or for "
                                 "'logprobs'.");
    uint32_t each = a->choices / a->inputs;
    for (uint32_t k = 0; k < a->choices; k++) {
        const cJSON *text =
            cJSON_IsArray(prompt) ? cJSON_GetArrayItem(prompt, (int)(k / each)) : prompt;
        if (!cJSON_IsString(text))
            return api_error_invalid(e, "echo", "invalid_value",
                                     "This endpoint repeats prompts that are text, and none of "
                                     "token numbers.");
        struct buffer echo;
        buffer_init(&echo, BUFFER_UNBOUNDED);
        buffer_add_format(&echo, "%s ",
                          text->valuestring); /* the answer's first word has no blank */
        a->echoes[k] = buffer_take(&echo);
    }
    return 0;
}

static int parse(struct ask *a, const struct ask_rules *rules, struct api_error *e)
{
    const cJSON *logprobs = ask_member(a->body, "logprobs");
    a->logprobs = logprobs != NULL;
    a->top_logprobs = logprobs ? (uint32_t)logprobs->valuedouble : 0;
    if (openai_parse_generation(a, rules, e) < 0 || openai_parse_texts(a, "prompt", e) < 0 ||
        openai_parse_choices(a, a->inputs, e) < 0)
        return -1;
    const char *prompt = ask_string(a->body, "prompt");
    if (prompt)
        prompt_keep_last_word(&a->prompt, prompt, strlen(prompt));
    return parse_echo(a, e);
}

/* One string: right behind the prompt's last word, or behind the blank that an echo ends with. */
static void repeat(const struct rendering *r, uint32_t choice, struct prompt *prompt)
{
    struct buffer text;
    buffer_init(&text, BUFFER_UNBOUNDED);
    for (uint32_t i = 0; i < r->answers[choice]->part_count; i++)
        answer_add_part(r->answers[choice], i, &text);
    if (text.length && r->ask->echoes[choice])
        prompt_add_words(prompt, text.data, text.length);
    else if (text.length)
        prompt_add_words_behind(prompt, text.data, text.length);
    buffer_free(&text);
}

/* A text between the quotes of a JSON string. */
static void add_inside(const char *text, struct buffer *out)
{
    struct buffer quoted;
    buffer_init(&quoted, BUFFER_UNBOUNDED);
    json_escape(&quoted, text_of(text));
    buffer_add(out, quoted.data + 1, quoted.length - 2);
    buffer_free(&quoted);
}

static void begin(struct rendering *r)
{
    const char *echo = r->ask->echoes[r->choice];
    openai_begin(r, "text_completion");
    if (!echo)
        return;
    openai_open_chunk(r);
    openai_open_choice(r);
    buffer_add_text(r->json, "\"text\":\"");
    add_inside(echo, r->json);
    buffer_add_byte(r->json, '"');
    openai_close_choice(r, 0, 0, 0, NULL);
    openai_close_chunk(r);
}

static void add_piece(struct rendering *r, uint32_t part, uint32_t token, uint32_t count)
{
    openai_open_chunk(r);
    openai_open_choice(r);
    buffer_add_text(r->json, "\"text\":\"");
    render_text(r->answer, part, token, count, r->json);
    buffer_add_byte(r->json, '"');
    openai_close_choice(r, part, token, count, logprobs_add_lists);
    openai_close_chunk(r);
}

static void finish(struct rendering *r, const struct usage *u)
{
    openai_finish(r, "\"text\":\"\"", u);
}

/* The echo and the answer are one string. */
static void add_text(const struct rendering *r, const struct answer *a, uint32_t choice,
                     struct buffer *out)
{
    const char *echo = r->ask->echoes[choice];
    buffer_add_text(out, "\"text\":");
    size_t from = out->length;
    render_parts(a, PART_CONTENT, out);
    if (!echo)
        return;
    struct buffer answer;
    buffer_init(&answer, BUFFER_UNBOUNDED);
    buffer_add(&answer, out->data + from, out->length - from);
    out->length = from;
    buffer_add_byte(out, '"');
    add_inside(echo, out);
    buffer_add(out, answer.data + 1, answer.length - 1);
    buffer_free(&answer);
}

static void add_answer(const struct rendering *r, const struct usage *u, struct buffer *out)
{
    openai_add_answer(r, "text_completion", u, add_text, logprobs_add_lists, out);
}

const struct mock_api mock_completions = {
    .path = "/completions",
    .id_prefix = "cmpl",
    .key_header = "Authorization",
    .key_prefix = "Bearer ",
    .fields = all_fields,
    .parse = parse,
    .repeat = repeat,
    .begin = begin,
    .add_piece = add_piece,
    .finish = finish,
    .end = openai_end,
    .add_answer = add_answer,
    .add_error = api_error_write,
};
