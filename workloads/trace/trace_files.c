#include "workloads/trace/trace_files.h"

#include "core/file.h"
#include "core/memory.h"
#include "core/runs/record/run_dir.h"

#include <dirent.h>
#include <glob.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define MAX_DEPTH 16
#define MAX_FILES 100000 /* more is a mistake: the root of a disk */

static void add(struct trace_files *f, char *path)
{
    char **place = mem_append(&f->paths, &f->count, sizeof *place);
    *place = path;
}

static bool ends_with(const char *name, size_t length, const char *ending)
{
    size_t n = strlen(ending);
    return length > n && memcmp(name + length - n, ending, n) == 0;
}

static bool is_log_name(const char *name)
{
    static const char *const endings[] = {".jsonl", ".ndjson", ".json", ".csv",
                                          ".tsv",   ".log",    ".txt"};
    size_t length = strlen(name);
    if (ends_with(name, length, ".gz"))
        length -= 3;
    for (size_t i = 0; i < COUNT_OF(endings); i++)
        if (ends_with(name, length, endings[i]))
            return true;
    return false;
}

static char *join(const char *folder, const char *name)
{
    size_t length = strlen(folder), slash = length > 0 && folder[length - 1] == '/';
    char *path = mem_alloc(length + strlen(name) + 2);
    memcpy(path, folder, length);
    path[length] = '/';
    strcpy(path + length + 1 - slash, name);
    return path;
}

static void walk(const char *folder, int depth, struct trace_files *f)
{
    DIR *open = depth < MAX_DEPTH ? mem_given(opendir(folder)) : NULL;
    struct dirent *entry;
    while (open && f->count <= MAX_FILES && (entry = readdir(open))) {
        struct stat about;
        if (entry->d_name[0] == '.')
            continue;
        char *path = join(folder, entry->d_name);
        bool there = lstat(path, &about) == 0;
        if (there && S_ISREG(about.st_mode) && about.st_size > 0 && is_log_name(entry->d_name)) {
            add(f, path);
            continue;
        }
        if (there && S_ISDIR(about.st_mode))
            walk(path, depth + 1, f);
        free(path);
    }
    if (open)
        closedir(open);
}

static void match(const char *pattern, struct trace_files *f)
{
    glob_t found = {0};
    int status = glob(pattern, GLOB_TILDE, NULL, &found);
    if (status == GLOB_NOSPACE)
        mem_exhausted();
    if (status == 0)
        for (size_t i = 0; i < found.gl_pathc; i++)
            add(f, mem_copy_string(found.gl_pathv[i]));
    globfree(&found);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static int find(const char *path, struct trace_files *out, struct error *err)
{
    struct stat about;
    bool there = strcmp(path, "-") == 0 || stat(path, &about) == 0;
    if (there && strcmp(path, "-") != 0 && S_ISDIR(about.st_mode)) {
        char *records = run_dir_file(path, "requests.jsonl");
        if (file_exists(records)) {
            add(out, records);
            return 0;
        }
        free(records);
        walk(path, 0, out);
        if (out->count > MAX_FILES)
            return error_at(err, path, 0, 0, "holds more than %d files", MAX_FILES);
        if (out->count == 0)
            return error_at(err, path, 0, 0,
                            "holds neither a run's requests.jsonl nor any log "
                            "(.jsonl, .json, .csv, ..., and .gz of them)");
    } else if (!there && strpbrk(path, "*?[")) {
        match(path, out);
        if (out->count == 0)
            return error_at(err, path, 0, 0, "matches no file");
    } else {
        add(out, mem_copy_string(path));
    }
    qsort(out->paths, out->count, sizeof *out->paths, by_name);
    return 0;
}

int trace_files_find(const char *path, struct trace_files *out, struct error *err)
{
    *out = (struct trace_files){0};
    int status = find(path, out, err);
    if (status < 0)
        trace_files_free(out);
    return status;
}

void trace_files_free(struct trace_files *f)
{
    for (size_t i = 0; i < f->count; i++)
        free(f->paths[i]);
    free(f->paths);
    *f = (struct trace_files){0};
}
