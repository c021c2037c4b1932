#include "sim/engine/hardware/derive.h"

#include <math.h>
#include <stdio.h>

#define TILE 256
#define BYTES_OF_BF16 2

/* Six digits are more than a roofline is worth. */
static double rounded(double value)
{
    if (!(value > 0))
        return 0;
    double unit = pow(10, floor(log10(value)) - 5);
    return round(value / unit) * unit;
}

static double rank_weights(const struct placement *p)
{
    const struct model *m = p->model;
    double experts = model_expert_parameters(m) * m->weight_bits / 8;
    return (model_weight_bytes(m) - experts) / p->tensor_parallel;
}

static double rank_experts(const struct placement *p)
{
    double ranks = p->tensor_parallel * (p->data_parallel > 1 ? p->data_parallel : 1);
    return model_expert_parameters(p->model) * p->model->weight_bits / 8 / ranks;
}

/* Milliseconds that a token adds to the all-reduces of a step. */
static double reduce_ms(const struct placement *p, const struct gpu_achieved *share)
{
    double ranks = p->tensor_parallel;
    if (ranks < 2 || p->gpu->link_gbs <= 0)
        return 0;
    double bytes =
        2.0 * p->model->layers * 2 * (ranks - 1) / ranks * p->model->hidden * BYTES_OF_BF16;
    return bytes / (p->gpu->link_gbs * 1e6 * share->link);
}

static void set_steps(const struct placement *p, const struct gpu_achieved *share,
                      struct step_constants *s)
{
    const struct model *m = p->model;
    double bytes_a_ms = p->gpu->bandwidth_gbs * 1e6, ranks = p->tensor_parallel;
    double flops_a_ms = gpu_flops(p->gpu, m->weight_bits) / 1e3, layers = m->layers;
    double passes = model_active_parameters(m) - (double)m->vocabulary * m->hidden;
    double copies = ranks > model_kv_heads(m) ? ranks / model_kv_heads(m) : 1;
    double reduce = reduce_ms(p, share);
    double c1 = 2 * passes / (ranks * flops_a_ms * share->compute);
    *s = (struct step_constants){.k = 1};
    s->w0 = rounded(rank_weights(p) / (bytes_a_ms * share->weights) + layers * share->layer_ms);
    s->w1 = rounded(layers * share->token_ms + reduce);
    s->c0 = rounded(layers * share->layer_ms);
    s->c1 = rounded(c1 + reduce);
    s->c2 = rounded(c1 * share->padding);
    s->tile = s->c2 > 0 ? TILE : 0;
    s->kappa = rounded(1e6 * model_kv_bytes_per_token(m, p->kv_bits) * copies / ranks /
                       (bytes_a_ms * share->cache));
    s->ap = rounded(1e6 * model_pair_flops(m) / ranks /
                    (gpu_flops(p->gpu, 16) / 1e3 * share->attention));
    s->d0 = rounded(layers * share->decode_ms);
    s->p0 = rounded(layers * share->prefill_ms);
    s->m0 = rounded(rank_experts(p) / (bytes_a_ms * share->weights));
    if (s->m0 > 0) {
        double seen = p->data_parallel > 1 ? p->data_parallel : 1; /* all copies' tokens arrive */
        s->n0 = rounded((double)m->experts / m->experts_per_token / seen);
    }
}

int derive_preset(const struct placement *p, struct engine_config *config, struct error *err)
{
    const struct model *m = p->model;
    struct gpu_achieved share;
    enum gpu_shares of = gpu_find_shares(p->gpu, m->weight_bits, m->experts > 0, &share);
    set_steps(p, &share, &config->steps);
    if (placement_apply(p, config, err) < 0)
        return err->code;
    snprintf(config->source, sizeof config->source,
             "derived: a roofline of %s on %u x %s, with shares of the datasheet that %s achieves",
             p->model->name, p->tensor_parallel, p->gpu->name, share.from);
    snprintf(config->caveat, sizeof config->caveat,
             "A roofline, not a measurement: on layouts that its shares were not fitted to, steps "
             "were off by %.0f %% in the median and %.0f %% at the 90th percentile%s%s.",
             100 * share.error_median, 100 * share.error_p90,
             of != SHARES_OF_H100 ? ""
                                  : "; of this GPU no shares are known, those of an H100 stand in",
             m->experts && of != SHARES_OF_EXPERTS
                 ? "; for experts, taken as evenly used, it was not checked"
                 : "");
    config->error_step = share.error_p90;
    return 0;
}
