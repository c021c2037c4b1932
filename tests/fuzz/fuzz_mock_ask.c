/* libFuzzer entry: the first byte chooses the endpoint, the rest is a request's body. What is
 * accepted must be answered with as many tokens as were planned, and tool arguments must be JSON.
 */
#include "sim/mock/api/mock_api.h"

#include <stdlib.h>

static void check_arguments(const struct answer *a)
{
    for (uint32_t i = 0; i < a->part_count; i++) {
        const struct answer_part *p = &a->parts[i];
        if (p->kind != PART_TOOL || a->finish_reason[0] == 'l')
            continue;
        cJSON *json = cJSON_ParseWithLength(p->text, p->length);
        if (!json)
            abort();
        cJSON_Delete(json);
    }
}

static void answer_it(const struct mock_api *api, const struct ask *ask)
{
    struct answer_rules rules = {.tokens = {1.3, 7, 16}, .reasoning_tokens = 3};
    struct answer a;
    answer_plan(&a, ask, &rules, 5);
    uint32_t tokens = 0;
    for (uint32_t i = 0; i < a.part_count; i++)
        tokens += a.parts[i].tokens;
    if (tokens != a.tokens || a.reasoning_tokens > a.tokens)
        abort();
    check_arguments(&a);
    struct buffer out;
    buffer_init(&out, BUFFER_UNBOUNDED);
    struct usage u = {0};
    struct rendering r = {.ask = ask, .answer = &a, .model = ask->model, .id = "id"};
    for (size_t i = 0; i < ASK_MAX_CHOICES; i++)
        r.answers[i] = &a;
    api->add_answer(&r, &u, &out);
    cJSON *json = cJSON_ParseWithLength(out.data, out.length);
    if (!json)
        abort();
    cJSON_Delete(json);
    buffer_free(&out);
    answer_free(&a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    struct ask_rules rules = {.tokens = {1.3, 7, 16}, .default_output = 20, .max_output = 300};
    struct ask ask;
    struct api_error e = {0};
    size_t count = 0;
    while (mock_api_at(count))
        count++;
    const struct mock_api *api = mock_api_at(data[0] % count);
    if (ask_parse(&ask, api, (const char *)data + 1, size - 1, &rules, &e) == 0)
        answer_it(api, &ask);
    else if (e.status < 400 || e.message[0] == '\0')
        abort();
    ask_free(&ask);
    return 0;
}
