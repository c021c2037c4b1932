/* Reading the form that invoice_write() writes, and whatever a trace can be. */
#include "sim/cost/reconcile/invoice.h"

#include "core/file.h"
#include "core/json/json_scan.h"
#include "core/memory.h"
#include "sim/cost/focus/focus.h"

#include <stdlib.h>
#include <string.h>

#define PEEK ((size_t)1 << 16)
#define ID_MOST 4096

/* ---- the form of our own ---- */

static void read_text(struct json_scan *s, struct invoice *invoice, const char **out)
{
    char *copy;
    if (!json_string_copy(s, ID_MOST, &copy))
        return;
    *out = invoice_text(invoice, text_of(copy));
    free(copy);
}

static void read_instant(struct json_scan *s, int64_t *out)
{
    struct text raw;
    if (json_string(s, &raw) && clock_parse_instant(raw.at, raw.length, out) < 0)
        json_fail(s, "expected an instant such as 2026-11-01T00:00:00Z, found \"%.*s\"",
                  (int)(raw.length < 60 ? raw.length : 60), raw.at);
}

static void read_money(struct json_scan *s, bool *has, money *out)
{
    struct text raw;
    bool got = json_peek(s) == JSON_STRING ? json_string(s, &raw) : json_number(s, &raw);
    if (!got)
        return;
    enum money_fault fault = money_parse(raw.at, raw.length, MONEY_PER_ONE, out);
    if (fault != MONEY_OK)
        json_fail(s, "\"%.*s\" %s", (int)(raw.length < 60 ? raw.length : 60), raw.at,
                  money_fault_text(fault));
    *has = true;
}

static void read_extras(struct json_scan *s, struct invoice *invoice, struct invoice_line *l,
                        bool is_unit)
{
    struct text key, digits;
    int64_t count;
    json_object_begin(s);
    while (json_object_next(s, &key)) {
        if (!json_number(s, &digits))
            return;
        if (!text_to_fixed(digits, 6, &count) || count < 0) {
            json_fail(s, "expected a count from 0 on");
            return;
        }
        struct usage_extra **all = &invoice->extras[invoice->extra_count - 1];
        *all = mem_resize(*all, l->usage.extra_count + 1, sizeof **all);
        (*all)[l->usage.extra_count++] =
            (struct usage_extra){invoice_text(invoice, key), count, is_unit};
        l->usage.extras = *all;
    }
}

static void read_usage(struct json_scan *s, struct invoice *invoice, struct invoice_line *l)
{
    struct text key;
    l->has_usage = true;
    *(struct usage_extra **)mem_append(&invoice->extras, &invoice->extra_count,
                                       sizeof *invoice->extras) = NULL;
    json_object_begin(s);
    while (json_object_next(s, &key)) {
        int c = text_place(key, usage_class_names);
        if (text_equal(key, "tools") || text_equal(key, "units"))
            read_extras(s, invoice, l, text_equal(key, "units"));
        else if (c < 0)
            json_unknown_key(s, key, usage_class_names, "usage");
        else
            json_u64(s, 0, UINT64_C(1) << 53, &l->usage.tokens[c]);
    }
}

static void read_charge(struct json_scan *s, struct invoice_line *l)
{
    struct text raw;
    l->kind = LINE_CHARGE;
    if (!json_string(s, &raw) || text_equal(raw, "other"))
        return;
    if (!cause_from_name(raw, &l->charge) || l->charge < CAUSE_DISCOUNT)
        json_fail(s, "unknown charge \"%.*s\": expected discount, credit, tax, rounding or other",
                  (int)(raw.length < 60 ? raw.length : 60), raw.at);
}

/* True where the key was one of text. */
static bool read_words(struct json_scan *s, struct text key, struct invoice *invoice,
                       struct invoice_line *l)
{
    struct text raw;
    if (text_equal(key, "request_id")) {
        read_text(s, invoice, &l->id);
    } else if (text_equal(key, "model")) {
        read_text(s, invoice, &l->model);
    } else if (text_equal(key, "about")) {
        read_text(s, invoice, &l->about);
    } else if (text_equal(key, "labels")) {
        if (json_peek(s) != JSON_OBJECT)
            json_fail(s, "expected an object of labels");
        else if (json_skip(s, &raw))
            l->labels = invoice_text(invoice, raw);
    } else if (text_equal(key, "service")) {
        const char *name = NULL;
        read_text(s, invoice, &name);
        l->service = service_called(text_of(name ? name : ""));
        l->other_service = l->service == SERVICE_OTHER ? name : NULL;
        l->has_service = true;
    } else if (text_equal(key, "of_class")) {
        json_choice(s, usage_class_names, "class of tokens", &l->of_class);
    } else {
        return false;
    }
    return true;
}

static void read_member(struct json_scan *s, struct text key, struct invoice *invoice,
                        struct invoice_line *l)
{
    static const char *const known[] = {
        "request_id", "at",    "from",     "until", "model",  "labels", "service", "tier_from",
        "requests",   "usage", "of_class", "list",  "amount", "charge", "about",   NULL};
    if (read_words(s, key, invoice, l))
        return;
    if (text_equal(key, "at")) {
        read_instant(s, &l->from_ns);
        l->until_ns = l->from_ns;
    } else if (text_equal(key, "from")) {
        read_instant(s, &l->from_ns);
    } else if (text_equal(key, "until")) {
        read_instant(s, &l->until_ns);
    } else if (text_equal(key, "tier_from")) {
        l->has_tier = json_u64(s, 0, UINT32_MAX, &l->tier_from);
    } else if (text_equal(key, "requests")) {
        l->has_requests = json_u64(s, 0, UINT64_C(1) << 53, &l->requests);
    } else if (text_equal(key, "usage")) {
        read_usage(s, invoice, l);
    } else if (text_equal(key, "list")) {
        read_money(s, &l->has_list, &l->list);
    } else if (text_equal(key, "amount")) {
        read_money(s, &l->has_amount, &l->amount);
    } else if (text_equal(key, "charge")) {
        read_charge(s, l);
    } else {
        json_unknown_key(s, key, known, "an invoice's line");
    }
}

static void read_line(struct json_scan *s, struct invoice *invoice)
{
    struct text key;
    struct invoice_line *l = invoice_add(invoice);
    json_object_begin(s);
    while (json_object_next(s, &key))
        read_member(s, key, invoice, l);
    if (l->kind == LINE_OF_REQUEST && l->from_ns != l->until_ns)
        l->kind = LINE_OF_BUCKET;
    if (l->kind == LINE_OF_BUCKET && !s->failed &&
        (l->from_ns == TIME_NEVER || l->until_ns == TIME_NEVER || l->until_ns < l->from_ns))
        json_fail(s, "a line of sums needs from and until, in this order");
    if (l->kind == LINE_OF_REQUEST) {
        l->has_requests = true;
        l->requests = 1;
    }
}

static void read_currency(struct json_scan *s, struct invoice *invoice)
{
    struct text raw;
    if (!json_string(s, &raw))
        return;
    if (raw.length != 3)
        json_fail(s, "expected a currency's code such as EUR");
    else
        memcpy(invoice->currency, raw.at, 3);
}

static void read_per_usd(struct json_scan *s, struct invoice *invoice)
{
    struct text raw;
    bool got = json_peek(s) == JSON_STRING ? json_string(s, &raw) : json_number(s, &raw);
    if (got && (!terms_millionths(raw, &invoice->per_usd) || invoice->per_usd == 0))
        json_fail(s, "expected how much of the currency a USD is, with at most six decimals");
}

static void read_head(struct json_scan *s, struct invoice *invoice)
{
    static const char *const known[] = {"invoice", "currency", "per_usd", "from", "until", NULL};
    struct text key;
    uint64_t version;
    json_object_begin(s);
    while (json_object_next(s, &key)) {
        if (text_equal(key, "invoice"))
            json_u64(s, 1, 1, &version);
        else if (text_equal(key, "currency"))
            read_currency(s, invoice);
        else if (text_equal(key, "per_usd"))
            read_per_usd(s, invoice);
        else if (text_equal(key, "from"))
            invoice->has_period = true, read_instant(s, &invoice->from_ns);
        else if (text_equal(key, "until"))
            read_instant(s, &invoice->until_ns);
        else
            json_unknown_key(s, key, known, "an invoice's first line");
    }
    if (invoice->has_period && invoice->until_ns <= invoice->from_ns && !s->failed)
        json_fail(s, "an invoice's from needs an until behind it");
}

int invoice_read_own(const char *file, const char *text, size_t length, struct invoice *out,
                     struct error *err)
{
    struct json_scan s;
    const char *at = text, *end = text + length;
    for (long number = 1; at < end; number++) {
        const char *stop = memchr(at, '\n', (size_t)(end - at));
        struct text line = text_trim((struct text){at, (size_t)((stop ? stop : end) - at)});
        at = stop ? stop + 1 : end;
        if (line.length == 0 || text_equal(line, "\r"))
            continue;
        json_scan_init(&s, file, line.at, line.length, number);
        if (number == 1)
            read_head(&s, out);
        else
            read_line(&s, out);
        if (json_scan_end(&s, err) < 0)
            return ERR_INPUT;
    }
    return 0;
}

/* ---- every form of a trace ---- */

static void take_extras(struct invoice *invoice, struct invoice_line *l)
{
    size_t count = l->usage.extra_count;
    if (count == 0) {
        l->usage.extras = NULL;
        return;
    }
    struct usage_extra *copy = mem_alloc(count * sizeof *copy);
    for (size_t i = 0; i < count; i++) {
        copy[i] = l->usage.extras[i];
        copy[i].name = invoice_text(invoice, text_of(copy[i].name));
    }
    *(struct usage_extra **)mem_append(&invoice->extras, &invoice->extra_count,
                                       sizeof *invoice->extras) = copy;
    l->usage.extras = copy;
}

static void take_row(struct invoice *invoice, const struct workload *w, size_t i)
{
    struct request r;
    struct invoice_line *l = invoice_add(invoice);
    workload_get(w, i, &r);
    l->kind = r.bucket_ns > 0 ? LINE_OF_BUCKET : LINE_OF_REQUEST;
    if (w->has_start && r.timestamp_ns != TIME_NEVER) {
        l->from_ns = w->start_unix_ns + r.timestamp_ns;
        l->until_ns = l->from_ns + r.bucket_ns;
    }
    l->id = r.request_id && w->ids.count > 0 ? invoice_text(invoice, text_of(r.request_id)) : NULL;
    l->model = r.model ? invoice_text(invoice, text_of(r.model)) : NULL;
    l->labels = r.labels ? invoice_text(invoice, text_of(r.labels)) : NULL;
    l->has_service = w->service != NULL;
    l->service = r.service;
    l->other_service = r.other_service ? invoice_text(invoice, text_of(r.other_service)) : NULL;
    l->has_usage = true;
    l->usage = r.usage;
    take_extras(invoice, l);
    l->has_requests = r.requests != REQUESTS_UNKNOWN;
    l->requests = r.requests == REQUESTS_UNKNOWN ? 0 : r.requests ? r.requests : 1;
    l->has_amount = r.has_cost;
    l->amount = r.has_cost ? r.cost : 0;
}

static int read_trace(const char *path, const struct trace_options *options, struct invoice *out,
                      struct error *err)
{
    struct workload w;
    struct trace_report report;
    workload_init(&w);
    int status = trace_read(path, options, &w, &report, err);
    if (status == 0) {
        out->form = report.format;
        out->skipped = trace_report_skipped(&report);
        for (size_t i = 0; i < w.count; i++)
            take_row(out, &w, i);
    }
    workload_free(&w);
    return status;
}

/* ---- which it is ---- */

static bool holds(struct text t, const char *word)
{
    return memmem(t.at, t.length, word, strlen(word)) != NULL;
}

static int look(const char *path, bool *own, bool *costs, bool *focus, struct error *err)
{
    struct line_reader r;
    struct text start = {0};
    *own = *costs = *focus = false;
    if (strcmp(path, "-") == 0)
        return 0;
    if (line_reader_open(&r, path, PEEK, err) < 0)
        return err ? err->code : ERR_INPUT;
    int status = line_reader_peek(&r, PEEK, &start, err);
    if (status == 0) {
        struct text first = text_trim(start);
        const char *stop = memchr(first.at, '\n', first.length);
        *own = text_starts(first, "{\"invoice\"");
        *focus = stop && focus_is_header((struct text){first.at, (size_t)(stop - first.at)});
        *costs = !*own && holds(start, "\"results\"") && holds(start, "\"amount\"") &&
                 !holds(start, "\"input_tokens\"");
    }
    line_reader_close(&r);
    return status;
}

/* Sums say what the invoice is for. */
static void find_period(struct invoice *invoice)
{
    for (size_t i = 0; i < invoice->count; i++) {
        const struct invoice_line *l = &invoice->lines[i];
        if (l->kind != LINE_OF_BUCKET || l->from_ns == TIME_NEVER)
            continue;
        if (!invoice->has_period || l->from_ns < invoice->from_ns)
            invoice->from_ns = l->from_ns;
        if (!invoice->has_period || l->until_ns > invoice->until_ns)
            invoice->until_ns = l->until_ns;
        invoice->has_period = true;
    }
}

int invoice_read(const char *path, const struct trace_options *options, struct invoice *out,
                 struct error *err)
{
    bool own, costs, focus;
    char *text = NULL;
    size_t length = 0;
    invoice_init(out);
    int status = look(path, &own, &costs, &focus, err);
    if (status == 0 && (own || costs))
        status = file_read_all(path, INVOICE_MAX_BYTES, &text, &length, err);
    if (status == 0)
        status = own     ? invoice_read_own(path, text, length, out, err)
                 : costs ? invoice_read_costs(path, text, length, out, err)
                 : focus ? invoice_read_focus(path, out, err)
                         : read_trace(path, options, out, err);
    free(text);
    if (status == 0 && out->count == 0)
        status = error_at(err, path, 0, 0, "holds no line of an invoice");
    if (status == 0 && !out->has_period)
        find_period(out);
    if (status < 0)
        invoice_free(out);
    return status;
}
