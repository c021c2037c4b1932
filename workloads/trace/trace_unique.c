#include "workloads/trace/trace_unique.h"

#include "core/memory.h"

#include <stdio.h>
#include <stdlib.h>

/* One request as the rows so far tell it. */
struct told {
    uint32_t row; /* in `all` */
    bool dropped;
    int64_t timestamp_ns, end_ns;
};

struct trace_unique {
    struct workload all; /* every row, without its request id */
    uint32_t *request;   /* by row: its id among `requests` */
    struct names ids, requests;
    struct told *told; /* by id; a row without one has an entry of its own */
    size_t request_capacity, told_capacity, told_count;
    size_t last; /* of `told`, by the row added last */
    bool has_ends;
};

struct trace_unique *trace_unique_create(bool wanted)
{
    if (!wanted)
        return NULL;
    struct trace_unique *u = mem_zero(1, sizeof *u);
    workload_init(&u->all);
    names_init(&u->ids);
    names_init(&u->requests);
    return u;
}

void trace_unique_free(struct trace_unique *u)
{
    if (!u)
        return;
    workload_free(&u->all);
    names_free(&u->ids);
    names_free(&u->requests);
    free(u->request);
    free(u->told);
    free(u);
}

/* The place of the row's request among those told of; new where it was not seen. */
static struct told *find_told(struct trace_unique *u, const struct trace_fields *f, bool *is_new)
{
    char made[32];
    struct text id = f->unique;
    if (!id.at)
        id = (struct text){made, (size_t)snprintf(made, sizeof made, "\n%zu", u->all.count)};
    uint32_t place = names_add(&u->ids, id);
    *is_new = place == u->told_count;
    mem_grow(&u->told, &u->told_capacity, (size_t)place + 1, sizeof *u->told);
    u->told_count += *is_new;
    return &u->told[place];
}

int trace_unique_add(struct trace_unique *u, struct trace_input *in, const struct trace_fields *f,
                     struct error *err)
{
    if (!u)
        return trace_add(in, &f->row, err);
    struct request r = f->row;
    struct error why = {0};
    uint32_t row = (uint32_t)u->all.count;
    r.request_id = NULL;
    if (workload_add(&u->all, &r, &why) < 0)
        return trace_fail(in, 0, err, "%s", why.message);
    mem_grow(&u->request, &u->request_capacity, (size_t)row + 1, sizeof *u->request);
    u->request[row] =
        f->row.request_id ? names_add(&u->requests, text_of(f->row.request_id)) : NAME_NONE;
    bool is_new;
    struct told *t = find_told(u, f, &is_new);
    u->last = (size_t)(t - u->told);
    if (is_new)
        *t = (struct told){.row = row, .timestamp_ns = r.timestamp_ns, .end_ns = TIME_NEVER};
    else if (r.output_tokens >= u->all.output_tokens[t->row])
        t->row = row;
    if (!is_new)
        trace_note(in, "repeated", true);
    return 0;
}

void trace_unique_end(struct trace_unique *u, int64_t end_ns)
{
    int64_t *end = &u->told[u->last].end_ns;
    if (end_ns == TIME_NEVER || (*end != TIME_NEVER && *end >= end_ns))
        return;
    *end = end_ns;
    u->has_ends = true;
}

bool trace_unique_drop(struct trace_unique *u, struct text id)
{
    uint32_t place = names_find(&u->ids, id);
    if (place == NAME_NONE || u->told[place].dropped)
        return false;
    u->told[place].dropped = true;
    return true;
}

/* The id that the rows had, or one that no log has. */
static const char *id_of(const struct trace_unique *u, size_t place, char made[48])
{
    const char *id = names_text(&u->ids, (uint32_t)place);
    if (id[0] != '\n')
        return id;
    snprintf(made, 48, "row without id %zu", place + 1);
    return made;
}

static int put_rows(struct trace_unique *u, struct trace_input *in, int64_t *ends,
                    struct error *err)
{
    for (size_t i = 0; i < u->told_count; i++) {
        const struct told *t = &u->told[i];
        struct request r;
        char made[48];
        if (t->dropped)
            continue;
        workload_get(&u->all, t->row, &r);
        r.timestamp_ns = t->timestamp_ns;
        r.request_id = names_text(&u->requests, u->request[t->row]);
        if (!r.request_id && in->options.ids)
            r.request_id = id_of(u, i, made);
        ends[in->out->count] = t->end_ns;
        if (trace_add(in, &r, err) < 0)
            return ERR_INPUT;
    }
    return 0;
}

int trace_unique_settle(struct trace_unique *u, struct trace_input *in, struct error *err)
{
    if (!u)
        return 0;
    int64_t *ends = mem_zero(in->out->count + u->told_count + 1, sizeof *ends);
    int status = put_rows(u, in, ends, err);
    if (status == 0 && u->has_ends && in->out->count > 0)
        workload_link_sessions(in->out, ends);
    free(ends);
    return status;
}
