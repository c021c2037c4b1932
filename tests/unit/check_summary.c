/* summary.json: written, read back and written again; refused where it is no summary. */
#include "core/memory.h"
#include "core/runs/summary/collector.h"
#include "tests/unit/testing.h"

#include <math.h>
#include <string.h>

#define MS NS_PER_MS

static int64_t chunk_times[64];

static void fill(struct record *r, unsigned i)
{
    record_init(r);
    r->attempt = 1;
    r->final = true;
    r->model = i % 3 ? "m\"1\"" : "größer\n";
    r->class_name = i % 2 ? "chat" : "agent";
    r->endpoint = "only";
    r->labels = i % 4 ? "{\"team\": \"a\"}" : "{\"team\": \"\\u0007b\"}";
    r->session_id = i % 5 ? "s1" : "s2";
    r->status = RECORD_COMPLETED;
    r->streamed = true;
    r->scheduled_ns = i * 7 * MS + 1;
    r->ready_ns = r->scheduled_ns + i % 2 * MS;
    r->sent_ns = r->ready_ns + i % 3 * 1234;
    r->dns_ns = i % 7 ? TIME_NEVER : 1234;
    r->connect_ns = i % 7 ? TIME_NEVER : 4321;
    r->first_byte_ns = r->sent_ns + 5 * MS;
    r->first_token_ns = r->first_output_ns = r->sent_ns + (20 + i % 17) * MS;
    r->first_reasoning_ns = i % 3 ? TIME_NEVER : r->first_token_ns;
    r->chunks = 2 + i % 40;
    for (uint32_t k = 0; k < r->chunks; k++)
        chunk_times[k] = r->first_token_ns + k * (1 + i % 5) * MS / 3;
    r->chunk_ns = chunk_times;
    r->last_token_ns = chunk_times[r->chunks - 1];
    r->done_ns = r->last_token_ns + MS;
    r->connects = i % 7 ? 0 : 1;
    r->odd = i % 6 ? 0 : ODDITY(NO_FINISH_REASON);
    r->asked_input = 90;
    r->asked_output = r->chunks;
    r->usage = usage_from_totals(100, i % 30, 0, 0, r->chunks, i % 3);
    r->usage_from = i % 11 ? USAGE_SERVER : USAGE_ESTIMATED;
}

static void add(struct collector *c, unsigned i)
{
    struct record r;
    char id[16];
    fill(&r, i);
    snprintf(id, sizeof id, "r%u", i);
    r.request_id = id;
    if (i % 10 == 9) {
        r.status = RECORD_FAILED;
        r.failure = i % 20 == 9 ? FAILURE_SERVER : FAILURE_RATE_LIMITED;
        r.message = i % 40 == 9 ? "said \"no\"\n" : "\x01 busy ü";
    } else if (i % 50 == 8) {
        r.status = RECORD_UNSENT;
        r.unsent = UNSENT_BUDGET;
        r.attempt = 0;
        r.sent_ns = r.first_byte_ns = r.first_token_ns = r.last_token_ns = TIME_NEVER;
    } else if (i % 50 == 7) {
        r.status = RECORD_CANCELLED;
    }
    collector_add(c, &r);
}

static struct collector *make(unsigned count)
{
    struct collector *c = collector_create();
    for (unsigned i = 0; i < count; i++)
        add(c, i);
    collector_add_not_due(c, 252);
    return c;
}

static char *written(const struct summary *s)
{
    struct buffer out;
    struct json_writer w;
    buffer_init(&out, BUFFER_UNBOUNDED);
    json_write_init(&w, &out, 2);
    summary_write(s, &w);
    return buffer_take(&out);
}

/* What a simulation, a client and a merged run say of themselves. */
static const struct fidelity *fidelities(void)
{
    static char endpoint[] = "http://h/\"v1\"";
    static struct fidelity_probe probe = {.endpoint = endpoint,
                                          .measured = true,
                                          .tokens_per_word = 1.0 / 3,
                                          .template_tokens = 5,
                                          .turn_tokens = 4,
                                          .model = "m",
                                          .word_tokens = "1231",
                                          .context_tokens = 4096,
                                          .requests = 2,
                                          .input_tokens = 77,
                                          .note = "none\tat all"};
    static struct fidelity parts[] = {{.kind = FIDELITY_CLIENT,
                                       .known = true,
                                       .client_limited = true,
                                       .reason = "send \"lag\"",
                                       .workers = 2,
                                       .cpu_of = {0.5, 0.25},
                                       .insecure = true,
                                       .lag_p99_ms = 48.25,
                                       .cpu_peak = NAN,
                                       .counts = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11},
                                       .probes = &probe,
                                       .probe_count = 1},
                                      {.kind = FIDELITY_UNSAID}};
    static struct fidelity all[3];
    all[0] = (struct fidelity){
        .kind = FIDELITY_MODEL, .known = true, .engine = {1, 11645, 3, 631737, 389120, 2587}};
    all[1] = parts[0];
    all[2] = (struct fidelity){.parts = parts, .part_count = 2};
    fidelity_merge(&all[2]);
    return all;
}

/* Of runs with everything, with nothing, and of a rate that six decimals would not tell. */
START_TEST(what_is_read_back_is_written_the_same)
{
    static const unsigned counts[] = {0, 1, 700};
    static const char *const commands[] = {"bench", "sim", "bench"};
    static const char *const loads[] = {"trace", "closed", "open"};
    struct collector *c = make(counts[_i]);
    struct summary_options how = {
        .command = commands[_i], .load = loads[_i], .warmup = _i ? WARMUP_GIVEN : WARMUP_NONE};
    struct summary *s = mem_zero(1, sizeof *s), *back = mem_zero(1, sizeof *back);
    struct error err = {0};
    how.warmup_ns = 1234567890;
    if (_i) {
        ck_assert_int_eq(slo_parse("ttft=30.5", &how.slos, NULL), 0);
        ck_assert_int_eq(slo_parse("e2e=100", &how.slos, NULL), 0);
    }
    collector_summarize(c, &how, s);
    s->window.request_throughput_rps = 2.0951234567e-6;
    s->fidelity = fidelities()[_i];
    char *one = written(s);
    ck_assert_ptr_nonnull(strstr(one, "\"request_throughput_rps\": 2.09512e-06"));
    ck_assert_msg(summary_read("s.json", text_of(one), back, &err) == 0, "%s", err.message);
    char *two = written(back);
    ck_assert_str_eq(two, one);
    ck_assert_uint_eq(back->accounting.not_due, 252);
    ck_assert(collector_agrees(c, &back->accounting));
    add(c, 9);
    ck_assert(!collector_agrees(c, &back->accounting));
    free(one);
    free(two);
    free(s);
    summary_free(back);
    free(back);
    collector_free(c);
}
END_TEST

static void replace(char *text, const char *from, const char *to)
{
    char *at = strstr(text, from);
    ck_assert_ptr_nonnull(at);
    ck_assert_uint_eq(strlen(from), strlen(to));
    memcpy(at, to, strlen(to));
}

START_TEST(what_is_no_summary_is_refused)
{
    static const char *const wrong[][3] = {
        {"\"schema_version\": 1", "\"schema_version\": 2", "schema_version"},
        {"\"command\": \"bench\"", "\"command\": \"bunch\"", "command"},
        {"\"scheduled\": 20", "\"scheduled\": 21", "add up"},
        {"\"all\"", "\"alt\"", "missing"},
        {"\"p999\"", "\"p99:\"", NULL}, /* unknown keys are passed over */
        {"\"warmup_s\": 0", "\"warmup_s\": x", "expected a number"}};
    struct collector *c = make(20);
    struct summary_options how = {.command = "bench", .load = "open"};
    struct summary *s = mem_zero(1, sizeof *s), *back = mem_zero(1, sizeof *back);
    collector_summarize(c, &how, s);
    char *text = written(s);
    struct error err = {0};
    replace(text, wrong[_i][0], wrong[_i][1]);
    int code = summary_read("s.json", text_of(text), back, &err);
    ck_assert_int_eq(code, wrong[_i][2] ? ERR_INPUT : 0);
    if (wrong[_i][2])
        ck_assert_msg(strstr(err.message, wrong[_i][2]) != NULL, "%s", err.message);
    for (size_t cut = 0; cut < strlen(text) - 1 && _i == 0; cut += 97)
        ck_assert_int_eq(summary_read("s.json", (struct text){text, cut}, back, NULL), ERR_INPUT);
    free(text);
    free(s);
    free(back);
    collector_free(c);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("summary");
    TCase *test = tcase_create("summary");
    tcase_add_loop_test(test, what_is_read_back_is_written_the_same, 0, 3);
    tcase_add_loop_test(test, what_is_no_summary_is_refused, 0, 6);
    suite_add_tcase(suite, test);
    return testing_run(suite);
}
