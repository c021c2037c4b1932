#include "sim/cost/bill/quote.h"

#include "core/json/json_scan.h"

#include <stdio.h>

#define TOKENS_MAX UINT64_C(1000000000000)
#define COUNT_DECIMALS 6

void quote_init(struct quote *q)
{
    *q = (struct quote){.at_unix_ns = TIME_NEVER};
}

int quote_add_extra(struct quote *q, bool is_unit, struct text name, struct text count,
                    struct error *err)
{
    int64_t micro;
    if (q->extra_count == QUOTE_EXTRAS_MAX)
        return error_set(err, ERR_INPUT, "more than %d tools and units", QUOTE_EXTRAS_MAX);
    if (name.length == 0 || name.length >= QUOTE_NAME_SIZE)
        return error_set(err, ERR_INPUT, "a tool's or unit's name has 1 to %d bytes",
                         QUOTE_NAME_SIZE - 1);
    if (!text_to_fixed(count, COUNT_DECIMALS, &micro) || micro < 0)
        return error_set(err, ERR_INPUT, "expected a count such as 2 or 10.5, found \"%.*s\"",
                         count.length > 40 ? 40 : (int)count.length, count.at);
    snprintf(q->extra_names[q->extra_count], QUOTE_NAME_SIZE, "%.*s", (int)name.length, name.at);
    q->extras[q->extra_count] = (struct usage_extra){.count_micro = micro, .is_unit = is_unit};
    q->extra_count++;
    return 0;
}

static void read_extras(struct json_scan *s, struct quote *q, bool is_unit)
{
    struct text name, count;
    json_object_begin(s);
    while (json_object_next(s, &name)) {
        struct error why = {0};
        if (json_number(s, &count) && quote_add_extra(q, is_unit, name, count, &why) < 0)
            json_fail(s, "%s", why.message);
    }
}

static void read_text(struct json_scan *s, char *out, size_t size)
{
    struct text t;
    struct buffer b;
    if (!json_string(s, &t))
        return;
    buffer_init(&b, size - 1);
    if (!json_unescape(t, &b))
        json_fail(s, "expected at most %zu bytes", size - 1);
    else
        snprintf(out, size, "%s", b.data ? b.data : "");
    buffer_free(&b);
}

static void read_service(struct json_scan *s, struct quote *q)
{
    struct text t;
    if (!json_string(s, &t))
        return;
    int service = service_from_name(t);
    if (service < 0)
        json_fail(s, "expected \"standard\", \"batch\", \"flex\" or \"priority\"");
    else
        q->service = (enum service)service;
}

static void read_instant(struct json_scan *s, struct quote *q)
{
    struct text t;
    if (json_string(s, &t) && clock_parse_instant(t.at, t.length, &q->at_unix_ns) < 0)
        json_fail(s, "expected an instant such as \"2026-11-01T12:00:00Z\"");
}

static bool read_count(struct json_scan *s, struct text key, struct quote *q)
{
    const struct {
        const char *key;
        uint64_t *out;
    } counts[] = {{"input", &q->input},
                  {"cached_input", &q->cached_input},
                  {"cache_write", &q->cache_write},
                  {"cache_write_1h", &q->cache_write_1h},
                  {"output", &q->output},
                  {"reasoning", &q->reasoning}};
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++)
        if (text_equal(key, counts[i].key))
            return json_u64(s, 0, TOKENS_MAX, counts[i].out), true;
    return false;
}

int quote_parse(const char *file, struct text line, long number, struct quote *out,
                struct error *err)
{
    static const char *const keys[] = {
        "plan",   "model",     "class",   "input", "cached_input", "cache_write", "cache_write_1h",
        "output", "reasoning", "service", "at",    "tools",        "units",       NULL};
    struct json_scan s;
    struct text key;
    quote_init(out);
    json_scan_init(&s, file, line.at, line.length, number);
    json_object_begin(&s);
    while (json_object_next(&s, &key)) {
        if (text_equal(key, "plan"))
            read_text(&s, out->plan, sizeof out->plan);
        else if (text_equal(key, "model"))
            read_text(&s, out->model, sizeof out->model);
        else if (text_equal(key, "class"))
            read_text(&s, out->class_name, sizeof out->class_name);
        else if (text_equal(key, "service"))
            read_service(&s, out);
        else if (text_equal(key, "at"))
            read_instant(&s, out);
        else if (text_equal(key, "tools") || text_equal(key, "units"))
            read_extras(&s, out, text_equal(key, "units"));
        else if (!read_count(&s, key, out))
            json_unknown_key(&s, key, keys, "a usage");
    }
    if (out->cached_input + out->cache_write + out->cache_write_1h > out->input)
        json_fail(&s, "the cached and written tokens are more than \"input\", which holds them");
    if (out->reasoning > out->output)
        json_fail(&s, "the reasoning tokens are more than \"output\", which holds them");
    return json_scan_end(&s, err);
}

int quote_price(const struct plan *plan, struct quote *q, struct charge *out, struct error *err)
{
    const struct plan_rate *rate = plan_rate_for(plan, q->model[0] ? q->model : NULL);
    if (!rate)
        return error_set(err, ERR_INPUT, "the plan \"%.100s\" does not serve the model \"%.100s\"",
                         plan->name, q->model);
    struct usage u = usage_from_totals(q->input, q->cached_input, q->cache_write, q->cache_write_1h,
                                       q->output, q->reasoning);
    for (size_t i = 0; i < q->extra_count; i++)
        q->extras[i].name = q->extra_names[i];
    u.extras = q->extras;
    u.extra_count = q->extra_count;
    struct price_query query = {.usage = &u,
                                .service = q->service,
                                .at_unix_ns = q->at_unix_ns,
                                .model = q->model[0] ? q->model : NULL,
                                .class_name = q->class_name[0] ? q->class_name : NULL};
    if (price_request(plan, rate, &query, out) < 0)
        return error_set(err, ERR_INPUT, "the charge under \"%.100s\" passes 1.7e14 USD",
                         plan->name);
    return 0;
}
