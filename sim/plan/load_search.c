#include "sim/plan/load_search.h"

#include <math.h>

#define GUESS_FALL 50 /* no guess is further below the lowest load that does not hold */
#define LOOK_AHEAD 3  /* loads: 1, and 2 and 4 that may follow */

static bool is_usable(const struct load_search *s, double guess)
{
    double least = s->low > 0 ? s->low * s->narrow : s->high / GUESS_FALL;
    return guess > least && guess < s->high / s->narrow;
}

static double next_load(struct load_search *s, double guess)
{
    double factor = s->factor;
    if (s->low > 0 && isfinite(s->high))
        return is_usable(s, guess) ? guess : sqrt(s->low * s->high);
    s->factor *= factor < 2 ? factor : 1;
    if (s->low > 0)
        return s->low * factor;
    return is_usable(s, guess) ? guess : s->high / factor;
}

static bool is_over(const struct load_search *s, double load)
{
    return (s->low > 0 && s->high / s->low <= s->narrow) || (s->most > 0 && load > s->most) ||
           load < s->least;
}

/* Tells of the loads that so many answers lie before. */
static void tell(const struct load_search *s, double load, unsigned answers)
{
    if (is_over(s, load))
        return;
    if (answers == 0) {
        s->ahead(s->context, load);
        return;
    }
    for (int holds = 1; holds >= 0; holds--) {
        struct load_search then = *s;
        *(holds ? &then.low : &then.high) = load;
        tell(&then, next_load(&then, NAN), answers - 1);
    }
}

int load_search_run(struct load_search *s, struct error *err)
{
    double load = s->start;
    if (s->high == 0)
        s->high = INFINITY;
    if (s->low > 0 && isfinite(s->high))
        load = sqrt(s->low * s->high);
    while (!is_over(s, load)) {
        struct load_answer answer = {.guess = NAN};
        for (unsigned answers = 0; answers < LOOK_AHEAD && s->ahead; answers++)
            tell(s, load, answers);
        int status = s->measure(s->context, &load, &answer, err);
        if (status < 0 || answer.stop)
            return status;
        if (answer.again)
            continue;
        *(answer.holds ? &s->low : &s->high) = load;
        load = next_load(s, answer.guess);
    }
    return 0;
}
