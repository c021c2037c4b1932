/* Libraries that allocate: what they need comes from core/memory.h, so that none of them meets a
 * NULL that nobody planned for.
 *
 *     library_prepare();        // once, before any of them is used
 *     library_prepare_curl();   // before libcurl is, as often as one likes
 *
 * Not so what has no way to be told: the C library (mem_given), zlib's files, OpenSSL. Theirs is a
 * failure that is looked at where it happens.
 */
#ifndef FAREBOX_CORE_LIBRARY_LIBRARY_H
#define FAREBOX_CORE_LIBRARY_LIBRARY_H

/* GSL, libevent, cJSON and SQLite. Costs nothing. */
void library_prepare(void);

/* Half a millisecond when it is called first: TLS is made ready. */
void library_prepare_curl(void);

/* A handler for GSL, whose own one aborts: memory that it did not get ends the program, all else
 * goes on and is looked at where it matters. */
void library_on_gsl_error(const char *reason, const char *file, int line, int code);

#endif
