#include "sim/mock/api/logprobs.h"

#include "core/json/json_write.h"
#include "core/memory.h"
#include "core/random.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* The probability of the chosen token: 0.5 to 0.98. */
static double chosen(uint64_t seed)
{
    return 0.5 + 0.48 * ((double)(seed >> 11) * 0x1p-53);
}

/* Of alternative i: 0 is the token itself, the others share half of what it leaves. */
static double logprob(uint64_t seed, uint32_t i)
{
    double p = chosen(seed);
    return log(i == 0 ? p : (1 - p) * ldexp(1, -(int)i) / 2);
}

static uint64_t seed_of(const struct logprobs_of *of, uint32_t token)
{
    return random_mix(((uint64_t)of->part << 32) ^ of->answer->first_word, token);
}

/* The token's own text; of an alternative another word. */
static void add_text(const struct logprobs_of *of, uint32_t token, uint32_t i, struct buffer *out)
{
    if (i == 0)
        answer_add_piece(of->answer, of->part, token, out);
    else
        answer_add_other(seed_of(of, token), i, out);
}

static struct text text_in(const struct buffer *b)
{
    return (struct text){b->length ? b->data : "", b->length};
}

/* ---- chat ---- */

static void put_token(struct json_writer *w, struct text text, double logprob)
{
    json_key(w, "token");
    json_put_text(w, text);
    json_pair_statistic(w, "logprob", logprob);
    json_key(w, "bytes");
    json_begin_array(w);
    for (size_t i = 0; i < text.length; i++)
        json_put_u64(w, (unsigned char)text.at[i]);
    json_end_array(w);
}

static void put_alternative(const struct logprobs_of *of, uint32_t token, uint32_t i,
                            struct json_writer *w)
{
    struct buffer text;
    buffer_init(&text, BUFFER_UNBOUNDED);
    add_text(of, token, i, &text);
    json_begin_object(w);
    put_token(w, text_in(&text), logprob(seed_of(of, token), i));
    json_end_object(w);
    buffer_free(&text);
}

static void put_entry(const struct logprobs_of *of, uint32_t token, struct json_writer *w)
{
    struct buffer text;
    buffer_init(&text, BUFFER_UNBOUNDED);
    add_text(of, token, 0, &text);
    json_begin_object(w);
    put_token(w, text_in(&text), logprob(seed_of(of, token), 0));
    json_key(w, "top_logprobs");
    json_begin_array(w);
    for (uint32_t i = 0; i < of->top; i++)
        put_alternative(of, token, i, w);
    json_end_array(w);
    json_end_object(w);
    buffer_free(&text);
}

void logprobs_add_content(struct logprobs_of *of, struct buffer *out)
{
    struct json_writer w;
    json_write_init(&w, out, 0);
    json_begin_object(&w);
    json_key(&w, "content");
    json_begin_array(&w);
    for (uint32_t i = 0; i < of->count; i++)
        put_entry(of, of->token + i, &w);
    json_end_array(&w);
    json_pair_string(&w, "refusal", NULL);
    json_end_object(&w);
}

/* ---- completions ---- */

/* {" a": -0.3, " b": -1.2} */
static void put_top(const struct logprobs_of *of, uint32_t token, struct json_writer *w)
{
    json_begin_object(w);
    for (uint32_t i = 0; i < of->top; i++) {
        struct buffer text;
        buffer_init(&text, BUFFER_UNBOUNDED);
        add_text(of, token, i, &text);
        buffer_add_byte(&text, '\0');
        json_key(w, text.data);
        json_put_statistic(w, logprob(seed_of(of, token), i));
        buffer_free(&text);
    }
    json_end_object(w);
}

static void put_texts(const struct logprobs_of *of, size_t *ends, struct json_writer *w)
{
    struct buffer text;
    buffer_init(&text, BUFFER_UNBOUNDED);
    json_key(w, "tokens");
    json_begin_array(w);
    for (uint32_t i = 0; i < of->count; i++) {
        buffer_clear(&text);
        add_text(of, of->token + i, 0, &text);
        json_put_text(w, text_in(&text));
        ends[i + 1] = ends[i] + text.length;
    }
    json_end_array(w);
    buffer_free(&text);
}

void logprobs_add_lists(struct logprobs_of *of, struct buffer *out)
{
    struct json_writer w;
    size_t *ends = mem_zero(of->count + 1, sizeof *ends);
    ends[0] = of->text_offset;
    json_write_init(&w, out, 0);
    json_begin_object(&w);
    put_texts(of, ends, &w);
    json_key(&w, "token_logprobs");
    json_begin_array(&w);
    for (uint32_t i = 0; i < of->count; i++)
        json_put_statistic(&w, logprob(seed_of(of, of->token + i), 0));
    json_end_array(&w);
    json_key(&w, "top_logprobs");
    if (of->top == 0)
        json_put_null(&w);
    else
        json_begin_array(&w);
    for (uint32_t i = 0; i < of->count && of->top; i++)
        put_top(of, of->token + i, &w);
    if (of->top)
        json_end_array(&w);
    json_key(&w, "text_offset");
    json_begin_array(&w);
    for (uint32_t i = 0; i < of->count; i++)
        json_put_u64(&w, ends[i]);
    json_end_array(&w);
    json_end_object(&w);
    of->text_offset = ends[of->count];
    free(ends);
}
