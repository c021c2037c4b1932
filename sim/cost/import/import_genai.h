/* Shared by the parts of the reader of genai-prices' data; private to sim/cost/import. */
#ifndef FAREBOX_SIM_COST_IMPORT_IMPORT_GENAI_H
#define FAREBOX_SIM_COST_IMPORT_IMPORT_GENAI_H

#include "sim/cost/import/import_parts.h"

/* Where the prices of one set go: the plan itself, or a window or service of it. */
struct genai_target {
    struct import_set *set;
    struct import_fees *tools; /* a variant's own; NULL */
    bool varies;               /* a window or a service: plans have one price for a fee */
    struct import_fees seen;   /* fees of a window, to find those that it drops */
};

bool genai_is_one_of(struct text t, const char *const *names);

/* {"input_mtok": 3, ...} */
void genai_read_prices(struct import *im, struct genai_target *to);

/* {"start_date": ..} or {"start_time": .., "end_time": ..}; false where it cannot be a window. */
bool genai_read_constraint(struct import *im, struct import_window *w);

/* The value of "price_variants". */
void genai_read_variants(struct import *im);

/* After the whole entry was read: services and variants take what they leave open from it. */
void genai_finish_services(struct import *im);

#endif
