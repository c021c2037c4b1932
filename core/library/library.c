#include "core/library/library.h"

#include "core/memory.h"

#include <cjson/cJSON.h>
#include <curl/curl.h>
#include <event2/event.h>
#include <gsl/gsl_errno.h>
#include <limits.h>
#include <malloc.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdlib.h>

static void *resize(void *old, size_t size)
{
    return mem_resize(old, 1, size);
}

void library_on_gsl_error(const char *reason, const char *file, int line, int code)
{
    (void)reason;
    (void)file;
    (void)line;
    if (code == GSL_ENOMEM)
        mem_exhausted();
}

/* ---- SQLite: sizes are int there ---- */

static void *sqlite_alloc(int size)
{
    return mem_alloc((size_t)size);
}

static void *sqlite_resize(void *old, int size)
{
    return mem_resize(old, 1, (size_t)size);
}

static int sqlite_size(void *p)
{
    size_t size = malloc_usable_size(p);
    return size > INT_MAX ? INT_MAX : (int)size;
}

static int sqlite_round(int size)
{
    return size > INT_MAX - 7 ? size : (size + 7) / 8 * 8;
}

static int sqlite_begin(void *context)
{
    (void)context;
    return SQLITE_OK;
}

static void sqlite_end(void *context)
{
    (void)context;
}

void library_prepare(void)
{
    static const sqlite3_mem_methods methods = {sqlite_alloc, free,         sqlite_resize,
                                                sqlite_size,  sqlite_round, sqlite_begin,
                                                sqlite_end,   NULL};
    cJSON_Hooks hooks = {mem_alloc, free};
    gsl_set_error_handler(library_on_gsl_error);
    event_set_mem_functions(mem_alloc, resize, free);
    cJSON_InitHooks(&hooks);
    sqlite3_config(SQLITE_CONFIG_MALLOC, &methods);
}

/* ---- libcurl ---- */

static void begin_curl(void)
{
    curl_global_init_mem(CURL_GLOBAL_DEFAULT, mem_alloc, free, resize, mem_copy_string, mem_zero);
}

void library_prepare_curl(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, begin_curl);
}
