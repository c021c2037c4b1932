/* How an answer ended, and the record of it. */
#include "bench/answer/attempt_state.h"
#include "bench/refusal/refusal_words.h"

#include <stdio.h>
#include <string.h>

/* What an HTTP status outside 2xx means. */
static enum failure_class status_failure(int http_status)
{
    if (http_status == 401 || http_status == 403)
        return FAILURE_AUTH;
    if (http_status == 429)
        return FAILURE_RATE_LIMITED;
    if (http_status >= 400 && http_status < 500)
        return FAILURE_BAD_REQUEST;
    if (http_status >= 500 && http_status < 600)
        return FAILURE_SERVER;
    return FAILURE_HTTP;
}

/* ---- the end ---- */

bool attempt_is_whole(const struct attempt *a)
{
    return a->done;
}

static void fail_truncated(struct attempt *a)
{
    char words[80];
    snprintf(words, sizeof words, "the stream ended without %s%s",
             a->finish_reason[0] ? "" : "finish_reason and ", a->config->api->end_mark);
    attempt_fail(a, FAILURE_TRUNCATED, text_of(words));
}

/* A whole answer without text: the model's silence, where a reason or counted tokens say that it
 * was asked at all. */
static void take_silence(struct attempt *a, const char *words)
{
    if (a->finish_reason[0] || usage_output(&a->so_far.usage) > 0)
        a->odd |= ODDITY(NO_TEXT);
    else
        attempt_fail(a, FAILURE_EMPTY, text_of(words));
}

static void note_missing_reason(struct attempt *a)
{
    if (a->failure == FAILURE_NONE && a->config->api->generates && !a->finish_reason[0])
        a->odd |= ODDITY(NO_FINISH_REASON);
}

/* The stream ended by its end mark, or as HTTP says behind a finish_reason: all of the answer came.
 * How the connection ended behind an end mark does not matter. */
static void end_whole(struct attempt *a)
{
    bool told = a->chunks == 0 || a->held == HELD_ERROR;
    if (told && !a->finish_reason[0] && attempt_fail_held(a))
        return;
    if (a->chunks == 0)
        take_silence(a, "the stream ended without a token");
    if (!a->done)
        a->odd |= ODDITY(NO_END_MARK);
    note_missing_reason(a);
}

static bool is_other(const struct attempt *a, const char *name)
{
    const struct bench_api *asked = a->config->api, *other = name ? bench_api_find(name) : NULL;
    return !other || other->read_answer != asked->read_answer ||
           other->generates != asked->generates;
}

void attempt_look(struct attempt *a, struct text data)
{
    const char *name, *words = chunk_event_looks_like(data, &name);
    if (words && is_other(a, name))
        a->looks_like = words;
}

/* A stream of another API holds no token for this one. */
static bool fail_other_stream(struct attempt *a)
{
    char message[ATTEMPT_MESSAGE_SIZE];
    if (!a->looks_like || a->chunks > 0)
        return false;
    snprintf(message, sizeof message, "the stream looks like %s, and --api %s was asked",
             a->looks_like, a->config->api->name);
    attempt_fail(a, FAILURE_EMPTY, text_of(message));
    return true;
}

static void end_stream(struct attempt *a, enum failure_class transport, const char *message)
{
    attempt_end_events(a);
    if (a->failure != FAILURE_NONE || a->cancelled)
        return;
    if (transport == FAILURE_NONE && a->held != HELD_ERROR && fail_other_stream(a))
        return;
    if (a->done || (a->finish_reason[0] && transport == FAILURE_NONE))
        end_whole(a);
    else if (attempt_fail_held(a))
        return;
    else if (transport != FAILURE_NONE)
        attempt_fail(a, transport, text_of(message));
    else
        fail_truncated(a);
}

/* With the words of a body that is no answer. */
static void fail_refused(struct attempt *a, enum failure_class why)
{
    struct buffer words;
    struct refusal r = {.http_status = a->http_status,
                        .content_type = a->content_type,
                        .location = a->location,
                        .path = a->config->api->path,
                        .body = attempt_body(a)};
    buffer_init(&words, ATTEMPT_ERROR_BODY);
    refusal_add_words(&r, &words);
    attempt_fail(a, why, (struct text){words.data, words.length});
    buffer_free(&words);
}

/* A body that is not one JSON value: perhaps lines of an event stream, of which one is an error. */
static void end_unread(struct attempt *a, struct text body)
{
    uint32_t odd = a->odd;
    if (refusal_is_page(a->content_type, body)) {
        fail_refused(a, FAILURE_MALFORMED);
        return;
    }
    if (a->config->stream && attempt_feed_events(a, body.at, body.length))
        attempt_end_events(a);
    if (a->failure != FAILURE_NONE)
        return;
    a->odd = odd; /* those are of the lines of a stream, which it is not */
    attempt_fail(a, FAILURE_MALFORMED, body.length ? body : text_of("the body is empty"));
}

/* The answer of another API holds no token for this one. Those that are read alike are one. */
static bool fail_other_api(struct attempt *a, struct text body)
{
    char message[ATTEMPT_MESSAGE_SIZE];
    const char *name, *words = chunk_looks_like(body, &name);
    const struct bench_api *asked = a->config->api;
    if (!words || !is_other(a, name))
        return false;
    snprintf(message, sizeof message, "the answer looks like %s, and --api %s was asked: %.*s",
             words, asked->name, (int)(body.length < 100 ? body.length : 100), body.at);
    attempt_fail(a, FAILURE_EMPTY, text_of(message));
    return true;
}

/* An answer of the API's form without text, or something else, whose words are told. */
static void end_silent(struct attempt *a, const struct chunk *c, struct text body)
{
    char message[ATTEMPT_MESSAGE_SIZE];
    struct text words;
    if (fail_other_api(a, body))
        return;
    if (c->is_foreign && chunk_find_words(body, &words)) {
        attempt_fail_json(a, FAILURE_ERROR_EVENT, words);
        return;
    }
    snprintf(message, sizeof message, "the answer holds no token: %.*s",
             (int)(body.length < 200 ? body.length : 200), body.at);
    if (c->is_foreign || !a->config->api->generates)
        attempt_fail(a, FAILURE_EMPTY, text_of(message));
    else
        take_silence(a, message);
}

static uint64_t plain_length(struct text raw)
{
    struct buffer plain;
    buffer_init(&plain, BUFFER_UNBOUNDED);
    json_unescape(raw, &plain);
    uint64_t length = plain.length;
    buffer_free(&plain);
    return length;
}

static void note_length(struct attempt *a, const struct chunk *c)
{
    a->whole_reasoning_bytes = plain_length(c->reasoning);
    a->whole_bytes = a->whole_reasoning_bytes + plain_length(c->content) +
                     plain_length(c->refusal) + plain_length(c->tool);
    for (unsigned i = 0; i < c->more_count; i++)
        a->whole_bytes += plain_length(c->more[i]);
}

static void end_body(struct attempt *a)
{
    struct chunk c;
    struct text whole = attempt_body(a), body = chunk_unwrap(whole);
    if (a->config->api->read_answer(body, &c) < 0 && !attempt_read_mended(a, NULL, &body, &c)) {
        end_unread(a, whole);
        return;
    }
    attempt_note_rest(a, &c);
    if (attempt_says_failed(a, &c, body))
        return;
    if (a->config->reply)
        a->config->api->read_reply(body, a->config->reply);
    if (a->config->api->generates ? c.tokens == 0 : c.results == 0)
        end_silent(a, &c, body);
    if (!a->so_far.has_usage || usage_output(&a->so_far.usage) == 0)
        note_length(a, &c);
    note_missing_reason(a);
    a->seen.last_token_ns = a->last_byte_ns;
}

/* Only of the whole: a secret may have come in pieces. */
static void hide_secrets(const struct attempt *a, struct buffer *kept)
{
    struct text all = {kept->data, kept->length}, found;
    struct buffer shown;
    if (!secrets_find(a->config->secrets, all, 0, &found))
        return;
    buffer_init(&shown, kept->cap);
    secrets_hide(a->config->secrets, all, kept->cap, &shown);
    buffer_free(kept);
    *kept = shown;
}

static void conclude(struct attempt *a, enum failure_class transport, const char *message)
{
    if (a->cancelled)
        return;
    if (a->shape == SHAPE_OPEN && attempt_behind_blanks(attempt_body(a)).length)
        a->is_stream = false; /* its bytes are too few to tell */
    if (a->http_status && !attempt_is_good(a))
        fail_refused(a, status_failure(a->http_status));
    else if (a->http_status && a->is_stream)
        end_stream(a, transport, message);
    else if (transport != FAILURE_NONE)
        attempt_fail(a, transport, text_of(message));
    else if (a->failure == FAILURE_NONE)
        end_body(a);
}

void attempt_end(struct attempt *a, enum failure_class transport, const char *message)
{
    conclude(a, transport, message ? message : "");
    hide_secrets(a, &a->text);
    hide_secrets(a, &a->raw_usage);
}

/* Text has some four bytes a token. */
static uint64_t tokens_of(uint64_t bytes)
{
    return (bytes + 3) / 4;
}

/* From the chunks of a stream, from the text of a whole answer. */
static void estimate_output(const struct attempt *a, struct record *r)
{
    r->usage.tokens[USAGE_REASONING] = a->reasoning_count;
    r->usage.tokens[USAGE_OUTPUT] = a->chunks - a->reasoning_count;
    if (a->is_stream || !a->config->api->generates)
        return;
    r->usage.tokens[USAGE_REASONING] = tokens_of(a->whole_reasoning_bytes);
    r->usage.tokens[USAGE_OUTPUT] = tokens_of(a->whole_bytes - a->whole_reasoning_bytes);
    if (a->whole_bytes == 0) /* sound, pictures: nothing else is known of their length */
        r->usage.tokens[USAGE_OUTPUT] = r->asked_output;
}

/* Some servers count in each event's usage that event alone: a report for every chunk, more chunks
 * than any of them counts tokens, and together at least as many tokens as chunks. Reports that only
 * grow count all so far, also where a token comes in several chunks. */
static void add_up_usage(const struct attempt *a, struct record *r)
{
    bool grows = a->usage_rose && !a->usage_fell;
    if (a->usage_reports < 2 || a->usage_reports < a->chunks || grows ||
        usage_output(&r->usage) >= a->chunks || a->usage_output_sum < a->chunks)
        return;
    r->usage.tokens[USAGE_REASONING] = a->usage_reasoning_sum;
    r->usage.tokens[USAGE_OUTPUT] += a->usage_output_sum - usage_output(&r->usage);
    r->odd = (r->odd & ~ODDITY(USAGE_BACK)) | ODDITY(USAGE_PARTS);
}

/* Counts that no request has are unknown. */
static void drop_absurd(struct record *r)
{
    bool input = usage_input(&r->usage) > RECORD_MOST_TOKENS;
    bool output = usage_output(&r->usage) > RECORD_MOST_TOKENS;
    for (int c = 0; c < USAGE_CLASSES; c++)
        if (usage_is_output((enum usage_class)c) ? output : input)
            r->usage.tokens[c] = 0;
    r->odd |= input || output ? ODDITY(USAGE_NUMBER) : 0;
}

/* The server's, but for a length of 0 where there was text: that is estimated. */
static void fill_usage(const struct attempt *a, struct record *r)
{
    bool said = a->so_far.has_usage, silent = r->odd & ODDITY(NO_TEXT);
    if (said) {
        r->odd |= usage_report_resolve(&a->report, &r->usage);
        add_up_usage(a, r);
        drop_absurd(r);
        r->usage_from = USAGE_SERVER;
    }
    if (!attempt_is_good(a) || (a->chunks == 0 && r->status != RECORD_COMPLETED))
        return;
    bool no_output =
        usage_output(&r->usage) == 0 && (!said || (a->config->api->generates && !silent));
    bool no_input = usage_input(&r->usage) == 0 && (!said || r->asked_input > 0);
    bool is_total = usage_report_is_total(&a->report);
    if (no_output && is_total) /* which holds the output, too */
        no_input = true;
    if (no_input)
        usage_fit(&r->usage, r->asked_input, usage_output(&r->usage));
    if (no_output)
        estimate_output(a, r);
    /* An answer that ended before its usage did: what came by then is known from the chunks. */
    if (a->so_far.usage_grows && a->chunks > usage_output(&r->usage)) {
        estimate_output(a, r);
        r->usage_from = USAGE_ESTIMATED;
    }
    if (!no_input && !no_output)
        return;
    r->usage_from = USAGE_ESTIMATED;
    bool zero = (no_input && usage_report_has_input(&a->report) && !is_total) ||
                (no_output && usage_report_has_output(&a->report));
    if (said)
        r->odd |= zero ? ODDITY(USAGE_ZERO) : ODDITY(USAGE_UNKNOWN);
}

/* Reasoning of which nothing, or a summary alone, came as chunks is not in the answer's pace. */
static void fill_pace(const struct attempt *a, struct record *r)
{
    uint64_t hidden = r->reasoning_chunks ? 0 : r->usage.tokens[USAGE_REASONING];
    uint64_t n = usage_output(&r->usage) - hidden;
    r->first_chunk_tokens = spread_first_tokens(&a->spread, n, hidden);
}

void attempt_fill(const struct attempt *a, struct record *r)
{
    for (int i = RECORD_FIRST_MEASURED; i < RECORD_TIMES; i++)
        r->times_ns[i] = a->seen.times_ns[i];
    r->http_status = a->http_status;
    r->streamed = a->is_stream;
    r->chunks = a->chunks;
    r->chunk_ns = a->chunks ? a->chunk_ns : NULL;
    r->reasoning_chunks = a->reasoning_count > a->summaries;
    r->slow_reader = a->batched * 2 > a->chunks;
    r->odd = a->odd;
    r->failure = a->failure;
    r->status = a->failure != FAILURE_NONE ? RECORD_FAILED
                : a->cancelled             ? RECORD_CANCELLED
                                           : RECORD_COMPLETED;
    r->finish_reason = a->finish_reason[0] ? a->finish_reason : NULL;
    r->message = a->failure != FAILURE_NONE && a->message[0] ? a->message : NULL;
    r->content_type = a->failure != FAILURE_NONE && a->content_type[0] ? a->content_type : NULL;
    r->text = a->config->keep_text && a->text.length ? a->text.data : NULL;
    r->raw_usage = a->raw_usage.length ? a->raw_usage.data : NULL;
    r->has_cost = a->report.has_cost || a->has_header_cost;
    r->cost = a->report.has_cost ? a->report.cost : a->header_cost;
    fill_usage(a, r);
    if (a->unit.name) {
        r->usage.extras = &a->unit;
        r->usage.extra_count = 1;
    }
    fill_pace(a, r);
}

int64_t *attempt_take_chunks(struct attempt *a)
{
    int64_t *taken = a->chunks ? a->chunk_ns : NULL;
    if (taken) {
        a->chunk_ns = NULL;
        a->chunk_capacity = 0;
    }
    return taken;
}
