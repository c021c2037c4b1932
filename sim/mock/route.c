#include "sim/mock/route.h"

#include "core/json/json_write.h"
#include "core/text.h"
#include "sim/mock/api/tokenize.h"
#include "sim/mock/exchange.h"

#include <event2/buffer.h>
#include <event2/http_struct.h>
#include <string.h>

static void add_model(struct json_writer *w, const char *name, bool anthropic)
{
    if (anthropic) {
        json_pair_string(w, "type", "model");
        json_pair_string(w, "display_name", name);
        json_pair_string(w, "created_at", "2023-11-14T22:13:20Z");
    } else {
        json_pair_string(w, "object", "model");
        json_pair_i64(w, "created", 1700000000);
        json_pair_string(w, "owned_by", "farebox");
    }
}

static void serve_models(struct server *s, struct exchange *x, const char *rest)
{
    if (rest[0] == '/' && strcmp(rest + 1, s->model) != 0) {
        struct api_error e;
        api_error_set(&e, 404, "invalid_request_error", "model", "model_not_found",
                      "The model '%.100s' does not exist; this endpoint serves '%.100s'.", rest + 1,
                      s->model);
        exchange_reply_error(x, &e);
        return;
    }
    bool anthropic = exchange_header(x, "anthropic-version") != NULL;
    struct json_writer w;
    buffer_clear(&s->json);
    json_write_init(&w, &s->json, 0);
    if (rest[0] != '/') {
        json_begin_object(&w);
        if (!anthropic)
            json_pair_string(&w, "object", "list");
        json_key(&w, "data");
        json_begin_array(&w);
    }
    json_begin_object(&w);
    json_pair_string(&w, "id", s->model);
    add_model(&w, s->model, anthropic);
    json_end_object(&w);
    if (rest[0] != '/') {
        json_end_array(&w);
        if (anthropic)
            json_pair_bool(&w, "has_more", false);
        json_end_object(&w);
    }
    exchange_reply(x, 200, "application/json", &s->json);
}

static void serve_health(struct server *s, struct exchange *x, const char *rest)
{
    (void)rest;
    struct buffer *body = &s->json;
    buffer_clear(body);
    buffer_add_text(body, "{\"status\":\"ok\"}");
    exchange_reply(x, 200, "application/json", body);
}

static void serve_metrics(struct server *s, struct exchange *x, const char *rest)
{
    (void)rest;
    struct engine_state state;
    struct metrics_view view = {&state, &s->config.engine, s->model};
    engine_state(s->engine, &state);
    buffer_clear(&s->json);
    metrics_write(&s->metrics, &view, &s->json);
    exchange_reply(x, 200, "text/plain; version=0.0.4; charset=utf-8", &s->json);
}

static void serve_tokenize(struct server *s, struct exchange *x, const char *rest)
{
    struct evbuffer *input = exchange_input(x);
    size_t length = evbuffer_get_length(input);
    struct api_error e;
    int bad = -1;
    (void)rest;
    buffer_clear(&s->json);
    if (length > s->config.max_body_bytes) {
        api_error_for_status(&e, 413);
    } else {
        const char *body = (const char *)evbuffer_pullup(input, -1);
        bad = tokenize_answer(body ? body : "", body ? length : 0, &s->ask_rules, &s->json, &e);
    }
    evbuffer_drain(input, length);
    if (bad)
        exchange_reply_error(x, &e);
    else
        exchange_reply(x, 200, "application/json", &s->json);
}

struct route {
    const char *path;
    bool open; /* what follows the path is handed on */
    bool post;
    void (*serve)(struct server *s, struct exchange *x, const char *rest);
};

/* All that is no API. */
static const struct route routes[] = {
    {"/models", true, false, serve_models},
    {"/health", false, false, serve_health},
    {"/metrics", false, false, serve_metrics},
    {"/tokenize", false, true, serve_tokenize},
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

static void refuse_path(struct exchange *x, const char *uri)
{
    struct api_error e;
    struct buffer served;
    buffer_init(&served, BUFFER_UNBOUNDED);
    for (size_t i = 0; mock_api_at(i); i++)
        buffer_add_format(&served, "/v1%s, ", mock_api_at(i)->path);
    api_error_set(
        &e, 404, "invalid_request_error", NULL, "unknown_url",
        "Unknown request URL: %.200s. Served are %s/v1/models, /tokenize, /health and /metrics.",
        uri, served.data);
    buffer_free(&served);
    exchange_reply_error(x, &e);
}

static void refuse_response(struct exchange *x, const char *id)
{
    struct api_error e;
    api_error_set(&e, 404, "invalid_request_error", NULL, NULL,
                  "Response with id '%.100s' not found: this endpoint gives no response a second "
                  "time.",
                  id);
    exchange_reply_error(x, &e);
}

static void refuse_method(struct exchange *x, const char *method, const char *path)
{
    struct api_error e;
    api_error_set(&e, 405, "invalid_request_error", NULL, "method_not_supported",
                  "Only %s is allowed for %.100s.", method, path);
    exchange_reply_error(x, &e);
}

void route_request(void *server, struct connection *c, struct evhttp_request *request)
{
    struct exchange *x = exchange_begin(server, c, request, clock_now_ns());
    const struct evhttp_uri *uri = evhttp_request_get_evhttp_uri(request);
    enum evhttp_cmd_type method = evhttp_request_get_command(request);
    const char *path = uri ? evhttp_uri_get_path(uri) : NULL, *rest = "";
    path = path ? path : "";
    if (strncmp(path, "/v1/", 4) == 0 || strcmp(path, "/v2/rerank") == 0)
        path += 3;
    const struct mock_api *api = mock_api_find(path);
    const struct route *route = api ? NULL : find_route(path, &rest);
    bool posts = api || (route && route->post);
    if (text_starts(text_of(path), "/responses/"))
        refuse_response(x, path + strlen("/responses/"));
    else if (!api && !route)
        refuse_path(x, evhttp_request_get_uri(request));
    else if (method != (posts ? EVHTTP_REQ_POST : EVHTTP_REQ_GET))
        refuse_method(x, posts ? "POST" : "GET", path);
    else if (api)
        exchange_submit(x, api);
    else
        route->serve(server, x, rest);
}
