#include "sim/engine/calibrate/calibrate_server.h"

#include "core/memory.h"

#include <math.h>

#define LEAST_SCRAPES 5  /* with a busy server: fewer tell nothing of its settings */
#define LEAST_USE 0.01   /* of the KV cache */
#define FULL 0.9         /* of the KV cache: more, and memory may be what others wait for */
#define MOST_SHARED 0.05 /* of the prompts' tokens: prefixes that requests hold together */
#define AT_THE_LIMIT 0.8 /* of the scrapes with a queue, where a limit holds */

/* Sums over the scrapes at which the server told both. */
struct sums {
    double waiting, running, kv_use, model_waiting, model_running, model_kv_use, model_blocks;
    size_t scrapes, waiting_scrapes, running_scrapes, kv_scrapes;
};

static void add_scrapes(const struct measured_run *run, const struct replay_level *levels,
                        struct sums *s)
{
    for (size_t i = 0; i < run->scrape_count; i++) {
        const struct measured_scrape *m = &run->scrapes[i];
        s->scrapes++;
        if (!isnan(m->waiting)) {
            s->waiting += m->waiting;
            s->model_waiting += levels[i].waiting;
            s->waiting_scrapes++;
        }
        if (!isnan(m->running)) {
            s->running += m->running;
            s->model_running += levels[i].running;
            s->running_scrapes++;
        }
        if (!isnan(m->kv_use)) {
            s->kv_use += m->kv_use;
            s->model_kv_use += levels[i].kv_use;
            s->model_blocks += levels[i].kv_blocks;
            s->kv_scrapes++;
        }
    }
}

/* One replay of the run, looked at when the server was. */
static int watch(const struct measured_run *run, const struct engine_config *config, struct sums *s,
                 uint64_t *preemptions, struct error *err)
{
    struct replay p;
    replay_init(&p, run);
    p.levels = mem_zero(run->scrape_count, sizeof *p.levels);
    int status = replay_run(&p, config, err);
    if (status >= 0)
        add_scrapes(run, p.levels, s);
    *preemptions = p.preemptions;
    replay_free(&p);
    return status < 0 ? status : 0;
}

static struct calibrate_level level_of(double measured, double model, size_t scrapes)
{
    double n = scrapes ? (double)scrapes : NAN;
    return (struct calibrate_level){measured / n, model / n};
}

int calibrate_compare_server(const struct measured_run *run, const struct engine_config *config,
                             struct calibrate_server *out, struct error *err)
{
    struct sums s = {0};
    uint64_t preemptions;
    *out = (struct calibrate_server){0};
    if (run->scrape_count == 0)
        return 0;
    if (watch(run, config, &s, &preemptions, err) < 0)
        return ERR_INPUT;
    *out = (struct calibrate_server){
        .scrapes = s.scrapes,
        .waiting = level_of(s.waiting, s.model_waiting, s.waiting_scrapes),
        .running = level_of(s.running, s.model_running, s.running_scrapes),
        .kv_use = level_of(s.kv_use, s.model_kv_use, s.kv_scrapes),
        .preemptions = {run->server.preemptions, (double)preemptions},
        .hit_rate = run->server.hit_rate,
        .spread = run->server.spread};
    return 0;
}

/* ---- settings ---- */

/* Requests that share the blocks of a prefix hold less each than the model's, which share none. */
static bool shares_prefixes(const struct measured_run *run)
{
    double cached = 0, input = 0;
    for (size_t i = 0; i < run->count; i++) {
        cached += run->requests[i].cached_tokens;
        input += run->requests[i].input_tokens;
    }
    return cached > MOST_SHARED * input || run->server.hit_rate > MOST_SHARED;
}

static uint64_t blocks_of(const struct sums *s)
{
    double n = (double)s->kv_scrapes;
    bool told = s->kv_scrapes >= LEAST_SCRAPES && s->running_scrapes == s->kv_scrapes &&
                s->kv_use > LEAST_USE * n && s->running > 0 && s->model_running > 0;
    double each = s->kv_use / s->running, blocks = s->model_blocks / s->model_running;
    return told ? (uint64_t)llround(blocks / each) + 1 : 0; /* one is reserved */
}

static double most_running(const struct measured_run *runs, size_t count)
{
    double most = 0;
    for (size_t r = 0; r < count; r++)
        for (size_t i = 0; i < runs[r].scrape_count; i++)
            most = fmax(most, runs[r].scrapes[i].running);
    return most;
}

/* Others wait, though there is memory, and no more run than ever ran. */
static uint32_t limit_of(const struct measured_run *runs, size_t count)
{
    double most = most_running(runs, count);
    size_t queues = 0, at_limit = 0;
    for (size_t r = 0; r < count; r++)
        for (size_t i = 0; i < runs[r].scrape_count; i++) {
            const struct measured_scrape *s = &runs[r].scrapes[i];
            bool held = s->waiting >= 1 && s->kv_use < FULL;
            queues += held;
            at_limit += held && s->running >= most;
        }
    bool limited = queues >= LEAST_SCRAPES && (double)at_limit >= AT_THE_LIMIT * (double)queues;
    return limited && most < UINT32_MAX ? (uint32_t)most : 0;
}

int calibrate_find_settings(const struct measured_run *runs, size_t count,
                            const struct engine_config *preset, struct calibrate_settings *out,
                            struct error *err)
{
    struct sums s = {0};
    struct engine_config config = *preset;
    uint64_t ignored;
    *out = (struct calibrate_settings){0};
    if (preset->kind != ENGINE_STEPS || preset->replicas > 1)
        return 0;
    if (engine_config_check(&config, err) < 0)
        return ERR_INPUT;
    out->max_num_seqs = limit_of(runs, count);
    if (out->max_num_seqs)
        config.max_num_seqs = out->max_num_seqs;
    for (size_t r = 0; r < count; r++)
        if (runs[r].scrape_count && runs[r].server.sources == 1 && !shares_prefixes(&runs[r]) &&
            watch(&runs[r], &config, &s, &ignored, err) < 0)
            return ERR_INPUT;
    out->kv_blocks = blocks_of(&s);
    return 0;
}
