#include "bench/many/allowance.h"

void allowance_init(struct allowance *a, const money *most_by_row, size_t rows)
{
    *a = (struct allowance){.most_by_row = most_by_row};
    for (size_t i = 0; most_by_row && i < rows; i++)
        if (most_by_row[i] > a->dearest)
            a->dearest = most_by_row[i];
    pthread_mutex_init(&a->lock, NULL);
}

void allowance_free(struct allowance *a)
{
    pthread_mutex_destroy(&a->lock);
}

void allowance_add(struct allowance *a, money slice)
{
    pthread_mutex_lock(&a->lock);
    a->left += slice;
    a->slice = slice;
    pthread_mutex_unlock(&a->lock);
}

bool allowance_admit(struct allowance *a, uint32_t row)
{
    if (!a->most_by_row)
        return true;
    pthread_mutex_lock(&a->lock);
    bool fits = a->most_by_row[row] <= a->left;
    if (fits)
        a->left -= a->most_by_row[row];
    pthread_mutex_unlock(&a->lock);
    return fits;
}

bool allowance_low(struct allowance *a)
{
    pthread_mutex_lock(&a->lock);
    bool low = a->most_by_row && (a->slice == 0 || a->left < a->slice / 2 || a->left < a->dearest);
    pthread_mutex_unlock(&a->lock);
    return low;
}

money allowance_close(struct allowance *a)
{
    pthread_mutex_lock(&a->lock);
    money left = a->left;
    a->left = -1;
    pthread_mutex_unlock(&a->lock);
    return left;
}
