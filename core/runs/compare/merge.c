#include "core/runs/compare/merge.h"

#include "core/file.h"
#include "core/json/json_scan.h"
#include "core/memory.h"
#include "core/runs/record/run_dir.h"
#include "core/runs/record/run_json.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- what the parts say of themselves ---- */

/* "2/3" of the options; false where the run is no part. */
static bool read_shard(const struct run_json *j, struct run_part *p)
{
    struct text shard;
    if (!run_json_option(j, "shard", &shard))
        return false;
    const char *slash = memchr(shard.at, '/', shard.length);
    if (!slash)
        return false;
    struct text index = {shard.at, (size_t)(slash - shard.at)};
    struct text of = {slash + 1, shard.length - index.length - 1};
    return text_to_u64(index, &p->shard) && text_to_u64(of, &p->shards);
}

static int read_run(struct run_part *p, struct error *err)
{
    struct run_json j;
    int status = run_json_read(p->path, &j, err);
    if (status < 0)
        return status;
    p->workload = mem_copy_text(j.workload.at, j.workload.length);
    p->started_ns = j.started_unix_ns;
    if (!read_shard(&j, p))
        status = error_set(err, ERR_INPUT,
                           "%s is no part of a run: it was not made with --shard I/N", p->path);
    run_json_free(&j);
    return status;
}

static bool is_finished(const char *run)
{
    char *file = run_dir_file(run, "summary.json");
    bool there = file_exists(file);
    free(file);
    return there;
}

/* ---- do they belong together? ---- */

static bool same_slos(const struct slo_list *a, const struct slo_list *b)
{
    if (a->count != b->count)
        return false;
    for (size_t i = 0; i < a->count; i++)
        if (a->items[i].metric != b->items[i].metric ||
            a->items[i].limit_ms != b->items[i].limit_ms)
            return false;
    return true;
}

/* By its name and its sums; the prompts' salt may differ. */
static bool same_workload(const char *a, const char *b)
{
    static const char *const keys[] = {"name", "requests", "input_tokens", "output_tokens"};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        struct text x = {"", 0}, y = {"", 0};
        json_member(a, keys[i], &x);
        json_member(b, keys[i], &y);
        if (x.length != y.length || memcmp(x.at, y.at, x.length) != 0)
            return false;
    }
    return true;
}

static int differ(const struct run_merge *m, size_t i, const char *what, struct error *err)
{
    return error_set(err, ERR_INPUT, "%s and %s are not parts of one run: they differ in their %s",
                     m->parts[0].path, m->parts[i].path, what);
}

static int compare_part(struct run_merge *m, size_t i, const struct summary *s, struct error *err)
{
    const struct run_part *first = &m->parts[0], *p = &m->parts[i];
    if (i == 0) {
        m->command = s->command;
        m->load = s->load;
        m->slos = s->slos;
        m->steady_rate_from_s = m->steady_rate_until_s = NAN;
    }
    m->steady_rate_from_s = fmax(m->steady_rate_from_s, s->steady_rate_from_s);
    m->steady_rate_until_s = fmax(m->steady_rate_until_s, s->steady_rate_until_s);
    if (strcmp(s->command, m->command) != 0)
        return differ(m, i, "command", err);
    if (strcmp(s->load, m->load) != 0)
        return differ(m, i, "kind of load", err);
    if (!same_slos(&s->slos, &m->slos))
        return differ(m, i, "objectives", err);
    if (p->shards != first->shards)
        return differ(m, i, "number of parts", err);
    if (!same_workload(p->workload, first->workload))
        return differ(m, i, "workload", err);
    for (size_t k = 0; k < i; k++)
        if (m->parts[k].shard == p->shard)
            return error_set(err, ERR_INPUT, "%s and %s are both part %llu of %llu",
                             m->parts[k].path, p->path, (unsigned long long)p->shard,
                             (unsigned long long)p->shards);
    return 0;
}

static void find_missing(struct run_merge *m)
{
    for (uint64_t shard = 1; shard <= m->parts[0].shards; shard++) {
        bool there = false;
        for (size_t i = 0; i < m->count; i++)
            there = there || m->parts[i].shard == shard;
        if (!there && m->missing++ == 0)
            m->first_missing = shard;
    }
}

static void find_start(struct run_merge *m)
{
    int64_t first = INT64_MAX, last = INT64_MIN;
    m->started_ns = TIME_NEVER;
    for (size_t i = 0; i < m->count; i++) {
        if (m->parts[i].started_ns == TIME_NEVER)
            return;
        if (m->parts[i].started_ns < first)
            first = m->parts[i].started_ns;
        if (m->parts[i].started_ns > last)
            last = m->parts[i].started_ns;
    }
    m->started_ns = first;
    m->spread_ns = last - first;
}

int run_merge_open(struct run_merge *m, const char *const *paths, size_t count, struct error *err)
{
    struct summary *s = mem_zero(1, sizeof *s);
    int status = 0;
    *m = (struct run_merge){.parts = mem_zero(count, sizeof *m->parts), .count = count};
    m->fidelity.parts = mem_zero(count, sizeof *m->fidelity.parts);
    for (size_t i = 0; i < count && status == 0; i++) {
        struct run_part *p = &m->parts[i];
        p->path = paths[i];
        if (!run_dir_is_run(p->path))
            status = error_set(err, ERR_INPUT, "%s is no run directory: it has no requests.jsonl",
                               p->path);
        else if (!is_finished(p->path))
            status =
                error_set(err, ERR_INPUT,
                          "%s was not finished, it has no summary.json: only whole parts can be "
                          "merged",
                          p->path);
        else if ((status = run_records_check(p->path, err)) == 0 &&
                 (status = read_run(p, err)) == 0 &&
                 (status = summary_read_run(p->path, s, err)) == 0) {
            m->fidelity.parts[m->fidelity.part_count++] = s->fidelity; /* taken over */
            status = compare_part(m, i, s, err);
        }
        accounting_add(&m->accounting, &s->accounting);
    }
    free(s);
    if (status < 0) {
        run_merge_free(m);
        return status;
    }
    fidelity_merge(&m->fidelity);
    find_missing(m);
    find_start(m);
    return 0;
}

void run_merge_free(struct run_merge *m)
{
    for (size_t i = 0; i < m->count; i++)
        free(m->parts[i].workload);
    free(m->parts);
    fidelity_free(&m->fidelity);
    *m = (struct run_merge){0};
}

/* ---- the records ---- */

/* A part being read: its next record. */
struct stream {
    struct record_reader reader;
    struct record record;
    bool open, has_record;
    bool chunks; /* its records keep their chunks' times */
};

static int64_t end_of(const struct record *r)
{
    return r->done_ns != TIME_NEVER ? r->done_ns : r->scheduled_ns;
}

static int advance(struct stream *s, struct error *err)
{
    int more = record_reader_next(&s->reader, &s->record, err);
    s->has_record = more > 0;
    return more < 0 ? more : 0;
}

static int open_streams(const struct run_merge *m, struct stream *streams, struct error *err)
{
    for (size_t i = 0; i < m->count; i++) {
        char *file = run_dir_file(m->parts[i].path, "requests.jsonl");
        int status = record_reader_open(&streams[i].reader, file, err);
        free(file);
        if (status < 0)
            return status;
        streams[i].open = true;
        if (advance(&streams[i], err) < 0)
            return ERR_INPUT;
    }
    return 0;
}

static struct stream *earliest(struct stream *streams, size_t count)
{
    struct stream *least = NULL;
    for (size_t i = 0; i < count; i++)
        if (streams[i].has_record &&
            (!least || end_of(&streams[i].record) < end_of(&least->record)))
            least = &streams[i];
    return least;
}

/* A part's chunk gaps stand in its histograms.json. Where its records kept their chunks they are
 * known already. */
static int take_gaps(struct collector *c, const char *path, struct error *err)
{
    struct collector *part = collector_create();
    int status = collector_read_gaps(part, path, err);
    collector_merge(c, part);
    collector_free(part);
    return status;
}

/* What the collector must have once all records are in. */
static int finish(struct run_merge *m, struct collector *c, const struct stream *streams,
                  struct error *err)
{
    for (size_t i = 0; i < m->count; i++) {
        if (streams[i].reader.torn)
            return error_set(err, ERR_INPUT, "the last record of %s is cut short",
                             m->parts[i].path);
        if (!streams[i].chunks && take_gaps(c, m->parts[i].path, err) < 0)
            return err ? err->code : ERR_INPUT;
    }
    collector_add_not_due(c, m->accounting.not_due);
    return collector_agrees(c, &m->accounting)
               ? 0
               : error_set(err, ERR_INPUT,
                           "the parts hold other requests than their summary.json count: one of "
                           "them was changed or is not whole");
}

int run_merge_read(struct run_merge *m, struct collector *c, record_taker *take, void *context,
                   struct error *err)
{
    struct stream *streams = mem_zero(m->count, sizeof *streams), *next;
    int status = open_streams(m, streams, err);
    while (status == 0 && (next = earliest(streams, m->count))) {
        next->chunks = next->chunks || next->record.chunk_ns;
        collector_add(c, &next->record);
        status = take(context, &next->record, err);
        if (status == 0)
            status = advance(next, err);
    }
    if (status == 0)
        status = finish(m, c, streams, err);
    for (size_t i = 0; i < m->count; i++)
        if (streams[i].open)
            record_reader_close(&streams[i].reader);
    free(streams);
    return status;
}
