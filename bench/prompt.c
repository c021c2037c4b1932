#include "bench/prompt.h"

#include "bench/words.h"
#include "core/json_scan.h"
#include "core/json_write.h"
#include "core/memory.h"
#include "core/random.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Words at the start of a block that spell its identity; the rest comes from the pool. */
#define IDENTITY_WORDS 8

/* Keys of a body that we would write ourselves. */
enum own_key { KEY_MODEL = 1, KEY_PROMPT = 2, KEY_OUTPUT = 4, KEY_STREAM = 8 };

struct prompt_maker {
    enum bench_api api;
    bool stream;
    char *extra; /* members of the extra body, without braces; "" */
    unsigned extra_keys;
    char *output_key;
    uint64_t salt;
    double tokens_per_word, template_tokens;
    struct words *words;
    uint8_t *row_keys; /* by row, where the workload has bodies */
};

static const struct {
    const char *name, *path;
} apis[API_COUNT] = {
    {"chat", "/chat/completions"},
    {"completions", "/completions"},
    {"embeddings", "/embeddings"},
};

const char *bench_api_name(enum bench_api api)
{
    return apis[api].name;
}

int bench_api_from_name(const char *name)
{
    for (int i = 0; i < API_COUNT; i++)
        if (strcmp(apis[i].name, name) == 0)
            return i;
    return -1;
}

const char *bench_api_path(enum bench_api api)
{
    return apis[api].path;
}

static unsigned own_key(const struct prompt_maker *m, struct text key)
{
    if (text_equal(key, "model"))
        return KEY_MODEL;
    if (text_equal(key, "messages") || text_equal(key, "prompt") || text_equal(key, "input"))
        return KEY_PROMPT;
    if (text_equal(key, "max_tokens") || text_equal(key, "max_completion_tokens") ||
        text_equal(key, m->output_key))
        return KEY_OUTPUT;
    return text_equal(key, "stream") ? KEY_STREAM : 0;
}

/* Which of our keys an object has, and its members without the braces. 0, or ERR_INPUT. */
static int look_into(const struct prompt_maker *m, struct text json, const char *what,
                     unsigned *keys, struct text *members, struct error *err)
{
    struct json_scan s;
    struct text key, raw = {"", 0};
    const char *open = memchr(json.at, '{', json.length);
    *keys = 0;
    json_scan_init(&s, what, json.at, json.length, 1);
    json_object_begin(&s);
    const char *last = s.at;
    while (json_object_next(&s, &key)) {
        *keys |= own_key(m, key);
        json_skip(&s, &raw);
        last = s.at;
    }
    if (json_scan_end(&s, err) < 0)
        return ERR_INPUT;
    *members = (struct text){open + 1, (size_t)(last - open - 1)};
    return 0;
}

static int look_into_rows(struct prompt_maker *m, const struct workload *w, struct error *err)
{
    if (!w->body_start)
        return 0;
    m->row_keys = mem_zero(w->count, 1);
    for (size_t i = 0; i < w->count; i++) {
        struct text members,
            body = {w->body + w->body_start[i], (size_t)(w->body_start[i + 1] - w->body_start[i])};
        unsigned keys;
        if (body.length == 0)
            continue;
        if (look_into(m, body, "body of a request", &keys, &members, err) < 0)
            return ERR_INPUT;
        m->row_keys[i] = (uint8_t)keys;
    }
    return 0;
}

struct prompt_maker *prompt_maker_create(const struct prompt_config *config,
                                         const struct workload *w, struct error *err)
{
    struct prompt_maker *m = mem_zero(1, sizeof *m);
    struct text members = {"", 0};
    m->api = config->api;
    m->stream = config->stream && config->api != API_EMBEDDINGS;
    m->output_key = mem_copy_string(config->output_key ? config->output_key : "max_tokens");
    m->salt = config->salt;
    m->tokens_per_word = 1;
    m->words = words_create(config->salt);
    bool good = !config->extra_body || look_into(m, text_of(config->extra_body), "--body",
                                                 &m->extra_keys, &members, err) == 0;
    m->extra = mem_copy_text(members.at, members.length);
    if (good && look_into_rows(m, w, err) == 0)
        return m;
    prompt_maker_free(m);
    return NULL;
}

void prompt_maker_free(struct prompt_maker *m)
{
    if (!m)
        return;
    free(m->extra);
    free(m->output_key);
    free(m->row_keys);
    words_free(m->words);
    free(m);
}

void prompt_maker_set_scale(struct prompt_maker *m, double tokens_per_word, double template_tokens)
{
    m->tokens_per_word = tokens_per_word > 0 ? tokens_per_word : 1;
    m->template_tokens = template_tokens > 0 ? template_tokens : 0;
}

/* ---- text ---- */

/* A stretch of text with an identity: the identity's words, then a slice of the pool. */
static int add_block(const struct prompt_maker *m, uint64_t identity, uint64_t count,
                     struct buffer *out)
{
    uint64_t own = count < IDENTITY_WORDS ? count : IDENTITY_WORDS;
    if (words_add_number(identity, own, out) < 0)
        return -1;
    return words_add(m->words, identity >> 20, count - own, out);
}

static uint64_t words_for(const struct prompt_maker *m, double tokens)
{
    double words = (tokens - m->template_tokens) / m->tokens_per_word;
    return words < 1 ? 1 : (uint64_t)llround(words);
}

/* Block i covers the words from round(i × block) on, so that its place, and with it its length, is
 * the same in every request; the total is what the request's length wants. */
static int add_blocks(const struct prompt_maker *m, const struct request *r, uint32_t repeat,
                      uint64_t total, struct buffer *out)
{
    uint64_t at = 0, salt = random_mix(m->salt, repeat);
    for (size_t i = 0; i < r->hash_count && at < total; i++) {
        double block_end = (double)(i + 1) * r->block_size / m->tokens_per_word;
        uint64_t end = (uint64_t)llround(block_end);
        if (end > total || i + 1 == r->hash_count)
            end = total;
        if (end > at && add_block(m, random_mix(salt, r->hash_ids[i]), end - at, out) < 0)
            return -1;
        at = end > at ? end : at;
    }
    return 0;
}

static int add_text(const struct prompt_maker *m, const struct request *r, const struct due *due,
                    struct buffer *out)
{
    uint64_t total = words_for(m, r->input_tokens);
    if (r->hash_count && r->block_size)
        return add_blocks(m, r, due->repeat, total, out);
    return add_block(m, random_mix(m->salt ^ 0x70726f6d7074, due->ordinal), total, out);
}

/* ---- bodies ---- */

static const char *prompt_opening(enum bench_api api)
{
    return api == API_CHAT          ? "\"messages\":[{\"role\":\"user\",\"content\":\""
           : api == API_COMPLETIONS ? "\"prompt\":\""
                                    : "\"input\":\"";
}

static const char *prompt_closing(enum bench_api api)
{
    return api == API_CHAT ? "\"}]," : "\",";
}

static void add_member(struct buffer *out, const char *key, const char *text)
{
    buffer_add_format(out, "\"%s\":", key);
    json_escape(out, text_of(text));
    buffer_add_byte(out, ',');
}

static void add_controls(const struct prompt_maker *m, unsigned taken, uint32_t output, bool stream,
                         struct buffer *out)
{
    if (!(taken & KEY_OUTPUT) && m->api != API_EMBEDDINGS) {
        buffer_add_format(out, "\"%s\":", m->output_key);
        buffer_add_u64(out, output ? output : 1);
        buffer_add_byte(out, ',');
    }
    if (stream && !(taken & KEY_STREAM))
        buffer_add_text(out, "\"stream\":true,\"stream_options\":{\"include_usage\":true},");
}

/* Every member above ends in a comma; the last one becomes the brace. */
static int close_body(struct buffer *out)
{
    if (out->data[out->length - 1] == ',')
        out->length--;
    return buffer_add_byte(out, '}');
}

static int add_members(struct text members, struct buffer *out)
{
    if (members.length == 0)
        return 0;
    return buffer_add(out, members.at, members.length) < 0 ? -1 : buffer_add_byte(out, ',');
}

static struct text body_members(struct text body)
{
    const char *open = body.length ? memchr(body.at, '{', body.length) : NULL;
    if (!open)
        return (struct text){"", 0};
    const char *end = body.at + body.length;
    do
        end--;
    while (*end != '}');
    while (end > open + 1 &&
           (end[-1] == ' ' || end[-1] == '\n' || end[-1] == '\t' || end[-1] == '\r'))
        end--;
    return (struct text){open + 1, (size_t)(end - open - 1)};
}

static int add_prompt(const struct prompt_maker *m, const struct request *r, const struct due *due,
                      struct buffer *out)
{
    if (r->messages.length && m->api == API_CHAT) {
        if (buffer_add_text(out, "\"messages\":") < 0)
            return -1;
        return add_members(r->messages, out);
    }
    if (buffer_add_text(out, prompt_opening(m->api)) < 0 || add_text(m, r, due, out) < 0)
        return -1;
    return buffer_add_text(out, prompt_closing(m->api));
}

int prompt_maker_build(const struct prompt_maker *m, const struct workload *w,
                       const struct due *due, const char *model, struct buffer *out)
{
    struct request r;
    workload_get(w, due->row, &r);
    unsigned row_keys = m->row_keys ? m->row_keys[due->row] : 0;
    unsigned taken = row_keys | m->extra_keys;
    if (buffer_add_byte(out, '{') < 0)
        return -1;
    if (!(taken & KEY_MODEL) && model)
        add_member(out, "model", model);
    if (!(row_keys & KEY_PROMPT) && add_prompt(m, &r, due, out) < 0)
        return -1;
    add_controls(m, taken, r.output_tokens, m->stream, out);
    if (add_members(body_members(r.body), out) < 0 || add_members(text_of(m->extra), out) < 0)
        return -1;
    return close_body(out);
}

int prompt_maker_build_probe(const struct prompt_maker *m, const char *model, uint32_t words,
                             uint64_t number, struct buffer *out)
{
    buffer_add_byte(out, '{');
    if (!(m->extra_keys & KEY_MODEL) && model)
        add_member(out, "model", model);
    buffer_add_text(out, prompt_opening(m->api));
    if (add_block(m, random_mix(m->salt ^ 0x70726f6265, number), words, out) < 0)
        return -1;
    buffer_add_text(out, prompt_closing(m->api));
    add_controls(m, m->extra_keys, 1, false, out);
    add_members(text_of(m->extra), out);
    return close_body(out);
}
