/* Which sessions a month may have had: a sample drawn anew.
 *
 *     struct redraw r;
 *     redraw_open(&r, &workload, err);
 *     for (uint64_t d = 0; d < draws; d++) {
 *         redraw_make(&r, seed, d);
 *         options.drawn = r.drawn, options.drawn_count = r.drawn_count;     // bill_make
 *     }
 *     redraw_free(&r);
 *
 * What is drawn with replacement are blocks of sessions: those of one user where the requests name
 * users (a label "user"), whole days where the sample spans DAYS_LEAST days, else single sessions;
 * with users and days both, a session comes as often as its user times as often as its day (Owen
 * 2007, "The pigeonhole bootstrap"). Of B blocks fewer are drawn where B is small or their sizes
 * are skewed: the plain bootstrap is too narrow there, by √(B − 1)/√B, and for means of skewed
 * values by more (m out of n; Bickel, Götze and van Zwet 1997). The factor was set by the synthetic
 * markets of the tests, whose truth is known.
 */
#ifndef FAREBOX_SIM_DECIDE_REDRAW_H
#define FAREBOX_SIM_DECIDE_REDRAW_H

#include "sim/cost/bill/extrapolate.h"

struct redraw {
    struct serve_rows rows; /* of the sample */
    struct session_list sessions;
    uint32_t *user, *day; /* by session; NULL: not told apart */
    size_t users, days;
    double *size;  /* by session: what it weighs, about: its tokens as most are priced */
    size_t blocks; /* that are drawn from, the fewer of users and days where there are both */
    size_t draws_user, draws_day, draws_session; /* blocks drawn of each */
    uint32_t *drawn; /* of the last draw: sessions by number, in no order */
    size_t drawn_count, drawn_capacity;
    uint32_t *times; /* scratch: how often each user, then each day */
};

/* Borrows the workload. ERR_INPUT: no request, rows in a ring. */
int redraw_open(struct redraw *r, const struct workload *sample, struct error *err);
void redraw_free(struct redraw *r);

/* Draw number `number` of a seed. */
void redraw_make(struct redraw *r, uint64_t seed, uint64_t number);

/* "sessions", "users", "days", "users and days". */
const char *redraw_unit(const struct redraw *r);

/* So many blocks to draw out of `count` of these sizes. */
size_t redraw_so_many(const double *sizes, size_t count);

#endif
