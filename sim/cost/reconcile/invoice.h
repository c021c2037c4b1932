/* Invoices: what a provider or a gateway says was used and what it costs, line by line.
 *
 * Lines are of single requests (by id), of days or hours by model, or charges that belong to no
 * request: a credit, a tax, a discount.
 *
 *     struct invoice invoice;
 *     if (invoice_read("costs.json", NULL, &invoice, err) < 0) return err->code;
 *     for (size_t i = 0; i < invoice.count; i++) use(&invoice.lines[i]);
 *     invoice_free(&invoice);
 *
 * Read are the form below, cost reports of OpenAI's and Anthropic's administration APIs, and every
 * form of a trace (workloads/trace/trace.h): usage reports, gateways' logs, any table. The form:
 *
 *     {"invoice": 1, "currency": "EUR", "per_usd": "0.92", "from": "2026-11-01T00:00:00Z",
 *      "until": "2026-12-01T00:00:00Z"}
 *     {"request_id": "r1", "at": "2026-11-01T00:00:03Z", "model": "m", "service": "batch",
 *      "usage": {"uncached_input": 100, "output": 7}, "list": "0.0001", "amount": "0.000092"}
 *     {"from": "2026-11-01T00:00:00Z", "until": "2026-11-02T00:00:00Z", "model": "m",
 *      "requests": 40, "usage": {"uncached_input": 4000}, "amount": "0.1"}
 *     {"charge": "tax", "amount": "0.02"}
 *
 * An invoice owns its lines and their texts.
 */
#ifndef FAREBOX_SIM_COST_RECONCILE_INVOICE_H
#define FAREBOX_SIM_COST_RECONCILE_INVOICE_H

#include "core/buffer.h"
#include "core/names.h"
#include "sim/cost/reconcile/cause.h"
#include "sim/cost/reconcile/terms.h"
#include "workloads/trace/trace.h"

#define INVOICE_MAX_BYTES ((size_t)1 << 30)

enum line_kind {
    LINE_OF_REQUEST, /* one attempt at one request */
    LINE_OF_BUCKET,  /* sums over a stretch of time */
    LINE_CHARGE,     /* belongs to no usage */
};

#define LINE_ANY_CLASS USAGE_CLASSES

struct invoice_line {
    enum line_kind kind;
    const char *id;             /* of a request; NULL */
    int64_t from_ns, until_ns;  /* since 1970; equal for an instant; TIME_NEVER = not said */
    const char *model, *labels; /* NULL; labels as a JSON object */
    bool has_service, has_usage, has_list, has_amount, has_requests, has_tier;
    enum service service;
    const char *other_service; /* the name of SERVICE_OTHER */
    struct usage usage;
    uint64_t requests;
    uint64_t tier_from; /* the prices are those from so much input on */
    int of_class;       /* the amount is of these tokens alone; LINE_ANY_CLASS */
    enum cause charge;  /* of LINE_CHARGE; CAUSES = another charge */
    const char *about;  /* of LINE_CHARGE, as the invoice calls it; NULL */
    money list, amount; /* in the invoice's currency: before and after the terms */
};

struct invoice {
    struct invoice_line *lines;
    size_t count, capacity;
    char currency[8]; /* "USD" */
    uint64_t per_usd; /* millionths of it for a USD, as the invoice says; 0 = it does not */
    bool has_period;  /* what it is for; else as long as its buckets, or any time */
    int64_t from_ns, until_ns;
    const char *form; /* "invoice", "costs", "focus", or a trace's form; static */
    struct names texts;
    struct usage_extra **extras; /* of lines, one array each */
    size_t extra_count;
    uint64_t skipped; /* rows that are neither usage nor charge */
};

void invoice_init(struct invoice *invoice);
void invoice_free(struct invoice *invoice);

/* A line with nothing in it, to be filled. */
struct invoice_line *invoice_add(struct invoice *invoice);

/* The text as the invoice's own; NULL for an empty one. */
const char *invoice_text(struct invoice *invoice, struct text text);

/* Reads a file ("-" = standard input, for the forms of traces only). `options` are for the forms of
 * traces. ERR_INPUT with file and line. *out is freed after an error. */
int invoice_read(const char *path, const struct trace_options *options, struct invoice *out,
                 struct error *err);

/* Cost reports, from text in memory: pages or buckets, one document or several. */
int invoice_read_costs(const char *file, const char *text, size_t length, struct invoice *out,
                       struct error *err);

/* FOCUS rows (docs/focus.md), from a file. */
int invoice_read_focus(const char *path, struct invoice *out, struct error *err);

/* The form above, from text in memory. */
int invoice_read_own(const char *file, const char *text, size_t length, struct invoice *out,
                     struct error *err);

/* Writes the form above. */
void invoice_write(const struct invoice *invoice, struct buffer *out);

/* True if some line has it. */
bool invoice_has_ids(const struct invoice *invoice);
bool invoice_has_usage(const struct invoice *invoice);
bool invoice_has_amounts(const struct invoice *invoice);

#endif
