#include "sim/cost/book/select.h"

#include "core/buffer.h"
#include "core/embedded.h"
#include "core/file.h"
#include "core/memory.h"
#include "core/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BOOK_FOLDER "books"
#define BUNDLED "bundled book " /* before the stem: what messages and book.file call it */

static int parse_bundled(const struct embedded_file *f, struct plan_book *out, struct error *err)
{
    char name[sizeof BUNDLED + 64];
    snprintf(name, sizeof name, BUNDLED "%.64s", f->stem);
    return plan_book_parse(name, f->bytes, f->length, out, err);
}

static bool is_bundled(const struct plan_book *book)
{
    return strncmp(book->file, BUNDLED, strlen(BUNDLED)) == 0;
}

static struct plan_book *new_book(struct plan_selection *s)
{
    s->books = mem_resize(s->books, s->book_count + 1, sizeof *s->books);
    s->books[s->book_count] = (struct plan_book){0};
    return &s->books[s->book_count];
}

/* The book of a file, read once. */
static int file_book(struct plan_selection *s, const char *path, size_t *index, struct error *err)
{
    for (*index = 0; *index < s->book_count; ++*index)
        if (strcmp(s->books[*index].file, path) == 0)
            return 0;
    int code = plan_book_load(path, new_book(s), err);
    if (code == 0)
        s->book_count++;
    return code;
}

static int read_bundled(struct plan_selection *s, struct error *err)
{
    for (size_t i = 0; i < s->book_count; i++)
        if (is_bundled(&s->books[i]))
            return 0;
    for (const struct embedded_file *f = NULL; (f = embedded_next(BOOK_FOLDER, f));) {
        int code = parse_bundled(f, new_book(s), err);
        if (code < 0)
            return code;
        s->book_count++;
    }
    return 0;
}

static int add_plan(struct plan_selection *s, const struct plan *plan, const char *item,
                    struct error *err)
{
    for (size_t i = 0; i < s->count; i++) {
        if (s->plans[i] == plan)
            return 0;
        if (strcmp(s->plans[i]->name, plan->name) == 0)
            return error_set(err, ERR_INPUT,
                             "\"%.200s\" brings a second plan named \"%.100s\"; rename one of the "
                             "two, a bill tells plans apart by name",
                             item, plan->name);
    }
    mem_grow(&s->plans, &s->capacity, s->count + 1, sizeof *s->plans);
    s->plans[s->count++] = plan;
    return 0;
}

/* Adds the plans of a book whose name matches, an exact name before a pattern: names may hold *
 * themselves. Counts them in *found. */
static int add_matching(struct plan_selection *s, const struct plan_book *book, const char *pattern,
                        const char *item, size_t *found, struct error *err)
{
    const struct plan *exact = plan_book_find(book, pattern);
    for (size_t i = 0; i < book->count; i++) {
        const struct plan *p = &book->plans[i];
        if (exact ? p != exact : !text_matches(text_of(p->name), text_of(pattern)))
            continue;
        ++*found;
        if (add_plan(s, p, item, err) < 0)
            return ERR_INPUT;
    }
    return 0;
}

/* "oxlo" of oxlo/pro; whatever the case of letters. */
static bool begins_with(const struct plan *p, const char *name)
{
    size_t length = strlen(name);
    return strlen(p->name) > length && p->name[length] == '/' &&
           text_equal_nocase((struct text){p->name, length}, name);
}

static bool is_sold_by(const struct plan *p, const char *name)
{
    return p->seller && text_equal_nocase(text_of(p->seller), name);
}

static void say_taken(struct plan_selection *s, const char *name, size_t from)
{
    struct buffer words;
    buffer_init(&words, BUFFER_UNBOUNDED);
    if (s->taken)
        buffer_add_format(&words, "%s\n", s->taken);
    buffer_add_format(&words, "\"%s\" stands for %zu plan%s", name, s->count - from,
                      s->count - from == 1 ? "" : "s");
    for (size_t i = from; i < s->count; i++)
        buffer_add_format(&words, "%s%s", i > from ? ", " : ": ", s->plans[i]->name);
    free(s->taken);
    s->taken = buffer_take(&words);
}

static int add_those(struct plan_selection *s, size_t first_book, size_t end,
                     bool (*is_meant)(const struct plan *p, const char *name), const char *name,
                     size_t *found, struct error *err)
{
    int code = 0;
    for (size_t b = first_book; b < end && code == 0; b++) {
        const struct plan_book *book = &s->books[b];
        for (size_t i = 0; i < book->count && code == 0; i++) {
            if (!is_meant(&book->plans[i], name))
                continue;
            ++*found;
            code = add_plan(s, &book->plans[i], name, err);
        }
    }
    return code;
}

/* Adds all plans from books whose name begins so, or where none does, of the seller who is called
 * so; counts them in *found. */
static int add_sellers(struct plan_selection *s, size_t first_book, size_t end, const char *name,
                       size_t *found, struct error *err)
{
    size_t before = s->count;
    int code = add_those(s, first_book, end, begins_with, name, found, err);
    if (code == 0 && *found == 0)
        code = add_those(s, first_book, end, is_sold_by, name, found, err);
    if (*found > 0 && code == 0)
        say_taken(s, name, before);
    return code;
}

/* The name that was probably meant: the nearest, else the plan whose last part was typed. */
static const char *nearest_name(const struct plan_book *books, size_t count, const char *typed)
{
    size_t total = 0, names_count = 0;
    const char *last_part = NULL;
    for (size_t b = 0; b < count; b++)
        total += books[b].count + 1;
    const char **names = mem_zero(total + 1, sizeof *names);
    for (size_t b = 0; b < count; b++) {
        if (is_bundled(&books[b]))
            names[names_count++] = books[b].file + strlen(BUNDLED);
        for (size_t i = 0; i < books[b].count; i++) {
            const char *name = books[b].plans[i].name, *slash = strrchr(name, '/');
            names[names_count++] = name;
            if (slash && strcmp(slash + 1, typed) == 0 && !last_part)
                last_part = name;
        }
    }
    const char *near = last_part ? last_part : text_nearest(text_of(typed), names);
    free(names);
    return near;
}

static int unknown(const struct plan_book *books, size_t count, const char *name, const char *where,
                   struct error *err)
{
    const char *near = nearest_name(books, count, name);
    return error_set(err, ERR_INPUT, "no plan \"%.200s\" %s%s%s%s", name, where,
                     near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "");
}

static int select_bundled(struct plan_selection *s, const char *item, struct error *err)
{
    size_t found = 0, count;
    int code = read_bundled(s, err);
    if (code < 0)
        return code;
    count = s->book_count;
    for (size_t b = 0; b < count && code == 0; b++) {
        if (!is_bundled(&s->books[b]))
            continue;
        bool whole = strcmp(s->books[b].file + strlen(BUNDLED), item) == 0;
        code = add_matching(s, &s->books[b], whole ? "*" : item, item, &found, err);
    }
    if (code == 0 && found == 0)
        code = add_sellers(s, 0, count, item, &found, err);
    if (code == 0 && found == 0)
        return unknown(s->books, count, item,
                       "in the bundled books, and no file of that name "
                       "(farebox prices list shows the plans)",
                       err);
    return code;
}

static int select_from_file(struct plan_selection *s, const char *path, const char *pattern,
                            const char *item, struct error *err)
{
    size_t index, found = 0;
    int code = file_book(s, path, &index, err);
    if (code == 0)
        code = add_matching(s, &s->books[index], pattern, item, &found, err);
    if (code == 0 && found == 0)
        code = add_sellers(s, index, index + 1, pattern, &found, err);
    if (code == 0 && found == 0 && strcmp(pattern, "*") != 0)
        return unknown(&s->books[index], 1, pattern, "in that file", err);
    if (code == 0 && s->books[index].count == 0)
        return error_set(err, ERR_INPUT, "%s holds no plan", path);
    return code;
}

static bool looks_like_path(const char *item)
{
    size_t length = strlen(item);
    return strcmp(item, "-") == 0 || item[0] == '.' || item[0] == '/' ||
           (length > 5 && strcmp(item + length - 5, ".json") == 0) ||
           (length > 3 && strcmp(item + length - 3, ".gz") == 0);
}

/* A directory that is called like a plan, as decide --story -o story makes one, holds none. */
static bool is_file(const char *path)
{
    return file_exists(path) && !file_is_directory(path);
}

static int select_item(struct plan_selection *s, char *item, struct error *err)
{
    if (is_file(item))
        return select_from_file(s, item, "*", item, err);
    char *hash = strchr(item, '#');
    if (hash && hash > item) {
        char *path = mem_copy_text(item, (size_t)(hash - item));
        bool file = is_file(path) || looks_like_path(path);
        int code = file ? select_from_file(s, path, hash + 1, item, err) : 0;
        free(path);
        if (file)
            return code;
    }
    if (looks_like_path(item))
        return select_from_file(s, item, "*", item, err);
    return select_bundled(s, item, err);
}

int plan_select(const char *list, struct plan_selection *out, struct error *err)
{
    char *copy = mem_copy_string(list), *rest = copy, *item;
    size_t before = out->count;
    int code = 0;
    while (code == 0 && (item = strsep(&rest, ","))) {
        struct text name = text_trim(text_of(item)); /* blanks inside belong to the name */
        char *one = mem_copy_text(name.at, name.length);
        if (one[0])
            code = select_item(out, one, err);
        free(one);
    }
    free(copy);
    if (code == 0 && out->count == before && before == 0)
        code = error_set(err, ERR_INPUT,
                         "no plans: name files, bundled books or plans, such as "
                         "\"demo\" or \"oxlo/pro,deepseek/r1-671b\"");
    if (code < 0)
        plan_selection_free(out);
    return code;
}

void plan_selection_free(struct plan_selection *selection)
{
    for (size_t i = 0; i < selection->book_count; i++)
        plan_book_free(&selection->books[i]);
    free(selection->books);
    free(selection->plans);
    free(selection->taken);
    *selection = (struct plan_selection){0};
}
