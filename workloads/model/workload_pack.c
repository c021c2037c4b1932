#include "workloads/model/workload_pack.h"

#include <string.h>

#define AT(field) offsetof(struct workload, field)
#define SIZE(field) sizeof *((struct workload *)0)->field

/* An element for each row, where the workload has the column. */
static const struct {
    size_t offset, size;
} columns[] = {
#define COLUMN(field)          \
    {                          \
        AT(field), SIZE(field) \
    }
    COLUMN(timestamp_ns), COLUMN(input_tokens),   COLUMN(output_tokens), COLUMN(delay_ns),
    COLUMN(session),      COLUMN(model),          COLUMN(class_number),  COLUMN(labels),
    COLUMN(service),      COLUMN(status),         COLUMN(initiator),     COLUMN(priority),
    COLUMN(attempts),     COLUMN(usage),          COLUMN(usage_known),   COLUMN(media),
    COLUMN(cost),         COLUMN(first_token_ns), COLUMN(end_ns),        COLUMN(finish),
    COLUMN(requests),     COLUMN(bucket_ns),      COLUMN(counted),
#undef COLUMN
};

/* Items that the rows have as many of as their starts say, one start more than there are rows. */
static const struct {
    size_t starts, items, size, capacity;
} lists[] = {
#define LIST(name, items, capacity)                            \
    {                                                          \
        AT(name##_start), AT(items), SIZE(items), AT(capacity) \
    }
    LIST(after, after, after_capacity),  LIST(hash, hash_ids, hash_capacity),
    LIST(image, images, image_capacity), LIST(messages, messages, messages_capacity),
    LIST(body, body, body_capacity),     LIST(extra, extra, extra_capacity),
#undef LIST
};

static const size_t all_names[] = {AT(sessions), AT(models),   AT(classes),     AT(label_sets),
                                   AT(finishes), AT(counters), AT(extra_names), AT(other_services)};

static void *load(const void *w, size_t offset)
{
    void *p;
    memcpy(&p, (const char *)w + offset, sizeof p);
    return p;
}

static void store(void *w, size_t offset, void *p)
{
    memcpy((char *)w + offset, &p, sizeof p);
}

/* ---- writing ---- */

static void pack_names(const struct names *n, struct buffer *out)
{
    uint64_t count = n->count;
    pack_value(out, count);
    for (size_t i = 0; i < n->count; i++) {
        pack_value(out, n->lengths[i]);
        buffer_add(out, n->texts[i], n->lengths[i]);
    }
}

static void pack_ids(const struct request_ids *ids, struct buffer *out)
{
    struct request_ids plain = *ids;
    plain.names = (struct names){0};
    pack_value(out, plain);
    pack_names(&ids->names, out);
}

static void pack_extras(const struct workload *w, struct buffer *out)
{
    pack_list(out, w->usage_extras, w->usage_extra_count, sizeof *w->usage_extras);
    for (size_t i = 0; i < w->usage_extra_count; i++) {
        uint32_t name = names_find(&w->extra_names, text_of(w->usage_extras[i].name));
        pack_value(out, name);
    }
}

void workload_pack(const struct workload *w, struct buffer *out)
{
    uint64_t count = w->count;
    pack_value(out, count);
    pack_text(out, w->name);
    pack_value(out, w->has_start);
    pack_value(out, w->start_unix_ns);
    pack_value(out, w->block_size);
    for (size_t i = 0; i < sizeof columns / sizeof *columns; i++)
        pack_list(out, load(w, columns[i].offset), w->count, columns[i].size);
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        const uint64_t *starts = load(w, lists[i].starts);
        pack_list(out, starts, w->count + 1, sizeof *starts);
        pack_list(out, load(w, lists[i].items), starts ? (size_t)starts[w->count] : 0,
                  lists[i].size);
    }
    for (size_t i = 0; i < sizeof all_names / sizeof *all_names; i++)
        pack_names((const struct names *)(const void *)((const char *)w + all_names[i]), out);
    pack_ids(&w->ids, out);
    pack_extras(w, out);
}

/* ---- reading ---- */

static void unpack_names(struct unpack *u, struct names *n)
{
    uint64_t count;
    unpack_value(u, count);
    for (uint64_t i = 0; i < count && !u->broken; i++) {
        uint32_t length;
        unpack_value(u, length);
        if (length > u->left) {
            u->broken = true;
            return;
        }
        names_add(n, (struct text){u->at, length});
        u->at += length;
        u->left -= length;
    }
}

static void unpack_ids(struct unpack *u, struct request_ids *ids)
{
    unpack_value(u, *ids);
    ids->names = (struct names){0};
    unpack_names(u, &ids->names);
}

static void unpack_extras(struct unpack *u, struct workload *w)
{
    w->usage_extras = unpack_list(u, &w->usage_extra_count, sizeof *w->usage_extras);
    w->usage_extra_capacity = w->usage_extra_count;
    for (size_t i = 0; i < w->usage_extra_count; i++) {
        uint32_t name;
        unpack_value(u, name);
        w->usage_extras[i].name = u->broken ? NULL : names_text(&w->extra_names, name);
    }
}

static void *unpack_column(struct unpack *u, size_t expected, size_t size)
{
    size_t count;
    void *items = unpack_list(u, &count, size);
    u->broken = u->broken || (items && count != expected);
    return items;
}

void workload_unpack(struct unpack *u, struct workload *w)
{
    uint64_t count;
    unpack_value(u, count);
    w->name = unpack_string(u);
    unpack_value(u, w->has_start);
    unpack_value(u, w->start_unix_ns);
    unpack_value(u, w->block_size);
    for (size_t i = 0; i < sizeof columns / sizeof *columns; i++)
        store(w, columns[i].offset, unpack_column(u, (size_t)count, columns[i].size));
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        size_t items;
        store(w, lists[i].starts, unpack_column(u, (size_t)count + 1, sizeof(uint64_t)));
        store(w, lists[i].items, unpack_list(u, &items, lists[i].size));
        memcpy((char *)w + lists[i].capacity, &items, sizeof items);
    }
    for (size_t i = 0; i < sizeof all_names / sizeof *all_names; i++)
        unpack_names(u, (struct names *)(void *)((char *)w + all_names[i]));
    unpack_ids(u, &w->ids);
    unpack_extras(u, w);
    w->count = w->capacity = w->prepared = u->broken ? 0 : (size_t)count;
}
