#include "bench/wire/models.h"

#include "core/json/json_scan.h"

static const char *const context_keys[] = {"max_model_len",
                                           "context_length",
                                           "max_context_length",
                                           "context_window",
                                           "n_ctx",
                                           "n_ctx_train",
                                           NULL};

static void read_context(struct json_scan *s, struct model_listed *out)
{
    struct text number;
    double tokens;
    if (!json_skip_unless(s, JSON_NUMBER) || !json_skip(s, &number) ||
        !text_to_double(number, &tokens) || !(tokens >= 1) || tokens > 1e12)
        return;
    if (out->context_tokens == 0 || (uint64_t)tokens < out->context_tokens)
        out->context_tokens = (uint64_t)tokens;
}

static void read_id(struct json_scan *s, struct model_listed *out)
{
    struct text raw;
    struct buffer id;
    if (!json_skip_unless(s, JSON_STRING) || !json_string(s, &raw))
        return;
    buffer_init(&id, sizeof out->id - 1);
    if (json_unescape(raw, &id) && id.length)
        memcpy(out->id, id.data, id.length);
    buffer_free(&id);
}

static void read_members(struct json_scan *s, struct model_listed *out)
{
    struct text key;
    if (!json_skip_unless(s, JSON_OBJECT))
        return;
    json_object_begin(s);
    while (json_object_next(s, &key)) {
        if (text_equal(key, "id"))
            read_id(s, out);
        else if (text_equal(key, "meta"))
            read_members(s, out);
        else if (text_place(key, context_keys) >= 0)
            read_context(s, out);
        else
            json_skip(s, NULL);
    }
}

static bool read_list(struct json_scan *s, const char *name, struct model_listed *out)
{
    if (!json_skip_unless(s, JSON_ARRAY))
        return false;
    json_array_begin(s);
    while (json_array_next(s)) {
        struct model_listed m = {0};
        read_members(s, &m);
        if (name ? strcmp(m.id, name) == 0 : m.id[0] != '\0') {
            *out = m;
            return true;
        }
    }
    return false;
}

bool models_find(struct text body, const char *name, struct model_listed *out)
{
    struct json_scan s;
    struct text key;
    *out = (struct model_listed){0};
    json_scan_init(&s, "models", body.at, body.length, 1);
    if (json_peek(&s) == JSON_ARRAY)
        return read_list(&s, name, out);
    if (!json_object_begin(&s))
        return false;
    while (json_object_next(&s, &key)) {
        if (text_equal(key, "data"))
            return read_list(&s, name, out);
        json_skip(&s, NULL);
    }
    return false;
}
