/* Records of what became due: what a request says of itself stands in bench's records as in sim's.
 *
 *     struct record r;
 *     struct request q;
 *     char id[DUE_ID_SIZE];
 *     due_record(&workload, &due, id, &r, &q);     // then what happened: times, status, usage
 */
#ifndef FAREBOX_WORKLOADS_LOAD_DUE_RECORD_H
#define FAREBOX_WORKLOADS_LOAD_DUE_RECORD_H

#include "workloads/load/schedule.h"

#define DUE_ID_SIZE 144
#define SHORT_ID_SIZE 101

/* The id itself, or where it is long its beginning and its hash, written into `out`. */
const char *request_id_short(const char *id, char out[SHORT_ID_SIZE]);

/* The request's id as records show it: its own, or a made one in `out`; "#2" for the second time
 * round, there behind a short id. */
const char *due_request_id(const struct workload *w, const struct due *due, char out[DUE_ID_SIZE]);

/* Fills the record's names, labels, row, scheduled_ns and what was asked for, and `request` with
 * the row. The record lends from the workload and from `id`. */
void due_record(const struct workload *w, const struct due *due, char id[DUE_ID_SIZE],
                struct record *r, struct request *request);

#endif
