/* Which beginnings prompts share, as numbers that say nothing else.
 *
 * A prompt is cut into blocks of `block_tokens` tokens; a block's number is that of all the text up
 * to its end, in the order in which such beginnings were first seen. Two prompts that begin alike
 * have the same first numbers, as the hash ids of a trace. How many bytes a block takes is what the
 * counted tokens of the first prompt that has it say (its bytes, spread evenly over its tokens),
 * and later prompts that begin alike are cut at the same places.
 *
 *     struct prefix_blocks b;
 *     prefix_blocks_init(&b, &key, 16, false);
 *     n = prefix_blocks_add(&b, prompt, tokens);      // b.ids[0 … n − 1]
 *     prefix_blocks_free(&b);
 *
 * Kept are hashes under the key, never text. With `lasting` the numbers are 53 bits of those
 * hashes, the same in the next recording under the same key, and a block has 4 bytes a token
 * whatever was counted.
 */
#ifndef FAREBOX_BENCH_RECORDER_PREFIX_BLOCKS_H
#define FAREBOX_BENCH_RECORDER_PREFIX_BLOCKS_H

#include "bench/recorder/digest_map.h"
#include "bench/recorder/siphash.h"
#include "core/text.h"

#include <stdbool.h>

#define BLOCK_LENGTHS 4

struct prefix_block {
    uint64_t hash;
    uint16_t lengths[BLOCK_LENGTHS]; /* bytes of the blocks that were seen behind it; 0 = none */
};

struct prefix_blocks {
    struct siphash_key key;
    uint32_t block_tokens;
    bool lasting;
    struct digest_map map;
    struct prefix_block *items; /* the first is what stands before every prompt */
    size_t count, capacity, most;
    uint64_t forgotten, next_id; /* how often all was forgotten, for there were `most` */
    uint64_t first_id;           /* of items[1] */
    uint64_t *ids;               /* of the prompt added last */
    size_t id_capacity;
};

void prefix_blocks_init(struct prefix_blocks *b, const struct siphash_key *key,
                        uint32_t block_tokens, bool lasting);
void prefix_blocks_free(struct prefix_blocks *b);

/* Cuts a prompt of so many tokens; returns how many blocks it has, the partial one at its end
 * included. */
size_t prefix_blocks_add(struct prefix_blocks *b, struct text prompt, uint64_t tokens);

#endif
