/* libFuzzer entry: any bytes as --config FILE of a command, which the first byte chooses. What is
 * accepted is written as run.json has it, and read again as the same. */
#include "fuzzing.h"

#include "core/buffer.h"

static char *effective(const struct command *c, const char *path, struct error *err)
{
    char option[] = "--config", file[256];
    char *words[] = {option, file, NULL};
    snprintf(file, sizeof file, "%s", path);
    struct common_options *o = mem_zero(1, c->options_size);
    struct json_writer w;
    struct buffer out;
    char *text = NULL;
    buffer_init(&out, BUFFER_UNBOUNDED);
    if (options_parse(c->options, 2, words, o, err) == 0) {
        json_write_init(&w, &out, 0);
        options_write(c->options, o, &w);
        text = mem_copy_text(out.data, out.length);
    }
    buffer_free(&out);
    options_free(o);
    free(o);
    return text;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct error err = {0};
    size_t count = 0;
    if (size < 1)
        return 0;
    while (commands[count])
        count++;
    const struct command *c = commands[data[0] % count];
    char *first = effective(c, fuzz_write("config.json", data + 1, size - 1), &err);
    if (!first) {
        if (err.code != ERR_INPUT || !err.message[0])
            abort();
        return 0;
    }
    char *again = effective(c, fuzz_write("again.json", first, strlen(first)), &err);
    /* What is hidden as a secret cannot come back. */
    if (!strstr(first, "hidden") && (!again || strcmp(first, again) != 0))
        abort();
    free(first);
    free(again);
    return 0;
}
