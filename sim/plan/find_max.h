/* The highest rate that holds on a live endpoint, in few probes: the goodput meets its target and
 * no queue grows (core/runs/compare/sustained.h).
 *
 *     struct find_max f = {.series = {...}, .start_rps = 4, .requests = 600};
 *     int status = find_max_run(&f, err);
 *     find_max_write_json(&f, &writer);               // the probes made, whatever the status
 *     status = status < 0 ? status : find_max_status(&f, err);
 *     load_series_end(&f.series);
 *
 * The search is that of sim/plan/load_search.h: by a factor of 4, to within 4 %, in at most twelve
 * probes. What an overloaded endpoint completed per second is the first guess below it. Every probe
 * sees the same arrivals, only closer together. The answer is the highest rate that was measured to
 * hold; a run that was too short to tell does not count, and neither does one in which the client
 * was the limit: that is made once more, and if it is limited again, the search goes on below it.
 * What is found under such a limit is a lower bound and is called one.
 */
#ifndef FAREBOX_SIM_PLAN_FIND_MAX_H
#define FAREBOX_SIM_PLAN_FIND_MAX_H

#include "sim/plan/load_search.h"
#include "sim/plan/load_series.h"

#define FIND_MAX_START 4 /* requests per second */
#define FIND_MAX_PROBES 12
#define FIND_MAX_REQUESTS 600 /* of a probe, unless told */
#define FIND_MAX_LEAST 50     /* fewer tell nothing about 99 % */

struct find_max {
    struct load_series series; /* its points: the probes, in their order */
    double start_rps;
    uint64_t requests;     /* of one probe */
    uint64_t max_requests; /* of all probes; 0 = no limit */

    /* found */
    struct load_search search; /* search.low: the rate; 0 = none held */
    double failed_rps;         /* the lowest rate that does not hold, */
    double too_short_rps;      /* whose run was too short to tell, */
    double limited_rps;        /* at which the client was the limit; INFINITY = none */
    const char *rate_is;       /* "measured", "at_least", "unknown" */
    const char *limit_reason;
    const char *ended; /* why it is not narrower; NULL */
    bool over_budget;
    uint64_t left; /* requests that may still be sent */
};

/* Makes the probes. load_series_end() is to follow in every case. */
int find_max_run(struct find_max *f, struct error *err);

/* ERR_WORK where no rate is known to hold or a budget was used up. */
int find_max_status(const struct find_max *f, struct error *err);

/* The requests of the next probe, taken from what is left of the limit; 0 = too few are left. */
uint64_t find_max_take_requests(struct find_max *f);

/* find-max.json. */
void find_max_write_json(const struct find_max *f, struct json_writer *w);

#endif
