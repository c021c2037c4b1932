/* What went wrong in a run, by kind, and what to try: for its closing lines.
 *
 *     struct bench_troubles t;
 *     bench_troubles_init(&t, &options, &setup);
 *     bench_troubles_note(&t, &record);               // each record
 *     bench_troubles_add_last(&t, &text);             // POST http://...: HTTP status 404: ...; try
 * ... bench_troubles_warn(&t, terminal, true);        // a line for each other kind with an advice
 */
#ifndef FAREBOX_CLI_BENCH_BENCH_TROUBLE_H
#define FAREBOX_CLI_BENCH_BENCH_TROUBLE_H

#include "cli/bench/bench_options.h"
#include "cli/terminal.h"

#define TROUBLE_KINDS 8 /* further ones are not told apart */

struct bench_trouble {
    enum failure_class failure;
    int http_status;
    size_t endpoint;
    uint64_t count;                      /* attempts */
    char message[320], content_type[64]; /* of the first */
};

struct bench_troubles {
    const struct bench_options *o;
    const struct bench_setup *setup;
    struct bench_trouble kinds[TROUBLE_KINDS];
    size_t count, last; /* last: the kind of the last failure */
    bool some_completed;
    const struct fidelity_probe *probes; /* by endpoint; set by the caller, NULL before */
};

void bench_troubles_init(struct bench_troubles *t, const struct bench_options *o,
                         const struct bench_setup *setup);
void bench_troubles_note(struct bench_troubles *t, const struct record *r);

/* Of the last failure: what came, and what to try. False where there was none. */
bool bench_troubles_add_last(const struct bench_troubles *t, struct buffer *out);

/* A line for each kind for which there is something to try, but the last one where that is said
 * already. */
void bench_troubles_warn(const struct bench_troubles *t, const struct terminal *terminal,
                         bool last_is_said);

/* Takes the last failure's words out of a summary that is about to be shown, where the run's end
 * says them. */
void bench_troubles_say_once(const struct bench_troubles *t, const struct bench_report *report,
                             struct summary *shown);

/* ERR_WORK, with the last failure's words and what to try, where most requests failed, or none
 * completed; `unreachable`: the run ended for it. Else 0. */
int bench_troubles_judge(const struct bench_troubles *t, const struct accounting *a,
                         bool unreachable, struct error *err);

#endif
