#include "bench/wire/tokenize.h"

#include "core/json/json_scan.h"
#include "core/json/json_write.h"

#include <string.h>

void tokenize_add_body(enum tokenize_form form, const char *model, struct text text,
                       struct buffer *out)
{
    static const char *const opening[] = {
        [TOKENIZE_MESSAGES] = "\"messages\":[{\"role\":\"user\",\"content\":\"",
        [TOKENIZE_PROMPT] = "\"prompt\":\"",
        [TOKENIZE_CONTENT] = "\"content\":\"",
        [TOKENIZE_INPUTS] = "\"inputs\":\"",
    };
    buffer_add_byte(out, '{');
    if (form <= TOKENIZE_PROMPT) {
        buffer_add_text(out, "\"model\":");
        json_escape(out, text_of(model));
        buffer_add_byte(out, ',');
    }
    buffer_add_text(out, opening[form]);
    buffer_add(out, text.at, text.length);
    buffer_add_text(out, form == TOKENIZE_MESSAGES ? "\"}]}" : "\"}");
}

static uint64_t count_elements(struct json_scan *s)
{
    uint64_t n = 0;
    json_array_begin(s);
    for (; json_array_next(s); n++)
        json_skip(s, NULL);
    return n;
}

uint64_t tokenize_read(struct text answer)
{
    struct json_scan s;
    struct text key, number;
    double said = 0;
    uint64_t listed = 0;
    json_scan_init(&s, "tokens", answer.at, answer.length, 1);
    if (json_peek(&s) == JSON_ARRAY) {
        listed = count_elements(&s);
    } else if (json_object_begin(&s)) {
        while (json_object_next(&s, &key)) {
            if (text_equal(key, "count") && json_peek(&s) == JSON_NUMBER)
                said = json_skip(&s, &number) && text_to_double(number, &said) ? said : 0;
            else if (text_equal(key, "tokens") && json_peek(&s) == JSON_ARRAY)
                listed = count_elements(&s);
            else
                json_skip(&s, NULL);
        }
    }
    if (json_scan_end(&s, NULL) < 0)
        return 0;
    return said >= 1 && said < 1e12 ? (uint64_t)said : listed;
}

size_t tokenize_base_length(const char *url)
{
    size_t n = strcspn(url, "?#");
    while (n && url[n - 1] == '/')
        n--;
    if (n > 3 && memcmp(url + n - 3, "/v1", 3) == 0)
        n -= 3;
    return n;
}
