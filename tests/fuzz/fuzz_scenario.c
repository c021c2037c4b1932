/* Any bytes as a scenario: an error, or a workload of a few requests whose order holds and whose
 * written form reads back. The first line up to a newline is taken as a transform. */
#include "core/buffer.h"
#include "core/memory.h"
#include "workloads/scenario/generate.h"
#include "workloads/transform/transform.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void change(const char *text, struct workload *w)
{
    struct transform t;
    struct error err = {0};
    if (transform_parse(text, &t, &err) < 0)
        return;
    if (transform_apply(&t, 1, w, NULL, &err) == 0 && workload_check_order(w, NULL, &err) < 0)
        abort();
    transform_free(&t);
}

static void generate(const struct scenario *s, const char *transform)
{
    struct generate_options o = {.requests = 40};
    struct workload w;
    struct error err = {0};
    workload_init(&w);
    if (workload_generate(s, 1, &o, &w, &err) == 0) {
        if (w.count > 40 || workload_check_order(&w, NULL, &err) < 0)
            abort();
        change(transform, &w);
    }
    workload_free(&w);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = (const char *)data, *newline = size ? memchr(text, '\n', size) : NULL;
    size_t head = newline ? (size_t)(newline - text) : 0;
    struct scenario s, again;
    struct error err = {0};
    struct buffer written;
    /* A data set on disk, or a prompt of a hundred million tokens, is no matter for a fuzzer. */
    if (size == 0 || size > 4096 || memmem(text, size, "servegen", 8) ||
        scenario_parse("fuzz", text + head, size - head, &s, &err) < 0)
        return 0;
    if (s.block_size && s.block_size < 4096)
        s.block_size = 4096;
    char *transform = mem_copy_text(text, head);
    buffer_init(&written, BUFFER_UNBOUNDED);
    scenario_write(&s, &written);
    if (scenario_parse("written", written.data, written.length, &again, &err) < 0)
        abort();
    scenario_free(&again);
    generate(&s, transform);
    buffer_free(&written);
    free(transform);
    scenario_free(&s);
    return 0;
}
