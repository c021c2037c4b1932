#include "sim/mock/exchange_state.h"

#include <event2/buffer.h>

/* The fault that the request's header asks for, else the one that a rule has for it. */
static int choose_fault(struct exchange *x, struct api_error *e)
{
    struct server *s = x->server;
    const char *given = exchange_header(x, "x-farebox-fault");
    struct error err = {0};
    if (given && fault_parse(&x->fault, text_of(given), &err) < 0) {
        fault_init(&x->fault);
        return api_error_invalid(e, "x-farebox-fault", "invalid_value", "%.300s", err.message);
    }
    if (!given)
        fault_rules_choose(&s->config.faults, s->config.seed, x->serial + 1,
                           pace_since_first(s->pace, x->read_ns), &x->fault);
    if (x->fault.status) {
        api_error_for_status(e, x->fault.status);
        return -1;
    }
    return 0;
}

static int check_key(struct exchange *x, struct limiter **limiter, struct api_error *e)
{
    *limiter = keys_find(&x->server->keys, x->api, exchange_header(x, x->api->key_header),
                         exchange_header(x, "Authorization"), e);
    return *limiter ? 0 : -1;
}

static int check_headers(struct exchange *x, struct api_error *e)
{
    const char *name = x->api->needs_header;
    if (!name || exchange_header(x, name))
        return 0;
    return api_error_invalid(e, name, "missing_required_header", "%s: header is required", name);
}

static int check_limits(struct exchange *x, struct limiter *l, struct api_error *e)
{
    uint64_t tokens = x->ask.prompt.tokens + (uint64_t)x->ask.output_tokens * x->ask.choices;
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

static int read_ask(struct exchange *x, struct api_error *e)
{
    struct evbuffer *input = evhttp_request_get_input_buffer(x->request);
    size_t length = evbuffer_get_length(input);
    int bad = -1;
    if (length > x->server->config.max_body_bytes) {
        api_error_for_status(e, 413);
    } else {
        const char *body = (const char *)evbuffer_pullup(input, -1);
        bad = ask_parse(&x->ask, x->api, body ? body : "", body ? length : 0, &x->server->ask_rules,
                        e);
    }
    evbuffer_drain(input, length);
    return bad;
}

int exchange_admit(struct exchange *x, struct api_error *e)
{
    struct limiter *limiter;
    if (check_key(x, &limiter, e) < 0 || choose_fault(x, e) < 0 || check_headers(x, e) < 0 ||
        read_ask(x, e) < 0)
        return -1;
    return check_limits(x, limiter, e);
}
