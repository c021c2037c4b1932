#include "core/stats/histogram.h"

#include "core/memory.h"

#include <math.h>
#include <stdlib.h>

#define SLOTS ((size_t)HISTOGRAM_PAGES << HISTOGRAM_PAGE_BITS)

void histogram_add_first(struct histogram *h, size_t page)
{
    h->pages[page] = mem_zero(HISTOGRAM_PAGE, sizeof *h->pages[page]);
}

void histogram_free(struct histogram *h)
{
    for (size_t page = 0; page < HISTOGRAM_PAGES; page++)
        free(h->pages[page]);
    *h = (struct histogram){0};
}

/* Most steps of a sequence are about as long: their page is at hand. */
void histogram_add_steps(struct histogram *h, const int64_t *values, size_t count)
{
    uint64_t *page = NULL;
    size_t page_at = SIZE_MAX;
    for (size_t i = 1; i < count; i++) {
        int64_t step = values[i] - values[i - 1];
        if (__builtin_expect(step < 0, 0)) {
            h->negative++;
            step = 0;
        }
        size_t slot = histogram_slot((uint64_t)step);
        if (slot >> HISTOGRAM_PAGE_BITS != page_at) {
            page_at = slot >> HISTOGRAM_PAGE_BITS;
            if (!h->pages[page_at])
                histogram_add_first(h, page_at);
            page = h->pages[page_at];
        }
        page[slot & (HISTOGRAM_PAGE - 1)]++;
    }
    h->count += count > 1 ? count - 1 : 0;
}

void histogram_merge(struct histogram *into, const struct histogram *from)
{
    for (size_t page = 0; page < HISTOGRAM_PAGES; page++) {
        if (!from->pages[page])
            continue;
        if (!into->pages[page])
            histogram_add_first(into, page);
        for (size_t i = 0; i < HISTOGRAM_PAGE; i++)
            into->pages[page][i] += from->pages[page][i];
    }
    into->count += from->count;
    into->negative += from->negative;
}

bool histogram_next(const struct histogram *h, struct histogram_bucket *bucket)
{
    for (size_t slot = bucket->next; slot < SLOTS; slot++) {
        const uint64_t *page = h->pages[slot >> HISTOGRAM_PAGE_BITS];
        if (!page) {
            slot |= HISTOGRAM_PAGE - 1;
            continue;
        }
        if (page[slot & (HISTOGRAM_PAGE - 1)] == 0)
            continue;
        size_t octave = slot >> HISTOGRAM_PAGE_BITS, shift = octave > 0 ? octave - 1 : 0;
        uint64_t mantissa = slot - (shift << HISTOGRAM_PAGE_BITS);
        bucket->lower = (int64_t)(mantissa << shift);
        bucket->upper = (int64_t)(((mantissa + 1) << shift) - 1);
        bucket->count = page[slot & (HISTOGRAM_PAGE - 1)];
        bucket->next = slot + 1;
        return true;
    }
    return false;
}

static double middle(const struct histogram_bucket *b)
{
    return (double)b->lower + (double)(b->upper - b->lower) / 2;
}

double histogram_quantile(const struct histogram *h, double p)
{
    if (h->count == 0 || !(p >= 0 && p <= 1))
        return NAN;
    double position = p * (double)(h->count - 1), whole = floor(position);
    double fraction = position - whole;
    uint64_t rank = (uint64_t)whole, below = 0; /* rank of the lower of the two, from 0 */
    struct histogram_bucket b = {0};
    while (histogram_next(h, &b)) {
        below += b.count;
        if (below > rank)
            break;
    }
    double low = middle(&b);
    if (fraction <= 0 || below > rank + 1 || !histogram_next(h, &b))
        return low;
    return low + fraction * (middle(&b) - low);
}

uint64_t histogram_count_through(const struct histogram *h, int64_t value)
{
    uint64_t total = 0;
    struct histogram_bucket b = {0};
    while (histogram_next(h, &b) && b.lower <= value)
        total += b.count;
    return total;
}
