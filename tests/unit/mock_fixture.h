/* A mock in a thread, a raw client on it, and ways into the JSON it answers.
 *
 * set_up() gives the default config with fast constant times; a test changes `config`, calls
 * start(), and speaks through `client`; tear_down() ends both.
 */
#ifndef FAREBOX_TESTS_MOCK_FIXTURE_H
#define FAREBOX_TESTS_MOCK_FIXTURE_H

#include "raw_client.h"
#include "sim/mock/mock.h"
#include "testing.h"

#include <cjson/cJSON.h>
#include <math.h>

#define CHAT "/v1/chat/completions"
#define ASK(rest) \
    "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"one two three\"}]" rest "}"

static struct mock_config config;
static struct mock *mock;
static struct raw_client client;

static inline void start(void)
{
    struct error err = {0};
    mock = mock_create(&config, &err);
    ck_assert_msg(mock != NULL, "%s", err.message);
    ck_assert_int_eq(mock_start(mock, &err), 0);
    raw_connect(&client, mock_port(mock));
}

static inline void set_up(void)
{
    mock_config_init(&config);
    config.engine = engine_config_constant(1, 0.1);
}

static inline void tear_down(void)
{
    if (mock)
        raw_close(&client);
    mock_free(mock);
    mock = NULL;
}

static inline cJSON *ask(const char *path, const char *body, int status)
{
    raw_post(&client, path, "", body);
    ck_assert(raw_read_answer(&client));
    ck_assert_msg(client.status == status, "%d: %s", client.status, client.body.data);
    cJSON *json = cJSON_Parse(client.body.data);
    ck_assert_ptr_nonnull(json);
    return json;
}

/* The value at a path such as "choices.0.message.content". */
static inline const cJSON *at(const cJSON *json, const char *path)
{
    while (json && *path) {
        size_t length = strcspn(path, ".");
        char key[64];
        snprintf(key, sizeof key, "%.*s", (int)length, path);
        json = cJSON_IsArray(json) ? cJSON_GetArrayItem(json, atoi(key))
                                   : cJSON_GetObjectItemCaseSensitive(json, key);
        path += length + (path[length] == '.');
    }
    return json;
}

static inline const char *text_at(const cJSON *json, const char *path)
{
    const char *text = cJSON_GetStringValue(at(json, path));
    return text ? text : "(none)";
}

static inline double number_at(const cJSON *json, const char *path)
{
    const cJSON *v = at(json, path);
    return cJSON_IsNumber(v) ? v->valuedouble : NAN;
}

#endif
