/* The secrets of a bench: where each comes from, and to whom it goes.
 *
 *     struct bench_secrets s;
 *     if (bench_secrets_read(&options, &s, err) < 0) ...
 *     endpoint.api_key = s.sites[i].key;              // of the i-th --url
 *     bench_secrets_free(&s);
 *
 * - The API key: --api-key-file or --api-key-env, once for every --url or once for each in their
 *   order ("none" for one without); else OPENAI_API_KEY, where every --url is of one host.
 * - A user and a password stand in the URL and are taken out of it.
 * - The value of a header is in a file where it is written as @FILE; so is the --body.
 */
#ifndef FAREBOX_CLI_BENCH_BENCH_SECRETS_H
#define FAREBOX_CLI_BENCH_BENCH_SECRETS_H

#include "cli/command.h"
#include "core/error.h"

#include <stddef.h>

struct bench_options;

/* What goes with a --url. */
struct bench_site {
    char *url;             /* without user and password */
    char *shown;           /* also without what looks like a secret in its query */
    char *key;             /* NULL */
    char *user, *password; /* NULL */
};

struct bench_secrets {
    struct bench_site *sites;
    size_t site_count;
    char **headers; /* "Name: value", ended by NULL */
    size_t header_count;
    char *body;   /* NULL */
    char **words; /* credentials of headers and body, ended by NULL */
    size_t word_count;
};

/* ERR_INPUT also for what a run.json holds as hidden: it has to be given anew. Owned by `out` even
 * then. */
int bench_secrets_read(const struct bench_options *o, struct bench_secrets *out, struct error *err);
void bench_secrets_free(struct bench_secrets *s);

/* Warns of secrets on the command line, which every user of the machine can read, and of an
 * OPENAI_API_KEY that goes nowhere. */
void bench_secrets_warn(const struct terminal *t, const struct bench_options *o);

#endif
