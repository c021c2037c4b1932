/* Why an answer failed, in words. */
#include "bench/answer/attempt_state.h"
#include "core/json/json_scan.h"

#include <stdio.h>
#include <string.h>

void attempt_fail(struct attempt *a, enum failure_class why, struct text words)
{
    if (a->failure != FAILURE_NONE)
        return;
    a->failure = why;
    secrets_show(a->config->secrets, words, a->message, sizeof a->message);
    if (text_trim(text_of(a->message)).length == 0)
        text_cut(text_of("the server gave no reason"), a->message, sizeof a->message);
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
    struct text plain = plain_words(raw, &words);
    secrets_show(a->config->secrets, plain, a->message, sizeof a->message);
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
