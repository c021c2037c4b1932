#include "sim/plan/load_search.h"

#include <math.h>

#define GUESS_FALL 50 /* no guess is further below the lowest load that does not hold */

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

int load_search_run(struct load_search *s, struct error *err)
{
    double load = s->start;
    if (s->high == 0)
        s->high = INFINITY;
    if (s->low > 0 && isfinite(s->high))
        load = sqrt(s->low * s->high);
    while (!(s->low > 0 && s->high / s->low <= s->narrow)) {
        struct load_answer answer = {.guess = NAN};
        if ((s->most > 0 && load > s->most) || load < s->least)
            return 0;
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
