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

#include "core/buffer.h"
#include "core/error.h"

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

/* Appends the folder's stems, with commas between: "a100, h100". */
void embedded_list(const char *folder, struct buffer *out);

/* A bundled file by its stem, or another of the same form by its path. */
struct embedded_text {
    const char *file; /* the stem or the path: for messages */
    const char *bytes;
    size_t length;
    char *owned; /* NULL where it is bundled */
};

/* 1: it is there, to be freed. 0: no file is bundled under the name, and it looks like no path: it
 * has no '/' and no ".json" and no file is called so. ERR_INPUT where the file cannot be read, or
 * has more than `max` bytes. */
int embedded_read(const char *folder, const char *name_or_path, size_t max,
                  struct embedded_text *out, struct error *err);
void embedded_text_free(struct embedded_text *t);

/* What such a file is called: its name without folders and ".json", cut to `size` bytes. */
void embedded_stem_of(const char *file, char *out, size_t size);

#endif
