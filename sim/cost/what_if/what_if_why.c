#include "sim/cost/what_if/what_if_why.h"

#include "sim/cost/book/price.h"
#include "workloads/transform/transform.h"

#include <inttypes.h>
#include <string.h>

static bool has_weights(const struct plan *plan)
{
    for (size_t i = 0; i < plan->rate_count; i++)
        if (plan->rates[i].weight_count)
            return true;
    return false;
}

/* Why nothing moves: what the plan's prices do not ask for. */
static const char *unmoved(const struct plan *plan, int kind)
{
    bool by_token = price_is_by_token(plan);
    switch (kind) {
    case TRANSFORM_ROUTE:
        return plan->rate_count < 2 && !has_weights(plan)
                   ? "its price is the same for every model, so routing saves nothing"
                   : "the models routed to have the same price here";
    case TRANSFORM_TOOLS:
    case TRANSFORM_TIME:
    case TRANSFORM_RATE:
        return "the same requests at other times: no price, limit or period of it tells them apart";
    case TRANSFORM_CACHE:
        return by_token ? "no other tokens are cached, or a cached token costs as much as another"
                        : "it charges nothing by the token, so a cache saves nothing";
    case TRANSFORM_SERVICE:
        return by_token ? "the service has the same price here"
                        : "its price is the same for every service";
    case TRANSFORM_PRIORITY:
        return "no price asks how urgent a request is";
    case TRANSFORM_TRUNCATE:
        return by_token ? "no token that is charged was cut"
                        : "it charges nothing by the token, so shorter inputs save nothing";
    case TRANSFORM_RETRY:
        return plan->billed.failed == BILLED_NONE
                   ? "it bills no failed attempt, so failures neither cost nor save anything"
                   : "the attempts that it bills are within what is paid already";
    default:
        return "none of its prices asks for what changed";
    }
}

static void add_change(struct buffer *out, const char *what, money before, money after)
{
    char from[MONEY_TEXT_SIZE], to[MONEY_TEXT_SIZE];
    money_format_amount(before, 4, from);
    money_format_amount(after, 4, to);
    buffer_add_format(out, "%s%s $%s → $%s", out->length ? ", " : "", what, from, to);
}

static void add_number(struct buffer *out, const char *what, uint64_t before, uint64_t after)
{
    char from[TEXT_GROUPED_SIZE], to[TEXT_GROUPED_SIZE];
    if (before != after)
        buffer_add_format(out, "%s%s %s → %s", out->length ? ", " : "", what,
                          text_group_u64(before, from), text_group_u64(after, to));
}

static void add_times(struct buffer *out, int kind, const struct what_if_cell *b,
                      const struct what_if_cell *a)
{
    bool timed = kind == TRANSFORM_TOOLS || kind == TRANSFORM_TIME || kind == TRANSFORM_RATE;
    if (timed)
        buffer_add_format(out,
                          "; the requests come at other times, the last is served after "
                          "%" PRId64 " s instead of %" PRId64 " s",
                          a->last_start_ns / NS_PER_S, b->last_start_ns / NS_PER_S);
}

char *what_if_why(const struct plan *plan, int kind, const struct what_if_case *before,
                  const struct what_if_case *after, size_t plan_number)
{
    const struct what_if_cell *b = &before->cells[plan_number], *a = &after->cells[plan_number];
    struct buffer out;
    buffer_init(&out, BUFFER_UNBOUNDED);
    bool same = a->has_saved && a->saved == 0 && a->by_period == b->by_period &&
                a->served == b->served && a->delayed == b->delayed && a->rejected == b->rejected;
    if (same) {
        buffer_add_text(&out, a->served == 0 ? "it serves nothing of it" : unmoved(plan, kind));
        return buffer_take(&out);
    }
    if (b->total - b->by_period != a->total - a->by_period)
        add_change(&out, "by use", b->total - b->by_period, a->total - a->by_period);
    if (b->by_period != a->by_period)
        add_change(&out, "by the period", b->by_period, a->by_period);
    if (price_is_by_token(plan)) {
        add_number(&out, "tokens in", b->input_tokens, a->input_tokens);
        add_number(&out, "tokens out", b->output_tokens, a->output_tokens);
    }
    add_number(&out, "bought", b->subscriptions, a->subscriptions);
    add_number(&out, "periods", b->periods, a->periods);
    add_number(&out, "served", b->served, a->served);
    add_number(&out, "not served", b->rejected, a->rejected);
    add_number(&out, "delayed", b->delayed, a->delayed);
    add_number(&out, "without a price", b->unpriced, a->unpriced);
    add_number(&out, "failed", before->failed, after->failed);
    if (out.length == 0)
        buffer_add_text(&out, "the total is the same");
    add_times(&out, kind, b, a);
    return buffer_take(&out);
}
