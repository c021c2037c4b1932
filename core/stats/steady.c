#include "core/stats/steady.h"

#include <math.h>

#define BATCH 5
#define LEAST_VALUES 20
#define PIECE 128 /* batches that are read at once */

struct steady steady_mser5_sample(const struct sample *values)
{
    struct steady best = {0, true};
    if (values->n < LEAST_VALUES)
        return best;
    size_t batches = values->n / BATCH, latest = batches / 2;
    double mean = 0, squares = 0, least = INFINITY, piece[PIECE * BATCH];
    /* From the end backwards, so that mean and squares of every tail come from one pass. */
    for (size_t d = batches, first = batches; d-- > 0;) {
        double z = 0, kept = (double)(batches - d);
        if (d < first) {
            size_t last = first;
            first = last > PIECE ? last - PIECE : 0;
            sample_read(values, first * BATCH, (last - first) * BATCH, piece);
        }
        for (size_t i = 0; i < BATCH; i++)
            z += piece[(d - first) * BATCH + i] / BATCH;
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
