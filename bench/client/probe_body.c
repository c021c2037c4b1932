#include "bench/answer/attempt.h"
#include "bench/client/probe_state.h"
#include "bench/refusal/advice.h"
#include "bench/refusal/refused_key.h"
#include "core/clock.h"
#include "core/json/json_scan.h"

#include <stdio.h>
#include <string.h>

#define ROUNDS 6           /* as many keys can be refused, one after the other */
#define MORE_OUTPUT 16     /* tokens, where one is refused */
#define ENOUGH (64u << 10) /* bytes of an answer */
#define MOST_KEYS 8
#define LISTED 6 /* models by name */

struct trial {
    struct probe *probe;
    struct prompt_maker *maker;
    uint32_t output;                 /* tokens asked for */
    const char *key;                 /* of the output's length, as it is now */
    bool whole;                      /* the last answer was no stream */
    unsigned refused;                /* of api->output_keys, by place */
    const char *keys[MOST_KEYS + 1]; /* what bodies hold by our choice */
};

static void remark(struct probe *p, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void remark(struct probe *p, const char *format, ...)
{
    char *words = p->result->remarks;
    size_t size = sizeof p->result->remarks, used = strlen(words);
    va_list args;
    if (used)
        used += (size_t)snprintf(words + used, size - used, "; ");
    va_start(args, format);
    if (used < size)
        vsnprintf(words + used, size - used, format, args);
    va_end(args);
}

/* ---- keys ---- */

/* For processes that repeat the change: see struct fidelity_probe. */
static void note_change(struct probe *p, char kind, const char *key)
{
    char *changes = p->result->changes;
    size_t size = sizeof p->result->changes, used = strlen(changes);
    snprintf(changes + used, size - used, "%c%s ", kind, key);
}

static void leave_out(struct trial *t, const char *key)
{
    prompt_maker_leave_out(t->maker, key);
    note_change(t->probe, '-', key);
}

static void list_keys(struct trial *t)
{
    const char *const *output = t->probe->config->api->output_keys;
    const char *all[MOST_KEYS] = {"stream_options", "stream", t->key};
    size_t count = 3, kept = 0;
    for (size_t i = 0; output && output[i] && count < MOST_KEYS; i++)
        all[count++] = output[i];
    for (size_t i = 0; i < count; i++)
        if (prompt_maker_adds(t->maker, text_of(all[i])))
            t->keys[kept++] = all[i];
    t->keys[kept] = NULL;
}

/* The API's other name for the output's length: one that the refusal names, else the next. */
static const char *other_output_key(struct trial *t, struct text words)
{
    const char *const *all = t->probe->config->api->output_keys;
    const char *next = NULL;
    for (size_t i = 0; all && all[i] && i < 32; i++) {
        if (strcmp(all[i], t->key) == 0)
            t->refused |= 1u << i;
        if (t->refused >> i & 1)
            continue;
        if (refused_key_named(words, all[i]))
            return all[i];
        next = next ? next : all[i];
    }
    return next;
}

static void take_other_output_key(struct trial *t, struct text words)
{
    const char *other = other_output_key(t, words);
    if (other) {
        prompt_maker_name_output(t->maker, other);
        note_change(t->probe, '=', other);
        remark(t->probe, "%s is not taken: the length of answers is asked for as %s", t->key,
               other);
        t->key = other;
    } else {
        leave_out(t, t->key);
        remark(t->probe, "%s is not taken and left out: answers end where the model ends them",
               t->key);
    }
}

/* True if the bodies have changed, so that it is worth to ask again. */
static bool adapt(struct trial *t)
{
    struct text words = {t->probe->words.data ? t->probe->words.data : "", t->probe->words.length};
    list_keys(t);
    int i = refused_key_find(words, t->keys);
    if (i < 0) { /* its value, perhaps */
        bool more = t->output < MORE_OUTPUT && refused_key_named(words, t->key);
        t->output = MORE_OUTPUT;
        return more;
    }
    if (strcmp(t->keys[i], t->key) == 0) {
        take_other_output_key(t, words);
        return true;
    }
    leave_out(t, t->keys[i]);
    remark(t->probe, "%s is not taken and left out%s", t->keys[i],
           strcmp(t->keys[i], "stream") ? "" : ": there are no times of first tokens");
    return true;
}

/* ---- models ---- */

static void add_model(struct text id, size_t number, struct buffer *out)
{
    if (number < LISTED)
        buffer_add_format(out, "%s%.*s", number ? ", " : "", (int)id.length, id.at);
}

/* "a, b, c and 12 more", of {"data": [{"id": "a"}, ...]}. */
static void list_models(const struct buffer *answer, struct buffer *out)
{
    struct json_scan s;
    struct text key, id;
    size_t count = 0;
    json_scan_init(&s, "models", answer->data ? answer->data : "", answer->length, 1);
    json_object_begin(&s);
    while (json_object_next(&s, &key)) {
        if (!text_equal(key, "data") || json_peek(&s) != JSON_ARRAY) {
            json_skip(&s, NULL);
            continue;
        }
        json_array_begin(&s);
        while (json_array_next(&s)) {
            if (!json_skip_unless(&s, JSON_OBJECT))
                continue;
            json_object_begin(&s);
            while (json_object_next(&s, &key)) {
                if (text_equal(key, "id") && json_peek(&s) == JSON_STRING && json_string(&s, &id))
                    add_model(id, count++, out);
                else
                    json_skip(&s, NULL);
            }
        }
    }
    if (count > LISTED)
        buffer_add_format(out, " and %zu more", count - LISTED);
}

static void look_for_models(struct probe *p)
{
    struct buffer list;
    char note[sizeof p->result->note];
    struct text words = {p->words.data ? p->words.data : "", p->words.length};
    if (!advice_is_of_model((int)p->status, words, p->endpoint->model))
        return;
    memcpy(note, p->result->note, sizeof note);
    buffer_init(&list, BUFFER_UNBOUNDED);
    if (probe_ask_models(p) == 0)
        list_models(&p->answer, &list);
    if (list.length)
        secrets_show(&p->endpoint->secrets, (struct text){list.data, list.length},
                     p->result->served, sizeof p->result->served);
    memcpy(p->result->note, note, sizeof note);
    buffer_free(&list);
}

/* ---- the exchange ---- */

/* Reads the answer as the run will read its own. False if it is a refusal after all: some servers
 * give those status 200. */
static bool read_answer(struct trial *t)
{
    struct probe *p = t->probe;
    struct attempt_config c = {
        .api = p->config->api, .stream = true, .max_event = ENOUGH, .max_body = ENOUGH};
    struct arrival at = {clock_now_ns(), clock_now_ns(), 1};
    struct attempt a;
    attempt_init(&a);
    attempt_begin(&a, &c, at.read_ns);
    attempt_answer(&a, (int)p->status, p->type);
    if (p->answer.length)
        attempt_feed(&a, &at, p->answer.data, p->answer.length);
    attempt_end(&a, FAILURE_NONE, NULL);
    t->whole = !a.is_stream && a.failure == FAILURE_NONE;
    if (a.so_far.has_usage)
        p->result->input_tokens += usage_input(&a.so_far.usage);
    bool good = a.failure == FAILURE_NONE;
    if (!good)
        buffer_add_text(&p->words, a.message);
    attempt_free(&a);
    return good;
}

static bool is_answered(struct trial *t)
{
    struct probe *p = t->probe;
    struct buffer body;
    size_t cap = p->answer.cap;
    buffer_init(&body, BUFFER_UNBOUNDED);
    prompt_maker_build_trial(t->maker, probe_model(p), PROBE_TRIAL_WORDS, t->output, &body);
    p->answer.cap = ENOUGH;
    p->result->requests += !p->over;
    int failed = probe_exchange(p, &body, "a first request");
    p->answer.cap = cap;
    buffer_free(&body);
    return failed == 0 && read_answer(t);
}

void probe_repeat_changes(const char *changes, struct prompt_maker *m)
{
    char key[FIDELITY_TEXT_SIZE];
    for (const char *at = changes; *at; at += strcspn(at, " ") + 1) {
        text_cut((struct text){at + 1, strcspn(at + 1, " ")}, key, sizeof key);
        if (*at == '=')
            prompt_maker_name_output(m, key);
        else
            prompt_maker_leave_out(m, key);
        if (at[strcspn(at, " ")] == '\0')
            break;
    }
}

void probe_try_body(struct probe *p, struct prompt_maker *m)
{
    const struct bench_config *c = p->config;
    struct trial t = {.probe = p, .maker = m, .output = 1};
    if (!c->api->generates || !c->api->output_keys)
        return;
    t.key = c->output_key ? c->output_key : c->api->output_keys[0];
    bool answered = is_answered(&t);
    for (int i = 0; i < ROUNDS && !answered && p->words.length && !p->over && adapt(&t); i++)
        answered = is_answered(&t);
    if (answered)
        p->result->note[0] = '\0'; /* what was refused stands in the remarks */
    if (!answered && !p->over)
        look_for_models(p);
    else if (answered && t.whole && prompt_maker_adds(m, text_of("stream")))
        remark(p, "it answers as a whole although a stream was asked for: there are no times of "
                  "first tokens");
}
