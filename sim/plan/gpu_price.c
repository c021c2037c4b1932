#include "sim/plan/gpu_price.h"

#include "core/text.h"

#include <string.h>

static int read_price(struct text t, money *out, struct error *err)
{
    enum money_fault fault = money_parse(t.at, t.length, MONEY_PER_ONE, out);
    if (fault == MONEY_OK && *out >= 0)
        return 0;
    return error_set(err, ERR_INPUT,
                     "--gpu-hour %.*s: expected USD, such as 2.50, or by GPU: h200=3.50,b200=6",
                     (int)(t.length < 40 ? t.length : 40), t.at);
}

static const struct gpu_price *find_name(const struct gpu_prices *p, const char *name)
{
    for (size_t i = 0; i < p->count; i++)
        if (strcmp(p->items[i].name, name) == 0)
            return &p->items[i];
    return NULL;
}

static int read_other(struct text t, struct gpu_prices *out, struct error *err)
{
    if (out->has_other)
        return error_set(err, ERR_INPUT,
                         "--gpu-hour has two prices without a name: which of them "
                         "is for what? h200=3.50,b200=6");
    out->has_other = true;
    return read_price(t, &out->other, err);
}

static int read_item(struct text t, struct gpu_prices *out, struct error *err)
{
    const char *equals = memchr(t.at, '=', t.length);
    if (!equals)
        return read_other(t, out, err);
    struct text name = text_trim((struct text){t.at, (size_t)(equals - t.at)});
    struct text price =
        text_trim((struct text){equals + 1, t.length - (size_t)(equals + 1 - t.at)});
    struct gpu_price *p = &out->items[out->count];
    if (out->count == GPU_PRICES || name.length == 0 || name.length >= sizeof p->name)
        return error_set(err, ERR_INPUT,
                         "--gpu-hour: expected at most %d prices NAME=USD with the name of a GPU "
                         "or an engine, such as h200=3.50",
                         GPU_PRICES);
    memcpy(p->name, name.at, name.length);
    p->name[name.length] = 0;
    if (find_name(out, p->name))
        return error_set(err, ERR_INPUT, "--gpu-hour: %s has two prices", p->name);
    out->count++;
    return read_price(price, &p->hour, err);
}

int gpu_prices_read(const char *text, struct gpu_prices *out, struct error *err)
{
    *out = (struct gpu_prices){.count = 0};
    for (;;) {
        size_t length = strcspn(text, ",");
        if (read_item(text_trim((struct text){text, length}), out, err) < 0)
            return err->code;
        if (!text[length])
            return 0;
        text += length + 1;
    }
}

static const struct gpu_price *find_price(const struct gpu_prices *prices, const char *engine)
{
    const struct gpu_price *best = NULL;
    size_t most = 0;
    for (size_t i = 0; i < prices->count; i++) {
        size_t length = strlen(prices->items[i].name);
        if (length > most && strncmp(prices->items[i].name, engine, length) == 0 &&
            (engine[length] == 0 || engine[length] == '-')) {
            best = &prices->items[i];
            most = length;
        }
    }
    return best;
}

bool gpu_prices_find(const struct gpu_prices *prices, const char *engine, money *hour)
{
    const struct gpu_price *own = find_price(prices, engine);
    if (!own && !prices->has_other)
        return false;
    *hour = own ? own->hour : prices->other;
    return true;
}

int gpu_prices_all_used(const struct gpu_prices *prices, const char *const *names, size_t count,
                        struct error *err)
{
    bool other = false;
    bool used[GPU_PRICES] = {false};
    for (size_t i = 0; i < count; i++) {
        const struct gpu_price *p = find_price(prices, names[i]);
        if (p)
            used[p - prices->items] = true;
        other |= !p;
    }
    for (size_t i = 0; i < prices->count; i++)
        if (!used[i])
            return error_set(err, ERR_INPUT,
                             "--gpu-hour %s: no engine has this name or begins with it and a \"-\"",
                             prices->items[i].name);
    if (prices->has_other && !other)
        return error_set(err, ERR_INPUT,
                         "--gpu-hour: the price without a name is that of no "
                         "engine, as all have their own");
    return 0;
}
