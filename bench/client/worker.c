#include "bench/client/worker_state.h"
#include "core/memory.h"

#include <math.h>
#include <stdlib.h>
#include <sys/timerfd.h>
#include <unistd.h>

#define HEARTBEAT_NS (10 * NS_PER_MS)   /* the loop wakes at least so often: stalls are seen */
#define SEND_ROUNDS 64                  /* before the sockets get their turn again */
#define TOUCHED_BYTES ((size_t)4 << 20) /* below what malloc maps apart */
#define PAGE_BYTES 4096

/* Between a closed loop's first requests: all have left in OPENING_NS where the step allows it. */
#define OPENING_NS (100 * NS_PER_MS)
#define SLOT_STEP_MIN_NS (100 * NS_PER_US)
#define SLOT_STEP_MAX_NS NS_PER_MS
#define WARM_LIMIT_NS (2 * NS_PER_S) /* for opening connections before the start */

void stop_raise(atomic_int *stop, enum stop_request request)
{
    int now = atomic_load(stop);
    while (now < (int)request && !atomic_compare_exchange_weak(stop, &now, (int)request))
        ;
}

/* ---- the end of the run ---- */

static void close_schedule(struct worker *w, int64_t end_ns, enum unsent_reason why)
{
    if (w->closed)
        return;
    w->closed = true;
    schedule_close(w->schedule, end_ns, why);
    w->drain_until_ns = absolute(w, end_ns) + w->config->drain_ns;
    worker_give_up_retries(w);
}

static void check_stop(struct worker *w, int64_t now_ns)
{
    static const enum unsent_reason reasons[] = {
        [STOP_UNREACHABLE] = UNSENT_INTERRUPTED, [STOP_BUDGET] = UNSENT_BUDGET,
        [STOP_SATURATED] = UNSENT_SATURATED,     [STOP_INTERRUPTED] = UNSENT_INTERRUPTED,
        [STOP_NOW] = UNSENT_INTERRUPTED,
    };
    int stop = atomic_load_explicit(w->setup->stop, memory_order_relaxed);
    int64_t end_ns = schedule_end_ns(w->schedule);
    if (stop != STOP_NONE)
        close_schedule(w, since_start(w, now_ns), reasons[stop]);
    else if (since_start(w, now_ns) >= end_ns && !w->closed) {
        worker_send_due(w); /* what became due before the end is still to be sent */
        close_schedule(w, end_ns, UNSENT_CAP);
    }
    if (stop == STOP_NOW || (w->closed && now_ns >= w->drain_until_ns))
        worker_cancel_all(w);
}

/* ---- the loop ---- */

/* Sends what is due, runs libcurl's timers, takes what ended; again while ends make room. */
static void pump(struct worker *w)
{
    for (int round = 0; round < SEND_ROUNDS; round++) {
        worker_send_due(w);
        client_run_timers(w->client, clock_now_ns());
        if (!client_collect(w->client))
            break;
    }
    int64_t now_ns = clock_now_ns();
    w->next_due_ns = absolute(w, schedule_next_ns(w->schedule, since_start(w, now_ns)));
    if (heap_next(&w->retries) < w->next_due_ns)
        w->next_due_ns = heap_next(&w->retries);
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
        audit_stall(&w->audit, now_ns - w->armed_ns);
        w->armed_ns = TIME_NEVER;
    }
    pump(w);
}

/* One timer serves everything. It is set only when it would fire too late; one that fires early
 * costs a wake-up, setting it costs a system call each time. */
static void arm(struct worker *w, int64_t now_ns)
{
    int64_t wanted[] = {w->next_due_ns, client_next_ns(w->client), heap_next(&w->timeouts),
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

static bool is_idle(const struct worker *w)
{
    return w->flights.used == 0 && schedule_exhausted(w->schedule, since_start(w, clock_now_ns()));
}

/* Where nothing is in flight and nothing will be due: what is unsent for good gets its record. */
static void end_if_idle(struct worker *w)
{
    if (!is_idle(w))
        return;
    check_stop(w, clock_now_ns());
    worker_send_due(w);
    w->done = w->flights.used == 0;
}

/* Bodies, records and what libcurl keeps come from memory that has been written once before the
 * clock starts: the system gives a page at its first use, which can take longer than all the rest
 * of a request's sending. */
static void touch_memory(void)
{
    char *memory = mem_alloc(TOUCHED_BYTES);
    for (size_t i = 0; i < TOUCHED_BYTES; i += PAGE_BYTES)
        ((volatile char *)memory)[i] = 1;
    free(memory);
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
    touch_memory();
    worker_prepare_next(w);
    wait_for_start(w);
    audit_tick(&w->audit, clock_now_ns(), false);
    check_stop(w, clock_now_ns());
    pump(w);
    end_if_idle(w);
    while (!w->done) {
        worker_prepare_next(w);
        int64_t now_ns = clock_now_ns();
        audit_stall(&w->audit, client_busy_ns(w->client, now_ns));
        arm(w, now_ns);
        client_before_wait(w->client);
        event_base_loop(w->base, EVLOOP_ONCE);
        now_ns = clock_now_ns();
        check_stop(w, now_ns);
        worker_check_limits(w, now_ns);
        pump(w);
        worker_flush_out(w);
        worker_tell_flights(w, now_ns);
        atomic_store_explicit(&w->in_flight, w->flights.used, memory_order_relaxed);
        audit_tick(&w->audit, now_ns, false);
        end_if_idle(w);
    }
    worker_flush_out(w);
    audit_tick(&w->audit, clock_now_ns(), true);
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

static int64_t slot_step_ns(const struct schedule_config *c)
{
    double slots = c->mode == SCHEDULE_CLOSED ? profile_value(&c->load, 0) : 0;
    double step = slots > 0 ? (double)OPENING_NS / slots : 0;
    return (int64_t)fmin(fmax(step, (double)SLOT_STEP_MIN_NS), (double)SLOT_STEP_MAX_NS);
}

struct worker *worker_create(const struct worker_setup *setup, uint32_t number, struct error *err)
{
    struct worker *w = mem_zero(1, sizeof *w);
    w->setup = setup;
    w->config = setup->config;
    w->timer_fd = -1;
    pthread_mutex_init(&w->telling, NULL);
    w->armed_ns = w->next_due_ns = w->drain_until_ns = TIME_NEVER;
    w->schedule_config = bench_schedule(setup->config, number, setup->config->workers);
    w->schedule_config.slot_step_ns = slot_step_ns(&setup->config->schedule);
    random_init(&w->retry_random, setup->config->seed, RANDOM_RETRIES, w->schedule_config.worker);
    w->schedule = schedule_create(&w->schedule_config, setup->workload, err);
    if (!w->schedule || set_up_loop(w, err) < 0) {
        worker_free(w);
        return NULL;
    }
    struct client_config client = {.endpoints = setup->config->endpoint_count,
                                   .first_endpoint = setup->endpoints,
                                   .shard_connections = setup->config->shard_connections,
                                   .connect_timeout_ns = setup->config->connect_timeout_ns,
                                   .counts = &w->audit.counts,
                                   .context = w,
                                   .on_end = worker_on_end,
                                   .on_whole = worker_on_whole,
                                   .on_ready = on_ready};
    buffer_init(&w->prepared.body, BUFFER_UNBOUNDED);
    if (setup->config->thread_replies)
        w->threads = threads_create(setup->workload);
    w->client = client_create(w->base, &client);
    return w;
}

void worker_open(struct worker *w)
{
    const struct bench_config *c = w->config;
    struct schedule_config config = w->schedule_config;
    struct due due;
    if (config.mode != SCHEDULE_CLOSED)
        return;
    config.slot_step_ns = 0; /* of a schedule beside ours: whom the first requests go to */
    struct schedule *first = schedule_create(&config, w->setup->workload, NULL);
    uint32_t *counts = mem_zero(c->endpoint_count, sizeof *counts);
    while (first && schedule_take(first, 0, &due))
        counts[bench_choose_endpoint(c, w->setup->workload, &due)]++;
    int64_t limit_ns =
        c->connect_timeout_ns < WARM_LIMIT_NS ? c->connect_timeout_ns : WARM_LIMIT_NS;
    for (size_t i = 0; i < c->endpoint_count; i++)
        client_open(w->client, &w->setup->endpoints[i], counts[i], limit_ns);
    free(counts);
    schedule_free(first);
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
    buffer_free(&w->prepared.body);
    threads_free(w->threads);
    flights_free(&w->flights);
    heap_free(&w->timeouts);
    heap_free(&w->retries);
    audit_free(&w->audit);
    pthread_mutex_destroy(&w->telling);
    free(w->told.items);
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

void worker_result(struct worker *w, struct audit *merge_into, uint64_t *add_not_due)
{
    audit_merge(merge_into, &w->audit);
    *add_not_due += schedule_not_due(w->schedule);
}
