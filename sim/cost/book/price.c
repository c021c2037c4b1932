#include "sim/cost/book/price.h"

#include <string.h>

const char *charge_part_name(enum charge_part part)
{
    static const char *const names[CHARGE_PARTS] = {"input",     "cached",  "output",
                                                    "reasoning", "retries", "fees"};
    return names[part];
}

static const struct {
    const char *name;
    enum charge_part part;
} lines[CHARGE_LINES] = {
    [USAGE_UNCACHED_INPUT] = {"uncached_input", PART_INPUT},
    [USAGE_CACHED_INPUT] = {"cached_input", PART_CACHED},
    [USAGE_CACHE_WRITE] = {"cache_write", PART_INPUT},
    [USAGE_CACHE_WRITE_1H] = {"cache_write_1h", PART_INPUT},
    [USAGE_OUTPUT] = {"output", PART_OUTPUT},
    [USAGE_REASONING] = {"reasoning", PART_REASONING},
    [USAGE_IMAGE_INPUT] = {"image_input", PART_INPUT},
    [USAGE_AUDIO_INPUT] = {"audio_input", PART_INPUT},
    [USAGE_VIDEO_INPUT] = {"video_input", PART_INPUT},
    [USAGE_CACHED_IMAGE_INPUT] = {"cached_image_input", PART_CACHED},
    [USAGE_CACHED_AUDIO_INPUT] = {"cached_audio_input", PART_CACHED},
    [USAGE_IMAGE_OUTPUT] = {"image_output", PART_OUTPUT},
    [USAGE_AUDIO_OUTPUT] = {"audio_output", PART_OUTPUT},
    [CHARGE_REQUEST] = {"request", PART_FEES},
    [CHARGE_TOOLS] = {"tools", PART_FEES},
    [CHARGE_UNITS] = {"units", PART_FEES},
    [CHARGE_ADJUSTMENT] = {"adjustment", PART_FEES},
};

const char *charge_line_name(int line)
{
    return lines[line].name;
}

void charge_lines_add(const money line[CHARGE_LINES], money part[CHARGE_PARTS])
{
    for (int i = 0; i < CHARGE_LINES; i++)
        part[lines[i].part] += line[i];
}

const char *unpriced_name(int bit)
{
    static const char *const others[] = {"tools or units", "its service"};
    return bit < USAGE_CLASSES ? usage_class_words((enum usage_class)bit)
                               : others[bit - USAGE_CLASSES];
}

static bool window_active(const struct price_window *w, int64_t at_unix_ns)
{
    if (at_unix_ns == TIME_NEVER || at_unix_ns < w->from_unix_ns || at_unix_ns >= w->until_unix_ns)
        return false;
    const struct plan_hours hours = {w->timed, w->start_minute, w->end_minute, w->weekdays};
    return plan_hours_hold(&hours, at_unix_ns);
}

const struct rate_prices *price_in_force(const struct plan_rate *rate, size_t service,
                                         int64_t at_unix_ns)
{
    size_t window = rate->window_count;
    while (window > 0 && !window_active(&rate->windows[window - 1], at_unix_ns))
        window--;
    return &rate->resolved[window * plan_rate_services(rate) +
                           (service == PLAN_NO_SERVICE ? SERVICE_STANDARD : service)];
}

const struct token_table *price_table(const struct rate_prices *prices, uint64_t input)
{
    size_t i = prices->table_count - 1;
    while (i > 0 && input < prices->tables[i].input_from)
        i--;
    return &prices->tables[i];
}

money price_round(const struct plan_rounding *rounding, money amount)
{
    money unit = rounding->unit, rest = amount % unit;
    switch (rounding->mode) {
    case ROUND_HALF_UP:
        return amount - rest + (rest >= unit - rest ? unit : 0);
    case ROUND_UP:
        return amount - rest + (rest > 0 ? unit : 0);
    case ROUND_DOWN:
        return amount - rest;
    default:
        return money_round(amount, unit);
    }
}

#define MILLION 1000000

int price_volume_discount(const struct plan_volume *v, money usage, money *out)
{
    *out = 0;
    for (size_t i = 0; i < v->step_count; i++) {
        const struct volume_step *step = &v->steps[i];
        money upper = i + 1 < v->step_count ? step[1].over : MONEY_MAX;
        money above = (usage < upper ? usage : upper) - step->over, off;
        if (above <= 0 || (v->all_units && usage > upper))
            continue;
        if (money_prorate(v->all_units ? usage : above, step->off_millionths, MILLION, &off) < 0)
            return -1;
        *out += off;
    }
    return 0;
}

int price_credit_fee(const struct plan_fees *f, money net, money *out)
{
    money fee, bonus = 0;
    *out = 0;
    /* of $110 that are used $100 were bought where 10 % are given on top */
    if (net > 0 && f->credit_bonus_millionths > 0 &&
        money_prorate(net, f->credit_bonus_millionths, MILLION + f->credit_bonus_millionths,
                      &bonus) < 0)
        return -1;
    net -= bonus;
    *out = -bonus;
    if (net <= 0 || (f->credit_fee_millionths == 0 && f->credit_fee_minimum == 0))
        return 0;
    money purchase = f->credit_top_up > 0 ? f->credit_top_up : net;
    if (money_prorate(purchase, f->credit_fee_millionths, MILLION, &fee) < 0)
        return -1;
    if (fee < f->credit_fee_minimum)
        fee = f->credit_fee_minimum;
    money purchases = (net + purchase - 1) / purchase;
    if (purchases > INT32_MAX || money_multiply(fee, (uint64_t)purchases, &fee) < 0)
        return -1;
    *out += fee;
    return 0;
}

uint64_t price_billed_count(const struct named_fee *fee, uint64_t count_micro)
{
    if (count_micro == 0)
        return 0;
    if (count_micro < fee->minimum_micro)
        count_micro = fee->minimum_micro;
    uint64_t rest = fee->step_micro ? count_micro % fee->step_micro : 0;
    return rest ? count_micro + (fee->step_micro - rest) : count_micro;
}

/* Amounts are never negative: no line passes the total. */
static inline int add_line(struct charge *out, int line, money amount)
{
    if (money_add(out->total, amount, &out->total) < 0)
        return -1;
    out->line[line] += amount;
    return 0;
}

const struct named_fee *price_fee_of(const struct plan_rate *rate, bool is_unit, const char *name)
{
    const struct named_fee *fees = is_unit ? rate->units : rate->tools;
    for (size_t f = 0, count = is_unit ? rate->unit_count : rate->tool_count; f < count; f++)
        if (strcmp(fees[f].name, name) == 0)
            return &fees[f];
    return NULL;
}

int price_fee(const struct plan_rate *rate, bool is_unit, const char *name, uint64_t count_micro,
              money *out)
{
    const struct named_fee *fee = price_fee_of(rate, is_unit, name);
    *out = 0;
    return fee ? money_multiply(fee->price_micro, price_billed_count(fee, count_micro), out) : 0;
}

static int charge_extras(const struct plan_rate *rate, const struct usage *u, struct charge *out)
{
    for (size_t i = 0; i < u->extra_count; i++) {
        const struct usage_extra *e = &u->extras[i];
        const struct named_fee *fee = price_fee_of(rate, e->is_unit, e->name);
        money amount;
        if (!fee || e->count_micro < 0) {
            out->unpriced |= e->count_micro != 0 ? UNPRICED_EXTRAS : 0;
            continue;
        }
        if (money_multiply(fee->price_micro, price_billed_count(fee, (uint64_t)e->count_micro),
                           &amount) < 0 ||
            add_line(out, e->is_unit ? CHARGE_UNITS : CHARGE_TOOLS, amount) < 0)
            return -1;
    }
    return 0;
}

#define ALL_CLASSES ((1u << USAGE_CLASSES) - 1)

/* The lines of the classes from `first` up to `end`; their sum is added to *sum. */
static inline int charge_classes(const struct plan *plan, const struct token_table *table,
                                 const struct usage *u, int first, int end, struct charge *out,
                                 money *sum)
{
    bool round = plan->rounding.scope == ROUND_CLASSES;
    money total = *sum;
    for (int c = first; c < end; c++) {
        money amount;
        if (u->tokens[c] <= UINT32_MAX) /* a token costs at most 1e27: the product fits */
            amount = table->price[c] * (money)u->tokens[c];
        else if (money_multiply(table->price[c], u->tokens[c], &amount) < 0)
            return -1;
        out->line[c] = round ? price_round(&plan->rounding, amount) : amount;
        if (money_add(total, out->line[c], &total) < 0)
            return -1;
    }
    *sum = total;
    return 0;
}

/* The first lines, and their sum. Few requests have more than text. */
static int charge_tokens(const struct plan *plan, const struct token_table *table,
                         const struct usage *u, struct charge *out)
{
    out->total = 0;
    if (charge_classes(plan, table, u, 0, USAGE_PLAIN_CLASSES, out, &out->total) < 0)
        return -1;
    if (usage_has_media(u))
        return charge_classes(plan, table, u, USAGE_PLAIN_CLASSES, USAGE_CLASSES, out, &out->total);
    for (int c = USAGE_PLAIN_CLASSES; c < USAGE_CLASSES; c++)
        out->line[c] = 0;
    return 0;
}

/* Classes that are used and have no price, where others have one. */
static uint32_t unpriced_tokens(const struct token_table *table, const struct usage *u)
{
    uint32_t unpriced = 0;
    for (int c = 0; c < USAGE_CLASSES; c++)
        if (u->tokens[c] > 0 && !(table->priced >> c & 1))
            unpriced |= 1u << c;
    return unpriced;
}

/* True for a service that the rate says nothing of. What is paid by the request or the period is
 * so whatever the service. */
static bool lacks_service(const struct plan_rate *rate, size_t service)
{
    if (service == SERVICE_STANDARD || (service >= SERVICE_COUNT && service != PLAN_NO_SERVICE))
        return false;
    if (service != PLAN_NO_SERVICE && rate->services_priced >> service & 1)
        return false;
    return rate->resolved[SERVICE_STANDARD].tables[0].priced != 0;
}

uint32_t price_unpriced(const struct plan_rate *rate, size_t service,
                        const struct token_table *table, const struct usage *u)
{
    uint32_t unpriced = lacks_service(rate, service) ? UNPRICED_SERVICE : 0;
    return unpriced | (table->priced ? unpriced_tokens(table, u) : 0);
}

static int charge_request(const struct plan_rate *rate, money price_micro,
                          const struct price_query *query, struct charge *out)
{
    uint64_t weight = plan_weight(rate->weights, rate->weight_count, query->model,
                                  query->class_name, query->at_unix_ns);
    money amount;
    return money_multiply(price_micro, weight, &amount) < 0 ? -1
                                                            : add_line(out, CHARGE_REQUEST, amount);
}

static void adjust(const struct plan *plan, struct charge *out)
{
    money before = out->total;
    if (out->total < plan->fees.minimum_per_request)
        out->total = plan->fees.minimum_per_request;
    if (plan->rounding.scope == ROUND_REQUESTS)
        out->total = price_round(&plan->rounding, out->total);
    out->line[CHARGE_ADJUSTMENT] = out->total - before;
}

struct token_table price_lifted(const struct token_table *table, money uplift)
{
    struct token_table out = *table;
    for (int c = 0; c < USAGE_CLASSES && uplift > 0; c++)
        (void)money_scale(table->price[c], uplift, &out.price[c]);
    return out;
}

/* What a plan has not costs next to nothing: millions of rows go through here. */
int price_request(const struct plan *plan, const struct plan_rate *rate,
                  const struct price_query *query, struct charge *out)
{
    const struct usage *u = query->usage;
    size_t service = query->service == SERVICE_STANDARD
                         ? SERVICE_STANDARD
                         : plan_rate_service(rate, query->service, query->other_service);
    const struct rate_prices *prices = price_in_force(rate, service, query->at_unix_ns);
    const struct token_table *table =
        price_table(prices, prices->by_output ? usage_output(u) : usage_input(u));
    struct token_table above;
    if (query->uplift > 0 && query->uplift != MONEY_USD) {
        above = price_lifted(table, query->uplift);
        table = &above;
    }
    for (int i = CHARGE_REQUEST; i < CHARGE_LINES; i++)
        out->line[i] = 0;
    out->unpriced = lacks_service(rate, service) ? UNPRICED_SERVICE : 0;
    if (charge_tokens(plan, table, u, out) < 0)
        return -1;
    if (table->priced && table->priced != ALL_CLASSES)
        out->unpriced |= unpriced_tokens(table, u);
    if (prices->per_request_micro > 0 && !query->goes_along &&
        charge_request(rate, prices->per_request_micro, query, out) < 0)
        return -1;
    if (u->extra_count > 0 && charge_extras(rate, u, out) < 0)
        return -1;
    adjust(plan, out);
    return 0;
}

int price_text_total(const struct plan_rate *rate, const struct usage *u, int64_t at_unix_ns,
                     money *out, uint32_t *unpriced)
{
    const struct rate_prices *prices = price_in_force(rate, SERVICE_STANDARD, at_unix_ns);
    const struct token_table *table =
        price_table(prices, prices->by_output ? usage_output(u) : usage_input(u));
    money total = 0, request;
    for (int c = 0; c < USAGE_PLAIN_CLASSES; c++)
        total += table->price[c] * (money)u->tokens[c];
    *unpriced = table->priced && table->priced != ALL_CLASSES ? unpriced_tokens(table, u) : 0;
    if (money_multiply(prices->per_request_micro, PLAN_MICRO, &request) < 0)
        return -1;
    return money_add(total, request, out);
}

static bool rate_is_by_token(const struct plan_rate *r)
{
    for (size_t s = 0; s < plan_rate_services(r) * (r->window_count + 1); s++)
        for (size_t k = 0; k < r->resolved[s].table_count; k++)
            if (r->resolved[s].tables[k].priced)
                return true;
    return false;
}

bool price_is_by_token(const struct plan *plan)
{
    for (size_t i = 0; i < plan->rate_count; i++)
        if (rate_is_by_token(&plan->rates[i]))
            return true;
    return false;
}

bool price_is_flat(const struct plan *plan)
{
    if (plan->charged != CHARGED_REQUEST)
        return false;
    for (size_t i = 0; i < plan->rate_count; i++) {
        const struct plan_rate *r = &plan->rates[i];
        if (rate_is_by_token(r) || r->weight_count || r->tool_count || r->unit_count)
            return false;
    }
    return true;
}

bool price_is_nothing(const struct plan *plan)
{
    if (!price_is_flat(plan) || plan->fees.minimum_per_request > 0)
        return false;
    for (size_t i = 0; i < plan->rate_count; i++) {
        const struct plan_rate *r = &plan->rates[i];
        for (size_t s = 0; s < plan_rate_services(r) * (r->window_count + 1); s++)
            if (r->resolved[s].per_request_micro > 0)
                return false;
    }
    return true;
}

enum billed price_billed(const struct plan *plan, enum record_status status, int http_status)
{
    switch (status) {
    case RECORD_COMPLETED:
        return BILLED_DELIVERED;
    case RECORD_CANCELLED:
        return plan->billed.aborted;
    case RECORD_FAILED:
        for (size_t i = 0; i < plan->billed.status_count; i++)
            if (http_status >= plan->billed.statuses[i].http_from &&
                http_status <= plan->billed.statuses[i].http_to)
                return plan->billed.statuses[i].what;
        return plan->billed.failed;
    default:
        return BILLED_NONE;
    }
}

struct usage price_billed_usage(enum billed what, const struct usage *delivered,
                                uint64_t asked_output)
{
    struct usage u = *delivered;
    if (what == BILLED_NONE)
        return (struct usage){0};
    if (what == BILLED_INPUT)
        u.tokens[USAGE_OUTPUT] = u.tokens[USAGE_REASONING] = u.tokens[USAGE_IMAGE_OUTPUT] =
            u.tokens[USAGE_AUDIO_OUTPUT] = 0;
    else if (what == BILLED_FULL && asked_output > usage_output(&u))
        u.tokens[USAGE_OUTPUT] += asked_output - usage_output(&u);
    return u;
}

/* True if some request quota holds excess back: requests are then paid by the subscription. */
static bool paid_by_subscription(const struct plan *plan)
{
    for (size_t i = 0; i < plan->quota_count; i++)
        if (plan->quotas[i].unit == QUOTA_REQUESTS)
            return true;
    return false;
}

struct price_query price_query_of(const struct record *r, const struct usage *u)
{
    return (struct price_query){.usage = u,
                                .service = r->service ? service_called(text_of(r->service))
                                                      : SERVICE_STANDARD,
                                .other_service = r->service,
                                .at_unix_ns = TIME_NEVER,
                                .model = r->model,
                                .class_name = r->class_name};
}

int price_record(const struct plan *plan, const struct record *r, int64_t start_unix_ns, money *out)
{
    *out = 0;
    const struct plan_rate *rate = plan_rate_for(plan, r->model);
    enum billed what = price_billed(plan, r->status, r->http_status);
    if (!rate || what == BILLED_NONE || (!r->final && !plan->billed.retried_each))
        return 0;
    if (paid_by_subscription(plan))
        return 1;
    struct usage used = r->usage;
    if (r->usage_from == USAGE_NONE)
        used = usage_from_totals(r->asked_input, 0, 0, 0, 0, 0);
    struct usage u = price_billed_usage(what, &used, r->asked_output);
    struct price_query q = price_query_of(r, &u);
    q.uplift = plan_rate_uplift(rate, r->labels);
    if (start_unix_ns != TIME_NEVER && r->sent_ns != TIME_NEVER)
        q.at_unix_ns = start_unix_ns + r->sent_ns;
    struct charge c;
    if (price_request(plan, rate, &q, &c) < 0)
        return -1;
    *out = c.total;
    return 1;
}
