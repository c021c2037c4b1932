/* Waiting until an endpoint answers: a server that loads its model, or has not begun to listen.
 *
 *     struct ready_wait wait = {.config = &config, .workload = &workload, .limit_ns = limit_ns,
 *                               .told = show, .context = &mine};
 *     if (ready_run(&wait, err) < 0) return err->code;
 *
 * One endpoint after the other is asked GET /models, where there is such a list, and then for the
 * shortest answer that its API has: servers listen, and list their models, before they can answer.
 * Each is asked again until it answers or the time, which is that of all together, is over.
 *
 * What does not change by waiting ends it at once: a key that is refused, a model or an address
 * that is not there, a certificate. A request that is found bad (400, 422) was read by a server
 * that is up: the run will say more.
 */
#ifndef FAREBOX_BENCH_READY_READY_H
#define FAREBOX_BENCH_READY_READY_H

#include "bench/client/bench_config.h"
#include "core/error.h"

#define READY_WORDS 1 /* of the prompt of its short requests */

enum ready_verdict { READY_YES, READY_NOT_YET, READY_NEVER };

struct ready_wait {
    const struct bench_config *config;
    const struct workload *workload;
    int64_t limit_ns;
    /* Told after every look at an endpoint that is not ready yet, and why it is not; NULL */
    void (*told)(void *context, const struct endpoint_config *e, const char *why,
                 int64_t waited_ns);
    void *context;
    uint64_t requests; /* filled: answers that were asked for, each of one token */
};

/* 0 where all endpoints are ready; ERR_WORK where one is not within the time or never will be, with
 * what it said last; ERR_INTERRUPTED; ERR_INPUT for a configuration that cannot be run. */
int ready_run(struct ready_wait *wait, struct error *err);

/* What a status means for a wait: `generates` says whether it came of a request for an answer. */
enum ready_verdict ready_of_status(int status, bool generates);

/* What libcurl's end of an exchange means; of CURLE_OK, READY_YES. */
enum ready_verdict ready_of_curl(CURLcode code);

#endif
