#include "core/stop.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <unistd.h>

#define LAST_S 1 /* from the second signal to the end, whatever is still to be done */
#define MOST_HALF_WRITTEN 8

static volatile sig_atomic_t level, held, terminated;
static const char *volatile half_written[MOST_HALF_WRITTEN]; /* NULL: a free place */

_Noreturn void stop_at_once(int status)
{
    for (int i = 0; i < MOST_HALF_WRITTEN; i++) {
        const char *path = half_written[i];
        if (path)
            unlink(path);
    }
    _exit(status);
}

/* What there was to write at the end has had its time. */
static void on_alarm(int signal_number)
{
    static const char words[] =
        "farebox: ended a second after the second signal: what was written so far stays\n";
    (void)signal_number;
    if (write(STDERR_FILENO, words, sizeof words - 1) < 0)
        stop_at_once(130); /* nobody reads it */
    stop_at_once(130);
}

static void on_signal(int signal_number)
{
    terminated = terminated || signal_number == SIGTERM;
    if (level > 0 && !held)
        stop_at_once(130);
    if (level < 2 && ++level == 2)
        alarm(LAST_S);
}

static void handle(int signal_number, void (*handler)(int))
{
    struct sigaction action = {.sa_handler = handler};
    sigemptyset(&action.sa_mask);
    sigaction(signal_number, &action, NULL);
}

void stop_take_signal(int signal_number)
{
    handle(SIGALRM, on_alarm);
    handle(signal_number, on_signal);
}

bool stop_terminated(void)
{
    return terminated;
}

void stop_install(void)
{
    stop_take_signal(SIGINT);
    stop_take_signal(SIGTERM);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN); /* a file at its limit is an error of write(), as a full disk is */
}

void stop_hold(void)
{
    held = 1;
}

/* The first place that holds `from` holds `to`. */
static void change_place(const char *from, const char *to)
{
    int i = 0;
    while (i < MOST_HALF_WRITTEN && half_written[i] != from)
        i++;
    if (i < MOST_HALF_WRITTEN)
        half_written[i] = to;
}

void stop_removes(const char *path)
{
    change_place(NULL, path);
}

void stop_keeps(const char *path)
{
    change_place(path, NULL);
}

int stop_level(void)
{
    return level;
}

/* Signals come in while it waits and at no other instant: none falls between look and wait. */
bool stop_wait_readable(int fd)
{
    struct pollfd input = {.fd = fd, .events = POLLIN};
    sigset_t ours, before;
    sigemptyset(&ours);
    sigaddset(&ours, SIGINT);
    sigaddset(&ours, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &ours, &before);
    bool go_on;
    do
        go_on = held || level == 0;
    while (go_on && ppoll(&input, 1, NULL, &before) < 0 && errno == EINTR);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return go_on;
}

void stop_reset(void)
{
    alarm(0);
    level = 0;
    terminated = 0;
}
