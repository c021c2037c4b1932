#include "sim/cost/tokens/token_view.h"

#include "core/memory.h"
#include "sim/cost/book/price.h"
#include "sim/cost/tokens/model_name.h"
#include "workloads/model/attempts.h"

#include <stdlib.h>
#include <string.h>

enum token_kind { KIND_OWN, KIND_SCALED, KIND_FOREIGN, KIND_UNNAMED };

/* What a row of some model, counted as some model, is to a plan. */
struct fate {
    enum token_kind kind;
    const struct token_scale *scale;
    const char *priced;
};

static bool pattern_fits(const char *pattern, const char *name)
{
    return name &&
           (text_matches(text_of(name), text_of(pattern)) || model_name_same(name, pattern));
}

/* True if the scale names the plan itself, which stands for the model that it sells. */
static bool names_plan(const struct token_scale *s, const struct plan *plan)
{
    return strcmp(s->model, plan->name) == 0;
}

static const char *priced_model(const struct plan *plan, const struct plan_rate *rate,
                                const char *model)
{
    if (rate->model_count > 0)
        return model ? model : rate->models[0];
    const char *named = model_name_of_plan(plan);
    return named ? named : model;
}

/* True if the plan looks at tokens at all. */
static bool counts_tokens(const struct plan *plan)
{
    const struct plan_limits *l = &plan->limits;
    bool counts = price_is_by_token(plan) || l->max_input_tokens || l->max_output_tokens ||
                  l->max_total_tokens || plan->provisioned.tokens_per_minute;
    for (size_t i = 0; i < plan_limit_count(plan); i++)
        counts = counts || plan_limit_at(plan, i)->unit != QUOTA_REQUESTS;
    return counts;
}

static struct fate fate_of(const struct plan *plan, const char *model, const char *counted,
                           const struct token_scales *scales)
{
    const struct plan_rate *rate = plan_rate_for(plan, model);
    if (!rate || !counts_tokens(plan))
        return (struct fate){0};
    struct fate f = {.priced = priced_model(plan, rate, model)};
    bool own = counted && (!f.priced || model_name_same(counted, f.priced));
    bool nameless = rate->model_count == 0 && !model_name_of_plan(plan);
    for (size_t i = 0; scales && i < scales->count; i++) {
        const struct token_scale *s = &scales->items[i];
        bool plans = names_plan(s, plan) && (nameless || !own);
        if (!plans && (own || !pattern_fits(s->model, f.priced)))
            continue;
        if (!plans && counted && pattern_fits(s->model, counted))
            return f; /* counted as one of those already */
        f.kind = KIND_SCALED;
        f.scale = s;
        return f;
    }
    f.kind = own ? KIND_OWN : counted ? KIND_FOREIGN : KIND_UNNAMED;
    return f;
}

const struct token_scale *token_scale_for(const struct plan *plan, const char *model,
                                          const char *counted, const struct token_scales *scales)
{
    return fate_of(plan, model, counted, scales).scale;
}

/* ---- the fates of all rows ---- */

struct judge {
    const struct workload *w;
    const struct plan *plan;
    const struct token_scales *scales;
    struct fate **fates; /* by counter (the last: as the model), then by model (the last: none);
                            made when a row asks for them */
    bool **known;
    uint64_t *foreign; /* rows by counter, then by model, that are counted so */
};

static size_t model_count(const struct workload *w)
{
    return w->model ? w->models.count : 0;
}

static void judge_open(struct judge *j, const struct workload *w, const struct plan *plan,
                       const struct token_scales *scales)
{
    *j = (struct judge){.w = w, .plan = plan, .scales = scales};
    j->fates = mem_zero(w->counters.count + 1, sizeof *j->fates);
    j->known = mem_zero(w->counters.count + 1, sizeof *j->known);
    j->foreign = mem_zero(w->counters.count + model_count(w) + 1, sizeof *j->foreign);
}

static void judge_close(struct judge *j)
{
    for (size_t i = 0; i <= j->w->counters.count; i++) {
        free(j->fates[i]);
        free(j->known[i]);
    }
    free(j->fates);
    free(j->known);
    free(j->foreign);
}

static size_t counter_of(const struct workload *w, size_t row)
{
    bool own = !w->counted || w->counted[row] == NAME_NONE;
    return own ? w->counters.count : w->counted[row];
}

static size_t model_of(const struct workload *w, size_t row)
{
    return w->model && w->model[row] != UINT16_MAX ? w->model[row] : model_count(w);
}

/* The name that the row's tokens are counts of; NULL: nobody knows. */
static const char *counted_name(const struct workload *w, size_t counter, size_t model)
{
    const char *name = counter < w->counters.count ? names_text(&w->counters, (uint32_t)counter)
                       : model < model_count(w)    ? names_text(&w->models, (uint32_t)model)
                                                   : "";
    return name[0] ? name : NULL;
}

static const struct fate *judge(struct judge *j, size_t counter, size_t model)
{
    const struct workload *w = j->w;
    size_t models = model_count(w);
    if (!j->fates[counter]) {
        j->fates[counter] = mem_zero(models + 1, sizeof **j->fates);
        j->known[counter] = mem_zero(models + 1, sizeof **j->known);
    }
    struct fate *f = &j->fates[counter][model];
    if (!j->known[counter][model]) {
        const char *name = model < models ? names_text(&w->models, (uint32_t)model) : NULL;
        *f = fate_of(j->plan, name, counted_name(w, counter, model), j->scales);
        j->known[counter][model] = true;
    }
    return f;
}

static void note_priced(struct token_counts *c, const char *priced, bool *several)
{
    if (!c->priced)
        c->priced = priced;
    else if (priced && priced != c->priced && strcmp(priced, c->priced) != 0)
        *several = true;
}

/* So many rows of one kind. */
static void count_alike(struct judge *j, size_t counter, size_t model, uint64_t rows,
                        struct token_counts *c, bool *several)
{
    const struct fate *f = judge(j, counter, model);
    if (rows == 0 || f->kind == KIND_OWN)
        return;
    if (f->kind == KIND_UNNAMED) {
        c->unnamed += rows;
        return;
    }
    note_priced(c, f->priced, several);
    if (f->kind == KIND_FOREIGN) {
        c->foreign += rows;
        j->foreign[counter < j->w->counters.count ? counter : counter + model] += rows;
        return;
    }
    c->scaled += rows;
    c->learnt |= f->scale->learnt;
    c->scale = c->scale ? c->scale : f->scale;
    size_t number = (size_t)(f->scale - j->scales->items);
    c->used |= number < 64 ? UINT64_C(1) << number : 0;
}

static void count_rows(struct judge *j, struct token_counts *c)
{
    const struct workload *w = j->w;
    size_t models = model_count(w);
    uint64_t *rows = mem_zero(models + 1, sizeof *rows);
    bool several = false;
    for (size_t i = 0; i < w->count; i++)
        if (w->counted && w->counted[i] != NAME_NONE)
            count_alike(j, w->counted[i], model_of(w, i), 1, c, &several);
        else
            rows[model_of(w, i)]++;
    for (size_t m = 0; m <= models; m++)
        count_alike(j, w->counters.count, m, rows[m], c, &several);
    free(rows);
    if (several)
        c->priced = NULL;
}

/* The model of most foreign rows: a counter and a model of one name are two entries here, which a
 * mix of routed rows and others may have. */
static void name_foreign(const struct judge *j, struct token_counts *c)
{
    const struct workload *w = j->w;
    size_t counters = w->counters.count, all = counters + model_count(w), most = SIZE_MAX;
    for (size_t i = 0; i < all && c->foreign > 0; i++) {
        if (j->foreign[i] == 0)
            continue;
        const char *name = i < counters ? names_text(&w->counters, (uint32_t)i)
                                        : names_text(&w->models, (uint32_t)(i - counters));
        uint32_t twin = i < counters ? NAME_NONE : names_find(&w->counters, text_of(name));
        c->counted_models += twin == NAME_NONE || j->foreign[twin] == 0;
        if (most != SIZE_MAX && j->foreign[i] <= j->foreign[most])
            continue;
        most = i;
        c->counted = name;
    }
}

static void count_all(struct judge *j, struct token_counts *out)
{
    *out = (struct token_counts){0};
    count_rows(j, out);
    name_foreign(j, out);
}

void token_counts_make(struct token_counts *out, const struct workload *w, const struct plan *plan,
                       const struct token_scales *scales)
{
    struct judge j;
    judge_open(&j, w, plan, scales);
    count_all(&j, out);
    judge_close(&j);
}

/* ---- the scaled columns ---- */

static void scale_usage(const struct token_scale *s, enum token_side side, struct usage *u)
{
    for (int c = 0; c < USAGE_CLASSES; c++)
        if (u->tokens[c])
            u->tokens[c] = token_scale_apply(s, side, (enum usage_class)c, u->tokens[c]);
}

static uint32_t fitting(uint64_t tokens)
{
    return tokens < UINT32_MAX ? (uint32_t)tokens : UINT32_MAX;
}

static void scale_row(struct workload *w, size_t i, const struct token_scale *s,
                      enum token_side side)
{
    struct usage u = workload_usage(w, i);
    scale_usage(s, side, &u);
    w->input_tokens[i] = fitting(usage_input(&u));
    w->output_tokens[i] = fitting(usage_output(&u));
    if (!w->usage_known || !w->usage_known[i])
        return;
    struct recorded_usage *r = &w->usage[i];
    r->cached_input = fitting(u.tokens[USAGE_CACHED_INPUT]);
    r->cache_write = fitting(u.tokens[USAGE_CACHE_WRITE]);
    r->cache_write_1h = fitting(u.tokens[USAGE_CACHE_WRITE_1H]);
    r->reasoning = fitting(u.tokens[USAGE_REASONING]);
    for (int c = USAGE_PLAIN_CLASSES; w->media && c < USAGE_CLASSES; c++)
        w->media[i].tokens[c - USAGE_PLAIN_CLASSES] = fitting(u.tokens[c]);
}

static void scale_attempts(struct earlier_attempts *e, size_t i, const struct token_scale *s,
                           enum token_side side)
{
    for (uint64_t a = e->start[i]; a < e->start[i + 1]; a++) {
        scale_usage(s, side, &e->items[a].usage);
        e->items[a].asked_output =
            fitting(token_scale_apply(s, side, USAGE_OUTPUT, e->items[a].asked_output));
    }
    e->finals[i].asked_output =
        fitting(token_scale_apply(s, side, USAGE_OUTPUT, e->finals[i].asked_output));
}

static void *copy(const void *from, size_t count, size_t size)
{
    return from ? memcpy(mem_alloc((count + 1) * size), from, count * size) : NULL;
}

static struct earlier_attempts *copy_attempts(const struct earlier_attempts *from, size_t rows)
{
    struct earlier_attempts *to = copy(from, 1, sizeof *from);
    to->start = copy(from->start, rows + 1, sizeof *from->start);
    to->items = copy(from->items, from->start[rows], sizeof *from->items);
    to->finals = copy(from->finals, rows, sizeof *from->finals);
    return to;
}

static void own_columns(struct workload *w)
{
    w->input_tokens = copy(w->input_tokens, w->count, sizeof *w->input_tokens);
    w->output_tokens = copy(w->output_tokens, w->count, sizeof *w->output_tokens);
    w->usage = copy(w->usage, w->count, sizeof *w->usage);
    w->media = copy(w->media, w->count, sizeof *w->media);
    if (w->earlier)
        w->earlier = copy_attempts(w->earlier, w->count);
}

static void scale_rows(struct judge *j, struct workload *w, enum token_side side)
{
    for (size_t i = 0; i < w->count; i++) {
        const struct fate *f = judge(j, counter_of(w, i), model_of(w, i));
        const struct token_scale *s = f->kind == KIND_FOREIGN ? &token_scale_unknown : f->scale;
        if (!s || (f->kind == KIND_FOREIGN && side == TOKENS_AS))
            continue;
        scale_row(w, i, s, side);
        if (w->earlier)
            scale_attempts(w->earlier, i, s, side);
    }
}

void token_view_make(struct token_view *out, const struct workload *w, const struct plan *plan,
                     const struct token_scales *scales, enum token_side side)
{
    struct judge j;
    *out = (struct token_view){.workload = *w};
    judge_open(&j, w, plan, scales);
    count_all(&j, &out->counts);
    out->changed = out->counts.scaled > 0 || (side != TOKENS_AS && out->counts.foreign > 0);
    if (out->changed) {
        own_columns(&out->workload);
        scale_rows(&j, &out->workload, side);
    }
    judge_close(&j);
}

void token_view_free(struct token_view *v)
{
    if (v->changed) {
        free(v->workload.input_tokens);
        free(v->workload.output_tokens);
        free(v->workload.usage);
        free(v->workload.media);
        earlier_attempts_free(v->workload.earlier);
    }
    *v = (struct token_view){0};
}
