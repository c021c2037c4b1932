#include "bench/worker.h"

#include "bench/flight.h"
#include "bench/retry.h"
#include "bench/time_heap.h"
#include "core/memory.h"
#include "core/random.h"

#include <event2/event.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timerfd.h>
#include <unistd.h>

#define HEARTBEAT_NS (10 * NS_PER_MS) /* the loop wakes at least so often: stalls are seen */
#define MAX_EVENT ((size_t)4 << 20)
#define MAX_BODY ((size_t)64 << 20)
#define SEND_ROUNDS 64        /* before the sockets get their turn again */
#define UNREACHABLE_AFTER 100 /* failed connections without any that succeeded */

struct worker {
    const struct worker_setup *setup;
    const struct bench_config *config;
    struct schedule_config schedule_config;
    struct schedule *schedule;
    struct event_base *base;
    struct event *tick;
    int timer_fd;
    int64_t armed_ns; /* when the timer fires; TIME_NEVER */
    struct client *client;
    struct flights flights;
    struct time_heap timeouts, retries; /* tickets of flights, absolute times */
    struct random retry_random;
    int64_t next_due_ns; /* absolute: when the schedule has something */
    bool closed, done;
    int64_t drain_until_ns;
    uint32_t refused; /* connections that failed */
    struct finished *out_first, *out_last;
    uint64_t out_count;
    struct fidelity fidelity;
    atomic_uint in_flight;
    atomic_uint_fast64_t sent;
    atomic_bool finished;
};

static int64_t since_start(const struct worker *w, int64_t ns)
{
    return ns == TIME_NEVER ? TIME_NEVER : ns - w->setup->start_ns;
}

static int64_t absolute(const struct worker *w, int64_t ns)
{
    return ns == TIME_NEVER ? TIME_NEVER : ns + w->setup->start_ns;
}

void stop_raise(atomic_int *stop, enum stop_request request)
{
    int now = atomic_load(stop);
    while (now < (int)request && !atomic_compare_exchange_weak(stop, &now, (int)request))
        ;
}

/* ---- records ---- */

/* The request's id as records show it: its own, or a made one; "#2" for the second time round. */
static const char *request_id(const struct workload *w, const struct due *due,
                              char out[FINISHED_ID_SIZE])
{
    char made[REQUEST_ID_SIZE];
    const char *id = workload_request_id(w, due->row, made);
    if (due->repeat == 0 && id != made)
        return id;
    if (due->repeat == 0)
        snprintf(out, FINISHED_ID_SIZE, "%s", id);
    else
        snprintf(out, FINISHED_ID_SIZE, "%.30s#%u", id, due->repeat + 1);
    return out;
}

static struct finished *new_record(struct worker *w, const struct due *due,
                                   const struct endpoint *e)
{
    struct finished *f = mem_zero(1, sizeof *f);
    struct record *r = &f->record;
    struct request q;
    record_init(r);
    workload_get(w->setup->workload, due->row, &q);
    r->request_id = request_id(w->setup->workload, due, f->id);
    r->session_id = q.session_id;
    r->endpoint = e->config->name ? e->config->name : e->config->url;
    r->model = e->config->model ? e->config->model : q.model ? q.model : e->model;
    r->class_name = q.class_name;
    r->service = service_name(q.service);
    r->labels = q.labels;
    r->row = due->row;
    r->scheduled_ns = due->scheduled_ns;
    r->asked_input = q.input_tokens;
    r->asked_output = q.output_tokens;
    return f;
}

static void put_out(struct worker *w, struct finished *f, bool final)
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

static void flush_out(struct worker *w)
{
    if (!w->out_first)
        return;
    outbox_put(w->setup->outbox, w->out_first, w->out_last, w->out_count);
    w->out_first = w->out_last = NULL;
    w->out_count = 0;
}

static const struct endpoint *choose_endpoint(const struct worker *w, const struct due *due)
{
    const struct bench_config *c = w->config;
    if (c->endpoint_count == 1)
        return w->setup->endpoints;
    const struct workload *load = w->setup->workload;
    uint32_t session = load->session ? load->session[due->row] : NAME_NONE;
    uint64_t key = session == NAME_NONE ? due->ordinal : (UINT64_C(1) << 63) | session;
    double total = 0, at = (double)(random_mix(c->seed ^ 0x656e64, key) >> 11) * 0x1p-53;
    for (size_t i = 0; i < c->endpoint_count; i++)
        total += c->endpoints[i].share;
    at *= total;
    for (size_t i = 0; i + 1 < c->endpoint_count; i++) {
        if (at < c->endpoints[i].share)
            return &w->setup->endpoints[i];
        at -= c->endpoints[i].share;
    }
    return &w->setup->endpoints[c->endpoint_count - 1];
}

static void put_unsent(struct worker *w, const struct due *due, enum unsent_reason why)
{
    struct finished *f = new_record(w, due, choose_endpoint(w, due));
    f->record.ready_ns = due->ready_ns;
    f->record.status = RECORD_UNSENT;
    f->record.unsent = why;
    put_out(w, f, true);
}

static char *copy(const char *text)
{
    return text ? mem_copy_string(text) : NULL;
}

static struct finished *record_attempt(struct worker *w, struct flight *flight)
{
    struct transfer *t = flight->transfer;
    struct finished *f = new_record(w, &flight->due, flight->endpoint);
    struct record *r = &f->record;
    r->attempt = flight->attempt;
    attempt_fill(&t->attempt, r);
    r->ready_ns = flight->ready_ns;
    r->done_ns = t->done_ns;
    r->dns_ns = t->dns_ns;
    r->connect_ns = t->connect_ns;
    r->tls_ns = t->tls_ns;
    r->connects = t->connects;
    int64_t *absolute_times[] = {&r->sent_ns,         &r->first_byte_ns, &r->first_token_ns,
                                 &r->first_output_ns, &r->last_token_ns, &r->done_ns};
    for (size_t i = 0; i < sizeof absolute_times / sizeof *absolute_times; i++)
        *absolute_times[i] = since_start(w, *absolute_times[i]);
    if (r->finish_reason)
        r->finish_reason = strcpy(f->finish_reason, r->finish_reason);
    r->message = f->message = copy(r->message);
    r->text = f->text = copy(r->text);
    r->raw_usage = f->raw_usage = copy(r->raw_usage);
    r->chunk_ns = f->chunk_ns = attempt_take_chunks(&t->attempt);
    for (uint32_t i = 0; f->chunk_ns && i < r->chunks; i++)
        f->chunk_ns[i] -= w->setup->start_ns;
    if (r->first_token_ns != TIME_NEVER)
        fidelity_first_token(&w->fidelity, r->first_token_ns - r->sent_ns);
    w->fidelity.slow_reads += r->slow_reader;
    return f;
}

/* ---- sending ---- */

static void watch_time(struct worker *w, struct flight *flight);

static void send_attempt(struct worker *w, struct flight *flight)
{
    const struct endpoint *e = flight->endpoint;
    struct transfer *t = client_get(w->client);
    size_t number = (size_t)(e - w->setup->endpoints);
    const struct workload *load = w->setup->workload;
    const char *model = e->config->model;
    if (!model && load->model && load->model[flight->due.row] != UINT16_MAX)
        model = names_text(&load->models, load->model[flight->due.row]);
    flight->transfer = t;
    flight->attempt++;
    t->owner = flight;
    char made[FINISHED_ID_SIZE];
    const char *id = request_id(load, &flight->due, made);
    if (flight->attempt == 1)
        snprintf(t->request_id, sizeof t->request_id, "%.60s", id);
    else
        snprintf(t->request_id, sizeof t->request_id, "%.60s.%u", id, flight->attempt);
    prompt_maker_build(w->setup->makers[number], load, &flight->due, model ? model : e->model,
                       &t->body);
    int64_t now_ns = clock_now_ns();
    fidelity_sent(&w->fidelity, since_start(w, now_ns) - flight->ready_ns);
    atomic_fetch_add_explicit(&w->sent, 1, memory_order_relaxed);
    client_send(w->client, t, e, &flight->answer, now_ns);
    watch_time(w, flight);
}

static void configure_answer(struct worker *w, struct flight *flight)
{
    const struct bench_config *c = w->config;
    flight->answer = (struct attempt_config){.stream = c->stream && c->api != API_EMBEDDINGS,
                                             .embeddings = c->api == API_EMBEDDINGS,
                                             .keep_text = c->keep_text,
                                             .keep_raw = c->keep_raw,
                                             .max_event = MAX_EVENT,
                                             .max_body = MAX_BODY};
    double draw =
        (double)(random_mix(c->seed ^ 0x63616e63656c, flight->due.ordinal) >> 11) * 0x1p-53;
    if (c->cancel_share > 0 && draw < c->cancel_share)
        flight->answer.cancel_after = c->cancel_tokens ? c->cancel_tokens : 1;
}

static void send_first(struct worker *w, const struct due *due, int64_t now_ns)
{
    if (w->config->admit && !w->config->admit(w->config->context, due->row)) {
        put_unsent(w, due, UNSENT_BUDGET);
        schedule_ended(w->schedule, due, now_ns, false);
        stop_raise(w->setup->stop, STOP_BUDGET);
        return;
    }
    struct flight *flight = flights_get(&w->flights);
    flight->due = *due;
    flight->ready_ns = due->ready_ns;
    flight->endpoint = choose_endpoint(w, due);
    configure_answer(w, flight);
    send_attempt(w, flight);
}

static void drop_held(struct worker *w, struct flight *flight, bool final)
{
    put_out(w, flight->held, final);
    flight->held = NULL;
}

static void send_due(struct worker *w)
{
    struct due due;
    enum unsent_reason why;
    int64_t now_ns = clock_now_ns();
    while (time_heap_next_ns(&w->retries) <= now_ns) {
        struct time_entry entry = time_heap_pop(&w->retries);
        struct flight *flight = flights_find(&w->flights, entry.number);
        if (!flight)
            continue;
        drop_held(w, flight, false);
        flight->ready_ns = since_start(w, entry.at_ns);
        send_attempt(w, flight);
    }
    while (schedule_take(w->schedule, since_start(w, now_ns), &due)) {
        send_first(w, &due, since_start(w, now_ns));
        if (atomic_load_explicit(w->setup->stop, memory_order_relaxed) != STOP_NONE)
            break;
    }
    while (schedule_take_unsent(w->schedule, &due, &why))
        put_unsent(w, &due, why);
}

/* ---- ends ---- */

static void end_flight(struct worker *w, struct flight *flight, const struct record *r)
{
    bool completed = r->status == RECORD_COMPLETED;
    int64_t end_ns = r->done_ns;
    schedule_ended(w->schedule, &flight->due, end_ns, completed);
    flights_release(&w->flights, flight);
}

static void note_reach(struct worker *w, const struct transfer *t)
{
    if (t->sendings) {
        atomic_fetch_add_explicit(w->setup->connected, 1, memory_order_relaxed);
        w->refused = 0;
    } else if (++w->refused >= UNREACHABLE_AFTER && atomic_load(w->setup->connected) == 0) {
        stop_raise(w->setup->stop, STOP_UNREACHABLE);
    }
}

static void on_end(void *context, struct transfer *t)
{
    struct worker *w = context;
    struct flight *flight = t->owner;
    struct finished *f = record_attempt(w, flight);
    const struct record *r = &f->record;
    int64_t wait_ns;
    note_reach(w, t);
    flight->transfer = NULL;
    if (!w->closed &&
        retry_wanted(&w->config->retry, r, t->retry_after_s, &w->retry_random, &wait_ns)) {
        flight->held = f;
        time_heap_push(&w->retries, t->done_ns + wait_ns, flight_ticket(flight));
    } else {
        put_out(w, f, true);
        end_flight(w, flight, r);
    }
    client_release(w->client, t);
}

/* ---- time limits ---- */

/* When the flight's attempt runs out of time, and of which limit. */
static int64_t deadline(const struct worker *w, const struct flight *flight,
                        enum failure_class *why)
{
    const struct bench_config *c = w->config;
    const struct attempt *a = &flight->transfer->attempt;
    int64_t first = TIME_NEVER, at_ns = TIME_NEVER;
    *why = FAILURE_TIMEOUT_TOTAL;
    if (c->total_timeout_ns != TIME_NEVER)
        at_ns = a->sent_ns + c->total_timeout_ns;
    if (!flight->answer.stream)
        return at_ns;
    if (a->first_token_ns == TIME_NEVER && c->first_token_timeout_ns != TIME_NEVER) {
        first = a->sent_ns + c->first_token_timeout_ns;
        *why = first < at_ns ? FAILURE_TIMEOUT_FIRST_TOKEN : *why;
    } else if (a->first_token_ns != TIME_NEVER && c->gap_timeout_ns != TIME_NEVER) {
        first = a->last_token_ns + c->gap_timeout_ns;
        *why = first < at_ns ? FAILURE_TIMEOUT_GAP : *why;
    }
    return first < at_ns ? first : at_ns;
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
    if (at_ns != TIME_NEVER)
        time_heap_push(&w->timeouts, at_ns, flight_ticket(flight));
}

static const char *limit_words(enum failure_class why)
{
    return why == FAILURE_TIMEOUT_FIRST_TOKEN ? "no token within the time limit"
           : why == FAILURE_TIMEOUT_GAP       ? "no further token within the time limit"
                                              : "not done within the time limit";
}

static void check_limits(struct worker *w, int64_t now_ns)
{
    while (time_heap_next_ns(&w->timeouts) <= now_ns) {
        struct time_entry entry = time_heap_pop(&w->timeouts);
        struct flight *flight = flights_find(&w->flights, entry.number);
        enum failure_class why;
        if (!flight || !flight->transfer)
            continue;
        if (deadline(w, flight, &why) <= now_ns)
            client_abort(w->client, flight->transfer, why, limit_words(why));
        else
            watch_time(w, flight);
    }
}

/* ---- the end of the run ---- */

static void close_schedule(struct worker *w, int64_t end_ns, enum unsent_reason why)
{
    if (w->closed)
        return;
    w->closed = true;
    schedule_close(w->schedule, end_ns, why);
    w->drain_until_ns = absolute(w, end_ns) + w->config->drain_ns;
    /* Retries that still wait will not be made: their last attempt was the final one. */
    for (size_t i = 0; i < w->flights.count; i++) {
        struct flight *flight = w->flights.all[i];
        if (!flight->used || !flight->held)
            continue;
        struct record r = flight->held->record;
        drop_held(w, flight, true);
        end_flight(w, flight, &r);
    }
}

static void cancel_all(struct worker *w)
{
    for (size_t i = 0; i < w->flights.count; i++) {
        struct flight *flight = w->flights.all[i];
        if (flight->used && flight->transfer)
            client_abort(w->client, flight->transfer, FAILURE_NONE, NULL);
    }
}

static void follow_orders(struct worker *w, int64_t now_ns)
{
    static const enum unsent_reason reasons[] = {
        [STOP_UNREACHABLE] = UNSENT_INTERRUPTED,
        [STOP_BUDGET] = UNSENT_BUDGET,
        [STOP_INTERRUPTED] = UNSENT_INTERRUPTED,
        [STOP_NOW] = UNSENT_INTERRUPTED,
    };
    int stop = atomic_load_explicit(w->setup->stop, memory_order_relaxed);
    int64_t end_ns = schedule_end_ns(w->schedule);
    if (stop != STOP_NONE)
        close_schedule(w, since_start(w, now_ns), reasons[stop]);
    else if (since_start(w, now_ns) >= end_ns)
        close_schedule(w, end_ns, UNSENT_CAP);
    if (stop == STOP_NOW || (w->closed && now_ns >= w->drain_until_ns))
        cancel_all(w);
}

/* ---- the loop ---- */

/* Sends what is due, runs libcurl's timers, takes what ended; again while ends make room. */
static void pump(struct worker *w)
{
    for (int round = 0; round < SEND_ROUNDS; round++) {
        send_due(w);
        client_run_timers(w->client, clock_now_ns());
        if (!client_collect(w->client))
            break;
    }
    int64_t now_ns = clock_now_ns();
    w->next_due_ns = absolute(w, schedule_next_ns(w->schedule, since_start(w, now_ns)));
    if (time_heap_next_ns(&w->retries) < w->next_due_ns)
        w->next_due_ns = time_heap_next_ns(&w->retries);
}

static void on_ready(void *context)
{
    struct worker *w = context;
    if (client_collect(w->client) || clock_now_ns() >= w->next_due_ns)
        pump(w);
}

static void on_tick(evutil_socket_t fd, short what, void *context)
{
    struct worker *w = context;
    uint64_t times;
    int64_t now_ns = clock_now_ns();
    (void)what;
    client_woke(w->client, now_ns);
    if (read(fd, &times, sizeof times) == sizeof times && w->armed_ns != TIME_NEVER) {
        fidelity_stall(&w->fidelity, now_ns - w->armed_ns);
        w->armed_ns = TIME_NEVER;
    }
    pump(w);
}

/* One timer serves everything. It is set only when it would fire too late; one that fires early
 * costs a wake-up, setting it costs a system call each time. */
static void arm(struct worker *w, int64_t now_ns)
{
    int64_t wanted[] = {w->next_due_ns, client_next_ns(w->client), time_heap_next_ns(&w->timeouts),
                        now_ns + HEARTBEAT_NS};
    int64_t at_ns = TIME_NEVER;
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++)
        at_ns = wanted[i] < at_ns ? wanted[i] : at_ns;
    if (at_ns < now_ns)
        at_ns = now_ns;
    if (w->armed_ns <= at_ns)
        return;
    struct itimerspec spec = {.it_value = {at_ns / NS_PER_S, at_ns % NS_PER_S}};
    timerfd_settime(w->timer_fd, TFD_TIMER_ABSTIME, &spec, NULL);
    w->armed_ns = at_ns;
}

static bool is_done(struct worker *w)
{
    if (w->flights.used)
        return false;
    if (!schedule_exhausted(w->schedule, since_start(w, clock_now_ns())))
        return false;
    follow_orders(w, clock_now_ns());
    send_due(w); /* what is unsent for good gets its record */
    return w->flights.used == 0;
}

static void wait_for_start(const struct worker *w)
{
    int64_t start_ns = w->setup->start_ns;
    struct timespec at = {start_ns / NS_PER_S, start_ns % NS_PER_S};
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL) != 0)
        ;
}

void *worker_main(void *context)
{
    struct worker *w = context;
    wait_for_start(w);
    fidelity_tick(&w->fidelity, clock_now_ns(), false);
    pump(w);
    while (!is_done(w)) {
        arm(w, clock_now_ns());
        client_before_wait(w->client);
        event_base_loop(w->base, EVLOOP_ONCE);
        int64_t now_ns = clock_now_ns();
        follow_orders(w, now_ns);
        check_limits(w, now_ns);
        pump(w);
        flush_out(w);
        atomic_store_explicit(&w->in_flight, w->flights.used, memory_order_relaxed);
        fidelity_tick(&w->fidelity, now_ns, false);
    }
    flush_out(w);
    fidelity_tick(&w->fidelity, clock_now_ns(), true);
    atomic_store(&w->in_flight, 0);
    atomic_store(&w->finished, true);
    return NULL;
}

/* ---- life ---- */

static int set_up_loop(struct worker *w, struct error *err)
{
    struct event_config *config = event_config_new();
    event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK);
    event_config_set_flag(config, EVENT_BASE_FLAG_NO_CACHE_TIME);
    w->base = event_base_new_with_config(config);
    event_config_free(config);
    w->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    if (!w->base || w->timer_fd < 0)
        return error_errno(err, "cannot make an event loop");
    w->tick = event_new(w->base, w->timer_fd, EV_READ | EV_PERSIST, on_tick, w);
    event_add(w->tick, NULL);
    return 0;
}

struct worker *worker_create(const struct worker_setup *setup, uint32_t number, struct error *err)
{
    struct worker *w = mem_zero(1, sizeof *w);
    w->setup = setup;
    w->config = setup->config;
    w->timer_fd = -1;
    w->armed_ns = w->next_due_ns = w->drain_until_ns = TIME_NEVER;
    w->schedule_config = setup->config->schedule;
    w->schedule_config.worker = number;
    w->schedule_config.workers = setup->config->workers;
    w->schedule_config.seed = setup->config->seed;
    random_init(&w->retry_random, setup->config->seed, RANDOM_RETRIES, number);
    w->schedule = schedule_create(&w->schedule_config, setup->workload, err);
    if (!w->schedule || set_up_loop(w, err) < 0) {
        worker_free(w);
        return NULL;
    }
    struct client_config client = {.endpoints = setup->config->endpoint_count,
                                   .first_endpoint = setup->endpoints,
                                   .shard_connections = setup->config->shard_connections,
                                   .connect_timeout_ns = setup->config->connect_timeout_ns,
                                   .context = w,
                                   .on_end = on_end,
                                   .on_ready = on_ready};
    w->client = client_create(w->base, &client);
    return w;
}

void worker_free(struct worker *w)
{
    if (!w)
        return;
    if (w->client)
        client_free(w->client);
    if (w->tick)
        event_free(w->tick);
    if (w->base)
        event_base_free(w->base);
    if (w->timer_fd >= 0)
        close(w->timer_fd);
    schedule_free(w->schedule);
    flights_free(&w->flights);
    time_heap_free(&w->timeouts);
    time_heap_free(&w->retries);
    fidelity_free(&w->fidelity);
    free(w);
}

uint32_t worker_in_flight(const struct worker *w)
{
    return atomic_load_explicit(&w->in_flight, memory_order_relaxed);
}

uint64_t worker_sent(const struct worker *w)
{
    return atomic_load_explicit(&w->sent, memory_order_relaxed);
}

bool worker_done(const struct worker *w)
{
    return atomic_load(&w->finished);
}

void worker_result(struct worker *w, struct fidelity *merge_into, uint64_t *add_not_due)
{
    struct client_counts counts;
    client_count(w->client, &counts);
    w->fidelity.connects = counts.connects;
    w->fidelity.reuses = counts.reuses;
    w->fidelity.hidden_resends = counts.hidden_resends;
    w->fidelity.shards = counts.shards;
    fidelity_merge(merge_into, &w->fidelity);
    *add_not_due += schedule_not_due(w->schedule);
}
