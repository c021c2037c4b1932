#include "sim/engine/step_time.h"

#include "core/clock.h"
#include "core/random.h"

#include <gsl/gsl_randist.h>
#include <math.h>

#define FS_PER_MS 1e12
#define FS_PER_NS_DOUBLE 1e6
#define LONGEST_REQUEST 1e8 /* tokens: WORKLOAD_MAX_TOKENS */

static int64_t whole_fs(double fs)
{
    return llround(fs < 9e18 ? fs : 9e18);
}

void step_model_init(struct step_model *m, const struct engine_config *config, uint64_t seed,
                     uint64_t replica)
{
    const struct step_constants *s = &config->steps;
    double ms = s->k * FS_PER_MS, ns = s->k * FS_PER_NS_DOUBLE;
    double tp = config->tensor_parallel, hops = 2 * (tp - 1), reduces = 2.0 * config->layers;
    *m = (struct step_model){.w0 = whole_fs(s->w0 * ms),
                             .w1 = whole_fs(s->w1 * ms),
                             .c0 = whole_fs(s->c0 * ms),
                             .c1 = whole_fs(s->c1 * ms),
                             .ap_half = whole_fs(s->ap * ns / 2),
                             .kappa = whole_fs(s->kappa * ns),
                             .d0 = whole_fs(s->d0 * ms),
                             .d1 = whole_fs(s->d1 * ms),
                             .p0 = whole_fs((s->p0 + s->o1 * config->layers) * ms),
                             .c2 = whole_fs(s->c2 * ms),
                             .tile = s->tile,
                             .m0 = s->m0 * ms,
                             .n0 = s->n0,
                             .e0 = s->e0,
                             .e1 = s->e1 * ms,
                             .s0 = whole_fs((s->s0 + s->o0) * ms),
                             .s1 = whole_fs(s->s1 * ms),
                             .seed = seed,
                             .replica = replica,
                             .segment = UINT64_MAX};
    if (s->ar_bandwidth > 0 && tp > 1) {
        m->ar0 = whole_fs(reduces * hops * s->ar_latency * ms);
        /* bytes / (GB/s) = ns */
        m->ar1 = whole_fs(reduces * hops / tp * config->hidden * 2 / s->ar_bandwidth * ns);
    }
    const struct speculative_config *drafts = &config->speculative;
    m->drafts = drafts->num_speculative_tokens;
    m->draft_passes = speculative_passes(drafts);
    m->draft_factor = m->drafts ? (uint64_t)llround(ldexp(drafts->draft_cost, 32)) : 0;
    m->draft_fs = m->drafts ? whole_fs(drafts->draft_ms * ms) : 0;
    if (config->jitter_cv > 0)
        m->jitter_sigma = sqrt(log1p(config->jitter_cv * config->jitter_cv));
}

static uint64_t segment_factor(struct step_model *m, uint64_t segment)
{
    if (m->segment != segment) {
        struct random stream;
        random_init(&stream, random_mix(m->seed, m->replica), RANDOM_ENGINE, segment);
        double sigma = m->jitter_sigma;
        double factor = gsl_ran_lognormal(random_gsl(&stream), -sigma * sigma / 2, sigma);
        m->segment = segment;
        m->factor = (uint64_t)llround(ldexp(factor < 1e6 ? factor : 1e6, 32));
    }
    return m->factor;
}

static int64_t cut(femtoseconds fs)
{
    return fs < STEP_MOST_FS ? (int64_t)fs : STEP_MOST_FS;
}

static int64_t scale(int64_t fs, uint64_t factor)
{
    return cut(((femtoseconds)fs * (femtoseconds)factor) >> 32);
}

int64_t step_padding(int64_t tokens, int64_t tile)
{
    int64_t rows = 16;
    if (tile == 0)
        return 0;
    if (tokens > tile)
        return (tile - tokens % tile) % tile;
    while (rows < tokens)
        rows *= 2;
    return (rows < tile ? rows : tile) - tokens;
}

/* The weights that are read: those of every token, and of the experts that so many tokens reach. */
static femtoseconds memory_time(const struct step_model *m, int64_t tokens)
{
    femtoseconds fs = m->w0 + (femtoseconds)m->w1 * tokens;
    if (m->m0 > 0)
        fs += whole_fs(m->m0 * -expm1(-(double)tokens / m->n0));
    if (m->e1 > 0 && (double)tokens > m->e0)
        fs += whole_fs(m->e1 * ((double)tokens - m->e0));
    return fs;
}

static femtoseconds compute_time(const struct step_model *m, int64_t tokens)
{
    femtoseconds fs = m->c0 + (femtoseconds)m->c1 * tokens;
    return m->c2 > 0 ? fs + (femtoseconds)m->c2 * step_padding(tokens, m->tile) : fs;
}

/* Without the KV cache that decodes read. */
static int64_t base_time(const struct step_model *m, const struct step_load *load)
{
    int64_t n = (int64_t)load->tokens;
    femtoseconds memory = memory_time(m, n), compute = compute_time(m, n);
    femtoseconds base = memory > compute ? memory : compute;
    base += (femtoseconds)m->ap_half * (int64_t)load->prefill_work;
    base += m->s0 + (femtoseconds)m->s1 * (int64_t)load->sequences;
    base += m->ar0 + (femtoseconds)m->ar1 * n;
    if (load->decodes > 0)
        base += m->d0 + (femtoseconds)m->d1 * (int64_t)load->decodes;
    if (load->prefill_work > 0)
        base += m->p0;
    return cut(base);
}

struct step_duration step_duration(struct step_model *m, uint64_t step,
                                   const struct step_load *load)
{
    int64_t base = base_time(m, load), kappa = m->kappa;
    if (m->jitter_sigma > 0) {
        uint64_t factor = segment_factor(m, step / JITTER_STEPS);
        base = scale(base, factor);
        kappa = scale(kappa, factor);
    }
    return (struct step_duration){cut(base + (femtoseconds)kappa * (int64_t)load->decode_kv),
                                  cut((femtoseconds)kappa * (int64_t)load->decodes)};
}

double step_fullest_ms(const struct engine_config *config)
{
    struct engine_config smooth = *config;
    struct step_model m;
    double kv = fmin((double)config->kv_blocks * config->block_size, LONGEST_REQUEST);
    double most = config->max_num_batched_tokens, asked = fmin(most, kv);
    struct step_load load = {.tokens = config->max_num_batched_tokens,
                             .sequences = config->max_num_seqs,
                             .decodes = config->max_num_seqs,
                             .decode_kv = (uint64_t)kv,
                             .prefill_work = (uint64_t)(asked * (2 * kv - asked))};
    smooth.jitter_cv = 0;
    step_model_init(&m, &smooth, 0, 0);
    return (double)step_drafted_fs(&m, 0, &load) / FS_PER_MS;
}

int64_t step_drafted_fs(struct step_model *m, uint64_t step, const struct step_load *load)
{
    struct step_load verified = *load, single = *load;
    uint64_t drafts = (load->decodes - load->undrafted) * m->drafts;
    verified.tokens += drafts;
    verified.sequences += drafts;
    verified.decode_kv += drafts;
    int64_t fs = step_duration(m, step, &verified).first_fs;
    femtoseconds first = (femtoseconds)scale(fs, m->draft_factor) + m->draft_fs;
    if (m->draft_passes <= 1)
        return cut(fs + first);
    single.tokens = load->sequences;
    single.prefill_work = 0;
    int64_t further = scale(step_duration(m, step, &single).first_fs, m->draft_factor);
    femtoseconds each = (femtoseconds)further + m->draft_fs;
    return cut(fs + first + (m->draft_passes - 1) * each);
}

double step_tpot_ms(const struct engine_config *config, uint32_t batch, uint32_t context)
{
    struct engine_config smooth = *config;
    struct step_model m;
    struct step_load load = {.tokens = batch,
                             .sequences = batch,
                             .decodes = batch,
                             .decode_kv = (uint64_t)batch * context};
    smooth.jitter_cv = 0;
    step_model_init(&m, &smooth, 0, 0);
    if (m.drafts == 0)
        return (double)step_duration(&m, 0, &load).first_fs / FS_PER_MS;
    return (double)step_drafted_fs(&m, 0, &load) / FS_PER_MS /
           speculative_length(&config->speculative);
}

struct step_instant step_instant_after(struct step_instant start, struct step_duration d,
                                       uint64_t steps)
{
    if (steps == 0)
        return start;
    femtoseconds m = (femtoseconds)steps;
    femtoseconds total = m * d.first_fs + m * (m - 1) / 2 * d.inc_fs + start.fs;
    int64_t ns, fs;
    if (total <= INT64_MAX) {
        ns = (int64_t)total / FS_PER_NS;
        fs = (int64_t)total % FS_PER_NS;
    } else if (total < (femtoseconds)TIME_LAST_PLANNED * FS_PER_NS) {
        ns = (int64_t)(total / FS_PER_NS);
        fs = (int64_t)(total % FS_PER_NS);
    } else {
        ns = TIME_LAST_PLANNED;
        fs = 0;
    }
    if (start.ns > TIME_LAST_PLANNED - ns)
        return (struct step_instant){TIME_LAST_PLANNED, 0};
    return (struct step_instant){start.ns + ns, fs};
}
