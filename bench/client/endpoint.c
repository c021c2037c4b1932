#include "bench/client/endpoint.h"

#include "core/buffer.h"
#include "core/library/library.h"
#include "core/memory.h"
#include "core/stop.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

const char *endpoint_shown(const struct endpoint_config *c)
{
    return c->shown ? c->shown : c->url;
}

const char *endpoint_name(const struct endpoint_config *c)
{
    return c->name ? c->name : endpoint_shown(c);
}

/* The error shows no word of it: what looks like no header may be a key. */
static int add_own_header(struct endpoint *e, size_t i, struct error *err)
{
    const char *line = e->config->headers[i];
    if (!strchr(line, ':') || line[0] == ':' || strpbrk(line, "\r\n"))
        return error_set(err, ERR_INPUT, "header %zu is none: expected \"Name: value\" in one line",
                         i + 1);
    e->headers = curl_slist_append(e->headers, line);
    return 0;
}

/* Does the user give the header of this line? */
static bool brings(const struct endpoint_config *c, const char *line)
{
    size_t name = strcspn(line, ":") + 1;
    for (size_t i = 0; c->headers && c->headers[i]; i++)
        if (strncasecmp(c->headers[i], line, name) == 0)
            return true;
    return false;
}

static int add_key(struct endpoint *e, const char *key_header, struct error *err)
{
    struct buffer line;
    buffer_init(&line, 16384);
    int fits = buffer_add_format(&line, "%s%s", key_header, e->config->api_key);
    bool good = fits == 0 && !strpbrk(line.data, "\r\n");
    if (good)
        e->headers = curl_slist_append(e->headers, line.data);
    if (line.data)
        explicit_bzero(line.data, line.length);
    buffer_free(&line);
    if (good)
        return 0;
    return error_set(err, ERR_INPUT, "the API key is too long or has a line break in it");
}

/* As they travel: basic authentication encodes them. */
static void add_user_secret(struct endpoint *e)
{
    struct buffer plain, sent;
    buffer_init(&plain, BUFFER_UNBOUNDED);
    buffer_init(&sent, BUFFER_UNBOUNDED);
    buffer_add_format(&plain, "%s:%s", e->config->user,
                      e->config->password ? e->config->password : "");
    buffer_add_base64(&sent, plain.data, plain.length);
    secrets_add(&e->secrets, sent.data);
    explicit_bzero(plain.data, plain.length);
    explicit_bzero(sent.data, sent.length);
    buffer_free(&plain);
    buffer_free(&sent);
}

static void collect_secrets(struct endpoint *e)
{
    const struct endpoint_config *c = e->config;
    secrets_add(&e->secrets, c->api_key);
    if (c->user)
        add_user_secret(e);
    secrets_add(&e->secrets, c->password && c->password[0] ? c->password : c->user);
    for (size_t i = 0; c->secrets && c->secrets[i]; i++)
        secrets_add(&e->secrets, c->secrets[i]);
}

static int add_headers(struct endpoint *e, const struct bench_api *api, bool stream,
                       struct error *err)
{
    const struct endpoint_config *c = e->config;
    e->headers = curl_slist_append(e->headers, "Content-Type: application/json");
    e->headers = curl_slist_append(e->headers, stream ? "Accept: text/event-stream"
                                                      : "Accept: application/json");
    e->headers = curl_slist_append(e->headers, "Expect:"); /* no waiting for 100-continue */
    bool own_key = brings(c, api->key_header) || brings(c, "Authorization:");
    if (c->api_key && !own_key && add_key(e, api->key_header, err) < 0)
        return ERR_INPUT;
    for (const char *const *line = api->headers; line && *line; line++)
        if (!brings(c, *line))
            e->headers = curl_slist_append(e->headers, *line);
    for (size_t i = 0; c->headers && c->headers[i]; i++)
        if (add_own_header(e, i, err) < 0)
            return ERR_INPUT;
    return 0;
}

/* Appends the addresses of a look-up as libcurl's RESOLVE wants them. */
static void list_addresses(const struct addrinfo *found, struct buffer *out)
{
    char text[INET6_ADDRSTRLEN + 2];
    bool first = true;
    for (const struct addrinfo *a = found; a; a = a->ai_next) {
        if (getnameinfo(a->ai_addr, a->ai_addrlen, text, sizeof text, NULL, 0, NI_NUMERICHOST))
            continue;
        const char *form = strchr(text, ':') ? "%s[%s]" : "%s%s";
        buffer_add_format(out, form, first ? "" : ",", text);
        first = false;
    }
}

static bool is_number(const char *host)
{
    unsigned char bytes[16];
    return host[0] == '[' || inet_pton(AF_INET, host, bytes) == 1;
}

/* Looks the name up once, so that many first requests do not each do it. Takes the brackets off a
 * number of IPv6. */
static void look_up(struct endpoint *e, char *host, const char *port)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    if (e->config->unix_socket)
        return;
    bool number = is_number(host), bracketed = host[0] == '[';
    if (bracketed)
        host[strcspn(host, "]")] = '\0';
    int bad = getaddrinfo(host + bracketed, port, &hints, &e->addresses);
    if (bad == EAI_MEMORY)
        mem_exhausted();
    if (bad)
        e->addresses = NULL;
    if (number || !e->addresses)
        return;
    struct buffer line;
    buffer_init(&line, 16384);
    buffer_add_format(&line, "%s:%s:", host, port);
    list_addresses(e->addresses, &line);
    e->resolve = curl_slist_append(NULL, line.data);
    buffer_free(&line);
}

static int check_url(struct endpoint *e, struct error *err)
{
    library_prepare_curl();
    CURLU *parts = curl_url();
    char *scheme = NULL, *host = NULL, *port = NULL;
    const char *url = e->config->url;
    bool good = curl_url_set(parts, CURLUPART_URL, url, 0) == CURLUE_OK &&
                curl_url_get(parts, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK &&
                curl_url_get(parts, CURLUPART_HOST, &host, 0) == CURLUE_OK &&
                curl_url_get(parts, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT) == CURLUE_OK &&
                (strcmp(scheme, "http") == 0 || strcmp(scheme, "https") == 0);
    if (good)
        look_up(e, host, port);
    curl_free(scheme);
    curl_free(host);
    curl_free(port);
    curl_url_cleanup(parts);
    if (good)
        return 0;
    const char *shown = endpoint_shown(e->config);
    if (!strstr(shown, "://"))
        return error_set(err, ERR_INPUT,
                         "\"%.200s\" has no scheme: expected --url http://%.200s, or https://...",
                         shown, shown);
    return error_set(err, ERR_INPUT,
                     "\"%.200s\" is no endpoint: expected the API's base such as "
                     "https://api.example.com/v1",
                     shown);
}

static bool is_https(const struct endpoint_config *c)
{
    return strncasecmp(c->url, "https:", 6) == 0;
}

static bool must_join(const struct endpoint_config *c)
{
    unsigned version = curl_version_info(CURLVERSION_NOW)->version_num;
    return c->http2 && !is_https(c) && version >= 0x075800 && version < 0x080000;
}

/* Whether the path that ends at `end` is the name of a deployment. */
static bool is_deployment(const char *url, size_t start)
{
    static const char word[] = "/deployments";
    size_t n = sizeof word - 1;
    return start >= n && strncmp(url + start - n, word, n) == 0;
}

/* Without query, fragment and slashes at its end. */
static size_t base_length(const char *url)
{
    size_t end = strcspn(url, "?#");
    while (end && url[end - 1] == '/')
        end--;
    return end;
}

/* That of the longest path. */
const struct bench_api *endpoint_api_of(const char *url)
{
    const struct bench_api *found = NULL;
    const char *name;
    size_t end = base_length(url);
    for (size_t i = 0; (name = bench_api_name(i)); i++) {
        const struct bench_api *api = bench_api_find(name);
        size_t n = strlen(api->path);
        bool ends = end > n && strncmp(url + end - n, api->path, n) == 0;
        if (ends && !is_deployment(url, end - n) && (!found || n > strlen(found->path)))
            found = api;
    }
    return found;
}

void endpoint_add_url(const struct endpoint_config *c, const char *path, struct buffer *out)
{
    size_t base = strcspn(c->url, "?#"), end = base_length(c->url);
    const struct bench_api *own = endpoint_api_of(c->url);
    if (own && strcmp(own->path, path) == 0) {
        buffer_add(out, c->url, base);
    } else {
        buffer_add(out, c->url, end - (own ? strlen(own->path) : 0));
        buffer_add_text(out, path);
    }
    buffer_add(out, c->url + base, strcspn(c->url + base, "#"));
}

int endpoint_prepare(struct endpoint *e, const struct endpoint_config *config,
                     const struct bench_api *api, bool stream, struct error *err)
{
    *e = (struct endpoint){.config = config, .joins = must_join(config)};
    if (check_url(e, err) < 0 || add_headers(e, api, stream, err) < 0) {
        endpoint_free(e);
        return ERR_INPUT;
    }
    collect_secrets(e);
    struct buffer url;
    buffer_init(&url, BUFFER_UNBOUNDED);
    endpoint_add_url(config, api->path, &url);
    e->url = buffer_take(&url);
    e->model = config->model ? mem_copy_string(config->model) : NULL;
    return 0;
}

void endpoint_free(struct endpoint *e)
{
    free(e->url);
    free(e->model);
    secrets_free(&e->secrets);
    curl_slist_free_all(e->headers);
    curl_slist_free_all(e->resolve);
    if (e->addresses)
        freeaddrinfo(e->addresses);
    *e = (struct endpoint){0};
}

bool endpoint_is_https(const struct endpoint *e)
{
    return is_https(e->config);
}

void endpoint_apply(const struct endpoint *e, CURL *easy)
{
    const struct endpoint_config *c = e->config;
    long version = !c->http2     ? CURL_HTTP_VERSION_1_1
                   : is_https(c) ? CURL_HTTP_VERSION_2TLS
                                 : CURL_HTTP_VERSION_2_PRIOR_KNOWLEDGE;
    curl_easy_setopt(easy, CURLOPT_URL, e->url);
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, e->headers);
    curl_easy_setopt(easy, CURLOPT_USERNAME, c->user);
    curl_easy_setopt(easy, CURLOPT_PASSWORD, c->password);
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, version);
    curl_easy_setopt(easy, CURLOPT_PIPEWAIT, c->http2 ? 1L : 0L);
    curl_easy_setopt(easy, CURLOPT_UNIX_SOCKET_PATH, c->unix_socket);
    curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, c->insecure ? 0L : 1L);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, c->insecure ? 0L : 2L);
    if (c->ca_file)
        curl_easy_setopt(easy, CURLOPT_CAINFO, c->ca_file);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_PROXY, "");
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_DNS_CACHE_TIMEOUT, -1L);
    curl_easy_setopt(easy, CURLOPT_USERAGENT, "farebox/" FAREBOX_VERSION);
}

/* ---- an exchange that is waited for ---- */

static size_t on_bytes(char *bytes, size_t size, size_t count, void *context)
{
    return buffer_add(context, bytes, size * count) == 0 ? size * count : 0;
}

static int until_stopped(void *context, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
    (void)context;
    (void)a;
    (void)b;
    (void)c;
    (void)d;
    return stop_level() > 0;
}

void endpoint_set_exchange(CURL *easy, const struct buffer *body, long limit_ms,
                           struct buffer *answer)
{
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_bytes);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, answer);
    curl_easy_setopt(easy, CURLOPT_XFERINFOFUNCTION, until_stopped);
    curl_easy_setopt(easy, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, limit_ms);
    if (!body)
        return;
    curl_easy_setopt(easy, CURLOPT_POST, 1L);
    curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body->length);
    curl_easy_setopt(easy, CURLOPT_POSTFIELDS, body->data);
}
