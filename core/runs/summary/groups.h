/* Inside core/runs: which class, model, endpoint, turn and labels each request has, and the figures
 * of each such group.
 *
 * A request's row holds the number of its combination; the store holds what the combinations are.
 * Both are capped: texts beyond GROUP_TEXTS and combinations beyond GROUP_MOST count as not said,
 * sessions beyond GROUP_SESSIONS have turns that are not said, so memory does not grow with the
 * length of a run.
 */
#ifndef FAREBOX_CORE_RUNS_SUMMARY_GROUPS_H
#define FAREBOX_CORE_RUNS_SUMMARY_GROUPS_H

#include "core/names.h"
#include "core/runs/summary/summary.h"
#include "core/stats/histogram.h"
#include "core/stats/moments.h"

#define GROUP_TEXTS 4096
#define GROUP_MOST 65535
#define GROUP_SESSIONS ((size_t)1 << 16)

enum { GROUP_CLASS, GROUP_MODEL, GROUP_ENDPOINT, GROUP_TURN, GROUP_LABELS, GROUP_PARTS };

/* By part: a number in group_store.texts (the turn: 1 + its range), NAME_NONE = not said. */
struct group_key {
    uint32_t parts[GROUP_PARTS];
};

struct group_store {
    struct names texts, combinations, sessions;
    struct group_key *keys; /* by combination */
    uint16_t *turns;        /* by session: requests that ended */
    size_t key_capacity, turn_capacity;
    struct histogram set_up[SET_UP_PARTS];
    struct moments set_up_moments[SET_UP_PARTS];
    char samples[FAILURE_CLASSES][ERROR_SAMPLES][ERROR_SAMPLE_SIZE];
};

void group_store_init(struct group_store *g);
void group_store_free(struct group_store *g);

/* The combination of a request, by its final record. */
uint16_t group_store_add(struct group_store *g, const struct record *r);

/* An attempt's set-up times and, if it failed, the words of it. */
void group_store_note(struct group_store *g, const struct record *r);

/* Takes over what `from` holds; *map (freed by the caller) is the new number of each of its
 * combinations. */
void group_store_merge(struct group_store *g, const struct group_store *from, uint16_t **map);

#endif
