#include "sim/cost/book/plan_terms.h"

#include "core/memory.h"

#include <stdlib.h>

/* ---- writing ---- */

static void pack_texts(char *const *texts, size_t count, struct buffer *out)
{
    for (size_t i = 0; i < count; i++)
        pack_text(out, texts[i]);
}

static void pack_quotas(const struct plan_quota *quotas, size_t count, struct buffer *out)
{
    pack_list(out, quotas, count, sizeof *quotas);
    for (size_t i = 0; i < count; i++) {
        const struct plan_quota *q = &quotas[i];
        pack_text(out, q->label);
        pack_text(out, q->of);
        pack_texts(q->models, q->model_count, out);
        pack_texts(q->classes, q->class_count, out);
        pack_list(out, q->counts, USAGE_CLASSES, sizeof *q->counts);
    }
}

static void pack_volumes(const struct plan_fees *f, struct buffer *out)
{
    pack_list(out, f->volumes, f->volume_count, sizeof *f->volumes);
    for (size_t i = 0; i < f->volume_count; i++) {
        const struct plan_volume *v = &f->volumes[i];
        pack_list(out, v->steps, v->step_count, sizeof *v->steps);
        pack_texts(v->models, v->model_count, out);
    }
}

void plan_terms_pack(const struct plan *plan, struct buffer *out)
{
    pack_value(out, *plan);
    pack_text(out, plan->name);
    pack_quotas(plan->quotas, plan->quota_count, out);
    pack_quotas(plan->rate_limits, plan->rate_limit_count, out);
    pack_volumes(&plan->fees, out);
}

/* ---- reading ---- */

static void *keep(struct plan_terms *t, void *array)
{
    if (array)
        *(void **)mem_append(&t->arrays, &t->array_count, sizeof *t->arrays) = array;
    return array;
}

/* The bytes are there for as long as the terms. */
static char *lent(struct unpack *u)
{
    return (char *)(uintptr_t)unpack_text(u);
}

static char **unpack_texts(struct unpack *u, struct plan_terms *t, size_t *count)
{
    if (*count > u->left) { /* each has more than a byte */
        u->broken = true;
        *count = 0;
    }
    char **texts = *count ? keep(t, mem_zero(*count, sizeof *texts)) : NULL;
    for (size_t i = 0; i < *count; i++)
        texts[i] = lent(u);
    return texts;
}

static struct plan_quota *unpack_quotas(struct unpack *u, struct plan_terms *t, size_t *count)
{
    struct plan_quota *quotas = keep(t, unpack_list(u, count, sizeof *quotas));
    for (size_t i = 0; i < *count; i++) {
        struct plan_quota *q = &quotas[i];
        size_t classes;
        q->label = lent(u);
        q->of = lent(u);
        q->models = unpack_texts(u, t, &q->model_count);
        q->classes = unpack_texts(u, t, &q->class_count);
        q->counts = keep(t, unpack_list(u, &classes, sizeof *q->counts));
        u->broken = u->broken || (q->counts && classes != USAGE_CLASSES);
    }
    return quotas;
}

static void unpack_volumes(struct unpack *u, struct plan_terms *t, struct plan_fees *f)
{
    f->volumes = keep(t, unpack_list(u, &f->volume_count, sizeof *f->volumes));
    for (size_t i = 0; i < f->volume_count; i++) {
        struct plan_volume *v = &f->volumes[i];
        v->steps = keep(t, unpack_list(u, &v->step_count, sizeof *v->steps));
        v->models = unpack_texts(u, t, &v->model_count);
    }
}

static void drop_the_rest(struct plan *p)
{
    p->seller = p->source = p->note = p->as_of = p->currency = NULL;
    p->rates = NULL;
    p->rate_count = 0;
    p->provisioned.unit = NULL;
    p->limits.units = NULL;
    p->limits.unit_count = 0;
    p->billed.statuses = NULL;
    p->billed.status_count = 0;
}

void plan_terms_unpack(struct unpack *u, struct plan_terms *out)
{
    struct plan *p = &out->plan;
    *out = (struct plan_terms){0};
    unpack_value(u, *p);
    drop_the_rest(p);
    p->name = lent(u);
    p->quotas = unpack_quotas(u, out, &p->quota_count);
    p->rate_limits = unpack_quotas(u, out, &p->rate_limit_count);
    unpack_volumes(u, out, &p->fees);
}

void plan_terms_free(struct plan_terms *t)
{
    for (size_t i = 0; i < t->array_count; i++)
        free(t->arrays[i]);
    free(t->arrays);
    *t = (struct plan_terms){0};
}
