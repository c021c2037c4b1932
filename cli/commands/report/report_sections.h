/* What a report's arguments hold: runs, series of runs, and results of other commands.
 *
 *     struct report_sections s = {0};
 *     if (report_sections_find(&s, paths, count, err) < 0) return err->code;
 *     for (size_t i = 0; i < s.run_count; i++) read(s.runs[i].path);
 *     for (size_t i = 0; i < s.count; i++) show(&s.items[i]);
 *     report_sections_free(&s);
 *
 * A directory is a run (requests.jsonl), an A/B (compare.json), a series of repeats (runs called 1,
 * 2, ... or 1-1, 1-2, ...), or holds the document of a sweep, a search, a capacity, a forecast or a
 * bill. Runs that are named one after the other stand together.
 */
#ifndef FAREBOX_CLI_COMMANDS_REPORT_REPORT_SECTIONS_H
#define FAREBOX_CLI_COMMANDS_REPORT_REPORT_SECTIONS_H

#include "cli/report/page/html_document.h"
#include "core/error.h"

#include <stdbool.h>

enum report_kind { REPORT_RUNS, REPORT_REPEATS, REPORT_COMPARE, REPORT_DOCUMENT };

struct report_run {
    char *path;
    size_t group; /* in its section's names */
};

struct report_section {
    enum report_kind kind;
    enum html_kind document;
    char *path;
    const char *name;    /* the last part of the path */
    char *json;          /* of an A/B or a document */
    size_t first, count; /* its runs */
    char **groups;       /* what repeats are of; of an A/B the sides. NULL where each run is one */
    size_t group_count;
};

struct report_sections {
    struct report_section *items;
    size_t count, capacity;
    struct report_run *runs;
    size_t run_count, run_capacity;
};

/* ERR_INPUT for a path that holds none of this. */
int report_sections_find(struct report_sections *out, const char *const *paths, size_t count,
                         struct error *err);
void report_sections_free(struct report_sections *s);

#endif
