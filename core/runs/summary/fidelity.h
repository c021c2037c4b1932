/* Fidelity: how far a run's figures can be trusted, as its summary says it.
 *
 *     summary.fidelity = (struct fidelity){.kind = FIDELITY_MODEL, .known = true, ...};
 *     fidelity_write(&summary.fidelity, &writer);    // the object `fidelity` of summary.json
 *     fidelity_read(&scan, &summary.fidelity);       // and back
 *     fidelity_add_verdict(&summary, &text);         // "✓ The numbers can be trusted: ..."
 *     fidelity_free(&summary.fidelity);
 *
 * bench fills it from what its workers measured of themselves, sim from its engine, merge from the
 * parts' own. Zeroed, it says nothing and owns nothing.
 */
#ifndef FAREBOX_CORE_RUNS_SUMMARY_FIDELITY_H
#define FAREBOX_CORE_RUNS_SUMMARY_FIDELITY_H

#include "core/json/json_scan.h"
#include "core/json/json_write.h"
#include "core/usage/usage_report.h"

#include <stdbool.h>
#include <stdint.h>

#define FIDELITY_WORKERS 256
#define FIDELITY_TEXT_SIZE 280
#define FIDELITY_MODEL_SIZE 128
#define FIDELITY_WORDS 64
#define FIDELITY_HOST_SIZE 65

enum fidelity_kind {
    FIDELITY_UNSAID,
    FIDELITY_CLIENT, /* a live run's client */
    FIDELITY_MODEL,  /* a simulation */
    FIDELITY_PARTS   /* of several processes: the worst of each */
};

/* What a client's exchanges came to. */
struct fidelity_counts {
    uint64_t connects, reuses, hidden_resends;
    uint64_t stale_connections;            /* kept ones that died under a request; sent again */
    uint64_t slow_reads;                   /* answers that came in bursts of many chunks */
    uint64_t client_failures;              /* attempts that this machine had no means for */
    uint64_t left_open;                    /* whole answers whose exchange we had to end */
    uint64_t http1_answers, http2_answers; /* attempts by the version of their answers */
    uint64_t threaded_turns;               /* requests that carried their session's answers */
    uint64_t long_histories;               /* of these, with more than the asked input in them */
};

/* What was learnt of an endpoint's tokenizer before the run. */
struct fidelity_probe {
    char *endpoint; /* owned */
    char model[FIDELITY_MODEL_SIZE];
    bool measured; /* the endpoint gave the scale, or an earlier run's is known */
    double tokens_per_word, template_tokens;
    double turn_tokens; /* that the template adds for an earlier turn; 0 where none are sent */
    char word_tokens[FIDELITY_WORDS + 1]; /* a digit for each of our words; "" = all alike */
    uint64_t context_tokens;              /* that the model takes, in and out; 0 = not known */
    uint64_t requests, input_tokens;
    char note[FIDELITY_TEXT_SIZE];    /* why not measured, or what went wrong; "" = nothing */
    char remarks[FIDELITY_TEXT_SIZE]; /* what it does not take, and how it is asked; "" = nothing */
    char served[FIDELITY_TEXT_SIZE]; /* models, where the one asked for is not there; not written */
    /* How bodies were changed, for a process that asks nothing itself: "-stream_options" is left
     * out, "=max_completion_tokens" limits the answer. Each with a space behind; not written */
    char changes[FIDELITY_TEXT_SIZE];
};

/* What a simulated engine did. */
struct fidelity_engine {
    uint64_t replicas, steps, preemptions, prompt_tokens, cached_tokens, kv_blocks;
    /* Of speculative decoding: how often drafts were verified, how many, and the right ones; 0
     * without. */
    uint64_t drafts, draft_tokens, accepted_tokens;
    /* Of separate pools: KV caches sent, their tokens, the mean time until they were there. */
    uint64_t kv_transfers, kv_transfer_tokens;
    double kv_transfer_ms; /* 0 = there were none */
    /* Of replicas that come and go: ready at once at most, decisions, hours from the decision to
     * start one until it was off, and seconds of them spent starting; all 0 without. */
    uint64_t replicas_most, starts, stops;
    double replica_hours, cold_s;
};

/* Which process of a run it was, where several on several machines made it together. */
struct fidelity_rank {
    char host[FIDELITY_HOST_SIZE]; /* "" = it was the only one */
    uint64_t number;
    /* Its clock less that of process 0 before the start, within error_ms, and how it went since, in
     * millionths, within drift_error_ppm; NAN = not measured. */
    double offset_ms, error_ms, drift_ppm, drift_error_ppm;
    char lost[FIDELITY_TEXT_SIZE]; /* when its word was last heard, of one that was lost; "" */
};

struct fidelity {
    enum fidelity_kind kind;
    bool known; /* the run says whether its client was the limit */
    bool client_limited;
    bool insecure;                   /* certificates were not checked */
    char reason[FIDELITY_TEXT_SIZE]; /* what was the limit and which option helps; "" = nothing */
    double lag_p50_ms, lag_p99_ms, lag_max_ms, lag_limit_ms, stall_max_ms; /* NAN = not said */
    double cpu_peak, cpu_mean; /* share of a worker over a second, of all over the run */
    double observer_cpu;       /* share of the thread that takes the records */
    double steal, throttled_s; /* share of the machine's time; seconds */
    uint64_t workers;          /* whose shares over their run follow, as far as they fit */
    double cpu_of[FIDELITY_WORKERS];
    uint64_t records_waiting; /* for the observer, at most */
    struct fidelity_counts counts;
    struct usage_key_names unknown_usage_keys; /* tokens that the server counted and we did not */
    struct fidelity_engine engine;
    struct fidelity_rank rank;
    struct fidelity_probe *probes;
    size_t probe_count;
    struct fidelity *parts;
    size_t part_count;
};

void fidelity_free(struct fidelity *f);

/* As an object on one line. */
void fidelity_write(const struct fidelity *f, struct json_writer *w);

/* Reads such an object, or passes over what is none; what is not there is not known. Frees nothing
 * before; the caller frees it after errors, too. */
void fidelity_read(struct json_scan *scan, struct fidelity *out);

/* Makes a whole of f->parts: one limited part makes a limited run, and one that does not say leaves
 * the whole unsaid; of other figures the worst, of counts the sum. The reason is that of the part
 * with the longest send lag, by its name where it has one. */
void fidelity_merge(struct fidelity *f);

/* The same without what it points to, which stays its owner's. */
struct fidelity fidelity_bare(const struct fidelity *f);

void fidelity_counts_add(struct fidelity_counts *to, const struct fidelity_counts *from);

/* "rank 3 (node-b)". */
void fidelity_add_rank(const struct fidelity_rank *r, struct buffer *out);

struct summary;

/* The line on whether the summary's figures can be trusted, without its end; nothing where the run
 * does not say, and none that praises a run in which nothing completed. */
void fidelity_add_verdict(const struct summary *s, struct buffer *out);

/* By which versions of HTTP answers came: "HTTP/2 and HTTP/1.1"; nothing where that is not said. */
void fidelity_add_versions(const struct fidelity *f, struct buffer *out);

#endif
