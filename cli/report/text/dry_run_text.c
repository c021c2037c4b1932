#include "cli/report/text/dry_run_text.h"

#include "cli/report/text/summary_table.h"
#include "workloads/load/request_rate.h"

#include <math.h>

#define PARTS_SHOWN 64

static void add_title(const struct dry_run *d, struct buffer *out)
{
    buffer_add_format(out, "%.60s · %s", d->workload ? d->workload : "no run",
                      d->subject ? d->subject : d->load_text);
    for (size_t i = 0; i < d->endpoint_count; i++)
        if (i == 0 || !d->one_url)
            buffer_add_format(out, "%s%.80s", i ? ", " : " → ", d->endpoints[i].url);
    if (d->endpoint_count == 1 && d->endpoints[0].model)
        buffer_add_format(out, ", model %.60s", d->endpoints[0].model);
    buffer_add_text(out, "\n\nnothing was sent (--dry-run); it would be\n");
}

static void add_runs(const struct dry_run *d, struct buffer *out)
{
    if (d->runs_are == DRY_FIRST)
        buffer_add_text(out,
                        "runs         as many as the throughput asks for; this is the first\n");
    else if (d->part_count > 1)
        buffer_add_format(out, "runs         %s%zu, together\n",
                          d->runs_are == DRY_MOST ? "at most " : "", d->part_count);
}

static void add_requests(const struct dry_run *d, struct buffer *out)
{
    char text[TEXT_GROUPED_SIZE], span[CELL_SIZE];
    text_group_u64(d->requests, text);
    format_span(d->end_s, span);
    if (d->requests_are == DRY_EACH_PASS)
        buffer_add_format(out, "requests     as many as are answered in %s; of each %s:\n", span,
                          text);
    else
        buffer_add_format(out, "requests     %s%s",
                          d->requests_are == DRY_AT_MOST ? "at most " : "", text);
    if (d->requests_are != DRY_EACH_PASS && d->anew) {
        text_group_u64(d->rows, text);
        buffer_add_format(out, " (the workload's %s, begun anew %u time%s)", text, d->anew,
                          d->anew == 1 ? "" : "s");
    }
    text_group_u64(d->not_due, text);
    if (d->not_due && d->requests_are != DRY_EACH_PASS)
        buffer_add_format(out, "; %s%s more would never become due",
                          d->requests_are == DRY_AT_MOST ? "at least " : "", text);
    if (d->requests_are != DRY_EACH_PASS)
        buffer_add_byte(out, '\n');
    text_group_u64(d->input_tokens, text);
    buffer_add_format(out, "tokens       %s in", text);
    text_group_u64(d->output_tokens, text);
    buffer_add_format(out, " · %s out at most\n", text);
}

static void add_duration(const struct dry_run *d, struct buffer *out)
{
    char span[CELL_SIZE];
    format_span(d->span_s, span);
    switch (d->span_is) {
    case DRY_TO_LAST_ARRIVAL:
        buffer_add_format(out, "duration     %s to the last arrival\n", span);
        break;
    case DRY_SPAN_AT_MOST:
        buffer_add_format(out, "duration     %s to the last sending, at most\n", span);
        break;
    case DRY_SPAN_AT_LEAST:
        buffer_add_format(out,
                          "duration     %s to the last arrival if every answer came at once; the "
                          "endpoint decides\n",
                          span);
        break;
    default:
        buffer_add_text(out, "duration     the endpoint decides\n");
    }
    format_span(d->first_s, span);
    if (d->first_s >= 2)
        buffer_add_format(out, "first        due %s after the start\n", span);
}

/* Answers take no time here, so that later turns come as early as they can. */
static void add_steady(const struct dry_run *d, struct buffer *out)
{
    char span[CELL_SIZE];
    format_span(d->steady_rate_from_s, span);
    if (d->steady_rate_from_s > 0)
        buffer_add_format(
            out,
            "steady rate  from %s on (%.0f %% of it), and the time that answers take: "
            "until then\n             the sessions' later turns are still to come\n",
            span, 100 * RATE_REACHED);
}

static void add_endpoints(const struct dry_run *d, struct buffer *out)
{
    char text[TEXT_GROUPED_SIZE];
    for (size_t i = 0; d->endpoint_count > 1 && i < d->endpoint_count; i++) {
        const struct dry_endpoint *e = &d->endpoints[i];
        text_group_u64(e->requests, text);
        buffer_add_format(out, "%s%s → %.80s%s%.60s\n", i ? "             " : "of them      ", text,
                          e->url, e->model ? ", model " : "", e->model ? e->model : "");
    }
}

static void add_parts(const struct dry_run *d, struct buffer *out)
{
    char requests[TEXT_GROUPED_SIZE], span[CELL_SIZE], cost[MONEY_TEXT_SIZE];
    if (d->part_count < 2 || d->part_count > PARTS_SHOWN || d->runs_are != DRY_ALL)
        return;
    buffer_add_byte(out, '\n');
    for (size_t i = 0; i < d->part_count; i++) {
        const struct dry_part *p = &d->parts[i];
        text_group_u64(p->requests, requests);
        format_span(p->span_s, span);
        money_format(p->cost, cost);
        buffer_add_format(out, "  %-18s %s requests%s%s%s%s\n", p->label, requests,
                          isfinite(p->span_s) ? ", " : "", isfinite(p->span_s) ? span : "",
                          d->plan_count ? ", $" : "", d->plan_count ? cost : "");
    }
}

static void add_costs(const struct dry_run *d, struct buffer *out)
{
    char text[MONEY_TEXT_SIZE], requests[TEXT_GROUPED_SIZE];
    for (size_t i = 0; i < d->plan_count; i++) {
        const struct dry_plan *p = &d->plans[i];
        double low, high;
        dry_plan_interval(p, &low, &high);
        money_format(p->total, text);
        buffer_add_format(out, "cost         $%s %.60s; as many others like them: $%s … $%s\n",
                          text, p->name, TEXT_SHORT(low, 4), TEXT_SHORT(high, 4));
        if (p->paid_otherwise)
            buffer_add_text(out, "             and what is paid by the period: see farebox bill\n");
        if (p->guessed)
            buffer_add_text(out,
                            "             (by the dearest model that it sells: none is named)\n");
        text_group_u64(p->unsold, requests);
        if (p->unsold)
            buffer_add_format(out,
                              "             without %s requests of models that it does not "
                              "sell\n",
                              requests);
        text_group_u64(p->unpriced, requests);
        if (p->unpriced)
            buffer_add_format(out,
                              "             too low: without a price for the service, tokens or "
                              "tools of %s of them\n",
                              requests);
    }
    if (dry_run_over_budget(d))
        buffer_add_format(out, "budget       --max-cost %s would end it before\n", d->max_cost);
}

void dry_run_write_text(const struct dry_run *d, struct buffer *out)
{
    add_title(d, out);
    add_runs(d, out);
    add_requests(d, out);
    add_duration(d, out);
    add_steady(d, out);
    add_endpoints(d, out);
    if (d->probes)
        buffer_add_text(out, "probe        a few small requests to each endpoint before the first "
                             "run, not counted here\n");
    add_costs(d, out);
    add_parts(d, out);
}
