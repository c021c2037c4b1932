#include "workloads/scenario/servegen_files.h"

#include "core/file.h"
#include "core/memory.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define MOST_BYTES ((size_t)1 << 30)
#define MOST_CLIENTS 100000
#define MOST_DEPTH 5
#define TAR_BLOCK 512

void servegen_files_free(struct servegen_files *f)
{
    for (size_t i = 0; i < f->count; i++) {
        free(f->clients[i].trace);
        free(f->clients[i].trace_name);
        free(f->clients[i].dataset);
        free(f->clients[i].dataset_name);
    }
    free(f->clients);
    *f = (struct servegen_files){0};
}

/* "…/chunk-12-trace.csv": the client's number and which file; false for any other name. */
static bool is_chunk(const char *name, uint64_t *number, bool *trace)
{
    const char *slash = strrchr(name, '/');
    const char *at = slash ? slash + 1 : name;
    if (strncmp(at, "chunk-", 6) != 0)
        return false;
    at += 6;
    const char *dash = strchr(at, '-');
    if (!dash || !text_to_u64((struct text){at, (size_t)(dash - at)}, number))
        return false;
    *trace = strcmp(dash, "-trace.csv") == 0;
    return *trace || strcmp(dash, "-dataset.json") == 0;
}

/* Takes the bytes over; a file that comes twice replaces the earlier one. */
static int add_file(struct servegen_files *f, const char *name, char *bytes, size_t length,
                    struct error *err)
{
    uint64_t number;
    bool trace;
    if (!is_chunk(name, &number, &trace)) {
        free(bytes);
        return 0;
    }
    size_t i = 0;
    while (i < f->count && f->clients[i].number != number)
        i++;
    if (i == MOST_CLIENTS) {
        free(bytes);
        return error_set(err, ERR_INPUT, "%s: more than %d clients", name, MOST_CLIENTS);
    }
    if (i == f->count) {
        mem_grow((void **)&f->clients, &f->capacity, f->count + 1, sizeof *f->clients);
        f->clients[f->count++] = (struct servegen_client){.number = number};
    }
    struct servegen_client *c = &f->clients[i];
    char **text = trace ? &c->trace : &c->dataset;
    char **text_name = trace ? &c->trace_name : &c->dataset_name;
    free(*text);
    free(*text_name);
    *text = bytes;
    *text_name = mem_copy_string(name);
    *(trace ? &c->trace_length : &c->dataset_length) = length;
    return 0;
}

/* An octal field of a tar header; -1 if it is none. */
static int64_t octal(const char *field, size_t size)
{
    int64_t value = 0;
    size_t i = 0;
    while (i < size && field[i] == ' ')
        i++;
    if (i == size || field[i] < '0' || field[i] > '7')
        return -1;
    for (; i < size && field[i] >= '0' && field[i] <= '7'; i++)
        value = value * 8 + (field[i] - '0');
    return value;
}

/* The entries of a ustar archive (POSIX.1-1988 and later; GNU's too for names below 256 bytes). */
static int read_tar(const char *path, const char *bytes, size_t length, struct servegen_files *out,
                    struct error *err)
{
    size_t at = 0;
    while (at + TAR_BLOCK <= length && bytes[at]) {
        const char *header = bytes + at;
        char name[512];
        int64_t size = octal(header + 124, 12);
        if (memcmp(header + 257, "ustar", 5) != 0 || size < 0)
            return error_set(err, ERR_INPUT, "%s is no tar archive (at byte %zu)", path, at);
        at += TAR_BLOCK;
        if ((uint64_t)size > length - at)
            return error_set(err, ERR_INPUT, "%s ends in the middle of a file (at byte %zu)", path,
                             at);
        snprintf(name, sizeof name, "%.155s%s%.100s", header + 345, header[345] ? "/" : "", header);
        bool file = header[156] == '0' || header[156] == '\0';
        if (file &&
            add_file(out, name, mem_copy_text(bytes + at, (size_t)size), (size_t)size, err) < 0)
            return ERR_INPUT;
        at += ((size_t)size + TAR_BLOCK - 1) / TAR_BLOCK * TAR_BLOCK;
        if (at > length)
            break;
    }
    return 0;
}

static int read_folder(const char *path, int depth, struct servegen_files *out, struct error *err)
{
    DIR *folder = mem_given(opendir(path));
    if (!folder)
        return error_errno(err, "%s cannot be read", path);
    int status = 0;
    for (struct dirent *e; status == 0 && (e = readdir(folder));) {
        char name[4096];
        struct stat info;
        uint64_t number;
        bool trace;
        if (e->d_name[0] == '.' ||
            snprintf(name, sizeof name, "%s/%s", path, e->d_name) >= (int)sizeof name ||
            stat(name, &info) < 0)
            continue;
        if (S_ISDIR(info.st_mode) && depth < MOST_DEPTH) {
            status = read_folder(name, depth + 1, out, err);
        } else if (is_chunk(name, &number, &trace)) {
            char *bytes;
            size_t length;
            status = file_read_all(name, MOST_BYTES, &bytes, &length, err);
            if (status == 0)
                status = add_file(out, name, bytes, length, err);
        }
    }
    closedir(folder);
    return status;
}

static int compare_clients(const void *a, const void *b)
{
    const struct servegen_client *left = a, *right = b;
    return (left->number > right->number) - (left->number < right->number);
}

int servegen_files_read(const char *path, struct servegen_files *out, struct error *err)
{
    int status;
    *out = (struct servegen_files){0};
    if (file_is_directory(path)) {
        status = read_folder(path, 0, out, err);
    } else {
        char *bytes;
        size_t length;
        status = file_read_all(path, MOST_BYTES, &bytes, &length, err);
        if (status == 0) {
            status = read_tar(path, bytes, length, out, err);
            free(bytes);
        }
    }
    if (status == 0 && out->count == 0)
        status = error_set(err, ERR_INPUT,
                           "%s holds no ServeGen clients: expected files named chunk-N-trace.csv "
                           "and chunk-N-dataset.json",
                           path);
    if (status < 0)
        servegen_files_free(out);
    else
        qsort(out->clients, out->count, sizeof *out->clients, compare_clients);
    return status;
}
