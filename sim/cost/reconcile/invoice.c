#include "sim/cost/reconcile/invoice.h"

#include "core/json/json_write.h"
#include "core/memory.h"

#include <stdlib.h>
#include <string.h>

void invoice_init(struct invoice *invoice)
{
    *invoice = (struct invoice){.currency = "USD", .form = "invoice"};
    names_init(&invoice->texts);
}

void invoice_free(struct invoice *invoice)
{
    for (size_t i = 0; i < invoice->extra_count; i++)
        free(invoice->extras[i]);
    free(invoice->extras);
    free(invoice->lines);
    names_free(&invoice->texts);
    *invoice = (struct invoice){0};
}

struct invoice_line *invoice_add(struct invoice *invoice)
{
    mem_grow(&invoice->lines, &invoice->capacity, invoice->count + 1, sizeof *invoice->lines);
    struct invoice_line *line = &invoice->lines[invoice->count++];
    *line = (struct invoice_line){.from_ns = TIME_NEVER,
                                  .until_ns = TIME_NEVER,
                                  .of_class = LINE_ANY_CLASS,
                                  .charge = CAUSES};
    return line;
}

const char *invoice_text(struct invoice *invoice, struct text text)
{
    return text.length ? names_text(&invoice->texts, names_add(&invoice->texts, text)) : NULL;
}

bool invoice_has_ids(const struct invoice *invoice)
{
    for (size_t i = 0; i < invoice->count; i++)
        if (invoice->lines[i].id)
            return true;
    return false;
}

bool invoice_has_usage(const struct invoice *invoice)
{
    for (size_t i = 0; i < invoice->count; i++)
        if (invoice->lines[i].has_usage)
            return true;
    return false;
}

bool invoice_has_amounts(const struct invoice *invoice)
{
    for (size_t i = 0; i < invoice->count; i++)
        if (invoice->lines[i].has_amount && invoice->lines[i].kind != LINE_CHARGE)
            return true;
    return false;
}

/* ---- writing ---- */

static void put_instant(struct json_writer *w, const char *key, int64_t unix_ns)
{
    if (unix_ns != TIME_NEVER)
        json_pair_instant(w, key, unix_ns);
}

static void put_usage(struct json_writer *w, const struct usage *u)
{
    json_key(w, "usage");
    json_begin_object(w);
    for (int c = 0; c < USAGE_CLASSES; c++)
        if (u->tokens[c])
            json_pair_u64(w, usage_class_name((enum usage_class)c), u->tokens[c]);
    for (int is_unit = 0; is_unit < 2; is_unit++) {
        bool open = false;
        for (size_t i = 0; i < u->extra_count; i++) {
            if (u->extras[i].is_unit != is_unit)
                continue;
            if (!open) {
                json_key(w, is_unit ? "units" : "tools");
                json_begin_object(w);
            }
            open = true;
            char count[MONEY_TEXT_SIZE];
            money_format((money)u->extras[i].count_micro * (MONEY_USD / PLAN_MICRO), count);
            json_pair_raw(w, u->extras[i].name, text_of(count));
        }
        if (open)
            json_end_object(w);
    }
    json_end_object(w);
}

static void put_charge(struct json_writer *w, const struct invoice_line *l)
{
    json_pair_string(w, "charge", l->charge == CAUSES ? "other" : cause_name(l->charge));
    if (l->about)
        json_pair_string(w, "about", l->about);
}

static void put_line(struct json_writer *w, const struct invoice_line *l)
{
    json_begin_object(w);
    if (l->kind == LINE_CHARGE)
        put_charge(w, l);
    if (l->id)
        json_pair_string(w, "request_id", l->id);
    if (l->from_ns == l->until_ns) {
        put_instant(w, "at", l->from_ns);
    } else {
        put_instant(w, "from", l->from_ns);
        put_instant(w, "until", l->until_ns);
    }
    if (l->model)
        json_pair_string(w, "model", l->model);
    if (l->labels)
        json_pair_raw(w, "labels", text_of(l->labels));
    if (l->has_service)
        json_pair_string(w, "service",
                         l->service == SERVICE_OTHER ? l->other_service : service_name(l->service));
    if (l->has_tier)
        json_pair_u64(w, "tier_from", l->tier_from);
    if (l->has_requests)
        json_pair_u64(w, "requests", l->requests);
    if (l->of_class != LINE_ANY_CLASS)
        json_pair_string(w, "of_class", usage_class_name((enum usage_class)l->of_class));
    if (l->has_usage)
        put_usage(w, &l->usage);
    if (l->has_list)
        json_pair_money(w, "list", l->list);
    if (l->has_amount)
        json_pair_money(w, "amount", l->amount);
    json_end_object(w);
    buffer_add_byte(w->out, '\n');
}

void invoice_write(const struct invoice *invoice, struct buffer *out)
{
    struct json_writer w;
    json_write_init(&w, out, 0);
    json_begin_object(&w);
    json_pair_u64(&w, "invoice", 1);
    json_pair_string(&w, "currency", invoice->currency);
    if (invoice->per_usd) {
        char text[MONEY_TEXT_SIZE];
        money_format((money)invoice->per_usd * (MONEY_USD / (money)TERMS_ONE), text);
        json_pair_string(&w, "per_usd", text);
    }
    if (invoice->has_period) {
        put_instant(&w, "from", invoice->from_ns);
        put_instant(&w, "until", invoice->until_ns);
    }
    json_end_object(&w);
    buffer_add_byte(out, '\n');
    for (size_t i = 0; i < invoice->count; i++) {
        json_write_init(&w, out, 0);
        put_line(&w, &invoice->lines[i]);
    }
}
