/* Who waits for whom: the parents that each row still waits for, and its children.
 *
 *     struct dependencies d;
 *     dependencies_init(&d, &workload, rows);      // the first `rows` rows take part
 *     for (each child c of row) if (dependencies_parent_ended(&d, c, now_ns)) ...   // c is free
 *     dependencies_free(&d);
 *
 * Owns its arrays, borrows nothing.
 */
#ifndef FAREBOX_WORKLOADS_LOAD_DEPENDENCIES_H
#define FAREBOX_WORKLOADS_LOAD_DEPENDENCIES_H

#include "core/error.h"
#include "workloads/model/workload.h"

struct dependencies {
    uint32_t *parents_left; /* NULL where no row has parents */
    int64_t *last_end_ns;   /* latest end of the parents so far */
    uint64_t *child_start;  /* children of row i: child[child_start[i] .. child_start[i + 1]) */
    uint32_t *child;
};

/* A parent beyond the rows that take part never ends, so its children never become due. */
void dependencies_init(struct dependencies *d, const struct workload *w, uint32_t rows);
void dependencies_free(struct dependencies *d);

/* Notes the end of one of the row's parents; true if it was the last one it waited for. */
bool dependencies_parent_ended(struct dependencies *d, uint32_t row, int64_t now_ns);

/* For each row the number of the worker that owns it, of `workers` in each of `shards`: rows of one
 * session, and rows that wait for each other, have one owner, and all owners have equally many such
 * groups. Worker k of shard i has the number i + shards × k; a shard owns the same rows
 * whatever its count of workers. The caller frees it. */
uint32_t *dependencies_owners(const struct workload *w, uint32_t shards, uint32_t workers);

#endif
