/* FOCUS rows as an invoice: amounts by day, model and, where the meter says it, class of tokens;
 * taxes and credits are charges. */
#include "sim/cost/focus/focus.h"
#include "sim/cost/reconcile/invoice.h"

#include <string.h>
#include <strings.h>

static const char *text_of_column(struct invoice *out, const struct focus_charge *c,
                                  enum focus_column column)
{
    return invoice_text(out, c->text[column]);
}

/* "Cached Input Tokens": a class's words, each with a capital, as farebox writes them. */
static int class_of(struct text meter)
{
    for (int k = 0; k < USAGE_CLASSES; k++) {
        const char *words = usage_class_words((enum usage_class)k);
        size_t length = strlen(words);
        if (meter.length >= length && strncasecmp(meter.at, words, length) == 0 &&
            (meter.length == length ||
             strncasecmp(meter.at + length, " tokens", meter.length - length) == 0))
            return k;
    }
    return LINE_ANY_CLASS;
}

static void take_charge(struct invoice *out, const struct focus_charge *c)
{
    struct invoice_line *l = invoice_add(out);
    struct text meter = c->text[FOCUS_SKU_METER];
    l->kind = c->category == FOCUS_USAGE ? LINE_OF_BUCKET : LINE_CHARGE;
    l->charge = c->category == FOCUS_TAX      ? CAUSE_TAX
                : c->category == FOCUS_CREDIT ? CAUSE_CREDIT
                                              : CAUSES;
    l->from_ns = c->begin_ns;
    l->until_ns = c->end_ns;
    l->model = text_of_column(out, c, FOCUS_X_MODEL);
    l->about = text_of_column(out, c, FOCUS_CHARGE_DESCRIPTION);
    l->has_amount = true;
    l->amount = c->cost[FOCUS_BILLED];
    l->of_class = class_of(meter);
}

/* One currency for all of it. */
static int take_currency(struct invoice *out, const struct focus_charge *c, const char *path,
                         struct error *err)
{
    struct text code = c->text[FOCUS_BILLING_CURRENCY];
    if (code.length != 3)
        return 0;
    if (out->count > 0 && memcmp(out->currency, code.at, 3) != 0)
        return error_at(err, path, c->line, 0,
                        "is in %.3s, and rows before it in %s: expected one "
                        "currency",
                        code.at, out->currency);
    memcpy(out->currency, code.at, 3);
    return 0;
}

int invoice_read_focus(const char *path, struct invoice *out, struct error *err)
{
    struct focus_reader r;
    struct focus_charge c;
    int more;
    if (focus_reader_open(&r, path, err) < 0)
        return ERR_INPUT;
    out->form = "focus";
    while ((more = focus_reader_next(&r, &c, err)) > 0) {
        if ((more = take_currency(out, &c, path, err)) < 0)
            break;
        take_charge(out, &c);
    }
    focus_reader_close(&r);
    return more;
}
