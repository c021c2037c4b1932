/* The engine as a textbook queue: with steps that are short against a service and cost the same
 * whatever is in them, max_num_seqs = c makes it M/M/c; with steps that cost by the sequence it
 * shares a processor. Estimates must hold the theory's value within their own interval. */
#include "core/memory.h"
#include "core/random.h"
#include "sim/engine/engine.h"
#include "tests/unit/testing.h"

#include <gsl/gsl_cdf.h>
#include <gsl/gsl_randist.h>
#include <math.h>
#include <stdlib.h>

#define STEP_NS 500000 /* 1/2000 of the mean service of one second */
#define MEAN_STEPS 2000
#define BATCHES 30

/* A run of one queue. */
struct queue {
    struct engine_config config;
    double arrivals_per_s;
    uint32_t (*service_steps)(struct random *r);
    size_t count, warmup;
    int64_t *due_ns, *done_ns;
    uint32_t *steps;
    bool *found_full;
};

struct estimate {
    double mean, half_width;
};

static uint32_t fixed_steps(struct random *r)
{
    (void)r;
    return MEAN_STEPS;
}

static uint32_t exponential_steps(struct random *r)
{
    return 1 + (uint32_t)gsl_ran_exponential(random_gsl(r), MEAN_STEPS);
}

/* Two exponential phases with balanced means and squared coefficient of variation 4. */
static uint32_t varied_steps(struct random *r)
{
    double p = (1 + sqrt(3.0 / 5.0)) / 2;
    double mean = random_unit(r) < p ? MEAN_STEPS / (2 * p) : MEAN_STEPS / (2 * (1 - p));
    return 1 + (uint32_t)gsl_ran_exponential(random_gsl(r), mean);
}

static void hear_done(void *context, uint64_t tag, uint32_t cached, int64_t at_ns)
{
    struct queue *q = context;
    (void)cached;
    q->done_ns[tag] = at_ns;
}

static struct queue make_queue(uint32_t servers, double arrivals_per_s, size_t count,
                               uint32_t (*service)(struct random *))
{
    struct queue q = {.arrivals_per_s = arrivals_per_s, .service_steps = service, .count = count};
    engine_config_init(&q.config);
    q.config.max_num_seqs = servers;
    q.config.max_num_batched_tokens = 8192;
    q.config.kv_blocks = 100000000;
    q.config.steps.w0 = STEP_NS / 1e6;
    q.warmup = count / 20;
    q.due_ns = mem_zero(count, sizeof *q.due_ns);
    q.done_ns = mem_zero(count, sizeof *q.done_ns);
    q.steps = mem_zero(count, sizeof *q.steps);
    q.found_full = mem_zero(count, sizeof *q.found_full);
    return q;
}

static void free_queue(struct queue *q)
{
    free(q->due_ns);
    free(q->done_ns);
    free(q->steps);
    free(q->found_full);
}

static void run_queue(struct queue *q)
{
    struct engine *e = engine_create(&q->config, 1, NULL);
    struct engine_sink sink = {.context = q, .on_done = hear_done};
    struct random arrivals, services;
    random_init(&arrivals, 42, RANDOM_TEST, 1);
    random_init(&services, 42, RANDOM_TEST, 2);
    double at_s = 0;
    for (size_t i = 0; i < q->count; i++) {
        struct engine_state state;
        at_s += gsl_ran_exponential(random_gsl(&arrivals), 1 / q->arrivals_per_s);
        q->due_ns[i] = llround(at_s * 1e9);
        q->steps[i] = q->service_steps(&services);
        engine_advance(e, q->due_ns[i], &sink);
        engine_state(e, &state);
        q->found_full[i] = state.running + state.waiting >= q->config.max_num_seqs;
        struct engine_request r = {.tag = i, .input_tokens = 1, .output_tokens = q->steps[i]};
        if (engine_submit(e, q->due_ns[i], &r) != ENGINE_ACCEPTED)
            ck_abort_msg("refused"); /* an assertion here would write to a pipe each time */
    }
    engine_advance(e, TIME_NEVER - 1, &sink);
    engine_free(e);
}

/* Mean of value(i) by batch means, with a 99.9 % interval. */
static struct estimate batch_means(const struct queue *q,
                                   double (*value)(const struct queue *q, size_t i))
{
    double means[BATCHES], mean = 0, squares = 0;
    size_t size = (q->count - q->warmup) / BATCHES;
    for (size_t b = 0; b < BATCHES; b++) {
        double sum = 0;
        for (size_t i = 0; i < size; i++)
            sum += value(q, q->warmup + b * size + i);
        means[b] = sum / (double)size;
        mean += means[b] / BATCHES;
    }
    for (size_t b = 0; b < BATCHES; b++)
        squares += (means[b] - mean) * (means[b] - mean);
    double error = sqrt(squares / (BATCHES - 1) / BATCHES);
    return (struct estimate){mean, gsl_cdf_tdist_Pinv(0.9995, BATCHES - 1) * error};
}

static double response_s(const struct queue *q, size_t i)
{
    return (double)(q->done_ns[i] - q->due_ns[i]) / 1e9;
}

static double wait_s(const struct queue *q, size_t i)
{
    return response_s(q, i) - (double)q->steps[i] * STEP_NS / 1e9;
}

static double found_full(const struct queue *q, size_t i)
{
    return q->found_full[i];
}

static void holds(const char *what, struct estimate e, double theory)
{
    printf("%-28s %.4f +- %.4f, theory %.6f\n", what, e.mean, e.half_width, theory);
    ck_assert_msg(fabs(e.mean - theory) <= e.half_width + STEP_NS / 1e9,
                  "%s: %.4f +- %.4f does not hold %.6f", what, e.mean, e.half_width, theory);
    ck_assert_msg(e.half_width < 0.5 * theory, "%s: the interval is too wide to tell", what);
}

static void erlang_c(uint32_t servers, double load, double delayed, size_t count)
{
    struct queue q = make_queue(servers, load, count, exponential_steps);
    run_queue(&q);
    holds("Erlang-C, delayed", batch_means(&q, found_full), delayed);
    holds("Erlang-C, mean wait", batch_means(&q, wait_s), delayed / (servers - load));
    free_queue(&q);
}

START_TEST(servers_follow_erlang_c)
{
    erlang_c(10, 8, 0.409180, 300000);
    erlang_c(20, 16, 0.256078, 300000);
    erlang_c(100, 85, 0.074850, 600000);
}
END_TEST

static void one_server(const char *what, uint32_t (*service)(struct random *), double wait,
                       size_t count)
{
    struct queue q = make_queue(1, 0.7, count, service);
    run_queue(&q);
    holds(what, batch_means(&q, wait_s), wait);
    free_queue(&q);
}

START_TEST(one_server_follows_pollaczek_khinchine)
{
    one_server("M/G/1, CV2 = 0, wait", fixed_steps, 0.7 / 0.3 / 2, 300000);
    one_server("M/G/1, CV2 = 1, wait", exponential_steps, 0.7 / 0.3, 500000);
    one_server("M/G/1, CV2 = 4, wait", varied_steps, 0.7 / 0.3 * 2.5, 1000000);
}
END_TEST

START_TEST(steps_by_the_sequence_share_a_processor)
{
    struct queue q = make_queue(4096, 0.7, 500000, exponential_steps);
    q.config.steps.w0 = 0;
    q.config.steps.w1 = STEP_NS / 1e6;
    run_queue(&q);
    holds("processor sharing, response", batch_means(&q, response_s), 1 / 0.3);
    free_queue(&q);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("engine_queues");
    TCase *tests = tcase_create("queues");
    tcase_add_test(tests, servers_follow_erlang_c);
    tcase_add_test(tests, one_server_follows_pollaczek_khinchine);
    tcase_add_test(tests, steps_by_the_sequence_share_a_processor);
    suite_add_tcase(suite, tests);
    return testing_run(suite);
}
