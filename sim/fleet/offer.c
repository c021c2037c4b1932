#include "sim/fleet/offer.h"

#include "core/clock.h"
#include "core/memory.h"
#include "core/text.h"

#include <stdlib.h>
#include <string.h>

#define HOUR_NS (3600 * NS_PER_S)

/* ---- pieces ---- */

static struct text cut_at(struct text *rest, char separator)
{
    const char *end = memchr(rest->at, separator, rest->length);
    struct text piece = {rest->at, end ? (size_t)(end - rest->at) : rest->length};
    size_t taken = piece.length + (end ? 1 : 0);
    rest->at += taken;
    rest->length -= taken;
    return text_trim(piece);
}

static int shown(struct text t)
{
    return (int)(t.length < 60 ? t.length : 60);
}

static bool read_duration(struct text t, int64_t *out)
{
    return t.length > 0 && clock_parse_duration(t.at, t.length, out) == 0;
}

static bool read_most(struct text t, uint32_t *out)
{
    uint64_t value;
    if (!text_to_u64(t, &value) || value < 1 || value > FLEET_MOST)
        return false;
    *out = (uint32_t)value;
    return true;
}

/* ---- offers ---- */

static int read_price(struct text t, struct fleet_offer *o, struct error *err)
{
    struct text rest = t, amount = cut_at(&rest, '/');
    bool by_gpu = text_equal(rest, "gpu-h");
    if (money_parse(amount.at, amount.length, MONEY_PER_ONE, &o->hour) == MONEY_OK &&
        o->hour >= 0 && (by_gpu || text_equal(rest, "h")) &&
        money_multiply(o->hour, by_gpu ? o->gpus : 1, &o->hour) == 0)
        return 0;
    return error_set(err, ERR_INPUT,
                     "--offer %s: its price is \"%.*s\": expected USD for a replica, such as 14/h, "
                     "or for one of its GPUs, 3.50/gpu-h",
                     o->name, shown(t), t.at);
}

static int read_term(struct text t, struct fleet_offer *o, struct error *err)
{
    struct text value = t, key = cut_at(&value, ':');
    if (text_equal(t, "spot"))
        o->spot = true;
    else if (text_equal(key, "unit")) {
        if (!read_duration(value, &o->unit_ns) || o->unit_ns < NS_PER_S)
            return error_set(err, ERR_INPUT,
                             "--offer %s: %.*s: a billing unit is a time of a second at least, "
                             "such as unit:1h",
                             o->name, shown(t), t.at);
    } else if (text_equal(key, "start")) {
        if (!read_duration(value, &o->start_ns) || o->start_ns > 24 * HOUR_NS)
            return error_set(err, ERR_INPUT,
                             "--offer %s: %.*s: a cold start takes a day at most, such as start:5m",
                             o->name, shown(t), t.at);
    } else if (!text_equal(key, "most") || !read_most(value, &o->most))
        return error_set(err, ERR_INPUT,
                         "--offer %s: \"%.*s\" is none of its terms: unit:1h, start:5m, spot, "
                         "most:N (1 to %d)",
                         o->name, shown(t), t.at, FLEET_MOST);
    return 0;
}

static int load_engine(struct text name, struct fleet_offer *o, struct error *err)
{
    char path[4096];
    if (engine_config_load(text_cut(name, path, sizeof path), &o->engine, err) < 0 ||
        engine_config_check(&o->engine, err) < 0)
        return err->code;
    if (o->engine.kind == ENGINE_CONSTANT || o->engine.prefill_replicas > 0)
        return error_set(err, ERR_INPUT,
                         "--offer %.*s: replicas of an engine of %s do not come and go here; "
                         "farebox engine list shows others",
                         shown(name), name.at,
                         o->engine.kind == ENGINE_CONSTANT ? "constant times" : "separate pools");
    o->gpus = o->engine.tensor_parallel ? o->engine.tensor_parallel : 1;
    o->gpus *= engine_config_unit(&o->engine);
    text_cut(text_of(o->engine.name), o->name, FLEET_NAME_SIZE - sizeof ":spot");
    return 0;
}

static const struct fleet_offer *find_offer(const struct fleet_terms *terms, struct text name,
                                            bool committable)
{
    for (size_t i = 0; i < terms->offer_count; i++)
        if (text_equal(name, terms->offers[i].name) && !(committable && terms->offers[i].spot))
            return &terms->offers[i];
    return NULL;
}

static int read_offer(struct text t, struct fleet_terms *terms, struct fleet_offer *o,
                      struct error *err)
{
    struct text rest = t, name = cut_at(&rest, '=');
    *o = (struct fleet_offer){.unit_ns = HOUR_NS, .start_ns = 300 * NS_PER_S};
    if (rest.length == 0 || name.length == 0)
        return error_set(err, ERR_INPUT,
                         "--offer %.*s: expected ENGINE=USD/h and its terms, such as "
                         "h200-llama-3.3-70b-fp8-tp4=14/h,unit:1h,start:5m",
                         shown(t), t.at);
    if (load_engine(name, o, err) < 0 || read_price(cut_at(&rest, ','), o, err) < 0)
        return err->code;
    while (rest.length > 0)
        if (read_term(cut_at(&rest, ','), o, err) < 0)
            return err->code;
    if (o->spot)
        strcat(o->name, ":spot"); /* load_engine left room */
    if (find_offer(terms, text_of(o->name), false))
        return error_set(err, ERR_INPUT, "--offer names %s twice", o->name);
    return 0;
}

int fleet_offer_parse(const char *text, struct fleet_terms *terms, struct error *err)
{
    if (terms->offer_count == COURSE_OFFERS)
        return error_set(err, ERR_INPUT, "--offer: expected at most %d of them", COURSE_OFFERS);
    terms->offers = mem_resize(terms->offers, terms->offer_count + 1, sizeof *terms->offers);
    if (read_offer(text_of(text), terms, &terms->offers[terms->offer_count], err) < 0)
        return err->code;
    terms->offer_count++;
    return 0;
}

/* ---- commitments ---- */

static bool read_discount(struct text t, uint64_t *out)
{
    int64_t percent_ten_thousandths;
    if (t.length < 2 || t.at[t.length - 1] != '%')
        return false;
    t.length--;
    if (!text_to_fixed(t, 4, &percent_ten_thousandths) || percent_ten_thousandths < 0 ||
        percent_ten_thousandths > 1000000)
        return false;
    *out = (uint64_t)percent_ten_thousandths;
    return true;
}

static int refuse_commitment(struct text t, const char *why, struct error *err)
{
    return error_set(err, ERR_INPUT,
                     "--commit %.*s: %s; expected an offer, its discount and terms, such as "
                     "NAME=30%%,term:30d,most:4",
                     shown(t), t.at, why);
}

int fleet_commitment_parse(const char *text, struct fleet_terms *terms, struct error *err)
{
    struct text whole = text_of(text), rest = whole, name = cut_at(&rest, '=');
    struct fleet_commitment c = {.term_ns = 30 * 24 * HOUR_NS};
    const struct fleet_offer *o = find_offer(terms, name, true);
    if (terms->commitment_count == COURSE_COMMITMENTS)
        return error_set(err, ERR_INPUT, "--commit: expected at most %d of them",
                         COURSE_COMMITMENTS);
    if (!o)
        return refuse_commitment(whole, "no offer that is not spot has this name", err);
    c.offer = (size_t)(o - terms->offers);
    if (!read_discount(cut_at(&rest, ','), &c.off_millionths))
        return refuse_commitment(whole, "its discount is none of 0% to 100%", err);
    while (rest.length > 0) {
        struct text value = cut_at(&rest, ','), key = cut_at(&value, ':');
        bool good = text_equal(key, "term") ? read_duration(value, &c.term_ns) && c.term_ns > 0
                                            : text_equal(key, "most") && read_most(value, &c.most);
        if (!good)
            return refuse_commitment(whole, "one of its terms is not known", err);
    }
    terms->commitments[terms->commitment_count++] = c;
    return 0;
}

/* ---- interruptions ---- */

static bool read_absence(struct text t, struct fleet_absence *out)
{
    struct text number = t, to = cut_at(&number, ':'), from = cut_at(&to, '-');
    *out = (struct fleet_absence){.replicas = UINT32_MAX};
    return read_duration(from, &out->from_ns) && read_duration(to, &out->to_ns) &&
           out->from_ns < out->to_ns &&
           (number.length == 0 || text_equal(number, "all") || read_most(number, &out->replicas));
}

int fleet_interruption_parse(const char *text, struct fleet_terms *terms, struct error *err)
{
    struct text rest = text_of(text);
    struct fleet_interruption *i = &terms->interruptions[terms->interruption_count];
    if (terms->interruption_count == COUNT_OF(terms->interruptions))
        return error_set(err, ERR_INPUT, "--interrupt: expected at most %zu scenarios",
                         COUNT_OF(terms->interruptions));
    *i = (struct fleet_interruption){.count = 0};
    do {
        struct text span = cut_at(&rest, ',');
        if (i->count == FLEET_SPANS || !read_absence(span, &i->spans[i->count++]))
            return error_set(err, ERR_INPUT,
                             "--interrupt %.40s: expected at most %d times from the horizon's "
                             "begin, and how many replicas of each spot offer are away: "
                             "2h-4h:1,9h-10h:all",
                             text, FLEET_SPANS);
    } while (rest.length > 0);
    terms->interruption_count++;
    return 0;
}

void fleet_terms_free(struct fleet_terms *terms)
{
    free(terms->offers);
    *terms = (struct fleet_terms){0};
}

/* ---- what they cost ---- */

int fleet_offer_unit_usd(const struct fleet_offer *o, money *out)
{
    return money_prorate(o->hour, (uint64_t)o->unit_ns, (uint64_t)HOUR_NS, out);
}

int fleet_commitment_usd(const struct fleet_terms *terms, const struct fleet_commitment *c,
                         int64_t span_ns, money *out)
{
    money hour;
    if (money_prorate(terms->offers[c->offer].hour, 1000000 - c->off_millionths, 1000000, &hour) <
        0)
        return -1;
    return money_prorate(hour, (uint64_t)span_ns, (uint64_t)HOUR_NS, out);
}
