/* Merging: parts that belong together give the run that one process would have made; others do not.
 */
#include "core/file.h"
#include "core/runs/compare/merge.h"
#include "core/runs/record/run_dir.h"
#include "core/runs/summary/summary.h"
#include "testing.h"

#include <string.h>

#define PARTS 3
#define REQUESTS 60

static char scratch[] = "/tmp/farebox-merge-XXXXXX";
static char paths[PARTS][64];
static const char *const all[PARTS] = {paths[0], paths[1], paths[2]};

static struct record record_of(int i, char id[16])
{
    struct record r;
    snprintf(id, 16, "r%d", i);
    record_init(&r);
    r.request_id = id;
    r.attempt = 1;
    r.final = r.streamed = true;
    r.status = i % 10 == 9 ? RECORD_CANCELLED : RECORD_COMPLETED;
    r.scheduled_ns = r.ready_ns = i * 5 * NS_PER_MS;
    r.sent_ns = r.scheduled_ns + i % 3 * 1000;
    r.first_token_ns = r.first_output_ns = r.sent_ns + (20 + i % 7) * NS_PER_MS;
    r.chunks = 4;
    r.last_token_ns = r.done_ns = r.first_token_ns + (30 + i % 11) * NS_PER_MS;
    r.asked_input = 100;
    r.asked_output = 4;
    r.usage = usage_from_totals(100, 0, 0, 0, 4, 0);
    r.usage_from = USAGE_SERVER;
    return r;
}

/* What a part of a run says of itself. */
struct part {
    int shard, shards, slo_ms, tokens; /* tokens: of the workload */
    const char *command, *load, *started;
};

static const struct part plain = {
    .shards = PARTS, .slo_ms = 200, .tokens = 6000, .command = "bench", .load = "open"};

static void write_file(const struct run_dir *d, const char *name, struct buffer *text)
{
    ck_assert_int_eq(run_dir_write_file(d, name, text, NULL), 0);
    buffer_free(text);
}

static void write_run_json(const struct run_dir *d, const struct part *p)
{
    struct buffer text;
    buffer_init(&text, BUFFER_UNBOUNDED);
    buffer_add_format(&text, "{\"started\": \"%s\", \"options\": {",
                      p->started ? p->started : "2026-11-01T10:00:00Z");
    if (p->shard)
        buffer_add_format(&text, "\"shard\": \"%d/%d\"", p->shard, p->shards);
    buffer_add_format(&text,
                      "}, \"workload\": {\"name\": \"w\", \"requests\": %d, \"input_tokens\": %d, "
                      "\"output_tokens\": 240}}",
                      REQUESTS, p->tokens);
    write_file(d, "run.json", &text);
}

static void write_summary(const struct run_dir *d, const struct part *p, struct collector *c)
{
    struct summary_options o = {.command = p->command, .load = p->load, .no_intervals = true};
    struct summary s;
    struct buffer text;
    struct json_writer w;
    char slo[32];
    snprintf(slo, sizeof slo, "ttft=%d", p->slo_ms);
    ck_assert_int_eq(slo_parse(slo, &o.slos, NULL), 0);
    collector_summarize(c, &o, &s);
    buffer_init(&text, BUFFER_UNBOUNDED);
    json_write_init(&w, &text, 2);
    summary_write(&s, &w);
    write_file(d, "summary.json", &text);
}

/* Every PARTSth record, from this one on, as a part in its directory. */
static void make_part(int index, struct part p)
{
    struct run_dir d;
    struct collector *c = collector_create();
    snprintf(paths[index], sizeof paths[index], "%s/part-%d", scratch, index);
    ck_assert_int_eq(run_dir_create(&d, paths[index], NULL), 0);
    for (int i = index; i < REQUESTS; i += PARTS) {
        char id[16];
        struct record r = record_of(i, id);
        collector_add(c, &r);
        ck_assert_int_eq(run_dir_append(&d, &r, 0, NULL), 0);
    }
    collector_add_not_due(c, (uint64_t)index);
    write_run_json(&d, &p);
    write_summary(&d, &p, c);
    collector_free(c);
    ck_assert_int_eq(run_dir_close(&d, NULL), 0);
}

static void make_parts(void)
{
    for (int i = 0; i < PARTS; i++) {
        struct part p = plain;
        p.shard = i + 1;
        make_part(i, p);
    }
}

static void set_up(void)
{
    ck_assert_ptr_nonnull(mkdtemp(scratch));
}

static void tear_down(void)
{
    testing_remove(scratch);
}

struct order {
    size_t count;
    int64_t last_ns;
    bool seen[REQUESTS];
};

static int hear(void *context, const struct record *r, struct error *err)
{
    struct order *o = context;
    (void)err;
    ck_assert_int_ge(r->done_ns, o->last_ns);
    o->last_ns = r->done_ns;
    o->seen[atoi(r->request_id + 1)] = true;
    o->count++;
    return 0;
}

START_TEST(parts_are_read_as_one_run_in_the_order_of_their_ends)
{
    struct run_merge m;
    struct error err = {0};
    struct order order = {0};
    struct summary whole, one;
    struct summary_options o = {.command = "bench", .load = "open", .no_intervals = true};
    struct collector *merged = collector_create(), *alone = collector_create();
    make_parts();
    ck_assert_msg(run_merge_open(&m, all, PARTS, &err) == 0, "%s", err.message);
    ck_assert_str_eq(m.command, "bench");
    ck_assert_str_eq(m.load, "open");
    ck_assert_uint_eq(m.slos.count, 1);
    ck_assert_uint_eq(m.missing, 0);
    ck_assert_uint_eq(m.accounting.scheduled, REQUESTS);
    ck_assert_uint_eq(m.accounting.not_due, 0 + 1 + 2);
    ck_assert_msg(run_merge_read(&m, merged, hear, &order, &err) == 0, "%s", err.message);
    ck_assert_uint_eq(order.count, REQUESTS);
    for (int i = 0; i < REQUESTS; i++) {
        char id[16];
        struct record r = record_of(i, id);
        ck_assert(order.seen[i]);
        collector_add(alone, &r);
    }
    collector_summarize(merged, &o, &whole);
    collector_summarize(alone, &o, &one);
    ck_assert_uint_eq(whole.accounting.completed, one.accounting.completed);
    ck_assert_uint_eq(whole.accounting.cancelled, REQUESTS / 10);
    for (int i = 0; i < METRIC_COUNT; i++) {
        ck_assert_uint_eq(whole.all.metrics[i].count, one.all.metrics[i].count);
        if (one.all.metrics[i].count)
            ck_assert_double_eq(whole.all.metrics[i].p99, one.all.metrics[i].p99);
    }
    collector_free(merged);
    collector_free(alone);
    run_merge_free(&m);
}
END_TEST

START_TEST(a_part_that_is_missing_is_counted)
{
    struct run_merge m;
    const char *two[] = {paths[2], paths[0]};
    make_parts();
    ck_assert_int_eq(run_merge_open(&m, two, 2, NULL), 0);
    ck_assert_uint_eq(m.missing, 1);
    ck_assert_uint_eq(m.first_missing, 2);
    run_merge_free(&m);
}
END_TEST

START_TEST(the_start_is_the_first_and_the_spread_is_told)
{
    struct run_merge m;
    struct part p = plain;
    make_parts();
    p.shard = 2;
    p.started = "2026-11-01T09:59:58.500Z";
    testing_remove(paths[1]);
    make_part(1, p);
    ck_assert_int_eq(run_merge_open(&m, all, PARTS, NULL), 0);
    ck_assert_int_eq(m.spread_ns, 1500 * NS_PER_MS);
    char start[CLOCK_INSTANT_SIZE];
    clock_format_instant(m.started_ns, start);
    ck_assert_str_eq(start, "2026-11-01T09:59:58.500Z");
    run_merge_free(&m);
}
END_TEST

/* The second part, with a difference. */
static const struct {
    struct part part;
    const char *says;
} others[] = {
    {{2, PARTS, 200, 6000, "sim", "open", NULL}, "differ in their command"},
    {{2, PARTS, 200, 6000, "bench", "closed", NULL}, "differ in their kind of load"},
    {{2, PARTS, 100, 6000, "bench", "open", NULL}, "differ in their objectives"},
    {{2, PARTS + 1, 200, 6000, "bench", "open", NULL}, "differ in their number of parts"},
    {{2, PARTS, 200, 6001, "bench", "open", NULL}, "differ in their workload"},
    {{1, PARTS, 200, 6000, "bench", "open", NULL}, "are both part 1 of 3"},
    {{0, PARTS, 200, 6000, "bench", "open", NULL}, "it was not made with --shard I/N"},
};

START_TEST(what_does_not_belong_together_is_refused)
{
    struct run_merge m;
    struct error err = {0};
    struct part first = plain;
    first.shard = 1;
    make_part(0, first);
    make_part(1, others[_i].part);
    ck_assert_int_eq(run_merge_open(&m, all, 2, &err), ERR_INPUT);
    ck_assert_msg(strstr(err.message, others[_i].says) != NULL, "%s", err.message);
}
END_TEST

static int pass_over(void *context, const struct record *r, struct error *err)
{
    (void)context, (void)r, (void)err;
    return 0;
}

/* Replaces a file of the second part, or removes it where text is NULL. */
static const struct {
    const char *file, *text, *says;
    bool opens;
} damages[] = {
    {"summary.json", NULL, "was not finished", false},
    {"requests.jsonl", NULL, "is no run directory", false},
    {"requests.jsonl", "", "hold other requests than their summary.json", true},
    {"requests.jsonl", "{\"request_id\": \"r1\", \"att", "is cut short", true},
};

START_TEST(a_part_that_is_not_whole_is_refused)
{
    struct run_merge m;
    struct error err = {0};
    make_parts();
    char *file = run_dir_file(paths[1], damages[_i].file);
    ck_assert_int_eq(remove(file), 0);
    if (damages[_i].text)
        ck_assert_int_eq(file_write_atomic(file, damages[_i].text, strlen(damages[_i].text), NULL),
                         0);
    free(file);
    struct collector *c = collector_create();
    int status = run_merge_open(&m, all, PARTS, &err);
    ck_assert_int_eq(status, damages[_i].opens ? 0 : ERR_INPUT);
    if (damages[_i].opens) {
        ck_assert_int_eq(run_merge_read(&m, c, pass_over, NULL, &err), ERR_INPUT);
        run_merge_free(&m);
    }
    ck_assert_msg(strstr(err.message, damages[_i].says) != NULL, "%s", err.message);
    collector_free(c);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("merge");
    TCase *t = tcase_create("merge");
    tcase_add_checked_fixture(t, set_up, tear_down);
    tcase_add_test(t, parts_are_read_as_one_run_in_the_order_of_their_ends);
    tcase_add_test(t, a_part_that_is_missing_is_counted);
    tcase_add_test(t, the_start_is_the_first_and_the_spread_is_told);
    tcase_add_loop_test(t, what_does_not_belong_together_is_refused, 0,
                        (int)(sizeof others / sizeof *others));
    tcase_add_loop_test(t, a_part_that_is_not_whole_is_refused, 0,
                        (int)(sizeof damages / sizeof *damages));
    suite_add_tcase(suite, t);
    return testing_run(suite);
}
