#include "sim/mock/exchange_state.h"

#include "core/memory.h"
#include "core/random.h"
#include "sim/mock/api/images.h"

#include <ctype.h>
#include <errno.h>
#include <event2/bufferevent.h>
#include <event2/http_struct.h>
#include <event2/keyvalq_struct.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

/* The client's x-request-id, if it can stand in a header and a log, else one of ours. */
static void set_request_id(struct exchange *x)
{
    const char *given =
        evhttp_find_header(evhttp_request_get_input_headers(x->request), "x-request-id");
    size_t length = given ? strlen(given) : 0;
    bool usable = length > 0 && length < sizeof x->request_id;
    for (size_t i = 0; usable && i < length; i++)
        usable = isgraph((unsigned char)given[i]) && given[i] != '"' && given[i] != '\\';
    if (usable)
        memcpy(x->request_id, given, length + 1);
    else
        snprintf(x->request_id, sizeof x->request_id, "req_%016llx",
                 (unsigned long long)random_mix(x->server->config.seed, x->serial));
}

/* Must the connection close after the answer? (evhttp decides by the same headers.) */
static bool asks_to_close(const struct evhttp_request *r)
{
    const char *connection = evhttp_find_header(r->input_headers, "Connection");
    bool old = r->major < 1 || (r->major == 1 && r->minor < 1);
    if (old)
        return !connection || strncasecmp(connection, "keep-alive", 10) != 0;
    return connection && strcasecmp(connection, "close") == 0;
}

struct exchange *exchange_begin(struct server *s, struct connection *c,
                                struct evhttp_request *request, int64_t now_ns)
{
    struct exchange *x = mem_zero(1, sizeof *x);
    x->server = s;
    x->connection = c;
    x->request = request;
    x->serial = s->serial++;
    x->read_ns = now_ns;
    x->times.first_ns = x->times.last_ns = TIME_NEVER;
    x->rendering.created_s = clock_wall_ns() / NS_PER_S;
    x->close = asks_to_close(request);
    x->rendering.framing.chunked = request->major == 1 && request->minor >= 1;
    fault_init(&x->fault);
    x->outcome = "aborted";
    buffer_init(&x->pending.bytes, BUFFER_UNBOUNDED);
    set_request_id(x);
    pace_add(s->pace, &x->paced, now_ns);
    connection_answer(c, x);
    s->report.requests++;
    return x;
}

/* Those that have ended are unknown to the engine by now. */
static void cancel_sequences(struct exchange *x)
{
    for (uint32_t k = 0; k < x->ask.choices; k++)
        engine_cancel(x->server->engine, clock_now_ns(), (uintptr_t)x + k);
}

const char *exchange_header(const struct exchange *x, const char *name)
{
    return evhttp_find_header(evhttp_request_get_input_headers(x->request), name);
}

static void exchange_free(struct exchange *x)
{
    struct server *s = x->server;
    if (x->submitted && !x->engine_done) /* a fault or the client ended it early */
        cancel_sequences(x);
    pace_remove(s->pace, &x->paced);
    if (x->pending.writable)
        event_free(x->pending.writable);
    ask_free(&x->ask);
    answer_free(&x->answer);
    for (uint32_t k = 1; x->more && k < x->ask.choices; k++)
        answer_free(&x->more[k - 1]);
    free(x->more);
    rendering_free(&x->rendering);
    buffer_free(&x->pending.bytes);
    if (x->limiter)
        limiter_release(x->limiter);
    free(x->times.due_ns);
    free(x->times.written_ns);
    free(x->model);
    free(x);
}

/* One that was answered, wholly or in part. */
static void count_finished(const struct exchange *x, int64_t now_ns)
{
    bool whole = x->progress.complete && x->progress.cut == CUT_NONE;
    struct metrics_request r = {.read_ns = x->read_ns,
                                .done_ns = now_ns,
                                .stay = x->stay,
                                .first_ns = x->times.first_ns,
                                .last_ns = x->times.last_ns,
                                .engine_tokens = x->progress.due,
                                .prompt_tokens = x->ask.prompt.tokens,
                                .written_tokens = x->progress.written};
    if (!x->engine_done && !engine_find_stay(x->server->engine, (uintptr_t)x, &r.stay))
        r.stay = (struct engine_stay){now_ns, TIME_NEVER};
    metrics_finish(&x->server->metrics, whole ? x->answer.finish_reason : NULL, &r);
}

/* Of all choices. */
static uint64_t output_of(const struct exchange *x, bool reasoning)
{
    uint64_t tokens = 0;
    for (uint32_t k = 0; k < x->ask.choices; k++) {
        const struct answer *a = x->rendering.answers[k];
        tokens += reasoning ? a->reasoning_tokens : a->tokens;
    }
    return tokens;
}

/* Images as classes of their own, read from the cache as far as it had the prompt. */
static void set_images_apart(const struct exchange *x, struct usage *u)
{
    uint64_t *t = u->tokens, all = ask_image_tokens(&x->ask, x->ask.prompt.tokens);
    uint64_t cached = ask_image_tokens(&x->ask, t[USAGE_CACHED_INPUT]);
    t[USAGE_IMAGE_INPUT] = all - cached;
    t[USAGE_CACHED_IMAGE_INPUT] = cached;
    t[USAGE_UNCACHED_INPUT] -= all - cached;
    t[USAGE_CACHED_INPUT] -= cached;
}

/* What is charged for it, with so many output tokens; `cached` is what the engine says. */
static struct usage usage_of(const struct exchange *x, uint64_t cached, uint64_t output)
{
    const struct prefix_charge *c = &x->charge;
    bool keeps = x->api->keeps_prefixes;
    struct usage u = usage_from_totals(x->ask.prompt.tokens, keeps ? c->read : cached, c->written,
                                       c->written_1h, output, output_of(x, true));
    if (x->api->tells_images)
        set_images_apart(x, &u);
    return u;
}

static void log_exchange(struct exchange *x)
{
    struct server *s = x->server;
    int64_t now_ns = clock_now_ns();
    bool answered = x->submitted && x->status < 400;
    if (answered)
        count_finished(x, now_ns);
    struct usage billed = {0};
    if (answered)
        billed = usage_of(x, usage_cached(&x->usage), x->times.logged);
    struct truth_entry e = {
        .request_id = x->request_id,
        .model = x->model,
        .at_unix_ns = clock_wall_ns() - (now_ns - x->read_ns),
        .outcome = x->outcome,
        .fault = x->fault.text[0] ? x->fault.text : NULL,
        .status = x->status,
        .stream = x->stream,
        .read_ns = x->read_ns,
        .done_ns = now_ns,
        .due_ns = x->times.due_ns,
        .written_ns = x->times.written_ns,
        .due_count = s->log.fd >= 0 ? x->progress.due : 0,
        .written_count = x->times.logged ? (x->stream ? x->times.logged : 1) : 0,
        .billed = billed,
    };
    truth_log_add(&s->log, &e);
}

/* RST instead of FIN: dissolving the association resets a TCP connection at once. */
static void reset_socket(int fd)
{
    struct sockaddr nobody = {.sa_family = AF_UNSPEC};
    connect(fd, &nobody, sizeof nobody);
}

/* The answer is out: evhttp may read the next request, or closes. */
void exchange_finish(struct exchange *x)
{
    struct connection *c = x->connection;
    struct evhttp_request *request = x->request;
    if (x->progress.cut != CUT_NONE) {
        if (x->progress.cut == CUT_RESET)
            reset_socket(connection_socket(c));
        connection_drop(c); /* abandons the exchange */
        return;
    }
    x->server->report.completed += x->status < 400;
    x->server->report.refused += x->status >= 400;
    if (x->close && !asks_to_close(request))
        evhttp_add_header(evhttp_request_get_output_headers(request), "Connection", "close");
    log_exchange(x);
    exchange_free(x);
    connection_release(c);
    evhttp_send_reply_end(request); /* may close the connection */
}

void exchange_abandon(struct exchange *x)
{
    struct server *s = x->server;
    if (x->progress.cut != CUT_NONE)
        s->report.faulted++;
    else
        s->report.aborted++;
    if (x->progress.cut == CUT_NONE)
        x->outcome = "aborted";
    log_exchange(x);
    struct evhttp_request *request = x->request;
    exchange_free(x);
    /* evhttp has let go of the request when the client left; when we close, it frees it. */
    if (!evhttp_request_get_connection(request))
        evhttp_request_free(request);
}

bool exchange_is_stuck(const struct exchange *x, int64_t now_ns)
{
    return x->pending.bytes.length && !x->paced.parked &&
           now_ns - x->pending.since_ns > x->server->config.write_timeout_ns;
}

void exchange_write_due(struct paced *what, int64_t now_ns)
{
    exchange_flush((struct exchange *)what, now_ns); /* its first member */
}

/* A reply that waits for no engine, though perhaps for the end of a hold or stall. */
struct evbuffer *exchange_input(struct exchange *x)
{
    return evhttp_request_get_input_buffer(x->request);
}

void exchange_reply(struct exchange *x, int status, const char *type, const struct buffer *body)
{
    struct buffer *out = &x->pending.bytes;
    x->status = status;
    stream_add_head(x, type, (int64_t)body->length, out);
    if (evhttp_request_get_command(x->request) != EVHTTP_REQ_HEAD)
        buffer_add(out, body->data, body->length);
    x->progress.complete = true;
    x->outcome = status < 400 ? "completed" : "refused";
    x->pending.since_ns = x->read_ns;
    if (x->fault.stall_first_ns)
        pace_park(x->server->pace, &x->paced, x->read_ns + x->fault.stall_first_ns);
    exchange_flush(x, x->read_ns);
}

void exchange_reply_error(struct exchange *x, const struct api_error *e)
{
    struct buffer body;
    buffer_init(&body, BUFFER_UNBOUNDED);
    struct api_error shown = *e;
    shown.request_id = x->request_id;
    if (x->api)
        x->api->add_error(&shown, &body);
    else
        api_error_write(&shown, &body);
    exchange_reply(x, e->status, "application/json", &body);
    buffer_free(&body);
}

/* Each choice says something else; the first what an only one would. */
static void plan_choices(struct exchange *x)
{
    const struct answer_rules *rules = &x->server->answer_rules;
    uint64_t seed = random_mix(x->server->config.seed, x->ask.prompt.chain);
    if (x->ask.choices > 1)
        x->more = mem_zero(x->ask.choices - 1, sizeof *x->more);
    for (uint32_t k = 0; k < x->ask.choices; k++) {
        struct answer *a = k ? &x->more[k - 1] : &x->answer;
        answer_plan(a, &x->ask, rules, seed + k);
        x->rendering.answers[k] = a;
    }
}

static void plan(struct exchange *x)
{
    struct server *s = x->server;
    struct ask *a = &x->ask;
    x->status = 200;
    x->stream = a->stream;
    x->model = mem_copy_string(a->model);
    const char *joint = strchr(x->api->id_prefix, '_') ? "" : "-";
    snprintf(x->id, sizeof x->id, "%s%s%016llx", x->api->id_prefix, joint,
             (unsigned long long)random_mix(s->config.seed ^ 0x6661726562786964, x->serial));
    plan_choices(x);
    x->rendering.framing.crlf = x->fault.crlf;
    x->rendering.ask = a;
    x->rendering.answer = x->rendering.answers[0];
    x->rendering.model = x->model;
    x->rendering.id = x->id;
    x->rendering.json = &s->json;
    x->rendering.out = &s->out;
    if (x->api->keep)
        x->api->keep(&x->rendering, a, &s->kept);
    ask_drop_body(a);
}

/* What was kept for another model or another key is not found. */
static void charge_prefixes(struct exchange *x)
{
    struct prefix_list *l = &x->ask.prefixes;
    uint64_t owner = random_mix(text_hash(x->model, strlen(x->model)),
                                (uint64_t)(x->limiter - x->server->keys.limiters));
    for (size_t i = 0; i < l->count; i++)
        l->places[i].hash = random_mix(owner, l->places[i].hash) | 1;
    x->charge = prefixes_charge(&x->server->prefixes, l, x->read_ns);
    x->rendering.input = usage_of(x, 0, 0);
}

/* Answers without the engine. */
static void reply_at_once(struct exchange *x)
{
    struct usage u = usage_of(x, 0, 0);
    struct buffer body;
    buffer_init(&body, BUFFER_UNBOUNDED);
    x->api->add_answer(&x->rendering, &u, &body);
    exchange_reply(x, 200, "application/json", &body);
    buffer_free(&body);
}

/* Whether a later request can repeat the answer and hit what the engine has of it. */
static bool can_be_repeated(const struct exchange *x, const struct answer *a)
{
    return x->api->repeat && engine_config_keeps_answers(&x->server->config.engine) &&
           a->reasoning_tokens == 0 && x->ask.inputs <= 1;
}

/* A sequence of the engine for a choice, its blocks named as a request that repeats it has them. */
static bool submit_choice(struct exchange *x, uint32_t choice, struct engine_request *r)
{
    const struct answer *a = x->rendering.answers[choice];
    struct prompt both = {0};
    const struct prompt *named = &x->ask.prompt;
    if (can_be_repeated(x, a)) {
        prompt_go_on(&both, &x->ask.prompt);
        x->api->repeat(&x->rendering, choice, &both);
        prompt_end(&both);
        named = &both;
    }
    r->tag = (uintptr_t)x + choice;
    r->output_tokens = a->tokens;
    r->hash_ids = named->blocks;
    r->hash_count = named->block_count;
    r->named_tokens = (uint32_t)named->tokens;
    bool taken = engine_submit(x->server->engine, x->read_ns, r) == ENGINE_ACCEPTED;
    prompt_free(&both);
    return taken;
}

/* True if the engine takes it; else the client is told. */
static bool submit(struct exchange *x)
{
    struct engine_request r = {
        .input_tokens = (uint32_t)x->ask.prompt.tokens,
        .block_size = x->server->ask_rules.tokens.block_size,
        .priority = x->ask.priority,
    };
    x->submitted = true;
    for (uint32_t k = 0; k < x->ask.choices && x->submitted; k++) {
        x->submitted = submit_choice(x, k, &r);
        x->sequences += x->submitted;
    }
    if (x->submitted) {
        prompt_free(&x->ask.prompt);
        return true;
    }
    struct api_error e;
    api_error_invalid(&e, "messages", "context_length_exceeded",
                      "The prompt of %llu tokens does not fit this endpoint's memory.",
                      (unsigned long long)x->ask.prompt.tokens);
    exchange_reply_error(x, &e);
    return false;
}

void exchange_submit(struct exchange *x, const struct mock_api *api)
{
    struct pace *pace = x->server->pace;
    int64_t now_ns = x->read_ns;
    struct api_error e = {0};
    x->api = api;
    if (exchange_admit(x, &e) < 0) {
        exchange_reply_error(x, &e);
        return;
    }
    plan(x);
    if (api->at_once) {
        reply_at_once(x);
        return;
    }
    if (api->keeps_prefixes)
        charge_prefixes(x);
    if (!submit(x))
        return;
    if (x->fault.stall_first_ns)
        pace_park(pace, &x->paced, now_ns + x->fault.stall_first_ns);
    if (x->stream || x->fault.reset)
        pace_touch(pace, &x->paced); /* the head leaves at once, as servers do */
    pace_advance(pace, now_ns);
}

/* Allocations are aligned to more than there are choices. */
static struct exchange *exchange_of(uint64_t tag, uint32_t *choice)
{
    _Static_assert(ASK_MAX_CHOICES <= _Alignof(max_align_t), "a choice fits below the address");
    *choice = (uint32_t)(tag % ASK_MAX_CHOICES);
    return (struct exchange *)(uintptr_t)(tag - *choice);
}

void exchange_on_tokens(void *context, uint64_t tag, uint32_t first, uint32_t count, int64_t at_ns)
{
    (void)context;
    uint32_t choice;
    struct exchange *x = exchange_of(tag, &choice);
    if (x->progress.due == 0 && x->api->keeps_prefixes)
        prefixes_keep(&x->server->prefixes, &x->ask.prefixes, &x->charge, at_ns);
    x->choices[choice].due += count;
    if (first == 0 && x->times.first_ns == TIME_NEVER)
        x->times.first_ns = at_ns;
    x->times.last_ns = at_ns;
    mem_grow(&x->times.due_ns, &x->times.due_capacity,
             x->progress.due + count - x->times.first_kept, sizeof *x->times.due_ns);
    for (uint32_t i = 0; i < count; i++)
        x->times.due_ns[x->progress.due++ - x->times.first_kept] = at_ns;
    if (x->stream)
        pace_touch(x->server->pace, &x->paced);
}

void exchange_on_done(void *context, uint64_t tag, uint32_t cached_tokens, int64_t at_ns)
{
    (void)context;
    uint32_t choice;
    struct exchange *x = exchange_of(tag, &choice);
    if (choice == 0) {
        x->cached_tokens = cached_tokens;
        engine_find_stay(x->server->engine, tag, &x->stay);
    }
    if (x->times.first_ns == TIME_NEVER) /* nothing but a prefill */
        x->times.first_ns = at_ns;
    x->times.last_ns = at_ns;
    if (--x->sequences > 0)
        return;
    x->engine_done = true;
    x->usage = usage_of(x, x->cached_tokens, output_of(x, false));
    struct mock_report *report = &x->server->report;
    report->prompt_tokens += x->ask.prompt.tokens;
    report->cached_tokens += x->cached_tokens;
    report->output_tokens += output_of(x, false);
    pace_touch(x->server->pace, &x->paced);
}
