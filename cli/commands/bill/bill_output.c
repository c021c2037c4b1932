#include "cli/commands/bill/bill_output.h"

#include "cli/report/export/export_bill.h"
#include "cli/report/export/export_shares.h"
#include "cli/report/page/html_bill.h"
#include "cli/report/plot/run_plots.h"
#include "core/file.h"
#include "core/file_output.h"
#include "core/memory.h"
#include "core/runs/record/run_dir.h"
#include "core/runs/record/run_files.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define NAMES_TRIED 1000
#define MAKE_ROOM 0777

bool bill_output_is_directory(const char *path)
{
    struct stat about;
    size_t length = strlen(path);
    if (strcmp(path, "-") == 0)
        return false;
    if (stat(path, &about) == 0)
        return S_ISDIR(about.st_mode);
    return length < 5 || strcmp(path + length - 5, ".json") != 0;
}

/* ---- what is ours in such a directory ---- */

static bool is_our_file(const char *name)
{
    static const char *const files[] = {"index.html", "bill.json", "plans.csv", "requests.csv",
                                        "shares.csv"};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        if (strcmp(name, files[i]) == 0)
            return true;
    return false;
}

/* "plots", "plots-1", ... */
static bool is_our_folder(const char *name)
{
    if (strncmp(name, "plots", 5) != 0)
        return false;
    name += 5;
    return *name == '\0' || (*name == '-' && name[1] && !name[1 + strspn(name + 1, "0123456789")]);
}

static bool is_dots(const char *name)
{
    return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

typedef bool entry_fn(const char *folder, const char *name, void *context);

/* Calls `fn` for every entry until one gives false; what it gave last. */
static bool each_entry(const char *folder, entry_fn *fn, void *context)
{
    DIR *d = mem_given(opendir(folder));
    bool on = true;
    for (struct dirent *e; on && d && (e = readdir(d));)
        if (!is_dots(e->d_name))
            on = fn(folder, e->d_name, context);
    if (d)
        closedir(d);
    return on;
}

static bool is_picture(const char *folder, const char *name, void *foreign)
{
    (void)folder;
    if (run_files_are_plots(name))
        return true;
    snprintf(foreign, 256, "%s", name);
    return false;
}

/* False, with its name, for what farebox did not write. */
static bool is_ours(const char *folder, const char *name, void *foreign)
{
    struct stat about;
    char *path = run_dir_file(folder, name);
    bool there = lstat(path, &about) == 0,
         ours = there && S_ISREG(about.st_mode) && is_our_file(name);
    if (there && S_ISDIR(about.st_mode) && is_our_folder(name))
        ours = each_entry(path, is_picture, foreign);
    else if (!ours)
        snprintf(foreign, 256, "%s", name);
    free(path);
    return ours;
}

static bool remove_picture(const char *folder, const char *name, void *context)
{
    (void)context;
    char *path = run_dir_file(folder, name);
    unlink(path);
    free(path);
    return true;
}

static bool remove_entry(const char *folder, const char *name, void *context)
{
    char *path = run_dir_file(folder, name);
    if (is_our_folder(name)) {
        each_entry(path, remove_picture, context);
        rmdir(path);
    } else {
        unlink(path);
    }
    free(path);
    return true;
}

/* Of a directory that holds nothing that is not ours. */
static void remove_all(const char *folder)
{
    each_entry(folder, remove_entry, NULL);
    rmdir(folder);
}

int bill_output_check(const char *path, bool force, struct error *err)
{
    char foreign[256] = "", *page = run_dir_file(path, "index.html");
    bool bill = file_exists(page);
    free(page);
    if (!file_exists(path) || run_dir_is_empty(path))
        return 0;
    if (!each_entry(path, is_ours, foreign) || !bill)
        return error_set(err, ERR_INPUT,
                         "%s holds something that no bill wrote (%s); choose another -o: --force "
                         "replaces only what a bill wrote",
                         path, foreign[0] ? foreign : "and no index.html");
    if (!force)
        return error_set(err, ERR_INPUT,
                         "%s exists already; choose another -o, or --force to replace the bill in "
                         "it",
                         path);
    return 0;
}

/* ---- the files ---- */

static int write_file(const char *folder, const char *name, const struct buffer *content,
                      struct error *err)
{
    char *path = run_dir_file(folder, name);
    int status = file_write_atomic(path, content->data, content->length, err);
    free(path);
    return status;
}

static int write_tables(const struct bill_output *o, const char *folder, struct error *err)
{
    struct buffer table;
    buffer_init(&table, BUFFER_UNBOUNDED);
    export_bill_plans(o->all->bills, o->all->count, &table);
    int status = write_file(folder, "plans.csv", &table, err);
    if (status == 0 && o->requests) {
        buffer_clear(&table);
        export_bill_requests(o->all->bills, o->all->count, &table);
        status = write_file(folder, "requests.csv", &table, err);
    }
    if (status == 0 && o->all->bills[0]->options.by) {
        buffer_clear(&table);
        export_bill_shares(o->all->bills, o->all->count, &table);
        status = write_file(folder, "shares.csv", &table, err);
    }
    buffer_free(&table);
    return status;
}

/* The folder of a workload's plots, which the caller frees. */
static char *plots_folder(const struct bill_output *o, const char *folder, size_t number)
{
    char name[32] = "plots";
    if (o->all->count > 1)
        snprintf(name, sizeof name, "plots-%zu", number + 1);
    return run_dir_file(folder, name);
}

static int write_page(const struct bill_output *o, const char *folder, struct error *err)
{
    struct html_bill *pages = mem_zero(o->all->count, sizeof *pages);
    char **plots = mem_zero(o->all->count, sizeof *plots);
    struct buffer page;
    int status = 0;
    for (size_t i = 0; i < o->all->count && status == 0; i++) {
        unsigned drawn;
        const struct bill *b = o->all->bills[i];
        plots[i] = plots_folder(o, folder, i);
        pages[i] = (struct html_bill){b, plots[i]};
        if (!o->no_plots)
            status = bill_plots_draw(b, plots[i], &drawn, err);
    }
    buffer_init(&page, BUFFER_UNBOUNDED);
    html_bill_page(pages, o->all, &page);
    if (status == 0)
        status = write_file(folder, "index.html", &page, err);
    buffer_free(&page);
    for (size_t i = 0; i < o->all->count; i++)
        free(plots[i]);
    free(plots);
    free(pages);
    return status;
}

static int write_all(const struct bill_output *o, const char *folder, struct error *err)
{
    int status = write_file(folder, "bill.json", o->json, err);
    if (status == 0)
        status = write_tables(o, folder, err);
    return status < 0 ? status : write_page(o, folder, err);
}

/* ---- the place ---- */

/* "DIR" without slashes behind it. */
static char *trimmed(const char *path)
{
    size_t length = strlen(path);
    while (length > 1 && path[length - 1] == '/')
        length--;
    return mem_copy_text(path, length);
}

/* Makes DIR.new, DIR.new-2, ... beside DIR; NULL and an error where it cannot be made. */
static char *make_beside(const char *path, struct error *err)
{
    char *stem = trimmed(path), *slash = strrchr(stem, '/');
    struct buffer name;
    int status = 0;
    if (slash && slash != stem) {
        *slash = '\0';
        status = file_make_directories(stem, err);
        *slash = '/';
    }
    buffer_init(&name, BUFFER_UNBOUNDED);
    for (int i = 1; i <= NAMES_TRIED && status == 0; i++) {
        buffer_clear(&name);
        buffer_add_format(&name, i == 1 ? "%s.new" : "%s.new-%d", stem, i);
        if (mkdir(name.data, MAKE_ROOM) == 0)
            break;
        if (errno != EEXIST || i == NAMES_TRIED)
            status = error_errno(err, "%s cannot be made", name.data);
    }
    free(stem);
    if (status == 0)
        return buffer_take(&name);
    buffer_free(&name);
    return NULL;
}

/* In one step, also where an earlier bill is. */
static int take_place(const char *new, const char *path, struct error *err)
{
    if (rename(new, path) == 0) /* nothing was there, or an empty directory */
        return 0;
    if (errno != ENOTEMPTY && errno != EEXIST)
        return error_errno(err, "%s cannot be put in place", path);
    if (renameat2(AT_FDCWD, new, AT_FDCWD, path, RENAME_EXCHANGE) == 0) {
        remove_all(new);
        return 0;
    }
    if (errno != EINVAL && errno != ENOSYS)
        return error_errno(err, "%s cannot be replaced", path);
    remove_all(path); /* a file system that cannot exchange */
    return rename(new, path) == 0 ? 0 : error_errno(err, "%s cannot be put in place", path);
}

int bill_output_write(const struct bill_output *o, struct buffer *words, struct error *err)
{
    char *folder = make_beside(o->path, err), *path = trimmed(o->path);
    int status = folder ? write_all(o, folder, err) : err->code;
    if (status == 0)
        status = take_place(folder, path, err);
    if (status < 0 && folder)
        remove_all(folder);
    if (status == 0 && file_exists(folder))
        buffer_add_format(words,
                          "\n%s has what is left of the earlier bill: what could not be removed\n",
                          folder);
    if (status == 0)
        buffer_add_format(words, "\nwritten to %s/: index.html, bill.json, plans.csv%s%s%s\n", path,
                          o->all->bills[0]->options.by ? ", shares.csv" : "",
                          o->requests ? ", requests.csv" : "",
                          o->no_plots ? "" : ", plots (SVG and PNG)");
    free(folder);
    free(path);
    return status;
}
