#include "cli/report/text/server_text.h"

#include "cli/report/text/summary_table.h"

#include <math.h>
#include <string.h>

/* " · queue 3.2 (at most 12)"; of a share in percent. */
static void add_level(const struct server_summary *s, enum server_metric m, const char *title,
                      const char *unit, const char **between, struct buffer *out)
{
    const struct server_gauge *g = &s->gauges[m];
    char mean[CELL_SIZE], max[CELL_SIZE];
    if (isnan(g->mean))
        return;
    if (server_metric_is_share(m))
        buffer_add_format(out, "%s%s %.0f %% (at most %.0f %%)", *between, title, 100 * g->mean,
                          100 * g->max);
    else
        buffer_add_format(out, "%s%s %s%s (at most %s%s)", *between, title,
                          format_cell(g->mean, mean), unit, format_cell(g->max, max), unit);
    *between = " · ";
}

static void add_count(double value, const char *title, const char **between, struct buffer *out)
{
    char text[TEXT_GROUPED_SIZE];
    if (isnan(value))
        return;
    buffer_add_format(out, "%s%s %s", *between, text_group_u64((uint64_t)fmax(value, 0), text),
                      title);
    *between = " · ";
}

static void add_levels(const struct server_summary *s, struct buffer *out)
{
    size_t before = out->length;
    const char *between = "server       ";
    add_level(s, SERVER_RUNNING, "running", "", &between, out);
    add_level(s, SERVER_QUEUE, "queue", "", &between, out);
    add_level(s, SERVER_KV_USE, "KV cache", "", &between, out);
    double preemptions = server_summary_count(s, SERVER_PREEMPTIONS);
    add_count(preemptions, preemptions == 1 ? "preemption" : "preemptions", &between, out);
    if (out->length > before)
        buffer_add_byte(out, '\n');
}

static void add_counts(const struct server_summary *s, struct buffer *out)
{
    size_t before = out->length;
    const char *between = "             it counted ";
    add_count(server_summary_count(s, SERVER_FINISHED), "requests", &between, out);
    if (server_summary_count(s, SERVER_ABORTED) > 0)
        add_count(server_summary_count(s, SERVER_ABORTED), "aborted", &between, out);
    add_count(server_summary_count(s, SERVER_PROMPT_TOKENS), "tokens in", &between, out);
    add_count(server_summary_count(s, SERVER_GENERATED_TOKENS), "tokens out", &between, out);
    if (s->ours_completed == server_summary_count(s, SERVER_FINISHED) && !s->note[0])
        buffer_add_text(out, ", as we did");
    if (!isnan(s->prefix_hit_rate)) {
        buffer_add_format(out, "%s%.0f %% of the prompt tokens from its prefix cache", between,
                          100 * s->prefix_hit_rate);
        between = " · ";
    }
    if (out->length > before)
        buffer_add_byte(out, '\n');
}

static void add_energy(const struct server_summary *s, struct buffer *out)
{
    char cell[CELL_SIZE];
    size_t before = out->length;
    const char *between = "energy       ";
    if (!isnan(s->energy_j)) {
        buffer_add_format(out, "%s%s J of the GPUs", between, format_cell(s->energy_j, cell));
        between = " · ";
    }
    if (!isnan(s->j_per_token)) {
        buffer_add_format(out, "%s%s J per generated token", between,
                          TEXT_SHORT(s->j_per_token, 3));
        between = " · ";
    }
    add_level(s, SERVER_GPU_POWER, "power", " W", &between, out);
    add_level(s, SERVER_GPU_UTIL, "GPU use", "", &between, out);
    if (out->length > before)
        buffer_add_byte(out, '\n');
}

void server_text(const struct summary *summary, struct buffer *out)
{
    const struct server_summary *s = &summary->server;
    if (s->scrapes_ok + s->scrapes_failed == 0)
        return;
    if (s->scrapes_ok == 0) {
        buffer_add_format(out, "server       none of %llu scrapes of its metrics succeeded\n",
                          (unsigned long long)s->scrapes_failed);
        return;
    }
    add_levels(s, out);
    add_counts(s, out);
    add_energy(s, out);
    for (size_t i = 0; i < s->other_count; i++) {
        const struct server_other_summary *o = &s->others[i];
        char mean[CELL_SIZE], max[CELL_SIZE], more[CELL_SIZE];
        buffer_add_format(out, "             %s %s (at most %s), grown by %s\n", o->name,
                          format_cell(o->mean, mean), format_cell(o->max, max),
                          format_cell(o->increase, more));
    }
    if (s->note[0])
        buffer_add_format(out, "! %s\n", s->note);
}
