/* libFuzzer entry: what a caller sends to the recorder. The first byte chooses: a request's head, a
 * chunked body, or a body's JSON; the second how it comes in pieces. However the bytes are cut,
 * they say the same, and nothing that is lent lies outside of them. */
#include "bench/recorder/asked.h"
#include "bench/recorder/chunked.h"
#include "bench/recorder/head.h"

#include <stdlib.h>
#include <string.h>

static void inside(struct text part, struct text whole)
{
    if (part.length > 0 && (part.at < whole.at || part.at + part.length > whole.at + whole.length))
        abort();
}

/* A head is whole from its end on and not before; what it says lies in it. */
static void check_head(struct text bytes)
{
    size_t length = head_length(bytes);
    struct head h;
    struct text name, value, found;
    if (length > bytes.length)
        abort();
    if (length == 0)
        return;
    if (head_length((struct text){bytes.at, length - 1}) != 0 ||
        head_length((struct text){bytes.at, length}) != length)
        abort();
    struct text head = {bytes.at, length};
    int status = head_read(&h, head);
    if (status != 0) {
        if (status < 400 || status > 599)
            abort();
        return;
    }
    inside(h.method, head);
    inside(h.target, head);
    inside(h.lines, head);
    if (h.method.length == 0 || h.target.length == 0 || (h.chunked && h.length > 0))
        abort();
    for (struct text lines = h.lines; head_next(&lines, &name, &value);) {
        char text[256];
        inside(name, head);
        inside(value, head);
        if (name.length == 0 || memchr(value.at, '\n', value.length))
            abort();
        if (name.length < sizeof text && !memchr(name.at, '\0', name.length)) {
            memcpy(text, name.at, name.length);
            text[name.length] = '\0';
            if (!head_is(name, text) || !head_find(h.lines, text, &found))
                abort();
        }
        (void)head_is_of_connection(name);
        (void)head_lists(value, "close");
    }
}

struct body {
    struct chunked c;
    char *data;
    size_t length, taken;
};

/* Feeds so many bytes at a time. */
static struct body unchunk(struct text bytes, size_t piece)
{
    struct body b = {.data = malloc(bytes.length + 1)};
    for (size_t at = 0; at < bytes.length && !b.c.done && !b.c.bad;) {
        size_t n = bytes.length - at < piece ? bytes.length - at : piece;
        struct text data = {"", 0};
        size_t taken = chunked_take(&b.c, bytes.at + at, n, &data);
        if (taken > n || (taken == 0 && !b.c.done && !b.c.bad))
            abort();
        inside(data, (struct text){bytes.at + at, n});
        if (data.length > taken)
            abort();
        if (data.length)
            memcpy(b.data + b.length, data.at, data.length);
        b.length += data.length;
        b.taken += taken;
        at += taken;
    }
    return b;
}

static void check_chunked(struct text bytes, size_t piece)
{
    struct body whole = unchunk(bytes, bytes.length + 1), parts = unchunk(bytes, piece);
    if (whole.c.done != parts.c.done || whole.c.bad != parts.c.bad ||
        whole.length != parts.length || (whole.c.done && whole.taken != parts.taken) ||
        memcmp(whole.data, parts.data, whole.length) != 0 || (whole.c.done && whole.c.bad))
        abort();
    free(whole.data);
    free(parts.data);
}

/* Turns end in the order of the messages, inside of the prompt; reading again says the same. */
static void check_asked(struct text bytes)
{
    struct asked a, b;
    asked_init(&a);
    asked_init(&b);
    asked_read(&b, text_of("{\"model\": \"other\", \"messages\": [{\"role\": \"user\"}]}"), NULL);
    asked_read(&a, bytes, "metadata.user_id");
    asked_read(&b, bytes, "metadata.user_id");
    for (size_t i = 0; i < a.turn_count; i++)
        if (a.turns[i] > a.prompt.length || (i > 0 && a.turns[i] < a.turns[i - 1]))
            abort();
    if (a.turn_count != b.turn_count || a.prompt.length != b.prompt.length ||
        (a.prompt.length && memcmp(a.prompt.data, b.prompt.data, a.prompt.length) != 0) ||
        (a.model == NULL) != (b.model == NULL) || (a.model && strcmp(a.model, b.model) != 0))
        abort();
    inside(a.messages, bytes);
    inside(a.body, bytes);
    asked_free(&a);
    asked_free(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    struct text bytes = {(const char *)data + 2, size - 2};
    if (data[0] % 3 == 0)
        check_head(bytes);
    else if (data[0] % 3 == 1)
        check_chunked(bytes, 1 + data[1] % 16);
    else
        check_asked(bytes);
    return 0;
}
