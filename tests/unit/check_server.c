/* Server metrics: the text they come in, what servers call them, and what they amount to. */
#include "testing.h"

#include "bench/server/exposition.h"
#include "bench/server/server_names.h"
#include "core/clock.h"
#include "core/file.h"
#include "core/memory.h"
#include "core/runs/record/run_dir.h"
#include "core/runs/server/server_summary.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- the text ---- */

static const struct {
    const char *line, *name, *label; /* the value of label "a"; NULL = none */
    double value;
} good[] = {
    {"up 1", "up", NULL, 1},
    {"up 1 1700000000000", "up", NULL, 1},
    {"  up\t 2.5e3\t", "up", NULL, 2500},
    {"up +3", "up", NULL, 3},
    {"up -3\r", "up", NULL, -3},
    {"vllm:num_requests{} 4", "vllm:num_requests", NULL, 4},
    {"x{a=\"\"} 5", "x", "", 5},
    {"x{b=\"1\",a=\"one\"} 6", "x", "one", 6},
    {"x{ a = \"one\" , } 7", "x", "one", 7},
    {"x{a=\"} 9\"} 8", "x", "} 9", 8},
    {"x{a=\"q\\\"s\\\\\",b=\"2\"} 9", "x", "q\\\"s\\\\", 9},
    {"x{aa=\"no\"} 10", "x", NULL, 10},
    {"{\"my.metric\",a=\"y\"} 11", "my.metric", "y", 11},
    {"x{\"a\"=\"quoted\"} 12", "x", "quoted", 12},
    {"x_total{a=\"y\"} 13 # {trace_id=\"k\"} 0.5 1700000000.1", "x_total", "y", 13},
    {"x_total 14 1700000000.5 # {} 1", "x_total", NULL, 14},
};

START_TEST(samples_of_both_formats_are_read)
{
    struct exposition x;
    struct exposition_sample s;
    struct text value;
    exposition_begin(&x, text_of(good[_i].line));
    ck_assert_msg(exposition_next(&x, &s), "%s", good[_i].line);
    ck_assert_msg(text_equal(s.name, good[_i].name), "%s: %.*s", good[_i].line, (int)s.name.length,
                  s.name.at);
    ck_assert_double_eq(s.value, good[_i].value);
    ck_assert_int_eq(exposition_label(&s, text_of("a"), &value), good[_i].label != NULL);
    if (good[_i].label)
        ck_assert_msg(text_equal(value, good[_i].label), "%s: %.*s", good[_i].line,
                      (int)value.length, value.at);
    ck_assert(!exposition_next(&x, &s));
    ck_assert_uint_eq(x.broken, 0);
}
END_TEST

static const char *const broken[] = {
    "up",       "up one",      "up 1 2 3",   "1up 1",      "x{a=\"1\" 1",
    "x{a=1} 1", "x{a=\"1} 1",  "x{a} 1",     "x{,} 1",     "x 1 #",
    "<html>",   "{a=\"1\"} 1", "x{\"y\"} 1", "x{a=\"1\"}", "{\"status\": \"ok\"}",
    "x 0x"};

START_TEST(what_is_no_sample_is_passed_over_and_counted)
{
    struct buffer text;
    struct exposition x;
    struct exposition_sample s;
    bool exemplar = strcmp(broken[_i], "x 1 #") == 0; /* one without words is as good as none */
    buffer_init(&text, BUFFER_UNBOUNDED);
    buffer_add_format(&text, "# TYPE a gauge\na 1\n%s\n\nb 2", broken[_i]);
    exposition_begin(&x, text_of(text.data));
    ck_assert(exposition_next(&x, &s));
    ck_assert(text_equal(s.name, "a"));
    ck_assert(exposition_next(&x, &s));
    if (exemplar)
        ck_assert(exposition_next(&x, &s));
    ck_assert_msg(text_equal(s.name, "b"), "%s: %.*s", broken[_i], (int)s.name.length, s.name.at);
    ck_assert_uint_eq(x.broken, exemplar ? 0 : 1);
    buffer_free(&text);
}
END_TEST

START_TEST(values_that_are_not_finite_say_nothing)
{
    struct exposition x;
    struct exposition_sample s;
    exposition_begin(&x, text_of("a NaN\nb +Inf\nc -Inf\nd 1\n"));
    ck_assert(exposition_next(&x, &s));
    ck_assert(text_equal(s.name, "d"));
    ck_assert_uint_eq(x.samples, 4);
    ck_assert_uint_eq(x.broken, 0);
}
END_TEST

/* Cut anywhere it reads no byte behind its end; the sanitizers watch. */
START_TEST(a_text_that_is_cut_anywhere_is_read_to_its_end)
{
    static const char text[] =
        "# HELP x \"h\"\nx{a=\"q\\\"\",b=\"2\"} 1e3 17 # {c=\"d\"} 1\n{\"m\"} 2\n";
    for (size_t n = 0; n < sizeof text; n++) {
        char *own = mem_copy_text(text, n), *exact = mem_alloc(n);
        struct exposition x;
        struct exposition_sample s;
        struct text value;
        memcpy(exact, own, n);
        exposition_begin(&x, (struct text){exact, n});
        while (exposition_next(&x, &s))
            exposition_label(&s, text_of("zz"), &value);
        ck_assert_uint_le(x.samples + x.broken, 2);
        free(own);
        free(exact);
    }
}
END_TEST

/* ---- names ---- */

#define UNKNOWN NAN

static const struct {
    const char *server, *text;
    struct {
        enum server_metric metric;
        double value;
    } want[9]; /* ended by a repeated SERVER_QUEUE of UNKNOWN */
    size_t count;
} servers[] = {
    {"vLLM",
     "vllm:num_requests_waiting{engine=\"0\",model_name=\"m\"} 3\n"
     "vllm:num_requests_waiting{engine=\"1\",model_name=\"m\"} 4\n"
     "vllm:num_requests_running{engine=\"0\",model_name=\"m\"} 10\n"
     "vllm:kv_cache_usage_perc{engine=\"0\",model_name=\"m\"} 0.5\n"
     "vllm:kv_cache_usage_perc{engine=\"1\",model_name=\"m\"} 0.7\n"
     "vllm:gpu_cache_usage_perc{engine=\"0\",model_name=\"m\"} 0.1\n"
     "vllm:num_preemptions_total{engine=\"0\"} 2\n"
     "vllm:num_preemptions_created{engine=\"0\"} 1.7e9\n"
     "vllm:prefix_cache_queries_total{engine=\"0\"} "
     "1000\nvllm:prefix_cache_hits_total{engine=\"0\"} 250\n"
     "vllm:external_prefix_cache_queries_total{engine=\"0\"} 9\n"
     "vllm:request_success_total{finished_reason=\"stop\"} 20\n"
     "vllm:request_success_total{finished_reason=\"length\"} 5\n"
     "vllm:request_success_total{finished_reason=\"abort\"} 7\n",
     {{SERVER_QUEUE, 7},
      {SERVER_RUNNING, 10},
      {SERVER_KV_USE, 0.6},
      {SERVER_PREEMPTIONS, 2},
      {SERVER_PREFIX_QUERIES, 1000},
      {SERVER_PREFIX_HITS, 250},
      {SERVER_FINISHED, 25},
      {SERVER_ABORTED, 7},
      {SERVER_PROMPT_TOKENS, UNKNOWN}},
     9},
    {"vLLM", /* of before the names changed; with the prefix of Ray; relabelled */
     "ray_vllm:gpu_cache_usage_perc 0.25\nvllm_num_requests_waiting 2\n"
     "vllm:gpu_prefix_cache_hit_rate{x=\"y\"} 0.4\n",
     {{SERVER_KV_USE, 0.25}, {SERVER_QUEUE, 2}, {SERVER_HIT_RATE, 0.4}},
     3},
    {"SGLang",
     "sglang:num_queue_reqs{tp_rank=\"0\"} 5\nsglang:num_queue_reqs{tp_rank=\"1\"} 5\n"
     "sglang:num_running_reqs{dp_rank=\"0\",tp_rank=\"0\"} 6\n"
     "sglang:num_running_reqs{dp_rank=\"1\",tp_rank=\"0\"} 8\n"
     "sglang:token_usage 0.3\nsglang:cache_hit_rate 0.9\nsglang:prompt_tokens_total 100\n"
     "sglang:cached_tokens_total 40\n",
     {{SERVER_QUEUE, 5},
      {SERVER_RUNNING, 14},
      {SERVER_KV_USE, 0.3},
      {SERVER_HIT_RATE, 0.9},
      {SERVER_PREFIX_HITS, 40},
      {SERVER_PREFIX_QUERIES, 100}},
     6},
    {"TGI",
     "tgi_queue_size 1\ntgi_batch_current_size 2\n"
     "tgi_request_generated_tokens_bucket{le=\"1\"} 0\ntgi_request_generated_tokens_sum 8123\n"
     "tgi_request_generated_tokens_count 44\ntgi_request_success{method=\"a\"} 40\n"
     "tgi_request_success{method=\"b\"} 4\n",
     {{SERVER_QUEUE, 1},
      {SERVER_RUNNING, 2},
      {SERVER_GENERATED_TOKENS, 8123},
      {SERVER_FINISHED, 44},
      {SERVER_KV_USE, UNKNOWN}},
     5},
    {"llama.cpp",
     "llamacpp:requests_processing 3\nllamacpp:requests_deferred 9\nllamacpp:kv_cache_usage_ratio "
     "0.2\n"
     "llamacpp:tokens_predicted_total 77\nllamacpp:prompt_tokens_total 900\n",
     {{SERVER_RUNNING, 3},
      {SERVER_QUEUE, 9},
      {SERVER_KV_USE, 0.2},
      {SERVER_GENERATED_TOKENS, 77},
      {SERVER_PROMPT_TOKENS, 900}},
     5},
    {"Dynamo",
     "dynamo_frontend_inflight_requests{model=\"m\"} "
     "12\ndynamo_frontend_queued_requests{model=\"m\"} 4\n"
     "dynamo_component_inflight_requests{dynamo_component=\"b\"} 99\n"
     "dynamo_component_kvstats_gpu_cache_usage_percent 0.8\n"
     "dynamo_frontend_requests_total{status=\"success\"} 50\n"
     "dynamo_frontend_requests_total{status=\"error\"} 3\ndynamo_frontend_output_tokens_total "
     "640\n",
     {{SERVER_RUNNING, 12},
      {SERVER_QUEUE, 4},
      {SERVER_KV_USE, 0.8},
      {SERVER_FINISHED, 50},
      {SERVER_GENERATED_TOKENS, 640}},
     5},
    {"Triton",
     "nv_trt_llm_request_metrics{model=\"t\",request_type=\"waiting\",version=\"1\"} 6\n"
     "nv_trt_llm_request_metrics{model=\"t\",request_type=\"scheduled\",version=\"1\"} 3\n"
     "nv_trt_llm_request_metrics{model=\"t\",request_type=\"max\",version=\"1\"} 512\n"
     "nv_trt_llm_kv_cache_block_metrics{kv_cache_block_type=\"fraction\"} 0.75\n"
     "nv_gpu_power_usage{gpu_uuid=\"G1\"} 300\nnv_gpu_power_usage{gpu_uuid=\"G2\"} 200\n",
     {{SERVER_QUEUE, 6}, {SERVER_RUNNING, 3}, {SERVER_KV_USE, 0.75}, {SERVER_GPU_POWER, 500}},
     4},
    {"TensorRT-LLM",
     "trtllm_num_requests_waiting 1\ntrtllm_kv_cache_utilization 0.5\n"
     "trtllm_request_success_total{finished_reason=\"stop\"} 8\n",
     {{SERVER_QUEUE, 1}, {SERVER_KV_USE, 0.5}, {SERVER_FINISHED, 8}},
     3},
    {"DCGM", /* of one GPU a second time, for another container */
     "DCGM_FI_DEV_POWER_USAGE{gpu=\"0\",UUID=\"A\"} "
     "400\nDCGM_FI_DEV_POWER_USAGE{gpu=\"0\",UUID=\"A\","
     "pod=\"p\"} 400\nDCGM_FI_DEV_POWER_USAGE{gpu=\"1\",UUID=\"B\"} 350\n"
     "DCGM_FI_DEV_GPU_UTIL{gpu=\"0\",UUID=\"A\"} 90\nDCGM_FI_DEV_GPU_UTIL{gpu=\"1\",UUID=\"B\"} "
     "70\n"
     "DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION{gpu=\"0\",UUID=\"A\"} 5000000\n",
     {{SERVER_GPU_POWER, 750}, {SERVER_GPU_UTIL, 0.8}, {SERVER_GPU_ENERGY, 5000}},
     3},
};

START_TEST(every_server_is_known_by_its_names)
{
    struct server_rules none = {0};
    struct server_line line;
    struct server_found found;
    server_line_init(&line);
    ck_assert(server_names_read(&none, text_of(servers[_i].text), &line, &found));
    ck_assert_str_eq(line.server, servers[_i].server);
    ck_assert_uint_ge(found.known, found.named);
    for (size_t k = 0; k < servers[_i].count; k++) {
        double want = servers[_i].want[k].value, got = line.values[servers[_i].want[k].metric];
        const char *key = server_metric_keys[servers[_i].want[k].metric];
        if (isnan(want))
            ck_assert_msg(isnan(got), "%s: %s is %g", servers[_i].server, key, got);
        else
            ck_assert_msg(fabs(got - want) < 1e-9, "%s: %s is %g, not %g", servers[_i].server, key,
                          got, want);
    }
}
END_TEST

START_TEST(a_user_names_what_the_table_does_not)
{
    static const char text[] = "my_queue{pool=\"gpu\"} 3\nmy_queue{pool=\"cpu\"} 8\n"
                               "load_a 1\nload_b 4\nvllm:num_requests_waiting 99\n";
    struct server_rules rules = {0};
    struct server_line line;
    struct server_found found;
    struct error err = {0};
    ck_assert_int_eq(server_rules_add(&rules, "queue=my_queue{pool=\"gpu\"}", &err), 0);
    ck_assert_int_eq(server_rules_add(&rules, "load=mean(load_?)", &err), 0);
    ck_assert_int_eq(server_rules_add(&rules, "top=max(load_*)", &err), 0);
    ck_assert_int_eq(server_rules_add(&rules, "slow=my_queue{pool!=gpu}", &err), 0);
    ck_assert_int_eq(server_rules_add(&rules, "gone=not_there", &err), 0);
    server_line_init(&line);
    ck_assert(server_names_read(&rules, text_of(text), &line, &found));
    ck_assert_double_eq(line.values[SERVER_QUEUE], 3);
    ck_assert_uint_eq(line.other_count, 4);
    ck_assert_str_eq(line.others[0].name, "load");
    ck_assert_double_eq(line.others[0].value, 2.5);
    ck_assert_double_eq(line.others[1].value, 4);
    ck_assert_double_eq(line.others[2].value, 8);
    ck_assert(isnan(line.others[3].value));
    server_rules_free(&rules);
}
END_TEST

static const char *const bad_rules[] = {
    "x",       "=x",         "X=y",        "a b=c",   "x=",      "x=y{", "x=y{a}",
    "x=y{a=}", "x=y{a=\"b}", "x=y{a=b} c", "x=y{=b}", "x=sum()", "x=y z"};

START_TEST(a_name_or_pattern_that_is_none_is_refused)
{
    struct server_rules rules = {0};
    struct error err = {0};
    bool empty = strcmp(bad_rules[_i], "x=y{a=}") == 0; /* a label that is empty or absent */
    ck_assert_int_eq(server_rules_add(&rules, bad_rules[_i], &err), empty ? 0 : ERR_INPUT);
    if (!empty)
        ck_assert_msg(strstr(err.message, "NAME=PATTERN") != NULL, "%s", err.message);
    server_rules_free(&rules);
}
END_TEST

/* ---- what they amount to ---- */

/* A run's directory with lines of our own. */
struct run {
    char path[64];
    struct buffer text;
};

static void run_begin(struct run *r)
{
    snprintf(r->path, sizeof r->path, "/tmp/farebox-server-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(r->path));
    buffer_init(&r->text, BUFFER_UNBOUNDED);
}

static struct server_line line_at(double t_s, const char *source)
{
    struct server_line line;
    server_line_init(&line);
    line.t_ns = (int64_t)(t_s * 1e9);
    line.took_ms = 1;
    snprintf(line.source, sizeof line.source, "%s", source);
    return line;
}

static bool run_sum_up(struct run *r, const struct server_ours *ours, struct server_summary *out)
{
    char *file = run_dir_file(r->path, "server.jsonl");
    ck_assert_int_eq(file_write_atomic(file, r->text.data, r->text.length, NULL), 0);
    bool some = server_summarize(r->path, ours, out, NULL) > 0;
    unlink(file);
    rmdir(r->path);
    free(file);
    buffer_free(&r->text);
    return some;
}

START_TEST(a_line_is_read_back_as_it_was_written)
{
    struct run r;
    struct server_line line = line_at(1.5, "http://h/metrics");
    struct server_summary s;
    struct server_ours ours = {.end_ns = 3 * NS_PER_S};
    run_begin(&r);
    line.values[SERVER_QUEUE] = 4;
    line.others[0] = (struct server_other){"x", 7};
    line.other_count = 1;
    server_line_write(&line, &r.text);
    ck_assert_ptr_nonnull(strstr(r.text.data, "\"t_ns\": 1500000000"));
    ck_assert_ptr_nonnull(strstr(r.text.data, "\"queue\": 4, \"running\": null"));
    ck_assert_ptr_nonnull(strstr(r.text.data, "\"other\": {\"x\": 7}"));
    buffer_add_text(&r.text, "{\"t_ns\": 2, \"source\": \"http://h/met"); /* cut by a kill */
    ck_assert(run_sum_up(&r, &ours, &s));
    ck_assert_uint_eq(s.scrapes_ok, 1);
    ck_assert_double_eq(s.gauges[SERVER_QUEUE].mean, 4);
    ck_assert(isnan(s.gauges[SERVER_RUNNING].mean));
    ck_assert_str_eq(s.others[0].name, "x");
    ck_assert_double_eq(s.others[0].max, 7);
}
END_TEST

/* Two engines behind two addresses; a third source of power. */
START_TEST(sources_are_added_up_and_shares_averaged)
{
    struct run r;
    struct server_summary s;
    struct server_ours ours = {.end_ns = 10 * NS_PER_S};
    run_begin(&r);
    for (int t = -1; t <= 10; t++) {
        struct server_line a = line_at(t, "a"), b = line_at(t + 0.1, "b"), p = line_at(t, "p");
        a.values[SERVER_QUEUE] = t < 5 ? 2 : 6;
        b.values[SERVER_QUEUE] = 1;
        a.values[SERVER_KV_USE] = 0.2;
        b.values[SERVER_KV_USE] = 0.6;
        a.values[SERVER_GENERATED_TOKENS] = 1000 + 10 * t;
        b.values[SERVER_GENERATED_TOKENS] = 500 + 30 * t;
        p.values[SERVER_GPU_POWER] = 100 + 10 * t;
        server_line_write(&a, &r.text);
        server_line_write(&b, &r.text);
        server_line_write(&p, &r.text);
    }
    ck_assert(run_sum_up(&r, &ours, &s));
    ck_assert_uint_eq(s.source_count, 3);
    ck_assert_double_eq_tol(s.gauges[SERVER_QUEUE].mean, (5 * 2 + 6 * 6) / 11.0 + 1, 1e-9);
    ck_assert_double_eq(s.gauges[SERVER_QUEUE].max, 7);
    ck_assert_double_eq_tol(s.gauges[SERVER_KV_USE].mean, 0.4, 1e-9);
    ck_assert_double_eq(server_summary_count(&s, SERVER_GENERATED_TOKENS), 11 * 10 + 11 * 30);
    /* 90 W at -1 s to 200 W at 10 s, on a line */
    ck_assert_double_eq_tol(s.energy_j, 11 * 145, 1e-6);
    ck_assert_double_eq_tol(s.j_per_token, 11 * 145 / 440.0, 1e-9);
}
END_TEST

START_TEST(a_counter_that_begins_anew_or_late_is_counted_on)
{
    static const double values[] = {100, 140, 150, 20, 50}; /* 50, then 20 since the restart, 30 */
    struct run r;
    struct server_summary s;
    struct server_ours ours = {.end_ns = 9 * NS_PER_S, .completed = 100};
    run_begin(&r);
    for (int i = 0; i < 5; i++) {
        struct server_line line = line_at(i, "a");
        line.values[SERVER_FINISHED] = values[i];
        if (i >= 2) /* a series that appears with the first event */
            line.values[SERVER_PREEMPTIONS] = i;
        if (i == 3) { /* one scrape failed in between */
            struct server_line failed = line_at(2.5, "a");
            snprintf(failed.error, sizeof failed.error, "HTTP status 503");
            server_line_write(&failed, &r.text);
        }
        server_line_write(&line, &r.text);
    }
    ck_assert(run_sum_up(&r, &ours, &s));
    ck_assert_double_eq(server_summary_count(&s, SERVER_FINISHED), 50 + 20 + 30);
    ck_assert_double_eq(server_summary_count(&s, SERVER_PREEMPTIONS), 4);
    ck_assert_uint_eq(s.restarts, 1);
    ck_assert_uint_eq(s.scrapes_failed, 1);
    ck_assert_str_eq(s.sources[0].error, "HTTP status 503");
    ck_assert_str_eq(s.note, "");
}
END_TEST

static void none_outside(void *context, int64_t from_ns, int64_t to_ns, double *requests,
                         double *tokens)
{
    const double *edge = context;
    ck_assert_int_le(from_ns, to_ns);
    *requests = edge[0];
    *tokens = edge[1];
}

static const struct {
    double finished, tokens; /* by the server */
    struct server_ours ours;
    double last_s;  /* scrape */
    double edge[2]; /* of ours outside of the scrapes */
    const char *note;
} compared[] = {
    {100, 5000, {.completed = 100, .output_tokens = 5000}, 10, {0}, ""},
    {130, 5000, {.completed = 100, .output_tokens = 5000}, 10, {0}, "somebody else"},
    {104,
     5100,
     {.completed = 100, .output_tokens = 5000, .failed = 5},
     10,
     {0},
     "answers were lost"},
    {104, 5100, {.completed = 100, .output_tokens = 5000, .cancelled = 5}, 10, {0}, ""},
    {106,
     5100,
     {.completed = 100, .output_tokens = 5000, .cancelled = 5},
     10,
     {0},
     "somebody else"},
    {90, 5000, {.completed = 100, .output_tokens = 5000}, 10, {0}, "other servers"},
    {90, 4600, {.completed = 100, .output_tokens = 5000}, 8, {12, 600}, ""}, /* no last scrape */
    {80, 4600, {.completed = 100, .output_tokens = 5000}, 8, {12, 600}, "other servers"},
    {100, 6000, {.completed = 100, .output_tokens = 5000}, 10, {0}, "generated 6,000 tokens"},
    {100, 4000, {.completed = 100, .output_tokens = 5000}, 10, {0}, "did not make"},
    {100, 9000, {.completed = 100, .output_tokens = 5000, .estimated = true}, 10, {0}, ""},
    {300, 9000, {.completed = 100, .output_tokens = 5000, .others = true}, 10, {0}, ""},
    {50, 2500, {.completed = 100, .output_tokens = 5000, .endpoints = 2}, 10, {0}, ""},
};

START_TEST(what_the_server_counted_is_held_against_ours)
{
    struct run r;
    struct server_summary s;
    struct server_ours ours = compared[_i].ours;
    ours.end_ns = 9 * NS_PER_S;
    ours.outside = none_outside;
    ours.context = (void *)compared[_i].edge;
    run_begin(&r);
    for (int i = 0; i < 2; i++) {
        struct server_line line = line_at(i ? compared[_i].last_s : -0.1, "a");
        line.values[SERVER_FINISHED] = 7 + i * compared[_i].finished;
        line.values[SERVER_GENERATED_TOKENS] = 900 + i * compared[_i].tokens;
        server_line_write(&line, &r.text);
    }
    ck_assert(run_sum_up(&r, &ours, &s));
    if (compared[_i].note[0])
        ck_assert_msg(strstr(s.note, compared[_i].note) != NULL, "%d: %s", _i, s.note);
    else
        ck_assert_msg(s.note[0] == '\0', "%d: %s", _i, s.note);
}
END_TEST

START_TEST(a_run_that_asked_nobody_has_no_summary_of_a_server)
{
    struct server_ours ours = {.end_ns = NS_PER_S};
    struct server_summary s;
    ck_assert(server_summarize("/nonexistent", &ours, &s, NULL) == 0);
    ck_assert_uint_eq(s.scrapes_ok + s.scrapes_failed, 0);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("server metrics");
    TCase *text = tcase_create("text");
    tcase_add_loop_test(text, samples_of_both_formats_are_read, 0, COUNT_OF(good));
    tcase_add_loop_test(text, what_is_no_sample_is_passed_over_and_counted, 0, COUNT_OF(broken));
    tcase_add_test(text, values_that_are_not_finite_say_nothing);
    tcase_add_test(text, a_text_that_is_cut_anywhere_is_read_to_its_end);
    suite_add_tcase(s, text);
    TCase *names = tcase_create("names");
    tcase_add_loop_test(names, every_server_is_known_by_its_names, 0, COUNT_OF(servers));
    tcase_add_test(names, a_user_names_what_the_table_does_not);
    tcase_add_loop_test(names, a_name_or_pattern_that_is_none_is_refused, 0, COUNT_OF(bad_rules));
    suite_add_tcase(s, names);
    TCase *sums = tcase_create("summary");
    tcase_add_test(sums, a_line_is_read_back_as_it_was_written);
    tcase_add_test(sums, sources_are_added_up_and_shares_averaged);
    tcase_add_test(sums, a_counter_that_begins_anew_or_late_is_counted_on);
    tcase_add_loop_test(sums, what_the_server_counted_is_held_against_ours, 0, COUNT_OF(compared));
    tcase_add_test(sums, a_run_that_asked_nobody_has_no_summary_of_a_server);
    suite_add_tcase(s, sums);
    return testing_run(s);
}
