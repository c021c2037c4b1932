#include "bench/answer/spread.h"

/* Increments that begin alike by chance ("a", "an", "and") do not go on like that. */
#define GROWN_SURE 3

#define FNV_START UINT64_C(14695981039346656037)
#define FNV_FACTOR UINT64_C(1099511628211)
#define REPEAT_SURE 32 /* bytes that nobody says twice by chance */

static uint64_t add_bytes(uint64_t hash, struct text t)
{
    for (size_t i = 0; i < t.length; i++)
        hash = (hash ^ (unsigned char)t.at[i]) * FNV_FACTOR;
    return hash;
}

bool growth_says_all(struct growth *g, struct text t, bool ends)
{
    bool may = g->texts >= 2 && t.length == g->all_length && (ends || t.length >= REPEAT_SURE);
    if (may && add_bytes(FNV_START, t) == g->all_hash)
        return true;
    g->all_hash = add_bytes(g->texts ? g->all_hash : FNV_START, t);
    g->all_length += t.length;
    g->texts++;
    return false;
}

static void remember(struct growth *g, struct text t)
{
    g->length = t.length;
    g->hash = text_hash(t.at, t.length);
}

static struct growth_step tell(struct growth *g, size_t fresh, int64_t bytes, bool restarts)
{
    g->counted += bytes;
    return (struct growth_step){fresh, bytes, restarts};
}

static struct growth_step grow(struct growth *g, struct text t)
{
    size_t before = g->length;
    remember(g, t);
    if (++g->grown > GROWN_SURE)
        return tell(g, t.length - before, (int64_t)(t.length - before), false);
    if (g->grown == GROWN_SURE)
        return tell(g, t.length, (int64_t)t.length - g->counted, true);
    return tell(g, t.length, (int64_t)t.length, false);
}

struct growth_step growth_add(struct growth *g, struct text t)
{
    const struct growth_step all = {t.length, (int64_t)t.length, false};
    if (g->is_increments || t.length == 0)
        return all;
    if (g->length && t.length > g->length && text_hash(t.at, g->length) == g->hash)
        return grow(g, t);
    bool repeats = t.length == g->length && text_hash(t.at, t.length) == g->hash;
    if (g->grown >= GROWN_SURE && repeats)
        return tell(g, 0, 0, false);
    g->is_increments = g->length && g->grown < GROWN_SURE;
    remember(g, t); /* of those that grow: a text that begins anew */
    return tell(g, all.fresh, all.bytes, false);
}

void spread_add(struct spread *s, const struct chunk *c, int64_t bytes)
{
    if ((c->tokens & CHUNK_SUMMARY) && !(c->tokens & CHUNK_OUTPUT))
        return;
    if (s->chunks == 0) {
        s->first_bytes = bytes;
        s->first_usage = c->has_usage ? usage_output(&c->usage) : 0;
        s->first_logprobs = c->logprobs;
    }
    s->bytes += bytes;
    s->chunks++;
}

/* Of the text, rounded; each later chunk brought a token at least. */
static uint64_t share_of_text(const struct spread *s, uint64_t n)
{
    double share = s->bytes > 0 ? (double)s->first_bytes / (double)s->bytes : 0;
    uint64_t first = (uint64_t)(share * (double)n + 0.5), most = n - (s->chunks - 1);
    return first < 1 ? 1 : first < most ? first : most;
}

uint32_t spread_first_tokens(const struct spread *s, uint64_t n, uint64_t hidden)
{
    uint64_t first = s->first_usage > hidden ? s->first_usage - hidden : 0;
    if (s->chunks == 0)
        return 0;
    if (s->chunks == 1)
        first = n;
    else if (n <= s->chunks)
        first = 1;
    else if (first == 0 || first >= n) /* that is no count of the first of several */
        first =
            s->first_logprobs && s->first_logprobs < n ? s->first_logprobs : share_of_text(s, n);
    return first < UINT32_MAX ? (uint32_t)first : UINT32_MAX;
}
