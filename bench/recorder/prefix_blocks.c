#include "bench/recorder/prefix_blocks.h"

#include "core/memory.h"

#include <stdlib.h>
#include <string.h>

#define MOST_BLOCKS ((size_t)4 << 20) /* some 200 MB of memory */
#define LASTING_BYTES 4               /* a token, where numbers must last */
#define TAIL_MARK UINT64_C(0x7461696c7461696c)

static void forget(struct prefix_blocks *b)
{
    digest_map_free(&b->map);
    b->items[0] = (struct prefix_block){0};
    b->count = 1;
    b->first_id = b->next_id;
}

void prefix_blocks_init(struct prefix_blocks *b, const struct siphash_key *key,
                        uint32_t block_tokens, bool lasting)
{
    *b = (struct prefix_blocks){
        .key = *key, .block_tokens = block_tokens, .lasting = lasting, .most = MOST_BLOCKS};
    mem_grow(&b->items, &b->capacity, 1, sizeof *b->items);
    forget(b);
}

void prefix_blocks_free(struct prefix_blocks *b)
{
    digest_map_free(&b->map);
    free(b->items);
    free(b->ids);
    explicit_bzero(&b->key, sizeof b->key);
}

/* The block of that hash, made where it is new. */
static uint32_t block_of(struct prefix_blocks *b, uint64_t hash)
{
    uint32_t at = digest_map_find(&b->map, hash);
    if (at != DIGEST_NONE)
        return at;
    at = (uint32_t)b->count;
    mem_grow(&b->items, &b->capacity, b->count + 1, sizeof *b->items);
    b->items[b->count++] = (struct prefix_block){.hash = hash};
    b->next_id++;
    digest_map_set(&b->map, hash, at);
    return at;
}

/* A block that was seen behind `before` and begins what is left; DIGEST_NONE: there is none. */
static uint32_t find_next(const struct prefix_blocks *b, uint32_t before, struct text left,
                          size_t *length)
{
    const struct prefix_block *p = &b->items[before];
    for (int i = 0; i < BLOCK_LENGTHS && p->lengths[i]; i++) {
        *length = p->lengths[i];
        if (*length > left.length)
            continue;
        uint32_t at = digest_map_find(&b->map, siphash(&b->key, p->hash, left.at, *length));
        if (at != DIGEST_NONE)
            return at;
    }
    return DIGEST_NONE;
}

/* How long a block behind `before` is to be: as wanted, or where there are many lengths already
 * the one of them that is nearest. */
static size_t settle_length(struct prefix_block *before, size_t wanted)
{
    size_t nearest = before->lengths[0];
    wanted = wanted < 1 ? 1 : wanted > UINT16_MAX ? UINT16_MAX : wanted;
    for (int i = 0; i < BLOCK_LENGTHS; i++) {
        size_t known = before->lengths[i];
        if (known == 0)
            before->lengths[i] = (uint16_t)wanted;
        if (known == 0 || known == wanted)
            return wanted;
        size_t far = known > wanted ? known - wanted : wanted - known;
        if (far < (nearest > wanted ? nearest - wanted : wanted - nearest))
            nearest = known;
    }
    return nearest;
}

static uint32_t add_block(struct prefix_blocks *b, uint32_t before, struct text left,
                          uint64_t tokens, size_t *length)
{
    uint32_t at = find_next(b, before, left, length);
    if (at != DIGEST_NONE)
        return at;
    size_t wanted = b->lasting ? (size_t)b->block_tokens * LASTING_BYTES
                               : (size_t)((double)left.length * b->block_tokens / (double)tokens);
    *length = settle_length(&b->items[before], wanted);
    if (*length > left.length)
        return DIGEST_NONE;
    return block_of(b, siphash(&b->key, b->items[before].hash, left.at, *length));
}

static void put_id(struct prefix_blocks *b, size_t place, uint32_t block)
{
    mem_grow(&b->ids, &b->id_capacity, place + 1, sizeof *b->ids);
    b->ids[place] = b->lasting ? b->items[block].hash >> 11 : b->first_id + block - 1;
}

size_t prefix_blocks_add(struct prefix_blocks *b, struct text prompt, uint64_t tokens)
{
    size_t count = 0, length = 0;
    uint32_t last = 0;
    if (b->count + tokens / b->block_tokens >= b->most) {
        b->forgotten++;
        forget(b);
    }
    for (; tokens >= b->block_tokens && prompt.length > 0; tokens -= b->block_tokens) {
        uint32_t next = add_block(b, last, prompt, tokens, &length);
        if (next == DIGEST_NONE)
            break;
        last = next;
        put_id(b, count++, last);
        prompt = (struct text){prompt.at + length, prompt.length - length};
    }
    if (tokens > 0)
        put_id(b, count++,
               block_of(
                   b, siphash(&b->key, b->items[last].hash ^ TAIL_MARK, prompt.at, prompt.length)));
    return count;
}
