/* Sessions and requests: how many requests a session has, so that a rate can be told in requests.
 *
 *     double each = scenario_requests_per_session(&scenario);
 *     double sessions_per_second = 5 / each;              // so that requests come at 5 a second
 *
 * At a rate of R requests per second sessions begin R ÷ (requests per session) times a second.
 * Their later turns follow after answers, think times and tools, so that requests come more slowly
 * at first: rate_ramp_ns() says when the rate is reached.
 */
#ifndef FAREBOX_WORKLOADS_SESSION_RATE_H
#define FAREBOX_WORKLOADS_SESSION_RATE_H

#include "workloads/profile.h"
#include "workloads/scenario.h"
#include "workloads/workload.h"

#define RATE_REACHED 0.95 /* the share of a rate from which on a load counts as steady */

/* Mean requests of a session that begins by the scenario's arrivals, those of each class weighted
 * by how often it begins. From the distributions of turns, steps, repeats and calls; where a
 * context limit can end sessions, how much it takes is measured on sessions that are generated for
 * it, from a seed of its own, so that the same scenario gives the same number. */
double scenario_requests_per_session(const struct scenario *s);

/* How often sessions begin by the scenario's own arrivals, on average: per second. */
double scenario_sessions_rps(const struct scenario *s);

/* How often those of a class begin. */
double scenario_class_sessions_rps(const struct scenario *s, size_t class_number);

/* A load in requests per second as one in arrivals per second: each stage over `requests`, the
 * requests that follow from an arrival on average. Bursts stay: so many requests at one instant are
 * so many arrivals. The caller frees `out`. */
void profile_per_session(const struct profile *load, double requests, struct profile *out);

/* From the start of a load at one rate, how long until requests come at RATE_REACHED of it: by then
 * that share of the rows follows on the row that began their session. A row comes after the last of
 * its parents, `answer_ns` (how long an answer takes; 0 = not known, which gives the least time)
 * and its delay. 0 where no row waits for another. */
int64_t rate_ramp_ns(const struct workload *w, int64_t answer_ns);

#endif
