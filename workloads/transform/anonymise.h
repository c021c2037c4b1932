/* A workload without what names anybody: to be shared.
 *
 *     struct anonymise_options how = {.keep_models = true};
 *     struct anonymise_left left;
 *     workload_init(&shared);
 *     if (workload_anonymise(&w, &how, &shared, &left, err) < 0) return err->code;
 *     anonymise_left_free(&left);
 *
 * Ids of requests and sessions, models, classes, values of labels and prefix blocks become ordinals
 * in the order in which they are first seen, so that the same workload gives the same one again and
 * an ordinal tells nothing of what it stands for. Messages, bodies and unknown keys go. Times,
 * lengths, usage, costs, sizes of images, statuses, services and priorities stay, and so does what
 * is shared: blocks, sessions, dependencies. Names of labels and of priced tools stay, too.
 */
#ifndef FAREBOX_WORKLOADS_TRANSFORM_ANONYMISE_H
#define FAREBOX_WORKLOADS_TRANSFORM_ANONYMISE_H

#include "workloads/model/workload.h"

struct anonymise_options {
    bool keep_models; /* their names: a bill goes by them */
    bool keep_labels; /* the values of labels, the names of classes, finish reasons */
    int64_t round_ns; /* times down to whole multiples of this; 0 = as they are */
};

/* Fewer requests than this make a model rare. */
#define ANONYMISE_RARE 10

/* What could still tell whose traffic it is. */
struct anonymise_left {
    uint64_t unique_lengths; /* requests whose two lengths no other request has */
    uint64_t models, rare_models;
    uint64_t sessions, unique_sessions; /* those whose number of requests no other has */
    bool has_start, has_costs;
    struct names label_names, tool_names; /* as they stand in the file */
};

/* Writes to `out` (initialised) and `left`. Returns 0, or ERR_INPUT where `out` cannot hold it. */
int workload_anonymise(const struct workload *in, const struct anonymise_options *options,
                       struct workload *out, struct anonymise_left *left, struct error *err);
void anonymise_left_free(struct anonymise_left *left);

#endif
