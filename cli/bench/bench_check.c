#include "cli/bench/bench_compare.h"
#include "cli/bench/bench_options.h"
#include "cli/bench/bench_server.h"
#include "core/money.h"
#include "sim/plan/find_max.h"

#include <string.h>

static int check_endpoints(const struct bench_options *o, struct error *err)
{
    size_t urls = o->urls.count, models = o->models.count, count = bench_endpoint_count(o);
    if (urls == 0)
        return error_set(err, ERR_INPUT,
                         "expected --url, such as --url http://127.0.0.1:8000/v1 or --url "
                         "mock:constant");
    if (urls > 1 && models > 1 && urls != models)
        return error_set(err, ERR_INPUT,
                         "%zu --url and %zu --model do not pair: give one of the one kind, or as "
                         "many of both",
                         urls, models);
    if (o->shares.count && o->shares.count != count)
        return error_set(err, ERR_INPUT, "expected %zu --share, one for each endpoint, found %zu",
                         count, o->shares.count);
    return 0;
}

/* A sweep or search brings the rates or concurrencies that the load lacks. */
static int check_load(const struct bench_options *o, struct error *err)
{
    struct load_options load = o->load;
    if (workload_source_check(&o->source, err) < 0)
        return ERR_INPUT;
    if (o->sweep && strncmp(o->sweep, "concurrency=", 12) == 0)
        load.concurrency = "1";
    else if (o->sweep || o->find_max)
        load.rate = "1";
    return load_options_check(&load, err);
}

static int check_series(const struct bench_options *o, struct error *err)
{
    double rate;
    bool searches = o->sweep || o->find_max;
    if (searches && (!o->output || o->load.concurrency || (o->sweep && o->load.rate) ||
                     (o->sweep && o->find_max)))
        return error_set(err, ERR_INPUT,
                         "--sweep and --find-max need -o DIR, exclude each other, and bring their "
                         "own --rate or --concurrency");
    if (o->find_max && o->slos.count == 0)
        return error_set(err, ERR_INPUT, "--find-max needs objectives, such as --slo ttft=500");
    if (o->find_max && o->load.rate && load_options_one_rate(o->load.rate, &rate, err) < 0)
        return ERR_INPUT;
    if (!searches && !o->compare && o->repeat > 1 && !o->output)
        return error_set(err, ERR_INPUT, "--repeat needs -o DIR, where the runs go");
    return 0;
}

static int check_cancel(const struct bench_options *o, struct error *err)
{
    if (o->cancel && (o->no_stream || !bench_api_find(o->api)->generates))
        return error_set(err, ERR_INPUT, "--cancel hangs up on streams: leave out %s%s",
                         o->no_stream ? "--no-stream" : "--api ", o->no_stream ? "" : o->api);
    return 0;
}

static int check_threads(const struct bench_options *o, struct error *err)
{
    if (o->thread_replies && !bench_api_find(o->api)->add_turn)
        return error_set(err, ERR_INPUT,
                         "--thread-replies: --api %s has no conversation that a later turn could "
                         "carry on: take --api chat, or leave it out",
                         o->api);
    return 0;
}

static int check_budget(const struct bench_options *o, struct error *err)
{
    money limit;
    if (!o->max_cost)
        return 0;
    if (money_parse(o->max_cost, strlen(o->max_cost), MONEY_PER_ONE, &limit) || limit <= 0)
        return error_set(err, ERR_INPUT, "--max-cost %.40s: expected an amount of USD above 0",
                         o->max_cost);
    if (o->plans.count + o->side_plans.count == 0)
        return error_set(err, ERR_INPUT, "--max-cost needs --plans: what would a request cost?");
    return 0;
}

static int check_stops(const struct bench_options *o, struct error *err)
{
    struct stop_rules rules = {0};
    const struct stop_run run = {.streams = !o->no_stream && bench_api_find(o->api)->generates,
                                 .timeout_ns = o->timeout_total_ns,
                                 .duration_ns = o->load.duration_ns,
                                 .requests = o->load.requests,
                                 .retries = o->retries};
    if (stop_rules_read(&rules, o->stops.items, o->stops.count, err) < 0)
        return ERR_INPUT;
    return stop_rules_check(&rules, &run, err);
}

static int check_images(const struct bench_options *o, struct error *err)
{
    struct image_size size;
    uint32_t count;
    return bench_read_images(o, &size, &count, err);
}

/* An assertion that is none must be found before an hour of load, not after. */
static int check_asserts(const struct bench_options *o, struct error *err)
{
    static const struct summary nothing;
    for (size_t i = 0; i < o->asserts.count; i++) {
        struct error missed = {0};
        if (slo_assert(o->asserts.items[i], &nothing, &missed) == ERR_INPUT)
            return error_set(err, ERR_INPUT, "%s", missed.message);
    }
    return 0;
}

void bench_take_api(struct bench_options *o, struct buffer *lines)
{
    const struct bench_api *first = NULL;
    bool differ = false;
    if (options_given(o, "api"))
        return;
    for (size_t i = 0; i < o->urls.count; i++) {
        const struct bench_api *api = endpoint_api_of(o->urls.items[i]);
        differ = differ || (first && api && api != first);
        first = first ? first : api;
    }
    if (differ)
        buffer_add_format(
            lines, "the --url end in the paths of several APIs: all are asked at %s (--api)\n",
            bench_api_find(o->api)->path);
    if (differ || !first || strcmp(first->name, o->api) == 0)
        return;
    o->api = first->name;
    buffer_add_format(lines, "--url ends in %s: asked by --api %s\n", first->path, first->name);
}

int bench_options_check(const struct bench_options *o, struct error *err)
{
    if (check_endpoints(o, err) < 0 || check_series(o, err) < 0 || check_load(o, err) < 0 ||
        check_cancel(o, err) < 0 || check_threads(o, err) < 0 || check_budget(o, err) < 0 ||
        check_stops(o, err) < 0 || check_images(o, err) < 0 || check_asserts(o, err) < 0 ||
        bench_server_check(o, err) < 0 || bench_compare_check(o, err) < 0)
        return err->code;
    return 0;
}
