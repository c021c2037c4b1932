/* Whose answer a body is, by the members at its top. */
#include "bench/wire/chunk.h"

static const struct {
    const char *member;
    enum json_kind kind;
    const char *api, *words;
} forms[] = {
    {"choices", JSON_ARRAY, "chat", "one of --api chat"},
    {"content", JSON_ARRAY, "messages", "one of --api messages"},
    {"output", JSON_ARRAY, "responses", "one of --api responses"},
    {"data", JSON_ARRAY, "embeddings", "one of --api embeddings"},
    {"results", JSON_ARRAY, "rerank", "one of --api rerank"},
    {"candidates", JSON_ARRAY, NULL,
     "one of Gemini's own API: its chat stands behind /v1beta/openai"},
    {"generated_text", JSON_STRING, NULL,
     "one of Text Generation Inference's own API: its chat "
     "stands behind /v1"},
};

const char *chunk_looks_like(struct text body, const char **api)
{
    struct json_scan s;
    struct text key;
    const char *words = NULL;
    *api = NULL;
    json_scan_init(&s, "answer", body.at, body.length, 1);
    if (json_peek(&s) != JSON_OBJECT)
        return NULL;
    json_object_begin(&s);
    while (json_object_next(&s, &key)) {
        enum json_kind kind = json_peek(&s);
        for (size_t i = 0; !words && i < sizeof forms / sizeof *forms; i++) {
            if (kind == forms[i].kind && text_equal(key, forms[i].member)) {
                words = forms[i].words;
                *api = forms[i].api;
            }
        }
        json_skip(&s, NULL);
    }
    return words;
}

static const struct {
    const char *type, *api, *words;
} events[] = {
    {"message_start", "messages", "one of --api messages"},
    {"content_block_", "messages", "one of --api messages"},
    {"response.", "responses", "one of --api responses"},
};

const char *chunk_event_looks_like(struct text data, const char **api)
{
    struct json_scan s;
    struct text key, type = {"", 0};
    json_scan_init(&s, "event", data.at, data.length, 1);
    *api = NULL;
    if (json_peek(&s) != JSON_OBJECT)
        return NULL;
    json_object_begin(&s);
    while (json_object_next(&s, &key)) {
        if (text_equal(key, "type") && json_peek(&s) == JSON_STRING)
            json_string(&s, &type);
        else
            json_skip(&s, NULL);
    }
    for (size_t i = 0; i < sizeof events / sizeof *events; i++)
        if (text_starts(type, events[i].type)) {
            *api = events[i].api;
            return events[i].words;
        }
    return type.length ? NULL : chunk_looks_like(data, api);
}
