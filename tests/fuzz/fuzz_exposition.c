/* libFuzzer entry: the input is a server's answer to a scrape. Whatever it holds, samples lie
 * within it and are finite, and what the table makes of it can be written and read back. */
#include "bench/server/exposition.h"
#include "bench/server/server_names.h"
#include "core/json/json_scan.h"

#include <math.h>
#include <stdlib.h>

static void read_samples(struct text body)
{
    struct exposition x;
    struct exposition_sample s;
    struct text value;
    exposition_begin(&x, body);
    while (exposition_next(&x, &s)) {
        if (!isfinite(s.value) || s.name.length == 0 || s.name.at < body.at ||
            s.name.at + s.name.length > body.at + body.length ||
            s.labels.at + s.labels.length > body.at + body.length)
            abort();
        exposition_label(&s, text_of("le"), &value);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct server_rules rules;
    char *own = malloc(size ? size : 1);
    struct text body = {own, size};
    struct server_line line;
    struct server_found found;
    struct buffer text;
    struct json_scan scan;
    if (rules.count == 0)
        server_rules_add(&rules, "own=mean(v*{a!=\"b*\"})", NULL);
    for (size_t i = 0; i < size; i++)
        own[i] = (char)data[i];
    read_samples(body);
    server_line_init(&line);
    server_names_read(&rules, body, &line, &found);
    buffer_init(&text, BUFFER_UNBOUNDED);
    server_line_write(&line, &text);
    json_scan_init(&scan, "line", text.data, text.length, 1);
    json_skip(&scan, NULL);
    if (json_scan_end(&scan, NULL) < 0)
        abort();
    buffer_free(&text);
    free(own);
    return 0;
}
