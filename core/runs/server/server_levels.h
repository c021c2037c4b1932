/* The levels of several sources as one, a line of server.jsonl after the other.
 *
 *     struct server_levels levels;
 *     server_levels_init(&levels);
 *     size_t source = server_levels_take(&levels, &line);    // SERVER_SOURCES: one too many
 *     server_levels_now(&levels, SERVER_QUEUE);              // of all sources together
 */
#ifndef FAREBOX_CORE_RUNS_SERVER_SERVER_LEVELS_H
#define FAREBOX_CORE_RUNS_SERVER_SERVER_LEVELS_H

#include "core/runs/server/server_line.h"

#define SERVER_SOURCES 16

struct server_levels {
    char urls[SERVER_SOURCES][SERVER_URL_SIZE];
    double now[SERVER_SOURCES][SERVER_GAUGES]; /* NAN = never served */
    size_t count;
};

void server_levels_init(struct server_levels *l);

/* Gauges that the line does not have stay as they were. Returns the place of its source. */
size_t server_levels_take(struct server_levels *l, const struct server_line *line);

/* The sum over the sources, or of shares the mean; NAN where none serves it. */
double server_levels_now(const struct server_levels *l, enum server_metric m);

#endif
