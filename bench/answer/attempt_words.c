/* Why an answer failed, in words. */
#include "bench/answer/attempt_state.h"
#include "core/json/json_scan.h"
#include "core/printable.h"

#include <stdio.h>
#include <string.h>

/* Control characters become spaces, bytes that are not UTF-8 question marks. */
static void make_plain(struct buffer *words)
{
    size_t n = words->length, bad;
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)words->data[i];
        if (c < ' ' || c == 0x7f)
            words->data[i] = ' ';
    }
    for (size_t at = 0; at < n && !text_is_utf8(words->data + at, n - at, &bad); at += bad + 1)
        words->data[at + bad] = '?';
}

/* Keeps words about a failure, without secrets, as text that a terminal can show, cut between two
 * characters. */
static void set_message(struct attempt *a, struct text words)
{
    struct printable filter = {0};
    struct buffer hidden, shown;
    buffer_init(&hidden, 4 * sizeof a->message);
    buffer_init(&shown, BUFFER_UNBOUNDED);
    secrets_hide(a->config->secrets, words, hidden.cap - 1, &hidden);
    make_plain(&hidden);
    if (hidden.length)
        printable_add(&filter, hidden.data, hidden.length, &shown);
    printable_end(&filter, &shown);
    text_cut((struct text){shown.data ? shown.data : "", shown.length}, a->message,
             sizeof a->message);
    buffer_free(&hidden);
    buffer_free(&shown);
}

void attempt_fail(struct attempt *a, enum failure_class why, struct text words)
{
    if (a->failure != FAILURE_NONE)
        return;
    a->failure = why;
    set_message(a, words);
}

/* Words that stand in JSON, without its escapes; `out` is for them. */
static struct text plain_words(struct text raw, struct buffer *out)
{
    bool is_text = json_unescape(raw, out) && out->length;
    return is_text ? (struct text){out->data, out->length} : raw;
}

void attempt_fail_json(struct attempt *a, enum failure_class why, struct text raw)
{
    struct buffer words;
    buffer_init(&words, ATTEMPT_ERROR_BODY);
    attempt_fail(a, why, plain_words(raw, &words));
    buffer_free(&words);
}

/* ---- errors inside of answers ---- */

void attempt_hold(struct attempt *a, enum held_words whose, struct text raw)
{
    struct buffer words;
    if (raw.length == 0 || a->failure != FAILURE_NONE || a->held >= whose)
        return;
    a->held = whose;
    buffer_init(&words, ATTEMPT_ERROR_BODY);
    set_message(a, plain_words(raw, &words));
    buffer_free(&words);
}

bool attempt_fail_held(struct attempt *a)
{
    if (a->held == HELD_ERROR)
        a->failure = FAILURE_ERROR_EVENT;
    else if (a->held == HELD_UNREAD && !a->understood)
        a->failure = FAILURE_MALFORMED;
    return a->failure != FAILURE_NONE;
}

/* The words of an error that came as an event or a body. */
static void fail_error(struct attempt *a, const struct chunk *c, struct text data)
{
    struct text words = c->error_message;
    if (words.length || chunk_find_words(data, &words))
        attempt_fail_json(a, FAILURE_ERROR_EVENT, words);
    else
        attempt_fail(a, FAILURE_ERROR_EVENT, data);
}

bool attempt_says_failed(struct attempt *a, const struct chunk *c, struct text data)
{
    char words[96];
    if (c->is_error) {
        fail_error(a, c, data);
        return true;
    }
    if (!c->finish_reason.length || !chunk_reason_fails(c->finish_reason))
        return false;
    snprintf(words, sizeof words, "the server ended the answer with finish_reason \"%s\"",
             a->finish_reason);
    if (c->error_message.length)
        attempt_fail_json(a, FAILURE_ERROR_EVENT, c->error_message);
    else
        attempt_fail(a, FAILURE_ERROR_EVENT, text_of(words));
    return true;
}
