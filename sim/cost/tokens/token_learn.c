#include "sim/cost/tokens/token_learn.h"

#include "core/memory.h"
#include "core/names.h"
#include "core/runs/record/record_file.h"

#include <gsl/gsl_cdf.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

/* A request in both runs; [0]: the run whose model counted. */
struct pair {
    bool seen[2];
    uint32_t asked[2], cluster;
    double tokens[2][2]; /* [run][input, output] */
};

struct pairing {
    int run;
    struct names ids, clusters;
    struct pair *pairs;
    size_t capacity;
};

static int take(void *context, const struct record *r, struct error *err)
{
    struct pairing *p = context;
    size_t known = p->ids.count;
    (void)err;
    if (!r->final || r->status != RECORD_COMPLETED || r->usage_from != USAGE_SERVER)
        return 0;
    uint32_t n = names_add(&p->ids, text_of(r->request_id ? r->request_id : ""));
    mem_grow(&p->pairs, &p->capacity, (size_t)n + 1, sizeof *p->pairs);
    if (n == known) {
        const char *cluster = r->session_id ? r->session_id : r->request_id;
        p->pairs[n] =
            (struct pair){.cluster = names_add(&p->clusters, text_of(cluster ? cluster : ""))};
    }
    struct pair *pair = &p->pairs[n];
    pair->seen[p->run] = true;
    pair->asked[p->run] = r->asked_input;
    pair->tokens[p->run][0] = (double)usage_input(&r->usage);
    pair->tokens[p->run][1] = (double)usage_output(&r->usage);
    return 0;
}

static bool is_pair(const struct pair *p)
{
    return p->seen[0] && p->seen[1] && p->asked[0] == p->asked[1];
}

static uint64_t count_pairs(const struct pairing *p, struct token_lesson *out)
{
    bool *used = mem_zero(p->clusters.count + 1, sizeof *used);
    uint64_t clusters = 0;
    for (size_t i = 0; i < p->ids.count; i++) {
        const struct pair *pair = &p->pairs[i];
        out->unpaired += !pair->seen[0] || !pair->seen[1];
        out->different += pair->seen[0] && pair->seen[1] && !is_pair(pair);
        if (!is_pair(pair))
            continue;
        out->pairs++;
        clusters += !used[pair->cluster];
        used[pair->cluster] = true;
    }
    free(used);
    return clusters;
}

/* Σd² over the clusters. */
static double spread(const struct pairing *p, int what, double ratio)
{
    double *off = mem_zero(p->clusters.count + 1, sizeof *off), sum = 0;
    for (size_t i = 0; i < p->ids.count; i++)
        if (is_pair(&p->pairs[i]))
            off[p->pairs[i].cluster] +=
                p->pairs[i].tokens[1][what] - ratio * p->pairs[i].tokens[0][what];
    for (size_t i = 0; i < p->clusters.count; i++)
        sum += off[i] * off[i];
    free(off);
    return sum;
}

static uint64_t in_millionths(double value)
{
    double least = (double)TOKEN_FACTOR_LEAST, most = (double)TOKEN_FACTOR_MOST;
    return (uint64_t)fmin(fmax(value, least), most);
}

static int learn(const struct pairing *p, int what, uint64_t clusters, struct token_lesson *out,
                 struct error *err)
{
    double sum[2] = {0, 0}, n = (double)clusters;
    for (size_t i = 0; i < p->ids.count; i++)
        for (int run = 0; run < 2 && is_pair(&p->pairs[i]); run++)
            sum[run] += p->pairs[i].tokens[run][what];
    double ratio = sum[0] > 0 ? sum[1] / sum[0] : 0;
    if (ratio < 0.01 || ratio > 20)
        return error_set(err, ERR_INPUT,
                         "the two runs have %.0f and %.0f tokens of %s: no factor from 0.01 to 20",
                         sum[0], sum[1], what == 0 ? "input" : "output");
    double error = sqrt(n / (n - 1) * spread(p, what, ratio)) / sum[0];
    double half = gsl_cdf_tdist_Qinv(0.025, n - 1) * error;
    out->factor[TOKENS_AS][what] = (uint64_t)llround(ratio * 1e6);
    out->factor[TOKENS_LOW][what] = in_millionths(floor((ratio - half) * 1e6));
    out->factor[TOKENS_HIGH][what] = in_millionths(ceil((ratio + half) * 1e6));
    return 0;
}

static int learn_both(const struct pairing *p, const char *counted, const char *priced,
                      struct token_lesson *out, struct error *err)
{
    uint64_t clusters = count_pairs(p, out);
    if (clusters < TOKEN_LEAST_CLUSTERS)
        return error_set(
            err, ERR_INPUT,
            "%.120s and %.120s have %" PRIu64 " requests in common that completed in "
            "both with the usage that the server reported (%" PRIu64 " have prompts of "
            "other lengths), in %" PRIu64 " sessions; a factor needs %d sessions: run "
            "the same workload against both models",
            counted, priced, out->pairs, out->different, clusters, TOKEN_LEAST_CLUSTERS);
    int code = learn(p, 0, clusters, out, err);
    return code < 0 ? code : learn(p, 1, clusters, out, err);
}

int token_learn(const char *counted, const char *priced, struct token_lesson *out,
                struct error *err)
{
    struct pairing p = {0};
    *out = (struct token_lesson){0};
    names_init(&p.ids);
    names_init(&p.clusters);
    int code = run_records_read(counted, take, &p, NULL, err);
    p.run = 1;
    if (code == 0)
        code = run_records_read(priced, take, &p, NULL, err);
    if (code == 0)
        code = learn_both(&p, counted, priced, out, err);
    names_free(&p.ids);
    names_free(&p.clusters);
    free(p.pairs);
    return code;
}
