#include "core/embedded.h"

#include "core/file.h"
#include "core/text.h"

#include <stdlib.h>
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

void embedded_list(const char *folder, struct buffer *out)
{
    for (const struct embedded_file *f = NULL; (f = embedded_next(folder, f));)
        buffer_add_format(out, "%s%s", out->length ? ", " : "", f->stem);
}

int embedded_read(const char *folder, const char *name_or_path, size_t max,
                  struct embedded_text *out, struct error *err)
{
    const struct embedded_file *f = embedded_find(folder, name_or_path);
    if (f) {
        *out = (struct embedded_text){f->stem, f->bytes, f->length, NULL};
        return 1;
    }
    if (!strchr(name_or_path, '/') && !strstr(name_or_path, ".json") && !file_exists(name_or_path))
        return 0;
    *out = (struct embedded_text){.file = name_or_path};
    if (file_read_all(name_or_path, max, &out->owned, &out->length, err) < 0)
        return ERR_INPUT;
    out->bytes = out->owned;
    return 1;
}

void embedded_text_free(struct embedded_text *t)
{
    free(t->owned);
    *t = (struct embedded_text){0};
}

void embedded_stem_of(const char *file, char *out, size_t size)
{
    const char *base = strrchr(file, '/');
    base = base ? base + 1 : file;
    size_t length = strlen(base);
    if (length > 5 && strcmp(base + length - 5, ".json") == 0)
        length -= 5;
    if (length >= size)
        length = size - 1;
    memcpy(out, base, length);
    out[length] = '\0';
}
