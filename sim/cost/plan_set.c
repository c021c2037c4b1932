#include "sim/cost/plan_set.h"

#include "core/embedded.h"
#include "core/file.h"
#include "core/memory.h"
#include "core/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void add_plan(struct plan_set *set, const struct plan *plan)
{
    for (size_t i = 0; i < set->count; i++)
        if (set->plans[i] == plan)
            return;
    set->plans = mem_resize(set->plans, set->count + 1, sizeof *set->plans);
    set->plans[set->count++] = plan;
}

/* Keeps the book and returns where it stays. */
static struct plan_book *keep(struct plan_set *set, struct plan_book book)
{
    struct plan_book *kept = mem_alloc(sizeof *kept);
    *kept = book;
    set->books = mem_resize(set->books, set->book_count + 1, sizeof *set->books);
    set->books[set->book_count++] = kept;
    return kept;
}

static int open_bundled(struct plan_set *set, const struct embedded_file *f, struct plan_book **out,
                        struct error *err)
{
    char name[128];
    snprintf(name, sizeof name, "books/%.100s.json", f->stem);
    for (size_t i = 0; i < set->book_count; i++)
        if (strcmp(set->books[i]->file, name) == 0) {
            *out = set->books[i];
            return 0;
        }
    struct plan_book book = {0};
    int code = plan_book_parse(name, f->bytes, f->length, &book, err);
    if (code == 0)
        *out = keep(set, book);
    return code;
}

static void add_all(struct plan_set *set, const struct plan_book *book)
{
    for (size_t i = 0; i < book->count; i++)
        add_plan(set, &book->plans[i]);
}

/* Plans of the bundled books whose names match; their number, or an error. */
static int add_named(struct plan_set *set, struct text pattern, struct error *err)
{
    int found = 0;
    for (const struct embedded_file *f = NULL; (f = embedded_next("books", f));) {
        struct plan_book *book;
        int code = open_bundled(set, f, &book, err);
        if (code < 0)
            return code;
        for (size_t i = 0; i < book->count; i++)
            if (text_matches(text_of(book->plans[i].name), pattern)) {
                add_plan(set, &book->plans[i]);
                found++;
            }
    }
    return found;
}

static int unknown(const struct plan_set *set, const char *item, struct error *err)
{
    const char **names = mem_alloc(sizeof *names);
    size_t count = 0;
    for (size_t b = 0; b < set->book_count; b++)
        for (size_t i = 0; i < set->books[b]->count; i++) {
            names = mem_resize(names, count + 2, sizeof *names);
            names[count++] = set->books[b]->plans[i].name;
        }
    names[count] = NULL;
    const char *nearest = text_nearest(text_of(item), names);
    if (!nearest)
        nearest = embedded_nearest("books", item);
    int code = error_set(
        err, ERR_INPUT, "\"%s\" is no file, no bundled price book and no plan of one%s%s%s", item,
        nearest ? "; did you mean \"" : "", nearest ? nearest : "", nearest ? "\"?" : "");
    free(names);
    return code;
}

static bool names_a_file(const char *item)
{
    size_t length = strlen(item);
    return (length > 5 && strcmp(item + length - 5, ".json") == 0) || file_exists(item);
}

static int add_item(struct plan_set *set, const char *item, struct error *err)
{
    if (names_a_file(item)) {
        struct plan_book book = {0};
        int code = plan_book_load(item, &book, err);
        if (code == 0)
            add_all(set, keep(set, book));
        return code;
    }
    const struct embedded_file *f = embedded_find("books", item);
    if (f) {
        struct plan_book *book;
        int code = open_bundled(set, f, &book, err);
        if (code == 0)
            add_all(set, book);
        return code;
    }
    int found = add_named(set, text_of(item), err);
    if (found < 0)
        return found;
    return found > 0 ? 0 : unknown(set, item, err);
}

int plan_set_add(struct plan_set *set, const char *list, struct error *err)
{
    int code = 0;
    while (*list && code == 0) {
        size_t length = strcspn(list, ",");
        if (length > 0) {
            char *item = mem_copy_text(list, length);
            code = add_item(set, item, err);
            free(item);
        }
        list += length + (list[length] == ',');
    }
    return code;
}

void plan_set_free(struct plan_set *set)
{
    for (size_t i = 0; i < set->book_count; i++) {
        plan_book_free(set->books[i]);
        free(set->books[i]);
    }
    free(set->books);
    free(set->plans);
    *set = (struct plan_set){0};
}
