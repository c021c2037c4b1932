#include "core/runs/summary/groups.h"

#include "core/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void group_store_init(struct group_store *g)
{
    *g = (struct group_store){0};
    names_init(&g->texts);
    names_init(&g->combinations);
    names_init(&g->sessions);
}

void group_store_free(struct group_store *g)
{
    names_free(&g->texts);
    names_free(&g->combinations);
    names_free(&g->sessions);
    for (int i = 0; i < SET_UP_PARTS; i++)
        histogram_free(&g->set_up[i]);
    free(g->keys);
    free(g->turns);
}

static uint32_t number_of(struct names *names, size_t cap, const char *text)
{
    if (!text)
        return NAME_NONE;
    return names->count < cap ? names_add(names, text_of(text)) : names_find(names, text_of(text));
}

/* 1, 2, 3, 4, 5-8, 9-16, 17+ as 1 … 7. */
static uint32_t turn_range(uint32_t turn)
{
    return turn <= 4 ? turn : turn <= 8 ? 5 : turn <= 16 ? 6 : 7;
}

/* The how-manieth request of its session it was to end. */
static uint32_t next_turn(struct group_store *g, const char *session)
{
    size_t known = g->sessions.count;
    uint32_t number = number_of(&g->sessions, GROUP_SESSIONS, session);
    if (number == NAME_NONE)
        return NAME_NONE;
    if (g->sessions.count > known) {
        mem_grow(&g->turns, &g->turn_capacity, number + 1, sizeof *g->turns);
        g->turns[number] = 0;
    }
    if (g->turns[number] < UINT16_MAX)
        g->turns[number]++;
    return turn_range(g->turns[number]);
}

static uint16_t combination_of(struct group_store *g, const struct group_key *key)
{
    static const struct group_key nothing = {
        {NAME_NONE, NAME_NONE, NAME_NONE, NAME_NONE, NAME_NONE}};
    if (g->combinations.count == GROUP_MOST) /* its last place is kept for those beyond it */
        key = &nothing;
    struct text bytes = {(const char *)key, sizeof *key};
    size_t known = g->combinations.count;
    uint32_t number = names_add(&g->combinations, bytes);
    if (g->combinations.count > known) {
        mem_grow(&g->keys, &g->key_capacity, number + 1, sizeof *g->keys);
        g->keys[number] = *key;
    }
    return (uint16_t)number;
}

uint16_t group_store_add(struct group_store *g, const struct record *r)
{
    struct group_key key;
    key.parts[GROUP_CLASS] = number_of(&g->texts, GROUP_TEXTS, r->class_name);
    key.parts[GROUP_MODEL] = number_of(&g->texts, GROUP_TEXTS, r->model);
    key.parts[GROUP_ENDPOINT] = number_of(&g->texts, GROUP_TEXTS, r->endpoint);
    key.parts[GROUP_TURN] = next_turn(g, r->session_id);
    key.parts[GROUP_LABELS] = number_of(&g->texts, GROUP_TEXTS, r->labels);
    return combination_of(g, &key);
}

static void add_time(struct group_store *g, int part, int64_t ns)
{
    histogram_add(&g->set_up[part], ns, 1);
    moments_add(&g->set_up_moments[part], ns, 1);
}

static void keep_sample(struct group_store *g, enum failure_class failure, const char *message)
{
    char kept[ERROR_SAMPLE_SIZE];
    if (!message || !*message)
        return;
    text_cut(text_of(message), kept, sizeof kept);
    for (int i = 0; i < ERROR_SAMPLES; i++) {
        char *sample = g->samples[failure][i];
        if (strcmp(sample, kept) == 0)
            return;
        if (!*sample) {
            memcpy(sample, kept, sizeof kept);
            return;
        }
    }
}

void group_store_note(struct group_store *g, const struct record *r)
{
    if (r->dns_ns != TIME_NEVER)
        add_time(g, SET_UP_DNS, r->dns_ns);
    if (r->connect_ns != TIME_NEVER)
        add_time(g, SET_UP_CONNECT, r->connect_ns);
    if (r->tls_ns != TIME_NEVER)
        add_time(g, SET_UP_TLS, r->tls_ns);
    if (r->status == RECORD_FAILED)
        keep_sample(g, r->failure, r->message);
    if (r->status != RECORD_COMPLETED || r->sent_ns == TIME_NEVER)
        return;
    if (r->first_byte_ns != TIME_NEVER)
        add_time(g, SET_UP_FIRST_BYTE, r->first_byte_ns - r->sent_ns);
    if (r->first_reasoning_ns != TIME_NEVER)
        add_time(g, SET_UP_FIRST_REASONING, r->first_reasoning_ns - r->sent_ns);
    if (r->first_text_ns != TIME_NEVER)
        add_time(g, SET_UP_FIRST_TEXT, r->first_text_ns - r->sent_ns);
    if (r->first_tool_ns != TIME_NEVER)
        add_time(g, SET_UP_FIRST_TOOL, r->first_tool_ns - r->sent_ns);
}

static uint32_t same_text(struct group_store *g, const struct group_store *from, uint32_t number)
{
    return number_of(&g->texts, GROUP_TEXTS, names_text(&from->texts, number));
}

void group_store_merge(struct group_store *g, const struct group_store *from, uint16_t **map)
{
    *map = mem_alloc(from->combinations.count * sizeof **map);
    for (size_t i = 0; i < from->combinations.count; i++) {
        struct group_key key = from->keys[i];
        for (int part = 0; part < GROUP_PARTS; part++)
            if (part != GROUP_TURN)
                key.parts[part] = same_text(g, from, key.parts[part]);
        (*map)[i] = combination_of(g, &key);
    }
    for (int i = 0; i < SET_UP_PARTS; i++) {
        histogram_merge(&g->set_up[i], &from->set_up[i]);
        moments_merge(&g->set_up_moments[i], &from->set_up_moments[i]);
    }
    for (int f = 0; f < FAILURE_CLASSES; f++)
        for (int i = 0; i < ERROR_SAMPLES; i++)
            if (*from->samples[f][i])
                keep_sample(g, (enum failure_class)f, from->samples[f][i]);
}
