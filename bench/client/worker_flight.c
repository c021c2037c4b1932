#include "bench/client/worker_state.h"
#include "bench/refusal/retry.h"
#include "core/memory.h"

#include <stdio.h>
#include <string.h>

#define MAX_EVENT ((size_t)4 << 20)
#define MAX_BODY ((size_t)16 << 20)
#define UNREACHABLE_AFTER 100 /* failed connections without any that succeeded */

/* ---- sending ---- */

static void watch_time(struct worker *w, struct flight *flight);

static struct thread *thread_of(const struct worker *w, const struct due *due)
{
    return w->threads ? threads_find(w->threads, due->row, due->repeat) : NULL;
}

static void build_body(const struct worker *w, const struct endpoint *e, const struct due *due,
                       struct prompt_made *made, struct buffer *out)
{
    size_t number = (size_t)(e - w->setup->endpoints);
    const struct workload *load = w->setup->workload;
    const char *model = e->config->model;
    if (!model && load->model && load->model[due->row] != UINT16_MAX)
        model = names_text(&load->models, load->model[due->row]);
    prompt_maker_build_turn(w->setup->makers[number], load, due, model ? model : e->model,
                            thread_of(w, due), made, out);
}

static bool is_prepared(const struct prepared_body *p, const struct due *due)
{
    return p->body.length && p->due.row == due->row && p->due.repeat == due->repeat &&
           p->due.ordinal == due->ordinal;
}

/* A request that comes before the one foreseen takes its body's place, and is then itself the next:
 * at most as many bodies are built for nothing as requests are sent. */
void worker_prepare_next(struct worker *w)
{
    struct prepared_body *p = &w->prepared;
    struct due due;
    if (!schedule_foresee(w->schedule, since_start(w, clock_now_ns()), &due) ||
        is_prepared(p, &due))
        return;
    p->due = due;
    buffer_clear(&p->body);
    build_body(w, worker_choose_endpoint(w, &due), &due, &p->made, &p->body);
}

/* The body of a flight's attempt: the prepared one if it is this flight's. */
static void fill_body(struct worker *w, struct flight *flight, struct transfer *t)
{
    struct prepared_body *p = &w->prepared;
    if (!is_prepared(p, &flight->due)) {
        build_body(w, flight->endpoint, &flight->due, &flight->made, &t->body);
        return;
    }
    flight->made = p->made;
    struct buffer empty = t->body;
    t->body = p->body;
    p->body = empty;
}

static void send_attempt(struct worker *w, struct flight *flight)
{
    const struct endpoint *e = flight->endpoint;
    struct transfer *t = client_get(w->client);
    const struct workload *load = w->setup->workload;
    flight->transfer = t;
    flight->attempt++;
    t->owner = flight;
    char made[DUE_ID_SIZE];
    const char *id = due_request_id(load, &flight->due, made);
    worker_header_id(id, flight->attempt, t->request_id);
    fill_body(w, flight, t);
    reply_clear(&flight->reply);
    if (flight->attempt == 1) {
        w->audit.counts.threaded_turns += flight->made.later;
        w->audit.counts.long_histories += flight->made.longer;
    }
    int64_t now_ns = clock_now_ns();
    audit_sent(&w->audit, since_start(w, now_ns) - flight->ready_ns);
    atomic_fetch_add_explicit(&w->sent, 1, memory_order_relaxed);
    client_send(w->client, t, e, &flight->answer, now_ns);
    watch_time(w, flight);
}

static void configure_answer(struct worker *w, struct flight *flight)
{
    const struct bench_config *c = w->config;
    flight->answer =
        (struct attempt_config){.api = c->api,
                                .stream = c->stream && c->api->generates,
                                .keep_text = c->keep_text,
                                .keep_raw = c->keep_raw,
                                .reply = thread_of(w, &flight->due) ? &flight->reply : NULL,
                                .max_event = MAX_EVENT,
                                .max_body = MAX_BODY,
                                .secrets = &flight->endpoint->secrets};
    double draw =
        (double)(random_mix(c->seed ^ 0x63616e63656c, flight->due.ordinal) >> 11) * 0x1p-53;
    if (c->cancel_share > 0 && draw < c->cancel_share)
        flight->answer.cancel_after = c->cancel_tokens ? c->cancel_tokens : 1;
}

static void send_first(struct worker *w, const struct due *due, int64_t now_ns)
{
    if (w->config->admit && !w->config->admit(w->config->context, due->row)) {
        worker_put_unsent(w, due, UNSENT_BUDGET);
        schedule_ended(w->schedule, due, now_ns, false);
        stop_raise(w->setup->stop, STOP_BUDGET);
        return;
    }
    struct flight *flight = flights_get(&w->flights);
    flight->due = *due;
    flight->ready_ns = due->ready_ns;
    flight->endpoint = worker_choose_endpoint(w, due);
    configure_answer(w, flight);
    send_attempt(w, flight);
}

static void drop_held(struct worker *w, struct flight *flight, bool final)
{
    worker_put_out(w, flight->held, final);
    flight->held = NULL;
}

void worker_send_due(struct worker *w)
{
    struct due due;
    enum unsent_reason why;
    int64_t now_ns = clock_now_ns();
    while (heap_next(&w->retries) <= now_ns) {
        struct heap_entry entry = heap_pop(&w->retries);
        struct flight *flight = flights_find(&w->flights, entry.number);
        if (!flight)
            continue;
        drop_held(w, flight, false);
        flight->ready_ns = since_start(w, entry.at);
        send_attempt(w, flight);
    }
    while (schedule_take(w->schedule, since_start(w, now_ns), &due)) {
        send_first(w, &due, since_start(w, now_ns));
        if (atomic_load_explicit(w->setup->stop, memory_order_relaxed) != STOP_NONE)
            break;
    }
    while (schedule_take_unsent(w->schedule, &due, &why))
        worker_put_unsent(w, &due, why);
}

/* ---- ends ---- */

/* Tokens of a prompt with this request's and its answer's text, and nothing new yet. Images are no
 * part of it: where usage does not tell theirs, the text is as long as it was asked. */
static double tokens_said(const struct worker *w, const struct flight *flight,
                          const struct record *r)
{
    size_t number = (size_t)(flight->endpoint - w->setup->endpoints);
    uint64_t images = usage_image_input(&r->usage);
    bool tells = r->usage_from == USAGE_SERVER && (r->asked_images == 0 || images > 0);
    double input = tells ? (double)(usage_input(&r->usage) - images) : 0;
    if (input == 0)
        input = r->asked_input;
    return input + (double)r->usage.tokens[USAGE_OUTPUT] + w->setup->turn_tokens[number];
}

/* What the session has said, for its next turn. An answer that failed before it said anything
 * leaves no trace. */
static void add_turn(struct worker *w, const struct flight *flight, const struct record *r)
{
    const struct due *due = &flight->due;
    struct thread *thread = thread_of(w, due);
    size_t number = (size_t)(flight->endpoint - w->setup->endpoints);
    const struct prompt_maker *m = w->setup->makers[number];
    if (!thread)
        return;
    if (prompt_maker_makes(m, due->row) &&
        (r->status == RECORD_COMPLETED || !reply_is_empty(&flight->reply)))
        prompt_maker_add_turn(m, w->setup->workload, due, &flight->made, &flight->reply,
                              tokens_said(w, flight, r), thread);
    buffer_clear(&w->prepared.body); /* it may be of this session */
    threads_row_ended(w->threads, due->row, due->repeat);
}

static void end_flight(struct worker *w, struct flight *flight, const struct record *r)
{
    /* A user who breaks an answer off goes on: what waits for it is asked all the same. */
    bool completed = r->status == RECORD_COMPLETED || r->status == RECORD_CANCELLED;
    int64_t end_ns = r->done_ns;
    add_turn(w, flight, r);
    schedule_ended(w->schedule, &flight->due, end_ns, completed);
    flights_release(&w->flights, flight);
}

static void count_connection(struct worker *w, const struct transfer *t)
{
    if (t->sendings) {
        atomic_fetch_add_explicit(w->setup->connected, 1, memory_order_relaxed);
        w->refused = 0;
    } else if (++w->refused >= UNREACHABLE_AFTER && atomic_load(w->setup->connected) == 0) {
        stop_raise(w->setup->stop, STOP_UNREACHABLE);
    }
}

void worker_on_end(void *context, struct transfer *t)
{
    struct worker *w = context;
    struct flight *flight = t->owner;
    struct finished *f = worker_record_attempt(w, flight);
    const struct record *r = &f->record;
    int64_t wait_ns;
    count_connection(w, t);
    flight->transfer = NULL;
    if (!w->closed &&
        retry_wanted(&w->config->retry, r, t->asked_wait_ns, &w->retry_random, &wait_ns)) {
        flight->held = f;
        heap_push(&w->retries, absolute(w, r->done_ns) + wait_ns, flight_ticket(flight));
    } else {
        worker_put_out(w, f, true);
        end_flight(w, flight, r);
    }
    client_release(w->client, t);
}

/* ---- time limits ---- */

/* A server, or what is before it, can leave the exchange open behind a whole answer. It has so long
 * to end it, which lets the connection be used again; then the request is over all the same. */
#define WHOLE_GRACE_NS (250 * NS_PER_MS)

/* When the flight's attempt runs out of time, and of which limit; FAILURE_NONE: its answer is
 * whole.
 */
static int64_t deadline(const struct worker *w, const struct flight *flight,
                        enum failure_class *why)
{
    const struct bench_config *c = w->config;
    const struct record *seen = &flight->transfer->attempt.seen;
    int64_t first = TIME_NEVER, at_ns = TIME_NEVER;
    if (flight->transfer->whole_ns != TIME_NEVER) {
        *why = FAILURE_NONE;
        return flight->transfer->whole_ns + WHOLE_GRACE_NS;
    }
    *why = FAILURE_TIMEOUT_TOTAL;
    if (c->total_timeout_ns != TIME_NEVER)
        at_ns = seen->sent_ns + c->total_timeout_ns;
    if (!flight->answer.stream)
        return at_ns;
    if (seen->first_token_ns == TIME_NEVER && c->first_token_timeout_ns != TIME_NEVER) {
        first = seen->sent_ns + c->first_token_timeout_ns;
        *why = first < at_ns ? FAILURE_TIMEOUT_FIRST_TOKEN : *why;
    } else if (seen->first_token_ns != TIME_NEVER && c->gap_timeout_ns != TIME_NEVER) {
        first = seen->last_token_ns + c->gap_timeout_ns;
        *why = first < at_ns ? FAILURE_TIMEOUT_GAP : *why;
    }
    return first < at_ns ? first : at_ns;
}

static bool still_flies(const void *flights, uint64_t ticket)
{
    return flights_find(flights, ticket) != NULL;
}

/* Most flights end long before their limit, and their entries would wait for it: ten minutes' worth
 * of them by default. They are dropped once they are the greater part. */
static void drop_ended(struct worker *w)
{
    if (w->timeouts.count > 1024 + 2 * (size_t)w->flights.used)
        heap_keep(&w->timeouts, still_flies, &w->flights);
}

/* The next instant to look at the flight: its limits can move it later, or to the first chunk's
 * gap limit, never before the shortest limit from now. */
static void watch_time(struct worker *w, struct flight *flight)
{
    enum failure_class why;
    int64_t at_ns = deadline(w, flight, &why), gap_ns = w->config->gap_timeout_ns;
    if (flight->answer.stream && gap_ns != TIME_NEVER) {
        int64_t soonest = clock_now_ns() + gap_ns;
        at_ns = soonest < at_ns ? soonest : at_ns;
    }
    drop_ended(w);
    if (at_ns != TIME_NEVER)
        heap_push(&w->timeouts, at_ns, flight_ticket(flight));
}

void worker_on_whole(void *context, struct transfer *t)
{
    struct worker *w = context;
    drop_ended(w);
    heap_push(&w->timeouts, t->whole_ns + WHOLE_GRACE_NS, flight_ticket(t->owner));
}

static const char *limit_words(enum failure_class why)
{
    return why == FAILURE_TIMEOUT_FIRST_TOKEN ? "no token within the time limit"
           : why == FAILURE_TIMEOUT_GAP       ? "no further token within the time limit"
                                              : "not done within the time limit";
}

void worker_check_limits(struct worker *w, int64_t now_ns)
{
    while (heap_next(&w->timeouts) <= now_ns) {
        struct heap_entry entry = heap_pop(&w->timeouts);
        struct flight *flight = flights_find(&w->flights, entry.number);
        enum failure_class why;
        if (!flight || !flight->transfer)
            continue;
        if (deadline(w, flight, &why) > now_ns)
            watch_time(w, flight);
        else if (why == FAILURE_NONE)
            client_hang_up(w->client, flight->transfer);
        else
            client_abort(w->client, flight->transfer, why, limit_words(why));
    }
}

/* ---- the end of the run ---- */

void worker_give_up_retries(struct worker *w)
{
    for (size_t i = 0; i < w->flights.count; i++) {
        struct flight *flight = w->flights.all[i];
        if (!flight->used || !flight->held)
            continue;
        struct record r = flight->held->record;
        drop_held(w, flight, true);
        end_flight(w, flight, &r);
    }
}

void worker_cancel_all(struct worker *w)
{
    for (size_t i = 0; i < w->flights.count; i++) {
        struct flight *flight = w->flights.all[i];
        if (flight->used && flight->transfer)
            client_abort(w->client, flight->transfer, FAILURE_NONE, NULL);
    }
}
