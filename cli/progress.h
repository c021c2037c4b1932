/* The progress line: redrawn twice a second on a terminal, a plain line every ten seconds
 * elsewhere, nothing with --quiet.
 *
 *     struct progress p;
 *     progress_init(&p, t, "bench");
 *     if (progress_due(&p, now_ns))
 *         progress_show(&p, now_ns, 0.61, "1,220/2,000  in flight 37");
 *     progress_end(&p);                     // clears the line
 */
#ifndef FAREBOX_CLI_PROGRESS_H
#define FAREBOX_CLI_PROGRESS_H

#include "cli/terminal.h"

#include <stdbool.h>
#include <stdint.h>

struct progress {
    const struct terminal *terminal;
    const char *what;
    int64_t next_ns, period_ns;
    bool drawn;
};

void progress_init(struct progress *p, const struct terminal *t, const char *what);

/* True when it is time to show something; cheap. */
bool progress_due(const struct progress *p, int64_t now_ns);

/* `fraction` 0 … 1; negative = unknown, no bar. */
void progress_show(struct progress *p, int64_t now_ns, double fraction, const char *text);

/* Shows what is done and its share where it is time to: for work that reports it. `progress` is a
 * struct progress. */
void progress_tell(void *progress, const char *what, double share);

void progress_end(struct progress *p);

#endif
