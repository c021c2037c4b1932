/* The request ids of a workload, by row: each different.
 *
 * Most files number their requests ("r1", "r2", ...): of such only the beginning and the first
 * number are kept, and the texts are made where somebody asks. From the first id on that does not
 * go on like that, all are kept as names.
 *
 *     struct request_ids ids = {0};
 *     if (!request_ids_add(&ids, text_of("r1"))) ...            // it was there before
 *     char made[REQUEST_ID_SIZE];
 *     puts(request_ids_text(&ids, 0, made));
 *     request_ids_free(&ids);
 */
#ifndef FAREBOX_WORKLOADS_MODEL_REQUEST_IDS_H
#define FAREBOX_WORKLOADS_MODEL_REQUEST_IDS_H

#include "core/names.h"

#include <stdbool.h>

#define REQUEST_ID_SIZE 24

struct request_ids {
    size_t count;
    char first[REQUEST_ID_SIZE], next[REQUEST_ID_SIZE]; /* numbered: row 0's, the next row's */
    size_t beginning;                                   /* their length before the digits */
    uint32_t first_number;
    bool named; /* kept as names: row i has number i */
    struct names names;
};

void request_ids_free(struct request_ids *ids);

/* The id of the next row. False, and nothing is added, where a row has it already. */
bool request_ids_add(struct request_ids *ids, struct text id);

/* The row of an id, or NAME_NONE. */
uint32_t request_ids_find(const struct request_ids *ids, struct text id);

/* The id of a row: lent until the ids are freed, or written to `out`. NULL beyond the last row. */
const char *request_ids_text(const struct request_ids *ids, size_t row, char out[REQUEST_ID_SIZE]);

#endif
