#include "bench/client/worker_state.h"
#include "core/memory.h"

#include <stdio.h>
#include <string.h>

void worker_header_id(const char *id, uint32_t attempt, char out[CLIENT_ID_SIZE])
{
    char cut[SHORT_ID_SIZE];
    const char *text = request_id_short(id, cut);
    if (attempt == 1)
        snprintf(out, CLIENT_ID_SIZE, "%s", text);
    else
        snprintf(out, CLIENT_ID_SIZE, "%s.%u", text, attempt);
}

static struct finished *new_record(struct worker *w, const struct due *due,
                                   const struct endpoint *e)
{
    struct finished *f = mem_zero(1, sizeof *f);
    struct record *r = &f->record;
    struct request q;
    due_record(w->setup->workload, due, f->id, r, &q);
    r->endpoint = endpoint_name(e->config);
    r->model = e->config->model ? e->config->model : q.model ? q.model : e->model;
    r->service = request_service(&q);
    return f;
}

void worker_put_out(struct worker *w, struct finished *f, bool final)
{
    f->record.final = final;
    f->next = NULL;
    if (w->out_last)
        w->out_last->next = f;
    else
        w->out_first = f;
    w->out_last = f;
    w->out_count++;
}

void worker_flush_out(struct worker *w)
{
    if (!w->out_first)
        return;
    outbox_put(w->setup->outbox, w->out_first, w->out_last, w->out_count);
    w->out_first = w->out_last = NULL;
    w->out_count = 0;
}

const struct endpoint *worker_choose_endpoint(const struct worker *w, const struct due *due)
{
    return &w->setup->endpoints[bench_choose_endpoint(w->config, w->setup->workload, due)];
}

void worker_put_unsent(struct worker *w, const struct due *due, enum unsent_reason why)
{
    struct finished *f = new_record(w, due, worker_choose_endpoint(w, due));
    f->record.ready_ns = due->ready_ns;
    f->record.status = RECORD_UNSENT;
    if (w->threads)
        threads_row_ended(w->threads, due->row, due->repeat);
    f->record.unsent = why;
    worker_put_out(w, f, true);
}

static char *copy(const char *text)
{
    return text ? mem_copy_string(text) : NULL;
}

struct finished *worker_record_attempt(struct worker *w, struct flight *flight)
{
    struct transfer *t = flight->transfer;
    struct finished *f = new_record(w, &flight->due, flight->endpoint);
    struct record *r = &f->record;
    r->attempt = flight->attempt;
    attempt_fill(&t->attempt, r);
    r->ready_ns = flight->ready_ns;
    r->connects = t->connects;
    r->long_history = flight->made.longer;
    r->asked_images += flight->made.earlier_images;
    for (int i = RECORD_FIRST_MEASURED; i < RECORD_FIRST_DURATION; i++)
        r->times_ns[i] = since_start(w, r->times_ns[i]);
    if (r->finish_reason)
        r->finish_reason = strcpy(f->finish_reason, r->finish_reason);
    r->message = f->message = copy(r->message);
    r->content_type = f->content_type = copy(r->content_type);
    r->text = f->text = copy(r->text);
    r->raw_usage = f->raw_usage = copy(r->raw_usage);
    if (r->usage.extra_count) {
        f->unit = r->usage.extras[0];
        r->usage.extras = &f->unit;
    }
    r->chunk_ns = f->chunk_ns = attempt_take_chunks(&t->attempt);
    for (uint32_t i = 0; f->chunk_ns && i < r->chunks; i++)
        f->chunk_ns[i] -= w->setup->start_ns;
    if (r->first_token_ns != TIME_NEVER)
        audit_first_token(&w->audit, r->first_token_ns - r->sent_ns);
    w->audit.counts.slow_reads += r->slow_reader;
    usage_key_names_merge(&w->audit.unknown_usage_keys, &t->attempt.unknown_keys);
    return f;
}

/* ---- what is in flight, for those who watch ---- */

#define TELL_NS (200 * NS_PER_MS)

void worker_tell_flights(struct worker *w, int64_t now_ns)
{
    if (!w->config->stop_rules || now_ns < w->next_tell_ns)
        return;
    w->next_tell_ns = now_ns + TELL_NS;
    pthread_mutex_lock(&w->telling);
    w->told.count = 0;
    for (size_t i = 0; i < w->flights.count; i++) {
        const struct flight *f = w->flights.all[i];
        if (!f->used || !f->transfer)
            continue;
        const struct record *seen = &f->transfer->attempt.seen;
        mem_grow(&w->told.items, &w->told.capacity, w->told.count + 1, sizeof *w->told.items);
        w->told.items[w->told.count++] = (struct stop_flight){
            f->due.scheduled_ns, since_start(w, seen->sent_ns),
            since_start(w, seen->first_token_ns), since_start(w, seen->first_output_ns)};
    }
    pthread_mutex_unlock(&w->telling);
}

void worker_add_flights(struct worker *w, struct stop_flights *out)
{
    pthread_mutex_lock(&w->telling);
    mem_grow(&out->items, &out->capacity, out->count + w->told.count, sizeof *out->items);
    for (size_t i = 0; i < w->told.count; i++)
        out->items[out->count++] = w->told.items[i];
    pthread_mutex_unlock(&w->telling);
}
