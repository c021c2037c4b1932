#include "bench/client/bench.h"

#include "bench/client/company.h"
#include "bench/client/probe.h"
#include "bench/client/worker.h"
#include "core/library/library.h"
#include "core/memory.h"
#include "core/stop.h"

#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#define START_DELAY_NS (20 * NS_PER_MS) /* for all threads to be there */
#define OBSERVE_NS (10 * NS_PER_MS)
#define PROGRESS_NS (500 * NS_PER_MS)
#define JUDGE_NS (250 * NS_PER_MS) /* between two looks at the stop rules */
#define OTHER_FILES 64

/* A run under way, as the caller's thread sees it. */
struct run {
    const struct bench_config *config;
    const struct run_observer *observer;
    struct endpoint *endpoints;
    struct prompt_maker **makers;
    struct prompt_scale *scales;
    double *turn_tokens;
    struct outbox outbox;
    atomic_int stop;
    atomic_uint_fast64_t connected;
    struct worker_setup setup;
    struct worker **workers;
    pthread_t *threads;
    uint32_t running;     /* threads begun */
    bool unkept;          /* the observer said stop */
    uint64_t others_sent; /* by other processes, as their last word was */
    uint32_t others_in_flight;
    struct bench_progress progress;
    int64_t next_progress_ns;
    struct stop_watch *watch; /* NULL = without stop rules */
    struct stop_flights flights;
    int64_t next_judge_ns;
};

/* ---- preparation ---- */

/* The most that may be in flight at once; 0 = no limit. */
static double peak_of(const struct bench_config *c)
{
    double peak = c->schedule.max_in_flight;
    for (size_t i = 0; c->schedule.mode == SCHEDULE_CLOSED && i < c->schedule.load.count; i++)
        peak = fmax(peak, fmax(c->schedule.load.stages[i].from, c->schedule.load.stages[i].to));
    return peak;
}

/* Each connection is an open file. A closed loop's peak is known before it starts. */
static int check_files(const struct bench_config *c, struct error *err)
{
    struct rlimit limit;
    double peak = peak_of(c);
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
        return 0;
    if (limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
        getrlimit(RLIMIT_NOFILE, &limit);
    }
    if (limit.rlim_cur == RLIM_INFINITY || peak + OTHER_FILES <= (double)limit.rlim_cur)
        return 0;
    return error_set(err, ERR_SYSTEM,
                     "%.0f connections need %.0f open files, and the limit is %llu: raise it "
                     "(ulimit -n) or lower the concurrency",
                     peak, peak + OTHER_FILES, (unsigned long long)limit.rlim_cur);
}

/* Slots are divided among the workers of all shards. One without a slot would keep its requests
 * for ever: there are as many workers as can have one. */
static int limit_workers(struct bench_config *c, struct error *err)
{
    double peak = floor(peak_of(c) + 1e-9);
    uint32_t shards = c->shards ? c->shards : 1;
    if (peak == 0)
        return 0;
    if (peak < shards)
        return error_set(err, ERR_INPUT,
                         "%.0f requests at a time cannot be divided among %u shards: raise "
                         "the limit or take fewer shards",
                         peak, shards);
    if (peak < (double)shards * c->workers)
        c->workers = (uint32_t)(peak / shards);
    return 0;
}

/* Endpoints of one model get the same bodies: what is learnt of one is known of the next. */
static void learn(struct run *run, size_t i, struct bench_config *known,
                  struct fidelity_probe *probe)
{
    struct endpoint *e = &run->endpoints[i];
    if (known->learnt)
        probe_repeat(e, run->makers[i], &known->learnt[i], probe);
    else
        probe_run(e, run->makers[i], known, probe);
    probe->endpoint = mem_copy_string(endpoint_name(e->config));
    if (!e->model)
        e->model = mem_copy_string("default");
    run->turn_tokens[i] = probe->turn_tokens;
    if (probe->measured)
        prompt_scale_of(probe, &run->scales[known->scale_count++]);
}

static int prepare(struct run *run, const struct workload *w, struct bench_report *report,
                   struct error *err)
{
    const struct bench_config *c = run->config;
    struct bench_config known = *c;
    known.scales = run->scales = mem_zero(c->scale_count + c->endpoint_count, sizeof *run->scales);
    run->turn_tokens = mem_zero(c->endpoint_count, sizeof *run->turn_tokens);
    if (c->scale_count)
        memcpy(run->scales, c->scales, c->scale_count * sizeof *run->scales);
    run->endpoints = mem_zero(c->endpoint_count, sizeof *run->endpoints);
    run->makers = mem_zero(c->endpoint_count, sizeof *run->makers);
    struct fidelity_probe *probes = mem_zero(c->endpoint_count, sizeof *probes);
    report->fidelity.probes = probes;
    report->fidelity.probe_count = c->endpoint_count;
    for (size_t i = 0; i < c->endpoint_count; i++) {
        struct prompt_config prompt = {c->api, c->stream, c->extra_body, c->output_key, c->salt};
        if (endpoint_prepare(&run->endpoints[i], &c->endpoints[i], c->api, c->stream, err) < 0)
            return ERR_INPUT;
        run->makers[i] = prompt_maker_create(&prompt, w, err);
        if (!run->makers[i])
            return ERR_INPUT;
        prompt_maker_set_documents(run->makers[i], c->documents);
        prompt_maker_send_priority(run->makers[i], c->send_priority);
        learn(run, i, &known, &probes[i]);
        report->fidelity.insecure = report->fidelity.insecure || c->endpoints[i].insecure;
        if (i == 0)
            strncpy(report->model, run->endpoints[0].model, sizeof report->model - 1);
    }
    if (c->on_learnt)
        c->on_learnt(c->context, probes, c->endpoint_count);
    return 0;
}

static int create_workers(struct run *run, const struct workload *w, struct error *err)
{
    const struct bench_config *c = run->config;
    run->setup = (struct worker_setup){.config = c,
                                       .workload = w,
                                       .makers = run->makers,
                                       .turn_tokens = run->turn_tokens,
                                       .endpoints = run->endpoints,
                                       .outbox = &run->outbox,
                                       .stop = &run->stop,
                                       .connected = &run->connected};
    run->workers = mem_zero(c->workers, sizeof *run->workers);
    run->threads = mem_zero(c->workers, sizeof *run->threads);
    for (uint32_t i = 0; i < c->workers; i++) {
        run->workers[i] = worker_create(&run->setup, i, err);
        if (!run->workers[i])
            return err && err->code ? err->code : ERR_INPUT;
    }
    return 0;
}

static void free_run(struct run *run)
{
    for (uint32_t i = 0; run->workers && i < run->config->workers; i++)
        worker_free(run->workers[i]);
    for (size_t i = 0; i < run->config->endpoint_count; i++) {
        if (run->makers)
            prompt_maker_free(run->makers[i]);
        if (run->endpoints)
            endpoint_free(&run->endpoints[i]);
    }
    outbox_free(&run->outbox);
    stop_watch_free(run->watch);
    free(run->flights.items);
    free(run->workers);
    free(run->threads);
    free(run->makers);
    free(run->scales);
    free(run->turn_tokens);
    free(run->endpoints);
}

/* ---- the run ---- */

/* Signals are for the caller's thread: workers are started with them blocked. */
static int start_threads(struct run *run, struct error *err)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &before);
    for (uint32_t i = 0; i < run->config->workers; i++) {
        if (pthread_create(&run->threads[i], NULL, worker_main, run->workers[i]))
            break;
        run->running++;
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (run->running == run->config->workers)
        return 0;
    stop_raise(&run->stop, STOP_NOW);
    return error_set(err, ERR_SYSTEM, "cannot start %u threads", run->config->workers);
}

static void count_record(struct bench_progress *p, const struct record *r)
{
    if (!r->final)
        return;
    p->completed += r->status == RECORD_COMPLETED;
    p->failed += r->status == RECORD_FAILED;
    p->cancelled += r->status == RECORD_CANCELLED;
    p->unsent += r->status == RECORD_UNSENT;
}

/* Records are no longer kept: every request from here on would be paid for nothing. */
static void give_up(struct run *run)
{
    run->unkept = true;
    stop_raise(&run->stop, STOP_NOW);
}

static void take_record(void *context, const struct record *r)
{
    struct run *run = context;
    count_record(&run->progress, r);
    if (run->watch)
        stop_watch_note(run->watch, r);
    if (run->observer && !run->observer->on_attempt(run->observer->context, r))
        give_up(run);
}

static void observe(struct run *run)
{
    const struct bench_company *company = run->config->company;
    struct finished *f = outbox_take(&run->outbox);
    while (f) {
        struct finished *next = f->next;
        if (company && company->own)
            company->own(company->context, &f->record);
        take_record(run, &f->record);
        finished_free(f);
        f = next;
    }
}

/* ---- the others ---- */

static void count_sent(const struct run *run, uint64_t *sent, uint32_t *in_flight)
{
    *sent = 0;
    *in_flight = 0;
    for (uint32_t i = 0; i < run->running; i++) {
        *sent += worker_sent(run->workers[i]);
        *in_flight += worker_in_flight(run->workers[i]);
    }
}

/* What is in flight here. */
static void gather_flights(struct run *run)
{
    run->flights.count = 0;
    for (uint32_t i = 0; i < run->running; i++)
        worker_add_flights(run->workers[i], &run->flights);
}

/* True while other processes go on. */
static bool meet(struct run *run, bool ended)
{
    const struct bench_company *company = run->config->company;
    if (!company)
        return false;
    struct company_meeting m = {.progress = &run->progress,
                                .ended = ended,
                                .take = take_record,
                                .run = run,
                                .stop = (enum stop_request)atomic_load(&run->stop)};
    count_sent(run, &m.sent, &m.in_flight);
    if (!company->leads && run->config->stop_rules) {
        gather_flights(run);
        m.flights = &run->flights;
    }
    company->poll(company->context, &m);
    run->others_sent = m.others_sent;
    run->others_in_flight = m.others_in_flight;
    stop_raise(&run->stop, m.stop);
    return m.working;
}

static void show_progress(struct run *run, int64_t now_ns)
{
    struct bench_progress *p = &run->progress;
    if (!run->config->on_progress || now_ns < run->next_progress_ns)
        return;
    run->next_progress_ns = now_ns + PROGRESS_NS;
    p->elapsed_ns = now_ns - run->setup.start_ns;
    count_sent(run, &p->sent, &p->in_flight);
    p->sent += run->others_sent;
    p->in_flight += run->others_in_flight;
    p->draining = atomic_load(&run->stop) != STOP_NONE || p->elapsed_ns >= p->end_ns;
    if (!run->config->on_progress(run->config->context, p))
        give_up(run);
}

static void judge(struct run *run, int64_t now_ns)
{
    if (!run->watch || now_ns < run->next_judge_ns || atomic_load(&run->stop) != STOP_NONE)
        return;
    run->next_judge_ns = now_ns + JUDGE_NS;
    gather_flights(run);
    if (run->config->company)
        run->config->company->add_flights(run->config->company->context, &run->flights);
    if (stop_watch_judge(run->watch, now_ns - run->setup.start_ns, run->flights.items,
                         run->flights.count))
        stop_raise(&run->stop, STOP_SATURATED);
}

static bool all_done(const struct run *run)
{
    for (uint32_t i = 0; i < run->running; i++)
        if (!worker_done(run->workers[i]))
            return false;
    return true;
}

static void pass_signals_on(struct run *run)
{
    if (stop_level() > 0)
        stop_raise(&run->stop, stop_level() > 1 ? STOP_NOW : STOP_INTERRUPTED);
}

static void serve(struct run *run)
{
    bool done, others;
    do {
        struct timespec pause = {0, OBSERVE_NS};
        nanosleep(&pause, NULL);
        pass_signals_on(run);
        done = all_done(run); /* asked before the records are taken: none is left behind */
        observe(run);
        others = meet(run, done);
        show_progress(run, clock_now_ns());
        if (!done || others)
            judge(run, clock_now_ns());
    } while (!done || others);
    for (uint32_t i = 0; i < run->running; i++)
        pthread_join(run->threads[i], NULL);
}

static void plan_ahead(struct run *run, const struct workload *w)
{
    struct bench_config all = *run->config;
    if (all.company)
        all.shards = 0; /* what is shown is of all processes */
    struct schedule_config config = bench_schedule(&all, 0, 1);
    struct schedule *s = schedule_create(&config, w, NULL);
    run->progress.planned = s ? schedule_not_due(s) : 0; /* as yet: this shard's share */
    run->progress.end_ns = s ? schedule_end_ns(s) : TIME_NEVER;
    schedule_free(s);
}

/* Alone as soon as the threads can be there, else when all processes begin. */
static int64_t choose_start(struct run *run)
{
    const struct bench_company *company = run->config->company;
    int64_t start_ns = company ? company->start(company->context) : TIME_NEVER;
    if (company && start_ns == TIME_NEVER)
        stop_raise(&run->stop, STOP_NOW);
    return start_ns != TIME_NEVER ? start_ns : clock_now_ns() + START_DELAY_NS;
}

static void carry_out(struct run *run, struct bench_report *report, struct error *err)
{
    struct machine_time before, after;
    struct audit audit = {0};
    if (run->config->before_start)
        run->config->before_start(run->config->context);
    for (uint32_t i = 0; i < run->config->workers; i++)
        worker_open(run->workers[i]);
    machine_time_read(&before);
    run->setup.start_ns = choose_start(run);
    report->start_unix_ns = clock_wall_ns() + run->setup.start_ns - clock_now_ns();
    if (run->config->on_start)
        run->config->on_start(run->config->context, run->setup.start_ns);
    pass_signals_on(run); /* one that came while the endpoint was asked: nothing is sent */
    start_threads(run, err);
    int64_t cpu_ns = clock_thread_cpu_ns();
    serve(run);
    report->duration_ns = clock_now_ns() - run->setup.start_ns;
    cpu_ns = clock_thread_cpu_ns() - cpu_ns;
    machine_time_read(&after);
    for (uint32_t i = 0; i < run->running; i++)
        worker_result(run->workers[i], &audit, &report->not_due);
    audit_finish(&audit, &before, &after, &report->fidelity);
    report->fidelity.observer_cpu = (double)cpu_ns / (double)report->duration_ns;
    report->fidelity.records_waiting = run->outbox.peak;
    report->cpu_ns = audit.cpu_ns;
    report->wall_ns = audit.wall_ns;
    audit_free(&audit);
    report->planned = run->progress.planned;
    if (run->watch)
        report->stopped = *stop_watch_outcome(run->watch);
    int stop = atomic_load(&run->stop);
    report->end = run->unkept                ? BENCH_UNKEPT
                  : stop >= STOP_INTERRUPTED ? BENCH_INTERRUPTED
                  : stop == STOP_BUDGET      ? BENCH_BUDGET
                  : stop == STOP_SATURATED   ? BENCH_SATURATED
                  : stop == STOP_UNREACHABLE ? BENCH_UNREACHABLE
                                             : BENCH_FINISHED;
}

int bench_run(const struct bench_config *config, const struct workload *w,
              const struct run_observer *observer, struct bench_report *report, struct error *err)
{
    struct bench_config limited = *config;
    struct run run = {.config = &limited, .observer = observer};
    struct error own = {0};
    *report = (struct bench_report){0};
    if (config->workers == 0 || config->endpoint_count == 0)
        return error_set(err, ERR_INPUT, "a run needs an endpoint and a worker");
    if (config->shards && config->shard >= config->shards)
        return error_set(err, ERR_INPUT, "shard %u of %u does not exist", config->shard + 1,
                         config->shards);
    if (limit_workers(&limited, err) < 0)
        return ERR_INPUT;
    if (check_files(config, err) < 0)
        return ERR_SYSTEM;
    library_prepare_curl();
    outbox_init(&run.outbox);
    if (config->stop_rules && (!config->company || config->company->leads))
        run.watch = stop_watch_create(config->stop_rules);
    plan_ahead(&run, w);
    int code = prepare(&run, w, report, &own);
    if (code == 0)
        code = create_workers(&run, w, &own);
    if (code == 0) {
        carry_out(&run, report, &own);
        code = own.code;
    }
    free_run(&run);
    if (code < 0)
        bench_report_free(report);
    if (code < 0 && err && err->code == ERR_NONE)
        *err = own;
    return code;
}

int bench_check(const struct bench_config *config, const struct workload *w, struct error *err)
{
    struct prompt_config prompt = {config->api, config->stream, config->extra_body,
                                   config->output_key, config->salt};
    for (size_t i = 0; i < config->endpoint_count; i++) {
        struct endpoint e;
        if (endpoint_prepare(&e, &config->endpoints[i], config->api, config->stream, err) < 0)
            return ERR_INPUT;
        endpoint_free(&e);
    }
    struct prompt_maker *m = prompt_maker_create(&prompt, w, err);
    if (!m)
        return ERR_INPUT;
    prompt_maker_free(m);
    if (schedule_check(&config->schedule, w, err) < 0)
        return ERR_INPUT;
    struct bench_config limited = *config;
    return limit_workers(&limited, err) < 0 ? ERR_INPUT : check_files(config, err);
}

void bench_report_free(struct bench_report *report)
{
    fidelity_free(&report->fidelity);
}
