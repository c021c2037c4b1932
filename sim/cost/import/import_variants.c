/* What the same model costs otherwise: plans beside an entry's own. */
#include "core/memory.h"
#include "sim/cost/import/import_parts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct import_variant *import_variant(struct import *im, const char *name)
{
    struct import_plan *p = im->plan;
    for (size_t i = 0; i < p->variant_count; i++)
        if (strcmp(p->variants[i].name, name) == 0)
            return &p->variants[i];
    if (p->variant_count == IMPORT_VARIANTS_MAX) {
        import_miss(im, name, IMPORT_TIERS);
        return NULL;
    }
    mem_grow(&p->variants, &p->variant_capacity, p->variant_count + 1, sizeof *p->variants);
    struct import_variant *v = &p->variants[p->variant_count++];
    *v = (struct import_variant){.multiplied = false};
    snprintf(v->name, sizeof v->name, "%s", name);
    return v;
}

/* A product that no longer fits is as good as one that fits: 60 digits are finer than a plan. */
static void multiply(struct import_number *n, const struct import_number *factor)
{
    import_number_multiply(n, factor);
    import_number_limit(n, 24);
}

static void multiply_set(struct import_set *set, const struct import_number *factor)
{
    for (int c = 0; c < USAGE_CLASSES; c++) {
        struct import_class *k = &set->classes[c];
        multiply(&k->base, factor);
        for (size_t i = 0; i < k->tier_count; i++)
            multiply(&k->tiers[i].price, factor);
    }
}

static bool ends_with(const char *text, const char *end)
{
    size_t length = strlen(text), cut = strlen(end);
    return length >= cut && strcmp(text + length - cut, end) == 0;
}

static void multiply_plan(struct import_plan *p, const struct import_number *factor)
{
    multiply_set(&p->standard, factor);
    for (int s = 0; s < SERVICE_COUNT; s++)
        multiply_set(&p->services[s], factor);
    for (size_t i = 0; i < p->window_count; i++)
        multiply_set(&p->windows[i].set, factor);
    for (size_t i = 0; i < p->units.count; i++) /* tokens that have no class of their own */
        if (ends_with(p->units.items[i].name, "_token"))
            multiply(&p->units.items[i].price, factor);
}

/* Prices of its own stand in the place of the entry's; its services and dates are not known. */
static void replace_prices(struct import *im, struct import_plan *p, struct import_variant *v)
{
    if (v->set.used) {
        p->standard = v->set;
        for (int s = 0; s < SERVICE_COUNT; s++)
            p->services[s].used = false;
        p->window_count = 0;
    }
    for (size_t i = 0; i < v->tools.count; i++) {
        struct import_fee *known = NULL;
        for (size_t k = 0; k < p->tools.count; k++)
            if (strcmp(p->tools.items[k].name, v->tools.items[i].name) == 0)
                known = &p->tools.items[k];
        if (known)
            known->price = v->tools.items[i].price;
        else
            import_add_fee(im, &p->tools, v->tools.items[i].name, &v->tools.items[i].price,
                           v->name);
    }
}

static void write_variant(struct import *im, struct import_variant *v)
{
    struct import_plan *own = im->plan, *p = mem_alloc(sizeof *p);
    char factor[IMPORT_NUMBER_TEXT], name[IMPORT_NAME_MAX + 80];
    *p = *own;
    snprintf(name, sizeof name, "%s (%s)", own->name, v->name);
    struct text text = text_of(name);
    if (text.length > IMPORT_NAME_MAX || names_find(&im->seen, text) != NAME_NONE) {
        free(p);
        return;
    }
    p->windows = mem_zero(own->window_count + 1, sizeof *p->windows);
    if (own->window_count > 0)
        memcpy(p->windows, own->windows, own->window_count * sizeof *p->windows);
    p->name = name;
    p->model = own->name;
    if (v->multiplied) {
        multiply_plan(p, &v->factor);
        import_number_text(&v->factor, 0, factor);
        snprintf(p->remark, sizeof p->remark, "every price of a token × %.32s", factor);
    } else {
        replace_prices(im, p, v);
    }
    names_add(&im->seen, text);
    im->plan = p;
    import_write_plan(im);
    im->plan = own;
    im->report->variants++;
    free(p->windows);
    free(p);
}

void import_write_variants(struct import *im)
{
    for (size_t i = 0; i < im->plan->variant_count; i++)
        write_variant(im, &im->plan->variants[i]);
}
