/* An endpoint as configured, and made ready for libcurl.
 *
 *     struct endpoint e;
 *     if (endpoint_prepare(&e, &config, &api_chat, true, err) < 0) ...
 *     curl_easy_setopt(easy, CURLOPT_URL, e.url);
 *     endpoint_free(&e);
 *
 * The endpoint borrows the config and owns the rest. After preparing it does not change: workers
 * share it. What must not be seen stands in the header list and in `secrets`, by which it is hidden
 * in everything that the endpoint answers; neither is ever shown or written.
 */
#ifndef FAREBOX_BENCH_CLIENT_ENDPOINT_H
#define FAREBOX_BENCH_CLIENT_ENDPOINT_H

#include "bench/answer/secrets.h"
#include "bench/wire/api.h"
#include "core/buffer.h"
#include "core/error.h"

#include <curl/curl.h>
#include <netdb.h>
#include <stdbool.h>
#include <stddef.h>

struct endpoint_config {
    const char *name; /* in records and tables; NULL where there is one endpoint only */
    const char *url; /* the API's base: https://api.example.com/v1; a query stays behind the path */
    const char *shown;           /* the URL as it may be shown and recorded; NULL = `url` */
    const char *model;           /* NULL: the request's own, else the first that /models lists */
    double share;                /* of the sessions, relative to the other endpoints */
    const char *api_key;         /* NULL: no header with one */
    const char *key_from;        /* the variable or file that it comes from, for messages; NULL */
    const char *user, *password; /* for HTTP's basic authentication; NULL */
    const char *const *headers; /* "Name: value", ended by NULL; NULL. They replace the API's own */
    const char *const *secrets; /* further words to hide in answers, ended by NULL; NULL */
    const char *unix_socket, *ca_file; /* NULL */
    bool insecure;                     /* certificates are not checked */
    bool http2;
};

/* As records and tables call it. */
const char *endpoint_name(const struct endpoint_config *c);

/* The URL without its secrets. */
const char *endpoint_shown(const struct endpoint_config *c);

/* Appends the URL of a path of the API, such as "/models": https://host/v1/models?key=abc. A base
 * that ends in an API's path already (/v1/chat/completions) is the address of that path as it is,
 * and what stands before is the base of others; but a deployment may be called as an API is
 * (/deployments/embeddings). */
void endpoint_add_url(const struct endpoint_config *c, const char *path, struct buffer *out);

/* The API in whose path the URL ends (/v1/messages); NULL for a base. */
const struct bench_api *endpoint_api_of(const char *url);

struct endpoint {
    const struct endpoint_config *config;
    char *url;                  /* of the API's path */
    char *model;                /* what to ask for where the request says nothing; NULL */
    struct curl_slist *headers; /* with Content-Type, the key and the user's own */
    struct secrets secrets;
    struct addrinfo *addresses; /* of its host, looked up once; NULL: none, or a Unix socket */
    struct curl_slist *resolve; /* the same for libcurl, host:port:addresses; NULL for numbers */
    /* A transfer by prior knowledge must not meet an open connection: HTTP/2 without TLS in
     * libcurl 7.88, which would begin HTTP/2 anew on it and break it (right again in 8.0.0). */
    bool joins;
};

/* ERR_INPUT for a URL that is none, or a header without a colon. A name that does not resolve is
 * no error here: every request will say so. */
int endpoint_prepare(struct endpoint *e, const struct endpoint_config *config,
                     const struct bench_api *api, bool stream, struct error *err);
void endpoint_free(struct endpoint *e);

bool endpoint_is_https(const struct endpoint *e);

/* Sets what every exchange with the endpoint needs, except the body. */
void endpoint_apply(const struct endpoint *e, CURL *easy);

/* Sets an exchange that is waited for, until a stop is asked for or the time is over: what is
 * posted (NULL = nothing is; borrowed), and where its answer's body goes, up to the buffer's cap.
 */
void endpoint_set_exchange(CURL *easy, const struct buffer *body, long limit_ms,
                           struct buffer *answer);

#endif
