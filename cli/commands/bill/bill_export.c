#include "cli/commands/bill/bill_export.h"

#include "cli/report/export/export_bill.h"
#include "cli/report/export/export_shares.h"
#include "core/file.h"
#include "core/json/json_scan.h"
#include "core/memory.h"

#include <stdlib.h>
#include <string.h>

static int parse_kind(const char *name, enum bill_export_kind *out, struct error *err)
{
    static const char *const names[] = {"csv", "focus", NULL};
    int place = text_place(text_of(name), names);
    if (place < 0)
        return error_set(err, ERR_INPUT, "--export takes csv or focus, found \"%s\"", name);
    *out = (enum bill_export_kind)(place + 1);
    return 0;
}

static const char *const setting_names[] = {"account",  "account-name", "sub-account",
                                            "provider", "publisher",    "issuer",
                                            "invoice",  "service",      NULL};

static const char **setting(struct focus_options *o, int place)
{
    const char **const all[] = {&o->account,   &o->account_name, &o->sub_account, &o->provider,
                                &o->publisher, &o->issuer,       &o->invoice,     &o->service};
    return all[place];
}

static int add_setting(struct bill_export *x, const char *given, struct error *err)
{
    const char *equals = strchr(given, '=');
    struct text key = {given, equals ? (size_t)(equals - given) : strlen(given)};
    int place = text_place(key, setting_names);
    if (place < 0 || !equals || !equals[1]) {
        const char *near = text_nearest(key, setting_names);
        return error_set(err, ERR_INPUT,
                         "--focus takes KEY=VALUE, as account=acme-prod; keys are account, "
                         "account-name, sub-account, provider, publisher, issuer, invoice and "
                         "service, found \"%s\"%s%s%s",
                         given, place < 0 && near ? "; did you mean " : "",
                         place < 0 && near ? near : "", place < 0 && near ? "?" : "");
    }
    if (*setting(&x->focus, place))
        return error_set(err, ERR_INPUT, "--focus %.*s stands twice", (int)key.length, key.at);
    *setting(&x->focus, place) = x->owned[x->owned_count++] = mem_copy_string(equals + 1);
    return 0;
}

int bill_export_parse(struct bill_export *out, const char *name, const struct option_list *settings,
                      const char *output, bool json, struct error *err)
{
    *out = (struct bill_export){.output = output ? output : "-"};
    if (name && parse_kind(name, &out->kind, err) < 0)
        return err->code;
    if (settings->count > 0 && out->kind != BILL_EXPORT_FOCUS)
        return error_set(err, ERR_INPUT, "--focus goes with --export focus");
    for (size_t i = 0; i < settings->count; i++)
        if (add_setting(out, settings->items[i], err) < 0)
            return err->code;
    if (json && bill_export_prints(out))
        return error_set(err, ERR_INPUT,
                         "--json and --export both want standard output; give the export a file "
                         "with -o FILE");
    return 0;
}

void bill_export_free(struct bill_export *x)
{
    for (size_t i = 0; i < x->owned_count; i++)
        free(x->owned[i]);
    *x = (struct bill_export){0};
}

int bill_export_check(const struct bill_export *x, size_t plans, size_t workloads,
                      struct error *err)
{
    if (x->kind != BILL_EXPORT_FOCUS || (plans == 1 && workloads == 1))
        return 0;
    return error_set(err, ERR_INPUT,
                     "--export focus writes one bill, as its rows are added up: give one plan and "
                     "one workload, found %zu and %zu",
                     plans, workloads);
}

bool bill_export_prints(const struct bill_export *x)
{
    return x->kind != BILL_EXPORT_NONE && strcmp(x->output, "-") == 0;
}

static bool has_label(const struct workload *w, const char *key)
{
    struct text value;
    for (size_t i = 0; i < w->label_sets.count; i++)
        if (json_member(names_text(&w->label_sets, (uint32_t)i), key, &value))
            return true;
    return false;
}

static int make(const struct bill_export *x, const struct bill *const *bills, size_t count,
                struct buffer *out, struct error *err)
{
    struct focus_rows rows;
    if (x->kind == BILL_EXPORT_CSV) {
        if (bills[0]->options.by)
            export_bill_shares(bills, count, out);
        else
            export_bill_plans(bills, count, out);
        return 0;
    }
    if (x->focus.sub_account && !has_label(bills[0]->workload, x->focus.sub_account))
        return error_set(err, ERR_INPUT,
                         "--focus sub-account=%s: no request has a label \"%s\", so no row would "
                         "have a sub-account",
                         x->focus.sub_account, x->focus.sub_account);
    int code = focus_rows_make(&rows, bills[0], 0, err);
    if (code == 0)
        focus_write(&rows, &x->focus, out);
    focus_rows_free(&rows);
    return code;
}

int bill_export_write(const struct bill_export *x, const struct bill *const *bills, size_t count,
                      struct buffer *notes, struct error *err)
{
    struct buffer text;
    if (x->kind == BILL_EXPORT_NONE)
        return 0;
    buffer_init(&text, BUFFER_UNBOUNDED);
    int code = make(x, bills, count, &text, err);
    if (code == 0)
        code = file_write_atomic(x->output, text.data, text.length, err);
    if (code == 0)
        buffer_add_format(notes, "\n%s written to %s\n",
                          x->kind == BILL_EXPORT_FOCUS ? "FOCUS rows" : "The table", x->output);
    buffer_free(&text);
    return code;
}
