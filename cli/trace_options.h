/* The options of every command that reads a trace: how to read it.
 *
 *     struct bill_options { struct common_options common; struct trace_reading reading; ... };
 *     static const struct option_spec options[] = {
 *         TRACE_READING_OPTIONS(struct bill_options, reading),
 *         {0},
 *     };
 *     struct trace_options how = trace_reading_options(&o->reading);
 *     trace_read(path, &how, &w, &report, err);
 */
#ifndef FAREBOX_CLI_TRACE_OPTIONS_H
#define FAREBOX_CLI_TRACE_OPTIONS_H

#include "cli/options.h"
#include "workloads/trace/trace.h"

struct trace_reading {
    const char *format, *columns, *keys, *timezone, *dates;
    uint64_t block_size;
    bool ids; /* set by the command: see struct trace_options */
};

/* What such a command takes, for command_arguments(). */
#define TRACE_ARGUMENT "a trace, a run directory, or - (standard input)"

#define TRACE_READING_OPTIONS(owner, place)                                                      \
    {.name = "format",                                                                           \
     .type = OPTION_TEXT,                                                                        \
     .offset = offsetof(owner, place.format),                                                    \
     .unit = "NAME",                                                                             \
     .help = "the trace's form, where it is not recognised from its content",                    \
     .group = "Reading the trace"},                                                              \
        {.name = "columns",                                                                      \
         .type = OPTION_TEXT,                                                                    \
         .offset = offsetof(owner, place.columns),                                               \
         .unit = "FIELD=COLUMN,...",                                                             \
         .help = "read any CSV: columns by name, or by number from 1"},                          \
        {.name = "keys",                                                                         \
         .type = OPTION_TEXT,                                                                    \
         .offset = offsetof(owner, place.keys),                                                  \
         .unit = "FIELD=PATH,...",                                                               \
         .help = "read any JSON Lines: input=usage.prompt_tokens,..."},                          \
        {.name = "timezone",                                                                     \
         .type = OPTION_TEXT,                                                                    \
         .offset = offsetof(owner, place.timezone),                                              \
         .unit = "OFFSET",                                                                       \
         .help = "of times that name no zone, instead of UTC: +02:00"},                          \
        {.name = "dates",                                                                        \
         .type = OPTION_TEXT,                                                                    \
         .offset = offsetof(owner, place.dates),                                                 \
         .unit = "ORDER",                                                                        \
         .choice = trace_dates_name,                                                             \
         .help = "which number of 3/4/2026 is the month: "},                                     \
    {                                                                                            \
        .name = "block-size", .type = OPTION_COUNT, .offset = offsetof(owner, place.block_size), \
        .unit = "TOKENS", .max = 1e6,                                                            \
        .help = "tokens per prefix block where the trace does not say"                           \
    }

static inline struct trace_options trace_reading_options(const struct trace_reading *r)
{
    return (struct trace_options){.format = r->format,
                                  .columns = r->columns,
                                  .keys = r->keys,
                                  .timezone = r->timezone,
                                  .dates = r->dates,
                                  .block_size = (uint32_t)r->block_size,
                                  .ids = r->ids,
                                  .from_first = true};
}

#endif
