/* Prefixes of prompts that clients ask to be kept (Anthropic's cache_control), and what a prompt is
 * charged for them.
 *
 * A *place* lies behind each block of a prompt (a tool, a block of text); a *mark* is a place up to
 * which the client wants the prompt kept, for 5 minutes or an hour. A prompt reads the longest
 * prefix that was kept, is still alive, and ends at a mark or at one of the 20 places before it.
 * From there to the last mark it writes: for an hour up to the last mark of an hour, for 5 minutes
 * behind it. What lies behind the last mark is neither. Without marks nothing is read or written.
 * Being read begins a prefix's lifetime anew.
 *
 *     prefix_list_add(&list, prompt.chain, prompt.tokens, 300);
 *     struct prefix_charge c = prefixes_charge(&kept, &list, now_ns);
 *     bill(c.read, c.written, c.written_1h);
 *     prefixes_keep(&kept, &list, &c, now_ns);        // once the answer has begun
 *     prefix_list_free(&list); prefixes_free(&kept);
 *
 * All zero is empty, for both. At most PREFIXES_MAX are kept; beyond that nothing new is.
 */
#ifndef FAREBOX_SIM_MOCK_API_PREFIXES_H
#define FAREBOX_SIM_MOCK_API_PREFIXES_H

#include <stddef.h>
#include <stdint.h>

#define PREFIXES_MAX (1u << 20)
#define PREFIX_LOOKBACK 20

struct prefix_place {
    uint64_t hash;       /* of everything up to here */
    uint64_t tokens;     /* up to here */
    uint32_t lifetime_s; /* 0 = no mark */
};

/* The places of one prompt, in its order. */
struct prefix_list {
    struct prefix_place *places; /* owned */
    size_t count, capacity, marks;
};

void prefix_list_add(struct prefix_list *l, uint64_t hash, uint64_t tokens, uint32_t lifetime_s);
void prefix_list_free(struct prefix_list *l);

/* Marks the last place that has no mark; without one nothing happens. */
void prefix_list_mark_last(struct prefix_list *l, uint32_t lifetime_s);

struct prefix_charge {
    uint64_t read, written, written_1h; /* tokens; the rest of the prompt is none of them */
    uint64_t found;                     /* the hash of what is read; 0 = nothing */
};

struct prefix_kept; /* an entry of the table */

struct prefixes {
    struct prefix_kept *table; /* open addressing by hash; owned */
    size_t size, used;
    int64_t swept_ns; /* when the dead were last thrown out */
};

struct prefix_charge prefixes_charge(const struct prefixes *p, const struct prefix_list *l,
                                     int64_t now_ns);
void prefixes_keep(struct prefixes *p, const struct prefix_list *l, const struct prefix_charge *c,
                   int64_t now_ns);
void prefixes_free(struct prefixes *p);

#endif
