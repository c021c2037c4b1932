#include "workloads/scenario/mix.h"

#include "core/memory.h"
#include "workloads/scenario/session_rate.h"

#include <stdlib.h>
#include <string.h>

struct part {
    struct scenario scenario;
    double share;        /* of all requests, as given */
    double requests_rps; /* by itself */
};

struct mix {
    struct part parts[MIX_MOST];
    size_t count;
};

/* "my/chat.json:0.7": the share stands behind the last colon. */
static int read_part(struct text item, char **name, double *share, struct error *err)
{
    const char *colon = item.length ? memrchr(item.at, ':', item.length) : NULL;
    size_t length = colon ? (size_t)(colon - item.at) : 0;
    struct text number = {colon ? colon + 1 : "", colon ? item.length - length - 1 : 0};
    if (length == 0 || !text_to_double(number, share) || !(*share > 0) || *share > 1e9)
        return error_set(err, ERR_INPUT,
                         "--mix: expected SCENARIO:SHARE with a share above 0, as in "
                         "chat:0.7,agent:0.3; found \"%.*s\"",
                         (int)(item.length > 60 ? 60 : item.length), item.at);
    *name = mem_copy_text(item.at, length);
    return 0;
}

static int add_part(struct mix *m, struct text item, struct error *err)
{
    char *name = NULL;
    struct part *p = &m->parts[m->count];
    if (m->count == MIX_MOST)
        return error_set(err, ERR_INPUT, "--mix: at most %d scenarios", MIX_MOST);
    if (read_part(item, &name, &p->share, err) < 0)
        return ERR_INPUT;
    int status = scenario_load(name, &p->scenario, err);
    free(name);
    if (status < 0)
        return status;
    m->count++;
    p->requests_rps =
        scenario_sessions_rps(&p->scenario) * scenario_requests_per_session(&p->scenario);
    if (p->requests_rps > 0)
        return 0;
    return error_set(err, ERR_INPUT, "--mix: scenario \"%s\" has no requests to give a share of",
                     p->scenario.name);
}

static int add_parts(struct mix *m, const char *text, struct error *err)
{
    for (const char *at = text;; at++) {
        size_t length = strcspn(at, ",");
        if (add_part(m, (struct text){at, length}, err) < 0)
            return ERR_INPUT;
        at += length;
        if (*at == '\0')
            return 0;
    }
}

/* Requests per second of the whole: the shares' mean. */
static double whole_rps(const struct mix *m)
{
    double shares = 0, sum = 0;
    for (size_t i = 0; i < m->count; i++) {
        shares += m->parts[i].share;
        sum += m->parts[i].share * m->parts[i].requests_rps;
    }
    return sum / shares;
}

static double share_of(const struct mix *m, size_t part)
{
    double shares = 0;
    for (size_t i = 0; i < m->count; i++)
        shares += m->parts[i].share;
    return m->parts[part].share / shares;
}

static void scale(struct arrival *a, double factor)
{
    a->rate_rps *= factor;
    for (size_t i = 0; i < a->stage_count; i++) {
        a->stages[i].from_rps *= factor;
        a->stages[i].to_rps *= factor;
    }
}

static struct arrival copy_arrival(const struct arrival *a)
{
    struct arrival copy = *a;
    if (!a->stages)
        return copy;
    copy.stages = mem_alloc(a->stage_count * sizeof *copy.stages);
    memcpy(copy.stages, a->stages, a->stage_count * sizeof *copy.stages);
    return copy;
}

/* Gives every class arrivals of its own: its part of the scenario's, so many times as fast. */
static void own_arrivals(struct scenario *s, double factor)
{
    double weights = 0;
    for (size_t i = 0; i < s->class_count; i++)
        weights += s->classes[i].has_arrival ? 0 : s->classes[i].weight;
    for (size_t i = 0; i < s->class_count; i++) {
        struct scenario_class *c = &s->classes[i];
        double part = c->has_arrival ? 1 : c->weight / weights;
        if (!c->has_arrival)
            c->arrival = copy_arrival(&s->arrival);
        c->has_arrival = true;
        scale(&c->arrival, factor * part);
    }
}

/* Moves the classes. One that never comes is left out: it has no arrivals to have. */
static void take_classes(struct scenario *from, struct scenario *out)
{
    size_t kept = 0;
    for (size_t i = 0; i < from->class_count; i++) {
        struct scenario_class *c = &from->classes[i];
        if (!(arrival_mean_rps(&c->arrival) > 0)) {
            from->classes[kept++] = *c;
            continue;
        }
        if (!c->name)
            c->name = mem_copy_string(from->name);
        *scenario_add_class(out) = *c;
    }
    from->class_count = kept;
}

static void take_head(const struct mix *m, const char *text, struct scenario *out)
{
    const struct scenario *first = &m->parts[0].scenario;
    out->name = mem_copy_string(text);
    out->requests = first->requests;
    out->duration_s = first->duration_s;
    out->has_start = first->has_start;
    out->start_unix_ns = first->start_unix_ns;
    for (size_t i = 0; i < m->count; i++) {
        uint32_t size = m->parts[i].scenario.block_size;
        if (size && (out->block_size == 0 || size < out->block_size))
            out->block_size = size;
    }
}

int scenario_load_mix(const char *text, struct scenario *out, struct error *err)
{
    struct mix *m = mem_zero(1, sizeof *m);
    scenario_init(out);
    int status = add_parts(m, text, err);
    if (status == 0) {
        double rps = whole_rps(m);
        take_head(m, text, out);
        for (size_t i = 0; i < m->count; i++) {
            struct part *p = &m->parts[i];
            own_arrivals(&p->scenario, share_of(m, i) * rps / p->requests_rps);
            take_classes(&p->scenario, out);
        }
    }
    for (size_t i = 0; i < m->count; i++)
        scenario_free(&m->parts[i].scenario);
    free(m);
    return status;
}
