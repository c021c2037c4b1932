/* Which request of a conversation repeats another's prompt and answer.
 *
 *     uint32_t *later = later_turns_find(&w);
 *     if (later && later[row] != LATER_TURN_NONE) use(w.hash_ids + w.hash_start[later[row]]);
 *     free(later);
 *
 * A trace names what prompts consist of, not what was answered. What a later prompt has behind the
 * earlier prompt names the answer. The next turn of a row is the first of the following requests of
 * its session (or, without sessions, of those that wait for it in turn) whose ids begin with all
 * full blocks of the row's prompt and whose prompt is as long as prompt and answer together. Given
 * is the last turn, the next turn's next turn and so on: its ids name the blocks of all of them.
 *
 * Where a prompt ends within its first blocks, which others have too, the ids cannot tell a
 * conversation that goes on from one that begins anew each time. Prompts of the latter are as often
 * shorter as longer, so the rows of a class have later turns only if earlier prompts are repeated
 * by later ones at least four times as often as later ones by earlier.
 */
#ifndef FAREBOX_WORKLOADS_MODEL_LATER_TURN_H
#define FAREBOX_WORKLOADS_MODEL_LATER_TURN_H

#include "workloads/model/workload.h"

#define LATER_TURN_NONE UINT32_MAX

/* By row, LATER_TURN_NONE where there is none; NULL where no row has one. The caller frees it. */
uint32_t *later_turns_find(const struct workload *w);

#endif
