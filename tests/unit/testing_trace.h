/* Helpers of the trace tests: traces from text, and errors as people see them. */
#ifndef FAREBOX_TESTS_TESTING_TRACE_H
#define FAREBOX_TESTS_TESTING_TRACE_H

#include "testing.h"

#include "core/error.h"
#include "workloads/trace/trace.h"

#include <string.h>

/* Reads a trace from bytes. Gives trace_read's result. */
static inline int testing_read_bytes(const void *bytes, size_t length,
                                     const struct trace_options *options, struct workload *w,
                                     struct trace_report *report, struct error *err)
{
    char path[64];
    int fd = testing_memory_file(bytes, length, path);
    workload_init(w);
    int status = trace_read(path, options, w, report, err);
    close(fd);
    return status;
}

/* Reads a trace that must be good. */
static inline struct trace_report
testing_read(const char *text, const struct trace_options *options, struct workload *w)
{
    struct trace_report report;
    struct error err = {0};
    int status = testing_read_bytes(text, strlen(text), options, w, &report, &err);
    ck_assert_msg(status == 0, "line %ld column %ld: %s", err.line, err.column, err.message);
    return report;
}

/* Reads a file that testing_data finds and that must be good. `report` may be NULL. */
static inline void testing_read_file(const char *name, struct workload *w,
                                     struct trace_report *report)
{
    char path[512];
    struct error err = {0};
    testing_data(name, path);
    workload_init(w);
    ck_assert_msg(trace_read(path, NULL, w, report, &err) == 0, "%s:%ld:%ld: %s", err.file,
                  err.line, err.column, err.message);
}

/* Reads a trace that must be refused at this place (0 = any), with these words in the message. */
static inline void testing_refused_bytes(const void *bytes, size_t length,
                                         const struct trace_options *options, long line,
                                         long column, const char *words)
{
    struct workload w;
    struct error err = {0};
    int status = testing_read_bytes(bytes, length, options, &w, NULL, &err);
    ck_assert_int_eq(status, ERR_INPUT);
    ck_assert_msg(strstr(err.message, words) != NULL, "\"%s\" lacks \"%s\"", err.message, words);
    ck_assert_msg(err.file[0] != '\0', "no file in: %s", err.message);
    if (line)
        ck_assert_msg(err.line == line, "line %ld: %s", err.line, err.message);
    if (column)
        ck_assert_msg(err.column == column, "column %ld: %s", err.column, err.message);
    ck_assert_uint_eq(w.count, 0);
    workload_free(&w);
}

static inline void testing_refused(const char *text, long line, long column, const char *words)
{
    testing_refused_bytes(text, strlen(text), NULL, line, column, words);
}

/* How often the report holds a note; 0 if never. */
static inline uint64_t testing_note(const struct trace_report *report, const char *what)
{
    for (size_t i = 0; i < report->note_count; i++)
        if (strcmp(report->notes[i].what, what) == 0)
            return report->notes[i].count;
    return 0;
}

/* The workload as text in one of the output forms; the caller frees it. */
static inline char *testing_write(const struct workload *w, enum trace_output form)
{
    struct buffer b;
    buffer_init(&b, BUFFER_UNBOUNDED);
    trace_put_header(w, form, &b);
    for (size_t i = 0; i < w->count; i++)
        trace_put_row(w, i, form, &b);
    return buffer_take(&b);
}

#endif
