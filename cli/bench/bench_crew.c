#include "cli/bench/bench_crew.h"

int bench_crew_judge(const struct fidelity *f, const char *path, struct error *err)
{
    struct buffer name;
    for (size_t i = 0; i < f->part_count; i++) {
        const struct fidelity_rank *r = &f->parts[i].rank;
        if (!r->lost[0])
            continue;
        buffer_init(&name, BUFFER_UNBOUNDED);
        fidelity_add_rank(r, &name);
        error_set(err, ERR_WORK, "%s %s: what was measured is in %s", name.data, r->lost, path);
        buffer_free(&name);
        return ERR_WORK;
    }
    return 0;
}
