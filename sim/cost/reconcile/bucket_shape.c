#include "sim/cost/reconcile/bucket_shape.h"

#define DAY_NS (INT64_C(86400) * NS_PER_S)
#define LATEST_NS (7 * DAY_NS)

bool shape_is_zero(const money d[CELL_VALUES])
{
    for (int k = 0; k < CELL_VALUES; k++)
        if (d[k] != 0)
            return false;
    return true;
}

bool shape_has_sign(const money d[CELL_VALUES], int sign)
{
    for (int k = 0; k < CELL_VALUES; k++)
        if ((sign > 0 && d[k] < 0) || (sign < 0 && d[k] > 0))
            return false;
    return !shape_is_zero(d);
}

void shape_negate(const money d[CELL_VALUES], money out[CELL_VALUES])
{
    for (int k = 0; k < CELL_VALUES; k++)
        out[k] = -d[k];
}

money shape_side(const money d[CELL_VALUES], bool output)
{
    money sum = 0;
    for (int k = 0; k < USAGE_CLASSES; k++)
        if (usage_is_output((enum usage_class)k) == output)
            sum += d[k];
    return sum;
}

int64_t bucket_requests(const struct cell *cell)
{
    int64_t n;
    return cell_requests_differ(cell, &n) ? n : 0;
}

int64_t bucket_size_of(int64_t n)
{
    return n < 0 ? -n : n;
}

uint64_t bucket_rows_of(int64_t requests, int found)
{
    uint64_t n = (uint64_t)bucket_size_of(requests);
    return n ? n : found > 0 ? (uint64_t)found : 1;
}

void bucket_name_all(struct cells *c, struct cell *cell, uint32_t causes, bool known, money list,
                     uint64_t rows)
{
    money d[CELL_VALUES];
    int64_t requests = bucket_requests(cell);
    cell_differs(cell, d);
    if (!known)
        known = cells_price(c, cell, d, requests, &list);
    if (known)
        finding_add(c->j, causes, list, rows);
    else
        cell->pending |= causes;
    bucket_found(c, cell, d, requests, known, list);
}

bool bucket_has_model(const struct cells *c, uint32_t model, bool there)
{
    for (size_t i = 0; i < c->count; i++) {
        const struct cell *cell = &c->items[i];
        if (cell->model == model && (there ? cell->has_there : cell->our_requests > 0))
            return true;
    }
    return false;
}

const struct cell *bucket_cell(const struct cells *c, uint32_t bucket, uint32_t model,
                               enum service service)
{
    uint32_t at = c->place[(bucket * c->models.count + model) * CELL_SERVICES + (size_t)service];
    return at == NO_CELL ? NULL : &c->items[at];
}

bool bucket_is_later(const struct cells *c, const struct cell *from, const struct cell *to)
{
    return to->model == from->model && to->service == from->service && to->bucket > from->bucket &&
           c->buckets[to->bucket].from_ns - c->buckets[from->bucket].from_ns <= LATEST_NS;
}

uint32_t bucket_boundary(const struct cells *c)
{
    return c->may_be_offset ? CAUSE_BIT(CAUSE_DAY_BOUNDARY) : 0;
}
