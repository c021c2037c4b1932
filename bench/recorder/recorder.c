#include "bench/recorder/recorder_state.h"
#include "core/listening.h"
#include "core/memory.h"
#include "core/stop.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define TICK_MS 50
#define TICKS_A_CALL 10
#define READ_SIZE ((size_t)64 << 10)

void recorder_woke(struct recorder *r)
{
    if (r->fresh)
        r->now.wake_ns = clock_now_ns();
    r->fresh = false;
}

/* ---- listening ---- */

static void on_accept(struct evconnlistener *listener, evutil_socket_t fd, struct sockaddr *from,
                      int length, void *context)
{
    struct recorder *r = context;
    (void)listener;
    (void)from;
    (void)length;
    recorder_woke(r);
    if (r->caller_count >= r->most_callers) {
        r->report.turned_away++;
        close(fd);
        return;
    }
    r->report.connections++;
    caller_accept(r, fd);
}

static int listen_on(struct recorder *r, struct error *err)
{
    struct listening at;
    int status = listening_open(r->config->listen, "127.0.0.1:8088", &at, err);
    if (status < 0)
        return status;
    memcpy(r->host, at.host, sizeof at.host);
    r->port = at.port;
    r->listener = evconnlistener_new(r->base, on_accept, r,
                                     LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC, 0, at.fd);
    return 0;
}

/* Half of the open files are for the other side of each connection. */
static void find_most_callers(struct recorder *r)
{
    struct rlimit files;
    r->most_callers = 400;
    if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur > 256)
        r->most_callers = (uint32_t)(files.rlim_cur / 2 - 64);
}

/* ---- time and signals ---- */

static void begin_to_stop(struct recorder *r)
{
    r->stops = true;
    evconnlistener_free(r->listener);
    r->listener = NULL;
}

static void on_tick(evutil_socket_t fd, short what, void *context)
{
    struct recorder *r = context;
    int64_t now_ns = clock_now_ns();
    (void)fd;
    (void)what;
    recorder_woke(r);
    if (stop_level() > 0 && !r->stops)
        begin_to_stop(r);
    callers_sweep(r, now_ns);
    if ((r->stops && !r->callers) || stop_level() > 1)
        event_base_loopbreak(r->base);
    if (++r->ticks % TICKS_A_CALL == 0 && r->config->on_tick)
        r->config->on_tick(r->config->context, now_ns);
}

static void on_hang_up(evutil_socket_t fd, short what, void *context)
{
    struct recorder *r = context;
    (void)fd;
    (void)what;
    clerk_rotate(r->clerk);
}

static int open_all(struct recorder *r, struct error *err)
{
    struct timeval every = {0, TICK_MS * 1000};
    r->base = event_base_new();
    int status = listen_on(r, err);
    if (status == 0)
        status = upstream_open(r, err);
    if (status < 0)
        return status;
    r->tick = event_new(r->base, -1, EV_PERSIST, on_tick, r);
    r->hang_up = evsignal_new(r->base, SIGHUP, on_hang_up, r);
    event_add(r->tick, &every);
    event_add(r->hang_up, NULL);
    find_most_callers(r);
    r->clerk = clerk_start(&r->config->clerk, err);
    return r->clerk ? 0 : err ? err->code : ERR_SYSTEM;
}

/* ---- for the command ---- */

struct recorder *recorder_create(const struct recorder_config *config, struct error *err)
{
    struct recorder *r = mem_zero(1, sizeof *r);
    r->config = config;
    r->scratch = mem_alloc(READ_SIZE);
    if (open_all(r, err) == 0)
        return r;
    recorder_free(r, NULL);
    return NULL;
}

const char *recorder_url(const struct recorder *r)
{
    return r->url;
}

const char *recorder_host(const struct recorder *r)
{
    return r->host;
}

uint16_t recorder_port(const struct recorder *r)
{
    return r->port;
}

int recorder_run(struct recorder *r, struct error *err)
{
    stop_hold();
    r->began_ns = clock_now_ns();
    r->began_cpu_ns = clock_thread_cpu_ns();
    while (!event_base_got_break(r->base)) {
        r->fresh = true;
        if (event_base_loop(r->base, EVLOOP_ONCE) < 0)
            return error_set(err, ERR_SYSTEM, "the event loop failed");
        upstream_read(r);
    }
    return 0;
}

void recorder_look(struct recorder *r, struct recorder_report *out)
{
    int64_t lasted_ns = clock_now_ns() - r->began_ns;
    *out = r->report;
    if (r->clerk)
        clerk_look(r->clerk, &out->clerk);
    out->chunks = r->delays.count;
    out->delay_p50_ms = histogram_quantile(&r->delays, 0.5) / NS_PER_MS;
    out->delay_p99_ms = histogram_quantile(&r->delays, 0.99) / NS_PER_MS;
    out->delay_max_ms = (double)r->delay_max_ns / NS_PER_MS;
    if (r->began_ns && lasted_ns > 0)
        out->busy = (double)(clock_thread_cpu_ns() - r->began_cpu_ns) / (double)lasted_ns;
}

void recorder_free(struct recorder *r, struct recorder_report *out)
{
    struct recorder_report report;
    if (!r)
        return;
    while (r->callers)
        caller_close(r->callers);
    recorder_look(r, &report);
    clerk_finish(r->clerk, &report.clerk);
    if (r->listener)
        evconnlistener_free(r->listener);
    if (r->tick)
        event_free(r->tick);
    if (r->hang_up)
        event_free(r->hang_up);
    upstream_close(r);
    if (r->base)
        event_base_free(r->base);
    histogram_free(&r->delays);
    free(r->scratch);
    free(r);
    if (out)
        *out = report;
}
