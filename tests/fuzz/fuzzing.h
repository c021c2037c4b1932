/* What fuzzers share that want files: a folder of their own, a command run inside of the process.
 *
 *     const char *path = fuzz_write("book.json", bytes, size);   // in fuzz_folder()
 *     int status = fuzz_run("prices", "check", path);           // as if typed; prints nothing
 *
 * The folder goes when the process ends.
 */
#ifndef FAREBOX_TESTS_FUZZING_H
#define FAREBOX_TESTS_FUZZING_H

#include "cli/command.h"
#include "core/memory.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char fuzz_place[64];

static inline int fuzz_remove(const char *path, const struct stat *info, int kind, struct FTW *at)
{
    (void)info;
    (void)kind;
    (void)at;
    return remove(path);
}

static inline void fuzz_clear(const char *folder)
{
    nftw(folder, fuzz_remove, 8, FTW_DEPTH | FTW_PHYS);
}

static inline void fuzz_end(void)
{
    fuzz_clear(fuzz_place);
}

/* In memory where that can be. */
static inline const char *fuzz_folder(void)
{
    if (!*fuzz_place) {
        snprintf(fuzz_place, sizeof fuzz_place, "%s/farebox-fuzz-XXXXXX",
                 access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
        if (!mkdtemp(fuzz_place))
            abort();
        atexit(fuzz_end);
    }
    return fuzz_place;
}

/* The path is lent until as many more were asked for as there are places. */
static inline const char *fuzz_path(const char *name)
{
    static char paths[8][256];
    static unsigned next;
    char *path = paths[next++ % 8];
    snprintf(path, sizeof paths[0], "%s/%s", fuzz_folder(), name);
    return path;
}

static inline const char *fuzz_write(const char *name, const void *bytes, size_t size)
{
    const char *path = fuzz_path(name);
    FILE *f = fopen(path, "w");
    if (!f || fwrite(bytes, 1, size, f) != size || fclose(f) != 0)
        abort();
    return path;
}

/* The command's error code. What goes wrong says so, and where. */
static inline int fuzz_command(const char *const *words, size_t count)
{
    static struct terminal nowhere;
    struct error err = {0};
    if (!nowhere.human) {
        nowhere = (struct terminal){.width = TERMINAL_NARROW};
        nowhere.human = nowhere.machine = fopen("/dev/null", "w");
        if (!nowhere.human)
            abort();
    }
    int code = command_invoke(&nowhere, words, count, &err);
    if (code < 0 && !err.message[0])
        abort();
    return code;
}

#define fuzz_run(...)                                \
    fuzz_command((const char *const[]){__VA_ARGS__}, \
                 sizeof((const char *const[]){__VA_ARGS__}) / sizeof(const char *))

/* The bytes as a text that ends where its first NUL stands; the caller frees it. */
static inline char *fuzz_text(const uint8_t *data, size_t size)
{
    return mem_copy_text((const char *)data, strnlen((const char *)data, size));
}

#endif
