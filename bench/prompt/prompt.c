#include "bench/prompt/prompt.h"

#include "bench/prompt/picture.h"
#include "core/json/json_scan.h"
#include "core/json/json_write.h"
#include "core/memory.h"
#include "core/random.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MAX_EXTRA 64 /* members of --body: a bit each */

/* What a body says that we would say ourselves. */
enum own_key {
    KEY_MODEL = 1,
    KEY_PROMPT = 2,
    KEY_OUTPUT = 4,
    KEY_STREAM = 8,
    KEY_STREAM_OPTIONS = 16,
    STREAMS = 32,      /* its "stream" is true */
    OWN_MESSAGES = 64, /* of the request, beside its body */
    LEAVES_OUT = 128,  /* null: the key is not sent */
};

struct member {
    struct text key, whole; /* whole: "key": value */
    unsigned keys;
};

struct members {
    struct member *items;
    size_t count, capacity;
};

struct prompt_maker {
    const struct bench_api *api;
    bool stream, priority;
    char *extra;            /* the extra body */
    struct members members; /* of it */
    unsigned extra_keys;
    unsigned left_out; /* of ours: what the endpoint does not take */
    char *output_key;
    uint64_t salt;
    uint32_t documents;
    double template_tokens;
    struct words *words;
    uint8_t *row_keys;   /* enum own_key by row, where the workload has bodies or messages */
    uint64_t *row_drops; /* by row: the members that it brings itself; NULL = none */
};

static bool has_own_messages(const struct prompt_maker *m, const struct request *r)
{
    return r->messages.length && m->api->takes_messages;
}

/* ---- which keys there are, once before the run ---- */

static bool is_among(struct text key, const char *const *names)
{
    while (*names && !text_equal(key, *names))
        names++;
    return *names != NULL;
}

/* Null leaves out the very key, not another name for the same; a prompt is always sent. */
static unsigned left_out_key(const struct prompt_maker *m, struct text key)
{
    return LEAVES_OUT | (text_equal(key, "model")            ? KEY_MODEL
                         : text_equal(key, m->output_key)    ? KEY_OUTPUT
                         : text_equal(key, "stream")         ? KEY_STREAM
                         : text_equal(key, "stream_options") ? KEY_STREAM_OPTIONS
                                                             : 0u);
}

static unsigned own_key(const struct prompt_maker *m, struct text key, struct text value)
{
    if (text_equal(value, "null"))
        return left_out_key(m, key);
    if (text_equal(key, "model"))
        return KEY_MODEL;
    if (is_among(key, m->api->prompt_keys))
        return KEY_PROMPT;
    if (is_among(key, m->api->output_keys) || text_equal(key, m->output_key))
        return KEY_OUTPUT;
    if (text_equal(key, "stream_options"))
        return KEY_STREAM_OPTIONS;
    if (text_equal(key, "stream"))
        return text_equal(value, "true") ? KEY_STREAM | STREAMS : KEY_STREAM;
    return 0;
}

/* The members of an object, as views into it. 0, or ERR_INPUT. */
static int list_members(const struct prompt_maker *m, struct text json, const char *what,
                        struct members *out, struct error *err)
{
    struct json_scan s;
    struct text key;
    out->count = 0;
    json_scan_init(&s, what, json.at, json.length, 1);
    json_object_begin(&s);
    while (json_object_next(&s, &key)) {
        struct text value = {"", 0};
        if (!json_skip(&s, &value))
            break;
        const char *start = key.at - 1, *end = value.at + value.length;
        mem_grow(&out->items, &out->capacity, out->count + 1, sizeof *out->items);
        out->items[out->count++] = (struct member){
            .key = key, .whole = {start, (size_t)(end - start)}, .keys = own_key(m, key, value)};
    }
    return json_scan_end(&s, err);
}

static unsigned all_keys(const struct members *list)
{
    unsigned keys = 0;
    for (size_t i = 0; i < list->count; i++)
        keys |= list->items[i].keys;
    return keys;
}

static int read_extra(struct prompt_maker *m, struct error *err)
{
    struct members *extra = &m->members;
    if (list_members(m, text_of(m->extra), "--body", extra, err) < 0)
        return ERR_INPUT;
    for (size_t i = 0; i < extra->count; i++)
        for (size_t k = 0; k < i; k++)
            if (text_same(extra->items[i].key, extra->items[k].key))
                return error_set(err, ERR_INPUT, "--body: member %zu has the key of member %zu",
                                 i + 1, k + 1);
    if (extra->count > MAX_EXTRA)
        return error_set(err, ERR_INPUT, "--body: expected at most %d members, found %zu",
                         MAX_EXTRA, extra->count);
    m->extra_keys = all_keys(extra);
    return 0;
}

static bool gives_way(const struct member *extra, const struct member *own)
{
    unsigned same =
        own->keys & LEAVES_OUT ? 0 : extra->keys & own->keys & (KEY_OUTPUT | KEY_PROMPT);
    return same || text_same(own->key, extra->key);
}

/* Which members of the extra body give way to these; also to another name for the same. */
static uint64_t find_drops(const struct prompt_maker *m, const struct members *own, unsigned keys)
{
    uint64_t drops = 0;
    for (size_t i = 0; i < m->members.count; i++) {
        const struct member *extra = &m->members.items[i];
        bool drop = extra->keys & keys & KEY_PROMPT;
        for (size_t k = 0; !drop && k < own->count; k++)
            drop = gives_way(extra, &own->items[k]);
        drops |= (uint64_t)drop << i;
    }
    return drops;
}

static int read_rows(struct prompt_maker *m, const struct workload *w, struct error *err)
{
    struct members own = {0};
    int status = 0;
    if (!w->body_start && !w->messages_start)
        return 0;
    m->row_keys = mem_zero(w->count, 1);
    m->row_drops = m->members.count ? mem_zero(w->count, sizeof *m->row_drops) : NULL;
    for (size_t i = 0; i < w->count && status == 0; i++) {
        struct request r;
        workload_get(w, i, &r);
        own.count = 0;
        if (r.body.length)
            status = list_members(m, r.body, "body of a request", &own, err);
        bool messages = has_own_messages(m, &r);
        unsigned keys = all_keys(&own);
        m->row_keys[i] = (uint8_t)(keys | (messages ? OWN_MESSAGES : 0));
        if (m->row_drops)
            m->row_drops[i] = find_drops(m, &own, messages ? KEY_PROMPT : 0);
    }
    free(own.items);
    return status;
}

struct prompt_maker *prompt_maker_create(const struct prompt_config *config,
                                         const struct workload *w, struct error *err)
{
    if (w->image_start && !config->api->takes_images) {
        error_set(err, ERR_INPUT,
                  "the workload has images, and the API %s takes none beside a prompt: use another "
                  "--api, such as chat",
                  config->api->name);
        return NULL;
    }
    struct prompt_maker *m = mem_zero(1, sizeof *m);
    m->api = config->api;
    m->stream = config->stream && config->api->generates;
    m->output_key =
        mem_copy_string(config->output_key ? config->output_key : config->api->output_keys[0]);
    m->salt = config->salt;
    m->documents = 1;
    m->words = words_create(config->salt);
    m->extra = mem_copy_string(config->extra_body ? config->extra_body : "{}");
    if (read_extra(m, err) == 0 && read_rows(m, w, err) == 0)
        return m;
    prompt_maker_free(m);
    return NULL;
}

void prompt_maker_free(struct prompt_maker *m)
{
    if (!m)
        return;
    free(m->extra);
    free(m->members.items);
    free(m->output_key);
    free(m->row_keys);
    free(m->row_drops);
    words_free(m->words);
    free(m);
}

void prompt_maker_set_scale(struct prompt_maker *m, const struct prompt_scale *scale)
{
    double costs[WORDS_LISTED];
    prompt_scale_costs(scale, costs);
    words_set_costs(m->words, costs);
    m->template_tokens = scale->template_tokens;
}

/* ---- what the endpoint takes ---- */

/* Which of our own keys it is, where bodies hold it by our choice alone; else 0. */
static unsigned added_key(const struct prompt_maker *m, struct text key)
{
    unsigned is = !m->api->generates                       ? 0
                  : text_equal(key, m->output_key)         ? KEY_OUTPUT
                  : m->stream && text_equal(key, "stream") ? KEY_STREAM
                  : m->stream && m->api->stream_options && text_equal(key, "stream_options")
                      ? KEY_STREAM_OPTIONS
                      : 0;
    return is & ~(m->extra_keys | m->left_out);
}

bool prompt_maker_adds(const struct prompt_maker *m, struct text key)
{
    return added_key(m, key) != 0;
}

void prompt_maker_leave_out(struct prompt_maker *m, const char *key)
{
    m->left_out |= added_key(m, text_of(key));
    if (m->left_out & KEY_STREAM)
        m->left_out |= KEY_STREAM_OPTIONS;
}

void prompt_maker_name_output(struct prompt_maker *m, const char *key)
{
    char *name = mem_copy_string(key);
    free(m->output_key);
    m->output_key = name;
}

void prompt_maker_send_priority(struct prompt_maker *m, bool send)
{
    m->priority = send;
}

void prompt_maker_set_documents(struct prompt_maker *m, uint32_t documents)
{
    m->documents = documents ? documents : 1;
}

/* ---- text ---- */

/* Block i ends where (i + 1) × block tokens of text do, so that its place, and with it its length,
 * is the same in every request; the total is what the request's length wants. */
static int add_blocks(const struct prompt_maker *m, const struct request *r, uint32_t repeat,
                      double total, struct buffer *out)
{
    uint64_t salt = random_mix(m->salt, repeat);
    double at = 0;
    for (size_t i = 0; i < r->hash_count && at < total; i++) {
        double end = (double)(i + 1) * r->block_size;
        if (end > total || i + 1 == r->hash_count)
            end = total;
        double got = words_add_block(m->words, random_mix(salt, r->hash_ids[i]), end - at, out);
        if (got < 0)
            return -1;
        at += got;
    }
    return 0;
}

/* Where a request's text comes from. */
struct text_source {
    const struct prompt_maker *maker;
    const struct request *request;
    const struct due *due;
    const struct prompt_made *made;
};

/* The prefix blocks of a later turn are what its session has said. */
static int add_text(const void *source, struct buffer *out)
{
    const struct text_source *s = source;
    const struct prompt_maker *m = s->maker;
    const struct request *r = s->request;
    double total = s->made->text_tokens;
    if (r->hash_count && r->block_size && !s->made->later)
        return add_blocks(m, r, s->due->repeat, total, out);
    uint64_t identity = random_mix(m->salt ^ 0x70726f6d7074, s->due->ordinal);
    return words_add_block(m->words, identity, total, out) < 0 ? -1 : 0;
}

/* Different in every request, however often it is sent: no cache has it. */
static int add_image(const void *source, size_t i, struct buffer *out)
{
    const struct text_source *s = source;
    struct image_size size = s->request->images[i];
    uint64_t seed = random_mix(s->maker->salt ^ 0x696d616765, s->due->ordinal);
    return picture_add_base64(size.width, size.height, random_mix(seed, i), out);
}

static void plan_text(const struct prompt_maker *m, const struct request *r,
                      const struct thread *thread, struct prompt_made *made)
{
    double least = words_cheapest(m->words);
    made->later = thread && thread->turns;
    made->earlier_images = made->later ? thread->images : 0;
    made->text_tokens = r->input_tokens - (made->later ? thread->tokens : m->template_tokens);
    made->longer = made->later && made->text_tokens < least / 2;
    made->text_tokens = fmax(made->text_tokens, least);
}

static int add_given_text(const void *source, struct buffer *out)
{
    const struct text *text = source;
    return buffer_add(out, text->at, text->length);
}

/* ---- bodies ---- */

static void add_member(struct buffer *out, const char *key, const char *text)
{
    buffer_add_format(out, "\"%s\":", key);
    json_escape(out, text_of(text));
    buffer_add_byte(out, ',');
}

static void add_output(const struct prompt_maker *m, unsigned taken, uint32_t output,
                       struct buffer *out)
{
    if (!((taken | m->left_out) & KEY_OUTPUT) && m->api->generates) {
        buffer_add_format(out, "\"%s\":", m->output_key);
        buffer_add_u64(out, output ? output : 1);
        buffer_add_byte(out, ',');
    }
}

/* Where the usage comes with a stream only if it is asked for: without one, asking is an error. */
static void add_stream(const struct prompt_maker *m, unsigned row_keys, struct buffer *out)
{
    unsigned taken = row_keys | m->extra_keys;
    unsigned first = row_keys & KEY_STREAM ? row_keys : m->extra_keys;
    bool ours = m->stream && !(m->left_out & KEY_STREAM);
    bool streams = taken & KEY_STREAM ? first & STREAMS : ours;
    if (!(taken & KEY_STREAM) && ours)
        buffer_add_text(out, "\"stream\":true,");
    if (streams && !((taken | m->left_out) & KEY_STREAM_OPTIONS) && m->api->stream_options)
        buffer_add_format(out, "\"stream_options\":%s,", m->api->stream_options);
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

static int add_extra(const struct prompt_maker *m, uint64_t drops, unsigned but, struct buffer *out)
{
    for (size_t i = 0; i < m->members.count; i++) {
        const struct member *extra = &m->members.items[i];
        if (!(drops >> i & 1) && !(extra->keys & but) && add_members(extra->whole, out) < 0)
            return -1;
    }
    return 0;
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

/* The request's own members, without those that are null. */
static int add_own(const struct prompt_maker *m, const struct request *r, unsigned row_keys,
                   struct buffer *out)
{
    struct members own = {0};
    int status = 0;
    if (!(row_keys & LEAVES_OUT))
        return add_members(body_members(r->body), out);
    list_members(m, r->body, "body of a request", &own, NULL);
    for (size_t i = 0; i < own.count && status == 0; i++)
        if (!(own.items[i].keys & LEAVES_OUT))
            status = add_members(own.items[i].whole, out);
    free(own.items);
    return status;
}

/* True if the extra body or the request's own has the key. */
static bool brings(const struct prompt_maker *m, const struct request *r, const char *key)
{
    struct members own = {0};
    bool found = false;
    for (size_t i = 0; i < m->members.count; i++)
        found = found || text_equal(m->members.items[i].key, key);
    if (!found && r->body.length)
        list_members(m, r->body, "body of a request", &own, NULL);
    for (size_t i = 0; i < own.count; i++)
        found = found || text_equal(own.items[i].key, key);
    free(own.items);
    return found;
}

static void add_priority(const struct prompt_maker *m, const struct request *r, struct buffer *out)
{
    if (m->priority && r->priority != 0 && !brings(m, r, "priority"))
        buffer_add_format(out, "\"priority\":%d,", r->priority);
}

static const struct text no_text = {"", 0};

static int add_prompt(const struct prompt_maker *m, const struct request *r, const struct due *due,
                      const struct thread *thread, const struct prompt_made *made,
                      struct buffer *out)
{
    const struct text_source source = {m, r, due, made};
    struct api_prompt prompt = {.images = r->image_count,
                                .documents = m->documents,
                                .add_image = add_image,
                                .add_text = add_text,
                                .source = &source,
                                .history = no_text};
    if (has_own_messages(m, r))
        prompt.messages = r->messages;
    else if (made->later)
        prompt.history = (struct text){thread->history.data, thread->history.length};
    return m->api->add_prompt(&prompt, out);
}

bool prompt_maker_makes(const struct prompt_maker *m, uint32_t row)
{
    unsigned row_keys = m->row_keys ? m->row_keys[row] : 0;
    return !((row_keys | m->extra_keys) & KEY_PROMPT) && !(row_keys & OWN_MESSAGES);
}

int prompt_maker_build_turn(const struct prompt_maker *m, const struct workload *w,
                            const struct due *due, const char *model, const struct thread *thread,
                            struct prompt_made *made, struct buffer *out)
{
    struct request r;
    workload_get(w, due->row, &r);
    unsigned row_keys = m->row_keys ? m->row_keys[due->row] : 0;
    unsigned taken = row_keys | m->extra_keys;
    plan_text(m, &r, prompt_maker_makes(m, due->row) ? thread : NULL, made);
    if (buffer_add_byte(out, '{') < 0)
        return -1;
    if (!(taken & KEY_MODEL) && model)
        add_member(out, "model", model);
    bool brings_prompt =
        row_keys & (KEY_PROMPT | OWN_MESSAGES) ? row_keys & KEY_PROMPT : m->extra_keys & KEY_PROMPT;
    if (!brings_prompt && add_prompt(m, &r, due, thread, made, out) < 0)
        return -1;
    add_output(m, taken, r.output_tokens, out);
    add_stream(m, row_keys, out);
    add_priority(m, &r, out);
    if (add_extra(m, m->row_drops ? m->row_drops[due->row] : 0, LEAVES_OUT, out) < 0 ||
        add_own(m, &r, row_keys, out) < 0)
        return -1;
    return close_body(out);
}

/* A small body of our own: as those of the run are, or without the stream. */
static int build_small(const struct prompt_maker *m, const char *model, struct text history,
                       struct text text, uint32_t output, bool stream, struct buffer *out)
{
    const struct api_prompt prompt = {
        .documents = m->documents, .add_text = add_given_text, .source = &text, .history = history};
    unsigned not_ours = KEY_PROMPT | LEAVES_OUT | (stream ? 0u : KEY_STREAM | KEY_STREAM_OPTIONS);
    buffer_add_byte(out, '{');
    if (!(m->extra_keys & KEY_MODEL) && model)
        add_member(out, "model", model);
    if (m->api->add_prompt(&prompt, out) < 0)
        return -1;
    add_output(m, m->extra_keys, output, out);
    if (stream)
        add_stream(m, 0, out);
    if (add_extra(m, 0, not_ours, out) < 0)
        return -1;
    return close_body(out);
}

int prompt_maker_build(const struct prompt_maker *m, const struct workload *w,
                       const struct due *due, const char *model, struct buffer *out)
{
    struct prompt_made made;
    return prompt_maker_build_turn(m, w, due, model, NULL, &made, out);
}

void prompt_maker_add_turn(const struct prompt_maker *m, const struct workload *w,
                           const struct due *due, const struct prompt_made *made,
                           const struct reply *reply, double tokens, struct thread *thread)
{
    struct request r;
    struct buffer turn;
    workload_get(w, due->row, &r);
    const struct text_source source = {m, &r, due, made};
    struct api_prompt prompt = {.images = r.image_count,
                                .documents = m->documents,
                                .add_image = add_image,
                                .add_text = add_text,
                                .source = &source,
                                .history = no_text};
    buffer_init(&turn, BUFFER_UNBOUNDED);
    if (m->api->add_turn(&prompt, reply, &turn) == 0 &&
        buffer_add(&thread->history, turn.data, turn.length) == 0) {
        thread->turns++;
        thread->images += (uint32_t)r.image_count;
        thread->tokens = tokens;
    }
    buffer_free(&turn);
}

static int build_probe(const struct prompt_maker *m, const char *model, struct text history,
                       struct text text, struct buffer *out)
{
    uint32_t output = m->api->probe_output ? m->api->probe_output : 1;
    return build_small(m, model, history, text, output, false, out);
}

int prompt_maker_build_trial(const struct prompt_maker *m, const char *model, uint32_t words,
                             uint32_t output, struct buffer *out)
{
    struct buffer text;
    buffer_init(&text, BUFFER_UNBOUNDED);
    for (uint32_t i = 0; i < words; i++)
        words_add_listed(i, 1, &text);
    int status =
        build_small(m, model, no_text, (struct text){text.data, text.length}, output, true, out);
    buffer_free(&text);
    return status;
}

int prompt_maker_build_probe(const struct prompt_maker *m, const char *model, struct text text,
                             struct buffer *out)
{
    return build_probe(m, model, no_text, text, out);
}

int prompt_maker_build_probe_turn(const struct prompt_maker *m, const char *model, struct text text,
                                  struct buffer *out)
{
    const struct api_prompt said = {
        .add_text = add_given_text, .source = &text, .history = no_text};
    struct reply reply = {0};
    struct buffer history;
    buffer_init(&history, BUFFER_UNBOUNDED);
    reply_add(&reply.text, text);
    int bad = m->api->add_turn(&said, &reply, &history);
    if (!bad)
        bad = build_probe(m, model, (struct text){history.data, history.length}, text, out);
    buffer_free(&history);
    reply_free(&reply);
    return bad;
}
