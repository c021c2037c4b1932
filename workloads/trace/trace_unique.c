#include "workloads/trace/trace_unique.h"

#include "core/memory.h"

#include <stdio.h>
#include <stdlib.h>

/* One request as the rows so far tell it. */
struct told {
    uint32_t row; /* in `all` */
    int64_t timestamp_ns;
};

struct trace_unique {
    struct workload all; /* every row, without its request id */
    uint32_t *request;   /* by row: its id among `requests` */
    struct names ids, requests;
    struct told *told; /* by id; a row without one has an entry of its own */
    size_t request_capacity, told_capacity, told_count;
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
    if (is_new)
        *t = (struct told){row, r.timestamp_ns};
    else if (r.output_tokens >= u->all.output_tokens[t->row])
        t->row = row;
    if (!is_new)
        trace_note(in, "repeated", true);
    return 0;
}

int trace_unique_settle(struct trace_unique *u, struct trace_input *in, struct error *err)
{
    for (size_t i = 0; u && i < u->told_count; i++) {
        struct request r;
        workload_get(&u->all, u->told[i].row, &r);
        r.timestamp_ns = u->told[i].timestamp_ns;
        r.request_id = names_text(&u->requests, u->request[u->told[i].row]);
        if (trace_add(in, &r, err) < 0)
            return ERR_INPUT;
    }
    return 0;
}
