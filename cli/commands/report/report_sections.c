#include "cli/commands/report/report_sections.h"

#include "core/file.h"
#include "core/json/json_look.h"
#include "core/memory.h"
#include "core/runs/record/run_dir.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LARGEST_DOCUMENT ((size_t)256 << 20)

static char *trimmed(const char *path)
{
    size_t length = strlen(path);
    while (length > 1 && path[length - 1] == '/')
        length--;
    return mem_copy_text(path, length);
}

static struct report_section *add_section(struct report_sections *s, enum report_kind kind,
                                          const char *path)
{
    mem_grow(&s->items, &s->capacity, s->count + 1, sizeof *s->items);
    struct report_section *section = &s->items[s->count++];
    *section = (struct report_section){.kind = kind, .path = trimmed(path), .first = s->run_count};
    const char *slash = strrchr(section->path, '/');
    section->name = slash && slash[1] ? slash + 1 : section->path;
    return section;
}

static void add_run(struct report_sections *s, char *path, size_t group)
{
    mem_grow(&s->runs, &s->run_capacity, s->run_count + 1, sizeof *s->runs);
    s->runs[s->run_count++] = (struct report_run){path, group};
    s->items[s->count - 1].count++;
}

static void add_group(struct report_section *section, const char *name)
{
    char **group = mem_append(&section->groups, &section->group_count, sizeof *section->groups);
    *group = mem_copy_string(name);
}

static bool has_file(const char *path, const char *name)
{
    char *file = run_dir_file(path, name);
    bool there = file_exists(file);
    free(file);
    return there;
}

static int read_document(const char *path, const char *name, char **out, struct error *err)
{
    char *file = run_dir_file(path, name);
    size_t length;
    struct json_scan s;
    struct text value = {0};
    int status = file_read_all(file, LARGEST_DOCUMENT, out, &length, err);
    if (status == 0) {
        json_scan_init(&s, file, *out, length, 1);
        json_skip(&s, &value);
        status = json_scan_end(&s, err);
    }
    if (status == 0) /* without its line's end */
        (*out)[(size_t)(value.at - *out) + value.length] = '\0';
    free(file);
    return status;
}

/* ---- an A/B ---- */

/* "A", or "A: vllm-0.9". */
static void add_sides(struct report_section *section)
{
    struct text *sides;
    size_t count = json_look_items(text_of(section->json), "sides", &sides);
    for (size_t i = 0; i < count; i++) {
        char *letter = json_look_string(sides[i], "side"),
             *name = json_look_string(sides[i], "name"), label[120];
        bool named = letter && name && strcmp(letter, name) != 0;
        snprintf(label, sizeof label, "%.20s%s%.80s", letter ? letter : "?", named ? ": " : "",
                 named ? name : "");
        add_group(section, label);
        free(letter);
        free(name);
    }
    free(sides);
}

static int add_compare(struct report_sections *s, const char *path, struct error *err)
{
    struct report_section *section = add_section(s, REPORT_COMPARE, path);
    struct text *runs, side;
    if (read_document(path, "compare.json", &section->json, err) < 0)
        return err->code;
    add_sides(section);
    size_t count = json_look_items(text_of(section->json), "runs", &runs);
    for (size_t i = 0; i < count; i++) {
        char *name = json_look_string(runs[i], "path"),
             *run = name ? run_dir_file(section->path, name) : NULL;
        bool b = json_look(runs[i], "side", &side) && text_equal(side, "\"B\"");
        if (run && json_look_true(runs[i], "whole") && run_dir_is_run(run) &&
            section->group_count == 2)
            add_run(s, run, b);
        else
            free(run);
        free(name);
    }
    free(runs);
    return 0;
}

/* ---- repeats ---- */

struct member {
    unsigned long turn, endpoint; /* endpoint 0: there is only one */
    char name[32];
};

static int by_endpoint(const void *a, const void *b)
{
    const struct member *x = a, *y = b;
    if (x->endpoint != y->endpoint)
        return x->endpoint < y->endpoint ? -1 : 1;
    return x->turn < y->turn ? -1 : x->turn > y->turn;
}

/* "12" or "12-3". */
static bool is_member(const char *path, const char *name, struct member *out)
{
    int end = 0, longer = 0;
    *out = (struct member){0};
    if (strlen(name) >= sizeof out->name || name[0] < '1' || name[0] > '9')
        return false;
    int parts = sscanf(name, "%lu%n-%lu%n", &out->turn, &end, &out->endpoint, &longer);
    if (parts < 1 || name[parts == 2 ? longer : end] != '\0')
        return false;
    snprintf(out->name, sizeof out->name, "%s", name);
    char *run = run_dir_file(path, name);
    bool there = run_dir_is_run(run);
    free(run);
    return there;
}

static size_t list_members(const char *path, struct member **out)
{
    DIR *d = mem_given(opendir(path));
    size_t count = 0, capacity = 0;
    struct member m;
    *out = NULL;
    for (struct dirent *e; d && (e = readdir(d));)
        if (is_member(path, e->d_name, &m)) {
            mem_grow(out, &capacity, count + 1, sizeof **out);
            (*out)[count++] = m;
        }
    if (d)
        closedir(d);
    if (count)
        qsort(*out, count, sizeof **out, by_endpoint);
    return count;
}

static bool add_repeats(struct report_sections *s, const char *path)
{
    struct member *members;
    size_t count = list_members(path, &members);
    struct report_section *section = count ? add_section(s, REPORT_REPEATS, path) : NULL;
    for (size_t i = 0; i < count; i++) {
        if (i == 0 || members[i].endpoint != members[i - 1].endpoint) {
            char label[64];
            snprintf(label, sizeof label, members[i].endpoint ? "endpoint %lu" : "repeats",
                     members[i].endpoint);
            add_group(section, label);
        }
        add_run(s, run_dir_file(section->path, members[i].name), section->group_count - 1);
    }
    free(members);
    return count > 0;
}

/* ---- all of them ---- */

static int add_document(struct report_sections *s, const char *path, struct error *err)
{
    for (int kind = 0; kind < HTML_KINDS; kind++) {
        const char *name = html_document_file((enum html_kind)kind);
        if (!has_file(path, name))
            continue;
        struct report_section *section = add_section(s, REPORT_DOCUMENT, path);
        section->document = (enum html_kind)kind;
        return read_document(path, name, &section->json, err);
    }
    return error_set(
        err, ERR_INPUT,
        "%s is no run directory: it has no requests.jsonl, nor repeats of a run (1, 2, "
        "...), compare.json, sweep.json, find-max.json, capacity.json, forecast.json, "
        "bill.json, decide.json or story.json",
        path);
}

static int add_path(struct report_sections *s, const char *path, struct error *err)
{
    if (run_dir_is_run(path)) {
        if (s->count == 0 || s->items[s->count - 1].kind != REPORT_RUNS)
            add_section(s, REPORT_RUNS, path);
        add_run(s, mem_copy_string(path), s->items[s->count - 1].count);
        return 0;
    }
    if (has_file(path, "compare.json"))
        return add_compare(s, path, err);
    return add_repeats(s, path) ? 0 : add_document(s, path, err);
}

int report_sections_find(struct report_sections *out, const char *const *paths, size_t count,
                         struct error *err)
{
    for (size_t i = 0; i < count; i++)
        if (add_path(out, paths[i], err) < 0)
            return err->code;
    return 0;
}

void report_sections_free(struct report_sections *s)
{
    for (size_t i = 0; i < s->count; i++) {
        for (size_t k = 0; k < s->items[i].group_count; k++)
            free(s->items[i].groups[k]);
        free(s->items[i].groups);
        free(s->items[i].path);
        free(s->items[i].json);
    }
    for (size_t i = 0; i < s->run_count; i++)
        free(s->runs[i].path);
    free(s->runs);
    free(s->items);
    *s = (struct report_sections){0};
}
