/* Volume discounts as a book writes them. */
#include "sim/cost/book/plan_read.h"

#include "core/memory.h"

#include <stdlib.h>

#define TOKENS_MOST 1e15

#define STEP(member) JSON_AT(struct volume_step, member)
enum step_row { OVER_USD, OVER_TOKENS };
static const struct json_field step_rows[] = {
    [OVER_USD] = {"over_usd", PLAN_PRICE(STEP(over))},
    [OVER_TOKENS] = {"over_tokens", JSON_AS_UINT, STEP(over_tokens), 0, TOKENS_MOST},
    {"off_percent", PLAN_PERCENT(STEP(off_millionths))},
    PLAN_REMARKS,
};
static const struct json_table step_table = {JSON_ROWS(step_rows), .where = "a step of \"volume\""};
static const struct json_field step_item = {
    .kind = JSON_AS_OBJECT, .table = &step_table, .size = sizeof(struct volume_step)};

static void add_step(struct json_scan *s, struct plan_volume *v)
{
    struct volume_step step = {0};
    const char *at = s->at;
    uint64_t seen = json_fields_read(s, &step_table, &step);
    bool tokens = seen >> OVER_TOKENS & 1;
    if (s->failed)
        return;
    s->value = at;
    if (tokens && seen >> OVER_USD & 1)
        json_fail(s, "a step goes by \"over_usd\" or by \"over_tokens\", not by both");
    if (v->step_count > 0 && v->by_tokens != tokens)
        json_fail(s, "steps of one \"volume\" go by \"over_usd\" or by \"over_tokens\" all");
    const struct volume_step *last = v->step_count ? &v->steps[v->step_count - 1] : NULL;
    if (last && last->over >= step.over && last->over_tokens >= step.over_tokens)
        json_fail(s, "steps of \"volume\" must rise");
    v->by_tokens = tokens;
    v->steps = mem_resize(v->steps, v->step_count + 1, sizeof *v->steps);
    v->steps[v->step_count++] = step;
}

static void read_steps(struct json_scan *s, const struct json_field *f, void *member)
{
    json_array_begin(s);
    while (json_array_next(s))
        add_step(s, plan_owner(f, member));
}

static const char *const alignments[] = {"calendar", "anchored", NULL};
static const char *const modes[] = {"graduated", "all_units", NULL};

static void read_alignment(struct json_scan *s, const struct json_field *f, void *member)
{
    int place = 0;
    if (json_choice(s, f->names, NULL, &place))
        *(enum plan_alignment *)member = place ? WINDOW_ANCHORED : WINDOW_CALENDAR;
}

#define VOLUME(member) JSON_AT(struct plan_volume, member)
static const struct json_field volume_rows[] = {
    {"per", PLAN_PERIOD(VOLUME(period_ns))},
    {"window", JSON_AS_CHOICE, VOLUME(alignment), .names = alignments, .read = read_alignment},
    {"mode", JSON_AS_CHOICE, VOLUME(all_units), .names = modes},
    {"per_model", JSON_AS_BOOL, VOLUME(per_model)},
    {"models", PLAN_PATTERNS(struct plan_volume, models, model_count)},
    {"steps", JSON_AS_LIST, VOLUME(steps), .count = offsetof(struct plan_volume, step_count),
     .item = &step_item, .read = read_steps},
    PLAN_REMARKS,
};

static void init_volume(void *volume)
{
    *(struct plan_volume *)volume =
        (struct plan_volume){.period_ns = 30 * 86400 * NS_PER_S, .alignment = WINDOW_ANCHORED};
}

const struct json_table plan_volume_table = {JSON_ROWS(volume_rows), .name = plan_read_name,
                                             .init = init_volume};

static void add_volume(struct json_scan *s, const struct json_field *f, struct plan_fees *fees)
{
    struct plan_volume v = {0};
    json_fields_read(s, f->table, &v);
    fees->volumes = mem_resize(fees->volumes, fees->volume_count + 1, sizeof *fees->volumes);
    fees->volumes[fees->volume_count++] = v;
}

/* One or a list of them. */
void plan_read_volumes(struct json_scan *s, const struct json_field *f, void *member)
{
    if (json_peek(s) != JSON_ARRAY) {
        add_volume(s, f, member);
        return;
    }
    json_array_begin(s);
    while (json_array_next(s))
        add_volume(s, f, member);
}

void plan_free_volumes(struct plan_fees *fees)
{
    for (size_t i = 0; i < fees->volume_count; i++) {
        for (size_t m = 0; m < fees->volumes[i].model_count; m++)
            free(fees->volumes[i].models[m]);
        free(fees->volumes[i].models);
        free(fees->volumes[i].steps);
    }
    free(fees->volumes);
}
