/* libFuzzer entry: lines of "name: value" as an answer's headers, and the rest as the words of a
 * refusal. How long to wait is never negative, costs are never below zero, and what is advised can
 * be printed. */
#include "bench/answer/attempt.h"
#include "bench/refusal/advice.h"
#include "bench/refusal/retry_after.h"
#include "core/memory.h"

#include <stdlib.h>
#include <string.h>

#define MOST 16

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct text take_line(struct text *rest)
{
    const char *end = memchr(rest->at, '\n', rest->length);
    struct text line = {rest->at, end ? (size_t)(end - rest->at) : rest->length};
    size_t taken = line.length + (end != NULL);
    *rest = (struct text){rest->at + taken, rest->length - taken};
    return line;
}

static void answer(const struct answer_header *headers, size_t count)
{
    static const struct attempt_config config = {
        .api = &api_chat, .stream = true, .max_event = 4096, .max_body = 4096};
    struct attempt a;
    struct record r;
    attempt_init(&a);
    attempt_begin(&a, &config, 1);
    attempt_answer(&a, 200, "application/json");
    for (size_t i = 0; i < count; i++)
        attempt_header(&a, headers[i].name, headers[i].value);
    attempt_end(&a, FAILURE_NONE, NULL);
    record_init(&r);
    attempt_fill(&a, &r);
    if (r.has_cost && r.cost < 0)
        abort();
    attempt_free(&a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct answer_header headers[MOST];
    size_t count = 0;
    struct text rest = {(const char *)data, size}, line;
    while (rest.length && count < MOST && (line = take_line(&rest)).length) {
        const char *colon = memchr(line.at, ':', line.length);
        size_t name = colon ? (size_t)(colon - line.at) : line.length,
               from = name + (colon != NULL);
        headers[count].name = (struct text){line.at, name};
        headers[count++].value = text_trim((struct text){line.at + from, line.length - from});
    }
    int64_t wait_ns = 0;
    static const int statuses[] = {429, 503};
    for (size_t i = 0; i < 2; i++)
        if (retry_after_find(headers, count, statuses[i], 1790000000 * NS_PER_S, &wait_ns) &&
            wait_ns < 0)
            abort();
    answer(headers, count);
    char *words = mem_copy_text(rest.at, strnlen(rest.at, rest.length));
    struct advice_case c = {.failure = FAILURE_HTTP,
                            .http_status = 400,
                            .message = words,
                            .url = "http://h/v1/chat/completions",
                            .base = "http://h/v1",
                            .api = "chat",
                            .path = "/chat/completions",
                            .model = "m",
                            .output_key = "max_tokens",
                            .other_output_key = "max_completion_tokens"};
    struct buffer out;
    buffer_init(&out, BUFFER_UNBOUNDED);
    advice_add_what(&c, &out);
    advice_add(&c, &out);
    buffer_free(&out);
    free(words);
    return 0;
}
