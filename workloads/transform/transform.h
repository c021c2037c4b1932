/* Transforms: what if the same workload came faster, was cached, routed, cut, retried, batched?
 *
 * A transform is written as NAME=ARGUMENT,ARGUMENT..., as an option takes it:
 *
 *     time=0.5                        all times and delays × 0.5
 *     rate=2                          sessions arrive twice as fast, each in its own time
 *     sample=0.1                      a tenth of the sessions, whole
 *     window=10m..70m                 the sessions that begin in it; its start becomes time 0
 *     truncate=tokens:4000,head:500   inputs cut to 4,000 tokens, the first 500 always kept
 *     truncate=turns:3,head:500       contexts of the last 3 turns
 *     responses=ttl:1h                an application's response cache drops repeated prompts
 *     responses=hit:0.2               one that answers a fifth of all requests
 *     cache=ttl:300s,min:1024,step:128  prefix cache: fills the recorded usage
 *     cache=infinite, cache=lru:100000, cache=none
 *     route=input<300:small,input<1500:general,*:large
 *     retry=fail:0.05,max:3           attempts drawn anew; recorded ones with retry=max:1
 *     tools=serial, tools=parallel:4  side calls one after another; chained steps side by side
 *     service=batch                   everything, or service=batch,class:extraction
 *     priority=-1,class:chat          how urgent: smaller is served first
 *
 *     struct transform t;
 *     struct transform_report report;
 *     if (transform_parse("cache=ttl:300s", &t, err) < 0) return err->code;
 *     transform_apply(&t, seed, &workload, &report, err);
 *     transform_free(&t);
 *
 * transform_apply() replaces the workload by the transformed one; it draws only from the seed. Rows
 * keep their request ids, or get those that they had unsaid ("r7"), when others are dropped. Where
 * a time is needed (cache, window, responses), a request that only waits for others begins at its
 * last parent's begin plus its delay: how long answers take is not the workload's to know.
 */
#ifndef FAREBOX_WORKLOADS_TRANSFORM_TRANSFORM_H
#define FAREBOX_WORKLOADS_TRANSFORM_TRANSFORM_H

#include "core/error.h"
#include "workloads/model/workload.h"

enum transform_kind {
    TRANSFORM_TIME,
    TRANSFORM_RATE,
    TRANSFORM_SAMPLE,
    TRANSFORM_WINDOW,
    TRANSFORM_TRUNCATE,
    TRANSFORM_RESPONSES,
    TRANSFORM_CACHE,
    TRANSFORM_ROUTE,
    TRANSFORM_RETRY,
    TRANSFORM_TOOLS,
    TRANSFORM_SERVICE,
    TRANSFORM_PRIORITY,
    TRANSFORM_KINDS,
};

enum route_field {
    ROUTE_ANY,
    ROUTE_INPUT,
    ROUTE_OUTPUT,
    ROUTE_TOTAL,
    ROUTE_COMPLEXITY,
    ROUTE_CLASS
};

/* The first rule that fits names the model: value < below, or the class. */
struct route_rule {
    enum route_field field;
    double below;
    char *class_name, *model;
};

enum cache_kind { CACHE_NONE, CACHE_INFINITE, CACHE_LRU, CACHE_TTL };
enum cache_write { CACHE_WRITE_NONE, CACHE_WRITE_5M, CACHE_WRITE_1H };

/* How a provider's prefix cache behaves. A hit shorter than `minimum` tokens counts nothing, longer
 * ones in whole steps. */
struct cache_policy {
    enum cache_kind kind;
    uint64_t lru_tokens;
    int64_t ttl_ns; /* a block not used for longer is gone */
    uint32_t minimum, step;
    enum cache_write write; /* what is not cached yet is billed as written */
};

struct transform {
    enum transform_kind kind;
    double factor;          /* time, rate, sample; hit ratio of responses (0 = exact repeats) */
    int64_t from_ns, to_ns; /* window */
    int64_t ttl_ns;         /* responses */
    uint32_t tokens, turns, head; /* truncate */
    struct cache_policy cache;
    struct route_rule *rules;
    size_t rule_count;
    double failure;    /* retry; negative: as recorded */
    uint32_t attempts; /* at most */
    bool cache_lost;   /* retry: what is asked again finds nothing in the prompt cache */
    bool parallel;     /* tools */
    uint32_t width;
    int64_t under_ns; /* waits below this are tools, above are people */
    enum service service;
    char *other_service; /* the name of SERVICE_OTHER; NULL */
    int priority;
    char *class_name; /* service, priority: of this class only; NULL = all */
};

#define TRANSFORM_NOTE_SIZE 512
struct transform_report {
    uint64_t before, after, changed; /* requests; changed: whose rows differ */
    char text[TRANSFORM_NOTE_SIZE];  /* one line for people: "route: 988 small, ..." */
};

/* What there is: name, form and one line about it, for the help; the list ends with a NULL name. */
struct transform_info {
    const char *name, *form, *about;
};
const struct transform_info *transform_list(void);

/* Returns 0, or ERR_INPUT that quotes the part that is wrong and says what would be right. */
int transform_parse(const char *text, struct transform *out, struct error *err);
void transform_free(struct transform *t);

/* Replaces *w by the transformed workload. Returns 0 or ERR_INPUT (the workload lacks what the
 * transform needs); then *w is as it was. `report` may be NULL. */
int transform_apply(const struct transform *t, uint64_t seed, struct workload *w,
                    struct transform_report *report, struct error *err);

/* Parses and applies several, one after another; `what` names the option in messages. Each one's
 * report text goes to `note` where given. One that leaves nothing is ERR_INPUT. */
int transform_apply_all(const char *const *texts, size_t count, uint64_t seed, struct workload *w,
                        void (*note)(void *context, const char *text), void *context,
                        struct error *err);

#endif
