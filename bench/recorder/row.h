/* A row of the recording: what a request that has ended says of itself, and nothing of what was
 * said in it.
 *
 *     row_put(&row, &line);      // a line of the canonical form, its end included
 */
#ifndef FAREBOX_BENCH_RECORDER_ROW_H
#define FAREBOX_BENCH_RECORDER_ROW_H

#include "bench/recorder/asked.h"
#include "core/buffer.h"
#include "core/runs/record/record.h"

#include <stdbool.h>

struct row {
    const struct record *record; /* times from the recording's start */
    const struct asked *asked;
    uint32_t id;      /* r1 is 0 */
    int64_t first_ns; /* when the first attempt came */
    uint32_t attempts;
    uint32_t session;       /* s1 is 0 */
    const char *session_id; /* instead of the number; NULL */
    bool follows;           /* the request `after`, which ended so long before: */
    uint32_t after;
    int64_t delay_ns;
    const uint64_t *hash_ids;
    size_t hash_count;
    uint32_t block_tokens;
    struct text tools; /* that the answer calls, a JSON array; empty */
    bool content;      /* what was asked goes along */
};

void row_put(const struct row *row, struct buffer *out);

#endif
