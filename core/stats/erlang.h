/* Erlang's formulas: a queue with Poisson arrivals, exponential service and several servers.
 *
 *     double load = rate_rps * service_s;                       // in Erlang: busy servers
 *     double waits = erlang_c(servers, load);                   // share that must wait
 *     double mean_s = erlang_mean_wait(servers, load, service_s);
 *     double p99_s = erlang_wait_quantile(servers, load, service_s, 0.99);
 *     unsigned n = erlang_servers_for(load, service_s, 0.99, 0.5);
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

/* Mean wait over all arrivals, in the unit of `service`: C / (c − a) · service. */
double erlang_mean_wait(unsigned servers, double load, double service);

/* p-quantile of the wait over all arrivals: 0 where 1 − p ≥ C. */
double erlang_wait_quantile(unsigned servers, double load, double service, double p);

/* The least number of servers whose p-quantile of the wait is ≤ limit (same unit as service);
 * 0 if a million are not enough or the arguments make no sense. */
unsigned erlang_servers_for(double load, double service, double p, double limit);

#endif
