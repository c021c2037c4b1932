#include "cli/bench/bench_wait.h"

#include "cli/progress.h"

struct waiting {
    const struct terminal *terminal;
    struct progress progress;
    const struct endpoint_config *told; /* the last one that was said to be waited for */
    int64_t limit_ns;
};

static void tell(void *context, const struct endpoint_config *e, const char *why, int64_t waited_ns)
{
    struct waiting *w = context;
    int64_t now_ns = clock_now_ns();
    if (e != w->told)
        say(w->terminal, "waiting for %s: %s", endpoint_shown(e), why);
    w->told = e;
    if (progress_due(&w->progress, now_ns))
        progress_show(&w->progress, now_ns, (double)waited_ns / (double)w->limit_ns, why);
}

int bench_wait_ready(const struct terminal *t, const struct bench_config *config,
                     const struct workload *w, int64_t limit_ns, struct error *err)
{
    struct waiting waiting = {.terminal = t, .limit_ns = limit_ns};
    struct ready_wait wait = {
        .config = config, .workload = w, .limit_ns = limit_ns, .told = tell, .context = &waiting};
    progress_init(&waiting.progress, t, "waiting");
    int status = ready_run(&wait, err);
    progress_end(&waiting.progress);
    return status;
}
