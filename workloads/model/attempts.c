#include "workloads/model/attempts.h"

#include <stdlib.h>

void earlier_attempts_free(struct earlier_attempts *earlier)
{
    if (!earlier)
        return;
    free(earlier->start);
    free(earlier->items);
    free(earlier->finals);
    free(earlier);
}
