#include "bench/refusal/advice.h"

#include "bench/refusal/refused_key.h"
#include "core/json/json_scan.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

/* Of a content type without its parameters. */
#define OF_TYPE "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/+-._"

static const char *shown(const char *text)
{
    return text ? text : "";
}

static bool says(const char *text, const char *part)
{
    size_t n = strlen(part);
    for (text = shown(text); *text; text++)
        if (strncasecmp(text, part, n) == 0)
            return true;
    return false;
}

static bool says_any(const char *text, const char *const *parts)
{
    while (*parts && !says(text, *parts))
        parts++;
    return *parts != NULL;
}

/* ---- what came ---- */

void advice_add_what(const struct advice_case *c, struct buffer *out)
{
    const char *message = shown(c->message), *type = shown(c->content_type);
    buffer_add_format(out, "POST %s: ", shown(c->url));
    if (c->http_status == 0) {
        buffer_add_text(out, failure_name(c->failure));
    } else if (strncmp(message, "HTTP status", 11) != 0) {
        buffer_add_format(out, "HTTP status %d", c->http_status);
        if (*type)
            buffer_add_format(out, " (%.*s)", (int)strspn(type, OF_TYPE), type);
    }
    if (*message)
        buffer_add_format(out, "%s%s", out->data[out->length - 1] == ' ' ? "" : ": ", message);
}

/* ---- addresses ---- */

static bool is_https(const char *url)
{
    return strncasecmp(shown(url), "https:", 6) == 0;
}

/* The same base by the other scheme. */
static void add_other_scheme(const char *base, struct buffer *out)
{
    base = shown(base);
    const char *rest = strchr(base, ':');
    buffer_add_format(out, "--url %s%s", is_https(base) ? "http" : "https", rest ? rest : "://...");
}

/* A segment such as /v1, /v1beta or /openai. */
static bool has_version(const char *base)
{
    size_t length = strcspn(base, "?#");
    for (size_t i = 0; i + 2 < length; i++) {
        bool version = base[i] == '/' && (base[i + 1] == 'v' || base[i + 1] == 'V') &&
                       isdigit((unsigned char)base[i + 2]);
        if (version || strncmp(base + i, "/openai", 7) == 0)
            return true;
    }
    return false;
}

static void add_with_version(const char *base, struct buffer *out)
{
    size_t length = strcspn(base, "?#"), end = length;
    while (end && base[end - 1] == '/')
        end--;
    buffer_add_format(out, "--url %.*s/v1%s", (int)end, base, base + length);
}

/* ---- sentences ---- */

static void add_of_proxy(const struct advice_case *c, struct buffer *out)
{
    if (*shown(c->proxy))
        buffer_add_format(
            out, "; %s is set, but farebox goes to the endpoint itself, without a proxy", c->proxy);
}

static bool advise_of_tls(const struct advice_case *c, struct buffer *out)
{
    static const char *const plain[] = {"wrong version number",  "packet length too long",
                                        "unexpected TLS packet", "http request",
                                        "record layer",          NULL};
    static const char *const certificate[] = {"certificate", "subject name", "unknown ca", NULL};
    if (says_any(c->message, plain)) {
        buffer_add_text(out, "the endpoint seems to speak plain HTTP: try ");
        add_other_scheme(c->base, out);
    } else if (says_any(c->message, certificate)) {
        buffer_add_text(out, "--cacert FILE names a certificate to trust, --insecure checks none");
    } else {
        return false;
    }
    return true;
}

/* Nothing came that is HTTP. */
static bool advise_of_silence(const struct advice_case *c, struct buffer *out)
{
    if (c->http2 && !is_https(c->base)) {
        buffer_add_text(out,
                        "--http2 on http:// needs an endpoint that knows HTTP/2: leave it out");
    } else if (!is_https(c->base)) {
        buffer_add_text(out, "perhaps the endpoint speaks TLS: try ");
        add_other_scheme(c->base, out);
    } else {
        return false;
    }
    return true;
}

static bool advise_of_connection(const struct advice_case *c, struct buffer *out)
{
    switch (c->failure) {
    case FAILURE_DNS:
        buffer_add_text(out, "check the host's name in --url");
        break;
    case FAILURE_CONNECT:
        buffer_add_text(out, "nothing answers there: check host and port of --url, and that the "
                             "server is up");
        break;
    case FAILURE_TIMEOUT_CONNECT:
        buffer_add_text(out, "check host and port of --url; --timeout-connect waits longer");
        break;
    case FAILURE_TLS:
        return advise_of_tls(c, out);
    case FAILURE_RESET:
    case FAILURE_HTTP:
        return !c->some_completed && advise_of_silence(c, out);
    case FAILURE_TIMEOUT_FIRST_TOKEN:
    case FAILURE_TIMEOUT_TOTAL:
        if (c->some_completed)
            return false;
        buffer_add_format(out,
                          "perhaps the server is still loading or busy: --timeout-%s waits "
                          "longer",
                          c->failure == FAILURE_TIMEOUT_TOTAL ? "total" : "first");
        return true;
    default:
        return false;
    }
    add_of_proxy(c, out);
    return true;
}

static bool advise_of_key(const struct advice_case *c, struct buffer *out)
{
    static const char *const cloudflare[] = {"cloudflare", "just a moment", "attention required",
                                             NULL};
    if (c->http_status == 403 && says_any(c->message, cloudflare))
        buffer_add_text(out, "Cloudflare stands before the endpoint and keeps programs out: its "
                             "operator can let them in, or there is another address for the API");
    else if (!*shown(c->key_from))
        buffer_add_text(out, "no key was sent: put it into OPENAI_API_KEY, or give --api-key-file "
                             "FILE or --api-key-env NAME");
    else if (c->http_status == 403)
        buffer_add_format(out, "the key comes from %s: may it use this endpoint and model?",
                          c->key_from);
    else
        buffer_add_format(out, "the key comes from %s: is it this endpoint's?", c->key_from);
    return true;
}

/* Some servers refuse a key with status 400 or 200. */
static bool is_about_key(const struct advice_case *c)
{
    static const char *const words[] = {
        "api key",      "api_key",         "api-key", "not authenticated",
        "unauthorized", "unauthenticated", NULL};
    return says_any(c->message, words);
}

static bool advise_of_model(const struct advice_case *c, struct buffer *out)
{
    const char *base = shown(c->base);
    if (*shown(c->served))
        buffer_add_format(out, "the endpoint serves %s: give one as --model", c->served);
    else
        buffer_add_format(out, "give another --model; GET %.*s/models lists them",
                          (int)strcspn(base, "?#"), base);
    return true;
}

/* The address is none of the API's. */
static bool advise_of_address(const struct advice_case *c, struct buffer *out)
{
    const char *base = shown(c->base);
    if (c->http_status < 400 && has_version(base)) {
        buffer_add_text(out, "that is a page for people: check that --url is the API's base");
    } else if (strstr(base, "/deployments/") && !says(base, "api-version=")) {
        buffer_add_text(out, "Azure's deployments want a version: --url \"...?api-version=...\"");
    } else if (!has_version(base)) {
        buffer_add_text(out, "the API's base often ends in /v1: try ");
        add_with_version(base, out);
    } else {
        buffer_add_format(out,
                          "check that --url is the API's base, behind which %s is added for --api "
                          "%s",
                          shown(c->path), shown(c->api));
    }
    return true;
}

/* ---- members of the body ---- */

/* The member of --body that the refusal is about. */
static bool advise_of_body(const struct advice_case *c, struct buffer *out)
{
    struct json_scan s;
    struct text key;
    char name[80];
    bool found = false;
    json_scan_init(&s, "--body", shown(c->body), strlen(shown(c->body)), 1);
    if (!*shown(c->body) || !json_object_begin(&s))
        return false;
    while (!found && json_object_next(&s, &key)) {
        text_cut(key, name, sizeof name);
        found =
            refused_key_find(text_of(shown(c->message)), (const char *const[]){name, NULL}) == 0;
        json_skip(&s, NULL);
    }
    if (found)
        buffer_add_format(out, "leave %s out of --body", name);
    return found;
}

static bool advise_of_members(const struct advice_case *c, struct buffer *out)
{
    static const char *const tls[] = {"plain HTTP request", "HTTP request to an HTTPS",
                                      "HTTPS port", "HTTPS scheme", NULL};
    static const char *const streaming[] = {"streaming is not", "not support streaming",
                                            "n't support streaming", "streaming not supported",
                                            NULL};
    const char *const ours[] = {"stream_options", "stream", shown(c->output_key), NULL};
    if (says_any(c->message, tls) && !is_https(c->base)) {
        buffer_add_text(out, "try ");
        add_other_scheme(c->base, out);
        return true;
    }
    if (is_about_key(c))
        return advise_of_key(c, out);
    if (advise_of_body(c, out))
        return true;
    int i = refused_key_find(text_of(shown(c->message)), ours);
    if (i == 2 && *shown(c->other_output_key))
        buffer_add_format(out, "try --output-key %s", c->other_output_key);
    else if (i == 1 || (i < 0 && says_any(c->message, streaming)))
        buffer_add_text(out, "try --no-stream");
    else if (i >= 0)
        buffer_add_format(out, "--body '{\"%s\": null}' leaves it out", ours[i]);
    return i >= 0 || says_any(c->message, streaming);
}

bool advice_is_of_model(int http_status, struct text words, const char *model)
{
    static const char *const missing[] = {"not found",     "not exist",       "no such",
                                          "unknown model", "invalid model",   "valid model",
                                          "not available", "not have access", "notfound",
                                          "model: ",       "not loaded",      NULL};
    char text[512];
    text_cut(words, text, sizeof text);
    bool status = http_status == 400 || http_status == 404 || http_status == 422;
    bool about = says(text, "model") || says(text, "deployment") ||
                 (model && refused_key_named(words, model));
    return status && about && says_any(text, missing);
}

/* ---- all of it ---- */

static bool advise_of_status(const struct advice_case *c, struct buffer *out)
{
    bool page = says(c->content_type, "html") || says(c->message, "a web page");
    switch (c->http_status) {
    case 401:
    case 403:
        return advise_of_key(c, out);
    case 400:
    case 422:
        return advise_of_members(c, out);
    case 404:
    case 405:
        return advise_of_address(c, out);
    case 429:
        if (!c->retries)
            buffer_add_text(out, "--retry N asks again, not before the server allows it");
        return !c->retries;
    case 502:
    case 503:
    case 504:
        if (!c->some_completed)
            buffer_add_text(out, "something before the server answers: is the server itself up?");
        return !c->some_completed;
    default:
        if (c->http_status < 300 && page)
            return advise_of_address(c, out);
        return c->http_status < 300 && !c->some_completed && is_about_key(c) &&
               advise_of_key(c, out);
    }
}

bool advice_add(const struct advice_case *c, struct buffer *out)
{
    if (c->http_status == 0)
        return advise_of_connection(c, out);
    if (advice_is_of_model(c->http_status, text_of(shown(c->message)), c->model))
        return advise_of_model(c, out);
    return advise_of_status(c, out);
}
