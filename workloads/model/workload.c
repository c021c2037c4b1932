#include "workloads/model/workload.h"

#include "core/memory.h"
#include "workloads/model/attempts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NO_NAME UINT16_MAX
#define BUCKET_MOST_NS (INT64_C(366) * 86400 * NS_PER_S)

#define OTHER_SERVICES_MOST 250

const char *const service_names[SERVICE_COUNT + 1] = {"standard", "batch", "flex", "priority",
                                                      NULL};

const char *service_name(enum service s)
{
    return service_names[s];
}

int service_from_name(struct text name)
{
    for (int i = 0; i < SERVICE_COUNT; i++)
        if (text_equal(name, service_names[i]))
            return i;
    return -1;
}

enum service service_called(struct text name)
{
    static const char *const standard[] = {"",          "default",       "auto",
                                           "on_demand", "standard_only", "regular"};
    int known = service_from_name(name);
    for (size_t i = 0; known < 0 && i < sizeof standard / sizeof *standard; i++)
        if (text_equal(name, standard[i]))
            known = SERVICE_STANDARD;
    return known < 0 ? SERVICE_OTHER : (enum service)known;
}

const char *request_service(const struct request *r)
{
    return r->service == SERVICE_OTHER ? r->other_service : service_names[r->service];
}

const char *workload_service_name(const struct workload *w, uint8_t number)
{
    return number < SERVICE_OTHER ? service_names[number]
                                  : names_text(&w->other_services, number - SERVICE_OTHER);
}

enum service workload_service(const struct workload *w, size_t i, const char **other)
{
    uint8_t number = w->service ? w->service[i] : SERVICE_STANDARD;
    *other = number < SERVICE_OTHER ? NULL : names_text(&w->other_services, number - SERVICE_OTHER);
    return number < SERVICE_OTHER ? (enum service)number : SERVICE_OTHER;
}

void workload_init(struct workload *w)
{
    memset(w, 0, sizeof *w);
}

void workload_free(struct workload *w)
{
    void *owned[] = {
        w->name,           w->timestamp_ns, w->input_tokens, w->output_tokens, w->delay_ns,
        w->session,        w->model,        w->class_number, w->labels,        w->service,
        w->status,         w->priority,     w->attempts,     w->usage,         w->usage_known,
        w->cost,           w->after_start,  w->after,        w->hash_start,    w->hash_ids,
        w->messages_start, w->body_start,   w->extra_start,  w->messages,      w->body,
        w->extra,          w->usage_extras, w->image_start,  w->images,        w->media,
        w->first_token_ns, w->end_ns,       w->finish,       w->initiator,     w->requests,
        w->bucket_ns,      w->counted};
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++)
        free(owned[i]);
    earlier_attempts_free(w->earlier);
    request_ids_free(&w->ids);
    names_free(&w->sessions);
    names_free(&w->models);
    names_free(&w->classes);
    names_free(&w->label_sets);
    names_free(&w->extra_names);
    names_free(&w->finishes);
    names_free(&w->other_services);
    names_free(&w->counters);
    workload_init(w);
}

/* A column that exists only when some request uses it: element size and what an unused element
 * holds (NULL = zero bytes). */
struct column {
    size_t offset, size;
    const void *unused;
};

static const uint32_t no_number = NAME_NONE, one = 1;
static const uint16_t no_short = NO_NAME;
static const money no_money = MONEY_MAX;

#define COLUMN(field, value)                                                           \
    {                                                                                  \
        offsetof(struct workload, field), sizeof *((struct workload *)0)->field, value \
    }

static const struct column optional_columns[] = {
    COLUMN(delay_ns, NULL),       COLUMN(session, &no_number),
    COLUMN(model, &no_short),     COLUMN(class_number, &no_short),
    COLUMN(labels, &no_number),   COLUMN(service, NULL),
    COLUMN(status, NULL),         COLUMN(priority, NULL),
    COLUMN(attempts, &one),       COLUMN(usage, NULL),
    COLUMN(usage_known, NULL),    COLUMN(cost, &no_money),
    COLUMN(media, NULL),          COLUMN(initiator, NULL),
    COLUMN(first_token_ns, NULL), COLUMN(end_ns, NULL),
    COLUMN(finish, &no_short),    COLUMN(requests, &one),
    COLUMN(bucket_ns, NULL),      COLUMN(counted, &no_number),
};

/* Row starts of a list column: one element more than there are rows. */
static const size_t list_starts[] = {
    offsetof(struct workload, after_start),    offsetof(struct workload, hash_start),
    offsetof(struct workload, messages_start), offsetof(struct workload, body_start),
    offsetof(struct workload, extra_start),    offsetof(struct workload, image_start),
};
#define COLUMN_COUNT (sizeof optional_columns / sizeof *optional_columns)
#define LIST_COUNT (sizeof list_starts / sizeof *list_starts)

static void *load_pointer(const void *at)
{
    void *p;
    memcpy(&p, at, sizeof p);
    return p;
}

static void store_pointer(void *at, void *p)
{
    memcpy(at, &p, sizeof p);
}

static void fill_unused(char *items, const struct column *c, size_t from, size_t to)
{
    if (!c->unused) {
        memset(items + from * c->size, 0, (to - from) * c->size);
        return;
    }
    for (size_t i = from; i < to; i++)
        memcpy(items + i * c->size, c->unused, c->size);
}

/* Room for one more row in every column in use. */
static void grow_rows(struct workload *w)
{
    size_t bigger = w->capacity + w->capacity / 2 + 64;
    w->timestamp_ns = mem_resize(w->timestamp_ns, bigger, sizeof *w->timestamp_ns);
    w->input_tokens = mem_resize(w->input_tokens, bigger, sizeof *w->input_tokens);
    w->output_tokens = mem_resize(w->output_tokens, bigger, sizeof *w->output_tokens);
    for (size_t i = 0; i < COLUMN_COUNT; i++) {
        const struct column *c = &optional_columns[i];
        char *field = (char *)w + c->offset, *items = load_pointer(field);
        if (!items)
            continue;
        store_pointer(field, mem_resize(items, bigger, c->size));
    }
    for (size_t i = 0; i < LIST_COUNT; i++) {
        char *field = (char *)w + list_starts[i];
        uint64_t *starts = load_pointer(field);
        if (starts)
            store_pointer(field, mem_resize(starts, bigger + 1, sizeof *starts));
    }
    w->capacity = bigger;
}

/* Makes the next rows ready: a piece at a time, so that memory that a growing column holds in
 * advance stays untouched and costs nothing yet. */
#define PREPARE_ROWS 4096

static void prepare_rows(struct workload *w)
{
    if (w->count == w->capacity)
        grow_rows(w);
    size_t left = w->capacity - w->count;
    size_t to = w->count + (left < PREPARE_ROWS ? left : PREPARE_ROWS);
    for (size_t i = 0; i < COLUMN_COUNT; i++) {
        char *items = load_pointer((char *)w + optional_columns[i].offset);
        if (items)
            fill_unused(items, &optional_columns[i], w->count, to);
    }
    w->prepared = to;
}

/* Brings an optional column into being. `field` is the address of its pointer in `w`. */
static void need_column(struct workload *w, void *field)
{
    if (load_pointer(field))
        return;
    size_t offset = (size_t)((char *)field - (char *)w);
    const struct column *c = optional_columns;
    while (c->offset != offset)
        c++;
    char *items = mem_alloc(w->capacity * c->size);
    fill_unused(items, c, 0, w->prepared);
    store_pointer(field, items);
}

static void need_list(struct workload *w, uint64_t **starts)
{
    if (!*starts)
        *starts = mem_zero(w->capacity + 1, sizeof **starts);
}

void workload_add_plain(struct workload *w, int64_t timestamp_ns, uint32_t input_tokens,
                        uint32_t output_tokens)
{
    if (w->count >= w->prepared)
        prepare_rows(w);
    w->timestamp_ns[w->count] = timestamp_ns;
    w->input_tokens[w->count] = input_tokens;
    w->output_tokens[w->count] = output_tokens;
    w->count++;
}

static bool full(const struct names *n, const char *text)
{
    return text && n->count >= NO_NAME && names_find(n, text_of(text)) == NAME_NONE;
}

/* What the columns cannot hold, found before anything is changed. */
static int check_row(const struct workload *w, const struct request *r, struct error *err)
{
    if (r->requests <= 1 &&
        (r->input_tokens > WORKLOAD_MAX_TOKENS || r->output_tokens > WORKLOAD_MAX_TOKENS))
        return error_set(err, ERR_INPUT,
                         "a request has at most %u tokens of input and of output, found %u and %u",
                         WORKLOAD_MAX_TOKENS, r->input_tokens, r->output_tokens);
    if (r->hash_count > WORKLOAD_MAX_BLOCKS)
        return error_set(err, ERR_INPUT,
                         "a request has at most %zu prefix blocks, found %zu: a larger block_size "
                         "makes fewer",
                         WORKLOAD_MAX_BLOCKS, r->hash_count);
    if (w->count >= WORKLOAD_MAX_ROWS)
        return error_set(err, ERR_INPUT, "more than %zu requests", WORKLOAD_MAX_ROWS);
    if (full(&w->models, r->model))
        return error_set(err, ERR_INPUT, "more than %d different models", NO_NAME);
    if (full(&w->finishes, r->finish_reason))
        return error_set(err, ERR_INPUT, "more than %d different finish reasons", NO_NAME);
    if (full(&w->classes, r->class_name))
        return error_set(err, ERR_INPUT, "more than %d different classes", NO_NAME);
    if (r->service == SERVICE_OTHER && w->other_services.count >= OTHER_SERVICES_MOST &&
        names_find(&w->other_services, text_of(r->other_service)) == NAME_NONE)
        return error_set(err, ERR_INPUT, "more than %d services of other names",
                         OTHER_SERVICES_MOST);
    if (r->hash_count > 0 && r->block_size == 0)
        return error_set(err, ERR_INPUT, "prefix blocks need a block size above 0");
    if (r->hash_count > 0 && w->block_size > 0 && r->block_size != w->block_size)
        return error_set(err, ERR_INPUT, "block size %u after rows with %u; expected one for all",
                         r->block_size, w->block_size);
    if (!r->request_id && w->ids.count > 0)
        return error_set(err, ERR_INPUT,
                         "no request id, but earlier rows have one; expected an id "
                         "for all requests or for none");
    if (r->request_id && w->ids.count == 0 && w->count > 0)
        return error_set(err, ERR_INPUT,
                         "request id \"%.60s\", but earlier rows have none; "
                         "expected an id for all requests or for none",
                         r->request_id);
    if (r->requests > 1 && r->attempts > 1)
        return error_set(err, ERR_INPUT, "a row that stands for many requests has no attempts");
    if (r->bucket_ns > BUCKET_MOST_NS)
        return error_set(err, ERR_INPUT, "a row sums up at most 366 days");
    if (r->priority < INT16_MIN || r->priority > INT16_MAX)
        return error_set(err, ERR_INPUT, "priority %d; expected %d to %d", r->priority, INT16_MIN,
                         INT16_MAX);
    if (r->has_usage &&
        (usage_input(&r->usage) != r->input_tokens || usage_output(&r->usage) != r->output_tokens))
        return error_set(err, ERR_INPUT, "the usage classes do not add up to the two lengths");
    return 0;
}

static uint8_t service_number(struct workload *w, const struct request *r)
{
    if (r->service != SERVICE_OTHER)
        return (uint8_t)r->service;
    return (uint8_t)(SERVICE_OTHER + names_add(&w->other_services, text_of(r->other_service)));
}

static void add_numbers(struct workload *w, size_t row, const struct request *r)
{
    if (r->delay_ns != 0) {
        need_column(w, &w->delay_ns);
        w->delay_ns[row] = r->delay_ns;
    }
    if (r->service != SERVICE_STANDARD) {
        need_column(w, &w->service);
        w->service[row] = service_number(w, r);
    }
    if (r->status != REQUEST_OK) {
        need_column(w, &w->status);
        w->status[row] = (uint8_t)r->status;
    }
    if (r->priority != 0) {
        need_column(w, &w->priority);
        w->priority[row] = (int16_t)r->priority;
    }
    if (r->initiator != INITIATOR_UNKNOWN) {
        need_column(w, &w->initiator);
        w->initiator[row] = (uint8_t)r->initiator;
    }
    if (r->attempts > 1) {
        need_column(w, &w->attempts);
        w->attempts[row] = r->attempts;
    }
    if (r->has_cost) {
        need_column(w, &w->cost);
        w->cost[row] = r->cost;
    }
}

static void add_measured(struct workload *w, size_t row, const struct request *r)
{
    if (r->first_token_ns > 0) {
        need_column(w, &w->first_token_ns);
        w->first_token_ns[row] = r->first_token_ns;
    }
    if (r->end_ns > 0) {
        need_column(w, &w->end_ns);
        w->end_ns[row] = r->end_ns;
    }
    if (r->finish_reason) {
        need_column(w, &w->finish);
        w->finish[row] = (uint16_t)names_add(&w->finishes, text_of(r->finish_reason));
    }
}

static void add_bucket(struct workload *w, size_t row, const struct request *r)
{
    if (r->requests <= 1 && r->bucket_ns == 0)
        return;
    need_column(w, &w->requests);
    need_column(w, &w->bucket_ns);
    w->requests[row] = r->requests ? r->requests : 1;
    w->bucket_ns[row] = r->bucket_ns;
}

static void add_names(struct workload *w, size_t row, const struct request *r)
{
    if (r->session_id) {
        need_column(w, &w->session);
        w->session[row] = names_add(&w->sessions, text_of(r->session_id));
    }
    if (r->model) {
        need_column(w, &w->model);
        w->model[row] = (uint16_t)names_add(&w->models, text_of(r->model));
    }
    if (r->class_name) {
        need_column(w, &w->class_number);
        w->class_number[row] = (uint16_t)names_add(&w->classes, text_of(r->class_name));
    }
    if (r->labels) {
        need_column(w, &w->labels);
        w->labels[row] = names_add(&w->label_sets, text_of(r->labels));
    }
    if (r->counted_as) {
        need_column(w, &w->counted);
        w->counted[row] = names_add(&w->counters, text_of(r->counted_as));
    }
}

static void add_media(struct workload *w, size_t row, const struct usage *u)
{
    if (!usage_has_media(u))
        return;
    need_column(w, &w->media);
    for (int c = USAGE_PLAIN_CLASSES; c < USAGE_CLASSES; c++)
        w->media[row].tokens[c - USAGE_PLAIN_CLASSES] = (uint32_t)u->tokens[c];
}

static void add_usage(struct workload *w, size_t row, const struct request *r)
{
    if (!r->has_usage)
        return;
    need_column(w, &w->usage);
    need_column(w, &w->usage_known);
    const struct usage *u = &r->usage;
    w->usage_known[row] = true;
    w->usage[row] = (struct recorded_usage){
        .cached_input = (uint32_t)u->tokens[USAGE_CACHED_INPUT],
        .cache_write = (uint32_t)u->tokens[USAGE_CACHE_WRITE],
        .cache_write_1h = (uint32_t)u->tokens[USAGE_CACHE_WRITE_1H],
        .reasoning = (uint32_t)u->tokens[USAGE_REASONING],
        .extra_start = (uint32_t)w->usage_extra_count,
        .extra_count = (uint32_t)u->extra_count,
    };
    add_media(w, row, u);
    mem_grow(&w->usage_extras, &w->usage_extra_capacity, w->usage_extra_count + u->extra_count,
             sizeof *w->usage_extras);
    for (size_t i = 0; i < u->extra_count; i++) {
        struct usage_extra *kept = &w->usage_extras[w->usage_extra_count++];
        *kept = u->extras[i];
        kept->name = names_text(&w->extra_names, names_add(&w->extra_names, text_of(kept->name)));
    }
}

/* Closes row `row` of a list column after `count` more items; the column comes into being with the
 * first item. */
static void add_list(struct workload *w, size_t row, uint64_t **starts, void *items_field,
                     size_t *capacity, const void *items, size_t count, size_t size)
{
    if (count == 0 && !*starts)
        return;
    need_list(w, starts);
    uint64_t start = (*starts)[row];
    if (count > 0) {
        mem_grow(items_field, capacity, (size_t)start + count, size);
        memcpy((char *)load_pointer(items_field) + (size_t)start * size, items, count * size);
    }
    (*starts)[row + 1] = start + count;
}

static void add_lists(struct workload *w, size_t row, const struct request *r)
{
    add_list(w, row, &w->after_start, &w->after, &w->after_capacity, r->after, r->after_count,
             sizeof *r->after);
    add_list(w, row, &w->hash_start, &w->hash_ids, &w->hash_capacity, r->hash_ids, r->hash_count,
             sizeof *r->hash_ids);
    add_list(w, row, &w->image_start, &w->images, &w->image_capacity, r->images, r->image_count,
             sizeof *r->images);
    add_list(w, row, &w->messages_start, &w->messages, &w->messages_capacity, r->messages.at,
             r->messages.length, 1);
    add_list(w, row, &w->body_start, &w->body, &w->body_capacity, r->body.at, r->body.length, 1);
    add_list(w, row, &w->extra_start, &w->extra, &w->extra_capacity, r->extra.at, r->extra.length,
             1);
}

void workload_set_images(struct workload *w, struct image_size size, uint32_t count)
{
    need_list(w, &w->image_start);
    mem_grow(&w->images, &w->image_capacity, w->count * count, sizeof *w->images);
    for (size_t i = 0; i < w->count; i++)
        w->image_start[i + 1] = (i + 1) * count;
    for (size_t i = 0; i < w->count * count; i++)
        w->images[i] = size;
}

int workload_add(struct workload *w, const struct request *r, struct error *err)
{
    size_t row = w->count;
    if (check_row(w, r, err) < 0)
        return ERR_INPUT;
    if (r->request_id && !request_ids_add(&w->ids, text_of(r->request_id)))
        return error_set(err, ERR_INPUT, "request id \"%.60s\" was used before", r->request_id);
    workload_add_plain(w, r->timestamp_ns, r->input_tokens, r->output_tokens);
    if (r->hash_count > 0)
        w->block_size = r->block_size;
    add_numbers(w, row, r);
    add_measured(w, row, r);
    add_bucket(w, row, r);
    add_names(w, row, r);
    add_usage(w, row, r);
    add_lists(w, row, r);
    return 0;
}

static size_t list_of(const uint64_t *starts, size_t row, size_t *start)
{
    if (!starts)
        return 0;
    *start = (size_t)starts[row];
    return (size_t)(starts[row + 1] - starts[row]);
}

static struct text text_list(const uint64_t *starts, const char *bytes, size_t row)
{
    size_t start = 0, length = list_of(starts, row, &start);
    return (struct text){length ? bytes + start : "", length};
}

static void get_lists(const struct workload *w, size_t i, struct request *out)
{
    size_t start = 0;
    out->after_count = list_of(w->after_start, i, &start);
    out->after = out->after_count ? w->after + start : NULL;
    out->hash_count = list_of(w->hash_start, i, &start);
    out->hash_ids = out->hash_count ? w->hash_ids + start : NULL;
    out->image_count = list_of(w->image_start, i, &start);
    out->images = out->image_count ? w->images + start : NULL;
    out->messages = text_list(w->messages_start, w->messages, i);
    out->body = text_list(w->body_start, w->body, i);
    out->extra = text_list(w->extra_start, w->extra, i);
}

void workload_get(const struct workload *w, size_t i, struct request *out)
{
    *out = (struct request){
        .timestamp_ns = w->timestamp_ns[i],
        .delay_ns = w->delay_ns ? w->delay_ns[i] : 0,
        .input_tokens = w->input_tokens[i],
        .output_tokens = w->output_tokens[i],
        .block_size = w->block_size,
        .session_id = w->session ? names_text(&w->sessions, w->session[i]) : NULL,
        .model = w->model ? names_text(&w->models, w->model[i]) : NULL,
        .class_name = w->class_number ? names_text(&w->classes, w->class_number[i]) : NULL,
        .labels = w->labels ? names_text(&w->label_sets, w->labels[i]) : NULL,
        .initiator = w->initiator ? (enum request_initiator)w->initiator[i] : INITIATOR_UNKNOWN,
        .priority = w->priority ? w->priority[i] : 0,
        .has_usage = w->usage_known && w->usage_known[i],
        .usage = workload_usage(w, i),
        .status = w->status ? (enum request_status)w->status[i] : REQUEST_OK,
        .attempts = w->attempts ? w->attempts[i] : 1,
        .has_cost = w->cost && w->cost[i] != MONEY_MAX,
        .first_token_ns = w->first_token_ns ? w->first_token_ns[i] : 0,
        .end_ns = w->end_ns ? w->end_ns[i] : 0,
        .finish_reason = w->finish ? names_text(&w->finishes, w->finish[i]) : NULL,
        .requests = w->requests ? w->requests[i] : 1,
        .bucket_ns = w->bucket_ns ? w->bucket_ns[i] : 0,
        .counted_as = w->counted ? names_text(&w->counters, w->counted[i]) : NULL,
    };
    out->request_id = request_ids_text(&w->ids, i, out->id);
    out->service = workload_service(w, i, &out->other_service);
    if (out->has_cost)
        out->cost = w->cost[i];
    get_lists(w, i, out);
}

const char *workload_request_id(const struct workload *w, size_t i, char out[REQUEST_ID_SIZE])
{
    const char *given = request_ids_text(&w->ids, i, out);
    if (given)
        return given;
    snprintf(out, REQUEST_ID_SIZE, "r%zu", i + 1);
    return out;
}

void workload_sum_tokens(const struct workload *w, size_t count, uint64_t *input, uint64_t *output)
{
    *input = *output = 0;
    for (size_t i = 0; i < count; i++) {
        *input += w->input_tokens[i];
        *output += w->output_tokens[i];
    }
}

static void take_media(const struct workload *w, size_t i, struct usage *u)
{
    for (int c = USAGE_PLAIN_CLASSES; c < USAGE_CLASSES; c++)
        u->tokens[c] = w->media[i].tokens[c - USAGE_PLAIN_CLASSES];
    usage_fit(u, w->input_tokens[i], w->output_tokens[i]);
}

static inline struct usage text_usage(const struct workload *w, size_t i)
{
    const struct recorded_usage *r = &w->usage[i];
    return usage_from_totals(w->input_tokens[i], r->cached_input, r->cache_write, r->cache_write_1h,
                             w->output_tokens[i], r->reasoning);
}

static struct usage whole_usage(const struct workload *w, size_t i)
{
    const struct recorded_usage *r = &w->usage[i];
    struct usage u = text_usage(w, i);
    if (w->media)
        take_media(w, i, &u);
    u.extras = r->extra_count ? w->usage_extras + r->extra_start : NULL;
    u.extra_count = r->extra_count;
    return u;
}

/* Most requests are of text alone: their usage is made in its place, and not copied there. */
struct usage workload_usage(const struct workload *w, size_t i)
{
    if (!w->usage_known || !w->usage_known[i])
        return usage_from_totals(w->input_tokens[i], 0, 0, 0, w->output_tokens[i], 0);
    if (w->media || w->usage[i].extra_count > 0)
        return whole_usage(w, i);
    return text_usage(w, i);
}
