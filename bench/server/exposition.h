/* Metrics as Prometheus scrapes them: the text format (0.0.4) and OpenMetrics, a sample at a time.
 *
 *     struct exposition x;
 *     struct exposition_sample s;
 *     exposition_begin(&x, body);
 *     while (exposition_next(&x, &s))
 *         if (text_equal(s.name, "vllm:num_requests_running")) running += s.value;
 *
 * Everything is lent from the body. A line that is no sample is passed over and counted. Comments,
 * types, time stamps and exemplars are passed over too, and so are samples that are not finite:
 * they say nothing.
 */
#ifndef FAREBOX_BENCH_SERVER_EXPOSITION_H
#define FAREBOX_BENCH_SERVER_EXPOSITION_H

#include "core/text.h"

#include <stdbool.h>
#include <stdint.h>

struct exposition {
    const char *at, *end;
    uint64_t samples, broken; /* lines so far */
};

struct exposition_sample {
    struct text name;
    struct text labels; /* as they stand between the braces: key="value",... */
    double value;
};

void exposition_begin(struct exposition *x, struct text body);
bool exposition_next(struct exposition *x, struct exposition_sample *s);

/* The value of a label, with its escapes; false where the sample has none of that name. */
bool exposition_label(const struct exposition_sample *s, struct text key, struct text *value);

#endif
