/* Which requests belong together: a conversation's next request begins with the messages of the one
 * before it.
 *
 *     struct sessions s;
 *     sessions_init(&s, &key);
 *     struct session_place at = sessions_find(&s, &asked, arrived_ns);
 *     sessions_note(&s, &at, row, ended_ns);                 // once its answer is there
 *     sessions_free(&s);
 *
 * Of the messages hashes are kept, under the key. The request that others begin with is used up by
 * the first that does; so two conversations that open with the same words stay two.
 */
#ifndef FAREBOX_BENCH_RECORDER_SESSIONS_H
#define FAREBOX_BENCH_RECORDER_SESSIONS_H

#include "bench/recorder/asked.h"
#include "bench/recorder/digest_map.h"
#include "bench/recorder/siphash.h"

#include <stdbool.h>

/* A request that was answered. */
struct session_turn {
    uint32_t session, row;
    int64_t ended_ns;
    uint32_t older; /* of the same messages, and not used up; DIGEST_NONE */
};

struct session_place {
    uint64_t hash;    /* of all of its messages, or of the name */
    uint32_t session; /* its number, from 0 */
    bool follows;     /* a request that was answered, by `before`: */
    uint32_t before;  /* its row */
    int64_t ended_ns; /* when that was */
};

struct sessions {
    struct siphash_key key;
    struct digest_map turns;
    struct session_turn *items;
    size_t count, capacity;
    uint32_t sessions;
};

void sessions_init(struct sessions *s, const struct siphash_key *key);
void sessions_free(struct sessions *s);

/* The session of a request by its messages, a new one where none is known that it continues. A
 * request that ended after `arrived_ns` is none that it follows, though its session is the same. */
struct session_place sessions_find(struct sessions *s, const struct asked *a, int64_t arrived_ns);

/* The same by a name that the caller gave. */
struct session_place sessions_find_name(struct sessions *s, const char *name, int64_t arrived_ns);

/* The request at that place has been answered. */
void sessions_note(struct sessions *s, const struct session_place *at, uint32_t row,
                   int64_t ended_ns);

#endif
