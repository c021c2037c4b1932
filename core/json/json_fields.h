/* Tables of JSON keys: each row says what a key is called, what its value is and which member of a
 * struct holds it. From one table an object is read, written, set to nothing and checked against
 * its JSON Schema.
 *
 *     #define AT(member) JSON_AT(struct limits, member)
 *     static const struct json_field rows[] = {
 *         {"rpm", JSON_AS_UINT, AT(rpm), 1, 1e6, .optional = true},
 *         {"beyond", JSON_AS_CHOICE, AT(beyond), .names = beyond_names, .what = "reaction"},
 *         {.name = "comment"},
 *     };
 *     const struct json_table limits_table = {JSON_ROWS(rows), .where = "limits"};
 *
 *     json_fields_read(&scan, &limits_table, &limits);     // then json_scan_end(&scan, err)
 *     json_fields_write(&writer, &limits_table, &limits, 0);
 *
 * Tables nest: a row may be an object with a table of its own, a list, or a set of keys that come
 * from a list of names. What no kind covers has functions of its own; they find what they need in
 * the scanner's `context`. The struct owns what is read into it.
 */
#ifndef FAREBOX_CORE_JSON_JSON_FIELDS_H
#define FAREBOX_CORE_JSON_JSON_FIELDS_H

#include "core/json/json_scan.h"
#include "core/json/json_write.h"
#include "core/memory.h"

#define JSON_WHERE_SIZE 160

enum json_field_kind {
    JSON_AS_OTHER, /* by `read` and `write`; without them it is passed over and not written */
    JSON_AS_BOOL,
    JSON_AS_UINT,   /* uint8_t to uint64_t */
    JSON_AS_INT,    /* int8_t to int64_t */
    JSON_AS_NS,     /* int64_t from 0; TIME_NEVER is nothing and is never written */
    JSON_AS_MS,     /* int64_t nanoseconds from 0, milliseconds with a fraction in the file */
    JSON_AS_DOUBLE, /* to the last digit; NAN is nothing */
    JSON_AS_FIGURE, /* a double as json_put_figure() shows it; NAN is null */
    JSON_AS_STRING, /* char *, owned, at most `max` bytes (0 = 65536); NULL is nothing */
    JSON_AS_RAW,    /* char *, owned: an object as written, at most `max` bytes; NULL is nothing */
    JSON_AS_CHARS,  /* char[], ended by a zero; too long a text is an error */
    JSON_AS_CHOICE, /* an enum or a bool: the place of the text in `names` */
    JSON_AS_NAME,   /* const char *: the text in `names` itself */
    JSON_AS_MONEY,  /* money, a decimal string */
    JSON_AS_OBJECT, /* the member has its own `table` */
    JSON_AS_INLINE, /* no name: the keys of `table` stand in this object too */
    JSON_AS_LIST,   /* a pointer to owned elements, each as `item` says, from mem_append(); `count`
                       is where their number is, `max` the most (0 = any), `what` they are called */
    JSON_AS_EACH,   /* no name: an array in the struct, an element for each of `names`, which are
                       keys of this object; the elements are as `item` says */
};

struct json_field;
struct json_table;

/* A row's own functions. `member` is the row's member, or the struct itself for a row without one.
 * Writers put the value; those of rows without a name put keys too. */
typedef void json_field_read(struct json_scan *s, const struct json_field *f, void *member);
typedef void json_field_write(struct json_writer *w, const struct json_field *f,
                              const void *member);

struct json_field {
    const char *name;
    enum json_field_kind kind;
    size_t offset, size;      /* JSON_AT(type, member) */
    double min, max;          /* of numbers; max 0 = what the member can hold, 2^63 = INT64_MAX */
    bool required;            /* reading fails with the table's `needs` where it is absent */
    bool optional;            /* not written when it holds nothing: 0, false, NULL, NAN, no item */
    unsigned groups;          /* written only where these bits are asked for; 0 = always */
    size_t has;               /* JSON_HAS(type, member): a bool, true where the key is there */
    const char *const *names; /* end with NULL */
    const char *what;         /* in messages: unknown <what> "x", more than 7 <what> */
    const struct json_table *table; /* with `read`: what that takes, for those who list keys */
    const struct json_field *item;
    size_t count;                           /* offset of a list's size_t */
    bool (*is_nothing)(const void *member); /* in place of what `optional` means */
    json_field_read *read;                  /* in place of what the kind does */
    json_field_write *write;
};

#define JSON_AT(type, member) .offset = offsetof(type, member), .size = sizeof(((type *)0)->member)
#define JSON_HAS(type, member) .has = offsetof(type, member) + 1
#define JSON_ROWS_MOST 64 /* reading has a bit for each: the build refuses more */
#define JSON_FITS(array) (sizeof(char[COUNT_OF(array) <= JSON_ROWS_MOST ? 1 : -1]))
#define JSON_ROWS(array) .rows = (array), .count = COUNT_OF(array) * JSON_FITS(array)

struct json_table {
    const struct json_field *rows;
    size_t count;
    const char *where; /* in messages; one that ends with " of" goes on with the outer object's */
    const char *needs; /* the message where a required key is absent */
    bool once;         /* a key that stands twice is an error; else the last one counts */
    bool nulls;        /* null is as good as absent */
    bool open;         /* unknown keys are passed over; else they are errors */
    void (*other)(struct json_scan *s, void *object, struct text key); /* takes unknown keys */
    void (*init)(void *object);                                        /* before reading */
    /* After reading, unless that failed. `seen` has a bit for each row, in their order; json_fail()
     * points at the object's beginning. */
    void (*check)(struct json_scan *s, void *object, uint64_t seen);
    /* Says what an object is in messages, in place of `where`. */
    void (*name)(const struct json_scan *s, const void *object, char out[JSON_WHERE_SIZE]);
};

/* Reads an object; absent keys leave their members alone. Returns the rows that were seen, a bit
 * for each. Keys are found fastest in the order of the rows. */
uint64_t json_fields_read(struct json_scan *s, const struct json_table *t, void *object);

/* Writes an object, its keys in the order of the rows. */
void json_fields_write(struct json_writer *w, const struct json_table *t, const void *object,
                       unsigned groups);

/* As json_fields_write without the braces. */
void json_fields_put(struct json_writer *w, const struct json_table *t, const void *object,
                     unsigned groups);

/* Sets times to TIME_NEVER and doubles to NAN, inner tables included; leaves all else. */
void json_fields_clear(const struct json_table *t, void *object);

/* The table's keys, those inside included, up to `most`, NULL behind them. Returns their number. */
size_t json_fields_names(const struct json_table *t, const char **names, size_t most);

/* What the object that is being read is called in messages. Returns `out`. */
const char *json_fields_where(const struct json_scan *s, char out[JSON_WHERE_SIZE]);

#endif
