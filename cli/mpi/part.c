#include "cli/mpi/part.h"

#include "core/memory.h"

#include <stddef.h>
#include <stdio.h>

struct part_options {
    struct common_options common;
    const char *shard;
};

static const struct option_spec options[] = {
    {"shard", 0, OPTION_TEXT, offsetof(struct part_options, shard), NULL, "I/N", .help = ""},
    {0},
};

/* In its run.json stands what merge asks for. */
static void begin_output(struct part *p, const struct assignment *a, const char *path,
                         const char *shard)
{
    char seed[24], name_seed[] = "--seed", name_shard[] = "--shard", value[32];
    char *words[] = {name_seed, seed, name_shard, value};
    struct part_options o = {0};
    snprintf(seed, sizeof seed, "%llu", (unsigned long long)a->config.seed);
    snprintf(value, sizeof value, "%s", shard);
    if (options_parse(options, COUNT_OF(words), words, &o, &p->failure) < 0)
        return;
    struct run_output_request request = {.command = "bench",
                                         .path = path,
                                         .mode = RUN_FORCE,
                                         .detail = a->detail,
                                         .specs = options,
                                         .options = &o,
                                         .workload = a->described};
    p->open = run_output_begin(&p->output, &request, &p->failure) == 0;
    options_free(&o);
}

void part_begin(struct part *p, const struct assignment *a, uint32_t rank, uint32_t ranks)
{
    char shard[32];
    struct buffer path;
    *p = (struct part){0};
    snprintf(shard, sizeof shard, "%u/%u", rank + 1, ranks);
    buffer_init(&path, BUFFER_UNBOUNDED);
    buffer_add_format(&path, "%s/rank-%u", a->directory, rank);
    begin_output(p, a, path.data, shard);
    buffer_free(&path);
}

void part_add(struct part *p, const struct record *r)
{
    if (p->open && !run_output_attempt(&p->output, r) && !p->failure.code)
        p->failure = p->output.dir.failure;
}

void part_tick(struct part *p)
{
    if (p->open)
        run_output_tick(&p->output);
}

void part_finish(struct part *p, const struct assignment *a, const struct fidelity *fidelity,
                 uint64_t not_due)
{
    struct summary summary;
    struct fidelity own = fidelity_bare(fidelity);
    struct summary_options how = {.command = "bench", .load = a->load, .slos = a->slos};
    if (!p->open)
        return;
    collector_add_not_due(p->output.collector, not_due);
    if (run_output_finish(&p->output, &how, &own, &summary, &p->failure) == 0)
        run_output_take_place(&p->output, &summary, &p->failure);
    summary_free(&summary);
    run_output_free(&p->output);
    p->open = false;
}
