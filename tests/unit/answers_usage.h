/* Usage objects in the forms of many providers, drawn at random from classes that are known.
 *
 *     struct made_usage u;
 *     made_usage_draw(&random, false, &u);      // u.json says u.tokens, in some form
 *
 * The forms are those of docs/usage.md; so are the twists, which contradict or misspell what they
 * say and are resolved by its rules (u.odd is what then must be noted).
 */
#ifndef FAREBOX_TESTS_ANSWERS_USAGE_H
#define FAREBOX_TESTS_ANSWERS_USAGE_H

#include "core/buffer.h"
#include "core/random.h"
#include "core/usage/oddity.h"
#include "core/usage/usage.h"

#include <inttypes.h>
#include <string.h>

struct made_usage {
    uint64_t tokens[USAGE_CLASSES];
    uint64_t citations; /* of the uncached input, told apart by those who know them */
    struct buffer json; /* owned */
    uint32_t odd;
    bool estimates;   /* says no output: that of the chunks counts */
    const char *cost; /* in USD, as it is kept; NULL = none */
};

#define CLASS(c) (1u << USAGE_##c)
#define TEXT_OUT (CLASS(UNCACHED_INPUT) | CLASS(OUTPUT))
#define THINKS (TEXT_OUT | CLASS(REASONING))
#define CACHES (THINKS | CLASS(CACHED_INPUT))
#define WRITES (CACHES | CLASS(CACHE_WRITE))
#define HOURS (WRITES | CLASS(CACHE_WRITE_1H))

#define T(c) (u->tokens[USAGE_##c])

static inline uint64_t made_input(const struct made_usage *u)
{
    struct usage sum = {0};
    memcpy(sum.tokens, u->tokens, sizeof sum.tokens);
    return usage_input(&sum);
}

static inline uint64_t made_output(const struct made_usage *u)
{
    struct usage sum = {0};
    memcpy(sum.tokens, u->tokens, sizeof sum.tokens);
    return usage_output(&sum);
}

#define SAY(...) buffer_add_format(&u->json, __VA_ARGS__)
#define N "%" PRIu64

/* ---- everything inside its length ---- */

static inline void say_chat(struct made_usage *u, bool total)
{
    SAY("{\"prompt_tokens\":" N ",\"completion_tokens\":" N, made_input(u), made_output(u));
    if (total)
        SAY(",\"total_tokens\":" N, made_input(u) + made_output(u));
    SAY(",\"prompt_tokens_details\":{\"cached_tokens\":" N ",\"audio_tokens\":" N "}",
        T(CACHED_INPUT), T(AUDIO_INPUT));
    SAY(",\"completion_tokens_details\":{\"reasoning_tokens\":" N ",\"audio_tokens\":" N
        ",\"accepted_prediction_tokens\":0}}",
        T(REASONING), T(AUDIO_OUTPUT));
}

static inline void say_vllm(struct made_usage *u, bool total)
{
    SAY("{\"prompt_tokens\":" N, made_input(u));
    if (total)
        SAY(",\"total_tokens\":" N, made_input(u) + made_output(u));
    SAY(",\"completion_tokens\":" N ",\"prompt_tokens_details\":{\"cached_tokens\":" N
        ",\"created_cache_tokens\":" N ",\"multimodal_tokens\":{\"image\":" N ",\"video\":" N
        "}},\"completion_tokens_details\":{\"reasoning_tokens\":" N "}}",
        made_output(u), T(CACHED_INPUT), T(CACHE_WRITE), T(IMAGE_INPUT), T(VIDEO_INPUT),
        T(REASONING));
}

static inline void say_responses(struct made_usage *u, bool total)
{
    SAY("{\"input_tokens\":" N ",\"input_tokens_details\":{\"cached_tokens\":" N
        "},\"output_tokens\":" N ",\"output_tokens_details\":{\"reasoning_tokens\":" N "}",
        made_input(u), T(CACHED_INPUT), made_output(u), T(REASONING));
    if (total)
        SAY(",\"total_tokens\":" N, made_input(u) + made_output(u));
    SAY("}");
}

static inline void say_kimi(struct made_usage *u, bool total)
{
    (void)total;
    SAY("{\"prompt_tokens\":" N ",\"completion_tokens\":" N ",\"total_tokens\":" N
        ",\"cached_tokens\":" N "}",
        made_input(u), made_output(u), made_input(u) + made_output(u), T(CACHED_INPUT));
}

static inline void say_deepseek(struct made_usage *u, bool total)
{
    (void)total;
    SAY("{\"prompt_tokens\":" N ",\"completion_tokens\":" N ",\"total_tokens\":" N
        ",\"prompt_tokens_details\":{\"cached_tokens\":" N
        "},\"completion_tokens_details\":{\"reasoning_tokens\":" N
        "},\"prompt_cache_hit_tokens\":" N ",\"prompt_cache_miss_tokens\":" N "}",
        made_input(u), made_output(u), made_input(u) + made_output(u), T(CACHED_INPUT),
        T(REASONING), T(CACHED_INPUT), T(UNCACHED_INPUT));
}

static inline void say_codex(struct made_usage *u, bool total)
{
    SAY("{\"input_tokens\":" N ",\"cached_input_tokens\":" N ",\"output_tokens\":" N
        ",\"reasoning_output_tokens\":" N,
        made_input(u), T(CACHED_INPUT), made_output(u), T(REASONING));
    if (total)
        SAY(",\"total_tokens\":" N, made_input(u) + made_output(u));
    SAY("}");
}

/* Anthropic's keys beside a prompt_tokens that holds them. */
static inline void say_litellm(struct made_usage *u, bool total)
{
    (void)total;
    SAY("{\"completion_tokens\":" N ",\"prompt_tokens\":" N ",\"total_tokens\":" N
        ",\"completion_tokens_details\":{\"reasoning_tokens\":" N
        "},\"prompt_tokens_details\":{\"cached_tokens\":" N ",\"cache_creation_tokens\":" N
        "},\"cache_creation_input_tokens\":" N ",\"cache_read_input_tokens\":" N "}",
        made_output(u), made_input(u), made_input(u) + made_output(u), T(REASONING),
        T(CACHED_INPUT), T(CACHE_WRITE), T(CACHE_WRITE), T(CACHED_INPUT));
}

static inline void say_openrouter(struct made_usage *u, bool total)
{
    (void)total;
    SAY("{\"prompt_tokens\":" N ",\"completion_tokens\":" N ",\"total_tokens\":" N
        ",\"cost\":0.00425,\"is_byok\":false,\"cost_details\":{\"upstream_inference_cost\":null},"
        "\"prompt_tokens_details\":{\"cached_tokens\":" N ",\"cache_write_tokens\":" N
        "},\"completion_tokens_details\":{\"reasoning_tokens\":" N "}}",
        made_input(u), made_output(u), made_input(u) + made_output(u), T(CACHED_INPUT),
        T(CACHE_WRITE), T(REASONING));
    u->cost = "0.00425";
}

static inline void say_vercel(struct made_usage *u, bool total)
{
    (void)total;
    SAY("{\"inputTokens\":" N ",\"outputTokens\":" N ",\"totalTokens\":" N
        ",\"cachedInputTokens\":" N ",\"reasoningTokens\":" N "}",
        made_input(u), made_output(u), made_input(u) + made_output(u), T(CACHED_INPUT),
        T(REASONING));
}

static inline void say_langchain(struct made_usage *u, bool total)
{
    (void)total;
    SAY("{\"input_tokens\":" N ",\"output_tokens\":" N ",\"total_tokens\":" N
        ",\"input_token_details\":{\"audio\":" N ",\"cache_creation\":" N ",\"cache_read\":" N
        "},\"output_token_details\":{\"reasoning\":" N "}}",
        made_input(u), made_output(u), made_input(u) + made_output(u), T(AUDIO_INPUT),
        T(CACHE_WRITE), T(CACHED_INPUT), T(REASONING));
}

static inline void say_ollama(struct made_usage *u, bool total)
{
    (void)total;
    SAY("{\"prompt_eval_count\":" N ",\"eval_count\":" N "}", made_input(u), made_output(u));
}

/* ---- parts beside their whole ---- */

static inline void say_anthropic(struct made_usage *u, bool total)
{
    (void)total;
    SAY("{\"input_tokens\":" N ",\"cache_creation_input_tokens\":" N
        ",\"cache_read_input_tokens\":" N ",\"cache_creation\":{\"ephemeral_5m_input_tokens\":" N
        ",\"ephemeral_1h_input_tokens\":" N "},\"output_tokens\":" N
        ",\"service_tier\":\"standard\"}",
        T(UNCACHED_INPUT), T(CACHE_WRITE) + T(CACHE_WRITE_1H), T(CACHED_INPUT), T(CACHE_WRITE),
        T(CACHE_WRITE_1H), made_output(u));
}

static inline void say_bedrock(struct made_usage *u, bool total)
{
    SAY("{\"inputTokens\":" N ",\"cacheReadInputTokens\":" N ",\"cacheWriteInputTokens\":" N
        ",\"cacheDetails\":[{\"ttl\":\"1h\",\"inputTokens\":" N
        "},{\"ttl\":\"5m\",\"inputTokens\":" N "}],\"outputTokens\":" N,
        T(UNCACHED_INPUT), T(CACHED_INPUT), T(CACHE_WRITE) + T(CACHE_WRITE_1H), T(CACHE_WRITE_1H),
        T(CACHE_WRITE), made_output(u));
    if (total)
        SAY(",\"totalTokens\":" N, made_input(u) + made_output(u));
    SAY("}");
}

static inline void say_gemini(struct made_usage *u, bool total)
{
    (void)total;
    SAY("{\"promptTokenCount\":" N ",\"toolUsePromptTokenCount\":" N
        ",\"cachedContentTokenCount\":" N ",\"candidatesTokenCount\":" N
        ",\"thoughtsTokenCount\":" N ",\"totalTokenCount\":" N
        ",\"promptTokensDetails\":[{\"modality\":\"TEXT\",\"tokenCount\":" N
        "},{\"modality\":\"IMAGE\",\"tokenCount\":" N "}]}",
        made_input(u) - u->citations, u->citations, T(CACHED_INPUT), T(OUTPUT), T(REASONING),
        made_input(u) + made_output(u), T(UNCACHED_INPUT) - u->citations, T(IMAGE_INPUT));
}

static inline void say_langfuse(struct made_usage *u, bool total)
{
    (void)total;
    SAY("{\"input\":" N ",\"input_cached_tokens\":" N ",\"output\":" N
        ",\"output_reasoning_tokens\":" N ",\"total\":" N "}",
        T(UNCACHED_INPUT), T(CACHED_INPUT), T(OUTPUT), T(REASONING),
        made_input(u) + made_output(u));
}

static inline void say_xai(struct made_usage *u, bool total)
{
    (void)total;
    SAY("{\"prompt_tokens\":" N ",\"completion_tokens\":" N ",\"total_tokens\":" N
        ",\"prompt_tokens_details\":{\"cached_tokens\":" N
        "},\"completion_tokens_details\":{\"reasoning_tokens\":" N
        "},\"cost_in_usd_ticks\":42500000}",
        made_input(u), T(OUTPUT), made_input(u) + made_output(u), T(CACHED_INPUT), T(REASONING));
    u->cost = "0.00425";
}

static inline void say_perplexity(struct made_usage *u, bool total)
{
    (void)total;
    SAY("{\"prompt_tokens\":" N ",\"completion_tokens\":" N ",\"total_tokens\":" N
        ",\"citation_tokens\":" N ",\"reasoning_tokens\":" N
        ",\"cost\":{\"input_tokens_cost\":0.00025,\"output_tokens_cost\":0.004,"
        "\"total_cost\":0.00425}}",
        made_input(u) - u->citations, T(OUTPUT), made_input(u) + made_output(u), u->citations,
        T(REASONING));
    u->cost = "0.00425";
}

/* ---- the table ---- */

struct usage_form {
    void (*say)(struct made_usage *u, bool total);
    unsigned classes;
    bool citations;
};

static const struct usage_form usage_forms[] = {
    {say_chat, CACHES | CLASS(AUDIO_INPUT) | CLASS(AUDIO_OUTPUT), false},
    {say_vllm, WRITES | CLASS(IMAGE_INPUT) | CLASS(VIDEO_INPUT), false},
    {say_responses, CACHES, false},
    {say_kimi, TEXT_OUT | CLASS(CACHED_INPUT), false},
    {say_deepseek, CACHES, false},
    {say_codex, CACHES, false},
    {say_litellm, WRITES, false},
    {say_openrouter, WRITES, false},
    {say_vercel, CACHES, false},
    {say_langchain, WRITES | CLASS(AUDIO_INPUT), false},
    {say_ollama, TEXT_OUT, false},
    {say_anthropic, HOURS & ~CLASS(REASONING), false},
    {say_bedrock, HOURS & ~CLASS(REASONING), false},
    {say_gemini, CACHES | CLASS(IMAGE_INPUT), true},
    {say_langfuse, CACHES, false},
    {say_xai, CACHES, false},
    {say_perplexity, THINKS, true},
};
#define USAGE_FORMS (sizeof usage_forms / sizeof *usage_forms)

/* ---- contradictions ---- */

/* Of a plain usage without parts. */
static inline void say_plain(struct made_usage *u, const char *prompt, const char *completion,
                             const char *more)
{
    SAY("{\"prompt_tokens\":%s,\"completion_tokens\":%s%s}", prompt, completion, more);
}

#define TWISTS 10

static inline void made_usage_twist(struct made_usage *u, int twist)
{
    static const char *const unknown[] = {"-1", "NaN", "1e300", "\"many\"", "true"};
    char in[40], out[40], more[120] = "";
    uint64_t input = T(UNCACHED_INPUT), output = T(OUTPUT);
    snprintf(in, sizeof in, N, input);
    snprintf(out, sizeof out, N, output);
    if (twist == 0) { /* rounded up */
        snprintf(in, sizeof in, N ".25", input - 1);
        u->odd = ODDITY(USAGE_NUMBER);
    } else if (twist == 1) {
        snprintf(in, sizeof in, "\"" N "\"", input);
    } else if (twist == 2) {
        snprintf(in, sizeof in, N ".0", input);
    } else if (twist == 3) { /* no count */
        snprintf(more, sizeof more, ",\"prompt_tokens_details\":{\"cached_tokens\":%s}",
                 unknown[input % 5]);
        u->odd = ODDITY(USAGE_NUMBER);
    } else if (twist == 4) { /* more cached than there are */
        T(CACHED_INPUT) = input + 1 + output;
        snprintf(more, sizeof more, ",\"prompt_tokens_details\":{\"cached_tokens\":" N "}",
                 T(CACHED_INPUT));
        u->odd = ODDITY(USAGE_CACHED);
    } else if (twist == 5) { /* reasoning that is not reported */
        T(REASONING) = 7;
        snprintf(more, sizeof more, ",\"total_tokens\":" N, input + output + 7);
        u->odd = ODDITY(USAGE_TOTAL);
    } else if (twist == 6) {
        snprintf(more, sizeof more, ",\"total_tokens\":1");
    } else if (twist == 7) {
        snprintf(out, sizeof out, "0");
        u->odd = ODDITY(USAGE_ZERO);
        u->estimates = true;
    } else if (twist == 8) {
        snprintf(more, sizeof more, ",\"magic_tokens\":3");
        u->odd = ODDITY(USAGE_KEY);
    } else {
        snprintf(more, sizeof more, ",\"total_tokens\":null,\"completion_tokens_details\":null");
    }
    say_plain(u, in, out, more);
}

/* ---- drawing ---- */

/* Any classes in any form; or, of one that contradicts itself, a plain length each way. */
static inline void made_usage_draw(struct random *r, bool contradicts, struct made_usage *u)
{
    const struct usage_form *form = &usage_forms[random_below(r, USAGE_FORMS)];
    buffer_clear(&u->json);
    memset(u->tokens, 0, sizeof u->tokens);
    u->citations = 0;
    u->odd = 0;
    u->estimates = false;
    u->cost = NULL;
    for (unsigned c = 0; c < USAGE_CLASSES; c++)
        if ((form->classes >> c & 1) && (random_below(r, 2) || (1u << c & TEXT_OUT)))
            u->tokens[c] = 1 + random_below(r, random_below(r, 2) ? 40 : 100000);
    if (contradicts) {
        for (int c = 0; c < USAGE_CLASSES; c++)
            u->tokens[c] = 1u << c & TEXT_OUT ? u->tokens[c] : 0;
        made_usage_twist(u, (int)random_below(r, TWISTS));
        return;
    }
    if (form->citations && random_below(r, 2))
        u->citations = random_below(r, u->tokens[USAGE_UNCACHED_INPUT] + 1);
    form->say(u, random_below(r, 2));
}

#undef SAY
#undef N
#undef T

#endif
