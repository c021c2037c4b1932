/* What a record says of its request: the one way from what happened to what was asked. */
#ifndef FAREBOX_WORKLOADS_MODEL_RECORD_REQUEST_H
#define FAREBOX_WORKLOADS_MODEL_RECORD_REQUEST_H

#include "core/runs/record/record.h"
#include "workloads/model/workload.h"

/* The request at the time it was due, with the usage, outcome, attempts and cost that were
 * recorded; lengths are what was used, or where no usage came, what was asked for. Texts are the
 * record's. */
struct request record_request(const struct record *r);

/* The other way, for recordings that say how long their requests took: row i as the one attempt at
 * it. `made` is for an id where the workload gives none; texts are the workload's. */
void record_of_request(const struct workload *w, size_t i, char made[REQUEST_ID_SIZE],
                       struct record *out);

#endif
