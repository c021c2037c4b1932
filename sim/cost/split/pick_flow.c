/* The largest value under stretches of time, by min-cost flow.
 *
 * With P(i) the number of items taken before item i, the problem is
 *
 *     max sum of v(i) (P(i+1) - P(i))   with   P(r) - P(l) <= room   for every window from l to r,
 *                                              0 <= P(i+1) - P(i) <= 1   for every item.
 *
 * Its dual is a flow of least cost on the line of the nodes 0 .. n: an arc from l to r that costs
 * `room` for every window, one from i to i+1 that costs 1 and one back that costs 0 for every item,
 * and node j wants v(j-1) - v(j) more to come in than goes out. Arcs hold any amount. The flow is
 * sent along shortest paths, source by source (Dijkstra with potentials); costs are whole numbers,
 * so the potentials are, and at the end they are the P of a best choice: all reduced costs are at
 * least 0 (P keeps every limit), and 0 where something flows (no choice has more).
 */
#include "sim/cost/split/pick.h"

#include "core/memory.h"

#include <stdlib.h>
#include <string.h>

/* An arc and its way back. */
struct arc {
    uint32_t from, to;
    int64_t cost;
    money flow;
};

struct visit {
    int64_t distance;
    uint32_t node;
};

struct flow {
    uint32_t *item; /* those with a value, in the order of time */
    size_t items;
    size_t nodes, arc_count, capacity;
    struct arc *arcs;
    size_t *start;  /* arcs at a node: list[start[j]] .. list[start[j + 1]] */
    uint32_t *list; /* arc × 2, + 1 from its end */
    money *excess;
    int64_t *potential, *distance;
    uint32_t *came_by; /* as list */
    bool *done;
    uint32_t *seen; /* nodes with a distance, in this search */
    size_t seen_count;
    struct visit *heap;
    size_t heap_count, heap_capacity;
};

static void add_arc(struct flow *f, size_t from, size_t to, uint64_t cost)
{
    mem_grow(&f->arcs, &f->capacity, f->arc_count + 1, sizeof *f->arcs);
    f->arcs[f->arc_count++] =
        (struct arc){(uint32_t)from, (uint32_t)to, cost > INT32_MAX ? INT32_MAX : (int64_t)cost, 0};
}

/* One arc for every stretch that could be too full. */
static void add_windows(struct flow *f, const struct pick *p, const struct pick_limit *l,
                        uint64_t slots)
{
    for (size_t i = 0, from = 0; i < f->items; i++) {
        uint32_t window = l->window[f->item[i]];
        if (l->rolling_ns > 0)
            while (p->at_ns[f->item[from]] <= p->at_ns[f->item[i]] - l->rolling_ns)
                from++;
        else if (window != l->window[f->item[from]])
            from = i;
        bool last = i + 1 == f->items || l->rolling_ns > 0 || l->window[f->item[i + 1]] != window;
        if (last && i + 1 - from > slots)
            add_arc(f, from, i + 1, slots);
    }
}

static void list_arcs(struct flow *f)
{
    f->start = mem_zero(f->nodes + 2, sizeof *f->start);
    f->list = mem_alloc((2 * f->arc_count + 1) * sizeof *f->list);
    for (size_t a = 0; a < f->arc_count; a++) {
        f->start[f->arcs[a].from + 2]++;
        f->start[f->arcs[a].to + 2]++;
    }
    for (size_t j = 2; j < f->nodes + 2; j++)
        f->start[j] += f->start[j - 1];
    for (size_t a = 0; a < f->arc_count; a++) {
        f->list[f->start[f->arcs[a].from + 1]++] = (uint32_t)(2 * a);
        f->list[f->start[f->arcs[a].to + 1]++] = (uint32_t)(2 * a + 1);
    }
}

static void open_flow(struct flow *f, const struct pick *p, uint64_t n, size_t begin, size_t end)
{
    *f = (struct flow){.item = mem_alloc((end - begin + 1) * sizeof *f->item)};
    for (size_t i = begin; i < end; i++)
        if (p->value[i] > 0)
            f->item[f->items++] = (uint32_t)i;
    f->nodes = f->items + 1;
    for (size_t i = 0; i < f->items; i++) {
        add_arc(f, i, i + 1, 1);
        add_arc(f, i + 1, i, 0);
    }
    for (size_t l = 0; l < p->limit_count; l++)
        add_windows(f, p, &p->limits[l], pick_slots(&p->limits[l], n));
    list_arcs(f);
    f->excess = mem_zero(f->nodes, sizeof *f->excess);
    for (size_t i = 0; i < f->items; i++) {
        f->excess[i] += p->value[f->item[i]];
        f->excess[i + 1] -= p->value[f->item[i]];
    }
    f->potential = mem_zero(f->nodes, sizeof *f->potential);
    f->distance = mem_alloc(f->nodes * sizeof *f->distance);
    for (size_t j = 0; j < f->nodes; j++)
        f->distance[j] = INT64_MAX;
    f->came_by = mem_alloc(f->nodes * sizeof *f->came_by);
    f->done = mem_zero(f->nodes, sizeof *f->done);
    f->seen = mem_alloc(f->nodes * sizeof *f->seen);
}

static void close_flow(struct flow *f)
{
    free(f->item);
    free(f->arcs);
    free(f->start);
    free(f->list);
    free(f->excess);
    free(f->potential);
    free(f->distance);
    free(f->came_by);
    free(f->done);
    free(f->seen);
    free(f->heap);
}

/* ---- the search for the nearest node that wants more ---- */

static void push(struct flow *f, uint32_t node, int64_t distance)
{
    mem_grow(&f->heap, &f->heap_capacity, f->heap_count + 1, sizeof *f->heap);
    size_t i = f->heap_count++;
    for (; i > 0 && f->heap[(i - 1) / 2].distance > distance; i = (i - 1) / 2)
        f->heap[i] = f->heap[(i - 1) / 2];
    f->heap[i] = (struct visit){distance, node};
}

static struct visit pop(struct flow *f)
{
    struct visit top = f->heap[0], last = f->heap[--f->heap_count];
    size_t i = 0;
    for (size_t child; (child = 2 * i + 1) < f->heap_count; i = child) {
        if (child + 1 < f->heap_count && f->heap[child + 1].distance < f->heap[child].distance)
            child++;
        if (f->heap[child].distance >= last.distance)
            break;
        f->heap[i] = f->heap[child];
    }
    f->heap[i] = last;
    return top;
}

static void reach(struct flow *f, uint32_t node, int64_t distance, uint32_t by)
{
    if (distance >= f->distance[node])
        return;
    if (f->distance[node] == INT64_MAX)
        f->seen[f->seen_count++] = node;
    f->distance[node] = distance;
    f->came_by[node] = by;
    push(f, node, distance);
}

static void look_around(struct flow *f, uint32_t node)
{
    for (size_t k = f->start[node]; k < f->start[node + 1]; k++) {
        const struct arc *a = &f->arcs[f->list[k] / 2];
        bool back = f->list[k] & 1;
        if (back && a->flow == 0)
            continue;
        uint32_t to = back ? a->from : a->to;
        int64_t cost = back ? -a->cost : a->cost;
        reach(f, to, f->distance[node] + cost + f->potential[node] - f->potential[to], f->list[k]);
    }
}

/* The nearest node that wants more, and potentials that make the way to it cost nothing. */
static uint32_t find_nearest(struct flow *f, uint32_t source)
{
    uint32_t found = UINT32_MAX;
    f->seen_count = f->heap_count = 0;
    reach(f, source, 0, UINT32_MAX);
    while (f->heap_count > 0 && found == UINT32_MAX) {
        struct visit v = pop(f);
        if (f->done[v.node])
            continue;
        f->done[v.node] = true;
        if (f->excess[v.node] < 0)
            found = v.node;
        else
            look_around(f, v.node);
    }
    int64_t far = f->distance[found];
    for (size_t i = 0; i < f->seen_count; i++) {
        uint32_t j = f->seen[i];
        if (f->done[j] && f->distance[j] < far)
            f->potential[j] += f->distance[j] - far;
        f->distance[j] = INT64_MAX;
        f->done[j] = false;
    }
    return found;
}

static uint32_t before(const struct flow *f, uint32_t node)
{
    const struct arc *a = &f->arcs[f->came_by[node] / 2];
    return f->came_by[node] & 1 ? a->to : a->from;
}

static void send(struct flow *f, uint32_t source, uint32_t sink)
{
    money amount = f->excess[source] < -f->excess[sink] ? f->excess[source] : -f->excess[sink];
    for (uint32_t j = sink; j != source; j = before(f, j))
        if (f->came_by[j] & 1 && f->arcs[f->came_by[j] / 2].flow < amount)
            amount = f->arcs[f->came_by[j] / 2].flow;
    for (uint32_t j = sink; j != source; j = before(f, j))
        f->arcs[f->came_by[j] / 2].flow += f->came_by[j] & 1 ? -amount : amount;
    f->excess[source] -= amount;
    f->excess[sink] += amount;
}

money pick_by_flow(const struct pick *p, uint64_t n, size_t begin, size_t end, uint8_t *taken)
{
    struct flow f;
    money value = 0;
    open_flow(&f, p, n, begin, end);
    for (uint32_t j = 0; j < f.nodes; j++)
        while (f.excess[j] > 0)
            send(&f, j, find_nearest(&f, j));
    for (size_t i = begin; i < end && taken; i++)
        taken[i] = 0;
    for (size_t i = 0; i < f.items; i++) {
        if (f.potential[i + 1] <= f.potential[i])
            continue;
        value += p->value[f.item[i]];
        if (taken)
            taken[f.item[i]] = 1;
    }
    close_flow(&f);
    return value;
}
