/* How far a run's figures can be trusted, from the `fidelity` of its summary.json: the lines that
 * bench and sim showed when it ended.
 *
 *     struct trust t;
 *     trust_read(fidelity, &t);                      // NULL: the run does not say
 *     trust_add_verdict(&t, &summary, &buffer);      // "✗ The client was the limit: ..."
 *     trust_add_versions(&t, &buffer);               // "HTTP/2 and HTTP/1.1"
 */
#ifndef FAREBOX_CLI_REPORT_TEXT_TRUST_H
#define FAREBOX_CLI_REPORT_TEXT_TRUST_H

#include "core/buffer.h"
#include "core/runs/summary/summary.h"

#include <stdbool.h>
#include <stdint.h>

struct trust {
    bool known, client_limited, insecure; /* insecure: certificates were not checked */
    char reason[280];                     /* why it was the limit; "" = not said */
    double lag_p99_ms, cpu_peak, steal, throttled_s;
    uint64_t http1_answers, http2_answers;
    uint64_t steps, prompt_tokens, cached_tokens, preemptions; /* of a simulated engine */
};

void trust_read(const char *fidelity, struct trust *out);

/* A line without its end, and another one where certificates were not checked; nothing where the
 * run does not say. */
void trust_add_verdict(const struct trust *t, const struct summary *s, struct buffer *out);

/* By which versions of HTTP answers came; nothing where the run does not say. */
void trust_add_versions(const struct trust *t, struct buffer *out);

#endif
