#include "cli/report/export/export_rows.h"

#include "core/memory.h"

#include <gsl/gsl_sort.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- run.json ---- */

static char *copy_option(const struct run_json *j, const char *name)
{
    struct text value;
    return run_json_option(j, name, &value) ? mem_copy_text(value.at, value.length) : NULL;
}

/* A run without a run.json (or with another's) is exported without what only that knows. */
static void take_configuration(struct export_rows *x, const struct run_json *said)
{
    x->api = copy_option(said, "api");
    x->rate = copy_option(said, "rate");
    x->concurrency = copy_option(said, "concurrency");
    x->max_in_flight = copy_option(said, "max-in-flight");
    x->burstiness = copy_option(said, "burstiness");
    x->started_unix_ns = said->started_unix_ns == TIME_NEVER ? 0 : said->started_unix_ns;
}

/* ---- requests.jsonl ---- */

static uint32_t add_name(struct export_rows *x, const char *text)
{
    return text ? names_add(&x->names, text_of(text)) : NAME_NONE;
}

static uint32_t cut(uint64_t value)
{
    return value < UINT32_MAX ? (uint32_t)value : UINT32_MAX;
}

static void keep_chunks(struct export_rows *x, struct export_row *row, const struct record *r)
{
    row->chunks_seen = r->chunks;
    if (r->status != RECORD_COMPLETED || !r->streamed || r->chunks == 0)
        return;
    if (!r->chunk_ns) {
        x->has_chunks = false;
        return;
    }
    mem_grow(&x->chunks, &x->chunk_capacity, x->chunk_count + r->chunks, sizeof *x->chunks);
    memcpy(x->chunks + x->chunk_count, r->chunk_ns, r->chunks * sizeof *x->chunks);
    row->chunk_first = x->chunk_count;
    row->chunk_count = r->chunks;
    x->chunk_count += r->chunks;
}

static void keep_text(struct export_rows *x, struct export_row *row, const struct record *r)
{
    if (!r->text)
        return;
    mem_grow(&x->texts, &x->text_capacity, x->text_count + 1, sizeof *x->texts);
    x->texts[x->text_count++] = mem_copy_string(r->text);
    row->text = x->text_count;
}

static void keep_media(struct export_rows *x, struct export_row *row, const struct record *r)
{
    if (!usage_has_media(&r->usage))
        return;
    mem_grow(&x->media, &x->media_capacity, x->media_count + 1, sizeof *x->media);
    struct export_media *m = &x->media[x->media_count++];
    for (int i = 0; i < USAGE_MEDIA_CLASSES; i++)
        m->tokens[i] = cut(r->usage.tokens[USAGE_PLAIN_CLASSES + i]);
    row->media = (uint32_t)x->media_count;
}

static void add_row(struct export_rows *x, const struct record *r)
{
    mem_grow(&x->rows, &x->capacity, x->count + 1, sizeof *x->rows);
    struct export_row *row = &x->rows[x->count++];
    bool counted = r->usage_from != USAGE_NONE;
    *row = (struct export_row){
        .scheduled_ns = r->scheduled_ns,
        .first_byte_ns = r->first_byte_ns,
        .first_token_ns = r->first_token_ns,
        .first_output_ns = r->first_output_ns,
        .last_token_ns = r->last_token_ns,
        .done_ns = r->done_ns,
        .id = add_name(x, r->request_id),
        .session = add_name(x, r->session_id),
        .endpoint = add_name(x, r->endpoint),
        .model = add_name(x, r->model),
        .class_name = add_name(x, r->class_name),
        .service = add_name(x, r->service),
        .finish = add_name(x, r->finish_reason),
        .message = add_name(x, r->message),
        .input = counted ? cut(usage_input(&r->usage)) : r->asked_input,
        .cached = cut(usage_cached(&r->usage)),
        .output = cut(usage_output(&r->usage)),
        .reasoning = cut(r->usage.tokens[USAGE_REASONING]),
        .asked_input = r->asked_input,
        .asked_output = r->asked_output,
        .attempts = r->attempt,
        .status = r->status,
        .failure = r->failure,
        .unsent = r->unsent,
        .usage_from = r->usage_from,
        .http_status = r->http_status,
        .streamed = r->streamed,
    };
    collector_last_sending(x->collector, &row->ready_ns, &row->sent_ns);
    x->sent += row->sent_ns != TIME_NEVER;
    keep_chunks(x, row, r);
    keep_text(x, row, r);
    keep_media(x, row, r);
}

static int by_sending(const void *a, const void *b)
{
    const struct export_row *x = a, *y = b;
    if (x->sent_ns != y->sent_ns)
        return x->sent_ns < y->sent_ns ? -1 : 1;
    if (x->scheduled_ns != y->scheduled_ns)
        return x->scheduled_ns < y->scheduled_ns ? -1 : 1;
    return x->id < y->id ? -1 : x->id > y->id;
}

/* Turns of a session count from 0 in the order of their sending. */
static void number_turns(struct export_rows *x)
{
    uint32_t *turns = mem_zero(x->names.count + 1, sizeof *turns);
    for (size_t i = 0; i < x->count; i++)
        if (x->rows[i].session != NAME_NONE)
            x->rows[i].turn = turns[x->rows[i].session]++;
    free(turns);
}

struct export_rows *export_rows_create(const struct run_json *said,
                                       const struct collector *collector)
{
    struct export_rows *x = mem_zero(1, sizeof *x);
    x->collector = collector;
    x->has_chunks = true;
    names_init(&x->names);
    take_configuration(x, said);
    return x;
}

void export_rows_add(struct export_rows *x, const struct record *r)
{
    if (r->final)
        add_row(x, r);
}

void export_rows_sort(struct export_rows *x)
{
    if (x->count)
        qsort(x->rows, x->count, sizeof *x->rows, by_sending);
    number_turns(x);
}

void export_rows_free(struct export_rows *x)
{
    if (!x)
        return;
    names_free(&x->names);
    for (size_t i = 0; i < x->text_count; i++)
        free(x->texts[i]);
    free(x->media);
    free(x->texts);
    free(x->rows);
    free(x->chunks);
    free(x->api);
    free(x->rate);
    free(x->concurrency);
    free(x->max_in_flight);
    free(x->burstiness);
    free(x);
}

/* ---- what the writers share ---- */

double export_seconds(int64_t from_ns, int64_t to_ns)
{
    return from_ns == TIME_NEVER || to_ns == TIME_NEVER ? 0 : (double)(to_ns - from_ns) / 1e9;
}

bool export_has_tpot(const struct export_row *r)
{
    return r->streamed && r->output > 1 && r->first_token_ns != TIME_NEVER;
}

struct export_statistics export_statistics(double *values, size_t count)
{
    struct export_statistics s = {.count = count};
    double squares = 0;
    if (count == 0)
        return s;
    gsl_sort(values, 1, count);
    for (size_t i = 0; i < count; i++)
        s.mean += values[i] / (double)count;
    for (size_t i = 0; i < count; i++)
        squares += (values[i] - s.mean) * (values[i] - s.mean);
    s.std = sqrt(squares / (double)count);
    s.min = values[0];
    s.max = values[count - 1];
    return s;
}
