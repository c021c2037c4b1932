/* Routes: which request is for what. */
#include "sim/mock/server.h"

#include "core/json/json_write.h"

#include <event2/buffer.h>
#include <event2/http_struct.h>
#include <string.h>

static void serve_models(struct exchange *x, const char *rest)
{
    struct mock *m = x->mock;
    if (rest[0] == '/' && strcmp(rest + 1, m->model) != 0) {
        struct api_error e;
        api_error_set(&e, 404, "invalid_request_error", "model", "model_not_found",
                      "The model '%.100s' does not exist; this endpoint serves '%.100s'.", rest + 1,
                      m->model);
        exchange_reply_error(x, &e);
        return;
    }
    struct json_writer w;
    buffer_clear(&m->json);
    json_write_init(&w, &m->json, 0);
    if (rest[0] != '/') {
        json_begin_object(&w);
        json_pair_string(&w, "object", "list");
        json_key(&w, "data");
        json_begin_array(&w);
    }
    json_begin_object(&w);
    json_pair_string(&w, "id", m->model);
    json_pair_string(&w, "object", "model");
    json_pair_i64(&w, "created", 1700000000);
    json_pair_string(&w, "owned_by", "farebox");
    json_end_object(&w);
    if (rest[0] != '/') {
        json_end_array(&w);
        json_end_object(&w);
    }
    exchange_reply(x, 200, "application/json", &m->json);
}

static void serve_health(struct exchange *x, const char *rest)
{
    (void)rest;
    struct buffer *body = &x->mock->json;
    buffer_clear(body);
    buffer_add_text(body, "{\"status\":\"ok\"}");
    exchange_reply(x, 200, "application/json", body);
}

static void serve_metrics(struct exchange *x, const char *rest)
{
    (void)rest;
    struct mock *m = x->mock;
    struct engine_state state;
    engine_state(m->engine, &state);
    buffer_clear(&m->json);
    metrics_write(&m->metrics, &state, m->model, &m->json);
    exchange_reply(x, 200, "text/plain; version=0.0.4; charset=utf-8", &m->json);
}

/* The fault that the request's header asks for, else the one that a rule has for it. */
static int choose_fault(struct exchange *x, struct api_error *e)
{
    struct mock *m = x->mock;
    const char *given =
        evhttp_find_header(evhttp_request_get_input_headers(x->request), "x-farebox-fault");
    struct error err = {0};
    if (given && fault_parse(&x->fault, text_of(given), &err) < 0) {
        fault_init(&x->fault);
        return api_error_invalid(e, "x-farebox-fault", "invalid_value", "%.300s", err.message);
    }
    if (!given)
        fault_rules_choose(&m->config.faults, m->config.seed, x->serial + 1,
                           x->read_ns - m->first_read_ns, &x->fault);
    if (x->fault.status) {
        api_error_for_status(e, x->fault.status);
        return -1;
    }
    return 0;
}

static int check_key(struct exchange *x, struct limiter **limiter, struct api_error *e)
{
    *limiter = keys_find(
        &x->mock->keys,
        evhttp_find_header(evhttp_request_get_input_headers(x->request), "Authorization"), e);
    return *limiter ? 0 : -1;
}

static int check_limits(struct exchange *x, struct limiter *l, struct api_error *e)
{
    uint64_t tokens = x->ask.prompt.tokens + x->ask.output_tokens;
    enum limit hit = limiter_take(l, x->read_ns, tokens, &x->limits);
    x->has_limits = true;
    if (hit == LIMIT_NONE) {
        x->limiter = l;
        return 0;
    }
    char wait[LIMIT_DURATION_SIZE];
    limit_format_duration(x->limits.retry_after_ns, wait);
    const char *type = hit == LIMIT_TPM ? "tokens" : "requests";
    if (x->limits.too_large)
        return api_error_set(e, 429, type, NULL, "rate_limit_exceeded",
                             "Request too large for %.100s on %s: limit %llu, requested %llu.",
                             x->ask.model, limit_name(hit), (unsigned long long)l->rules.tpm,
                             (unsigned long long)tokens);
    return api_error_set(e, 429, type, NULL, "rate_limit_exceeded",
                         "Rate limit reached for %.100s on %s. Please try again in %s.",
                         x->ask.model, limit_name(hit), wait);
}

static int read_ask(struct exchange *x, enum ask_kind kind, struct api_error *e)
{
    struct evbuffer *input = evhttp_request_get_input_buffer(x->request);
    size_t length = evbuffer_get_length(input);
    int bad = -1;
    if (length > x->mock->config.max_body_bytes) {
        api_error_for_status(e, 413);
    } else {
        const char *body = (const char *)evbuffer_pullup(input, -1);
        bad = ask_parse(&x->ask, kind, body ? body : "", body ? length : 0, &x->mock->ask_rules, e);
    }
    evbuffer_drain(input, length);
    return bad;
}

static void serve_ask(struct exchange *x, enum ask_kind kind)
{
    struct api_error e = {0};
    struct limiter *limiter;
    if (check_key(x, &limiter, &e) < 0 || choose_fault(x, &e) < 0 || read_ask(x, kind, &e) < 0 ||
        check_limits(x, limiter, &e) < 0)
        exchange_reply_error(x, &e);
    else
        exchange_submit(x, x->read_ns);
}

static void serve_chat(struct exchange *x, const char *rest)
{
    (void)rest;
    serve_ask(x, ASK_CHAT);
}

static void serve_completion(struct exchange *x, const char *rest)
{
    (void)rest;
    serve_ask(x, ASK_COMPLETION);
}

static void serve_embedding(struct exchange *x, const char *rest)
{
    (void)rest;
    serve_ask(x, ASK_EMBEDDING);
}

struct route {
    const char *path;
    enum evhttp_cmd_type method;
    bool open; /* what follows the path is handed on */
    void (*serve)(struct exchange *x, const char *rest);
};

static const struct route routes[] = {
    {"/chat/completions", EVHTTP_REQ_POST, false, serve_chat},
    {"/completions", EVHTTP_REQ_POST, false, serve_completion},
    {"/embeddings", EVHTTP_REQ_POST, false, serve_embedding},
    {"/models", EVHTTP_REQ_GET, true, serve_models},
    {"/health", EVHTTP_REQ_GET, false, serve_health},
    {"/metrics", EVHTTP_REQ_GET, false, serve_metrics},
};

static const struct route *find_route(const char *path, const char **rest)
{
    for (size_t i = 0; i < sizeof routes / sizeof routes[0]; i++) {
        size_t length = strlen(routes[i].path);
        if (strncmp(path, routes[i].path, length) != 0)
            continue;
        *rest = path + length;
        if (**rest == '\0' || (routes[i].open && **rest == '/'))
            return &routes[i];
    }
    return NULL;
}

void route_request(struct connection *c, struct evhttp_request *request)
{
    struct exchange *x = exchange_create(c, request, clock_now_ns());
    const struct evhttp_uri *uri = evhttp_request_get_evhttp_uri(request);
    const char *path = uri ? evhttp_uri_get_path(uri) : NULL;
    path = path ? path : "";
    if (strncmp(path, "/v1/", 4) == 0)
        path += 3;
    const char *rest = "";
    const struct route *route = find_route(path, &rest);
    struct api_error e;
    if (!route) {
        api_error_set(&e, 404, "invalid_request_error", NULL, "unknown_url",
                      "Unknown request URL: %.200s. Served are /v1/chat/completions, "
                      "/v1/completions, /v1/embeddings, /v1/models, /health and /metrics.",
                      evhttp_request_get_uri(request));
        exchange_reply_error(x, &e);
    } else if (evhttp_request_get_command(request) != route->method) {
        api_error_set(&e, 405, "invalid_request_error", NULL, "method_not_supported",
                      "Only %s is allowed for %.100s.",
                      route->method == EVHTTP_REQ_POST ? "POST" : "GET", path);
        exchange_reply_error(x, &e);
    } else {
        route->serve(x, rest);
    }
}
