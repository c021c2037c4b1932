#include "core/stats/multiple.h"

#include "core/memory.h"

#include <gsl/gsl_sort.h>
#include <math.h>
#include <stdlib.h>

void multiple_holm(const double *p_values, size_t count, double *adjusted)
{
    double *p = mem_alloc(count * sizeof *p), largest = 0;
    size_t *order = mem_alloc(count * sizeof *order);
    for (size_t i = 0; i < count; i++)
        p[i] = isnan(p_values[i]) ? 1 : p_values[i];
    gsl_sort_index(order, p, 1, count);
    for (size_t i = 0; i < count; i++) {
        size_t at = order[i];
        largest = fmax(largest, fmin(1, (double)(count - i) * p[at]));
        adjusted[at] = isnan(p_values[at]) ? NAN : largest;
    }
    free(order);
    free(p);
}
