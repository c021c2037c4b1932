/* Sessions and requests: how many requests a session has, so that a rate can be told in requests.
 *
 *     double each = scenario_requests_per_session(&scenario);
 *     double sessions_per_second = 5 / each;              // so that requests come at 5 a second
 *
 * At a rate of R requests per second sessions begin R ÷ (requests per session) times a second.
 */
#ifndef FAREBOX_WORKLOADS_SCENARIO_SESSION_RATE_H
#define FAREBOX_WORKLOADS_SCENARIO_SESSION_RATE_H

#include "workloads/scenario/scenario.h"

/* Mean requests of a session that begins by the scenario's arrivals, those of each class weighted
 * by how often it begins. From the distributions of turns, steps, repeats and calls; where a
 * context limit can end sessions, how much it takes is measured on sessions that are generated for
 * it, from a seed of its own, so that the same scenario gives the same number. */
double scenario_requests_per_session(const struct scenario *s);

/* How often sessions begin by the scenario's own arrivals, on average: per second. */
double scenario_sessions_rps(const struct scenario *s);

/* How often those of a class begin. */
double scenario_class_sessions_rps(const struct scenario *s, size_t class_number);

#endif
