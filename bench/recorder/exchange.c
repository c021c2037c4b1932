#include "bench/recorder/exchange.h"

#include "core/memory.h"

#include <stdlib.h>
#include <string.h>

#define MAX_BODY ((size_t)16 << 20)
#define MAX_EVENT ((size_t)16 << 20)
#define MAX_ANSWER_HEAD ((size_t)1 << 20)

struct exchange *exchange_create(const struct bench_api *api, int64_t arrived_ns)
{
    struct exchange *x = mem_zero(1, sizeof *x);
    x->api = api;
    x->arrived_ns = arrived_ns;
    x->config = (struct attempt_config){
        .api = api, .stream = true, .max_event = MAX_EVENT, .max_body = MAX_BODY};
    buffer_init(&x->body, MAX_BODY);
    buffer_init(&x->head, MAX_ANSWER_HEAD);
    buffer_init(&x->answer, EXCHANGE_ANSWER_KEPT);
    buffer_init(&x->unread, BUFFER_UNBOUNDED);
    attempt_init(&x->attempt);
    attempt_begin(&x->attempt, &x->config, arrived_ns);
    return x;
}

void exchange_free(struct exchange *x)
{
    if (!x)
        return;
    attempt_free(&x->attempt);
    buffer_free(&x->body);
    buffer_free(&x->head);
    buffer_free(&x->answer);
    buffer_free(&x->unread);
    free(x->labels);
    free(x->session);
    free(x);
}

static void read_data(struct exchange *x, struct text data)
{
    if (data.length == 0)
        return;
    size_t room = x->answer.cap - x->answer.length;
    buffer_add(&x->answer, data.at, data.length < room ? data.length : room);
    if (!x->read_enough && !attempt_feed(&x->attempt, &x->arrived, data.at, data.length))
        x->read_enough = true; /* the caller gets the rest all the same */
}

void exchange_keep(struct exchange *x, const struct arrival *now, const char *raw, size_t count)
{
    x->arrived = *now;
    buffer_add(&x->unread, raw, count);
}

void exchange_read(struct exchange *x)
{
    const char *raw = x->unread.data;
    size_t count = x->unread.length;
    struct text data;
    if (!x->is_chunked && count > 0)
        read_data(x, (struct text){raw, count});
    for (size_t at = 0; x->is_chunked && at < count && !x->framing.done && !x->framing.bad;) {
        at += chunked_take(&x->framing, raw + at, count - at, &data);
        read_data(x, data);
    }
    buffer_clear(&x->unread);
}
