/* What a run knows of its requests' attempts that no trace says: beside the rows of its workload.
 */
#ifndef FAREBOX_WORKLOADS_MODEL_ATTEMPTS_H
#define FAREBOX_WORKLOADS_MODEL_ATTEMPTS_H

#include "core/runs/record/record.h"

/* One attempt before a request's last. */
struct earlier_attempt {
    struct usage usage; /* without extras */
    uint32_t asked_output;
    enum record_status status;
    int http_status;
    int64_t sent_ns;
};

/* The last one: what its row does not hold. */
struct final_attempt {
    uint32_t asked_output;
    int16_t http_status; /* 0 = none */
    bool slo_missed;
};

/* Earlier attempts of row i: items[start[i]] .. items[start[i + 1]]. */
struct earlier_attempts {
    uint64_t *start;
    struct earlier_attempt *items;
    struct final_attempt *finals; /* by row */
    bool has_slo;                 /* objectives were given */
};

/* Its arrays and itself; NULL is nothing. */
void earlier_attempts_free(struct earlier_attempts *earlier);

#endif
