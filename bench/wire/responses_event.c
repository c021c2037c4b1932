#include "bench/wire/responses.h"

#include <stddef.h>
#include <string.h>

/* Which token text the events of a name bear, without their ".delta" or ".done". The first that
 * matches counts. */
static const struct {
    const char *stem;
    unsigned kind;
} stems[] = {
    {"response.output_text", CHUNK_CONTENT},
    {"response.function_call_arguments", CHUNK_TOOL},
    {"response.reasoning_summary*", CHUNK_REASONING | CHUNK_SUMMARY},
    {"response.reasoning*", CHUNK_REASONING},
    {"response.refusal", CHUNK_REFUSAL},
    {"response.*call*", CHUNK_TOOL},
    {"response.*transcript", CHUNK_CONTENT},
    {"response.*text", CHUNK_CONTENT},
};

/* The members of an event, in any order. */
struct event {
    struct text type, delta, whole, item, response, message;
};

static void take_string(struct json_scan *s, struct text *out)
{
    if (json_skip_unless(s, JSON_STRING))
        json_string(s, out);
}

/* A text, or an object that holds it. */
static void read_delta(struct json_scan *s, struct text *out)
{
    struct text key;
    if (json_peek(s) != JSON_OBJECT) {
        take_string(s, out);
        return;
    }
    json_object_begin(s);
    while (json_object_next(s, &key)) {
        if (text_equal(key, "text"))
            take_string(s, out);
        else
            json_skip(s, NULL);
    }
}

static bool holds_whole(struct text key)
{
    static const char *const names[] = {"text", "arguments",  "refusal", "input",
                                        "code", "transcript", NULL};
    return text_place(key, names) >= 0;
}

static void read_member(struct json_scan *s, struct text key, struct event *e, struct chunk *out)
{
    if (text_equal(key, "type"))
        take_string(s, &e->type);
    else if (text_equal(key, "delta"))
        read_delta(s, &e->delta);
    else if (text_equal(key, "item"))
        json_skip(s, &e->item);
    else if (text_equal(key, "response"))
        json_skip(s, &e->response);
    else if (text_equal(key, "error"))
        chunk_read_error(s, out);
    else if (text_equal(key, "message"))
        take_string(s, &e->message);
    else if (holds_whole(key))
        take_string(s, &e->whole);
    else if (!chunk_find_usage(s, key, out))
        json_skip(s, NULL);
}

static bool ends_with(struct text type, const char *end, struct text *stem)
{
    size_t n = strlen(end);
    if (type.length <= n || memcmp(type.at + type.length - n, end, n) != 0)
        return false;
    *stem = (struct text){type.at, type.length - n - 1}; /* without its point */
    return true;
}

static void take_text(struct text stem, struct text words, struct chunk *out)
{
    size_t i = 0, count = sizeof stems / sizeof *stems;
    while (i < count && !text_matches(stem, text_of(stems[i].stem)))
        i++;
    if (i == count || words.length == 0)
        return;
    struct text *where = stems[i].kind == CHUNK_CONTENT    ? &out->content
                         : stems[i].kind & CHUNK_REASONING ? &out->reasoning
                         : stems[i].kind == CHUNK_REFUSAL  ? &out->refusal
                                                           : &out->tool;
    *where = words;
    out->tokens |= stems[i].kind;
}

/* The word of an event that ends the stream: the response's status, if it does not name it. */
static bool is_end(struct text type, struct text *status)
{
    static const char *const ends[] = {"response.completed", "response.incomplete",
                                       "response.failed",    "response.cancelled",
                                       "response.done",      NULL};
    int place = text_place(type, ends);
    if (place < 0)
        return false;
    *status =
        text_of(strcmp(ends[place], "response.done") == 0 ? "completed"
                                                          : ends[place] + strlen("response."));
    return true;
}

static int take_end(const struct event *e, struct text status, const struct answer_so_far *so_far,
                    struct chunk *out)
{
    bool told = e->response.length && e->response.at[0] == '{';
    out->ends = true;
    return responses_read_response(told ? e->response : text_of("{}"), status, so_far, out);
}

static int take_event(const struct event *e, const struct answer_so_far *so_far, struct chunk *out)
{
    struct text stem, status;
    if (ends_with(e->type, "delta", &stem)) {
        take_text(stem, e->delta, out);
    } else if (is_end(e->type, &status)) {
        return take_end(e, status, so_far, out);
    } else if (text_equal(e->type, "response.output_item.added")) {
        responses_read_call(e->item, out);
        out->begins = true;
    } else if (ends_with(e->type, "part.added", &stem)) {
        out->begins = true;
    } else if (so_far->part_tokens == 0 && text_equal(e->type, "response.output_item.done")) {
        responses_read_item(e->item, out);
    } else if (so_far->part_tokens == 0 && ends_with(e->type, "done", &stem)) {
        take_text(stem, e->whole, out);
    }
    return 0;
}

int responses_read_event(const struct answer_so_far *so_far, const char *event, struct text data,
                         struct chunk *out)
{
    struct json_scan s;
    struct text key;
    struct event e = {.type = text_of(event)};
    memset(out, 0, offsetof(struct chunk, more));
    if (data.length && data.at[0] != '{' && chunk_is_end_mark(data)) { /* of gateways */
        out->ends = true;
        return 0;
    }
    json_scan_init(&s, "event", data.at, data.length, 1);
    json_object_begin(&s);
    while (json_object_next(&s, &key))
        read_member(&s, key, &e, out);
    if (json_scan_end(&s, NULL) < 0)
        return -1;
    if (out->is_error || text_equal(e.type, "error") || strcmp(event, "error") == 0) {
        out->is_error = true;
        if (out->error_message.length == 0)
            out->error_message = e.message;
        return 0;
    }
    out->is_foreign = !text_starts(e.type, "response.");
    return take_event(&e, so_far, out);
}
