#include "core/stop.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <unistd.h>

static volatile sig_atomic_t level, held, terminated;
static const char *volatile half_written; /* or NULL */

static void on_signal(int signal_number)
{
    terminated = terminated || signal_number == SIGTERM;
    if (level > 0 && !held) {
        if (half_written)
            unlink(half_written);
        _exit(130);
    }
    if (level < 2)
        level++;
}

void stop_take_signal(int signal_number)
{
    struct sigaction action = {.sa_handler = on_signal};
    sigemptyset(&action.sa_mask);
    sigaction(signal_number, &action, NULL);
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

void stop_removes(const char *path)
{
    half_written = path;
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
    level = 0;
    terminated = 0;
}
