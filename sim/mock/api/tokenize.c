#include "sim/mock/api/tokenize.h"

#include "core/json/json_write.h"
#include "sim/mock/api/mock_api.h"

#include <stdlib.h>
#include <string.h>

/* What counts, without what only says how (add_generation_prompt, add_special_tokens, ...). */
static char *reduce(const char *body, size_t length, const struct mock_api **api)
{
    static const char *const keys[] = {"model", "messages", "prompt", "tools"};
    cJSON *given = cJSON_ParseWithLength(body, length), *kept = cJSON_CreateObject();
    bool chat = cJSON_IsObject(given) && ask_member(given, "messages");
    for (size_t i = 0; i < sizeof keys / sizeof *keys && cJSON_IsObject(given); i++) {
        cJSON *value = cJSON_DetachItemFromObjectCaseSensitive(given, keys[i]);
        if (value && (chat ? i != 2 : i % 2 == 0))
            cJSON_AddItemToObject(kept, keys[i], value);
        else
            cJSON_Delete(value);
    }
    char *text = cJSON_PrintUnformatted(kept);
    *api = chat ? &mock_chat : &mock_completions;
    cJSON_Delete(given);
    cJSON_Delete(kept);
    return text;
}

static void write_count(uint64_t count, struct buffer *out)
{
    struct json_writer w;
    json_write_init(&w, out, 0);
    json_begin_object(&w);
    json_pair_u64(&w, "count", count);
    json_key(&w, "max_model_len");
    json_put_null(&w); /* the mock takes any length */
    json_key(&w, "tokens");
    json_begin_array(&w);
    for (uint64_t i = 0; i < count; i++)
        json_put_u64(&w, i);
    json_end_array(&w);
    json_end_object(&w);
}

int tokenize_answer(const char *body, size_t length, const struct ask_rules *rules,
                    struct buffer *out, struct api_error *e)
{
    const struct mock_api *api;
    struct ask a;
    char *text = reduce(body, length, &api);
    int bad = ask_parse(&a, api, text, strlen(text), rules, e);
    if (!bad)
        write_count(a.prompt.tokens, out);
    ask_free(&a);
    free(text);
    return bad;
}
