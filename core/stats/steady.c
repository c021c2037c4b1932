#include "core/stats/steady.h"

#include <math.h>

#define BATCH 5
#define LEAST_VALUES 20

struct steady steady_mser5(const double *values, size_t n)
{
    struct steady best = {0, true};
    if (n < LEAST_VALUES)
        return best;
    size_t batches = n / BATCH, latest = batches / 2;
    double mean = 0, squares = 0, least = INFINITY;
    /* From the end backwards, so that mean and squares of every tail come from one pass. */
    for (size_t d = batches; d-- > 0;) {
        double z = 0, kept = (double)(batches - d);
        for (size_t i = 0; i < BATCH; i++)
            z += values[d * BATCH + i] / BATCH;
        double step = z - mean;
        mean += step / kept;
        squares += step * (z - mean);
        if (d <= latest && squares / (kept * kept) <= least) {
            least = squares / (kept * kept);
            best.drop = d * BATCH;
        }
    }
    best.reached = best.drop < latest * BATCH;
    return best;
}
