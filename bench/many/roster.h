/* The roster: who of the processes is there, who is silent, who is lost.
 *
 *     struct roster r;
 *     roster_init(&r, 8, now_ns);
 *     roster_hear(&r, rank, now_ns);                    // whatever came from it
 *     roster_end(&r, rank);                             // it said that its part is over
 *     while ((change = roster_next(&r, now_ns, &rank)) != ROSTER_SAME) say(change, rank);
 *     if (!roster_working(&r)) ...                      // all have ended, or are lost
 *     roster_free(&r);
 *
 * A process that is alive says something twice a second. One that says nothing for 5 s is silent,
 * which is said once, and may come back; one that says nothing for 15 s is lost, and what it sends
 * later is not taken: nothing is counted twice, and nothing waits for it. Time is an argument.
 */
#ifndef FAREBOX_BENCH_MANY_ROSTER_H
#define FAREBOX_BENCH_MANY_ROSTER_H

#include "core/clock.h"

#include <stdbool.h>
#include <stdint.h>

#define ROSTER_BEAT_NS (500 * NS_PER_MS)
#define ROSTER_SILENT_NS (5 * NS_PER_S)
#define ROSTER_LOST_NS (15 * NS_PER_S)

enum roster_change { ROSTER_SAME, ROSTER_SILENT, ROSTER_BACK, ROSTER_LOST };

struct roster_entry {
    int64_t heard_ns;   /* last */
    int64_t silence_ns; /* of one that came back: how long it said nothing */
    bool silent, back, ended, lost;
};

struct roster {
    struct roster_entry *of;
    uint32_t count;
};

void roster_init(struct roster *r, uint32_t count, int64_t now_ns);
void roster_free(struct roster *r);

/* A new run: who has ended is working again. Who is lost stays so. */
void roster_begin(struct roster *r, int64_t now_ns);

/* False where it is lost: what it says is not taken. */
bool roster_hear(struct roster *r, uint32_t rank, int64_t now_ns);
void roster_end(struct roster *r, uint32_t rank);

/* It is known to be gone. */
void roster_lose(struct roster *r, uint32_t rank);

/* What has changed since it was asked last, one process at a time. */
enum roster_change roster_next(struct roster *r, int64_t now_ns, uint32_t *rank);

bool roster_working(const struct roster *r);

#endif
