/* The runs inside a folder of repeats. */
#include "core/memory.h"
#include "core/runs/compare/repeat_diff.h"
#include "core/runs/record/run_dir.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

struct numbered {
    unsigned long long number;
    char *path;
};

static int by_number(const void *a, const void *b)
{
    const struct numbered *x = a, *y = b;
    return x->number < y->number ? -1 : x->number > y->number;
}

/* "3" of a series of one endpoint, "3-2" of one of several. */
static bool is_repeat(const char *name, size_t side, unsigned long long *number)
{
    unsigned long long endpoint = 0;
    int end = 0, longer = 0;
    int parts = sscanf(name, "%llu%n-%llu%n", number, &end, &endpoint, &longer);
    if (name[0] < '0' || name[0] > '9')
        return false;
    return side > 0 ? parts == 2 && name[longer] == '\0' && endpoint == side
                    : parts >= 1 && name[end] == '\0';
}

size_t repeat_folder_list(const char *folder, size_t side, char ***paths)
{
    struct numbered *found = NULL;
    size_t count = 0, capacity = 0;
    DIR *d = mem_given(opendir(folder));
    for (struct dirent *e; d && (e = readdir(d));) {
        unsigned long long number;
        if (!is_repeat(e->d_name, side, &number))
            continue;
        char *path = run_dir_file(folder, e->d_name);
        if (!run_dir_is_run(path)) {
            free(path);
            continue;
        }
        mem_grow(&found, &capacity, count + 1, sizeof *found);
        found[count++] = (struct numbered){number, path};
    }
    if (d)
        closedir(d);
    if (count > 0)
        qsort(found, count, sizeof *found, by_number);
    *paths = mem_alloc((count + 1) * sizeof **paths);
    for (size_t i = 0; i < count; i++)
        (*paths)[i] = found[i].path;
    free(found);
    return count;
}
