/* The server's own metrics on the page. */
#include "cli/report/page/html_parts.h"

#include <math.h>

static const struct {
    enum server_metric metric;
    const char *title;
    double unit;
} gauges[] = {
    {SERVER_RUNNING, "requests running", 1},     {SERVER_QUEUE, "requests in the queue", 1},
    {SERVER_KV_USE, "KV cache in use (%)", 100}, {SERVER_GPU_POWER, "GPU power (W)", 1},
    {SERVER_GPU_UTIL, "GPU use (%)", 100},
};

static void add_gauges(const struct server_summary *s, struct buffer *out)
{
    buffer_add_text(out, HTML_TABLE "<thead><tr><th>at the server<th>mean<th>max</tr></thead>"
                                    "<tbody>");
    for (size_t i = 0; i < sizeof gauges / sizeof gauges[0]; i++) {
        const struct server_gauge *g = &s->gauges[gauges[i].metric];
        if (isnan(g->mean))
            continue;
        buffer_add_format(out, "<tr><th>%s</th>", gauges[i].title);
        html_add_cell(out, g->mean * gauges[i].unit);
        html_add_cell(out, g->max * gauges[i].unit);
        buffer_add_text(out, "</tr>");
    }
    for (size_t i = 0; i < s->other_count; i++) {
        buffer_add_text(out, "<tr><th>");
        html_add_text(out, s->others[i].name);
        buffer_add_text(out, "</th>");
        html_add_cell(out, s->others[i].mean);
        html_add_cell(out, s->others[i].max);
        buffer_add_text(out, "</tr>");
    }
    buffer_add_text(out, HTML_TABLE_END);
}

static void add_row(const char *title, double theirs, double ours, bool whole, struct buffer *out)
{
    const double values[] = {theirs, ours};
    if (isnan(theirs))
        return;
    buffer_add_format(out, "<tr><th>%s</th>", title);
    for (int i = 0; i < 2; i++)
        if (whole && values[i] >= 0)
            html_add_count_cell(out, (uint64_t)values[i]);
        else
            html_add_cell(out, values[i]);
    buffer_add_text(out, "</tr>");
}

static void add_counts(const struct summary *summary, struct buffer *out)
{
    const struct server_summary *s = &summary->server;
    buffer_add_text(out,
                    "<p>From its first scrape to its last, and what the client did:</p>" HTML_TABLE
                    "<thead><tr><th>counted over the run<th>server<th>ours"
                    "</tr></thead><tbody>");
    add_row("requests answered", server_summary_count(s, SERVER_FINISHED), s->ours_completed, true,
            out);
    add_row("requests aborted", server_summary_count(s, SERVER_ABORTED), NAN, true, out);
    add_row("prompt tokens", server_summary_count(s, SERVER_PROMPT_TOKENS),
            (double)summary->all.input_tokens, true, out);
    add_row("generated tokens", server_summary_count(s, SERVER_GENERATED_TOKENS),
            s->ours_output_tokens, true, out);
    add_row("preemptions", server_summary_count(s, SERVER_PREEMPTIONS), NAN, true, out);
    add_row("prompt tokens from the prefix cache (%)", 100 * s->prefix_hit_rate, NAN, false, out);
    add_row("energy of the GPUs (J)", s->energy_j, NAN, false, out);
    add_row("energy per generated token (J)", s->j_per_token, NAN, false, out);
    buffer_add_text(out, HTML_TABLE_END);
}

/* "vLLM at http://…/metrics: 60 scrapes, 2 of them failed (HTTP status 500)." */
static void add_sources(const struct server_summary *s, struct buffer *out)
{
    buffer_add_text(out, "<p>");
    for (size_t i = 0; i < s->source_count; i++) {
        const struct server_source *source = &s->sources[i];
        html_add_text(out, source->server[0] ? source->server : "A server");
        buffer_add_text(out, " at ");
        html_add_text(out, source->url);
        buffer_add_text(out, ": ");
        html_add_count(out, source->scrapes_ok + source->scrapes_failed);
        buffer_add_text(out, " scrapes");
        if (source->scrapes_failed) {
            buffer_add_text(out, ", ");
            html_add_count(out, source->scrapes_failed);
            buffer_add_text(out, " of them failed (");
            html_add_text(out, source->error);
            buffer_add_text(out, ")");
        }
        buffer_add_text(out, ". ");
    }
    if (s->note[0]) {
        buffer_add_text(out, "<b class=bad>");
        html_add_text(out, s->note);
        buffer_add_text(out, ".</b>");
    }
    buffer_add_text(out, "</p>");
}

void html_add_server(const struct summary *summary, struct buffer *out)
{
    const struct server_summary *s = &summary->server;
    if (s->scrapes_ok + s->scrapes_failed == 0)
        return;
    buffer_add_text(out, "<h3>What the server said of itself</h3>");
    add_sources(s, out);
    if (s->scrapes_ok == 0)
        return;
    add_gauges(s, out);
    add_counts(summary, out);
}
