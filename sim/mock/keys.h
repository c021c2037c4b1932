/* API keys and their limits.
 *
 * A key file has one key a line, then its own limits where they differ from the default:
 *     sk-test-1
 *     sk-test-2 rpm=60 tpm=10000 rpd=1000 concurrency=4
 * Empty lines and lines that begin with # are skipped. Keys never appear in messages.
 *
 *     struct keys keys;
 *     keys_load(&keys, path, &defaults, now_ns, err);     // NULL path: nobody needs a key
 *     struct limiter *l = keys_find(&keys, &mock_chat, "Bearer sk-test-1", NULL, &e);
 *     keys_free(&keys);
 */
#ifndef FAREBOX_SIM_MOCK_KEYS_H
#define FAREBOX_SIM_MOCK_KEYS_H

#include "core/error.h"
#include "core/names.h"
#include "sim/mock/api/mock_api.h"
#include "sim/mock/limiter.h"

struct keys {
    bool required;
    struct names names;
    struct limiter *limiters; /* by number; without a file, one for everybody */
    size_t count, capacity;
};

/* 0 or ERR_INPUT with file and line; keys_free() is to follow in either case. */
int keys_load(struct keys *k, const char *path, const struct limit_rules *defaults, int64_t now_ns,
              struct error *err);
void keys_free(struct keys *k);

/* The limiter that the API's key header leads to (`header`, or NULL; `bearer`: the header
 * Authorization, or NULL, for the APIs that take that too), or NULL and a 401. */
struct limiter *keys_find(const struct keys *k, const struct mock_api *api, const char *header,
                          const char *bearer, struct api_error *e);

#endif
