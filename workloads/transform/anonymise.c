#include "workloads/transform/anonymise.h"

#include "core/json/json_scan.h"
#include "core/memory.h"
#include "workloads/model/block_set.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Numbers of names, in the order in which rows have them. */
struct ordinals {
    const char *word; /* what stands before the number */
    uint32_t *number; /* by the workload's own number, from 1; 0 = not seen yet */
    uint32_t count;
    char text[24];
};

struct anonymiser {
    const struct workload *in;
    const struct anonymise_options *options;
    struct ordinals sessions, models, classes;
    struct names label_names, label_values; /* a value: its label's number, then the value */
    uint32_t *values_seen;                  /* by label */
    size_t values_capacity;
    uint32_t *value_number; /* by number in label_values: its place among its label's */
    size_t number_capacity;
    char **labels; /* by label set; NULL = not made yet */
    struct block_set blocks;
    uint64_t *hash_ids;
    size_t hash_capacity;
    int64_t start_ns; /* the wall clock's at 0, as the copy has it */
};

static void ordinals_open(struct ordinals *o, const char *word, size_t count)
{
    *o = (struct ordinals){.word = word, .number = mem_zero(count + 1, sizeof *o->number)};
}

/* "s3" for the third name that is seen; lent until the next one. */
static const char *ordinal_of(struct ordinals *o, uint32_t name)
{
    if (!o->number[name])
        o->number[name] = ++o->count;
    snprintf(o->text, sizeof o->text, "%s%" PRIu32, o->word, o->number[name]);
    return o->text;
}

static uint32_t value_ordinal(struct anonymiser *a, struct text key, struct text value)
{
    struct buffer whole;
    uint32_t label = names_add(&a->label_names, key);
    buffer_init(&whole, BUFFER_UNBOUNDED);
    buffer_add_format(&whole, "%" PRIu32 ":", label);
    buffer_add(&whole, value.at, value.length);
    size_t known = a->label_values.count;
    uint32_t n = names_add(&a->label_values, (struct text){whole.data, whole.length});
    buffer_free(&whole);
    if (n < known)
        return a->value_number[n];
    size_t had = a->values_capacity;
    mem_grow(&a->values_seen, &a->values_capacity, (size_t)label + 1, sizeof *a->values_seen);
    for (; had < a->values_capacity; had++)
        a->values_seen[had] = 0;
    mem_grow(&a->value_number, &a->number_capacity, (size_t)n + 1, sizeof *a->value_number);
    return a->value_number[n] = ++a->values_seen[label];
}

/* {"user": "u-8812"} becomes {"user": "1"}. */
static char *number_labels(struct anonymiser *a, const char *labels)
{
    struct json_scan s;
    struct buffer out;
    struct text key, value;
    bool first = true;
    buffer_init(&out, BUFFER_UNBOUNDED);
    buffer_add_text(&out, "{");
    json_scan_init(&s, "", labels, strlen(labels), 1);
    json_object_begin(&s);
    while (json_object_next(&s, &key) && json_skip(&s, &value)) {
        buffer_add_format(&out, "%s\"%.*s\": \"%" PRIu32 "\"", first ? "" : ", ", (int)key.length,
                          key.at, value_ordinal(a, key, value));
        first = false;
    }
    buffer_add_text(&out, "}");
    return buffer_take(&out);
}

static const char *labels_of(struct anonymiser *a, uint32_t set)
{
    const char *whole = names_text(&a->in->label_sets, set);
    if (!a->labels[set])
        a->labels[set] = number_labels(a, whole);
    return a->options->keep_labels ? whole : a->labels[set];
}

static void number_names(struct anonymiser *a, size_t row, struct request *r)
{
    const struct workload *w = a->in;
    if (r->session_id)
        r->session_id = ordinal_of(&a->sessions, w->session[row]);
    if (r->model && !a->options->keep_models)
        r->model = ordinal_of(&a->models, w->model[row]);
    if (r->class_name && !a->options->keep_labels)
        r->class_name = ordinal_of(&a->classes, w->class_number[row]);
    if (r->labels)
        r->labels = labels_of(a, w->labels[row]);
}

static void number_blocks(struct anonymiser *a, struct request *r)
{
    mem_grow(&a->hash_ids, &a->hash_capacity, r->hash_count, sizeof *a->hash_ids);
    for (size_t i = 0; i < r->hash_count; i++)
        a->hash_ids[i] = block_set_add(&a->blocks, r->hash_ids[i]);
    r->hash_ids = r->hash_count ? a->hash_ids : NULL;
}

/* By the wall clock, where it is known: a whole second stays one. */
static void round_times(const struct anonymiser *a, struct request *r)
{
    int64_t step = a->options->round_ns;
    int64_t start = a->in->has_start ? a->in->start_unix_ns : 0;
    if (step == 0)
        return;
    if (r->timestamp_ns != TIME_NEVER)
        r->timestamp_ns = clock_floor(start + r->timestamp_ns, step) - a->start_ns;
    r->delay_ns = clock_floor(r->delay_ns, step);
}

static int copy_row(struct anonymiser *a, size_t row, struct workload *out, struct error *err)
{
    struct request r;
    char id[REQUEST_ID_SIZE];
    workload_get(a->in, row, &r);
    snprintf(id, sizeof id, "r%zu", row + 1);
    r.request_id = r.request_id ? id : NULL;
    r.messages = r.body = r.extra = (struct text){"", 0};
    if (!a->options->keep_labels)
        r.finish_reason = NULL; /* any text, where a log's own column was taken */
    number_names(a, row, &r);
    number_blocks(a, &r);
    round_times(a, &r);
    return workload_add(out, &r, err);
}

/* ---- what is left ---- */

static int compare_numbers(const void *a, const void *b)
{
    uint64_t x, y;
    memcpy(&x, a, sizeof x);
    memcpy(&y, b, sizeof y);
    return (x > y) - (x < y);
}

/* Sorts the values; how many stand alone. */
static uint64_t count_unique(uint64_t *values, size_t count)
{
    uint64_t unique = 0;
    qsort(values, count, sizeof *values, compare_numbers);
    for (size_t i = 0; i < count; i++)
        unique += (i == 0 || values[i] != values[i - 1]) &&
                  (i + 1 == count || values[i] != values[i + 1]);
    return unique;
}

static uint64_t unique_lengths(const struct workload *w)
{
    uint64_t *pairs = mem_alloc((w->count + 1) * sizeof *pairs);
    for (size_t i = 0; i < w->count; i++)
        pairs[i] = (uint64_t)w->input_tokens[i] << 32 | w->output_tokens[i];
    uint64_t unique = count_unique(pairs, w->count);
    free(pairs);
    return unique;
}

static void look_at_models(const struct workload *w, struct anonymise_left *left)
{
    uint64_t *uses = mem_zero(w->models.count + 1, sizeof *uses);
    for (size_t i = 0; i < w->count && w->model; i++)
        if (w->model[i] != UINT16_MAX)
            uses[w->model[i]]++;
    left->models = w->models.count;
    for (size_t m = 0; m < w->models.count; m++)
        left->rare_models += uses[m] < ANONYMISE_RARE;
    free(uses);
}

static void look_at_sessions(const struct workload *w, struct anonymise_left *left)
{
    uint64_t *turns = mem_zero(w->sessions.count + 1, sizeof *turns);
    for (size_t i = 0; i < w->count && w->session; i++)
        if (w->session[i] != NAME_NONE)
            turns[w->session[i]]++;
    left->sessions = w->sessions.count;
    left->unique_sessions = count_unique(turns, w->sessions.count);
    free(turns);
}

static void copy_names(const struct names *from, struct names *to)
{
    for (uint32_t i = 0; i < from->count; i++)
        names_add(to, text_of(names_text(from, i)));
}

static void look_at(const struct workload *w, const struct anonymiser *a,
                    struct anonymise_left *left)
{
    left->unique_lengths = unique_lengths(w);
    look_at_models(w, left);
    look_at_sessions(w, left);
    left->has_start = w->has_start;
    left->has_costs = w->cost != NULL;
    copy_names(&a->label_names, &left->label_names);
    copy_names(&w->extra_names, &left->tool_names);
}

/* ---- */

static void open_all(struct anonymiser *a)
{
    const struct workload *w = a->in;
    ordinals_open(&a->sessions, "s", w->sessions.count);
    ordinals_open(&a->models, "model-", w->models.count);
    ordinals_open(&a->classes, "class-", w->classes.count);
    a->labels = mem_zero(w->label_sets.count + 1, sizeof *a->labels);
    block_set_init(&a->blocks);
    int64_t step = a->options->round_ns;
    if (w->has_start)
        a->start_ns = step ? clock_floor(w->start_unix_ns, step) : w->start_unix_ns;
}

static void close_all(struct anonymiser *a)
{
    free(a->sessions.number);
    free(a->models.number);
    free(a->classes.number);
    for (size_t i = 0; i < a->in->label_sets.count; i++)
        free(a->labels[i]);
    free(a->labels);
    names_free(&a->label_names);
    names_free(&a->label_values);
    free(a->values_seen);
    free(a->value_number);
    free(a->hash_ids);
    block_set_free(&a->blocks);
}

int workload_anonymise(const struct workload *in, const struct anonymise_options *options,
                       struct workload *out, struct anonymise_left *left, struct error *err)
{
    struct anonymiser a = {.in = in, .options = options};
    int status = 0;
    *left = (struct anonymise_left){0};
    open_all(&a);
    out->has_start = in->has_start;
    out->start_unix_ns = in->has_start ? a.start_ns : 0;
    for (size_t i = 0; i < in->count && status == 0; i++)
        status = copy_row(&a, i, out, err);
    if (status == 0)
        look_at(out, &a, left);
    close_all(&a);
    return status;
}

void anonymise_left_free(struct anonymise_left *left)
{
    names_free(&left->label_names);
    names_free(&left->tool_names);
    *left = (struct anonymise_left){0};
}
