#include "sim/mock/api/openai.h"

#include <stdio.h>
#include <string.h>

/* ---- requests ---- */

const struct field openai_common[] = {
    {"model", FIELD_STRING, 0, 0},
    {"user", FIELD_STRING, 0, 0},
    {NULL, 0, 0, 0},
};

const struct field openai_generation[] = {
    {"stream", FIELD_BOOL, 0, 0},
    {"stream_options", FIELD_OBJECT, 0, 0},
    {"max_tokens", FIELD_INTEGER, 1, 1e9},
    {"temperature", FIELD_NUMBER, 0, 2},
    {"top_p", FIELD_NUMBER, 0, 1},
    {"n", FIELD_INTEGER, 1, ASK_MAX_CHOICES},
    {"stop", FIELD_TEXTS, 0, 0},
    {"seed", FIELD_INTEGER, 0, 0},
    {"presence_penalty", FIELD_NUMBER, -2, 2},
    {"frequency_penalty", FIELD_NUMBER, -2, 2},
    {"logit_bias", FIELD_OBJECT, 0, 0},
    {NULL, 0, 0, 0},
};

const struct field openai_vllm[] = {
    {"ignore_eos", FIELD_BOOL, 0, 0},
    {"min_tokens", FIELD_INTEGER, 0, 1e9},
    {"top_k", FIELD_INTEGER, -1, 1e9},
    {"min_p", FIELD_NUMBER, 0, 1},
    {"repetition_penalty", FIELD_NUMBER, 0, 100},
    {"length_penalty", FIELD_NUMBER, -100, 100},
    {"skip_special_tokens", FIELD_BOOL, 0, 0},
    {"spaces_between_special_tokens", FIELD_BOOL, 0, 0},
    {"stop_token_ids", FIELD_ARRAY, 0, 0},
    {"include_stop_str_in_output", FIELD_BOOL, 0, 0},
    {"priority", FIELD_INTEGER, INT32_MIN, INT32_MAX},
    {"cache_salt", FIELD_STRING, 0, 0},
    {"request_id", FIELD_STRING, 0, 0},
    {NULL, 0, 0, 0},
};

/* Token numbers: each is one token, and its digits stand for its text in the prefix. */
static void add_token_number(struct ask *a, const cJSON *number)
{
    char digits[32];
    int length = snprintf(digits, sizeof digits, "%.17g", number->valuedouble);
    prompt_add_words(&a->prompt, digits, (size_t)length);
}

int openai_parse_texts(struct ask *a, const char *name, struct api_error *e)
{
    const cJSON *value = ask_member(a->body, name);
    if (!value)
        return ask_missing(name, e);
    a->inputs = 1;
    if (cJSON_IsString(value)) {
        ask_add_text(a, value->valuestring);
        return 0;
    }
    if (!value->child)
        return api_error_invalid(e, name, "empty_array", "Invalid '%s': empty array.", name);
    if (cJSON_IsNumber(value->child)) {
        for (const cJSON *v = value->child; v; v = v->next)
            add_token_number(a, v);
        return 0;
    }
    a->inputs = 0;
    for (const cJSON *v = value->child; v; v = v->next) {
        if (cJSON_IsString(v))
            ask_add_text(a, v->valuestring);
        else if (cJSON_IsArray(v))
            for (const cJSON *t = v->child; t; t = t->next)
                add_token_number(a, t);
        else
            return api_error_invalid(e, name, "invalid_type",
                                     "Invalid '%s': expected strings or arrays of token numbers, "
                                     "found %s.",
                                     name, fields_type_of(v));
        a->inputs++;
    }
    if (a->inputs > ASK_MAX_INPUTS)
        return api_error_invalid(e, name, "array_above_max_length",
                                 "Invalid '%s': at most %d texts, got %u.", name, ASK_MAX_INPUTS,
                                 a->inputs);
    return 0;
}

int openai_parse_stream(struct ask *a, struct api_error *e)
{
    a->stream = cJSON_IsTrue(ask_member(a->body, "stream"));
    const cJSON *options = ask_member(a->body, "stream_options");
    if (!options)
        return 0;
    if (!a->stream)
        return api_error_invalid(e, "stream_options", "invalid_value",
                                 "The 'stream_options' parameter is only allowed when 'stream' is "
                                 "enabled.");
    a->include_usage = cJSON_IsTrue(ask_member(options, "include_usage"));
    return 0;
}

int openai_parse_length(struct ask *a, const struct ask_rules *rules, const char *name,
                        struct api_error *e)
{
    const cJSON *length = ask_member(a->body, name);
    a->output_given = length != NULL;
    double tokens = length ? length->valuedouble : (double)rules->default_output;
    if (tokens > (double)rules->max_output)
        return api_error_invalid(e, name, "integer_above_max_value",
                                 "Invalid '%s': %.0f is more than the %u tokens that this endpoint "
                                 "gives at most.",
                                 name, tokens, rules->max_output);
    a->output_tokens = (uint32_t)tokens;
    return 0;
}

static int parse_stops(struct ask *a, struct api_error *e)
{
    const cJSON *stop = ask_member(a->body, "stop");
    if (!stop)
        return 0;
    const cJSON *first = cJSON_IsArray(stop) ? stop->child : stop;
    bool many = cJSON_IsArray(stop);
    for (const cJSON *v = first; v; v = many ? v->next : NULL) {
        if (!cJSON_IsString(v) || !v->valuestring[0] || a->stop_count == ASK_MAX_STOPS)
            return api_error_invalid(e, "stop", "invalid_value",
                                     "Invalid 'stop': expected a string or up to %d strings, none "
                                     "empty.",
                                     ASK_MAX_STOPS);
        a->stops[a->stop_count++] = v->valuestring;
    }
    return 0;
}

void openai_parse_priority(struct ask *a)
{
    const cJSON *priority = ask_member(a->body, "priority");
    a->priority = priority ? (int32_t)priority->valuedouble : 0;
}

int openai_parse_generation(struct ask *a, const struct ask_rules *rules, struct api_error *e)
{
    openai_parse_priority(a);
    bool newer = ask_member(a->body, "max_completion_tokens") != NULL;
    const char *length = newer ? "max_completion_tokens" : "max_tokens";
    if (openai_parse_stream(a, e) < 0 || openai_parse_length(a, rules, length, e) < 0)
        return -1;
    return parse_stops(a, e);
}

int openai_parse_choices(struct ask *a, uint32_t prompts, struct api_error *e)
{
    const cJSON *n = ask_member(a->body, "n");
    double choices = (n ? n->valuedouble : 1) * prompts;
    if (choices > ASK_MAX_CHOICES)
        return api_error_invalid(e, n ? "n" : "prompt", "invalid_value",
                                 "%g choices (%u prompts, 'n' %g) are more than the %d that this "
                                 "endpoint gives at most.",
                                 choices, prompts, n ? n->valuedouble : 1, ASK_MAX_CHOICES);
    a->choices = (uint32_t)choices;
    return 0;
}

/* ---- answers ---- */

/* {"id": …, "object": …, "created": …, "model": …, */
static void add_identity(struct buffer *out, const char *object, const char *model, const char *id,
                         int64_t created_s)
{
    buffer_add_format(out, "{\"id\":\"%s\",\"object\":\"%s\",\"created\":%lld,\"model\":", id,
                      object, (long long)created_s);
    render_string(model, out);
    buffer_add_text(out, ",\"system_fingerprint\":\"fp_farebox\",");
}

void openai_add_images(const struct usage *u, struct buffer *out)
{
    unsigned long long cached = u->tokens[USAGE_CACHED_IMAGE_INPUT], all = usage_image_input(u);
    if (all)
        buffer_add_format(out, ",\"image_tokens\":%llu", all);
    if (cached)
        buffer_add_format(out, ",\"cached_tokens_details\":{\"image_tokens\":%llu}", cached);
}

void openai_add_usage(const struct usage *u, struct buffer *out)
{
    unsigned long long in = usage_input(u), output = usage_output(u);
    buffer_add_format(out,
                      "{\"prompt_tokens\":%llu,\"completion_tokens\":%llu,\"total_tokens\":%llu,"
                      "\"prompt_tokens_details\":{\"cached_tokens\":%llu,\"audio_tokens\":0",
                      in, output, in + output, (unsigned long long)usage_cached(u));
    openai_add_images(u, out);
    buffer_add_format(out,
                      "},\"completion_tokens_details\":{\"reasoning_tokens\":%llu,"
                      "\"audio_tokens\":0,\"accepted_prediction_tokens\":0,"
                      "\"rejected_prediction_tokens\":0}}",
                      (unsigned long long)u->tokens[USAGE_REASONING]);
}

void openai_begin(struct rendering *r, const char *object)
{
    if (r->head.length) /* of an earlier choice */
        return;
    buffer_init(&r->head, BUFFER_UNBOUNDED);
    add_identity(&r->head, object, r->model, r->id, r->created_s);
    buffer_add_text(&r->head, "\"choices\":[");
}

void openai_open_chunk(struct rendering *r)
{
    buffer_add(r->json, r->head.data, r->head.length);
}

void openai_close_chunk(struct rendering *r)
{
    buffer_add_text(r->json, r->ask->include_usage ? "],\"usage\":null}" : "]}");
    render_event(r, NULL);
}

void openai_open_choice(struct rendering *r)
{
    buffer_add_text(r->json, "{\"index\":");
    buffer_add_u64(r->json, r->choice);
    buffer_add_byte(r->json, ',');
}

void openai_close_choice(struct rendering *r, uint32_t part, uint32_t token, uint32_t count,
                         logprobs_add *add)
{
    if (count == 0 || !r->ask->logprobs) {
        buffer_add_text(r->json, ",\"logprobs\":null,\"finish_reason\":null}");
        return;
    }
    struct logprobs_of of = {
        r->answer, part, token, count, r->ask->top_logprobs, r->text_ends[r->choice]};
    buffer_add_text(r->json, ",\"logprobs\":");
    add(&of, r->json);
    r->text_ends[r->choice] = of.text_offset;
    buffer_add_text(r->json, ",\"finish_reason\":null}");
}

void openai_finish(struct rendering *r, const char *empty, const struct usage *u)
{
    openai_open_chunk(r);
    openai_open_choice(r);
    buffer_add_format(r->json, "%s,\"logprobs\":null,\"finish_reason\":\"%s\"}", empty,
                      r->answer->finish_reason);
    openai_close_chunk(r);
    if (!r->ask->include_usage || r->choice + 1 < r->ask->choices)
        return;
    openai_open_chunk(r);
    buffer_add_text(r->json, "],\"usage\":");
    openai_add_usage(u, r->json);
    buffer_add_byte(r->json, '}');
    render_event(r, NULL);
}

void openai_end(struct rendering *r)
{
    buffer_add_text(r->json, "[DONE]");
    render_event(r, NULL);
}

/* Of all the text of an answer; null where none is asked for or it has none. */
static void add_logprobs_of(const struct rendering *r, const struct answer *a, uint32_t choice,
                            logprobs_add *add, struct buffer *out)
{
    uint32_t part = 0;
    while (part < a->part_count && a->parts[part].kind != PART_CONTENT)
        part++;
    if (!r->ask->logprobs || part == a->part_count) {
        buffer_add_text(out, "null");
        return;
    }
    struct logprobs_of of = {
        a, part, 0, a->parts[part].tokens, r->ask->top_logprobs, r->text_ends[choice]};
    add(&of, out);
}

void openai_add_answer(const struct rendering *r, const char *object, const struct usage *u,
                       void (*add)(const struct rendering *r, const struct answer *a,
                                   uint32_t choice, struct buffer *out),
                       logprobs_add *add_logprobs, struct buffer *out)
{
    add_identity(out, object, r->model, r->id, r->created_s);
    buffer_add_text(out, "\"choices\":[");
    for (uint32_t k = 0; k < r->ask->choices; k++) {
        const struct answer *a = r->answers[k];
        buffer_add_format(out, "%s{\"index\":%u,", k ? "," : "", k);
        add(r, a, k, out);
        buffer_add_text(out, ",\"logprobs\":");
        add_logprobs_of(r, a, k, add_logprobs, out);
        buffer_add_format(out, ",\"finish_reason\":\"%s\"}", a->finish_reason);
    }
    buffer_add_text(out, "],\"usage\":");
    openai_add_usage(u, out);
    buffer_add_byte(out, '}');
}
