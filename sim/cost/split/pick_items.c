/* The greedy choice where limits count items: values and windows stand in the order of value, so
 * that what is looked at lies side by side. */
#include "sim/cost/split/pick.h"

#include "core/memory.h"

#include <stdlib.h>
#include <string.h>

void pick_items_make(struct pick *p)
{
    p->valued = 0;
    while (p->valued < p->count && p->value[p->by_value[p->valued]] > 0)
        p->valued++;
    p->sorted_value = mem_alloc((p->valued + 1) * sizeof *p->sorted_value);
    for (size_t k = 0; k < p->valued; k++)
        p->sorted_value[k] = p->value[p->by_value[k]];
    for (size_t l = 0; l < p->limit_count; l++) {
        struct pick_limit *limit = &p->limits[l];
        limit->sorted_window = mem_alloc((p->valued + 1) * sizeof *limit->sorted_window);
        for (size_t k = 0; k < p->valued; k++) {
            uint32_t window = limit->window[p->by_value[k]];
            limit->sorted_window[k] = window == PICK_NOWHERE ? (uint32_t)limit->windows : window;
        }
    }
}

void pick_items_free(struct pick *p)
{
    for (size_t l = 0; l < p->limit_count; l++)
        free(p->limits[l].sorted_window);
    free(p->sorted_value);
}

/* Places left in the windows of some limits; the last window is for items that the limit is not
 * for. */
struct places {
    uint64_t *left[PICK_LIMITS_MOST];
    const uint32_t *window[PICK_LIMITS_MOST];
    int count;
};

static void open_places(struct places *o, const struct pick *p, const uint64_t *slots)
{
    o->count = 0;
    for (size_t l = 0; l < p->limit_count; l++) {
        const struct pick_limit *limit = &p->limits[l];
        if (slots[l] == PICK_NO_LIMIT)
            continue;
        uint64_t *left = mem_alloc((limit->windows + 1) * sizeof *left);
        for (size_t w = 0; w < limit->windows; w++)
            left[w] = slots[l];
        left[limit->windows] = UINT64_MAX;
        o->left[o->count] = left;
        o->window[o->count++] = limit->sorted_window;
    }
}

static inline bool take_place(const struct places *o, size_t k, int count)
{
    for (int l = 0; l < count; l++)
        if (o->left[l][o->window[l][k]] == 0)
            return false;
    for (int l = 0; l < count; l++)
        o->left[l][o->window[l][k]]--;
    return true;
}

static inline money take_all(const struct pick *p, const struct places *o, int count)
{
    money sum = 0;
    for (size_t k = 0; k < p->valued; k++)
        if (take_place(o, k, count))
            sum += p->sorted_value[k];
    return sum;
}

static money take_some(const struct pick *p, const struct places *o, size_t begin, size_t end,
                       uint8_t *taken)
{
    money sum = 0;
    if (taken)
        memset(taken + begin, 0, end - begin);
    for (size_t k = 0; k < p->valued; k++) {
        size_t i = p->by_value[k];
        if (i < begin || i >= end || !take_place(o, k, o->count))
            continue;
        sum += p->sorted_value[k];
        if (taken)
            taken[i] = 1;
    }
    return sum;
}

money pick_take_items(const struct pick *p, const uint64_t *slots, size_t begin, size_t end,
                      uint8_t *taken)
{
    struct places o;
    money sum;
    open_places(&o, p, slots);
    if (taken || begin > 0 || end < p->count)
        sum = take_some(p, &o, begin, end, taken);
    else if (o.count == 1)
        sum = take_all(p, &o, 1);
    else if (o.count == 2)
        sum = take_all(p, &o, 2);
    else
        sum = take_all(p, &o, o.count);
    for (int l = 0; l < o.count; l++)
        free(o.left[l]);
    return sum;
}
