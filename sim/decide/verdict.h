/* Who is the cheapest, and how sure that is: candidates compared in the same draws of what nobody
 * knows.
 *
 *     struct verdict v;
 *     verdict_make(&v, unit, acceptable, candidates, draws);
 *     if (v.leader != VERDICT_NOBODY && !v.close) say(v.leader, v.probability[v.leader]);
 *     verdict_free(&v);
 *
 * A draw is one way the world may be: sessions drawn anew, an engine's error, counts of tokens. In
 * each the cheapest is the acceptable candidate with the least money per good request. The
 * probability of being the cheapest is the share of the draws in which one is it; where nothing but
 * the draws is known of the candidates, that is a posterior probability under a flat prior (Rubin
 * 1981, "The Bayesian bootstrap"). The regret of a choice is what it costs above the cheapest of
 * the same draw.
 */
#ifndef FAREBOX_SIM_DECIDE_VERDICT_H
#define FAREBOX_SIM_DECIDE_VERDICT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define VERDICT_NOBODY SIZE_MAX
#define VERDICT_SURE 0.9      /* below this it is too close to call */
#define VERDICT_MATERIAL 0.01 /* and so is one that costs less by so much ... */
#define VERDICT_CLEAR 0.96    /* ... in fewer of the draws than this */

/* Of one candidate's money per good request over the draws in which it is acceptable. */
struct verdict_range {
    double low, median, high; /* 95 %; NAN where it never is */
    double acceptable;        /* share of the draws */
};

struct verdict {
    size_t candidates;
    size_t leader;    /* most often the cheapest; VERDICT_NOBODY: no candidate is ever acceptable */
    size_t runner_up; /* the next in probability; VERDICT_NOBODY */
    double *probability;                    /* by candidate; equals share a draw */
    struct verdict_range *ranges;           /* by candidate */
    double regret, regret_low, regret_high; /* of choosing the leader, per good request: mean, 95 %
                                               of the draws; in draws where it is not acceptable
                                               it is not counted */
    double advantage; /* of the leader over the cheapest of the others, median over the draws, as a
                         share of the latter; NAN where there is no other */
    double clear; /* share of the draws in which it is VERDICT_MATERIAL at least; NAN likewise */
    bool close;   /* too close to call */
    bool unclear; /* although it is the cheapest in enough draws: by too little in some */
};

/* unit[c * draws + d]: candidate c's money per good request in draw d; acceptable[] likewise: it
 * serves everything and meets the objectives often enough. Neither is kept. */
void verdict_make(struct verdict *v, const double *unit, const bool *acceptable, size_t candidates,
                  size_t draws);
void verdict_free(struct verdict *v);

/* How many times as large a sample would have to be, so that of two candidates that differ by
 * `difference` the cheaper is called with VERDICT_SURE, where the difference varies by the standard
 * deviation `sampled` because of the sample and by `other` because of all else: sampled² falls as
 * one over the size. INFINITY where all else alone leaves the doubt; 1 where it is sure by now. */
double verdict_sample_factor(double difference, double sampled, double other);

#endif
