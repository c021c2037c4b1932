/* Where a run grows that may replace an earlier one.
 *
 *     struct run_place p;
 *     if (run_place_begin(&p, "results/x", true, err) < 0) ...
 *     ...                      // writes into p.path: results/x.new, if results/x has a run
 *     run_place_take(&p, err); // results/x is the new one now, the earlier one is gone
 *     run_place_free(&p);
 *
 * Until it is taken the earlier run is untouched. Both directories change places in one step: after
 * a kill at any instant both can be read. What else lies in the earlier directory is moved over,
 * and nothing that the earlier run wrote. Meanwhile no other run can be written to either place.
 */
#ifndef FAREBOX_CORE_RUNS_RECORD_RUN_PLACE_H
#define FAREBOX_CORE_RUNS_RECORD_RUN_PLACE_H

#include "core/error.h"

#include <stdbool.h>

struct run_place {
    char *path;     /* where to write; after run_place_take the path that was given */
    char *given;    /* where it goes in the end */
    char *replaced; /* real path of the directory that is to be replaced; NULL: there is none */
    char *left;     /* after run_place_take: what is left of the earlier one, where some is; NULL */
    int locks[2];   /* of both directories; -1 = none */
};

/* Said of `left`, its name in it. */
#define RUN_PLACE_LEFT "%s has what is left of the earlier run: what could not be moved or removed"

/* Finds the place and makes the directory: beside where `replace` is set and `path` is a directory
 * that holds something. ERR_INPUT where another run is being written, or for what could not be
 * replaced in the end (a file, the current directory, a mount point); ERR_SYSTEM where the
 * directory cannot be made. */
int run_place_begin(struct run_place *p, const char *path, bool replace, struct error *err);

/* Puts the new directory where the earlier one is. Nothing to do where there was none. */
int run_place_take(struct run_place *p, struct error *err);

/* True where an earlier run is still there and the new one is beside it. */
bool run_place_is_beside(const struct run_place *p);

/* Removes a new run that came to nothing, and leaves the earlier one. */
void run_place_discard(struct run_place *p);
void run_place_free(struct run_place *p);

#endif
