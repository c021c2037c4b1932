/* A reconciliation as JSON and as a person reads it. */
#include "core/wrap.h"
#include "sim/cost/reconcile/reconcile.h"

#include <stdio.h>
#include <string.h>

#define NAME_WIDTH 34

static bool is_one(uint32_t causes)
{
    return (causes & (causes - 1)) == 0;
}

/* ---- JSON ---- */

static void put_causes(struct json_writer *w, uint32_t causes)
{
    json_begin_array(w);
    for (int c = 0; c < CAUSES; c++)
        if (causes >> c & 1)
            json_put_string(w, cause_name((enum cause)c));
    json_end_array(w);
}

static void put_finding(struct json_writer *w, const struct finding *f)
{
    json_begin_object(w);
    if (is_one(f->causes)) {
        json_pair_string(w, "cause", cause_name((enum cause)__builtin_ctz(f->causes)));
    } else {
        json_key(w, "cannot_be_told_apart");
        put_causes(w, f->causes);
    }
    json_pair_u64(w, "rows", f->rows);
    json_pair_money(w, "usd", f->usd);
    json_pair_money(w, "up_usd", f->up);
    json_pair_money(w, "down_usd", f->down);
    json_pair_money(w, "moved_usd", f->moved);
    json_end_object(w);
}

static void put_findings(struct json_writer *w, const char *key, const struct reconciliation *r,
                         bool one)
{
    json_key(w, key);
    json_begin_array(w);
    for (size_t i = 0; i < r->count; i++)
        if (is_one(r->findings[i].causes) == one)
            put_finding(w, &r->findings[i]);
    json_end_array(w);
}

static void put_terms(struct json_writer *w, const struct reconciliation *r)
{
    char text[MONEY_TEXT_SIZE];
    json_key(w, "found");
    json_begin_object(w);
    json_pair_i64(w, "offset_s", r->offset_ns / NS_PER_S);
    json_pair_i64(w, "offset_from_s", r->offset_from_ns / NS_PER_S);
    json_pair_i64(w, "offset_to_s", r->offset_to_ns / NS_PER_S);
    money_format((money)r->factor * (MONEY_USD / (money)TERMS_ONE), text);
    json_pair_string(w, "paid_of_list_price", text);
    json_pair_money(w, "rounded_to", r->unit);
    json_pair_instant(w, "prices_of", r->price_date_ns);
    json_end_object(w);
}

void reconciliation_write_json(const struct reconciliation *r, struct json_writer *w)
{
    json_begin_object(w);
    json_pair_u64(w, "schema_version", 1);
    json_pair_string(w, "joined_by", r->by_id ? "id" : "time");
    json_pair_string(w, "invoice_form", r->form);
    json_pair_string(w, "plan", r->plan);
    json_pair_bool(w, "invoice_has_amounts", r->amounts);
    json_pair_string(w, "currency", r->currency);
    json_pair_instant(w, "from", r->has_period ? r->from_ns : TIME_NEVER);
    json_pair_instant(w, "until", r->has_period ? r->until_ns : TIME_NEVER);
    json_pair_u64(w, "own_requests", r->own_rows);
    json_pair_u64(w, "own_compared", r->own_inside);
    json_pair_u64(w, "own_attempts_outside", r->outside);
    json_pair_u64(w, "own_without_price", r->unpriced);
    json_pair_u64(w, "invoice_lines", r->invoice_lines);
    json_pair_u64(w, "joined_lines", r->joined);
    json_pair_money(w, "ours_usd", r->ours);
    json_pair_money(w, "theirs_usd", r->theirs);
    json_pair_money(w, "difference_usd", r->theirs - r->ours);
    put_findings(w, "causes", r, true);
    put_findings(w, "cannot_be_told_apart", r, false);
    json_pair_money(w, "rest_usd", r->rest);
    json_pair_u64(w, "rest_rows", r->rest_rows);
    put_terms(w, r);
    json_end_object(w);
}

/* ---- text ---- */

#define AMOUNT_SIZE (MONEY_TEXT_SIZE + 1)

/* "+1,234.5678": the sign is what matters of a difference. */
static const char *amount_text(money usd, bool sign, char out[AMOUNT_SIZE])
{
    char plain[MONEY_TEXT_SIZE];
    money_format_column(usd, 4, plain);
    snprintf(out, AMOUNT_SIZE, "%s%s", sign && usd > 0 ? "+" : "",
             usd == 0 ? "0     " : plain); /* exactly nothing is 0 */
    return out;
}

/* What is so small that it needs many digits makes the column wider, not its row crooked. */
static int amount_width(const struct reconciliation *r)
{
    char text[AMOUNT_SIZE];
    size_t width = 16, wide = strlen(amount_text(r->rest, true, text));
    width = wide > width ? wide : width;
    for (size_t i = 0; i < r->count; i++) {
        wide = strlen(amount_text(r->findings[i].usd, true, text));
        width = wide > width ? wide : width;
    }
    return (int)width;
}

/* In hundredths of a percent, half away from zero. */
static void put_share(struct buffer *out, money usd, money ours)
{
    char text[32] = "";
    money size = usd < 0 ? -usd : usd;
    if (ours > 0 && usd != 0 && size / ours < 1000000) {
        money hundredths = size / ours * 10000 + (size % ours * 10000 + ours / 2) / ours;
        snprintf(text, sizeof text, "%s%lld.%02lld %%", usd < 0 ? "-" : "+",
                 (long long)(hundredths / 100), (long long)(hundredths % 100));
    }
    if (text[0])
        buffer_add_format(out, " %12s", text);
    while (out->length > 0 && out->data[out->length - 1] == ' ') /* no line ends in blanks */
        out->length--;
    buffer_add_byte(out, '\n');
}

static void put_row(const struct reconciliation *r, const char *name, uint64_t rows, money usd,
                    bool sign, struct buffer *out)
{
    char n[TEXT_GROUPED_SIZE], amount[AMOUNT_SIZE];
    buffer_add_format(out, "  %-*s %9s %*s", NAME_WIDTH, name, text_group_u64(rows, n),
                      amount_width(r), amount_text(usd, sign, amount));
}

static void name_causes(uint32_t causes, struct buffer *out)
{
    const char *comma = "";
    for (int c = 0; c < CAUSES; c++)
        if (causes >> c & 1) {
            buffer_add_format(out, "%s%s", comma, cause_words((enum cause)c));
            comma = ", ";
        }
}

static void put_unsure(const struct reconciliation *r, const struct finding *f, int width,
                       struct buffer *out)
{
    struct buffer names;
    buffer_init(&names, BUFFER_UNBOUNDED);
    buffer_add_text(&names, "  cannot be told apart: ");
    name_causes(f->causes, &names);
    if (names.length - 2 > NAME_WIDTH) {
        wrap_text((struct text){names.data, names.length}, (size_t)width, 4, out);
        buffer_add_byte(out, '\n');
        buffer_clear(&names);
        buffer_add_text(&names, "  ");
    }
    put_row(r, names.data + 2, f->rows, f->usd, true, out);
    put_share(out, f->usd, r->ours);
    buffer_free(&names);
}

static void put_head(const struct reconciliation *r, struct buffer *out)
{
    char own[TEXT_GROUPED_SIZE], lines[TEXT_GROUPED_SIZE], joined[TEXT_GROUPED_SIZE],
        from[CLOCK_INSTANT_SIZE], until[CLOCK_INSTANT_SIZE];
    buffer_add_format(out, "%s requests of one's own · %s lines of the invoice (%s)",
                      text_group_u64(r->own_rows, own), text_group_u64(r->invoice_lines, lines),
                      r->form);
    if (r->by_id)
        buffer_add_format(out, " · %s joined by id", text_group_u64(r->joined, joined));
    else
        buffer_add_text(out, " · joined by time");
    if (r->has_period) {
        clock_format_instant(r->from_ns, from);
        clock_format_instant(r->until_ns, until);
        buffer_add_format(out, " · %.10s %.5s to %.10s %.5s UTC", from, from + 11, until,
                          until + 11);
    }
    buffer_add_format(out, " · ours at %s%s\n\n", r->plan ? "the prices of " : "",
                      r->plan ? r->plan : "the costs that the records report");
}

static const char *zone_of(int64_t offset_ns, char out[16])
{
    int minutes = (int)((offset_ns < 0 ? -offset_ns : offset_ns) / (60 * NS_PER_S));
    snprintf(out, 16, "UTC%s%02d:%02d", offset_ns < 0 ? "-" : "+", minutes / 60 % 100,
             minutes % 60);
    return out;
}

static void put_offset(const struct reconciliation *r, struct buffer *out)
{
    char zone[16], from[16], to[16];
    if (!r->offset_ns)
        return;
    buffer_add_format(out, "Their days go by %s", zone_of(r->offset_ns, zone));
    if (r->offset_from_ns != r->offset_to_ns)
        buffer_add_format(out, " (or another offset: %s to %s explain as much)",
                          zone_of(r->offset_from_ns, from), zone_of(r->offset_to_ns, to));
    buffer_add_text(out, ".\n");
}

static void put_moved(const struct reconciliation *r, struct buffer *out)
{
    for (size_t i = 0; i < r->count; i++) {
        char text[MONEY_TEXT_SIZE];
        if (r->findings[i].moved == 0)
            continue;
        money_format_amount(r->findings[i].moved, 4, text);
        name_causes(r->findings[i].causes, out);
        buffer_add_format(out, ": $%s stand on another day there.\n", text);
    }
}

static void put_found(const struct reconciliation *r, struct buffer *out)
{
    char text[MONEY_TEXT_SIZE], day[CLOCK_INSTANT_SIZE];
    if (r->factor != TERMS_ONE) {
        money_format((money)r->factor * (MONEY_USD / (money)(TERMS_ONE / 100)), text);
        buffer_add_format(out, "%s %% of the list price is paid.\n", text);
    }
    if (r->unit) {
        money_format(r->unit, text);
        buffer_add_format(out, "Their amounts are multiples of %s %s.\n", text, r->currency);
    }
    if (r->price_date_ns != TIME_NEVER) {
        clock_format_instant(r->price_date_ns, day);
        buffer_add_format(out, "The prices of %.10s are those of what price date touches.\n", day);
    }
    if (strcmp(r->currency, "USD") != 0 && r->per_usd) {
        money_format((money)r->per_usd * (MONEY_USD / (money)TERMS_ONE), text);
        buffer_add_format(out, "The invoice is in %s, at %s of it for a USD as it says.\n",
                          r->currency, text);
    }
}

static void put_doubts(const struct reconciliation *r, struct buffer *out)
{
    char n[TEXT_GROUPED_SIZE];
    if (!r->amounts)
        buffer_add_text(out, "The invoice has no amounts: its usage counts at the same prices.\n");
    if (r->outside)
        buffer_add_format(out, "%s attempts are outside of the invoice's time%s.\n",
                          text_group_u64(r->outside, n),
                          r->offset_ns
                              ? " by our clock; their day boundary brings back those it can"
                              : ": not compared");
    if (r->unpriced)
        buffer_add_format(out, "%s requests have no price and count as 0 here.\n",
                          text_group_u64(r->unpriced, n));
    if (r->rest_unpriced)
        buffer_add_text(out, "Some sums of tokens that differ have no price without their single "
                             "requests: they count as one's own.\n");
    if (r->rest != 0 || r->rest_rows)
        buffer_add_format(out,
                          "Nothing that is looked for reproduces the rest (%s lines or requests) "
                          "to the last digit.\n",
                          text_group_u64(r->rest_rows, n));
}

void reconciliation_write_table(const struct reconciliation *r, int width, struct buffer *out)
{
    struct buffer words;
    buffer_init(&words, BUFFER_UNBOUNDED);
    put_head(r, &words);
    wrap_text((struct text){words.data, words.length}, (size_t)width, 2, out);
    buffer_clear(&words);
    buffer_add_format(out, "  %-*s %9s %*s %12s\n", NAME_WIDTH, "cause", "rows", amount_width(r),
                      "USD", "of ours");
    put_row(r, "ours", r->own_inside, r->ours, false, out);
    put_share(out, 0, r->ours);
    for (size_t i = 0; i < r->count; i++) {
        const struct finding *f = &r->findings[i];
        if (!is_one(f->causes)) {
            put_unsure(r, f, width, out);
            continue;
        }
        put_row(r, cause_words((enum cause)__builtin_ctz(f->causes)), f->rows, f->usd, true, out);
        put_share(out, f->usd, r->ours);
    }
    put_row(r, "rest", r->rest_rows, r->rest, true, out);
    put_share(out, r->rest, r->ours);
    put_row(r, "theirs", r->invoice_lines, r->theirs, false, out);
    put_share(out, r->theirs - r->ours, r->ours);
    buffer_add_text(out, "\n");
    put_offset(r, &words);
    put_moved(r, &words);
    put_found(r, &words);
    put_doubts(r, &words);
    wrap_text((struct text){words.data, words.length}, (size_t)width, 2, out);
    buffer_free(&words);
}
