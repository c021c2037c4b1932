#include "sim/engine/sequence.h"

uint32_t sequence_unit_blocks(uint32_t request_block_size, uint32_t block_size)
{
    return (request_block_size + block_size - 1) / block_size;
}

uint32_t sequence_named_tokens(const struct engine_request *request)
{
    if (request->named_tokens <= request->input_tokens || request->output_tokens == 0)
        return request->input_tokens;
    uint64_t computed = (uint64_t)request->input_tokens + request->output_tokens - 1;
    return computed < request->named_tokens ? (uint32_t)computed : request->named_tokens;
}

/* Units that begin with at least one full block of the named tokens. */
uint32_t sequence_unit_limit(const struct engine_request *request, uint32_t block_size)
{
    if (request->block_size == 0 || request->hash_count == 0)
        return 0;
    uint32_t unit_blocks = sequence_unit_blocks(request->block_size, block_size);
    uint32_t full = sequence_named_tokens(request) / block_size;
    return full / unit_blocks + (full % unit_blocks != 0);
}

/* The finalizer of MurmurHash3 over both numbers. */
static uint64_t chain(uint64_t parent, uint64_t id)
{
    uint64_t h = parent * UINT64_C(0x9e3779b97f4a7c15) + id;
    h = (h ^ (h >> 33)) * UINT64_C(0xff51afd7ed558ccd);
    h = (h ^ (h >> 33)) * UINT64_C(0xc4ceb9fe1a85ec53);
    return h ^ (h >> 33);
}

uint32_t sequence_unit_hashes(const struct engine_request *request, uint32_t block_size,
                              uint64_t *hashes, uint32_t capacity)
{
    uint64_t unit_tokens =
        (uint64_t)sequence_unit_blocks(request->block_size, block_size) * block_size;
    uint32_t prompt = request->input_tokens, later = request->named_tokens;
    uint64_t reach = later > prompt ? later : prompt; /* of the ids */
    uint64_t hash = request->prefix_salt + 1;
    uint64_t used = 0;
    for (uint32_t i = 0; i < capacity; i++) {
        uint64_t end = (i + 1) * unit_tokens;
        if (end > reach)
            end = reach;
        while (used * request->block_size < end) {
            if (used == request->hash_count)
                return i;
            hash = chain(hash, request->hash_ids[used++]);
        }
        hashes[i] = hash ? hash : 1;
    }
    return capacity;
}
