/* A month (or a day) made of a sample: the workload's sessions again and again at the rate asked.
 *
 *     struct extrapolation e = {.requests = 20000, .horizon_ns = 30 * 86400 * NS_PER_S};
 *     if (extrapolate(&e, &rows, &month, err) < 0) ...
 *
 * Sessions come in the file's order and from the start again when all are used, S = requests over
 * requests per session, rounded, in all. Session j starts where the profile reaches (j + ½) / S:
 * the sample's own hours of the week where it spans a week and more, even otherwise. Times inside a
 * session are kept; a row without a session is one of its own. What waits for others is due when it
 * was in the sample, and prefix blocks and texts are left out: nothing that a plan prices is lost.
 */
#ifndef FAREBOX_SIM_COST_BILL_EXTRAPOLATE_H
#define FAREBOX_SIM_COST_BILL_EXTRAPOLATE_H

#include "sim/cost/bill/serve.h"

struct extrapolation {
    uint64_t requests; /* in the horizon, about: whole sessions are placed */
    int64_t horizon_ns;
    int64_t start_unix_ns; /* wall clock of the sample's instant 0, for the hours of the week */
    const uint32_t *drawn; /* sessions by number, to take these in this order; NULL: each once */
    size_t drawn_count;
    uint64_t sessions; /* out: placed */
    bool by_hour;      /* out: the sample's hours of the week were followed, else even */
};

/* Larger ones are scaled from this many. */
#define EXTRAPOLATE_MOST ((uint64_t)500000)

/* The sample by session: rows of session s are row[start[s]] .. row[start[s + 1]], in the file's
 * order; sessions in the order in which the file first names them. */
struct session_list {
    size_t count;
    size_t *start;
    uint32_t *row;
    int64_t *begin_ns; /* the first due time of each */
};
void session_list_make(struct session_list *s, const struct serve_rows *sample);
void session_list_free(struct session_list *s);

/* S, of a period of so many requests, from a sample of so many sessions and rows. */
uint64_t extrapolate_sessions(uint64_t requests, size_t sessions, size_t rows);

/* Sessions that start in each hour of the week, per such hour that the sample spans; not known
 * where it spans less than a week. */
#define WEEK_HOURS 168
struct week_profile {
    bool known;
    double starts[WEEK_HOURS];
};
void week_profile_make(struct week_profile *p, const struct session_list *s,
                       const struct serve_rows *sample, int64_t start_unix_ns);

/* A sample, looked at once for many periods that are made of it. */
struct extrapolation_sample {
    const struct serve_rows *rows;
    const struct session_list *sessions;
    const struct week_profile *profile;
};

/* out: a workload of its own that the caller frees. ERR_INPUT: a sample without rows. */
int extrapolate(struct extrapolation *e, const struct serve_rows *sample, struct workload *out,
                struct error *err);
void extrapolate_sample(struct extrapolation *e, const struct extrapolation_sample *sample,
                        struct workload *out);

/* Where in the horizon session j of e->sessions starts: asked for j = 0, 1, 2, ... in this order,
 * as the walk over the hours goes on from call to call. Borrows the profile. */
struct placing {
    struct extrapolation e;
    const struct week_profile *profile; /* NULL: even */
    double total, reached;              /* of the profile: all, before `hour` */
    int64_t hour;                       /* from the horizon's start */
};
void placing_begin(struct placing *p, const struct extrapolation *e,
                   const struct week_profile *profile);
int64_t placing_start(struct placing *p, uint64_t j);

/* Bounds on how many of `sessions` start in [from_ns, to_ns) of the horizon: exact to one session
 * where they are placed evenly, to three by the hours of the week. */
struct placing_shares {
    int64_t horizon_ns;
    double *before; /* the profile's weight before each hour, and of all; NULL: even */
    size_t hours;
};
void placing_shares_make(struct placing_shares *s, const struct placing *p);
void placing_shares_free(struct placing_shares *s);
void placing_between(const struct placing_shares *s, int64_t from_ns, int64_t to_ns,
                     uint64_t sessions, uint64_t *least, uint64_t *most);

#endif
