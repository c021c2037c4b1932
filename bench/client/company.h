/* The other processes of a run: what bench asks of whoever keeps in touch with them.
 *
 *     static const struct bench_company company = {
 *         .context = &crew, .leads = true, .start = agree, .own = keep, .poll = exchange,
 *         .add_flights = tell};
 *     config.shard = 0; config.shards = 8;
 *     config.company = &company;
 *
 * All calls come from the thread that called bench_run, about every 10 ms while the run goes on, so
 * that nothing here delays a send. One process leads: its run lasts until all have ended, takes
 * their records as its own, and judges the stop rules over everybody's requests.
 */
#ifndef FAREBOX_BENCH_CLIENT_COMPANY_H
#define FAREBOX_BENCH_CLIENT_COMPANY_H

#include "bench/client/bench_config.h"
#include "bench/client/stop_request.h"
#include "core/runs/record/record.h"

/* One meeting with the others. */
struct company_meeting {
    /* of this process */
    const struct bench_progress *progress;
    uint64_t sent;
    uint32_t in_flight;
    bool ended;                         /* its part is over, and all its records were observed */
    const struct stop_flights *flights; /* what is in flight here; of one that does not lead */
    /* Gives the leader another process's record. */
    void (*take)(void *run, const struct record *r);
    void *run;

    /* both ways: what stops the run, as known here and as known to all */
    enum stop_request stop;

    /* of the others, for the leader */
    uint64_t others_sent;
    uint32_t others_in_flight;
    bool working; /* some have not ended: the run is not over */
};

struct bench_company {
    void *context;
    bool leads;
    /* The instant at which all begin, on this machine's CLOCK_MONOTONIC; waits for the others.
     * TIME_NEVER: the run is off, and nothing is to be sent. */
    int64_t (*start)(void *context);
    /* A record of this process's own, before the observer sees it. NULL */
    void (*own)(void *context, const struct record *r);
    void (*poll)(void *context, struct company_meeting *m);
    /* Of one that leads: appends what is in flight elsewhere. */
    void (*add_flights)(void *context, struct stop_flights *out);
};

#endif
