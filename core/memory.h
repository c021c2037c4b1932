/* Allocation that does not return NULL.
 *
 * Running out of memory in the middle of a measurement cannot be handled in a way that keeps the
 * measurement; the process says how much it wanted, removes what is half written (core/stop.h) and
 * ends with exit status 1. Everything that a peer or a file can make large is bounded before it
 * gets here (see core/buffer.h), so that bad input meets an error and never this.
 */
#ifndef FAREBOX_CORE_MEMORY_H
#define FAREBOX_CORE_MEMORY_H

#include <stddef.h>

/* All return memory that free() releases; a size of 0 gives a valid pointer. Counts are
 * multiplied with an overflow check. */
void *mem_alloc(size_t size) __attribute__((malloc, returns_nonnull, warn_unused_result));
void *mem_zero(size_t count, size_t size) __attribute__((malloc, returns_nonnull));
void *mem_resize(void *old, size_t count, size_t size)
    __attribute__((returns_nonnull, warn_unused_result));
char *mem_copy_string(const char *text) __attribute__((malloc, returns_nonnull));
char *mem_copy_text(const char *text, size_t length) __attribute__((malloc, returns_nonnull));

/* For a library that found none: says so and ends as the others do. */
_Noreturn void mem_exhausted(void);

/* What a call of the C library gave (opendir(), realpath(), fopen(), ...): a NULL for want of
 * memory, as errno says, ends the program; any other is handed on. */
void *mem_given(void *p);

/* Room for at least `needed` elements in a growing array: *items is resized by half again when
 * *capacity is too small. Typical use: mem_grow((void **)&a->items, &a->capacity, n + 1, size). */
void mem_grow(void *items_pointer, size_t *capacity, size_t needed, size_t size);

/* One more element, zeroed, at the end of an array that grows by doubling and hence needs no
 * capacity beside its count: struct stage *s = mem_append(&a->stages, &a->count, sizeof *s). */
void *mem_append(void *items_pointer, size_t *count, size_t size) __attribute__((returns_nonnull));

/* The elements of an array, not of a pointer. */
#define COUNT_OF(array) (sizeof(array) / sizeof *(array))

#endif
