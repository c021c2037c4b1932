#include "sim/decide/own.h"

#include <math.h>

/* Of the metrics that have an objective, the one with the larger error. */
static double stated_error(const struct engine_config *e, const struct slo_list *slos)
{
    double error = 0;
    for (size_t i = 0; i < slos->count; i++) {
        enum metric m = slos->items[i].metric;
        bool first = m == METRIC_TTFT || m == METRIC_TTFT_SCHEDULED || m == METRIC_TTFO;
        double one = first ? e->error_ttft : e->error_tpot;
        error = one > error ? one : error;
    }
    return error > 0 ? error : e->error_tpot > 0 ? e->error_tpot : e->error_ttft;
}

static int find_node(struct own *o, const struct capacity_options *asked, double scale,
                     struct error *err)
{
    struct capacity_options how = *asked;
    struct slo_list slos = *asked->slos;
    struct capacity found = {0}, *out = scale == 1 ? &o->capacity : &found;
    for (size_t i = 0; i < slos.count; i++)
        slos.items[i].limit_ms *= scale;
    how.slos = &slos;
    if (capacity_find(&how, out, err) < 0)
        return err->code;
    double rate_rps = out->unbounded ? INFINITY : out->attainable ? out->rate_rps : 0;
    o->nodes[o->node_count++] = (struct own_node){scale, rate_rps};
    return 0;
}

int own_find(struct own *o, const struct capacity_options *how, struct error *err)
{
    *o = (struct own){.error = stated_error(how->engine, how->slos)};
    o->error_unknown = !(o->error > 0) && how->engine->kind != ENGINE_CONSTANT;
    if (o->error_unknown)
        o->error = OWN_ERROR_UNKNOWN;
    const double scales[OWN_NODES] = {0.5, 1 / (1 + o->error), 1, 1 + o->error, 2};
    for (size_t i = 0; i < OWN_NODES; i++) {
        bool again = o->node_count > 0 && scales[i] <= o->nodes[o->node_count - 1].scale;
        if (!again && find_node(o, how, scales[i], err) < 0)
            return err->code;
    }
    return 0;
}

/* The rate at the objectives times `scale`: below the first node and above the last one as the two
 * nearest say; nothing is sustained below one at which nothing is. */
static double rate_at(const struct own *o, double scale)
{
    size_t i = 1;
    while (i + 1 < o->node_count && o->nodes[i].scale < scale)
        i++;
    const struct own_node *a = &o->nodes[i - 1], *b = &o->nodes[i];
    if (isinf(b->rate_rps) || isinf(a->rate_rps))
        return scale >= a->scale ? b->rate_rps : a->rate_rps;
    if (b->rate_rps <= 0 || a->rate_rps <= 0)
        return scale >= b->scale ? b->rate_rps : 0;
    double share = log(scale / a->scale) / log(b->scale / a->scale);
    return exp(log(a->rate_rps) + share * log(b->rate_rps / a->rate_rps));
}

double own_rate(const struct own *o, double slower, double scale)
{
    return rate_at(o, scale / slower) / slower;
}

double own_goodput(const struct own *o, double load_rps)
{
    const struct capacity *c = &o->capacity;
    double load = 0, goodput = c->unloaded.goodput;
    for (size_t i = 0; i < c->curve_count; i++) {
        const struct load_point *p = &c->curve[i];
        if (p->load >= load_rps)
            return p->load > load
                       ? goodput + (p->goodput - goodput) * (load_rps - load) / (p->load - load)
                       : p->goodput;
        load = p->load;
        goodput = p->goodput;
    }
    return goodput;
}
