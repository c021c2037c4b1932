/* Sums of an invoice beside one's own charges of the same time, model and service. Private to the
 * room.
 *
 *     struct cells cells;
 *     if (cells_make(&cells, &joining, err) < 0) return err->code;
 *     cells_place(&cells, offset_ns);             // whose day is later by so much
 *     if (cell_differs(&cells.items[0], difference)) ...
 *     cells_free(&cells);
 *
 * What is summed are tokens by class, or where the invoice has none amounts by class: both are
 * whole numbers of a `money`. Classes that the invoice does not tell apart are one here too.
 */
#ifndef FAREBOX_SIM_COST_RECONCILE_CELLS_H
#define FAREBOX_SIM_COST_RECONCILE_CELLS_H

#include "sim/cost/reconcile/joining.h"
#include "sim/cost/reconcile/seen.h"

#define CELL_VALUES (USAGE_CLASSES + 1)   /* the last: amounts of no class */
#define CELL_SERVICES (SERVICE_COUNT + 1) /* those that are not known are one */
#define NO_CELL UINT32_MAX

struct bucket_time {
    int64_t from_ns, until_ns;
};

struct cell {
    uint32_t bucket, model;
    enum service service;
    bool has_there, has_requests;
    money there[CELL_VALUES], ours[CELL_VALUES];
    money asked[CELL_VALUES]; /* of amounts: `there` as items have them */
    uint64_t their_requests, our_requests;
    bool has_amount;
    money grain;  /* of amounts: what differs by less may be their rounding */
    money amount; /* of tokens: what the invoice asks, as items have it */
    money price;  /* of one's own charges in it */
    /* What was found: */
    money found[CELL_VALUES]; /* of the difference, explained */
    int64_t found_requests;
    money found_list; /* what that costs by the plan */
    bool open;        /* something was left when it was asked for requests too few or too many */
    bool inexact;     /* that is not known exactly, and what is left belongs to `pending` */
    uint32_t pending;
};

struct cells {
    struct joining *j;
    bool tokens; /* else amounts */
    money grain; /* of a cell that is made now */
    bool by_model, by_service;
    int target[CELL_VALUES]; /* where a class of one's own is summed */
    struct bucket_time *buckets;
    size_t bucket_count;
    struct names models; /* "" = none said */
    uint32_t *renamed;   /* by model: as which it stands there */
    struct cell *items;
    size_t count, capacity;
    uint32_t *place;        /* cell of (bucket, model, service) */
    uint32_t *row_cell;     /* by own charge; NO_CELL */
    uint32_t *row_model;    /* by own charge */
    uint32_t *start, *rows; /* charges of each cell, after cells_place() */
    bool may_be_offset;     /* some offset makes more equal, and is not clear enough to be named */
    struct seen seen;
};

int cells_make(struct cells *c, struct joining *j, struct error *err);
void cells_free(struct cells *c);

/* Sums one's own charges as if each were later by the offset. */
void cells_place(struct cells *c, int64_t offset_ns);

/* The bucket that holds an instant; NO_CELL. */
uint32_t cells_bucket(const struct cells *c, int64_t at_ns);

/* What an own charge adds to its cell (if it is not billed: would add). */
void cells_row(const struct cells *c, size_t own, money out[CELL_VALUES]);

/* theirs − ours, less what was found; false where nothing differs. */
bool cell_differs(const struct cell *cell, money out[CELL_VALUES]);

/* What is left of the difference in requests; false where it is not known. */
bool cell_requests_differ(const struct cell *cell, int64_t *out);

/* What the plan asks for a difference in tokens, where that depends on nothing else, or it is one
 * request; of amounts it is their sum. False where it depends on the requests. */
bool cells_price(const struct cells *c, const struct cell *cell, const money value[CELL_VALUES],
                 int64_t requests, money *out);

#endif
