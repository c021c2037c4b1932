/* Files that are part of the program: bundled scenarios, engine presets, price books.
 *
 * The build puts every JSON file of the folders named in the Makefile into the program, so that
 * `--scenario chat` works wherever the program is installed.
 *
 *     const struct embedded_file *f = embedded_find("scenarios", "chat");
 *     if (f) parse(f->bytes, f->length);
 *     for (f = NULL; (f = embedded_next("scenarios", f));) puts(f->stem);
 *
 * Everything is constant and lives as long as the program.
 */
#ifndef FAREBOX_CORE_EMBEDDED_H
#define FAREBOX_CORE_EMBEDDED_H

#include <stddef.h>

struct embedded_file {
    const char *folder; /* the last part of the folder's path: "scenarios", "presets", "books" */
    const char *stem;   /* the file's name without .json */
    const char *bytes;  /* followed by a zero byte */
    size_t length;
};

/* The file, or NULL. */
const struct embedded_file *embedded_find(const char *folder, const char *stem);

/* The folder's first file after `previous` (NULL: the first of all) by name; NULL at the end. */
const struct embedded_file *embedded_next(const char *folder, const struct embedded_file *previous);

/* The stem nearest to what was typed, for "did you mean"; NULL where none is near. */
const char *embedded_nearest(const char *folder, const char *typed);

#endif
