/* A pull scanner for JSON files: positions, raw number text, no allocation.
 *
 * cJSON reads what the mock is asked; all else goes through this scanner, because errors in files
 * need line and column and prices need the digits as written. It lends views into the text; the
 * text must stay while the views are used.
 *
 *     struct json_scan s;
 *     json_scan_init(&s, "plans.json", text, length, 1);
 *     struct text key;
 *     json_object_begin(&s);
 *     while (json_object_next(&s, &key)) {
 *         if (text_equal(key, "rpm"))
 *             json_u64(&s, 0, 1000000, &plan->rpm);
 *         else
 *             json_unknown_key(&s, key, known_keys, "plan");
 *     }
 *     return json_scan_end(&s, err);         // 0, or what was wrong and where
 *
 * Errors stick: after the first one every call fails at once and changes nothing, so that a reader
 * checks only at the end. Strict RFC 8259 (UTF-8, no comments, no trailing commas), nesting to
 * JSON_SCAN_DEPTH.
 */
#ifndef FAREBOX_CORE_JSON_JSON_SCAN_H
#define FAREBOX_CORE_JSON_JSON_SCAN_H

#include "core/buffer.h"
#include "core/error.h"
#include "core/text.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define JSON_SCAN_DEPTH 128

enum json_kind {
    JSON_NOTHING, /* end of text, or no value starts here */
    JSON_OBJECT,
    JSON_ARRAY,
    JSON_STRING,
    JSON_NUMBER,
    JSON_TRUE,
    JSON_FALSE,
    JSON_NULL,
};

struct json_frame; /* of json_fields.h */

struct json_scan {
    const char *text, *at, *end;
    const char *file;
    const char *value; /* where the last value or key started: errors point here */
    long first_line;
    int depth;
    bool first;                      /* the object or array has had no element yet */
    bool failed;                     /* an error sticks */
    const struct json_frame *inside; /* the object that is being read by a table */
    void *context;                   /* the caller's own, NULL at first */
    struct error error;
};

/* `first_line` is the number of the text's first line in the file (JSON Lines: the line's own). */
void json_scan_init(struct json_scan *s, const char *file, const char *text, size_t length,
                    long first_line);

/* Checks that nothing but white space is left; 0, or the sticking error moved to `err`. */
int json_scan_end(struct json_scan *s, struct error *err);

/* What comes next, without taking it. */
enum json_kind json_peek(struct json_scan *s);

/* Objects and arrays: begin, then next until false (the end, or an error). A key is lent raw,
 * without its quotes and with its escapes. */
bool json_object_begin(struct json_scan *s);
bool json_object_next(struct json_scan *s, struct text *key);
bool json_array_begin(struct json_scan *s);
bool json_array_next(struct json_scan *s);

/* Values. Each fails with "expected …, found …" if another kind comes. A string is lent as it
 * stands between its quotes: with escapes if it has any, see json_unescape. */
bool json_string(struct json_scan *s, struct text *raw);
bool json_number(struct json_scan *s, struct text *digits);
bool json_bool(struct json_scan *s, bool *out);
bool json_null(struct json_scan *s);

/* Whole numbers (no point, no exponent) and finite doubles within bounds, else an error. */
bool json_u64(struct json_scan *s, uint64_t min, uint64_t max, uint64_t *out);
bool json_i64(struct json_scan *s, int64_t min, int64_t max, int64_t *out);
bool json_double(struct json_scan *s, double min, double max, double *out);

/* An array of whole numbers from 0, all of it, into *items, which the caller frees and mem_grow()
 * makes larger; long lists go by at a few nanoseconds an element. False after an error. */
bool json_u64_array(struct json_scan *s, uint64_t **items, size_t *capacity, size_t *count);

/* A string, unescaped and copied, at most `max_length` bytes. The caller frees *out. */
bool json_string_copy(struct json_scan *s, size_t max_length, char **out);

/* A string that is one of `names`, by its place, into *out. Another one is an error: 'unknown
 * <what> "x"' with the nearest or all names, and without `what` 'expected one of …'. */
bool json_choice(struct json_scan *s, const char *const *names, const char *what, int *out);

/* That error, for a string that was taken and looked up by text_place(). */
void json_unknown_choice(struct json_scan *s, struct text word, const char *const *names,
                         const char *what);

/* Takes one value of any kind, checking it; *raw (may be NULL) is its text. */
bool json_skip(struct json_scan *s, struct text *raw);

/* True if a value of that kind comes next, which is then still to be taken; one of another kind is
 * passed over: if (json_skip_unless(&s, JSON_OBJECT)) json_object_begin(&s); */
bool json_skip_unless(struct json_scan *s, enum json_kind kind);

/* The value of a key of an object that stands alone, such as {"user": "u1"}: a string raw, without
 * its quotes; anything else as written. False where it is no object or has no such key. */
bool json_member(const char *object, const char *key, struct text *out);

/* Resolves the escapes of a raw string into `out`; false if it passes the buffer's cap. */
bool json_unescape(struct text raw, struct buffer *out);

/* The four hex digits of \uXXXX; false where others stand there, or fewer before `end`. */
bool json_hex4(const char *at, const char *end, unsigned *value);

/* Lets the reader's own finding stick, at the value or key taken last. */
void json_fail(struct json_scan *s, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* As json_fail: unknown key "x" in <where>; did you mean "y"? */
void json_unknown_key(struct json_scan *s, struct text key, const char *const *known,
                      const char *where);

/* Line and column (1-based, in bytes) of a place in the scanned text. */
void json_place(const struct json_scan *s, const char *at, long *line, long *column);

#endif
