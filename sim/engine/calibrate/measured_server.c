#include "sim/engine/calibrate/measured_server.h"

#include "core/memory.h"
#include "core/runs/server/server_summary.h"

#include <math.h>

struct reading {
    struct measured_run *run;
    struct server_levels levels;
    int64_t end_ns;
};

/* A scrape for each line that tells the batch or the queue: of all sources together. */
static void take_line(void *context, const struct server_line *line)
{
    struct reading *r = context;
    struct measured_run *run = r->run;
    bool told = !isnan(line->values[SERVER_RUNNING]) || !isnan(line->values[SERVER_QUEUE]);
    if (line->error[0] || server_levels_take(&r->levels, line) == SERVER_SOURCES || !told ||
        line->t_ns < 0 || line->t_ns > r->end_ns)
        return;
    mem_grow(&run->scrapes, &run->scrape_capacity, run->scrape_count + 1, sizeof *run->scrapes);
    run->scrapes[run->scrape_count++] =
        (struct measured_scrape){.t_ns = line->t_ns,
                                 .waiting = server_levels_now(&r->levels, SERVER_QUEUE),
                                 .running = server_levels_now(&r->levels, SERVER_RUNNING),
                                 .kv_use = server_levels_now(&r->levels, SERVER_KV_USE)};
}

static bool answers_tell_cache(const struct measured_run *run)
{
    for (size_t i = 0; i < run->count; i++)
        if (run->requests[i].cached_tokens)
            return true;
    return false;
}

static void spread_hits(struct measured_run *run)
{
    double share = run->server.hit_rate;
    run->server.spread = share > 0 && share <= 1 && !answers_tell_cache(run);
    for (size_t i = 0; run->server.spread && i < run->count; i++)
        run->requests[i].cached_tokens = (uint32_t)(share * run->requests[i].input_tokens);
}

int measured_read_server(const char *path, struct measured_run *run, struct error *err)
{
    struct reading reading = {.run = run};
    struct server_summary summary;
    run->server = (struct measured_server){.hit_rate = NAN, .preemptions = NAN};
    for (size_t i = 0; i < run->count; i++)
        if (run->requests[i].last_ns > reading.end_ns)
            reading.end_ns = run->requests[i].last_ns;
    const struct server_ours ours = {.end_ns = reading.end_ns, .others = true};
    int status = server_summarize(path, &ours, &summary, err);
    if (status <= 0)
        return status;
    server_levels_init(&reading.levels);
    status = server_lines_read(path, take_line, &reading, err);
    run->server.sources = summary.source_count;
    run->server.hit_rate = summary.prefix_hit_rate;
    run->server.preemptions = server_summary_count(&summary, SERVER_PREEMPTIONS);
    spread_hits(run);
    return status < 0 ? status : 0;
}
