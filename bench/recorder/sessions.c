#include "bench/recorder/sessions.h"

#include "core/memory.h"

#include <stdlib.h>
#include <string.h>

#define MOST_TURNS ((size_t)4 << 20)
#define NAMED UINT64_C(0x6e616d6564) /* begins the hash of a name */

void sessions_init(struct sessions *s, const struct siphash_key *key)
{
    *s = (struct sessions){.key = *key};
}

void sessions_free(struct sessions *s)
{
    digest_map_free(&s->turns);
    free(s->items);
    explicit_bzero(&s->key, sizeof s->key);
}

/* Takes the youngest turn of those messages off its list, unless it is the last of them. */
static struct session_turn use_up(struct sessions *s, uint64_t hash, uint32_t at)
{
    if (s->items[at].older != DIGEST_NONE)
        digest_map_set(&s->turns, hash, s->items[at].older);
    return s->items[at];
}

static struct session_place continue_turn(const struct session_turn *t, uint64_t hash,
                                          int64_t arrived_ns)
{
    return (struct session_place){.hash = hash,
                                  .session = t->session,
                                  .follows = t->ended_ns <= arrived_ns,
                                  .before = t->row,
                                  .ended_ns = t->ended_ns};
}

static struct text turn_of(const struct asked *a, size_t i)
{
    return (struct text){a->prompt.data + a->turns[i - 1], a->turns[i] - a->turns[i - 1]};
}

struct session_place sessions_find(struct sessions *s, const struct asked *a, int64_t arrived_ns)
{
    uint64_t hash = 0, found_hash = 0;
    uint32_t found = DIGEST_NONE;
    for (size_t i = 1; i < a->turn_count; i++) {
        uint32_t known = i > 1 ? digest_map_find(&s->turns, hash) : DIGEST_NONE;
        if (known != DIGEST_NONE) {
            found = known;
            found_hash = hash;
        }
        struct text turn = turn_of(a, i);
        hash = siphash(&s->key, hash, turn.at, turn.length);
    }
    if (found == DIGEST_NONE)
        return (struct session_place){.hash = hash, .session = s->sessions++};
    struct session_turn t = use_up(s, found_hash, found);
    return continue_turn(&t, hash, arrived_ns);
}

struct session_place sessions_find_name(struct sessions *s, const char *name, int64_t arrived_ns)
{
    uint64_t hash = siphash(&s->key, NAMED, name, strlen(name));
    uint32_t known = digest_map_find(&s->turns, hash);
    if (known == DIGEST_NONE)
        return (struct session_place){.hash = hash, .session = s->sessions++};
    return continue_turn(&s->items[known], hash, arrived_ns);
}

void sessions_note(struct sessions *s, const struct session_place *at, uint32_t row,
                   int64_t ended_ns)
{
    if (s->count >= MOST_TURNS) {
        digest_map_free(&s->turns);
        s->count = 0;
    }
    uint32_t older = digest_map_find(&s->turns, at->hash);
    mem_grow(&s->items, &s->capacity, s->count + 1, sizeof *s->items);
    s->items[s->count] = (struct session_turn){at->session, row, ended_ns, older};
    digest_map_set(&s->turns, at->hash, (uint32_t)s->count++);
}
