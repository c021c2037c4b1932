/* libFuzzer entry: any bytes as the list of models, as /tokenize's answer, as a learnt scale, and
 * as what a later turn carries: the turn must be JSON, whatever the answer was. */
#include "bench/prompt/learn.h"
#include "bench/wire/models.h"
#include "bench/wire/openai.h"
#include "bench/wire/tokenize.h"
#include "core/memory.h"

#include <stdlib.h>
#include <string.h>

static int add_nothing(const void *source, struct buffer *out)
{
    (void)source;
    (void)out;
    return 0;
}

static void carry(const struct bench_api *api, struct text bytes)
{
    struct api_prompt p = {.add_text = add_nothing, .history = {"", 0}};
    struct reply r = {0};
    struct buffer body;
    struct json_scan s;
    buffer_init(&body, BUFFER_UNBOUNDED);
    api->read_reply(bytes, &r);
    api->read_reply(bytes, &r);
    buffer_add_byte(&body, '{');
    struct buffer history;
    buffer_init(&history, BUFFER_UNBOUNDED);
    if (api->add_turn(&p, &r, &history) < 0)
        abort();
    p.history = (struct text){history.data ? history.data : "", history.length};
    if (api->add_prompt(&p, &body) < 0)
        abort();
    body.data[body.length - 1] = '}';
    json_scan_init(&s, "body", body.data, body.length, 1);
    json_skip(&s, NULL);
    if (json_scan_end(&s, NULL) < 0)
        abort();
    buffer_free(&history);
    buffer_free(&body);
    reply_free(&r);
}

static void read_scale(const char *bytes, size_t size)
{
    struct prompt_scale scale;
    struct error err = {0};
    char *text = mem_copy_text(bytes, size);
    if (prompt_scale_read(text, &scale, &err) == 0) {
        double costs[WORDS_LISTED];
        prompt_scale_costs(&scale, costs);
        for (int i = 0; i < WORDS_LISTED; i++)
            if (!(costs[i] > 0))
                abort();
    }
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *bytes = (const char *)data;
    struct text text = {bytes, size};
    struct model_listed m;
    if (models_find(text, NULL, &m) && strlen(m.id) >= sizeof m.id)
        abort();
    models_find(text, "m", &m);
    tokenize_read(text);
    carry(&api_chat, text);
    carry(&api_completions, text);
    carry(&api_responses, text);
    carry(&api_messages, text);
    read_scale(bytes, size);
    return 0;
}
