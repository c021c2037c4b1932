#include "cli/run_bill.h"

#include "cli/output.h"
#include "core/memory.h"
#include "core/runs/record/run_dir.h"
#include "sim/cost/tokens/token_learn.h"

#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

int run_bill_select(const struct option_list *plans, struct plan_selection *out, struct error *err)
{
    *out = (struct plan_selection){0};
    for (size_t i = 0; i < plans->count; i++)
        if (plan_select(plans->items[i], out, err) < 0)
            return ERR_INPUT;
    return 0;
}

void run_bill_say_taken(const struct terminal *t, const struct plan_selection *plans)
{
    if (plans->taken)
        say(t, "--plans %s", plans->taken);
}

/* "RUN_A:RUN_B", cut where both sides are runs: paths may hold colons. */
static int learn_scale(const char *given, struct token_scales *out, struct error *err)
{
    const char *equals = strchr(given, '='), *runs = equals + 1;
    struct token_lesson lesson;
    for (const char *colon = strchr(runs, ':'); colon; colon = strchr(colon + 1, ':')) {
        char *counted = mem_copy_text(runs, (size_t)(colon - runs));
        bool both = run_dir_is_run(counted) && run_dir_is_run(colon + 1);
        int code = both ? token_learn(counted, colon + 1, &lesson, err) : 0;
        free(counted);
        if (code < 0)
            return code;
        if (!both)
            continue;
        token_scales_add_learnt(out, (struct text){given, (size_t)(equals - given)}, lesson.factor,
                                lesson.pairs);
        return 0;
    }
    return token_scales_add(given, out, err); /* neither: says what is wrong */
}

int run_bill_read_scales(const struct option_list *list, struct token_scales *out,
                         struct error *err)
{
    int code = 0;
    for (size_t i = 0; i < list->count && code == 0; i++) {
        const char *equals = strchr(list->items[i], '=');
        bool factors =
            !equals || equals == list->items[i] || token_scale_is_factors(text_of(equals + 1));
        code = factors ? token_scales_add(list->items[i], out, err)
                       : learn_scale(list->items[i], out, err);
    }
    return code;
}

static int write_json(const struct run_bill *b, const char *run, struct error *err)
{
    struct output out;
    output_begin(&out);
    bill_write_json(&b->bill, &out.json);
    int status = output_keep(&out, run, "bill.json", err);
    output_end(&out, NULL, NULL);
    return status;
}

unsigned run_bill_workers(void)
{
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    return processors > 0 && processors < TARIFF_WORKERS_MAX ? (unsigned)processors : 1;
}

/* As farebox bill has it of a month. */
static int add_ladder(struct run_bill *b, struct error *err)
{
    const struct ladder_options how = {.seed = 1, .redraws = LADDER_REDRAWS};
    if (b->volume == 0)
        return 0;
    b->bill.no_ladder = b->bill.undecided;
    if (b->bill.undecided || b->bill.completed == 0)
        return 0;
    int status = ladder_make(&b->ladder, &b->bill, &how, err);
    if (status == 0)
        ladder_attach(&b->ladder, &b->bill);
    return status;
}

int run_bill_make(struct run_bill *out, const char *run, struct error *err)
{
    struct bill_options options = {.period = out->volume ? PERIOD_MONTH : PERIOD_TRACE,
                                   .volume = out->volume,
                                   .workers = run_bill_workers(),
                                   .both_caps = true,
                                   .scales = &out->scales};
    int status = bill_make(&out->bill, &out->run.workload, out->plans.plans, out->plans.count,
                           &options, err);
    if (status == 0)
        status = add_ladder(out, err);
    return status < 0 ? status : write_json(out, run, err);
}

void run_bill_free(struct run_bill *b)
{
    ladder_free(&b->ladder);
    bill_free(&b->bill);
    run_workload_free(&b->run);
    plan_selection_free(&b->plans);
    token_scales_free(&b->scales);
    *b = (struct run_bill){0};
}

void run_bill_tell(const struct terminal *t, const struct run_workload_report *r)
{
    if (r->unsent > 0)
        say(t, "%" PRIu64 " requests were never sent: they cost nothing and are not counted",
            r->unsent);
    if (r->estimated > 0)
        warn(t,
             "the usage of %" PRIu64 " attempts was counted from the stream, not reported by the "
             "server",
             r->estimated);
    if (r->without_usage > 0)
        warn(t, "%" PRIu64 " attempts have no usage: where they are billed, their asked input is",
             r->without_usage);
    if (r->torn)
        warn(t, "the last line of the records was cut off and is left out");
}

int run_bill_print(const struct terminal *t, const char *run, const struct option_list *plans,
                   const struct option_list *tokens_as, struct error *err)
{
    struct run_bill made = {0};
    struct buffer text;
    if (plans->count == 0)
        return 0;
    int status = run_bill_select(plans, &made.plans, err);
    if (status == 0)
        run_bill_say_taken(t, &made.plans);
    if (status == 0 && tokens_as)
        status = run_bill_read_scales(tokens_as, &made.scales, err);
    if (status == 0)
        status = run_workload_read(&made.run, run, NULL, err);
    if (status == 0)
        status = run_bill_make(&made, run, err);
    if (status == 0) {
        run_bill_tell(t, &made.run.report);
        buffer_init(&text, BUFFER_UNBOUNDED);
        buffer_add_byte(&text, '\n');
        bill_write_table(&made.bill, t->width, &text);
        print_buffer(t->human, &text);
        buffer_free(&text);
    }
    run_bill_free(&made);
    return status;
}
