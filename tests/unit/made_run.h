/* Runs made up for tests of comparisons: directories of records with known latencies. */
#ifndef FAREBOX_TESTS_MADE_RUN_H
#define FAREBOX_TESTS_MADE_RUN_H

#include "core/buffer.h"
#include "core/clock.h"
#include "core/random.h"
#include "core/runs/record/run_dir.h"
#include "core/runs/record/run_files.h"
#include "testing.h"

#include <stdlib.h>

#define MS NS_PER_MS

static double made_level = 1; /* all latencies of the next runs times this */
static char scratch[] = "/tmp/farebox-diff-XXXXXX";
/* How a made-up run goes: each request due 100 ms after the other, 20 ms to the first token, 2 ms a
 * token, each a little different (`seed`), and what `change` makes of it. */
struct made {
    const char *name, *summary;
    size_t requests;
    uint64_t seed;
    void (*change)(struct record *r, size_t i, struct random *random);
};

static inline char *path_of(const char *name)
{
    struct buffer b;
    buffer_init(&b, BUFFER_UNBOUNDED);
    buffer_add_format(&b, "%s/%s", scratch, name);
    return buffer_take(&b);
}

static inline void make_record(struct record *r, size_t i, struct random *random, char id[24])
{
    snprintf(id, 24, "r%zu", i);
    record_init(r);
    r->request_id = id;
    r->attempt = 1;
    r->final = true;
    r->streamed = true;
    r->status = RECORD_COMPLETED;
    r->scheduled_ns = r->ready_ns = r->sent_ns = (int64_t)i * 100 * MS;
    r->asked_input = 100 + (uint32_t)(i % 7);
    r->asked_output = r->chunks = 20 + (uint32_t)(i % 5);
    double jitter = made_level * (1 + 0.1 * random_unit(random));
    r->first_token_ns = r->first_output_ns = r->sent_ns + (int64_t)(20 * MS * jitter);
    r->last_token_ns = r->done_ns =
        r->first_token_ns + (int64_t)((double)(2 * MS * (r->chunks - 1)) * jitter);
    r->usage = usage_from_totals(r->asked_input, 0, 0, 0, r->asked_output, 0);
    r->usage_from = USAGE_SERVER;
}

static inline void make_run(const struct made *m)
{
    struct run_dir dir;
    struct random random;
    char *path = path_of(m->name);
    run_files_clear(path);
    ck_assert_int_eq(run_dir_create(&dir, path, NULL), 0);
    random_init(&random, 7, RANDOM_TEST, m->seed);
    for (size_t i = 0; i < m->requests; i++) {
        struct record r;
        char id[24];
        make_record(&r, i, &random, id);
        if (m->change)
            m->change(&r, i, &random);
        ck_assert_int_eq(run_dir_append(&dir, &r, 0, NULL), 0);
    }
    struct buffer summary;
    buffer_init(&summary, BUFFER_UNBOUNDED);
    buffer_add_text(&summary, "{\"schema_version\": 1, \"command\": \"bench\", \"warmup_method\": "
                              "\"given\", \"window_s\": 1, \"all\": {\"duration_s\": 1}, ");
    buffer_add_text(&summary, m->summary ? m->summary : "\"load\": \"open\"}");
    ck_assert_int_eq(run_dir_write_file(&dir, "summary.json", &summary, NULL), 0);
    buffer_free(&summary);
    ck_assert_int_eq(run_dir_close(&dir, NULL), 0);
    free(path);
}

#endif
