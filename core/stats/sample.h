/* A sample: numbers in some order, wherever they are kept, read a piece at a time.
 *
 * Statistics over a run of a million requests must not need a million doubles in memory. They are
 * written for samples, which lend what an array or a spool (core/spool.h) holds:
 *
 *     struct sample values = sample_of_array(latencies, n);
 *     struct sample values = sample_of_spool(&latencies_ns, 1e6);        // int64 items; in ms
 *     struct sample_scan scan = sample_scan_of(&values, 0, values.n);
 *     for (double v; sample_next(&scan, &v);)
 *         sum += v;
 *
 * A sample owns nothing and may be copied; what it lends from must outlive it and stay as it is.
 */
#ifndef FAREBOX_CORE_STATS_SAMPLE_H
#define FAREBOX_CORE_STATS_SAMPLE_H

#include "core/spool.h"

#include <stdbool.h>
#include <stddef.h>

struct sample {
    size_t n;
    const double *array;       /* or, where it is NULL: */
    const struct spool *spool; /* of int64_t, each divided by `unit` */
    double unit;
};

struct sample sample_of_array(const double *values, size_t n);
struct sample sample_of_spool(const struct spool *items, double unit);

/* Values from, ..., from + count − 1, all inside the sample. */
void sample_read(const struct sample *s, size_t from, size_t count, double *out);

/* Values one after the other, from number `from` up to but not including `to`. */
#define SAMPLE_PIECE 512

struct sample_scan {
    const struct sample *sample;
    size_t next, end;  /* what is still to be read */
    size_t used, have; /* of the piece at hand */
    double piece[SAMPLE_PIECE];
};

struct sample_scan sample_scan_of(const struct sample *s, size_t from, size_t to);
bool sample_next(struct sample_scan *scan, double *value);

/* Type-7 quantile of a sample in rising order, as quantile_sorted (core/stats/quantile.h). */
double sample_quantile(const struct sample *sorted, double p);

#endif
