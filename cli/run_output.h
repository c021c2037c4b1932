/* What bench and sim share: a run's directory, its records, its summary.
 *
 *     struct run_output out;
 *     run_output_begin(&out, &request, err);             // directory and run.json, before any work
 *     bench_run(..., &(struct run_observer){&out, run_output_attempt}, ...);
 *     run_output_finish(&out, &summary_options, &fidelity, &summary, err);
 *     run_output_write(&out, "engine.json", &json, err);  // what else belongs to the run
 *     run_output_take_place(&out, &summary, err);
 *     run_output_free(&out);
 *
 * Finish writes summary.json, histograms.json and timeline.jsonl, also for a run that was
 * interrupted, but not for one whose records could not all be written. With RUN_FORCE the run grows
 * beside an earlier one, and takes its place when all its files are written.
 */
#ifndef FAREBOX_CLI_RUN_OUTPUT_H
#define FAREBOX_CLI_RUN_OUTPUT_H

#include "cli/options.h"
#include "cli/terminal.h"
#include "core/runs/record/run_dir.h"
#include "core/runs/record/run_place.h"
#include "core/runs/summary/collector.h"

#include <stdbool.h>
#include <stdint.h>

struct run_output_request {
    const char *command; /* "bench", "sim" */
    const char *path;    /* -o, or NULL: results/STEM-YYYYMMDD-HHMMSS */
    const char *stem;
    enum run_mode mode;
    unsigned detail;                 /* enum record_detail */
    bool reproducible;               /* no date and no machine in run.json: a simulation */
    int64_t started_ns;              /* wall clock; 0 = now, or nothing if reproducible */
    const struct option_spec *specs; /* the effective options go into run.json */
    const void *options;
    const char *workload; /* what was run: a JSON object as text, or NULL */
};

struct run_output {
    struct run_dir dir;     /* its `failure` tells of a record that could not be written */
    struct run_place place; /* its `path` is where the run is */
    struct collector *collector;
};

int run_output_begin(struct run_output *out, const struct run_output_request *request,
                     struct error *err);

/* Writes run.json anew, before the first record: what was asked then says more. */
int run_output_describe(struct run_output *out, const struct run_output_request *request,
                        struct error *err);

/* An observer's on_attempt; `context` is the struct run_output. False once writing has failed. */
bool run_output_attempt(void *context, const struct record *r);

/* Writes out what is a second old. To be called now and then: records that come seldom do not wait
 * for each other then. False once writing has failed. */
bool run_output_tick(struct run_output *out);

/* Closes the records and writes the files. The summary takes the fidelity over, which is unsaid
 * then; it stays valid after run_output_free and is freed by the caller, after errors too. */
int run_output_finish(struct run_output *out, const struct summary_options *options,
                      struct fidelity *fidelity, struct summary *summary, struct error *err);

/* Writes another file of the run, whole or not at all. */
int run_output_write(const struct run_output *out, const char *name, const struct buffer *content,
                     struct error *err);

/* Adds a member behind those of run.json: what came of the run, beside what it was to be. */
int run_output_amend(const struct run_output *out, const char *key, const struct buffer *value,
                     struct error *err);

/* Puts the run where an earlier one is, if a request of it completed. */
int run_output_take_place(struct run_output *out, const struct summary *summary, struct error *err);

/* Says where the new run is, if it did not take the earlier one's place, and what is left of that
 * one; before run_output_free. */
void run_output_warn(const struct run_output *out, const struct terminal *t);

/* Removes what was written: it is of no use. */
void run_output_discard(struct run_output *out);

/* A new run without a record is removed again, where it is beside an earlier one. */
void run_output_free(struct run_output *out);

/* --warmup: a time, "auto" or "none", into options that have none yet. */
int run_output_parse_warmup(const char *text, struct summary_options *options, struct error *err);

/* "chunks,text,raw" to the bits of enum record_detail. */
int run_output_parse_detail(const char *text, unsigned *detail, struct error *err);

#endif
