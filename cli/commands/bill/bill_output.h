/* The directory that farebox bill -o DIR writes: index.html (the page), bill.json, plans.csv,
 * shares.csv with --by, requests.csv where it is asked for, and plots/ (of several workloads
 * plots-1/, plots-2/, ...).
 *
 *     if (bill_output_check(o->output, o->force, err) < 0) return err->code;  // before the work
 *     struct bill_output out = {.path = o->output, .all = &several, .json = &document};
 *     bill_output_write(&out, &text, err);
 *
 * It is made beside its place and put there when it is whole: nobody sees a part of it, and what
 * stood there before stays until then.
 */
#ifndef FAREBOX_CLI_COMMANDS_BILL_BILL_OUTPUT_H
#define FAREBOX_CLI_COMMANDS_BILL_BILL_OUTPUT_H

#include "sim/cost/several/several.h"

struct bill_output {
    const char *path;
    const struct several *all;
    const struct buffer *json; /* of bill.json */
    bool requests;             /* requests.csv too */
    bool no_plots;
};

/* True for what names a directory: neither "-" nor FILE.json nor something that is there and is no
 * directory. */
bool bill_output_is_directory(const char *path);

/* ERR_INPUT where something is there already: a bill's directory without `force`, or what holds
 * anything that farebox did not write. */
int bill_output_check(const char *path, bool force, struct error *err);

/* ERR_SYSTEM or ERR_WORK where a file or a plot cannot be made: nothing is left behind then. Adds a
 * line that says where the page is to `words`. */
int bill_output_write(const struct bill_output *o, struct buffer *words, struct error *err);

#endif
