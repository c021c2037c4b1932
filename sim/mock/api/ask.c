#include "sim/mock/api/ask.h"

#include "sim/mock/api/mock_api.h"

#include <stdlib.h>
#include <string.h>

const cJSON *ask_member(const cJSON *object, const char *name)
{
    const cJSON *v = cJSON_GetObjectItemCaseSensitive(object, name);
    return cJSON_IsNull(v) ? NULL : v;
}

const char *ask_string(const cJSON *object, const char *name)
{
    return cJSON_GetStringValue(ask_member(object, name));
}

int ask_missing(const char *name, struct api_error *e)
{
    return api_error_invalid(e, name, "missing_required_parameter",
                             "Missing required parameter: '%s'.", name);
}

void ask_add_text(struct ask *a, const char *text)
{
    prompt_add_words(&a->prompt, text, strlen(text));
    if (a->keeps)
        said_add(&a->said, SAID_TEXT, text_of(text));
}

void ask_add_role(struct ask *a, const char *role)
{
    prompt_add(&a->prompt, role, strlen(role));
    if (a->keeps)
        said_add(&a->said, SAID_ROLE, text_of(role));
}

static int parse_model(struct ask *a, const struct ask_rules *rules, struct api_error *e)
{
    a->model = ask_string(a->body, "model");
    if (!a->model)
        return ask_missing("model", e);
    if (rules->model && strcmp(rules->model, a->model) != 0)
        return api_error_set(e, 404, "invalid_request_error", "model", "model_not_found",
                             "The model '%.100s' does not exist; this endpoint serves '%.100s'.",
                             a->model, rules->model);
    return 0;
}

int ask_parse(struct ask *a, const struct mock_api *api, const char *body, size_t length,
              const struct ask_rules *rules, struct api_error *e)
{
    *a = (struct ask){.choices = 1};
    prompt_init(&a->prompt, &rules->tokens);
    buffer_init(&a->said, BUFFER_UNBOUNDED);
    a->body = cJSON_ParseWithLength(body, length);
    if (!cJSON_IsObject(a->body))
        return api_error_invalid(e, NULL, "invalid_json",
                                 "We could not parse the JSON body of your request: expected an "
                                 "object.");
    if (fields_check(api->fields, a->body, e) < 0 || parse_model(a, rules, e) < 0)
        return -1;
    int bad = api->parse(a, rules, e);
    prompt_end(&a->prompt);
    return bad;
}

static void drop_body(struct ask *a)
{
    cJSON_Delete(a->body);
    free(a->tools);
    a->body = NULL;
    a->tools = NULL;
}

void ask_drop_body(struct ask *a)
{
    if (!a->tells_documents)
        drop_body(a);
}

void ask_free(struct ask *a)
{
    for (size_t i = 0; i < ASK_MAX_CHOICES; i++)
        free(a->echoes[i]);
    drop_body(a);
    buffer_free(&a->said);
    free(a->echo);
    a->echo = NULL;
    free(a->images);
    a->images = NULL;
    prompt_free(&a->prompt);
    prefix_list_free(&a->prefixes);
}
