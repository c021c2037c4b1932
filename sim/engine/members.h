/* Which replicas of an engine there are: they start, take requests, drain and go.
 *
 *     struct members m = {0};
 *     members_begin(&m, 2, now_ns);                     // two that are ready
 *     uint32_t i = members_start(&m, now_ns, ready_ns); // its number; those that went are free
 * again members_settle(&m, now_ns);                       // who has started by now is ready i =
 * members_stop(&m, now_ns);                     // who goes next: it drains, or never began
 *     members_off(&m, i, now_ns);                       // nothing is left in it
 *     members_free(&m);
 *
 * As Kubernetes does it, those go first that have not started yet, then those that were ready last.
 * A member's time runs from the decision to start it until it is off.
 */
#ifndef FAREBOX_SIM_ENGINE_MEMBERS_H
#define FAREBOX_SIM_ENGINE_MEMBERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MEMBER_NONE UINT32_MAX

enum member_stage { MEMBER_OFF, MEMBER_STARTING, MEMBER_READY, MEMBER_DRAINING };

struct member {
    enum member_stage stage;
    int64_t begun_ns, ready_ns;
};

struct members {
    struct member *items;
    size_t count, capacity;
    uint32_t ready, starting, draining;
    uint32_t most;           /* ready at once, so far */
    uint64_t starts, stops;  /* decisions since the beginning */
    int64_t off_ns, cold_ns; /* time of those that are off; spent starting, likewise */
    int64_t unit_ns;         /* what is paid is paid in whole units of it; 0 = not counted */
    uint64_t off_units;      /* of those that are off */
};

void members_begin(struct members *m, uint32_t count, int64_t now_ns);
void members_free(struct members *m);

uint32_t members_start(struct members *m, int64_t now_ns, int64_t ready_ns);
void members_settle(struct members *m, int64_t now_ns);

/* MEMBER_NONE where none is left that takes or will take requests. One that was starting is off;
 * one that was ready drains until members_off(). */
uint32_t members_stop(struct members *m, int64_t now_ns);
void members_off(struct members *m, uint32_t i, int64_t now_ns);

/* Replica time until now_ns, and what of it was spent starting. */
int64_t members_time_ns(const struct members *m, int64_t now_ns);
int64_t members_cold_ns(const struct members *m, int64_t now_ns);

/* Units begun until now_ns, by every replica from its own start; 0 without unit_ns. */
uint64_t members_units(const struct members *m, int64_t now_ns);

#endif
