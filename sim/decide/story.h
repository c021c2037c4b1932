/* The story: what one request costs by the token, how much that varies, what a flat price makes of
 * it and where it loses, what a cache, smaller models, tools side by side and retries do under each
 * plan, and from how many requests a month a flat plan pays; for several workloads.
 *
 *     const struct workload *of[] = {&agent, &chat};
 *     struct story_options o = {.plans = plans, .plan_count = 3, .volume = 20000,
 *                               .tiers = {"small", "middle", "large"}, .seed = 1};
 *     struct story s;
 *     if (story_make(&s, of, 2, &o, err) == 0)
 *         story_write_json(&s, NULL, NULL, &writer);
 *     story_free(&s);                                  // also after an error
 *
 * All figures are those of the bill of a month (sim/cost/bill), of its what-ifs (sim/cost/what_if)
 * and of its volume ladder (sim/cost/ladder); none is worked out here. The story borrows workloads
 * and plans.
 */
#ifndef FAREBOX_SIM_DECIDE_STORY_H
#define FAREBOX_SIM_DECIDE_STORY_H

#include "sim/cost/ladder/ladder.h"
#include "sim/cost/what_if/what_if.h"

#define STORY_VOLUME 20000
#define STORY_NOBODY SIZE_MAX

enum story_change {
    STORY_CACHE,    /* prompts are kept for five minutes; where prefixes are known */
    STORY_TIERS,    /* the shorter requests go to smaller models */
    STORY_SERIAL,   /* tool calls one after another; where requests wait for others */
    STORY_PARALLEL, /* four at a time */
    STORY_RETRY,    /* 5 % of the attempts fail, at most 3 each */
    STORY_CHANGES,
};

struct story_options {
    const struct plan *const *plans;
    size_t plan_count;
    uint64_t volume;      /* requests a month */
    const char *tiers[3]; /* models, from the smallest */
    uint64_t seed;
    unsigned workers;
    void (*on_progress)(void *context, const char *what, double share); /* NULL */
    void *context;
};

/* From where on a flat plan is cheaper than one by the token. */
struct story_pays {
    size_t
        flat;   /* of the plans, the one that pays first; STORY_NOBODY: none serves, or not known */
    bool never; /* not up to the ladder's end */
    uint64_t requests;  /* a month */
    bool sure;          /* in 95 % of the months that were drawn it is: */
    uint64_t low, high; /* UINT64_MAX: beyond the ladder's end */
};

struct story_part {
    const struct workload *workload;
    struct bill bill; /* of the month; its plans are the story's, in their order */
    struct ladder ladder;
    bool has_ladder;                       /* false: how plans count tokens decides it, too */
    char *changes[STORY_CHANGES];          /* as a what-if takes it; NULL: it does not apply */
    struct what_if what_if[STORY_CHANGES]; /* each by itself: as it is, and so */
};

struct story {
    struct story_options options;
    struct story_part *parts;
    size_t count;
    /* Of the plans: the first by the token; the one under which a cache saves most, the first flat
     * one. STORY_NOBODY: there is none. */
    size_t token, cached, flat;
};

/* "cache", "tiers", "serial", "parallel", "retry". */
const char *story_change_name(enum story_change change);

/* ERR_INPUT: no workload, none or no plan of the two kinds, and as bill_make, what_if_make and
 * ladder_make; ERR_INTERRUPTED. */
int story_make(struct story *out, const struct workload *const *workloads, size_t count,
               const struct story_options *options, struct error *err);
void story_free(struct story *s);

/* True if all requests of the part are served by the plan, and priced. */
bool story_serves(const struct story_part *p, size_t plan);

/* A change under a plan: the month's cash before and after, and what it saves, which compares equal
 * work: requests that fail count as answered. Of tools side by side, before is one after another.
 * False: it does not apply, or is not served alike. */
struct story_saving {
    money before, after, saved;
};
bool story_saving(const struct story_part *p, enum story_change change, size_t plan,
                  struct story_saving *out);

/* By the plan of a token price. */
struct story_pays story_pays(const struct story_part *p, size_t token);

/* story.json. `more` adds members of its own; NULL. */
typedef void story_member(const struct story *s, void *context, struct json_writer *w);
void story_write_json(const struct story *s, story_member *more, void *context,
                      struct json_writer *w);

#endif
