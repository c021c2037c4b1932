#include "workloads/describe/fit_arrival.h"

#include "core/memory.h"

#include <math.h>
#include <stdlib.h>

#define TRIALS 3          /* seeds that a shape is drawn with while it is sought */
#define PROOFS 8          /* seeds that a curve is judged by */
#define MOST_DRAWS 200000 /* arrivals per trial */
#define LEAST_SHAPE 0.1   /* burstier gaps are better told by a finer rate curve */
#define MOST_SHAPE 400.0
#define CLOSE 0.10 /* relative distance of the CV that is good enough, at the worst seed */

double fit_cv(const double *values, size_t count)
{
    double mean = 0, square = 0;
    for (size_t i = 0; i < count; i++)
        mean += values[i];
    mean /= (double)count;
    for (size_t i = 0; i < count; i++)
        square += (values[i] - mean) * (values[i] - mean);
    return mean > 0 ? sqrt(square / (double)count) / mean : NAN;
}

static double drawn_cv(const struct arrival *a, uint64_t seed, double *gaps, size_t count)
{
    struct arrival_stream s;
    double before = 0, at = 0;
    arrival_start(&s, a, 1, seed, 0);
    for (size_t i = 0; i < count; i++) {
        if (!arrival_next(&s, &at))
            return NAN;
        if (i > 0)
            gaps[i - 1] = at - before;
        before = at;
    }
    return fit_cv(gaps, count - 1);
}

static void set_shape(struct arrival *a, double shape)
{
    a->process = shape >= MOST_SHAPE ? ARRIVAL_CONSTANT : ARRIVAL_GAMMA;
    a->shape = shape;
    for (size_t i = 0; i < a->stage_count; i++) {
        a->stages[i].process = a->process;
        a->stages[i].shape = shape;
    }
}

static double mean_cv(struct arrival *a, double shape, double *gaps, size_t count)
{
    double sum = 0;
    set_shape(a, shape);
    for (uint64_t seed = 1; seed <= TRIALS; seed++)
        sum += drawn_cv(a, seed, gaps, count);
    return sum / TRIALS;
}

/* How far the worst of several seeds falls from the wanted CV, relative to it. */
static double worst_distance(const struct arrival *a, double wanted, double *gaps, size_t count)
{
    double worst = 0;
    for (uint64_t seed = 1; seed <= PROOFS; seed++)
        worst = fmax(worst, fabs(drawn_cv(a, seed + 100, gaps, count) - wanted));
    return worst / fmax(wanted, 0.05);
}

/* The shape whose gaps have the wanted CV, as near as bisection comes. */
static double best_shape(struct arrival *a, double wanted, double *gaps, size_t count, double *cv)
{
    if (wanted < 1 / sqrt(MOST_SHAPE)) {
        *cv = mean_cv(a, MOST_SHAPE, gaps, count);
        return MOST_SHAPE;
    }
    double low = log(LEAST_SHAPE), high = log(MOST_SHAPE), best = 0, nearest = INFINITY;
    for (int i = 0; i < 10; i++) {
        double middle = (low + high) / 2;
        double got = mean_cv(a, exp(middle), gaps, count);
        if (fabs(got - wanted) < nearest) {
            nearest = fabs(got - wanted);
            best = middle;
            *cv = got;
        }
        if (got > wanted)
            low = middle;
        else
            high = middle;
        if (nearest < 0.01 * wanted)
            break;
    }
    return exp(best);
}

/* `steps` level stages over the recording; 0 = one rate. */
static struct arrival make_curve(const int64_t *times, size_t count, size_t steps)
{
    double span_s = (double)(times[count - 1] - times[0]) / 1e9;
    struct arrival a = arrival_poisson((double)(count - 1) / span_s);
    if (steps == 0)
        return a;
    double step_s = span_s / (double)steps;
    step_s = ceil(step_s * 1000) / 1000; /* whole milliseconds */
    a.stages = mem_zero(steps, sizeof *a.stages);
    a.stage_count = steps;
    a.repeat = true;
    for (size_t i = 0; i < count; i++) {
        size_t at = (size_t)((double)(times[i] - times[0]) / 1e9 / step_s);
        a.stages[at < steps ? at : steps - 1].from_rps += 1 / step_s;
    }
    for (size_t i = 0; i < steps; i++) {
        a.stages[i].duration_s = step_s;
        a.stages[i].from_rps = round(a.stages[i].from_rps * 1e6) / 1e6;
        a.stages[i].to_rps = a.stages[i].from_rps;
    }
    return a;
}

int fit_arrival(const int64_t *times, size_t count, struct arrival *out, struct fit_report *report,
                struct error *err)
{
    static const size_t steps[] = {0, 8, 32, 128, 512, 2048, 8192};
    size_t draws = count < MOST_DRAWS ? count : MOST_DRAWS;
    double span_s = (double)(times[count - 1] - times[0]) / 1e9, best = INFINITY;
    if (span_s <= 0)
        return error_set(err, ERR_INPUT,
                         "all requests begin at the same time: no rate can be fitted");
    double *gaps = mem_alloc(count * sizeof *gaps);
    for (size_t i = 1; i < count; i++)
        gaps[i - 1] = (double)(times[i] - times[i - 1]) / 1e9;
    report->interarrival_cv = fit_cv(gaps, count - 1);
    *out = arrival_poisson(1);
    for (size_t i = 0; i < sizeof steps / sizeof *steps && best > CLOSE; i++) {
        if (steps[i] > count || span_s * 1000 < (double)steps[i])
            break;
        struct arrival a = make_curve(times, count, steps[i]);
        double cv = mean_cv(&a, 1, gaps, draws), shape = 1;
        double away = worst_distance(&a, report->interarrival_cv, gaps, draws);
        if (away > CLOSE) { /* Poisson within the steps will not do */
            shape = best_shape(&a, report->interarrival_cv, gaps, draws, &cv);
            set_shape(&a, round(shape * 1e4) / 1e4);
            away = worst_distance(&a, report->interarrival_cv, gaps, draws);
        }
        if (away < best) {
            best = away;
            arrival_free(out);
            *out = a;
            report->fitted_cv = cv;
            report->shape = shape;
            report->step_s = a.stages ? a.stages[0].duration_s : 0;
        } else {
            arrival_free(&a);
        }
    }
    free(gaps);
    return 0;
}
