#include "sim/mock/mock.h"

#include "core/memory.h"
#include "core/stop.h"
#include "sim/mock/exchange.h"
#include "sim/mock/route.h"

#include <math.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define SWEEP_MS 100

struct mock {
    struct server server;
    char *listen, *model;
    struct connections *connections;
    struct event *sweep, *wake;
    int wake_fd;
    unsigned sweeps;
    pthread_t thread;
    bool threaded, follow_stop_flag;
    atomic_bool stopping;
};

void mock_config_init(struct mock_config *config)
{
    *config = (struct mock_config){
        .listen = "127.0.0.1:0",
        .engine = engine_config_constant(20, 2),
        .tokens_per_word = 1,
        .template_tokens = 7,
        .default_output = 128,
        .max_output = 1000000,
        .max_body_bytes = 8 << 20,
        .max_held_bytes = 256 << 20,
        .read_timeout_ns = 30 * NS_PER_S,
        .idle_timeout_ns = 300 * NS_PER_S,
        .write_timeout_ns = 60 * NS_PER_S,
    };
}

static int check(const struct mock_config *c, struct error *err)
{
    if (!(c->tokens_per_word >= 0.01 && c->tokens_per_word <= 100))
        return error_set(err, ERR_INPUT, "tokens per word: %g is not between 0.01 and 100",
                         c->tokens_per_word);
    if (c->hold_to_ns < c->hold_from_ns || c->hold_from_ns < 0)
        return error_set(err, ERR_INPUT, "hold: the window ends before it begins");
    if (c->default_output == 0 || c->default_output > c->max_output)
        return error_set(err, ERR_INPUT, "output tokens: %u is not between 1 and %u",
                         c->default_output, c->max_output);
    return 0;
}

static void on_wake(evutil_socket_t fd, short what, void *context)
{
    (void)what;
    struct mock *m = context;
    uint64_t count;
    if (read(fd, &count, sizeof count) == sizeof count && atomic_load(&m->stopping))
        event_base_loopbreak(m->server.base);
}

static void on_sweep(evutil_socket_t fd, short what, void *context)
{
    (void)fd;
    (void)what;
    struct mock *m = context;
    if (m->follow_stop_flag && stop_level() > 0)
        event_base_loopbreak(m->server.base);
    connections_sweep(m->connections, clock_now_ns());
    if (++m->sweeps % (1000 / SWEEP_MS) == 0)
        truth_log_flush(&m->server.log);
}

static int open_loop(struct mock *m, struct error *err)
{
    struct event_base *base = m->server.base = event_base_new();
    m->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (!base || m->wake_fd < 0)
        return error_errno(err, "cannot make an event loop");
    m->wake = event_new(base, m->wake_fd, EV_READ | EV_PERSIST, on_wake, m);
    m->sweep = event_new(base, -1, EV_PERSIST, on_sweep, m);
    struct timeval tick = {0, SWEEP_MS * 1000};
    if (!m->wake || !m->sweep || event_add(m->wake, NULL) < 0 || event_add(m->sweep, &tick) < 0)
        return error_set(err, ERR_SYSTEM, "cannot watch events");
    return 0;
}

static void on_step(void *context, uint64_t steps, uint64_t tokens)
{
    struct server *s = context;
    metrics_observe(&s->metrics, METRIC_ITERATION, (int64_t)tokens, steps);
}

static int open_pace(struct server *s, struct error *err)
{
    struct pace_config pace = {
        .base = s->base,
        .engine = s->engine,
        .sink = {.context = s,
                 .on_tokens = exchange_on_tokens,
                 .on_done = exchange_on_done,
                 .on_step = on_step},
        .hold_from_ns = s->config.hold_from_ns,
        .hold_to_ns = s->config.hold_to_ns,
        .write_due = exchange_write_due,
    };
    s->pace = pace_create(&pace, err);
    return s->pace ? 0 : ERR_SYSTEM;
}

static int open_connections(struct mock *m, struct error *err)
{
    struct connection_handler handler = {.context = &m->server,
                                         .on_request = route_request,
                                         .on_gone = exchange_abandon,
                                         .is_stuck = exchange_is_stuck};
    m->connections =
        connections_open(m->server.base, &m->server.config, &handler, &m->server.report, err);
    return m->connections ? 0 : ERR_SYSTEM;
}

/* The config's texts are copied: the caller's may go. */
static void copy_config(struct mock *m, const struct mock_config *config)
{
    struct server *s = &m->server;
    s->config = *config;
    m->listen = mem_copy_string(config->listen ? config->listen : "127.0.0.1:0");
    s->config.listen = m->listen;
    s->model = m->model = mem_copy_string(config->model ? config->model : "farebox-mock");
    s->config.model = config->model ? m->model : NULL;
    s->config.engine.per_token = true;
    s->ask_rules = (struct ask_rules){
        .tokens = {config->tokens_per_word, config->template_tokens,
                   config->engine.block_size ? config->engine.block_size : 16},
        .model = s->config.model,
        .default_output = config->default_output,
        .max_output = config->max_output,
        .kept = &s->kept,
    };
    s->answer_rules = (struct answer_rules){s->ask_rules.tokens, config->reasoning_tokens};
    buffer_init(&s->json, BUFFER_UNBOUNDED);
    buffer_init(&s->out, BUFFER_UNBOUNDED);
    m->wake_fd = s->log.fd = -1;
}

struct mock *mock_create(const struct mock_config *config, struct error *err)
{
    if (check(config, err) < 0)
        return NULL;
    struct mock *m = mem_zero(1, sizeof *m);
    struct server *s = &m->server;
    copy_config(m, config);
    names_init(&s->keys.names);
    s->engine = engine_create(&s->config.engine, config->seed, err);
    if (!s->engine || truth_log_open(&s->log, config->log_path, err) < 0 ||
        keys_load(&s->keys, config->api_key_file, &config->limits, clock_now_ns(), err) < 0 ||
        open_loop(m, err) < 0 || open_pace(s, err) < 0 || open_connections(m, err) < 0) {
        mock_free(m);
        return NULL;
    }
    return m;
}

const char *mock_host(const struct mock *m)
{
    return connections_host(m->connections);
}

uint16_t mock_port(const struct mock *m)
{
    return connections_port(m->connections);
}

const char *mock_url(const struct mock *m)
{
    return connections_url(m->connections);
}

/* A peer that leaves must not end the process, whoever forgot to ignore the signal. */
static void block_sigpipe(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
}

static int serve(struct mock *m)
{
    block_sigpipe();
    int bad = event_base_loop(m->server.base, EVLOOP_NO_EXIT_ON_EMPTY);
    truth_log_flush(&m->server.log);
    return bad;
}

int mock_run(struct mock *m, struct error *err)
{
    stop_hold(); /* its counts are said at the end */
    m->follow_stop_flag = true;
    if (serve(m) < 0)
        return error_set(err, ERR_SYSTEM, "the event loop failed");
    return 0;
}

static void *thread_main(void *context)
{
    serve(context);
    return NULL;
}

int mock_start(struct mock *m, struct error *err)
{
    /* Signals are for the threads of the program that asked for this one. */
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int bad = pthread_create(&m->thread, NULL, thread_main, m);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (bad)
        return error_set(err, ERR_SYSTEM, "cannot start a thread: %s", strerror(bad));
    m->threaded = true;
    return 0;
}

void mock_stop(struct mock *m)
{
    uint64_t one = 1;
    atomic_store(&m->stopping, true);
    ssize_t written = write(m->wake_fd, &one, sizeof one);
    (void)written; /* a full counter wakes as well */
    if (m->threaded && !pthread_equal(pthread_self(), m->thread)) {
        pthread_join(m->thread, NULL);
        m->threaded = false;
    }
}

void mock_report(const struct mock *m, struct mock_report *out)
{
    *out = m->server.report;
    const struct histogram *late = &m->server.metrics.values[METRIC_LATENESS];
    out->lateness_p50_ms = histogram_quantile(late, 0.5) / (double)NS_PER_MS;
    out->lateness_p99_ms = histogram_quantile(late, 0.99) / (double)NS_PER_MS;
    out->lateness_max_ms =
        late->count ? (double)m->server.metrics.max[METRIC_LATENESS] / (double)NS_PER_MS : NAN;
    out->log_lost = m->server.log.lost;
}

void mock_free(struct mock *m)
{
    if (!m)
        return;
    if (m->threaded)
        mock_stop(m);
    connections_close(m->connections);
    pace_free(m->server.pace);
    if (m->wake)
        event_free(m->wake);
    if (m->sweep)
        event_free(m->sweep);
    if (m->wake_fd >= 0)
        close(m->wake_fd);
    if (m->server.base)
        event_base_free(m->server.base);
    engine_free(m->server.engine);
    metrics_free(&m->server.metrics);
    truth_log_close(&m->server.log);
    keys_free(&m->server.keys);
    kept_free(&m->server.kept);
    prefixes_free(&m->server.prefixes);
    buffer_free(&m->server.json);
    buffer_free(&m->server.out);
    free(m->listen);
    free(m->model);
    free(m);
}
