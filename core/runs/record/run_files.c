#include "core/runs/record/run_files.h"

#include "core/file.h"
#include "core/file_output.h"
#include "core/memory.h"
#include "core/runs/record/run_dir.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *const files[] = {"run.json",
                                    "requests.jsonl",
                                    "histograms.json",
                                    "timeline.jsonl",
                                    "summary.json",
                                    "bill.json",
                                    "report.html",
                                    "engine.json",
                                    "endpoints.json",
                                    "server.jsonl",
                                    "sweep.jsonl",
                                    "sweep.json",
                                    "find-max.json",
                                    "vllm.json",
                                    "profile_export.jsonl",
                                    "requests.csv",
                                    "otlp.jsonl",
                                    "run.sqlite",
                                    "profile_export_aiperf.json",
                                    NULL};

static const char *const plots[] = {
    "latency-cdf", "spectrum", "latency-heat", "chunk-gaps", "timeline", "cost-cdf", "spend",
    "cheapest",    "variance", "ladder",       "sweep",      "usl",      NULL};

static const char *const points[] = {"rate-", "concurrency-", "probe-", "rank-", NULL};

/* The first of the names that `name` begins with and that is followed by one of the endings; an
 * ending "" is the end. */
static bool is_one_of(const char *name, const char *const *names, const char *const *endings)
{
    for (size_t i = 0; names[i]; i++) {
        size_t length = strlen(names[i]);
        if (strncmp(name, names[i], length) != 0)
            continue;
        for (size_t k = 0; endings[k]; k++)
            if (strcmp(name + length, endings[k]) == 0)
                return true;
        if (strncmp(name + length, FILE_OUTPUT_TEMPORARY, strlen(FILE_OUTPUT_TEMPORARY)) == 0)
            return true;
    }
    return false;
}

bool run_files_are_ours(const char *name)
{
    return is_one_of(name, files, (const char *const[]){"", NULL});
}

bool run_files_are_plots(const char *name)
{
    return is_one_of(name, plots, (const char *const[]){".svg", ".png", ".gp", NULL});
}

static bool is_dots(const char *name)
{
    return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

void run_files_clear(const char *path)
{
    DIR *d = mem_given(opendir(path));
    if (!d)
        return;
    for (struct dirent *e; (e = readdir(d));)
        if (run_files_are_ours(e->d_name) && strcmp(e->d_name, "run.json") != 0)
            unlinkat(dirfd(d), e->d_name, 0);
    unlinkat(dirfd(d), "run.json", 0);
    closedir(d);
}

/* "sweep.json.farebox-a1B2c3" */
static bool is_cut(const char *name)
{
    const char *mark = strstr(name, FILE_OUTPUT_TEMPORARY);
    size_t letters = 0;
    if (!mark || mark == name)
        return false;
    mark += strlen(FILE_OUTPUT_TEMPORARY);
    while (isalnum((unsigned char)mark[letters]))
        letters++;
    return letters == 6 && mark[letters] == '\0';
}

static void clear_cut(const char *path)
{
    DIR *d = mem_given(opendir(path));
    if (!d)
        return;
    for (struct dirent *e; (e = readdir(d));)
        if (is_cut(e->d_name))
            unlinkat(dirfd(d), e->d_name, 0);
    closedir(d);
}

void run_files_clear_cut(const char *path)
{
    char *pictures = run_dir_file(path, "plots");
    clear_cut(path);
    clear_cut(pictures);
    free(pictures);
}

static bool is_our_folder(const char *path, const char *name)
{
    struct stat about;
    bool named = strcmp(name, "plots") == 0 || strcmp(name, "aiperf") == 0;
    for (size_t i = 0; points[i]; i++) {
        size_t length = strlen(points[i]);
        named = named ||
                (strncmp(name, points[i], length) == 0 && isdigit((unsigned char)name[length]));
    }
    return named && lstat(path, &about) == 0 && S_ISDIR(about.st_mode);
}

/* What a report drew is known by its name in plots/ only. */
static void replace_entry(const char *old, const char *new, const char *name, bool in_plots)
{
    char *from = run_dir_file(old, name), *to = run_dir_file(new, name);
    struct stat about;
    if (is_our_folder(from, name))
        run_files_replace(from, to);
    else if (in_plots && run_files_are_plots(name))
        unlink(from);
    else if (lstat(to, &about) < 0 && errno == ENOENT && file_make_directories(new, NULL) == 0)
        rename(from, to);
    free(from);
    free(to);
}

void run_files_replace(const char *old, const char *new)
{
    const char *slash = strrchr(old, '/');
    bool in_plots = strcmp(slash ? slash + 1 : old, "plots") == 0;
    DIR *d = mem_given(opendir(old));
    if (!d)
        return;
    for (struct dirent *e; (e = readdir(d));)
        if (!is_dots(e->d_name) && !run_files_are_ours(e->d_name))
            replace_entry(old, new, e->d_name, in_plots);
    closedir(d);
    run_files_clear(old);
    rmdir(old);
}
