#include "sim/cost/book/quote.h"

#include "core/json/json_fields.h"

#include <stdio.h>
#include <string.h>

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
    if (!text_to_fixed(count, COUNT_DECIMALS, &micro) || micro < 0 || micro > QUOTE_MOST * 1000000)
        return error_set(
            err, ERR_INPUT, "expected a count from 0 to %s, such as 2 or 10.5, found \"%.*s\"",
            TEXT_SHORT(QUOTE_MOST, 6), count.length > 40 ? 40 : (int)count.length, count.at);
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

static void read_tools(struct json_scan *s, const struct json_field *f, void *quote)
{
    (void)f;
    read_extras(s, quote, false);
}

static void read_units(struct json_scan *s, const struct json_field *f, void *quote)
{
    (void)f;
    read_extras(s, quote, true);
}

int quote_set_service(struct quote *q, struct text name, struct error *err)
{
    q->service = service_called(name);
    snprintf(q->other_service, sizeof q->other_service, "%.*s", (int)name.length, name.at);
    return name.length <= SERVICE_NAME_MAX
               ? 0
               : error_set(err, ERR_INPUT, "a service's name has at most %d bytes",
                           SERVICE_NAME_MAX);
}

static void read_service(struct json_scan *s, const struct json_field *f, void *quote)
{
    struct text t;
    struct error why = {0};
    (void)f;
    if (json_string(s, &t) && quote_set_service(quote, t, &why) < 0)
        json_fail(s, "%s", why.message);
}

static bool is_plain(struct text t)
{
    for (size_t i = 0; i < t.length; i++)
        if (t.at[i] == '"' || t.at[i] == '\\' || (unsigned char)t.at[i] < ' ')
            return false;
    return true;
}

int quote_add_label(struct quote *q, struct text key, struct text value, struct error *err)
{
    size_t used = strlen(q->labels); /* of an object, or nothing */
    char *end = q->labels + (used ? used - 1 : 0);
    size_t room = sizeof q->labels - (size_t)(end - q->labels);
    if (!is_plain(key) || !is_plain(value) || key.length + value.length + 16 > room)
        return error_set(err, ERR_INPUT, "labels hold no quotes, and %d bytes together at most",
                         QUOTE_LABELS_SIZE - 16);
    snprintf(end, room, "%s\"%.*s\": \"%.*s\"}", used ? ", " : "{", (int)key.length, key.at,
             (int)value.length, value.at);
    return 0;
}

static void read_labels(struct json_scan *s, const struct json_field *f, void *quote)
{
    struct quote *q = quote;
    struct text raw;
    (void)f;
    if (!json_skip(s, &raw))
        return;
    if (raw.at[0] != '{' || raw.length >= sizeof q->labels)
        json_fail(s, "expected an object of labels, at most %d bytes", QUOTE_LABELS_SIZE - 1);
    else
        snprintf(q->labels, sizeof q->labels, "%.*s", (int)raw.length, raw.at);
}

static void read_instant(struct json_scan *s, const struct json_field *f, void *member)
{
    struct text t;
    (void)f;
    if (json_string(s, &t) && clock_parse_instant(t.at, t.length, member) < 0)
        json_fail(s, "expected an instant such as \"2026-11-01T12:00:00Z\"");
}

#define AT(member) JSON_AT(struct quote, member)
#define TOKENS(member) JSON_AS_UINT, AT(member), 0, QUOTE_MOST
static const struct json_field rows[] = {
    {"plan", JSON_AS_CHARS, AT(plan)},
    {"model", JSON_AS_CHARS, AT(model)},
    {"class", JSON_AS_CHARS, AT(class_name)},
    {"input", TOKENS(input)},
    {"cached_input", TOKENS(cached_input)},
    {"cache_write", TOKENS(cache_write)},
    {"cache_write_1h", TOKENS(cache_write_1h)},
    {"output", TOKENS(output)},
    {"reasoning", TOKENS(reasoning)},
    {"image_input", TOKENS(media[0])},
    {"audio_input", TOKENS(media[1])},
    {"video_input", TOKENS(media[2])},
    {"cached_image_input", TOKENS(media[3])},
    {"cached_audio_input", TOKENS(media[4])},
    {"image_output", TOKENS(media[5])},
    {"audio_output", TOKENS(media[6])},
    {"service", .read = read_service},
    {"labels", .read = read_labels},
    {"at", JSON_AS_OTHER, AT(at_unix_ns), .read = read_instant},
    {"tools", .read = read_tools},
    {"units", .read = read_units},
};
static const struct json_table quote_table = {JSON_ROWS(rows), .where = "a usage"};

/* Those inside the two lengths. */
static struct usage classes_of(const struct quote *q)
{
    struct usage u = {.tokens = {[USAGE_CACHED_INPUT] = q->cached_input,
                                 [USAGE_CACHE_WRITE] = q->cache_write,
                                 [USAGE_CACHE_WRITE_1H] = q->cache_write_1h,
                                 [USAGE_REASONING] = q->reasoning}};
    for (int i = 0; i < USAGE_MEDIA_CLASSES; i++)
        u.tokens[USAGE_PLAIN_CLASSES + i] = q->media[i];
    return u;
}

int quote_parse(const char *file, struct text line, long number, struct quote *out,
                struct error *err)
{
    struct json_scan s;
    quote_init(out);
    json_scan_init(&s, file, line.at, line.length, number);
    json_fields_read(&s, &quote_table, out);
    struct usage u = classes_of(out);
    if (usage_input(&u) > out->input)
        json_fail(&s, "the cached and written tokens are more than \"input\", which holds them");
    if (usage_output(&u) > out->output)
        json_fail(&s, "the reasoning tokens are more than \"output\", which holds them");
    return json_scan_end(&s, err);
}

int quote_price(const struct plan *plan, struct quote *q, struct charge *out, struct error *err)
{
    const struct plan_rate *rate = plan_rate_for(plan, q->model[0] ? q->model : NULL);
    if (!rate)
        return error_set(err, ERR_INPUT, "the plan \"%.100s\" does not serve the model \"%.100s\"",
                         plan->name, q->model);
    struct usage u = classes_of(q);
    usage_fit(&u, q->input, q->output);
    for (size_t i = 0; i < q->extra_count; i++)
        q->extras[i].name = q->extra_names[i];
    u.extras = q->extras;
    u.extra_count = q->extra_count;
    struct price_query query = {.usage = &u,
                                .service = q->service,
                                .other_service = q->other_service,
                                .at_unix_ns = q->at_unix_ns,
                                .uplift = plan_rate_uplift(rate, q->labels[0] ? q->labels : NULL),
                                .model = q->model[0] ? q->model : NULL,
                                .class_name = q->class_name[0] ? q->class_name : NULL};
    if (price_request(plan, rate, &query, out) < 0)
        return error_set(err, ERR_INPUT, "the charge under \"%.100s\" passes 1.7e14 USD",
                         plan->name);
    return 0;
}
