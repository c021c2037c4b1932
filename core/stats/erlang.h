/* Erlang's formulas: a queue with Poisson arrivals, exponential service and several servers.
 *
 *     double load = rate_rps * service_s;                       // in Erlang: busy servers
 *     double waits = erlang_c(servers, load);                   // share that must wait
 *     double p99_s = erlang_wait_quantile(servers, load, service_s, 0.99);
 *
 * Erlang B by its recurrence B(c) = aB(c−1) / (c + aB(c−1)), which neither overflows nor cancels;
 * C = cB / (c − a(1 − B)). Waits of those who wait are exponential with rate (c − a) / service.
 * A load of as many Erlang as servers, or more, has no steady state: C is 1, waits are infinite.
 */
#ifndef FAREBOX_CORE_STATS_ERLANG_H
#define FAREBOX_CORE_STATS_ERLANG_H

/* Probability that all servers are busy where nobody waits (blocked calls are lost). */
double erlang_b(unsigned servers, double load);

/* Probability that an arrival waits. */
double erlang_c(unsigned servers, double load);

/* p-quantile of the wait over all arrivals: 0 where 1 − p ≥ C. */
double erlang_wait_quantile(unsigned servers, double load, double service, double p);

#endif
