#include "bench/client/client_state.h"
#include "bench/client/stale.h"
#include "bench/refusal/retry_after.h"
#include "bench/wire/curl_failure.h"
#include "core/clock.h"
#include "core/memory.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SHARD_CONNECTIONS 250
#define READ_BUFFER 16384L
#define MOST_HEADERS 100 /* of an answer, as far as they are looked at */
#define MOST_HEADER_BYTES ((size_t)300 << 10)

/* ---- one exchange ---- */

int transfer_status(const struct transfer *t)
{
    long status = 0;
    curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
    return (int)status;
}

struct place *transfer_place(const struct transfer *t)
{
    return &t->shard->places[t->endpoint - t->client->config.first_endpoint];
}

static void take_answer(struct transfer *t)
{
    char *type = NULL;
    if (t->answered)
        return;
    t->answered = true;
    curl_easy_getinfo(t->easy, CURLINFO_CONTENT_TYPE, &type);
    attempt_answer(&t->attempt, transfer_status(t), type);
}

static size_t on_bytes(char *bytes, size_t size, size_t count, void *context)
{
    struct transfer *t = context;
    struct arrival now = t->client->now;
    /* A socket that carries many streams was readable for any of them, and libcurl reads on while
     * it serves them: what this one got is known to be there now, not before. The same holds where
     * libcurl reads without having been told that a socket is readable. */
    if (t->endpoint->config->http2 || t->client->unasked)
        now.wake_ns = now.read_ns = clock_now_ns();
    take_answer(t);
    size_t length = size * count;
    bool go_on = attempt_feed(&t->attempt, &now, bytes, length);
    if (go_on && t->whole_ns == TIME_NEVER && attempt_is_whole(&t->attempt)) {
        t->whole_ns = clock_now_ns();
        t->client->config.on_whole(t->client->config.context, t);
    }
    return go_on ? length : 0;
}

/* libcurl keeps every header, and bounds only those before a body. */
static size_t on_header(char *bytes, size_t size, size_t count, void *context)
{
    struct transfer *t = context;
    (void)bytes;
    t->header_bytes += size * count;
    return t->header_bytes <= MOST_HEADER_BYTES ? size * count : 0;
}

static void set_up(struct transfer *t)
{
    CURL *e = t->easy;
    curl_easy_setopt(e, CURLOPT_PRIVATE, t);
    curl_easy_setopt(e, CURLOPT_ERRORBUFFER, t->error);
    curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, on_bytes);
    curl_easy_setopt(e, CURLOPT_WRITEDATA, t);
    curl_easy_setopt(e, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(e, CURLOPT_HEADERDATA, t);
    curl_easy_setopt(e, CURLOPT_PREREQFUNCTION, stale_on_sending);
    curl_easy_setopt(e, CURLOPT_PREREQDATA, t);
    client_set_up_sockets(t);
    curl_easy_setopt(e, CURLOPT_BUFFERSIZE, READ_BUFFER);
    curl_easy_setopt(e, CURLOPT_NOPROGRESS, 1L);
    curl_easy_setopt(e, CURLOPT_POST, 1L);
    curl_easy_setopt(e, CURLOPT_CONNECTTIMEOUT_MS,
                     (long)(t->client->config.connect_timeout_ns / NS_PER_MS));
}

struct transfer *client_get(struct client *c)
{
    struct transfer *t = c->free;
    if (t) {
        c->free = t->next;
        return t;
    }
    t = mem_zero(1, sizeof *t);
    t->client = c;
    t->easy = curl_easy_init();
    attempt_init(&t->attempt);
    buffer_init(&t->body, BUFFER_UNBOUNDED);
    t->headers.data = t->id_line;
    set_up(t);
    mem_grow(&c->all, &c->transfer_capacity, c->transfer_count + 1, sizeof *c->all);
    c->all[c->transfer_count++] = t;
    return t;
}

void client_release(struct client *c, struct transfer *t)
{
    if (t->body.capacity > 65536)
        buffer_free(&t->body);
    else
        buffer_clear(&t->body);
    t->next = c->free;
    c->free = t;
}

static struct shard *new_shard(struct client *c)
{
    struct shard *s = mem_zero(1, sizeof *s);
    s->client = c;
    s->multi = curl_multi_init();
    s->timer_ns = TIME_NEVER;
    s->places = mem_zero(c->config.endpoints, sizeof *s->places);
    client_set_up_shard(s);
    curl_multi_setopt(s->multi, CURLMOPT_MAXCONNECTS, (long)c->config.shard_connections + 16);
    curl_multi_setopt(s->multi, CURLMOPT_PIPELINING, CURLPIPE_MULTIPLEX);
    /* Streams on a connection; else libcurl stops at 100, whatever the server allows. */
    curl_multi_setopt(s->multi, CURLMOPT_MAX_CONCURRENT_STREAMS, (long)c->config.shard_connections);
    mem_grow(&c->shards, &c->shard_capacity, c->shard_count + 1, sizeof *c->shards);
    c->shards[c->shard_count++] = s;
    return s;
}

/* The first shard with room: load gathers in the first ones, where connections are warm. */
static struct shard *pick_shard(struct client *c)
{
    for (size_t i = 0; i < c->shard_count; i++)
        if (c->shards[i]->in_flight < c->config.shard_connections)
            return c->shards[i];
    return new_shard(c);
}

static void point_at(struct transfer *t, const struct endpoint *e)
{
    if (t->endpoint != e) {
        endpoint_apply(e, t->easy);
        t->headers.next = e->headers;
        curl_easy_setopt(t->easy, CURLOPT_HTTPHEADER, &t->headers);
    }
    t->endpoint = e;
    t->joins = e->joins;
    t->found_none = false;
    if (t->joins)
        curl_easy_setopt(t->easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2_0);
    curl_easy_setopt(t->easy, CURLOPT_FRESH_CONNECT, 0L);
    /* The list stays, only the text of its first line changes: "X:" sends nothing. */
    snprintf(t->id_line, sizeof t->id_line, "X-Request-Id:%s%s", t->request_id[0] ? " " : "",
             t->request_id);
    struct place *place = transfer_place(t);
    curl_easy_setopt(t->easy, CURLOPT_RESOLVE, place->resolved ? NULL : e->resolve);
    place->resolved = true;
}

void client_send(struct client *c, struct transfer *t, const struct endpoint *e,
                 const struct attempt_config *config, int64_t now_ns)
{
    t->shard = pick_shard(c);
    t->connected_ns = TIME_NEVER;
    t->sendings = t->connects = 0;
    t->header_bytes = 0;
    t->open_errno = 0;
    t->asked_wait_ns = 0;
    t->answered = t->ended = false;
    t->reused = t->began = t->resent = false;
    t->kept = NULL;
    t->warm_connect_ns = TIME_NEVER;
    t->whole_ns = TIME_NEVER;
    t->error[0] = '\0';
    attempt_begin(&t->attempt, config, now_ns);
    point_at(t, e);
    curl_easy_setopt(t->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)t->body.length);
    curl_easy_setopt(t->easy, CURLOPT_POSTFIELDS, t->body.data);
    t->shard->in_flight++;
    curl_multi_add_handle(t->shard->multi, t->easy);
    client_act_unasked(t->shard);
}

/* ---- ends ---- */

/* True if it was this machine that could not make the connection: no open file, no port. */
static bool lacks_means(struct transfer *t)
{
    long from_connect = 0;
    if (!t->open_errno && curl_easy_getinfo(t->easy, CURLINFO_OS_ERRNO, &from_connect) == CURLE_OK)
        t->open_errno = (int)from_connect;
    return t->open_errno == EMFILE || t->open_errno == ENFILE || t->open_errno == ENOBUFS ||
           t->open_errno == ENOMEM || t->open_errno == EADDRNOTAVAIL;
}

static enum failure_class classify(struct transfer *t, CURLcode code)
{
    if (t->header_bytes > MOST_HEADER_BYTES)
        return FAILURE_TOO_LARGE;
    enum failure_class why =
        curl_failure(code, t->connected_ns != TIME_NEVER, transfer_status(t) != 0, t->error);
    return why == FAILURE_CONNECT && lacks_means(t) ? FAILURE_CLIENT : why;
}

static int64_t microseconds(CURL *easy, CURLINFO what)
{
    curl_off_t us = 0;
    curl_easy_getinfo(easy, what, &us);
    return (int64_t)us * NS_PER_US;
}

/* libcurl's own reading of Retry-After knows whole seconds and dates only. */
static void read_asked_wait(struct transfer *t)
{
    struct answer_header headers[MOST_HEADERS];
    struct curl_header *h = NULL;
    size_t count = 0;
    while (count < MOST_HEADERS && (h = curl_easy_nextheader(t->easy, CURLH_HEADER, -1, h)))
        headers[count++] = (struct answer_header){text_of(h->name), text_of(h->value)};
    if (!retry_after_find(headers, count, transfer_status(t), clock_wall_ns(), &t->asked_wait_ns))
        t->asked_wait_ns = 0;
}

/* What a gateway says that the answer cost. */
static void read_cost(struct transfer *t)
{
    struct curl_header *h;
    for (const char *const *name = attempt_cost_headers; *name; name++)
        if (curl_easy_header(t->easy, *name, 0, CURLH_HEADER, -1, &h) == CURLHE_OK)
            attempt_header(&t->attempt, text_of(h->name), text_of(h->value));
}

static void read_facts(struct transfer *t)
{
    struct fidelity_counts *counts = t->client->config.counts;
    struct record *seen = &t->attempt.seen;
    long connects = 0, version = CURL_HTTP_VERSION_NONE;
    curl_easy_getinfo(t->easy, CURLINFO_NUM_CONNECTS, &connects);
    t->connects = (uint32_t)connects;
    counts->connects += t->connects;
    if (t->sendings && connects == 0)
        counts->reuses++;
    if (transfer_status(t))
        curl_easy_getinfo(t->easy, CURLINFO_HTTP_VERSION, &version);
    counts->http2_answers += version == CURL_HTTP_VERSION_2_0;
    bool http1 = version == CURL_HTTP_VERSION_1_1 || version == CURL_HTTP_VERSION_1_0;
    counts->http1_answers += http1;
    transfer_place(t)->http1 = transfer_place(t)->http1 || http1;
    if (connects) {
        int64_t dns = microseconds(t->easy, CURLINFO_NAMELOOKUP_TIME_T);
        int64_t connected = microseconds(t->easy, CURLINFO_CONNECT_TIME_T);
        int64_t secured = microseconds(t->easy, CURLINFO_APPCONNECT_TIME_T);
        seen->dns_ns = dns;
        if (t->warm_connect_ns != TIME_NEVER)
            seen->connect_ns = t->warm_connect_ns;
        else if (connected > 0)
            seen->connect_ns = connected - dns;
        if (secured > 0)
            seen->tls_ns = secured - connected;
    }
    read_cost(t);
    if (transfer_status(t) >= 300)
        read_asked_wait(t);
}

static void finish(struct transfer *t, enum failure_class why, const char *message)
{
    struct client *c = t->client;
    t->attempt.seen.done_ns = clock_now_ns();
    stale_note_end(t);
    curl_multi_remove_handle(t->shard->multi, t->easy);
    t->shard->in_flight--;
    if (t->sendings)
        take_answer(t);
    read_facts(t);
    curl_easy_getinfo(t->easy, CURLINFO_REDIRECT_URL, &t->attempt.location);
    attempt_end(&t->attempt, why, message);
    c->config.on_end(c->config.context, t);
}

static const char *words_for(const struct transfer *t, enum failure_class why, CURLcode code)
{
    if (why == FAILURE_CLIENT)
        return strerror(t->open_errno);
    if (t->header_bytes > MOST_HEADER_BYTES)
        return "the answer's headers are beyond 300 KiB";
    if (code == CURLE_OUT_OF_MEMORY && why == FAILURE_TOO_LARGE)
        return "a line of the answer's headers is beyond libcurl's cap of 100 KiB";
    if (code == CURLE_ABORTED_BY_CALLBACK)
        return "the connection was closed before an answer came";
    return t->error[0] ? t->error : curl_easy_strerror(code);
}

bool client_collect(struct client *c)
{
    if (!c->ended)
        return false;
    while (c->ended) {
        struct transfer *t = c->ended;
        c->ended = t->next;
        if (!c->ended)
            c->ended_last = &c->ended;
        enum failure_class why = classify(t, t->code);
        c->config.counts->client_failures += why == FAILURE_CLIENT;
        finish(t, why, words_for(t, why, t->code));
    }
    return true;
}

void client_abort(struct client *c, struct transfer *t, enum failure_class why, const char *message)
{
    if (t->ended)
        return;
    if (t->whole_ns != TIME_NEVER) { /* nothing is cut short any more */
        client_hang_up(c, t);
        return;
    }
    if (why == FAILURE_NONE)
        t->attempt.cancelled = true;
    finish(t, why, message);
}

void client_hang_up(struct client *c, struct transfer *t)
{
    if (t->ended)
        return;
    c->config.counts->left_open++;
    finish(t, FAILURE_NONE, NULL);
}

/* ---- time ---- */

void client_before_wait(struct client *c)
{
    c->fresh = true;
}

int64_t client_busy_ns(const struct client *c, int64_t now_ns)
{
    return c->fresh || c->now.wake_ns == 0 ? 0 : now_ns - c->now.wake_ns;
}

void client_woke(struct client *c, int64_t now_ns)
{
    if (!c->fresh)
        return;
    c->fresh = false;
    c->now.wake_ns = now_ns;
}

int64_t client_next_ns(const struct client *c)
{
    int64_t next_ns = TIME_NEVER;
    for (size_t i = 0; i < c->shard_count; i++)
        if (c->shards[i]->timer_ns < next_ns)
            next_ns = c->shards[i]->timer_ns;
    return next_ns;
}

void client_run_timers(struct client *c, int64_t now_ns)
{
    for (size_t i = 0; i < c->shard_count; i++) {
        struct shard *s = c->shards[i];
        if (s->timer_ns > now_ns)
            continue;
        s->timer_ns = TIME_NEVER;
        client_act_unasked(s);
    }
}

/* ---- life ---- */

struct client *client_create(struct event_base *base, const struct client_config *config)
{
    struct client *c = mem_zero(1, sizeof *c);
    c->base = base;
    c->by_port = mem_zero(CLIENT_PORTS, sizeof(struct watch *));
    c->config = *config;
    c->ended_last = &c->ended;
    if (c->config.shard_connections == 0)
        c->config.shard_connections = SHARD_CONNECTIONS;
    return c;
}

void client_open(struct client *c, const struct endpoint *e, uint32_t count, int64_t limit_ns)
{
    warm_open(&c->warm, e, count, limit_ns);
}

void client_free(struct client *c)
{
    warm_free(&c->warm);
    for (size_t i = 0; i < c->transfer_count; i++) {
        struct transfer *t = c->all[i];
        curl_easy_cleanup(t->easy);
        attempt_free(&t->attempt);
        buffer_free(&t->body);
        free(t);
    }
    for (size_t i = 0; i < c->shard_count; i++) {
        curl_multi_cleanup(c->shards[i]->multi);
        free(c->shards[i]->places);
        free(c->shards[i]);
    }
    for (size_t i = 0; i < c->watch_capacity; i++)
        free(c->watches[i]);
    free(c->watches);
    free(c->by_port);
    free(c->shards);
    free(c->all);
    free(c);
}
