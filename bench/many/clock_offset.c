#include "bench/many/clock_offset.h"

#include <math.h>

void clock_offset_add(struct clock_offset *o, int64_t sent_ns, int64_t theirs_ns, int64_t came_ns)
{
    int64_t error_ns = (came_ns - sent_ns + 1) / 2;
    if (o->exchanges++ && error_ns >= o->error_ns)
        return;
    o->at_ns = sent_ns + (came_ns - sent_ns) / 2;
    o->offset_ns = theirs_ns - o->at_ns;
    o->error_ns = error_ns;
}

double clock_drift_ppm(const struct clock_offset *before, const struct clock_offset *after,
                       double *error_ppm)
{
    double between = (double)(after->at_ns - before->at_ns);
    *error_ppm = NAN;
    if (!before->exchanges || !after->exchanges || !(between > 0))
        return NAN;
    *error_ppm = (double)(before->error_ns + after->error_ns) / between * 1e6;
    return (double)(after->offset_ns - before->offset_ns) / between * 1e6;
}
