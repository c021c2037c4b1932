#include "core/runs/server/server_levels.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

void server_levels_init(struct server_levels *l)
{
    *l = (struct server_levels){0};
    for (size_t i = 0; i < SERVER_SOURCES; i++)
        for (int m = 0; m < SERVER_GAUGES; m++)
            l->now[i][m] = NAN;
}

size_t server_levels_take(struct server_levels *l, const struct server_line *line)
{
    size_t i = 0;
    while (i < l->count && strcmp(l->urls[i], line->source) != 0)
        i++;
    if (i == SERVER_SOURCES)
        return i;
    if (i == l->count)
        snprintf(l->urls[l->count++], SERVER_URL_SIZE, "%s", line->source);
    for (int m = 0; m < SERVER_GAUGES; m++)
        if (!isnan(line->values[m]))
            l->now[i][m] = line->values[m];
    return i;
}

double server_levels_now(const struct server_levels *l, enum server_metric m)
{
    double sum = 0;
    size_t count = 0;
    for (size_t i = 0; i < l->count; i++)
        if (!isnan(l->now[i][m])) {
            sum += l->now[i][m];
            count++;
        }
    return count == 0 ? NAN : server_metric_is_share(m) ? sum / (double)count : sum;
}
