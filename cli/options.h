/* Options: each declared once, in a table, with type, place, default, unit, range and help.
 *
 * The help text, the man page, the keys of --config, the shell completion and the configuration
 * that run.json records all come from the same table.
 *
 *     struct mock_options { struct common_options common; const char *listen; double ttft_ms; };
 *     #define AT(field) offsetof(struct mock_options, field)
 *     static const struct option_spec options[] = {
 *         {"listen", 0, OPTION_TEXT, AT(listen), "127.0.0.1:0", "HOST:PORT", .help = "..."},
 *         {"ttft-ms", 0, OPTION_NUMBER, AT(ttft_ms), "20", "MS", .max = 1e6, .help = "..."},
 *         {0},
 *     };
 *
 * The struct begins with `struct common_options`, and its texts are owned by the parse, see
 * options_free().
 */
#ifndef FAREBOX_CLI_OPTIONS_H
#define FAREBOX_CLI_OPTIONS_H

#include "core/error.h"
#include "core/json/json_write.h"
#include "core/text.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum option_type {
    OPTION_FLAG,     /* bool; --name, --name=false in files */
    OPTION_TEXT,     /* const char *, NULL where there is no default */
    OPTION_OUTPUT,   /* const char *, a file to write, see options_check_outputs() */
    OPTION_COUNT,    /* uint64_t; 2000, 2k, 1M */
    OPTION_NUMBER,   /* double */
    OPTION_DURATION, /* int64_t ns; 30s, 500ms, 2m, 1h, 7d; a bare number is seconds */
    OPTION_LIST,     /* struct option_list; may be given again and again */
};                   /* All others take one value: a second one on the command line is an error. */

struct option_list {
    const char **items;
    size_t count;
};

struct option_spec {
    const char *name; /* without the dashes; NULL ends the table */
    char letter;      /* 0 = none */
    enum option_type type;
    size_t offset;        /* of the field in the command's struct */
    const char *fallback; /* the default as it would be typed; NULL = unset, zero */
    const char *unit;     /* what stands for the value in the help: MS, FILE, ... */
    double min, max;      /* of numbers, counts, and durations in seconds; max 0 = no bound */
    bool zero;            /* 0 may be given though there is no default: else 0 is refused there,
                           * for it would silently be as if nothing had been given */
    const char *help;
    /* Of a text that is one of some names: the i-th, NULL behind the last. They are its help. */
    const char *(*choice)(size_t i);
    const char *group; /* a heading in the help: starts a new group where it is set */
    bool secret;       /* names a secret's file: its content is never shown */
    /* How a value that may hold a secret is written into run.json; NULL = as it is */
    void (*shown)(const char *value, struct buffer *out);
};

/* What every command takes. */
struct common_options {
    bool help, json, quiet, wide;
    bool seed_given;
    bool output_taken; /* by an OPTION_OUTPUT "-": nothing else may go to standard output */
    uint64_t seed;
    const char *config;
    const char **arguments; /* what stood beside the options */
    size_t argument_count;
    void *owned; /* the parse's memory */
};

/* Fills `target` (zeroed, options->common first) from the defaults, then --config FILE, then the
 * words. Unknown options get a "did you mean". Returns 0 or ERR_INPUT. */
int options_parse(const struct option_spec *specs, int argc, char **argv, void *target,
                  struct error *err);

/* The same from what options_write() wrote, in another process. */
int options_read(const struct option_spec *specs, struct text values, void *target,
                 struct error *err);
void options_free(void *target);

/* What the options of type OPTION_OUTPUT name may be written: no file that the command reads, no
 * existing regular file unless the option "force" is given, no directory (but where the unit tells
 * of a DIR). "-" is standard output, which --json wants too. 0 or ERR_INPUT. */
int options_check_outputs(const struct option_spec *specs, void *target, struct error *err);

/* True if the option was given on the command line or in the file. */
bool options_given(const void *target, const char *name);

/* Where 0 would be taken as "not given": the value must be more than the minimum, which is 0. */
bool options_refuse_zero(const struct option_spec *s);

/* True if it was given on the command line, where every user of the machine can read it. */
bool options_typed(const void *target, const char *name);

/* The names that an option with choices takes: "chat or completions". */
void options_add_choices(const struct option_spec *s, struct buffer *out);

/* What the help says of one option. */
void options_add_help(const struct option_spec *s, struct buffer *out);

/* The options as help text, `width` columns wide. */
void options_help(const struct option_spec *specs, int width, struct buffer *out);

/* The options that every command has, for the man page and completion. */
const struct option_spec *options_common(void);

/* A table as JSON: an array of the options, each with name, letter, type, unit, default, range
 * (min and max of numbers, above_min where the minimum itself is refused; of durations seconds),
 * choices and help. */
void options_describe(const struct option_spec *specs, struct json_writer *w);

/* The effective values as an object, keys as the long names: fed back by --config it repeats the
 * run, but for values that are hidden because they are secrets. */
void options_write(const struct option_spec *specs, const void *target, struct json_writer *w);

/* "2000", "2k", "1M"; false if it is no whole number. */
bool options_parse_count(const char *text, uint64_t *out);

/* The wall clock that an option ("--start") gives as "2026-11-01T00:00:00Z", since 1970. */
int options_parse_instant(const char *option, const char *text, int64_t *out_ns, struct error *err);

/* --shard "I/N", I from 1, to the part 0 … N − 1 and the count; NULL is the whole (0 of 1). */
int options_parse_shard(const char *text, uint32_t *part, uint32_t *parts, struct error *err);

#endif
