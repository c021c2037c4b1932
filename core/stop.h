/* The stop flag: the one global that changes, set by the signal handler.
 *
 * The first SIGINT or SIGTERM asks for drain and write, the second skips the drain. Loops read
 * stop_level() between pieces of work: 0 go on, 1 drain, 2 stop now. Until stop_hold() there is
 * nothing to drain or write: the second ends the program at once, with exit status 130. After it
 * the writing has a second: then the program ends all the same, and says so.
 */
#ifndef FAREBOX_CORE_STOP_H
#define FAREBOX_CORE_STOP_H

#include <stdbool.h>

/* Installs the handlers for SIGINT and SIGTERM and ignores SIGPIPE and SIGXFSZ. */
void stop_install(void);

/* Lets a further signal count as SIGINT does. */
void stop_take_signal(int signal_number);

/* True if one of those that asked was SIGTERM. */
bool stop_terminated(void);

/* From here on there is something to write at the end. */
void stop_hold(void);

/* Lends a file that is half written: where the program ends at once it is removed, until
 * stop_keeps() has the same pointer. Of more than eight at a time the others are not removed. */
void stop_removes(const char *path);
void stop_keeps(const char *path);

/* Ends the program without exit(), in any thread and in a signal handler: removes what is half
 * written and nothing else. */
_Noreturn void stop_at_once(int status);

int stop_level(void);

/* Waits until there is something to read (always, in a file). False where the first of the two came
 * and there is nothing to write at the end. */
bool stop_wait_readable(int fd);

/* For tests, and for a parent that starts a new piece of work: forgets the requests so far. */
void stop_reset(void);

#endif
