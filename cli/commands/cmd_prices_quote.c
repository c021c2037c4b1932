/* farebox prices quote: what one usage costs under each plan. */
#include "cli/command.h"
#include "cli/output.h"
#include "cli/run_bill.h"
#include "core/file.h"
#include "core/names.h"
#include "sim/cost/book/quote.h"
#include "sim/cost/book/select.h"

#include <stdio.h>
#include <string.h>

#define LINE_MAX_BYTES ((size_t)1 << 20)

struct quote_options {
    struct common_options common;
    struct option_list plans, tools, units, labels;
    uint64_t input, cached, cache_write, cache_write_1h, output, reasoning;
    const char *service, *at, *model, *usages;
};

#define AT(field) offsetof(struct quote_options, field)
static const struct option_spec options[] = {
    {"plans", 'p', OPTION_LIST, AT(plans), NULL, "PLAN|FILE[,...]",
     .help = "books, files or plans, separated by commas"},
    {"input", 0, OPTION_COUNT, AT(input), "0", "TOKENS", .max = QUOTE_MOST,
     .help = "input, with what was cached or written", .group = "One usage"},
    {"cached-input", 0, OPTION_COUNT, AT(cached), "0", "TOKENS", .max = QUOTE_MOST,
     .help = "of it, cache hits"},
    {"cache-write", 0, OPTION_COUNT, AT(cache_write), "0", "TOKENS", .max = QUOTE_MOST,
     .help = "of it, written to the cache for minutes"},
    {"cache-write-1h", 0, OPTION_COUNT, AT(cache_write_1h), "0", "TOKENS", .max = QUOTE_MOST,
     .help = "of it, written to the cache for an hour"},
    {"output", 0, OPTION_COUNT, AT(output), "0", "TOKENS", .max = QUOTE_MOST,
     .help = "output, with reasoning"},
    {"reasoning", 0, OPTION_COUNT, AT(reasoning), "0", "TOKENS", .max = QUOTE_MOST,
     .help = "of it, reasoning"},
    {"tool", 0, OPTION_LIST, AT(tools), NULL, "NAME=N", .help = "calls of a tool"},
    {"unit", 0, OPTION_LIST, AT(units), NULL, "NAME=N", .help = "units: images, seconds, ..."},
    {"service", 0, OPTION_TEXT, AT(service), "standard", "NAME",
     .help = "standard, batch, flex, priority or another by its name"},
    {"label", 0, OPTION_LIST, AT(labels), NULL, "KEY=VALUE",
     .help = "labels, for plans with an uplift by one: region=eu"},
    {"at", 0, OPTION_TEXT, AT(at), NULL, "INSTANT",
     .help = "when, for prices with dates or hours: 2026-11-01T12:00:00Z"},
    {"model", 0, OPTION_TEXT, AT(model), NULL, "NAME", .help = "for plans with rates by model"},
    {"usages", 0, OPTION_TEXT, AT(usages), NULL, "FILE",
     .help = "many usages instead, one JSON object a line, with \"plan\" (- = standard input)",
     .group = "Many usages"},
    {0},
};

static int add_extras(const struct option_list *list, bool is_unit, struct quote *q,
                      struct error *err)
{
    const char *option = is_unit ? "unit" : "tool";
    for (size_t i = 0; i < list->count; i++) {
        const char *item = list->items[i], *sign = strchr(item, '=');
        struct error why = {0};
        if (!sign)
            return error_set(err, ERR_INPUT, "--%s: expected NAME=N, found \"%.100s\"", option,
                             item);
        if (quote_add_extra(q, is_unit, (struct text){item, (size_t)(sign - item)},
                            text_of(sign + 1), &why) < 0)
            return error_set(err, ERR_INPUT, "--%s: %s", option, why.message);
    }
    return 0;
}

static int add_labels(const struct option_list *list, struct quote *q, struct error *err)
{
    for (size_t i = 0; i < list->count; i++) {
        const char *item = list->items[i], *sign = strchr(item, '=');
        if (!sign)
            return error_set(err, ERR_INPUT, "--label: expected KEY=VALUE, found \"%.100s\"", item);
        if (quote_add_label(q, (struct text){item, (size_t)(sign - item)}, text_of(sign + 1), err) <
            0)
            return ERR_INPUT;
    }
    return 0;
}

static int usage_of_options(const struct quote_options *o, struct quote *q, struct error *err)
{
    quote_init(q);
    q->input = o->input;
    q->cached_input = o->cached;
    q->cache_write = o->cache_write;
    q->cache_write_1h = o->cache_write_1h;
    q->output = o->output;
    q->reasoning = o->reasoning;
    if (quote_set_service(q, text_of(o->service), err) < 0 || add_labels(&o->labels, q, err) < 0)
        return ERR_INPUT;
    if (o->at && clock_parse_instant(o->at, strlen(o->at), &q->at_unix_ns) < 0)
        return error_set(err, ERR_INPUT,
                         "--at takes an instant such as 2026-11-01T12:00:00Z, found \"%.60s\"",
                         o->at);
    if (o->model)
        snprintf(q->model, sizeof q->model, "%s", o->model);
    if (q->cached_input + q->cache_write + q->cache_write_1h > q->input)
        return error_set(
            err, ERR_INPUT,
            "--input holds the cached and written tokens: it cannot be less than them");
    if (q->reasoning > q->output)
        return error_set(err, ERR_INPUT, "--output holds the reasoning: it cannot be less");
    if (add_extras(&o->tools, false, q, err) < 0)
        return ERR_INPUT;
    return add_extras(&o->units, true, q, err);
}

/* What was used and has no price in the plan; silence would make it look free. */
static void put_unpriced(struct json_writer *w, const struct charge *c)
{
    json_key(w, "unpriced");
    json_begin_array(w);
    for (int i = 0; i < USAGE_CLASSES; i++)
        if (c->unpriced >> i & 1)
            json_put_string(w, usage_class_name((enum usage_class)i));
    if (c->unpriced & UNPRICED_EXTRAS)
        json_put_string(w, unpriced_name(USAGE_CLASSES));
    json_end_array(w);
}

static void put_charge(struct json_writer *w, const char *plan, const struct charge *c)
{
    json_begin_object(w);
    json_pair_string(w, "plan", plan);
    json_pair_money(w, "total_usd", c->total);
    for (int i = 0; i < CHARGE_LINES; i++)
        if (c->line[i] != 0 || i < USAGE_PLAIN_CLASSES || i >= USAGE_CLASSES)
            json_pair_money(w, charge_line_name(i), c->line[i]);
    put_unpriced(w, c);
    json_end_object(w);
}

static void show_charge(struct buffer *out, const struct plan *plan, const struct charge *c)
{
    char total[MONEY_TEXT_SIZE];
    money_format(c->total, total);
    buffer_add_format(out, "%-40s %s", plan->name, total);
    if (plan->subscription.present)
        buffer_add_text(out, "  (beside the subscription)");
    if (plan_needs_start(plan))
        buffer_add_text(out, "  (varies with --at)");
    if (c->unpriced & ~(unsigned)UNPRICED_SERVICE)
        buffer_add_text(out, "  (not all that was used has a price here)");
    buffer_add_byte(out, '\n');
}

static int quote_once(const struct terminal *t, const struct quote_options *o,
                      const struct plan_selection *s, struct error *err)
{
    struct quote q;
    struct output out;
    int code = usage_of_options(o, &q, err);
    output_begin(&out);
    json_begin_array(&out.json);
    for (size_t i = 0; i < s->count && code == 0; i++) {
        struct charge c;
        code = quote_price(s->plans[i], &q, &c, err);
        if (code == 0) {
            put_charge(&out.json, s->plans[i]->name, &c);
            show_charge(&out.text, s->plans[i], &c);
        }
    }
    json_end_array(&out.json);
    output_end(&out, code == 0 && !o->common.json ? t->human : NULL,
               code == 0 && o->common.json ? t->machine : NULL);
    return code;
}

/* The plan that a line names; the only one chosen where it names none. */
static const struct plan *plan_named(const struct plan_selection *s, const struct names *names,
                                     const struct quote *q, const struct line_reader *r,
                                     struct error *err)
{
    if (!q->plan[0] && s->count == 1)
        return s->plans[0];
    uint32_t number = names_find(names, text_of(q->plan));
    if (number != NAME_NONE)
        return s->plans[number];
    error_at(err, r->name, r->number, 1, "\"plan\" must name one of the %zu chosen, found \"%s\"",
             s->count, q->plan);
    return NULL;
}

static int quote_line(const struct plan_selection *s, const struct names *names,
                      const struct line_reader *r, struct text line, struct buffer *out, bool json,
                      struct error *err)
{
    struct quote q;
    struct charge c;
    struct json_writer w;
    int code = quote_parse(r->name, line, r->number, &q, err);
    if (code < 0)
        return code;
    const struct plan *plan = plan_named(s, names, &q, r, err);
    if (!plan)
        return ERR_INPUT;
    code = quote_price(plan, &q, &c, err);
    if (code < 0)
        return code;
    if (json) {
        json_write_init(&w, out, 0);
        put_charge(&w, plan->name, &c);
        buffer_add_byte(out, '\n');
    } else {
        char total[MONEY_TEXT_SIZE];
        money_format(c.total, total);
        buffer_add_format(out, "%s\t%s\n", total, plan->name);
    }
    return 0;
}

static int quote_many(const struct terminal *t, const struct quote_options *o,
                      const struct plan_selection *s, struct error *err)
{
    struct line_reader r;
    struct names names;
    struct buffer out;
    struct text line;
    int code = line_reader_open(&r, o->usages, LINE_MAX_BYTES, err), more;
    if (code < 0)
        return code;
    names_init(&names);
    buffer_init(&out, BUFFER_UNBOUNDED);
    for (size_t i = 0; i < s->count; i++)
        names_add(&names, text_of(s->plans[i]->name));
    while (code == 0 && (more = line_reader_next(&r, &line, err)) != 0) {
        code = more;
        if (more > 0)
            code = line.length ? quote_line(s, &names, &r, line, &out, o->common.json, err) : 0;
        if (out.length > LINE_MAX_BYTES)
            print_buffer(o->common.json ? t->machine : t->human, &out);
    }
    print_buffer(o->common.json ? t->machine : t->human, &out);
    line_reader_close(&r);
    names_free(&names);
    buffer_free(&out);
    return code;
}

static int run(const struct terminal *t, const void *given, struct error *err)
{
    const struct quote_options *o = given;
    struct plan_selection s = {0};
    int code = command_arguments(&o->common, 0, "", err);
    if (code == 0 && o->plans.count == 0)
        code = error_set(err, ERR_INPUT, "expected --plans: what to price with, such as curated");
    if (code == 0)
        code = run_bill_select(&o->plans, &s, err);
    if (code < 0)
        return code;
    run_bill_say_taken(t, &s);
    code = o->usages ? quote_many(t, o, &s, err) : quote_once(t, o, &s, err);
    plan_selection_free(&s);
    return code;
}

const struct command command_prices_quote = {
    .name = "prices quote",
    .summary = "price one usage, or a file of them, under plans",
    .usage = "--plans LIST (--input N --output N ... | --usages FILE)",
    .about = "The exact usage charge of a request under each plan, subscriptions and quotas left\n"
             "aside (farebox bill counts those). Lines of --usages hold the keys plan, input,\n"
             "cached_input, cache_write, cache_write_1h, output, reasoning, service, at, model,\n"
             "labels, tools and units; input counts the cached and written tokens in, output the "
             "reasoning.",
    .examples =
        "  farebox prices quote --plans 'deepseek/*,openai/gpt-5' --input 3184 --output 500\n"
        "  farebox prices quote --plans perplexity/sonar --input 1k --output 1k --json\n",
    .options = options,
    .options_size = sizeof(struct quote_options),
    .run = run,
};
