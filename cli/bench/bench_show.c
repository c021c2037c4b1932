#include "cli/bench/bench_show.h"

#include "cli/report/text/summary_table.h"
#include "core/stats/quantile.h"
#include "workloads/describe/fit.h"
#include "workloads/describe/info.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* ---- while it runs ---- */

void bench_live_init(struct bench_live *l, const struct terminal *t, struct budget *budget)
{
    *l = (struct bench_live){.budget = budget};
    progress_init(&l->progress, t, "bench");
}

void bench_live_note(struct bench_live *l, const struct record *r)
{
    if (r->first_token_ns != TIME_NEVER)
        histogram_add(&l->ttft, r->first_token_ns - r->scheduled_ns, 1);
    l->ended += r->final;
}

/* Done of what is planned, by count or by time, whichever is further. */
static double fraction_done(const struct bench_live *l, const struct bench_progress *p)
{
    double done = -1;
    if (p->planned)
        done = (double)l->ended / (double)p->planned;
    if (p->end_ns != TIME_NEVER && p->end_ns > 0)
        done = fmax(done, fmin(1, (double)p->elapsed_ns / (double)p->end_ns));
    return done;
}

/* "0:24 left", as if what is left went like what is done. */
static void add_time_left(double fraction, int64_t elapsed_ns, struct buffer *line)
{
    if (!(fraction > 0.01) || fraction >= 1)
        return;
    int64_t left_s = (int64_t)((double)elapsed_ns / 1e9 * (1 - fraction) / fraction + 0.5);
    if (left_s >= 3600)
        buffer_add_format(line, "  %d:%02d:%02d left", (int)(left_s / 3600),
                          (int)(left_s / 60 % 60), (int)(left_s % 60));
    else
        buffer_add_format(line, "  %d:%02d left", (int)(left_s / 60), (int)(left_s % 60));
}

static void add_ttft(const struct histogram *ttft, struct buffer *line)
{
    buffer_add_format(line, "  TTFT p50 %s p99 %s ms",
                      TEXT_SHORT(histogram_quantile(ttft, 0.5) / 1e6, 3),
                      TEXT_SHORT(histogram_quantile(ttft, 0.99) / 1e6, 3));
}

void bench_live_show(struct bench_live *l, const struct bench_progress *p)
{
    char text[256], done[TEXT_GROUPED_SIZE], planned[TEXT_GROUPED_SIZE], flying[TEXT_GROUPED_SIZE];
    int64_t now_ns = clock_now_ns();
    if (!progress_due(&l->progress, now_ns))
        return;
    double seconds = (double)(p->elapsed_ns - l->shown_ns) / 1e9;
    double rate = seconds > 0 ? (double)(l->ended - l->ended_before) / seconds : 0;
    text_group_u64(l->ended, done);
    text_group_u64(p->planned, planned);
    text_group_u64(p->in_flight, flying);
    struct buffer line;
    buffer_init(&line, sizeof text);
    buffer_add_format(&line, "%s%s%s  in flight %s  %.1f req/s", done, p->planned ? "/" : " done",
                      p->planned ? planned : "", flying, rate);
    if (l->ttft.count)
        add_ttft(&l->ttft, &line);
    budget_show(l->budget, text, sizeof text);
    if (text[0])
        buffer_add_format(&line, "  %s", text);
    if (p->failed)
        buffer_add_format(&line, "  %llu failed", (unsigned long long)p->failed);
    if (p->cancelled)
        buffer_add_format(&line, "  %llu cancelled", (unsigned long long)p->cancelled);
    if (p->unsent)
        buffer_add_format(&line, "  %llu unsent", (unsigned long long)p->unsent);
    if (p->draining)
        buffer_add_text(&line, "  draining");
    double fraction = fraction_done(l, p);
    add_time_left(fraction, p->elapsed_ns, &line);
    progress_show(&l->progress, now_ns, fraction, line.data);
    buffer_free(&line);
    l->shown_ns = p->elapsed_ns;
    l->ended_before = l->ended;
}

void bench_live_end(struct bench_live *l)
{
    progress_end(&l->progress);
    histogram_free(&l->ttft);
}

/* ---- before and after ---- */

void bench_describe_workload(const struct workload *w, const struct bench_config *c,
                             struct buffer *out)
{
    struct json_writer j;
    char salt[24];
    snprintf(salt, sizeof salt, "%016llx", (unsigned long long)c->salt);
    json_write_init(&j, out, 0);
    json_begin_object(&j);
    workload_put_extent(w->name, w, &j);
    json_pair_string(&j, "prompt_salt", salt);
    json_end_object(&j);
}

/* The share of the input that a cache which forgets nothing takes: of the answers too where later
 * turns carried them. */
static double implied_hits(const struct workload *w, const struct summary *summary)
{
    if (!w->hash_start)
        return 0;
    double prompts = workload_prefix_hit_ratio(w);
    return summary->fidelity.counts.threaded_turns ? fmax(prompts, workload_answers_hit_ratio(w))
                                                   : prompts;
}

/* Messages of the workload's own may begin alike in ways that only the server sees. Cached tokens
 * beside the prompt's are not of the prompt that was asked for: they tell nothing of it. */
static void warn_of_warm_cache(const struct terminal *t, const struct workload *w,
                               const struct summary *summary)
{
    const double tolerance = 0.05;
    const struct phase_summary *all = &summary->all;
    double input = (double)all->input_tokens, cached = (double)all->cached_input_tokens;
    double implied = implied_hits(w, summary);
    if (w->messages_start || w->body_start || summary->odd[ODDITY_USAGE_CACHED] ||
        !(cached > (implied + tolerance) * input))
        return;
    if (w->hash_start)
        warn(t,
             "the server took %.0f %% of the input from its cache, and the workload's prefixes "
             "imply %.0f %% at most: was the cache warm from an equal run (--prompt-salt)?",
             100 * cached / input, 100 * implied);
    else
        warn(t,
             "the server took %.0f %% of the input from its cache, and no two prompts of this "
             "workload begin alike: was the cache warm from an equal run (--prompt-salt)?",
             100 * cached / input);
}

/* Answers of another length are another load: said where every request was answered. */
static void warn_of_output(const struct terminal *t, const struct bench_setup *s,
                           const struct summary *summary)
{
    const double tolerance = 0.02;
    double asked = (double)summary->asked_output, got = (double)summary->all.output_tokens;
    uint64_t n = summary->accounting.completed;
    if (!s->config.api->generates || n == 0 || n != summary->accounting.scheduled ||
        summary->accounting.attempts != n || !(fabs(got - asked) > tolerance * asked))
        return;
    warn(t, "the answers were %s tokens long where %s were asked for (mean)%s",
         TEXT_SHORT(got / (double)n, 4), TEXT_SHORT(asked / (double)n, 4),
         got < asked
             ? ": the model ends by itself; --body '{\"ignore_eos\": true}' where the server "
               "knows it"
             : "");
}

/* An endpoint may refuse HTTP/2 in the TLS handshake. */
static void warn_of_version(const struct terminal *t, const struct bench_setup *s,
                            const struct fidelity_counts *c)
{
    if (s->endpoints[0].http2 && c->http1_answers)
        warn(t, "HTTP/2 was asked for (--http2), and %llu of %llu answers came over HTTP/1.1",
             (unsigned long long)c->http1_answers,
             (unsigned long long)(c->http1_answers + c->http2_answers));
}

static void warn_of_lengths(const struct terminal *t, const struct fidelity_probe *p,
                            const struct summary *s)
{
    if (s->asked_too_little)
        warn(t,
             "%llu requests ask for fewer than %.0f input tokens, which the endpoint's template "
             "(%.0f) and one word take: they were sent with that",
             (unsigned long long)s->asked_too_little,
             floor(p->template_tokens + p->tokens_per_word), p->template_tokens);
}

static void warn_of_workers(const struct terminal *t, const struct bench_setup *s,
                            const struct fidelity *f)
{
    if (f->workers && f->workers < s->config.workers)
        warn(t, "%llu of %u workers ran: the limit on what is in flight has no slot for more",
             (unsigned long long)f->workers, s->config.workers);
}

void bench_warn_of_probes(const struct terminal *t, const struct bench_setup *s,
                          const struct workload *w, const struct fidelity_probe *probes)
{
    for (size_t i = 0; i < s->config.endpoint_count; i++)
        if (probes[i].remarks[0])
            warn(t, "%s: %s", endpoint_name(&s->endpoints[i]), probes[i].remarks);
    if (!probes[0].measured && !s->config.no_probe && !w->messages_start && !w->body_start)
        warn(t, "the endpoint's tokenizer is not known (%s): a word is taken as a token",
             probes[0].note);
}

/* Requests that are sent with messages of their own have the length that the workload says. */
void bench_warn_of_context(const struct terminal *t, const struct bench_setup *s,
                           const struct workload *w, const struct fidelity_probe *probes)
{
    for (size_t i = 0; i < s->config.endpoint_count; i++) {
        uint64_t most = probes[i].context_tokens, longer = 0, longest = 0;
        for (size_t row = 0; most && row < w->count; row++) {
            struct request r;
            workload_get(w, row, &r);
            if (!s->endpoints[i].model && r.model && strcmp(r.model, probes[i].model) != 0)
                continue;
            uint64_t asked = (uint64_t)r.input_tokens + r.output_tokens;
            longer += asked > most;
            longest = asked > longest ? asked : longest;
        }
        if (longer)
            warn(t,
                 "%s takes %llu tokens, in and out together: %llu of %zu requests ask for more "
                 "(%llu at most), and will be refused or cut",
                 probes[i].model, (unsigned long long)most, (unsigned long long)longer, w->count,
                 (unsigned long long)longest);
    }
}

void bench_warn_of_requests(const struct terminal *t, const struct bench_options *o,
                            const struct bench_setup *s, const struct workload *w)
{
    bool own_times = s->config.schedule.mode == SCHEDULE_TRACE;
    /* What a scenario does not hold then lies behind the duration or the last stage. */
    bool ended = own_times && workload_source_generates(&o->source);
    if (o->load.requests <= w->count || ended || !(own_times || w->after_start))
        return;
    warn(t, "--requests %llu: the workload holds %zu and is not begun anew %s: no more are sent",
         (unsigned long long)o->load.requests, w->count,
         w->after_start ? "where its requests wait for each other"
                        : "at its own times (--rate and --concurrency do)");
}

void bench_warn(const struct terminal *t, const struct bench_setup *s, const struct workload *w,
                const struct summary *summary)
{
    const struct fidelity *f = &summary->fidelity;
    if (s->endpoints[0].insecure)
        warn(t, "certificates were not checked (--insecure)");
    warn_of_warm_cache(t, w, summary);
    warn_of_output(t, s, summary);
    warn_of_version(t, s, &f->counts);
    warn_of_lengths(t, &f->probes[0], summary);
    warn_of_workers(t, s, f);
    if (f->counts.long_histories)
        warn(t,
             "%llu of %llu later turns asked for less input than their sessions had said already: "
             "they were sent with all of it and one word more",
             (unsigned long long)f->counts.long_histories,
             (unsigned long long)f->counts.threaded_turns);
    if (f->counts.stale_connections)
        warn(t,
             "the server closed %llu kept connections, without having said so, as a request went "
             "out on each: it was sent again at once over a new connection, and its latencies hold "
             "both",
             (unsigned long long)f->counts.stale_connections);
    if (f->counts.left_open)
        warn(t,
             "%llu answers were whole ([DONE]) while the server left the exchange open: each was "
             "ended "
             "250 ms later, and its connection closed",
             (unsigned long long)f->counts.left_open);
    for (uint32_t i = 0; i < f->unknown_usage_keys.count; i++)
        warn(t,
             "the server's usage has tokens under \"%s\", which is not known: they are not counted "
             "beside the others, nor billed",
             f->unknown_usage_keys.name[i]);
    if (f->counts.slow_reads)
        warn(t,
             "%llu streams came in bursts of many chunks: something between collects them, "
             "so chunk gaps and TPOT are not the engine's",
             (unsigned long long)f->counts.slow_reads);
}

void bench_show_load(const struct bench_options *o, const struct bench_setup *s, struct buffer *out)
{
    if (o->load.concurrency)
        buffer_add_format(out, "%s at a time", o->load.concurrency);
    else if (o->load.rate)
        buffer_add_format(out, "%s req/s", o->load.rate);
    else if (o->load.speed != 1)
        buffer_add_format(out, "%s × faster", TEXT_SHORT(o->load.speed, 6));
    else
        buffer_add_text(out, "own times");
    if (s->config.schedule.max_in_flight)
        buffer_add_format(out, ", at most %u in flight", s->config.schedule.max_in_flight);
}

static void add_title(const struct bench_options *o, const struct bench_setup *s,
                      const struct workload *w, const char *model, uint64_t requests,
                      struct buffer *out)
{
    char count[TEXT_GROUPED_SIZE];
    buffer_add_format(out, "%.60s · %s requests%s, ", w->name ? w->name : "workload",
                      text_group_u64(requests, count),
                      o->source.trace && !o->load.rate && !o->load.concurrency ? " of the trace"
                                                                               : "");
    bench_show_load(o, s, out);
    for (size_t i = 0; i < s->config.endpoint_count; i++)
        buffer_add_format(out, "%s%.80s", i ? ", " : " → ", endpoint_shown(&s->endpoints[i]));
    if (model && s->config.endpoint_count == 1)
        buffer_add_format(out, ", model %.60s", model);
}

static void add_end(const struct bench_report *r, struct buffer *out)
{
    static const char *const ends[BENCH_SATURATED + 1] = {
        [BENCH_FINISHED] = NULL,
        [BENCH_INTERRUPTED] = "interrupted: the figures are of what was done until then",
        [BENCH_BUDGET] = "the budget was reached: nothing more was sent",
        [BENCH_UNREACHABLE] = "no connection succeeded: nothing more was sent",
    };
    if (r->end == BENCH_SATURATED)
        buffer_add_format(out, "! stopped at %s s (--stop-when '%s'): %s; nothing more was sent\n",
                          TEXT_SHORT(r->stopped.at_s, 3), r->stopped.condition, r->stopped.reason);
    else if (ends[r->end])
        buffer_add_format(out, "! %s\n", ends[r->end]);
}

void bench_show_result(const struct bench_options *o, const struct bench_troubles *t,
                       const struct workload *w, const struct bench_report *report,
                       const struct summary *summary, const char *path, int width,
                       struct buffer *out)
{
    const struct bench_setup *s = t->setup;
    struct summary shown = *summary;
    struct buffer title;
    bench_troubles_say_once(t, report, &shown);
    buffer_init(&title, BUFFER_UNBOUNDED);
    add_title(o, s, w, report->model, summary->accounting.scheduled, &title);
    if (summary->fidelity.counts.http2_answers) {
        buffer_add_text(&title, ", over ");
        fidelity_add_versions(&summary->fidelity, &title);
    }
    summary_table(&shown, title.data, width, out);
    add_end(report, out);
    if (s->config.thread_replies)
        buffer_add_format(out, "sessions     %llu later turns carried the answers that came\n",
                          (unsigned long long)summary->fidelity.counts.threaded_turns);
    buffer_add_format(out,
                      "\nwritten to %s/   next: farebox bill %s --plans FILE · farebox report %s\n",
                      path, path, path);
    buffer_free(&title);
}
