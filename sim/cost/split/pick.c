#include "sim/cost/split/pick.h"

#include "core/memory.h"

#include <stdlib.h>
#include <string.h>

int pick_compare(money_magnitude a, money_magnitude b, money_magnitude c, money_magnitude d)
{
    for (int sign = 1;; sign = -sign) { /* the continued fractions of both */
        money_magnitude x = a / b, y = c / d, next;
        if (x != y)
            return (x < y ? -1 : 1) * sign;
        a -= x * b;
        c -= y * d;
        if (a == 0 || c == 0)
            return (a == c ? 0 : a == 0 ? -1 : 1) * sign;
        next = a; /* a/b < c/d is b/a > d/c */
        a = b;
        b = next;
        next = c;
        c = d;
        d = next;
    }
}

/* ---- what the limits are like ---- */

/* True where each window of `inner`, and what it is not for, lies in one window of `outer`. */
static bool lies_inside(const struct pick *p, const struct pick_limit *inner,
                        const struct pick_limit *outer)
{
    uint64_t *around = mem_zero(inner->windows + 1, sizeof *around);
    bool inside = true;
    for (size_t i = 0; i < p->count && inside; i++) {
        if (inner->window[i] == PICK_NOWHERE)
            continue;
        uint64_t window = (uint64_t)outer->window[i] + 1;
        uint64_t *known = &around[inner->window[i]];
        inside = *known == 0 || *known == window;
        *known = window;
    }
    free(around);
    return inside;
}

static void look_at_limit(const struct pick *p, struct pick_limit *l)
{
    l->counts = l->for_all = true;
    l->each = 0;
    for (size_t i = 0; i < p->count; i++) {
        if (l->window[i] == PICK_NOWHERE) {
            l->for_all = l->for_all && p->value[i] == 0;
            continue;
        }
        if (l->each == 0)
            l->each = l->need[i];
        l->counts = l->counts && l->need[i] == l->each;
    }
}

/* What an item asks for in the limits of a measure; 0: none of them is for it. */
static money_magnitude measured(const struct pick *p, int measure, size_t i)
{
    for (size_t l = 0; l < p->limit_count; l++)
        if (p->limits[l].measure == measure && p->limits[l].window[i] != PICK_NOWHERE)
            return p->limits[l].need[i];
    return 0;
}

static int by_density(const void *a, const void *b, void *context)
{
    const struct pick *p = context;
    uint32_t x, y;
    memcpy(&x, a, sizeof x);
    memcpy(&y, b, sizeof y);
    money_magnitude need_x = measured(p, p->density_of, x), need_y = measured(p, p->density_of, y);
    if (!need_x != !need_y)
        return need_x ? 1 : -1;
    int order = !need_x ? 0
                        : pick_compare((money_magnitude)p->value[x], need_x,
                                       (money_magnitude)p->value[y], need_y);
    return order ? -order : x < y ? -1 : x > y;
}

void pick_prepare(struct pick *p)
{
    p->counts = p->stretches = true;
    p->density_of = -1;
    p->by_density = NULL;
    p->nested = mem_zero(p->limit_count * p->limit_count + 1, sizeof *p->nested);
    for (size_t l = 0; l < p->limit_count; l++) {
        look_at_limit(p, &p->limits[l]);
        p->counts = p->counts && p->limits[l].counts;
        p->stretches = p->stretches && p->limits[l].for_all;
    }
    for (size_t a = 0; a < p->limit_count; a++)
        for (size_t b = 0; b <= a; b++)
            p->nested[a * p->limit_count + b] = p->nested[b * p->limit_count + a] =
                a == b || lies_inside(p, &p->limits[a], &p->limits[b]) ||
                lies_inside(p, &p->limits[b], &p->limits[a]);
    p->nests_all = true;
    for (size_t k = 0; k < p->limit_count * p->limit_count; k++)
        p->nests_all = p->nests_all && p->nested[k];
    p->by_value = mem_alloc((p->count + 1) * sizeof *p->by_value);
    for (size_t i = 0; i < p->count; i++)
        p->by_value[i] = (uint32_t)i;
    pick_sort_by_value(p->value, p->by_value, p->count);
    pick_items_make(p);
}

void pick_free(struct pick *p)
{
    pick_items_free(p);
    free(p->by_value);
    free(p->by_density);
    free(p->nested);
}

static const uint32_t *density_order(struct pick *p, size_t limit)
{
    int measure = p->limits[limit].measure;
    if (p->density_of == measure)
        return p->by_density;
    if (!p->by_density)
        p->by_density = mem_alloc((p->count + 1) * sizeof *p->by_density);
    for (size_t i = 0; i < p->count; i++)
        p->by_density[i] = (uint32_t)i;
    p->density_of = measure;
    qsort_r(p->by_density, p->count, sizeof *p->by_density, by_density, p);
    return p->by_density;
}

/* ---- greedy ---- */

static money_magnitude room_of(const struct pick_limit *l, uint64_t n, uint64_t times)
{
    money_magnitude room;
    if (__builtin_mul_overflow(l->room, (money_magnitude)n * times, &room))
        return ~(money_magnitude)0 >> 2;
    return room;
}

uint64_t pick_slots(const struct pick_limit *l, uint64_t n)
{
    if (l->each == 0)
        return UINT32_MAX;
    money_magnitude slots = room_of(l, n, 1) / l->each;
    return slots > UINT32_MAX ? UINT32_MAX : (uint64_t)slots;
}

/* Room and need as they are measured. */
struct greedy {
    const struct pick *p;
    const bool *use; /* by limit; NULL = all */
    bool whole;      /* else the last item of a window is cut */
    money_magnitude *left[PICK_LIMITS_MOST];
};

static bool uses(const struct greedy *g, size_t l)
{
    return (!g->use || g->use[l]) && !(g->whole && g->p->limits[l].only_bounds);
}

static void open_windows(struct greedy *g, uint64_t n)
{
    for (size_t l = 0; l < g->p->limit_count; l++) {
        const struct pick_limit *limit = &g->p->limits[l];
        if (!uses(g, l))
            continue;
        g->left[l] = mem_alloc((limit->windows + 1) * sizeof *g->left[l]);
        uint64_t times = g->whole ? 1 : limit->times;
        money_magnitude room = room_of(limit, n, times);
        for (size_t w = 0; w < limit->windows; w++)
            g->left[l][w] = room;
    }
}

static void close_windows(struct greedy *g)
{
    for (size_t l = 0; l < g->p->limit_count; l++)
        if (uses(g, l))
            free(g->left[l]);
}

/* A part of a value, rounded up. */
static money part_of(money value, money_magnitude some, money_magnitude all)
{
    money part;
    if ((money_magnitude)value == all) /* room for money that is saved */
        return (money)some;
    while (all >> 63) {
        some = (some >> 1) + 1;
        all >>= 1;
    }
    if (some >= all || money_prorate(value, (uint64_t)some, (uint64_t)all, &part) < 0)
        return value;
    part += MONEY_PICO_USD;
    return part < value ? part : value;
}

/* What of an item fits; 0 = nothing. *need: what all of it asks for. */
static money_magnitude fitting(const struct greedy *g, size_t i, money_magnitude *need)
{
    money_magnitude least = ~(money_magnitude)0;
    *need = 0;
    for (size_t l = 0; l < g->p->limit_count; l++) {
        uint32_t w = g->p->limits[l].window[i];
        if (!uses(g, l) || w == PICK_NOWHERE)
            continue;
        money_magnitude left = g->left[l][w], asked = g->p->limits[l].need[i];
        if (g->whole && asked > left)
            return 0;
        *need = asked;
        least = left < least ? left : least;
    }
    if (g->whole || *need < least)
        least = *need;
    return *need == 0 ? 1 : least;
}

static void use_up(struct greedy *g, size_t i, money_magnitude amount)
{
    for (size_t l = 0; l < g->p->limit_count; l++) {
        uint32_t w = g->p->limits[l].window[i];
        if (uses(g, l) && w != PICK_NOWHERE)
            g->left[l][w] -= g->whole ? g->p->limits[l].need[i] : amount;
    }
}

static money take_in_order(struct greedy *g, const uint32_t *order, uint64_t n, size_t begin,
                           size_t end, uint8_t *taken)
{
    money sum = 0;
    open_windows(g, n);
    for (size_t k = 0; k < g->p->count; k++) {
        size_t i = order[k];
        money_magnitude need;
        if (i < begin || i >= end)
            continue;
        money_magnitude fits = fitting(g, i, &need);
        if (taken)
            taken[i] = fits > 0;
        if (fits == 0)
            continue;
        sum += fits < need ? part_of(g->p->value[i], fits, need) : g->p->value[i];
        if (need > 0)
            use_up(g, i, fits);
    }
    close_windows(g);
    return sum;
}

/* By value, where all limits that are used count. */
static money take_items(const struct greedy *g, uint64_t n, size_t begin, size_t end,
                        uint8_t *taken)
{
    uint64_t slots[PICK_LIMITS_MOST];
    for (size_t l = 0; l < g->p->limit_count; l++) {
        const struct pick_limit *limit = &g->p->limits[l];
        slots[l] =
            uses(g, l) ? pick_slots(limit, n) * (g->whole ? 1 : limit->times) : PICK_NO_LIMIT;
    }
    return pick_take_items(g->p, slots, begin, end, taken);
}

/* ---- bounds ---- */

/* Limits of one measure (or that all count) that nest, with limit `first` among them. */
static void choose_nested(const struct pick *p, size_t first, bool counting, bool *use)
{
    memset(use, 0, p->limit_count * sizeof *use);
    use[first] = true;
    for (size_t l = 0; l < p->limit_count; l++) {
        bool nests =
            counting ? p->limits[l].counts : p->limits[l].measure == p->limits[first].measure;
        for (size_t k = 0; k < p->limit_count && nests; k++)
            nests = !use[k] || p->nested[l * p->limit_count + k];
        use[l] = nests;
    }
}

static money all_values(const struct pick *p, size_t begin, size_t end)
{
    money sum = 0;
    for (size_t i = begin; i < end; i++)
        sum += p->value[i];
    return sum;
}

static money bound_with(struct pick *p, size_t first, bool counting, uint64_t n, size_t begin,
                        size_t end)
{
    bool use[PICK_LIMITS_MOST];
    struct greedy g = {.p = p, .use = use};
    choose_nested(p, first, counting, use);
    return counting ? take_items(&g, n, begin, end, NULL)
                    : take_in_order(&g, density_order(p, first), n, begin, end, NULL);
}

money pick_most(struct pick *p, uint64_t n, size_t begin, size_t end)
{
    money most = all_values(p, begin, end);
    for (size_t l = 0; l < p->limit_count; l++) {
        money now = bound_with(p, l, p->limits[l].counts, n, begin, end);
        most = now < most ? now : most;
        if (p->counts && p->nests_all)
            break;
    }
    return most;
}

/* Where the room is no whole number of items, what is left of it counts, too: then the value of cut
 * items, of a linear program whose right sides are in proportion to n, is concave in n. */
money pick_most_smooth(struct pick *p, uint64_t n, size_t begin, size_t end)
{
    money most = all_values(p, begin, end);
    for (size_t l = 0; l < p->limit_count; l++) {
        const struct pick_limit *limit = &p->limits[l];
        bool whole = p->counts && limit->each > 0 && limit->room % limit->each == 0;
        for (size_t k = 0; k < p->limit_count && whole; k++)
            whole = p->limits[k].each > 0 && p->limits[k].room % p->limits[k].each == 0;
        money now = bound_with(p, l, whole, n, begin, end);
        most = now < most ? now : most;
        if (whole && p->nests_all)
            break;
    }
    return most;
}

/* ---- the choice ---- */

static bool some_rolls(const struct pick *p, bool *loose)
{
    bool rolls = false;
    *loose = false;
    for (size_t l = 0; l < p->limit_count; l++) {
        rolls = rolls || p->limits[l].rolling_ns > 0;
        *loose = *loose || p->limits[l].is_loose;
    }
    return rolls;
}

/* The better of two orders: by value, by value for each unit of the first limit. */
static money take_best(struct pick *p, uint64_t n, size_t begin, size_t end, uint8_t *taken)
{
    struct greedy g = {.p = p, .whole = true};
    money value = p->counts ? take_items(&g, n, begin, end, taken)
                            : take_in_order(&g, p->by_value, n, begin, end, taken);
    for (size_t l = 0; l < p->limit_count && !p->counts; l++) {
        if (p->limits[l].counts)
            continue;
        uint8_t *other = mem_zero(p->count + 1, 1);
        money now = take_in_order(&g, density_order(p, l), n, begin, end, other);
        if (now > value) {
            value = now;
            if (taken)
                memcpy(taken + begin, other + begin, end - begin);
        }
        free(other);
    }
    return value;
}

void pick_solve(struct pick *p, uint64_t n, size_t begin, size_t end, uint8_t *taken,
                struct pick_answer *out)
{
    bool loose, rolls = some_rolls(p, &loose);
    *out = (struct pick_answer){0};
    if (p->counts && p->stretches && !loose && (rolls || !p->nests_all) &&
        end - begin <= PICK_FLOW_MOST) {
        out->value = out->most = pick_by_flow(p, n, begin, end, taken);
        out->exact = true;
        return;
    }
    out->value = take_best(p, n, begin, end, taken);
    bool greedy = p->counts && p->nests_all && !rolls && !loose;
    out->most = greedy ? out->value : pick_most(p, n, begin, end);
    out->exact = !rolls && !loose && out->value == out->most;
}
