/* The stop flag: the one global that changes, set by the signal handler.
 *
 * The first SIGINT or SIGTERM asks for drain and write, the second skips the drain. Loops read
 * stop_level() between pieces of work: 0 go on, 1 drain, 2 stop now.
 */
#ifndef FAREBOX_CORE_STOP_H
#define FAREBOX_CORE_STOP_H

/* Installs the handlers for SIGINT and SIGTERM and ignores SIGPIPE and SIGXFSZ. */
void stop_install(void);

int stop_level(void);

/* For tests, and for a parent that starts a new piece of work: forgets the requests so far. */
void stop_reset(void);

#endif
