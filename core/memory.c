#include "core/memory.h"

#include "core/stop.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Not by exit(): what it would run may want memory. One thread says so, others that meet it then
 * wait for the end. */
static _Noreturn void end_with(const char *words)
{
    static atomic_flag said = ATOMIC_FLAG_INIT;
    while (atomic_flag_test_and_set(&said))
        pause();
    if (write(STDERR_FILENO, words, strlen(words)) < 0)
        stop_at_once(1); /* nobody reads it */
    stop_at_once(1);
}

static _Noreturn void exhausted(size_t count, size_t size)
{
    char words[128];
    snprintf(words, sizeof words, "farebox: out of memory (wanted %zu × %zu bytes)\n", count, size);
    end_with(words);
}

void mem_exhausted(void)
{
    end_with("farebox: out of memory\n");
}

void *mem_given(void *p)
{
    if (!p && errno == ENOMEM)
        mem_exhausted();
    return p;
}

void *mem_alloc(size_t size)
{
    void *p = malloc(size ? size : 1);
    if (!p)
        exhausted(1, size);
    return p;
}

void *mem_zero(size_t count, size_t size)
{
    void *p = calloc(count ? count : 1, size ? size : 1);
    if (!p)
        exhausted(count, size);
    return p;
}

void *mem_resize(void *old, size_t count, size_t size)
{
    size_t total;
    if (__builtin_mul_overflow(count, size, &total))
        exhausted(count, size);
    void *p = realloc(old, total ? total : 1);
    if (!p)
        exhausted(count, size);
    return p;
}

char *mem_copy_string(const char *text)
{
    return mem_copy_text(text, strlen(text));
}

char *mem_copy_text(const char *text, size_t length)
{
    char *copy = mem_alloc(length + 1);
    memcpy(copy, text, length);
    copy[length] = '\0';
    return copy;
}

void mem_grow(void *items_pointer, size_t *capacity, size_t needed, size_t size)
{
    if (needed <= *capacity)
        return;
    size_t bigger = *capacity + *capacity / 2 + 16;
    if (bigger < needed)
        bigger = needed;
    void *items;
    memcpy(&items, items_pointer, sizeof items);
    items = mem_resize(items, bigger, size);
    memcpy(items_pointer, &items, sizeof items);
    *capacity = bigger;
}

void *mem_append(void *items_pointer, size_t *count, size_t size)
{
    void *items;
    memcpy(&items, items_pointer, sizeof items);
    if ((*count & (*count - 1)) == 0)
        items = mem_resize(items, *count ? 2 * *count : 1, size);
    memcpy(items_pointer, &items, sizeof items);
    return memset((char *)items + (*count)++ * size, 0, size);
}
