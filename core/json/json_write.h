/* Writing JSON: commas, indentation and escapes are the writer's business.
 *
 *     struct json_writer w;
 *     json_write_init(&w, &buffer, 2);          // indent by 2; 0 = on one line
 *     json_begin_object(&w);
 *     json_pair_u64(&w, "requests", 2000);
 *     json_key(&w, "rates_rps");
 *     json_begin_array(&w); json_put_double(&w, 33.25); json_end_array(&w);
 *     json_end_object(&w);
 *
 * The writer borrows the buffer. Object keys and strings must be UTF-8; bytes that are not become
 * U+FFFD, so that the output is always valid.
 */
#ifndef FAREBOX_CORE_JSON_JSON_WRITE_H
#define FAREBOX_CORE_JSON_JSON_WRITE_H

#include "core/buffer.h"
#include "core/clock.h"
#include "core/money.h"
#include "core/text.h"

#include <stdbool.h>
#include <stdint.h>

struct json_writer {
    struct buffer *out;
    int indent, depth;
    bool first;          /* nothing yet in this object or array */
    bool after_key;      /* a key was written: its value follows on the same line */
    const void *context; /* the caller's own, NULL at first */
};

void json_write_init(struct json_writer *w, struct buffer *out, int indent);

void json_begin_object(struct json_writer *w);
void json_end_object(struct json_writer *w);
void json_begin_array(struct json_writer *w);
void json_end_array(struct json_writer *w);
void json_key_plain(struct json_writer *w, const char *key); /* that needs no escape: faster */
void json_key(struct json_writer *w, const char *key);

void json_put_string(struct json_writer *w, const char *text); /* NULL writes null */
void json_put_text(struct json_writer *w, struct text text);
void json_put_u64(struct json_writer *w, uint64_t value);
void json_put_i64(struct json_writer *w, int64_t value);
void json_put_bool(struct json_writer *w, bool value);
void json_put_null(struct json_writer *w);

/* The shortest decimal that reads back as the same double; not finite writes null. */
void json_put_double(struct json_writer *w, double value);

/* A double to 6 significant digits; not finite writes null. */
void json_put_statistic(struct json_writer *w, double value);

/* A double to 6 decimals, to 6 significant digits below 0.001; not finite writes null. */
void json_put_figure(struct json_writer *w, double value);

/* Nanoseconds as milliseconds, exact: 1234567 → 1.234567. */
void json_put_ms(struct json_writer *w, int64_t ns);

/* Money as a decimal string, exact. */
void json_put_money(struct json_writer *w, money value);

/* Nanoseconds since 1970 as "2026-11-01T12:00:00Z"; TIME_NEVER writes null. */
void json_put_instant(struct json_writer *w, int64_t unix_ns);

/* Text that is JSON already. */
void json_put_raw(struct json_writer *w, struct text json);

/* A key and a list of the text's lines. */
void json_pair_lines(struct json_writer *w, const char *key, struct text lines);

/* A key and its value at once. */
void json_pair_string(struct json_writer *w, const char *key, const char *text);
void json_pair_u64(struct json_writer *w, const char *key, uint64_t value);
void json_pair_i64(struct json_writer *w, const char *key, int64_t value);
void json_pair_bool(struct json_writer *w, const char *key, bool value);
void json_pair_double(struct json_writer *w, const char *key, double value);
void json_pair_statistic(struct json_writer *w, const char *key, double value);
void json_pair_statistics(struct json_writer *w, const char *key, const double *values,
                          size_t count); /* an array */
void json_pair_ms(struct json_writer *w, const char *key, int64_t ns);
void json_pair_money(struct json_writer *w, const char *key, money value);
void json_pair_instant(struct json_writer *w, const char *key, int64_t unix_ns);
void json_pair_raw(struct json_writer *w, const char *key, struct text json);

/* The same, null where it is not known. */
void json_pair_known_u64(struct json_writer *w, const char *key, bool known, uint64_t value);
void json_pair_known_money(struct json_writer *w, const char *key, bool known, money value);

/* The bytes of a JSON string, quotes and escapes included, to any buffer. */
void json_escape(struct buffer *out, struct text text);

#endif
