#include "workloads/scenario/session_rate.h"

#include "core/memory.h"
#include "workloads/scenario/generate_session.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define TRIED_SESSIONS 1000     /* where a context limit might end sessions */
#define MEASURED_SESSIONS 10000 /* where it ended one of those */
#define MEASURED_REQUESTS 4000000u
#define MEASURING_SEED UINT64_C(0xfa3eb0c)

/* ---- requests of a session ---- */

/* Requests of one turn: the first, and in each step its failures, its calls and its request. */
static double requests_per_turn(const struct scenario_class *c)
{
    const struct scenario_tools *t = &c->tools;
    double repeats = 0, again = 1;
    if (!t->used)
        return 1;
    for (uint32_t i = 0; i < t->max_repeats; i++)
        repeats += (again *= t->failure);
    double calls = length_count_sum(&t->calls, 0, SESSION_MOST_TURNS, 1);
    return 1 + length_count_sum(&t->steps, 0, SESSION_MOST_TURNS, 1) * (repeats + calls + 1);
}

/* Without the context limit. A user who leaves with probability p after each turn makes the next
 * one with 1 − p. */
static double requests_without_limit(const struct scenario_class *c)
{
    if (!scenario_class_has_turns(c))
        return 1;
    return length_count_sum(&c->turns, 1, SESSION_MOST_TURNS, 1 - c->early_stop) *
           requests_per_turn(c);
}

/* Sums over sessions of their requests with the limit (x) and without (y). */
struct pair_sums {
    double n, x, y, xy, yy;
};

static uint32_t make_one(struct session_maker *m, const struct class_table *table, uint64_t number)
{
    m->table = table;
    m->session = number;
    m->key = random_mix(MEASURING_SEED, number);
    m->left = UINT64_MAX;
    random_init(&m->random, MEASURING_SEED, RANDOM_SESSIONS, number);
    session_make(m);
    return m->made;
}

/* Sessions with the limit, and those that it ended again without it: up to there they draw the
 * same. False where that would take too long: `y` is not known then. */
static bool measure(const struct class_table *limited, const struct class_table *whole,
                    struct pair_sums *sums)
{
    struct session_maker m = {0}; /* no rows, no blocks: requests are only counted */
    uint64_t made = 0, without = 0;
    bool paired = true, reached = false;
    *sums = (struct pair_sums){0};
    for (uint64_t i = 0; i < (reached ? MEASURED_SESSIONS : TRIED_SESSIONS); i++) {
        uint32_t x = make_one(&m, limited, i), y = x;
        reached = reached || m.full;
        if (m.full && paired)
            without += y = make_one(&m, whole, i);
        paired = without < MEASURED_REQUESTS;
        if ((made += x) > MEASURED_REQUESTS && i >= 100)
            break;
        sums->n++;
        sums->x += x;
        sums->y += y;
        sums->xy += (double)x * y;
        sums->yy += (double)y * y;
    }
    context_free(&m.context);
    context_free(&m.side);
    free(m.joined);
    return paired;
}

/* The sessions' requests without the limit, whose mean is known, are the control variate: E x =
 * mean x − β (mean y − E y) with β = cov(x, y) / var(y). Where the limit ended none, that is E y.
 */
static double requests_with_limit(const struct scenario_class *c, double without_limit)
{
    struct scenario_class unlimited = *c;
    struct class_table limited, whole;
    struct pair_sums s;
    unlimited.max_context = 0;
    class_table_make(&limited, c, MEASURING_SEED, 0);
    class_table_make(&whole, &unlimited, MEASURING_SEED, 0);
    bool paired = measure(&limited, &whole, &s);
    class_table_free(&limited);
    class_table_free(&whole);
    double x = s.x / s.n, y = s.y / s.n, spread = s.yy / s.n - y * y;
    if (!paired)
        return x;
    if (!(spread > 1e-12 * y * y))
        return x + without_limit - y;
    return x - (s.xy / s.n - x * y) / spread * (y - without_limit);
}

static double class_requests(const struct scenario_class *c)
{
    double requests = requests_without_limit(c);
    if (c->max_context == 0 || !scenario_class_has_turns(c))
        return requests;
    return fmax(requests_with_limit(c, requests), 1);
}

double scenario_class_sessions_rps(const struct scenario *s, size_t class_number)
{
    const struct scenario_class *c = &s->classes[class_number];
    double weights = 0;
    if (c->has_arrival)
        return arrival_mean_rps(&c->arrival);
    if (!s->has_arrival)
        return 0;
    for (size_t i = 0; i < s->class_count; i++)
        weights += s->classes[i].has_arrival ? 0 : s->classes[i].weight;
    return weights > 0 ? arrival_mean_rps(&s->arrival) * c->weight / weights : 0;
}

double scenario_sessions_rps(const struct scenario *s)
{
    double sum = s->has_arrival ? arrival_mean_rps(&s->arrival) : 0;
    for (size_t i = 0; i < s->class_count; i++)
        if (s->classes[i].has_arrival)
            sum += arrival_mean_rps(&s->classes[i].arrival);
    return sum;
}

double scenario_requests_per_session(const struct scenario *s)
{
    double requests = 0, sessions = 0;
    for (size_t i = 0; i < s->class_count; i++) {
        double rate = scenario_class_sessions_rps(s, i);
        if (!(rate > 0))
            continue;
        sessions += rate;
        requests += rate * class_requests(&s->classes[i]);
    }
    return sessions > 0 ? requests / sessions : 1;
}
