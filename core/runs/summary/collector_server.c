/* What the server says of itself, beside what the records say of it. */
#include "core/runs/record/run_json.h"
#include "core/runs/summary/collector_state.h"

#include <stdlib.h>
#include <string.h>

/* Seconds that [from, to] does not hold whole count. */
static void sum_outside(void *context, int64_t from_ns, int64_t to_ns, double *requests,
                        double *tokens)
{
    struct timeline_line *lines;
    size_t count = collector_timeline(context, &lines);
    *requests = *tokens = 0;
    for (size_t i = 0; i < count; i++) {
        int64_t begin_ns = (int64_t)lines[i].t_s * NS_PER_S;
        if (begin_ns >= from_ns && begin_ns + (int64_t)lines[i].seconds * NS_PER_S <= to_ns)
            continue;
        *requests += (double)lines[i].completed;
        *tokens += (double)lines[i].output_tokens;
    }
    free(lines);
}

/* A part of a run sees the requests of all parts. */
static bool is_shard(const char *run)
{
    struct run_json j;
    struct text value;
    bool shard = run_json_read(run, &j, NULL) == 0 && run_json_option(&j, "shard", &value) &&
                 !text_equal(value, "null");
    run_json_free(&j);
    return shard;
}

static size_t count_endpoints(const struct summary *s)
{
    size_t count = 0;
    for (size_t i = 0; i < s->group_count; i++)
        count += strcmp(s->groups[i].dimension, "endpoint") == 0;
    return count;
}

int collector_read_server(struct collector *c, const char *run, struct summary *s,
                          struct error *err)
{
    const struct accounting *a = &s->accounting;
    struct server_ours ours = {.completed = a->completed,
                               .output_tokens = s->all.output_tokens,
                               .cancelled = a->cancelled,
                               .end_ns = c->last_done_ns,
                               .estimated = s->estimated_usage > 0,
                               .others = is_shard(run),
                               .endpoints = count_endpoints(s),
                               .outside = sum_outside,
                               .context = c};
    if (a->attempts > a->completed + a->cancelled)
        ours.failed = a->attempts - a->completed - a->cancelled;
    int status = server_summarize(run, &ours, &s->server, err);
    return status < 0 ? status : 0;
}
