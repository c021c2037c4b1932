/* KV blocks: who holds what, what is evicted first, against a queue that is kept the obvious way.
 */
#include "core/random.h"
#include "sim/engine/kv_pool.h"
#include "testing.h"

#include <string.h>

START_TEST(private_blocks_come_and_go)
{
    struct kv_pool p;
    kv_pool_init(&p, 10);
    ck_assert_uint_eq(p.free, 10);
    kv_take(&p, 7);
    ck_assert_uint_eq(p.free, 3);
    kv_give(&p, 4);
    kv_give(&p, 0);
    ck_assert_uint_eq(p.free, 7);
    kv_take(&p, 7);
    ck_assert_uint_eq(p.free, 0);
    kv_pool_free(&p);
}
END_TEST

START_TEST(a_unit_outlives_its_request_until_its_blocks_are_needed)
{
    struct kv_pool p;
    kv_pool_init(&p, 4);
    ck_assert_uint_eq(kv_find(&p, 77), KV_NONE);
    kv_take(&p, 3);
    uint32_t unit = kv_publish(&p, 77, 2);
    ck_assert_uint_eq(kv_find(&p, 77), unit);
    kv_give(&p, 1);
    kv_drop(&p, unit);
    ck_assert_uint_eq(p.free, 4);
    ck_assert_uint_eq(kv_find(&p, 77), unit);
    kv_take(&p, 2); /* the block that was never used, then the one given back */
    ck_assert_uint_eq(p.units[unit].blocks, 2);
    kv_take(&p, 1); /* the unit's last block */
    ck_assert_uint_eq(kv_find(&p, 77), unit);
    ck_assert_uint_eq(p.units[unit].blocks, 1);
    kv_take(&p, 1);
    ck_assert_uint_eq(kv_find(&p, 77), KV_NONE);
    kv_pool_free(&p);
}
END_TEST

START_TEST(what_is_held_is_not_evicted)
{
    struct kv_pool p;
    kv_pool_init(&p, 6);
    kv_take(&p, 6);
    uint32_t first = kv_publish(&p, 1, 2), second = kv_publish(&p, 2, 2);
    kv_hold(&p, first); /* a second request hits it */
    kv_drop(&p, first);
    ck_assert_uint_eq(p.free, 0);
    kv_extend(&p, second, 2); /* of the private ones */
    kv_drop(&p, second);
    ck_assert_uint_eq(p.free, 4);
    kv_take(&p, 4);
    ck_assert_uint_eq(kv_find(&p, 1), first);
    ck_assert_uint_eq(kv_find(&p, 2), KV_NONE);
    kv_pool_free(&p);
}
END_TEST

START_TEST(the_least_recently_held_goes_first)
{
    struct kv_pool p;
    kv_pool_init(&p, 3);
    kv_take(&p, 3);
    for (uint64_t hash = 1; hash <= 3; hash++)
        kv_drop(&p, kv_publish(&p, hash, 1));
    uint32_t first = kv_find(&p, 1); /* used again: now the latest */
    kv_hold(&p, first);
    kv_drop(&p, first);
    kv_take(&p, 1);
    ck_assert_uint_eq(kv_find(&p, 2), KV_NONE);
    kv_take(&p, 1);
    ck_assert_uint_eq(kv_find(&p, 3), KV_NONE);
    ck_assert_uint_eq(kv_find(&p, 1), first);
    kv_pool_free(&p);
}
END_TEST

/* ---- against the obvious queue ---- */

#define BLOCKS 60
#define HASHES 200 /* the table grows, and closes its gaps */

/* Every free block by the hash of its unit (0: none), the next to be taken first; and what is held.
 */
struct model {
    uint64_t queue[BLOCKS], held[HASHES + 1];
    size_t free, private;
    unsigned refs[HASHES + 1];
};

static uint64_t cached(const struct model *m, uint64_t hash)
{
    uint64_t count = 0;
    for (size_t i = 0; i < m->free; i++)
        count += m->queue[i] == hash;
    return count;
}

static void model_take(struct model *m, size_t count)
{
    m->free -= count;
    memmove(m->queue, m->queue + count, m->free * sizeof *m->queue);
    m->private += count;
}

static void model_give(struct model *m, uint64_t hash, uint64_t count)
{
    while (count-- > 0)
        m->queue[m->free++] = hash;
}

static void model_hold(struct model *m, uint64_t hash)
{
    if (m->refs[hash]++ > 0)
        return;
    m->held[hash] = cached(m, hash);
    size_t kept = 0;
    for (size_t i = 0; i < m->free; i++)
        if (m->queue[i] != hash)
            m->queue[kept++] = m->queue[i];
    m->free = kept;
}

static void agrees(const struct kv_pool *p, const struct model *m)
{
    ck_assert_uint_eq(p->free, m->free);
    for (uint64_t hash = 1; hash <= HASHES; hash++) {
        uint64_t blocks = m->refs[hash] ? m->held[hash] : cached(m, hash);
        uint32_t unit = kv_find(p, hash);
        ck_assert_uint_eq(unit != KV_NONE, blocks > 0);
        if (blocks > 0)
            ck_assert_uint_eq(p->units[unit].blocks, blocks);
    }
}

/* One random deed; what cannot be done now is left. */
static void act(struct kv_pool *p, struct model *m, struct random *r)
{
    uint64_t hash = 1 + random_below(r, HASHES), most = 1 + random_below(r, 4);
    uint32_t unit = kv_find(p, hash);
    switch (random_below(r, 5)) {
    case 0:
        if (most <= m->free) {
            kv_take(p, most);
            model_take(m, most);
        }
        break;
    case 1:
        if (most <= m->private) {
            kv_give(p, most);
            model_give(m, 0, most);
            m->private -= most;
        }
        break;
    case 2:
        if (most <= m->private && unit == KV_NONE) {
            kv_publish(p, hash, most);
            m->refs[hash] = 1;
            m->held[hash] = most;
            m->private -= most;
        }
        break;
    case 3:
        if (unit != KV_NONE) {
            kv_hold(p, unit);
            model_hold(m, hash);
        }
        break;
    default:
        if (m->refs[hash] > 0) {
            kv_drop(p, unit);
            if (--m->refs[hash] == 0)
                model_give(m, hash, m->held[hash]);
        }
    }
}

START_TEST(any_order_of_deeds_agrees_with_a_plain_queue)
{
    struct kv_pool p;
    struct model m = {.free = BLOCKS};
    struct random r;
    random_init(&r, 8, RANDOM_TEST, (uint64_t)_i);
    kv_pool_init(&p, BLOCKS);
    for (int i = 0; i < 1500; i++) {
        act(&p, &m, &r);
        agrees(&p, &m);
    }
    kv_pool_free(&p);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("kv_pool");
    TCase *t = tcase_create("kv_pool");
    tcase_add_test(t, private_blocks_come_and_go);
    tcase_add_test(t, a_unit_outlives_its_request_until_its_blocks_are_needed);
    tcase_add_test(t, what_is_held_is_not_evicted);
    tcase_add_test(t, the_least_recently_held_goes_first);
    tcase_add_loop_test(t, any_order_of_deeds_agrees_with_a_plain_queue, 0, 3);
    suite_add_tcase(suite, t);
    return testing_run(suite);
}
