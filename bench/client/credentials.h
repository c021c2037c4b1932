/* Credentials: where each comes from, and to whom it goes.
 *
 *     struct credentials c;
 *     if (credentials_read(&sources, &c, err) < 0) ...
 *     endpoint.api_key = c.sites[i].key;              // of the i-th URL
 *     credentials_free(&c);                           // also after an error
 *
 * - The API key: from a file or a variable of the environment, once for every URL or once for each
 *   in their order ("none" for one without); else the API's own variable or OPENAI_API_KEY, where
 *   every URL is of one host.
 * - A user and a password stand in the URL and are taken out of it.
 * - The value of a header is in a file where it is written as @FILE; so is the body.
 */
#ifndef FAREBOX_BENCH_CLIENT_CREDENTIALS_H
#define FAREBOX_BENCH_CLIENT_CREDENTIALS_H

#include "core/buffer.h"
#include "core/error.h"

#include <stdbool.h>
#include <stddef.h>

struct credential_list {
    const char *const *items;
    size_t count;
    bool typed; /* on the command line, where every user of the machine can read it */
};

/* The options as they were given; borrowed. */
struct credential_sources {
    struct credential_list urls, headers, key_files, key_variables;
    const char *key_variable; /* of the API, asked before OPENAI_API_KEY; NULL */
    const char *body;         /* JSON or @FILE; NULL */
    bool body_typed;
};

/* What goes with a URL. */
struct credential_site {
    char *url;             /* without user and password */
    char *shown;           /* also without what looks like a secret in its query */
    char *key;             /* NULL */
    char *key_from;        /* the file or variable that it comes from; NULL */
    char *user, *password; /* NULL */
};

struct credentials {
    struct credential_site *sites;
    size_t site_count;
    char **headers; /* "Name: value", ended by NULL */
    size_t header_count;
    char *body;   /* NULL */
    char **words; /* credentials of headers and body, ended by NULL */
    size_t word_count;
};

/* ERR_INPUT also for what a run.json holds as hidden: it has to be given anew. Owned by `out` even
 * then. */
int credentials_read(const struct credential_sources *from, struct credentials *out,
                     struct error *err);
void credentials_free(struct credentials *c);

/* Scheme, host and port of two URLs are the same, as they are written: what may be sent to the one
 * may be sent to the other. */
bool credentials_same_host(const char *a, const char *b);

/* Adds a line for each secret on the command line, and for a key of the environment that goes
 * nowhere. */
void credentials_add_open(const struct credential_sources *from, struct buffer *lines);

#endif
