#include "cli/report/breakdown.h"

#include "core/memory.h"
#include "core/names.h"

#include <stdlib.h>

static const char *const keys[] = {"class", "model", "endpoint"};
#define KEYS (sizeof keys / sizeof keys[0])

struct part {
    struct names names;
    struct collector *collectors[BREAKDOWN_NAMES + 1]; /* the last: (others) */
};

struct breakdown {
    struct part parts[KEYS];
    struct breakdown_group *groups;
};

struct breakdown *breakdown_create(void)
{
    struct breakdown *b = mem_zero(1, sizeof *b);
    for (size_t k = 0; k < KEYS; k++)
        names_init(&b->parts[k].names);
    return b;
}

void breakdown_free(struct breakdown *b)
{
    for (size_t k = 0; b && k < KEYS; k++) {
        names_free(&b->parts[k].names);
        for (size_t i = 0; i <= BREAKDOWN_NAMES; i++)
            if (b->parts[k].collectors[i])
                collector_free(b->parts[k].collectors[i]);
    }
    if (b)
        free(b->groups);
    free(b);
}

void breakdown_add(struct breakdown *b, const struct record *r)
{
    const char *const values[KEYS] = {r->class_name, r->model, r->endpoint};
    for (size_t k = 0; k < KEYS; k++) {
        struct part *p = &b->parts[k];
        struct text name = text_of(values[k] ? values[k] : "(none)");
        uint32_t number = names_find(&p->names, name);
        if (number == NAME_NONE)
            number =
                p->names.count < BREAKDOWN_NAMES ? names_add(&p->names, name) : BREAKDOWN_NAMES;
        if (!p->collectors[number])
            p->collectors[number] = collector_create();
        collector_add(p->collectors[number], r);
    }
}

size_t breakdown_finish(struct breakdown *b, const struct summary_options *options,
                        const struct breakdown_group **out)
{
    struct summary_options how = *options;
    size_t count = 0;
    how.no_intervals = true;
    free(b->groups);
    b->groups = mem_zero(KEYS * (BREAKDOWN_NAMES + 1), sizeof *b->groups);
    for (size_t k = 0; k < KEYS; k++)
        for (size_t i = 0; i <= BREAKDOWN_NAMES && b->parts[k].names.count > 1; i++) {
            if (!b->parts[k].collectors[i])
                continue;
            struct breakdown_group *g = &b->groups[count++];
            g->key = keys[k];
            g->name =
                i < BREAKDOWN_NAMES ? names_text(&b->parts[k].names, (uint32_t)i) : "(others)";
            collector_summarize(b->parts[k].collectors[i], &how, &g->summary);
        }
    *out = b->groups;
    return count;
}
