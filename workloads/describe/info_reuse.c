/* How much a prefix cache would hit, for all sizes and idle times in one pass.
 *
 * Every use of a block gets the next place on a line; a Fenwick tree counts the places that are
 * some block's last use. The different blocks used since block b's last use are the marked places
 * behind it: that many plus one must fit for b to be there still.
 */
#include "workloads/describe/info_detail.h"

#include "core/memory.h"
#include "workloads/model/block_set.h"

#include <math.h>
#include <stdlib.h>

#define SIZE_BUCKETS 34 /* needed blocks by powers of two: bucket i holds those up to 2^i */

static const int64_t ttls_s[INFO_TTL_POINTS] = {60, 300, 600, 1800, 3600, 86400};

struct reuse {
    struct block_set blocks;
    uint32_t *tree; /* Fenwick, from place 1 */
    size_t places, next;
    uint32_t marked;  /* blocks seen so far */
    uint32_t *last;   /* by block number: its place */
    int64_t *last_ns; /* by block number: when it was used */
    size_t capacity, time_capacity;
    uint64_t by_size[SIZE_BUCKETS];       /* hit tokens that need so many blocks */
    uint64_t by_ttl[INFO_TTL_POINTS + 1]; /* hit tokens that need so long an idle time */
    uint64_t input;
    bool timed; /* every request has a timestamp */
};

static void add_mark(struct reuse *r, size_t place, int by)
{
    for (size_t i = place; i <= r->places; i += i & (0 - i))
        r->tree[i] += (uint32_t)by;
}

static uint32_t marks_up_to(const struct reuse *r, size_t place)
{
    uint32_t sum = 0;
    for (size_t i = place; i > 0; i -= i & (0 - i))
        sum += r->tree[i];
    return sum;
}

static int size_bucket(uint32_t needed)
{
    int bucket = 0;
    while ((UINT64_C(1) << bucket) < needed)
        bucket++;
    return bucket;
}

static int ttl_bucket(int64_t idle_ns)
{
    int bucket = 0;
    while (bucket < INFO_TTL_POINTS && idle_ns > ttls_s[bucket] * NS_PER_S)
        bucket++;
    return bucket;
}

/* Books the tokens of the leading run under the largest size and idle time needed up to each. */
static void look_up(struct reuse *r, const struct workload *w, uint32_t row, const uint64_t *ids,
                    size_t count)
{
    uint32_t needed = 0;
    int64_t idle = 0, now = w->timestamp_ns[row];
    uint64_t before = 0, input = w->input_tokens[row];
    for (size_t k = 0; k < count; k++) {
        uint32_t b = block_set_find(&r->blocks, ids[k]);
        if (b == BLOCK_NONE)
            return;
        uint32_t since = r->marked - marks_up_to(r, r->last[b]) + 1;
        if (since > needed)
            needed = since;
        if (r->timed && now - r->last_ns[b] > idle)
            idle = now - r->last_ns[b];
        uint64_t up_to = (uint64_t)(k + 1) * w->block_size;
        up_to = up_to < input ? up_to : input;
        r->by_size[size_bucket(needed)] += up_to - before;
        r->by_ttl[ttl_bucket(idle)] += up_to - before;
        before = up_to;
    }
}

static void use_block(struct reuse *r, uint64_t id, int64_t now)
{
    size_t known = r->blocks.count;
    uint32_t b = block_set_add(&r->blocks, id);
    if (r->blocks.count > known) {
        mem_grow(&r->last, &r->capacity, r->blocks.count, sizeof *r->last);
        mem_grow(&r->last_ns, &r->time_capacity, r->blocks.count, sizeof *r->last_ns);
        r->marked++;
    } else {
        add_mark(r, r->last[b], -1);
    }
    r->last[b] = (uint32_t)r->next;
    r->last_ns[b] = now;
    add_mark(r, r->next++, 1);
}

static void put_curves(const struct reuse *r, struct workload_detail *d)
{
    uint64_t sum = 0, all = 0;
    double input = r->input ? (double)r->input : NAN;
    for (int i = 0; i < SIZE_BUCKETS; i++)
        all += r->by_size[i];
    for (int i = 0; i < SIZE_BUCKETS; i++) {
        uint64_t blocks = UINT64_C(1) << i;
        bool last = blocks >= r->blocks.count;
        sum += r->by_size[i];
        d->cache[d->cache_count++] = (struct info_cache_point){last ? r->blocks.count : blocks,
                                                               (double)(last ? all : sum) / input};
        if (last)
            break;
    }
    sum = 0;
    for (int i = 0; i < INFO_TTL_POINTS && r->timed; i++) {
        sum += r->by_ttl[i];
        d->ttl[d->ttl_count++] = (struct info_ttl_point){ttls_s[i] * NS_PER_S, (double)sum / input};
    }
}

void info_measure_reuse(const struct workload *w, const uint32_t *order, struct workload_detail *d)
{
    struct reuse r = {.next = 1, .timed = true};
    r.places = (size_t)w->hash_start[w->count];
    if (r.places >= UINT32_MAX)
        return;
    r.tree = mem_zero(r.places + 1, sizeof *r.tree);
    block_set_init(&r.blocks);
    for (size_t i = 0; i < w->count; i++)
        r.timed = r.timed && w->timestamp_ns[i] != TIME_NEVER;
    for (size_t i = 0; i < w->count; i++) {
        uint32_t row = order[i];
        const uint64_t *ids = w->hash_ids + w->hash_start[row];
        size_t count = (size_t)(w->hash_start[row + 1] - w->hash_start[row]);
        r.input += w->input_tokens[row];
        look_up(&r, w, row, ids, count);
        for (size_t k = count; k-- > 0;)
            use_block(&r, ids[k], w->timestamp_ns[row]);
    }
    put_curves(&r, d);
    block_set_free(&r.blocks);
    free(r.tree);
    free(r.last);
    free(r.last_ns);
}
