/* Text views, numbers in text, and near misses ("did you mean").
 *
 * A `struct text` borrows bytes that somebody else owns and is not zero-terminated.
 */
#ifndef FAREBOX_CORE_TEXT_H
#define FAREBOX_CORE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct text {
    const char *at;
    size_t length;
};

struct text text_of(const char *zero_terminated);

/* Inline, for readers of JSON ask it of every key: against a literal it is one comparison of
 * lengths, and rarely one of bytes. */
static inline bool text_equal(struct text a, const char *b)
{
    return a.length == strlen(b) && memcmp(a.at, b, a.length) == 0;
}

/* The same whatever the case of ASCII letters, and where `part` stands in the text, NULL: nowhere.
 */
bool text_equal_nocase(struct text a, const char *b);
const char *text_find_nocase(struct text t, const char *part);

bool text_same(struct text a, struct text b);
bool text_starts(struct text a, const char *prefix);

/* Without the blanks and tabs around it. */
struct text text_trim(struct text t);

/* All of the text must be the number. False if it is not one or out of range. */
bool text_to_i64(struct text t, int64_t *out);
bool text_to_u64(struct text t, uint64_t *out);
bool text_to_double(struct text t, double *out); /* finite only; independent of the locale */

/* A decimal number times 10^decimals as an integer: "5.25" with 9 decimals = 5250000000. Digits
 * beyond `decimals` are cut. False if it is no number or does not fit. */
bool text_to_fixed(struct text t, int decimals, int64_t *out);

/* Thousands set apart: 2209565 as "2,209,565", and "-1234567.80" as "-1,234,567.80". Text that is
 * no plain number ("inf") stays as it is; more than fits is cut. Both return `out`. */
#define TEXT_GROUPED_SIZE 32
const char *text_group(const char *decimal, char out[TEXT_GROUPED_SIZE]);
const char *text_group_u64(uint64_t value, char out[TEXT_GROUPED_SIZE]);

/* The value that "%.*f" with so many decimals shows; what would be "-0.0" is 0. */
double text_shown(double value, int decimals);

/* A number for people, of `digits` significant digits as %g has them, but never with an exponent:
 * whole digits are all shown, thousands set apart: 0.0123, 48.2, 1,234. What has more than fifteen
 * digits is "1.2 × 10^30". Returns `out`; the macro lends the room, until the block ends. */
#define TEXT_SHORT_SIZE 64
const char *text_short(double value, int digits, char out[TEXT_SHORT_SIZE]);
#define TEXT_SHORT(value, digits) text_short(value, digits, (char[TEXT_SHORT_SIZE]){0})

/* How many letters are to be changed, left out, put in or swapped with their neighbours; large
 * where one of them is very long. */
unsigned text_distance(struct text a, struct text b);

/* The candidate nearest to what was typed, if it is near enough to be meant; else NULL.
 * `names` ends with NULL. */
const char *text_nearest(struct text typed, const char *const *names);

/* The place of the text among `names`, which end with NULL; -1 where it is none of them. */
int text_place(struct text t, const char *const *names);

/* Shell-like pattern with `*` and `?` against all of the text. */
bool text_matches(struct text t, struct text pattern);

/* True if the bytes are well-formed UTF-8; else *bad is the offset of the first wrong byte. */
bool text_is_utf8(const char *bytes, size_t length, size_t *bad);

/* Copies what fits into `size` bytes with their ending zero; what is cut ends between two
 * characters, with "…" (sizes of 4 bytes and more). Returns `out`. */
char *text_cut(struct text t, char *out, size_t size);

/* A stable 64-bit hash (FNV-1a with a final mix), the same on every machine. */
uint64_t text_hash(const char *bytes, size_t length);

#endif
