/* farebox prices list, prices check: what the price books hold. */
#include "cli/command.h"
#include "cli/output.h"
#include "cli/report/text/plan_list.h"
#include "cli/run_bill.h"
#include "core/names.h"
#include "core/text.h"
#include "sim/cost/book/select.h"

#include <string.h>
#include <unistd.h>

#define ALL_BUNDLED "*"

struct list_options {
    struct common_options common;
    struct option_list plans;
};

static const struct option_spec list_options[] = {
    {"plans", 'p', OPTION_LIST, offsetof(struct list_options, plans), NULL, "LIST",
     .help = "books, files or plans to list, separated by commas (default: every bundled book)"},
    {0},
};

static const struct option_spec check_options[] = {{0}};

static int run_list(const struct terminal *t, const void *given, struct error *err)
{
    const struct list_options *o = given;
    struct plan_selection s = {0};
    struct output out;
    if (o->common.argument_count > 1)
        return command_arguments(&o->common, 1, "at most one pattern", err);
    const char *pattern = o->common.argument_count ? o->common.arguments[0] : NULL;
    int code =
        o->plans.count ? run_bill_select(&o->plans, &s, err) : plan_select(ALL_BUNDLED, &s, err);
    if (code < 0)
        return code;
    output_begin(&out);
    plan_list_write(&s, pattern, &out.json);
    if (plan_list_write_text(&s, pattern, t->width, &out.text) == 0 && pattern)
        code = error_set(err, ERR_INPUT, "no plan's name holds \"%.100s\"; %s", pattern,
                         access(pattern, F_OK) == 0 ? "a file's plans are listed by --plans FILE"
                                                    : "without a pattern all of them are shown");
    output_end(&out, code == 0 && !o->common.json ? t->human : NULL,
               code == 0 && o->common.json ? t->machine : NULL);
    plan_selection_free(&s);
    return code;
}

struct book_counts {
    size_t plans, rates, tiers, windows, services, per_request, fees, subscriptions, provisioned,
        unconfirmed;
};

static const struct {
    const char *key, *text;
    size_t offset;
} count_names[] = {
    {"plans", "plans", offsetof(struct book_counts, plans)},
    {"rates", "rates", offsetof(struct book_counts, rates)},
    {"with_tiers", "with tiers", offsetof(struct book_counts, tiers)},
    {"with_windows", "with windows", offsetof(struct book_counts, windows)},
    {"with_services", "with prices by service", offsetof(struct book_counts, services)},
    {"per_request", "per request", offsetof(struct book_counts, per_request)},
    {"with_fees", "with tool or unit fees", offsetof(struct book_counts, fees)},
    {"subscriptions", "subscriptions", offsetof(struct book_counts, subscriptions)},
    {"provisioned", "provisioned", offsetof(struct book_counts, provisioned)},
    {"caps_unconfirmed", "with unconfirmed caps", offsetof(struct book_counts, unconfirmed)},
};

static struct book_counts count_book(const struct plan_book *book)
{
    struct book_counts n = {.plans = book->count};
    for (size_t i = 0; i < book->count; i++) {
        const struct plan *p = &book->plans[i];
        n.subscriptions += p->subscription.present;
        n.provisioned += p->provisioned.present;
        n.unconfirmed += p->limits.unconfirmed;
        n.rates += p->rate_count;
        for (size_t k = 0; k < p->rate_count; k++) {
            const struct plan_rate *r = &p->rates[k];
            bool services = false;
            services |= r->other_service_count > 0;
            for (int service = 0; service < SERVICE_COUNT; service++)
                services |= r->services[service] || r->multipliers[service] != MONEY_USD;
            n.tiers += r->base.tier_count > 0;
            n.windows += r->window_count > 0;
            n.services += services;
            n.per_request += r->base.has_per_request;
            n.fees += r->tool_count + r->unit_count > 0;
        }
    }
    return n;
}

static void put_counts(struct json_writer *w, const char *file, const struct book_counts *n,
                       const struct error *bad)
{
    char message[1536];
    json_begin_object(w);
    json_pair_string(w, "file", file);
    json_pair_bool(w, "ok", bad == NULL);
    if (bad) {
        error_format(bad, message, sizeof message);
        json_pair_string(w, "error", message);
    }
    for (size_t i = 0; !bad && i < sizeof count_names / sizeof count_names[0]; i++)
        json_pair_u64(w, count_names[i].key,
                      *(const size_t *)((const char *)n + count_names[i].offset));
    json_end_object(w);
}

/* Services by names of their own: nobody else would notice one that is misspelt. */
static void show_services(const struct terminal *t, const struct plan_book *book)
{
    struct names names;
    names_init(&names);
    for (size_t i = 0; i < book->count; i++)
        for (size_t k = 0; k < book->plans[i].rate_count; k++)
            for (size_t s = 0; s < book->plans[i].rates[k].other_service_count; s++)
                names_add(&names, text_of(book->plans[i].rates[k].other_services[s].name));
    for (size_t i = 0; i < names.count; i++)
        fprintf(t->human, "%s %s",
                i ? "," : "; services by other names:", names_text(&names, (uint32_t)i));
    names_free(&names);
}

static void show_counts(const struct terminal *t, const char *file, const struct plan_book *book,
                        const struct book_counts *n)
{
    fprintf(t->human, "%s: good", file);
    for (size_t i = 0; i < sizeof count_names / sizeof count_names[0]; i++) {
        size_t count = *(const size_t *)((const char *)n + count_names[i].offset);
        if (count > 0 || i == 0) /* a book without plans is good for nothing, and says so */
            fprintf(t->human, "%s %zu %s", i ? "," : ":", count, count_names[i].text);
    }
    show_services(t, book);
    fputc('\n', t->human);
}

/* Every file is checked; the first finding is the command's error, the others are said. */
static int run_check(const struct terminal *t, const void *given, struct error *err)
{
    const struct common_options *common = given;
    struct output out;
    int code = 0;
    if (common->argument_count == 0)
        return command_arguments(common, 1, "one price book or more", err);
    output_begin(&out);
    json_begin_array(&out.json);
    for (size_t i = 0; i < common->argument_count; i++) {
        struct plan_book book = {0};
        struct error bad = {0};
        int found = plan_book_load(common->arguments[i], &book, &bad);
        struct book_counts n = count_book(&book);
        put_counts(&out.json, common->arguments[i], &n, found < 0 ? &bad : NULL);
        if (found == 0) {
            show_counts(t, common->arguments[i], &book, &n);
        } else if (code < 0) {
            char message[1536];
            error_format(&bad, message, sizeof message);
            say(t, "%s", message);
        } else {
            *err = bad;
            code = found;
        }
        plan_book_free(&book);
    }
    json_end_array(&out.json);
    output_end(&out, NULL, common->json ? t->machine : NULL);
    return code;
}

const struct command command_prices_list = {
    .name = "prices list",
    .summary = "show the plans of the price books",
    .usage = "[PATTERN] [--plans LIST]",
    .about =
        "Without --plans the books that are part of the program. PATTERN is a part of a plan's\n"
        "name, a pattern with * and ?, or a book's name. --json gives sources, dates, tiers and\n"
        "fees as well.",
    .examples = "  farebox prices list oxlo\n"
                "  farebox prices list november-2026\n"
                "  farebox prices list 'gpt-4o*' --plans litellm.json\n"
                "  farebox prices list --json | jq '.plans[] | .plan, .source'\n",
    .options = list_options,
    .options_size = sizeof(struct list_options),
    .run = run_list,
};

const struct command command_prices_check = {
    .name = "prices check",
    .summary = "check price books and count what they hold",
    .usage = "FILE...",
    .about = "Reads each book as a bill would. What is wrong is shown with file, line and column.",
    .examples = "  farebox prices check mine.json\n",
    .options = check_options,
    .options_size = sizeof(struct common_options),
    .run = run_check,
};
