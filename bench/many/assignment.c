#include "bench/many/assignment.h"

#include "core/memory.h"
#include "workloads/model/workload_pack.h"

#include <stdlib.h>
#include <string.h>

struct assignment_room {
    struct buffer bytes; /* every text is lent from here */
    struct endpoint_config *endpoints;
    const char ***lists; /* of headers and secrets */
    size_t list_count;
    struct profile_stage *stages;
    struct prompt_scale *scales;
    struct stop_rules stops;
    struct fidelity_probe *probes;
    struct workload workload;
    money *most_by_row;
};

/* ---- writing ---- */

/* A list of texts that NULL ends. */
static void pack_texts(const char *const *texts, struct buffer *out)
{
    for (; texts && *texts; texts++)
        pack_text(out, *texts);
    pack_text(out, NULL);
}

static void pack_endpoint(const struct endpoint_config *e, struct buffer *out)
{
    const char *texts[] = {e->name,     e->url,  e->shown,    e->model,       e->api_key,
                           e->key_from, e->user, e->password, e->unix_socket, e->ca_file};
    pack_value(out, *e);
    for (size_t i = 0; i < COUNT_OF(texts); i++)
        pack_text(out, texts[i]);
    pack_texts(e->headers, out);
    pack_texts(e->secrets, out);
}

static void pack_config(const struct bench_config *c, struct buffer *out)
{
    pack_value(out, *c);
    for (size_t i = 0; i < c->endpoint_count; i++)
        pack_endpoint(&c->endpoints[i], out);
    pack_text(out, c->api->name);
    pack_text(out, c->extra_body);
    pack_text(out, c->output_key);
    pack_list(out, c->schedule.load.stages, c->schedule.load.count,
              sizeof *c->schedule.load.stages);
    pack_list(out, c->scales, c->scale_count, sizeof *c->scales);
    pack_list(out, c->stop_rules, 1, sizeof *c->stop_rules);
}

void assignment_pack(const struct assignment *a, struct buffer *out)
{
    pack_config(&a->config, out);
    pack_list(out, a->probes, a->config.endpoint_count, sizeof *a->probes);
    pack_text(out, a->directory);
    pack_text(out, a->described);
    pack_text(out, a->load);
    pack_value(out, a->slos);
    pack_value(out, a->detail);
    pack_list(out, a->most_by_row, a->workload->count, sizeof *a->most_by_row);
    workload_pack(a->workload, out);
}

/* ---- reading ---- */

static const char *const *unpack_texts(struct unpack *u, struct assignment_room *room)
{
    const char **texts = NULL, *text;
    size_t count = 0;
    while ((text = unpack_text(u))) {
        texts = mem_resize(texts, count + 2, sizeof *texts);
        texts[count++] = text;
        texts[count] = NULL;
    }
    *(const char ***)mem_append(&room->lists, &room->list_count, sizeof *room->lists) = texts;
    return texts;
}

static void unpack_endpoint(struct unpack *u, struct assignment_room *room,
                            struct endpoint_config *e)
{
    unpack_value(u, *e);
    e->name = unpack_text(u);
    e->url = unpack_text(u);
    e->shown = unpack_text(u);
    e->model = unpack_text(u);
    e->api_key = unpack_text(u);
    e->key_from = unpack_text(u);
    e->user = unpack_text(u);
    e->password = unpack_text(u);
    e->unix_socket = unpack_text(u);
    e->ca_file = unpack_text(u);
    e->headers = unpack_texts(u, room);
    e->secrets = unpack_texts(u, room);
}

/* What holds in the other process only. */
static void drop_callbacks(struct bench_config *c)
{
    c->on_learnt = NULL;
    c->admit = NULL;
    c->on_progress = NULL;
    c->before_start = NULL;
    c->on_start = NULL;
    c->context = NULL;
    c->learnt = NULL;
    c->company = NULL;
}

static void unpack_config(struct unpack *u, struct assignment_room *room, struct bench_config *c)
{
    size_t count;
    unpack_value(u, *c);
    drop_callbacks(c);
    if (c->endpoint_count > u->left / sizeof *room->endpoints) {
        u->broken = true;
        c->endpoint_count = 0;
    }
    c->endpoints = room->endpoints = mem_zero(c->endpoint_count, sizeof *room->endpoints);
    for (size_t i = 0; i < c->endpoint_count; i++)
        unpack_endpoint(u, room, &room->endpoints[i]);
    const char *api = unpack_text(u);
    c->api = api ? bench_api_find(api) : NULL;
    c->extra_body = unpack_text(u);
    c->output_key = unpack_text(u);
    c->schedule.load.stages = room->stages =
        unpack_list(u, &c->schedule.load.count, sizeof *room->stages);
    c->scales = room->scales = unpack_list(u, &c->scale_count, sizeof *room->scales);
    struct stop_rules *stops = unpack_list(u, &count, sizeof *stops);
    c->stop_rules = NULL;
    if (stops && count == 1) {
        room->stops = *stops;
        c->stop_rules = &room->stops;
    }
    free(stops);
}

static void unpack_all(struct unpack *u, struct assignment *a)
{
    struct assignment_room *room = a->room;
    size_t count;
    unpack_config(u, room, &a->config);
    a->config.learnt = a->probes = room->probes = unpack_list(u, &count, sizeof *room->probes);
    u->broken = u->broken || count != a->config.endpoint_count;
    for (size_t i = 0; i < count; i++)
        room->probes[i].endpoint = NULL;
    a->directory = unpack_text(u);
    a->described = unpack_text(u);
    a->load = unpack_text(u);
    unpack_value(u, a->slos);
    unpack_value(u, a->detail);
    a->most_by_row = room->most_by_row = unpack_list(u, &count, sizeof *room->most_by_row);
    workload_unpack(u, &room->workload);
    a->workload = &room->workload;
}

int assignment_unpack(struct buffer *bytes, struct assignment *out)
{
    struct unpack u = unpack_of(bytes);
    *out = (struct assignment){.room = mem_zero(1, sizeof *out->room)};
    out->room->bytes = *bytes;
    buffer_init(bytes, bytes->cap);
    workload_init(&out->room->workload);
    unpack_all(&u, out);
    if (!u.broken && out->config.api && out->directory && out->load)
        return 0;
    assignment_free(out);
    return -1;
}

void assignment_free(struct assignment *a)
{
    struct assignment_room *room = a->room;
    if (!room)
        return;
    for (size_t i = 0; i < room->list_count; i++)
        free(room->lists[i]);
    free(room->lists);
    free(room->endpoints);
    free(room->stages);
    free(room->scales);
    free(room->probes);
    free(room->most_by_row);
    workload_free(&room->workload);
    if (room->bytes.data)
        explicit_bzero(room->bytes.data, room->bytes.length);
    buffer_free(&room->bytes);
    free(room);
    *a = (struct assignment){0};
}
