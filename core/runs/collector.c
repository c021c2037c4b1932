#include "core/runs/collector.h"

#include "core/memory.h"
#include "core/runs/record_file.h"
#include "core/runs/run_dir.h"

#include <stdlib.h>
#include <string.h>

struct collector *collector_create(void)
{
    struct collector *c = mem_zero(1, sizeof *c);
    gap_store_init(&c->gaps);
    token_bins_init(&c->tokens);
    group_store_init(&c->groups);
    names_init(&c->retried);
    return c;
}

void collector_free(struct collector *c)
{
    if (!c)
        return;
    gap_store_free(&c->gaps);
    token_bins_free(&c->tokens);
    group_store_free(&c->groups);
    names_free(&c->retried);
    free(c->retried_sent_ns);
    free(c->retried_ready_ns);
    free(c->rows);
    free(c->order);
    free(c);
}

void collector_add_not_due(struct collector *c, uint64_t count)
{
    c->accounting.not_due += count;
}

/* An attempt that was not the last: only its sending matters, the clock is never reset. */
static void remember_first_attempt(struct collector *c, const struct record *r)
{
    if (names_find(&c->retried, text_of(r->request_id)) != NAME_NONE)
        return;
    uint32_t number = names_add(&c->retried, text_of(r->request_id));
    mem_grow(&c->retried_sent_ns, &c->retried_capacity, number + 1, sizeof *c->retried_sent_ns);
    mem_grow(&c->retried_ready_ns, &c->retried_ready_capacity, number + 1,
             sizeof *c->retried_ready_ns);
    c->retried_sent_ns[number] = r->sent_ns;
    c->retried_ready_ns[number] = r->ready_ns;
}

static uint32_t to_u32(uint64_t value)
{
    return value < UINT32_MAX ? (uint32_t)value : UINT32_MAX;
}

static struct request_row row_of(const struct collector *c, const struct record *r)
{
    struct request_row row = {
        .scheduled_ns = r->scheduled_ns,
        .ready_ns = r->ready_ns,
        .sent_ns = r->sent_ns,
        .first_token_ns = r->first_token_ns,
        .first_output_ns = r->first_output_ns,
        .last_token_ns = r->last_token_ns,
        .done_ns = r->done_ns,
        .input = to_u32(usage_input(&r->usage)),
        .cached = to_u32(r->usage.tokens[USAGE_CACHED_INPUT]),
        .output = to_u32(usage_output(&r->usage)),
        .reasoning = to_u32(r->usage.tokens[USAGE_REASONING]),
        .asked_input = r->asked_input,
        .asked_output = r->asked_output,
        .chunks = r->chunks,
        .status = (uint8_t)r->status,
        .streamed = r->streamed,
        .reasoning_chunks = r->reasoning_chunks,
        .has_usage = r->usage_from != USAGE_NONE,
    };
    uint32_t number = r->attempt > 1 ? names_find(&c->retried, text_of(r->request_id)) : NAME_NONE;
    if (number != NAME_NONE) {
        row.sent_ns = c->retried_sent_ns[number];
        row.ready_ns = c->retried_ready_ns[number];
    }
    return row;
}

/* Spreads the output tokens over the chunks' instants, or evenly where those were not kept. */
static void add_tokens(struct collector *c, const struct record *r)
{
    uint64_t tokens = usage_output(&r->usage);
    if (r->status != RECORD_COMPLETED || tokens == 0 || r->last_token_ns == TIME_NEVER)
        return;
    if (r->chunk_ns && r->chunks > 0) {
        for (uint64_t k = 0; k < r->chunks; k++) {
            uint64_t share = tokens * (k + 1) / r->chunks - tokens * k / r->chunks;
            if (share)
                token_bins_add(&c->tokens, r->chunk_ns[k], share);
        }
        return;
    }
    int64_t first = r->first_token_ns == TIME_NEVER ? r->last_token_ns : r->first_token_ns;
    int64_t span = r->last_token_ns - first;
    uint64_t parts = span > 0 && tokens > 1 ? (tokens < 1024 ? tokens : 1024) : 1;
    for (uint64_t k = 0; k < parts; k++) {
        uint64_t share = tokens * (k + 1) / parts - tokens * k / parts;
        int64_t at = parts > 1 ? first + (int64_t)((double)span * (double)k / (double)(parts - 1))
                               : r->last_token_ns;
        token_bins_add(&c->tokens, at, share);
    }
}

static void add_gaps(struct collector *c, const struct record *r, uint32_t owner)
{
    if (r->status != RECORD_COMPLETED || !r->chunk_ns)
        return;
    for (uint32_t k = 1; k < r->chunks; k++)
        gap_store_add(&c->gaps, owner, r->scheduled_ns, r->chunk_ns[k] - r->chunk_ns[k - 1],
                      c->rows);
}

static void count_request(struct accounting *a, const struct record *r)
{
    switch (r->status) {
    case RECORD_COMPLETED:
        a->completed++;
        break;
    case RECORD_FAILED:
        a->failed++;
        a->failed_by[r->failure]++;
        break;
    case RECORD_CANCELLED:
        a->cancelled++;
        break;
    default:
        a->unsent++;
        a->unsent_by[r->unsent]++;
    }
    a->scheduled++;
    if (r->attempt > 1)
        a->retried++;
}

void collector_add(struct collector *c, const struct record *r)
{
    if (r->status != RECORD_UNSENT || r->attempt > 0)
        c->accounting.attempts++;
    c->connects += r->connects;
    c->slow_reads += r->slow_reader;
    c->estimated_usage += r->usage_from == USAGE_ESTIMATED;
    group_store_note(&c->groups, r);
    if (!r->final) {
        remember_first_attempt(c, r);
        return;
    }
    count_request(&c->accounting, r);
    mem_grow(&c->rows, &c->row_capacity, c->row_count + 1, sizeof *c->rows);
    c->rows[c->row_count] = row_of(c, r);
    c->rows[c->row_count].group = group_store_add(&c->groups, r);
    c->row_count++;
    add_tokens(c, r);
    add_gaps(c, r, (uint32_t)(c->row_count - 1));
    free(c->order);
    c->order = NULL;
}

static void merge_accounting(struct accounting *to, const struct accounting *from)
{
    to->scheduled += from->scheduled;
    to->completed += from->completed;
    to->failed += from->failed;
    to->cancelled += from->cancelled;
    to->unsent += from->unsent;
    to->not_due += from->not_due;
    to->attempts += from->attempts;
    to->retried += from->retried;
    for (int i = 0; i < FAILURE_CLASSES; i++)
        to->failed_by[i] += from->failed_by[i];
    for (int i = 0; i < UNSENT_REASONS; i++)
        to->unsent_by[i] += from->unsent_by[i];
}

void collector_merge(struct collector *c, const struct collector *from)
{
    uint32_t shift = (uint32_t)c->row_count;
    uint16_t *groups;
    mem_grow(&c->rows, &c->row_capacity, c->row_count + from->row_count, sizeof *c->rows);
    if (from->row_count)
        memcpy(c->rows + c->row_count, from->rows, from->row_count * sizeof *c->rows);
    group_store_merge(&c->groups, &from->groups, &groups);
    for (size_t i = 0; i < from->row_count; i++)
        c->rows[shift + i].group = groups[from->rows[i].group];
    free(groups);
    c->row_count += from->row_count;
    gap_store_merge(&c->gaps, &from->gaps, shift, c->rows);
    token_bins_merge(&c->tokens, &from->tokens);
    merge_accounting(&c->accounting, &from->accounting);
    c->estimated_usage += from->estimated_usage;
    c->connects += from->connects;
    c->slow_reads += from->slow_reads;
    free(c->order);
    c->order = NULL;
}

int collector_read_run(struct collector *c, const char *path, bool *torn, struct error *err)
{
    char *file = run_dir_file(path, "requests.jsonl");
    struct record_reader reader;
    struct record record;
    int more = record_reader_open(&reader, file, err);
    free(file);
    if (more < 0)
        return more;
    while ((more = record_reader_next(&reader, &record, err)) > 0)
        collector_add(c, &record);
    if (torn)
        *torn = reader.torn;
    record_reader_close(&reader);
    return more;
}

static int by_schedule(const void *a, const void *b, void *rows_pointer)
{
    const struct request_row *rows = rows_pointer;
    const uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    const struct request_row *left = &rows[x], *right = &rows[y];
    if (left->scheduled_ns != right->scheduled_ns)
        return left->scheduled_ns < right->scheduled_ns ? -1 : 1;
    if (left->sent_ns != right->sent_ns)
        return left->sent_ns < right->sent_ns ? -1 : 1;
    if (left->done_ns != right->done_ns)
        return left->done_ns < right->done_ns ? -1 : 1;
    return x < y ? -1 : x > y;
}

const uint32_t *collector_order(struct collector *c)
{
    if (c->order)
        return c->order;
    c->order = mem_alloc(c->row_count * sizeof *c->order);
    for (size_t i = 0; i < c->row_count; i++)
        c->order[i] = (uint32_t)i;
    qsort_r(c->order, c->row_count, sizeof *c->order, by_schedule, c->rows);
    return c->order;
}

static int compare_instants(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return x < y ? -1 : x > y;
}

void collector_flights(const struct collector *c, struct flights *out)
{
    *out = (struct flights){.starts = mem_alloc(c->row_count * sizeof *out->starts),
                            .ends = mem_alloc(c->row_count * sizeof *out->ends)};
    for (size_t i = 0; i < c->row_count; i++) {
        if (c->rows[i].sent_ns == TIME_NEVER || c->rows[i].done_ns == TIME_NEVER)
            continue;
        out->starts[out->count] = c->rows[i].sent_ns;
        out->ends[out->count++] = c->rows[i].done_ns;
    }
    qsort(out->starts, out->count, sizeof *out->starts, compare_instants);
    qsort(out->ends, out->count, sizeof *out->ends, compare_instants);
}

void collector_flights_free(struct flights *f)
{
    free(f->starts);
    free(f->ends);
}

static bool between(int64_t from_ns, int64_t to_ns, int64_t *value_ns)
{
    if (from_ns == TIME_NEVER || to_ns == TIME_NEVER)
        return false;
    *value_ns = to_ns - from_ns;
    return true;
}

/* (last − first) / (n − 1); reasoning that came without chunks of its own is not in the gaps. */
static bool time_per_token(const struct request_row *r, int64_t *value_ns)
{
    int64_t span;
    uint32_t n = r->output - (r->reasoning_chunks ? 0 : r->reasoning);
    if (!r->streamed || n < 2 || !between(r->first_token_ns, r->last_token_ns, &span))
        return false;
    *value_ns = span / (int64_t)(n - 1);
    return true;
}

bool row_metric(const struct request_row *r, enum metric m, int64_t *value_ns)
{
    if (m == METRIC_SEND_LAG)
        return between(r->ready_ns, r->sent_ns, value_ns);
    if (m == METRIC_QUEUE)
        return between(r->scheduled_ns, r->ready_ns, value_ns);
    if (r->status != RECORD_COMPLETED)
        return false;
    switch (m) {
    case METRIC_TTFT:
        return r->streamed && between(r->sent_ns, r->first_token_ns, value_ns);
    case METRIC_TTFT_SCHEDULED:
        return r->streamed && between(r->scheduled_ns, r->first_token_ns, value_ns);
    case METRIC_TTFO:
        return r->streamed && between(r->sent_ns, r->first_output_ns, value_ns);
    case METRIC_TPOT:
        return time_per_token(r, value_ns);
    case METRIC_E2E:
        return between(r->sent_ns, r->last_token_ns, value_ns);
    case METRIC_E2E_SCHEDULED:
        return between(r->scheduled_ns, r->last_token_ns, value_ns);
    default:
        return false;
    }
}

bool collector_same_requests(struct collector *a, struct collector *b)
{
    if (a->row_count != b->row_count)
        return false;
    const uint32_t *x = collector_order(a), *y = collector_order(b);
    for (size_t i = 0; i < a->row_count; i++) {
        const struct request_row *r = &a->rows[x[i]], *s = &b->rows[y[i]];
        if (r->asked_input != s->asked_input || r->asked_output != s->asked_output)
            return false;
    }
    return true;
}
