/* How long a step takes.
 *
 *   T = k·[ max(memory, arithmetic)               weights that are read, or tokens computed
 *         + ap·Σ q·(ctx + q/2) + p0·(any prefill) prefill chunks: q tokens on top of ctx
 *         + d0·(any decode) + d1·n_decode + kappa·Σ kv_len
 *         + s0 + s1·n_seq                         sampler and head
 *         + AR(N)
 *         + o0 + o1·layers·(any prefill) ]        the CPU that launches it
 *   memory     = w0 + w1·N + m0·(1 − e^(−N/n0))   with the experts that N tokens reach
 *                + e1·max(0, N − e0)              and their arithmetic beyond e0 tokens
 *   arithmetic = c0 + c1·N + c2·pad(N)            with the rows that fill a tile up
 *   AR = 2·layers·[ 2(tp−1)·latency + 2(tp−1)/tp · N·hidden·2 bytes / bandwidth ]
 *   pad(N): 0 where tile = 0; up to a tile what N lacks of the next power of two from 16 on,
 *           beyond it what N lacks of the next whole number of tiles
 *
 * with N tokens in the step, n_seq sequences of which n_decode decode over kv_len tokens each.
 * 1 − e^(−N/n0) is the share of a layer's experts that N tokens reach where each chooses at random.
 * What is bound by memory up to e0 tokens are the experts' kernels alone: the others' share of a
 * token's time is in w1.
 * Everything is an integer number of femtoseconds, so that m steps taken at once last exactly as
 * long as m single ones:  Σ T = m·first + inc·m(m−1)/2.
 *
 *     struct step_model model;
 *     step_model_init(&model, &config, seed, replica);
 *     struct step_duration d = step_duration(&model, step, &load);
 *
 * A step that drafts verifies N + n_decode·drafts tokens (the sampler has as many rows), and then
 * drafts the next: the first pass of the draft goes over the same tokens, each further one over a
 * token of every sequence. A pass lasts draft_cost times what the model itself takes for that, and
 * draft_ms.
 *
 * Jitter is a lognormal factor of mean 1, one for each segment of JITTER_STEPS steps, drawn from a
 * stream keyed by (seed, replica, segment); segments begin at fixed step numbers.
 */
#ifndef FAREBOX_SIM_ENGINE_STEP_TIME_H
#define FAREBOX_SIM_ENGINE_STEP_TIME_H

#include "sim/engine/preset.h"

#include <stdint.h>

#define FS_PER_NS INT64_C(1000000)
#define JITTER_STEPS 32

__extension__ typedef __int128 femtoseconds;

/* An instant finer than a nanosecond. */
struct step_instant {
    int64_t ns, fs; /* 0 <= fs < FS_PER_NS */
};

/* What is in a step. */
struct step_load {
    uint64_t tokens;       /* N */
    uint64_t sequences;    /* n_seq */
    uint64_t decodes;      /* n_decode */
    uint64_t undrafted;    /* of these, without drafts in a step that drafts */
    uint64_t decode_kv;    /* Σ kv_len of the decodes, each with its new token */
    uint64_t prefill_work; /* Σ q·(2·ctx + q): twice the formula's sum */
};

/* What a step is cut at, 2.5 hours: only rare jitter, or a cache that many share, comes there where
 * the fullest step is within STEP_MOST_MS. */
#define STEP_MOST_FS INT64_C(9000000000000000000)

/* The first of equal steps lasts first_fs, each further one inc_fs longer. */
struct step_duration {
    int64_t first_fs, inc_fs;
};

struct step_model {
    int64_t w0, w1, c0, c1, c2, ap_half, kappa, d0, d1, p0, s0, s1, ar0, ar1; /* fs, k included */
    double m0, n0, e0, e1;                                                    /* fs, tokens */
    int64_t tile;
    uint32_t drafts, draft_passes;
    uint64_t draft_factor; /* × 2^32 */
    int64_t draft_fs;      /* of a pass, k included */
    double jitter_sigma;
    uint64_t seed, replica;
    uint64_t segment; /* whose factor is known; UINT64_MAX = none */
    uint64_t factor;  /* × 2^32 */
};

void step_model_init(struct step_model *m, const struct engine_config *config, uint64_t seed,
                     uint64_t replica);

/* The longest step that an engine may have, in milliseconds: an hour. */
#define STEP_MOST_MS 3.6e6

/* Milliseconds of the fullest step, without jitter: as many tokens as a step may hold, the whole KV
 * cache behind them. The config is a checked one. */
double step_fullest_ms(const struct engine_config *config);

/* Rows that a kernel computes beyond `tokens`, in tiles of `tile` (0 = none). */
int64_t step_padding(int64_t tokens, int64_t tile);

struct step_duration step_duration(struct step_model *m, uint64_t step,
                                   const struct step_load *load);

/* Of a step in which every decode's drafts are verified and made. The load has a token and a
 * sequence for each decode, as without drafts. */
int64_t step_drafted_fs(struct step_model *m, uint64_t step, const struct step_load *load);

/* Milliseconds a token of a step in which `batch` requests decode over `context` tokens each: the
 * TPOT of a replica that does nothing else. */
double step_tpot_ms(const struct engine_config *config, uint32_t batch, uint32_t context);

/* The instant `steps` steps after `start`; TIME_LAST_PLANNED where that is earlier. */
struct step_instant step_instant_after(struct step_instant start, struct step_duration d,
                                       uint64_t steps);

#endif
