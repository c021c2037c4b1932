#include "core/names.h"

#include "core/memory.h"

#include <stdlib.h>
#include <string.h>

#define BLOCK_SIZE ((size_t)1 << 16)

void names_init(struct names *n)
{
    *n = (struct names){0};
}

void names_free(struct names *n)
{
    for (size_t i = 0; i < n->block_count; i++)
        free(n->blocks[i]);
    free(n->blocks);
    free(n->texts);
    free(n->lengths);
    free(n->slots);
    names_init(n);
}

static const char *keep_text(struct names *n, struct text text)
{
    size_t size = text.length + 1;
    if (size > n->block_left) {
        size_t block = size > BLOCK_SIZE ? size : BLOCK_SIZE;
        mem_grow(&n->blocks, &n->block_capacity, n->block_count + 1, sizeof *n->blocks);
        n->block_at = n->blocks[n->block_count++] = mem_alloc(block);
        n->block_left = block;
    }
    char *kept = n->block_at;
    if (text.length > 0) /* an empty one may stand nowhere */
        memcpy(kept, text.at, text.length);
    kept[text.length] = '\0';
    n->block_at += size;
    n->block_left -= size;
    return kept;
}

/* The slot that holds the text, or the free one where it would go. */
static size_t find_slot(const struct names *n, struct text text)
{
    size_t mask = n->slot_count - 1, at = text_hash(text.at, text.length) & mask;
    for (; n->slots[at]; at = (at + 1) & mask) {
        uint32_t number = n->slots[at] - 1;
        if (n->lengths[number] == text.length &&
            memcmp(n->texts[number], text.at, text.length) == 0)
            break;
    }
    return at;
}

static void grow_slots(struct names *n)
{
    free(n->slots);
    n->slot_count = n->slot_count ? n->slot_count * 2 : 64;
    n->slots = mem_zero(n->slot_count, sizeof *n->slots);
    for (size_t i = 0; i < n->count; i++)
        n->slots[find_slot(n, (struct text){n->texts[i], n->lengths[i]})] = (uint32_t)i + 1;
}

uint32_t names_add(struct names *n, struct text text)
{
    if ((n->count + 1) * 2 > n->slot_count)
        grow_slots(n);
    size_t slot = find_slot(n, text);
    if (n->slots[slot])
        return n->slots[slot] - 1;
    mem_grow(&n->texts, &n->text_capacity, n->count + 1, sizeof *n->texts);
    mem_grow(&n->lengths, &n->length_capacity, n->count + 1, sizeof *n->lengths);
    n->texts[n->count] = keep_text(n, text);
    n->lengths[n->count] = (uint32_t)text.length;
    n->slots[slot] = (uint32_t)++n->count;
    return (uint32_t)n->count - 1;
}

uint32_t names_find(const struct names *n, struct text text)
{
    if (n->slot_count == 0)
        return NAME_NONE;
    size_t slot = find_slot(n, text);
    return n->slots[slot] ? n->slots[slot] - 1 : NAME_NONE;
}

const char *names_text(const struct names *n, uint32_t number)
{
    return number < n->count ? n->texts[number] : NULL;
}
