#include "core/runs/summary/collector_state.h"

#include "core/memory.h"

#include <stdlib.h>
#include <string.h>

/* The order of the schedule. Rows that are due, sent and done at the same instants are told apart
 * by what else they hold, so that a run of several parts has one order, whichever part came first.
 */
static int compare_rows(const void *a, const void *b)
{
    const struct request_row *x = a, *y = b;
    if (x->scheduled_ns != y->scheduled_ns) /* nearly always */
        return x->scheduled_ns < y->scheduled_ns ? -1 : 1;
    const int64_t left[] = {x->sent_ns, x->done_ns, x->first_token_ns, x->asked_input,
                            x->asked_output};
    const int64_t right[] = {y->sent_ns, y->done_ns, y->first_token_ns, y->asked_input,
                             y->asked_output};
    for (size_t i = 0; i < sizeof left / sizeof *left; i++)
        if (left[i] != right[i])
            return left[i] < right[i] ? -1 : 1;
    return 0;
}

struct collector *collector_create(void)
{
    struct collector *c = mem_zero(1, sizeof *c);
    sorter_init(&c->rows, sizeof(struct request_row), compare_rows);
    c->first_due_ns = TIME_NEVER;
    spool_init(&c->media, sizeof(struct media_row));
    gap_store_init(&c->gaps);
    token_bins_init(&c->tokens);
    group_store_init(&c->groups);
    retry_store_init(&c->retries);
    return c;
}

void collector_free(struct collector *c)
{
    if (!c)
        return;
    sorter_free(&c->rows);
    spool_free(&c->media);
    gap_store_free(&c->gaps);
    token_bins_free(&c->tokens);
    group_store_free(&c->groups);
    retry_store_free(&c->retries);
    free(c);
}

void collector_add_not_due(struct collector *c, uint64_t count)
{
    c->accounting.not_due += count;
}

static uint32_t to_u32(uint64_t value)
{
    return value < UINT32_MAX ? (uint32_t)value : UINT32_MAX;
}

struct request_row row_of(const struct record *r)
{
    struct pace pace = record_pace(r);
    return (struct request_row){
        .scheduled_ns = r->scheduled_ns,
        .ready_ns = r->ready_ns,
        .sent_ns = r->sent_ns,
        .first_token_ns = r->first_token_ns,
        .first_output_ns = r->first_output_ns,
        .last_token_ns = r->last_token_ns,
        .done_ns = r->done_ns,
        .input = to_u32(usage_input(&r->usage)),
        .cached = to_u32(usage_cached(&r->usage)),
        .output = to_u32(usage_output(&r->usage)),
        .reasoning = to_u32(r->usage.tokens[USAGE_REASONING]),
        .asked_input = r->asked_input,
        .asked_output = r->asked_output,
        .status = (uint8_t)r->status,
        .streamed = r->streamed,
        .paced_tokens = pace.tokens,
        .one_token = record_streamed_tokens(r) == 1,
        .from_output = pace.from_ns == r->first_output_ns,
        .has_usage = r->usage_from != USAGE_NONE,
        .has_images = r->asked_images > 0,
        .long_history = r->long_history,
    };
}

/* Spreads the output tokens over the chunks' instants, or evenly where those were not kept. */
static void add_tokens(struct collector *c, const struct record *r)
{
    uint64_t tokens = usage_output(&r->usage);
    int64_t last = r->last_token_ns == TIME_NEVER ? r->done_ns : r->last_token_ns;
    if (r->status != RECORD_COMPLETED || tokens == 0 || last == TIME_NEVER)
        return;
    if (r->chunk_ns && r->chunks > 0) {
        token_bins_spread(&c->tokens, r->chunk_ns, r->chunks, tokens);
        return;
    }
    int64_t first = r->first_token_ns == TIME_NEVER ? last : r->first_token_ns;
    int64_t span = last - first;
    uint64_t parts = span > 0 && tokens > 1 ? (tokens < 1024 ? tokens : 1024) : 1;
    for (uint64_t k = 0; k < parts; k++) {
        uint64_t share = tokens * (k + 1) / parts - tokens * k / parts;
        int64_t at =
            parts > 1 ? first + (int64_t)((double)span * (double)k / (double)(parts - 1)) : last;
        token_bins_add(&c->tokens, at, share);
    }
}

static void add_gaps(struct collector *c, const struct record *r)
{
    if (r->status == RECORD_COMPLETED && r->chunk_ns)
        gap_store_add(&c->gaps, r->scheduled_ns, r->chunk_ns, r->chunks);
}

static void count_chunks(struct collector *c, const struct record *r)
{
    if (r->status != RECORD_COMPLETED || r->chunks == 0)
        return;
    c->chunks += r->chunks;
    c->chunked_tokens += record_streamed_tokens(r);
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

static void add_media(struct collector *c, const struct record *r)
{
    struct media_row row = {.done_ns = r->done_ns};
    if (r->status != RECORD_COMPLETED || !usage_has_media(&r->usage))
        return;
    for (int i = 0; i < USAGE_MEDIA_CLASSES; i++)
        row.tokens[i] = to_u32(r->usage.tokens[USAGE_PLAIN_CLASSES + i]);
    uint64_t images = usage_image_input(&r->usage);
    if (r->asked_images && images && r->usage_from != USAGE_NONE && !r->long_history) {
        row.asked_text = r->asked_input;
        row.text = to_u32(usage_input(&r->usage) - images);
    }
    spool_add(&c->media, &row);
}

static void add_row(struct collector *c, const struct request_row *row)
{
    sorter_add(&c->rows, row);
    if (row->scheduled_ns < c->first_due_ns)
        c->first_due_ns = row->scheduled_ns;
    if (row->scheduled_ns != TIME_NEVER && row->scheduled_ns > c->last_due_ns)
        c->last_due_ns = row->scheduled_ns;
    if (row->done_ns != TIME_NEVER && row->done_ns > c->last_done_ns)
        c->last_done_ns = row->done_ns;
}

void collector_add(struct collector *c, const struct record *r)
{
    if (r->status != RECORD_UNSENT || r->attempt > 0)
        c->accounting.attempts++;
    c->connects += r->connects;
    c->slow_reads += r->slow_reader;
    if (r->final && r->status == RECORD_COMPLETED)
        c->asked_images += r->asked_images;
    c->estimated_usage += r->usage_from == USAGE_ESTIMATED;
    for (int i = 0; i < ODDITIES && r->odd >> i; i++)
        c->odd[i] += r->odd >> i & 1;
    group_store_note(&c->groups, r);
    if (!r->final) {
        retry_store_add(&c->retries, r);
        return;
    }
    count_request(&c->accounting, r);
    c->last = row_of(r);
    if (r->attempt > 1)
        retry_store_finish(&c->retries, r, &c->last);
    c->last.group = group_store_add(&c->groups, r);
    add_row(c, &c->last);
    count_chunks(c, r);
    add_media(c, r);
    add_tokens(c, r);
    add_gaps(c, r);
}

void accounting_add(struct accounting *to, const struct accounting *from)
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

void collector_merge(struct collector *c, struct collector *from)
{
    uint16_t *groups;
    struct sorter_scan scan;
    const struct request_row *r;
    group_store_merge(&c->groups, &from->groups, &groups);
    sorter_scan_begin(&scan, &from->rows);
    while ((r = sorter_scan_next(&scan))) {
        c->last = *r;
        c->last.group = groups[r->group];
        add_row(c, &c->last);
    }
    sorter_scan_end(&scan);
    free(groups);
    struct spool_scan media = spool_scan_of(&from->media);
    for (const void *m; (m = spool_scan_next(&media));)
        spool_add(&c->media, m);
    gap_store_merge(&c->gaps, &from->gaps);
    token_bins_merge(&c->tokens, &from->tokens);
    accounting_add(&c->accounting, &from->accounting);
    c->estimated_usage += from->estimated_usage;
    c->connects += from->connects;
    c->slow_reads += from->slow_reads;
    c->asked_images += from->asked_images;
    for (int i = 0; i < ODDITIES; i++)
        c->odd[i] += from->odd[i];
    c->chunks += from->chunks;
    c->chunked_tokens += from->chunked_tokens;
}

bool collector_agrees(const struct collector *c, const struct accounting *a)
{
    struct accounting own = c->accounting;
    own.not_due = a->not_due;
    return memcmp(&own, a, sizeof own) == 0;
}

void collector_flights(struct collector *c, struct flights *out)
{
    struct sorter_scan scan;
    const struct request_row *r;
    sorter_init(&out->starts, sizeof(int64_t), sorter_compare_int64);
    sorter_init(&out->ends, sizeof(int64_t), sorter_compare_int64);
    sorter_scan_begin(&scan, &c->rows);
    while ((r = sorter_scan_next(&scan))) {
        if (r->sent_ns == TIME_NEVER || r->done_ns == TIME_NEVER)
            continue;
        sorter_add(&out->starts, &r->sent_ns);
        sorter_add(&out->ends, &r->done_ns);
    }
    sorter_scan_end(&scan);
}

void collector_flights_free(struct flights *f)
{
    sorter_free(&f->starts);
    sorter_free(&f->ends);
}

static bool between(int64_t from_ns, int64_t to_ns, int64_t *value_ns)
{
    if (from_ns == TIME_NEVER || to_ns == TIME_NEVER)
        return false;
    *value_ns = to_ns - from_ns;
    return true;
}

static bool time_per_token(const struct request_row *r, int64_t *value_ns)
{
    int64_t from_ns = r->from_output ? r->first_output_ns : r->first_token_ns;
    return pace_per_token(&(struct pace){from_ns, r->last_token_ns, r->paced_tokens}, value_ns);
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
