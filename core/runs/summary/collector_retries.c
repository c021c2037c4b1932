/* First sendings of requests that are tried again. */
#include "core/memory.h"
#include "core/runs/summary/collector_state.h"

#include <stdlib.h>

#define FORGET_FROM 1024 /* ids, before it is worth the work */

struct retry {
    int64_t sent_ns, ready_ns;
    bool finished;
};

void retry_store_init(struct retry_store *s)
{
    *s = (struct retry_store){0};
    names_init(&s->ids);
}

void retry_store_free(struct retry_store *s)
{
    names_free(&s->ids);
    free(s->first);
    retry_store_init(s);
}

static void keep(struct retry_store *s, const char *id, const struct retry *first)
{
    uint32_t number = names_add(&s->ids, text_of(id));
    mem_grow(&s->first, &s->capacity, number + 1, sizeof *s->first);
    s->first[number] = *first;
    s->waiting++;
}

/* Names cannot be taken back one by one: those that still wait move to a new store. */
static void forget_finished(struct retry_store *s)
{
    struct retry_store left;
    retry_store_init(&left);
    for (uint32_t i = 0; i < s->ids.count; i++)
        if (!s->first[i].finished)
            keep(&left, names_text(&s->ids, i), &s->first[i]);
    retry_store_free(s);
    *s = left;
}

void retry_store_add(struct retry_store *s, const struct record *r)
{
    uint32_t known = names_find(&s->ids, text_of(r->request_id));
    const struct retry first = {r->sent_ns, r->ready_ns, false};
    if (known == NAME_NONE) {
        keep(s, r->request_id, &first);
    } else if (s->first[known].finished) {
        s->first[known] = first;
        s->waiting++;
    }
}

void retry_store_finish(struct retry_store *s, const struct record *r, struct request_row *row)
{
    uint32_t number = names_find(&s->ids, text_of(r->request_id));
    if (number == NAME_NONE || s->first[number].finished)
        return;
    row->sent_ns = s->first[number].sent_ns;
    row->ready_ns = s->first[number].ready_ns;
    s->first[number].finished = true;
    s->waiting--;
    if (s->ids.count >= FORGET_FROM && s->waiting < s->ids.count / 2)
        forget_finished(s);
}
