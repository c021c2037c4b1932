#include "core/embedded.h"

#include "core/text.h"

#include <string.h>

/* Made by core/embed.sh, sorted by folder and stem. */
extern const struct embedded_file embedded_table[];
extern const size_t embedded_count;

const struct embedded_file *embedded_next(const char *folder, const struct embedded_file *previous)
{
    size_t at = previous ? (size_t)(previous - embedded_table) + 1 : 0;
    for (; at < embedded_count; at++)
        if (!strcmp(embedded_table[at].folder, folder))
            return &embedded_table[at];
    return NULL;
}

const struct embedded_file *embedded_find(const char *folder, const char *stem)
{
    for (const struct embedded_file *f = NULL; (f = embedded_next(folder, f));)
        if (!strcmp(f->stem, stem))
            return f;
    return NULL;
}

#define MOST_NAMES 256

const char *embedded_nearest(const char *folder, const char *typed)
{
    const char *names[MOST_NAMES + 1];
    size_t count = 0;
    for (const struct embedded_file *f = NULL;
         (f = embedded_next(folder, f)) && count < MOST_NAMES;)
        names[count++] = f->stem;
    names[count] = NULL;
    return text_nearest(text_of(typed), names);
}
