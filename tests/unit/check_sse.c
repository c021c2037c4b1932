#include "bench/wire/sse.h"
#include "tests/unit/testing.h"

#include <string.h>

/* What a stream gave: "name|data;" per event. */
struct heard {
    char text[4096];
    size_t length, events, stop_after;
};

static bool hear(void *context, const char *name, struct text data)
{
    struct heard *h = context;
    int n = snprintf(h->text + h->length, sizeof h->text - h->length, "%s|%.*s;", name,
                     (int)data.length, data.at);
    h->length += (size_t)n;
    h->events++;
    return h->events != h->stop_after;
}

static const struct {
    const char *what, *stream, *events;
} cases[] = {
    {"one event", "data: a\n\n", "|a;"},
    {"no space after the colon", "data:a\n\ndata:  b\n\n", "|a;| b;"},
    {"CRLF", "data: a\r\n\r\ndata: b\r\n\r\n", "|a;|b;"},
    {"CR", "data: a\r\rdata: b\r\r", "|a;|b;"},
    {"mixed line ends", "data: a\r\n\ndata: b\n\r\ndata: c\r\n\r", "|a;|b;|c;"},
    {"several data lines", "data: a\ndata: b\ndata:\ndata: c\n\n", "|a\nb\n\nc;"},
    {"comments", ": ping\n\n:\n\ndata: a\n: inside\n\n: x", "|a;"},
    {"other fields", "id: 7\nretry: 10\nevent: delta\ndata: a\nunknown: z\n\n", "delta|a;"},
    {"the name belongs to one event", "event: error\ndata: a\n\ndata: b\n\n", "error|a;|b;"},
    {"a name without data is nothing", "event: ping\n\ndata: a\n\n", "|a;"},
    {"byte-order mark",
     "\xef\xbb\xbf"
     "data: a\n\n",
     "|a;"},
    {"the mark only at the start",
     "data: a\n\n\xef\xbb\xbf"
     "data: b\n\n",
     "|a;"},
    {"UTF-8", "data: gr\xc3\xbc\xc3\x9f \xf0\x9f\x9a\x95\n\n",
     "|gr\xc3\xbc\xc3\x9f \xf0\x9f\x9a\x95;"},
    {"no last blank line", "data: a\n\ndata: b\n", "|a;|b;"},
    {"no last line end", "data: a\n\ndata: [DONE]", "|a;|[DONE];"},
    {"field without colon", "data\n\ndata\ndata: a\n\n", "|;|\na;"},
    {"colon in the data", "data: {\"a\": 1}\n\n", "|{\"a\": 1};"},
    {"near misses of data", "dat: a\n\ndatas: b\n\n data: c\n\n", ""},
    {"blank lines", "\n\n\r\n\rdata: a\n\n\n\n", "|a;"},
    {"nothing", "", ""},
    {"not an event stream", "<html>\n<body>502</body>\n", ""},
    {"objects without blank lines", "data: {\"a\": 1}\ndata: {}\ndata: {\"b\": 2}\ndata: [DONE]\n",
     "|{\"a\": 1};|{};|{\"b\": 2};|[DONE];"},
    {"an object on several data lines", "data: {\ndata: \"a\": 1\ndata: }\n\n", "|{\n\"a\": 1\n};"},
    {"a long name is cut", "event: 0123456789012345678901234567890123456789\ndata: a\n\n",
     "0123456789012345678901234567890|a;"},
};

static bool hear_stray(void *context, const char *name, struct text line)
{
    ck_assert_str_eq(name, "");
    return hear(context, "stray", line);
}

/* Feeds a stream in pieces of `size` bytes, each from memory of its own, so that a byte read
 * beyond a piece, or a piece used after its time, is found by AddressSanitizer. */
static void feed_in_pieces(struct sse *s, const char *stream, size_t size, struct heard *h)
{
    size_t length = strlen(stream);
    for (size_t at = 0; at < length; at += size) {
        size_t n = length - at < size ? length - at : size;
        char *piece = malloc(n);
        memcpy(piece, stream + at, n);
        ck_assert_int_eq(sse_feed(s, piece, n, hear, h), SSE_GO_ON);
        memset(piece, '#', n);
        free(piece);
    }
    ck_assert_int_eq(sse_end(s, hear, h), SSE_GO_ON);
}

START_TEST(every_case_at_every_split_size)
{
    struct sse s;
    sse_init(&s, 1 << 16);
    for (size_t size = 1; size <= strlen(cases[_i].stream) + 1; size++) {
        struct heard h = {0};
        sse_reset(&s);
        feed_in_pieces(&s, cases[_i].stream, size, &h);
        ck_assert_msg(strcmp(h.text, cases[_i].events) == 0, "%s in pieces of %zu: \"%s\"",
                      cases[_i].what, size, h.text);
    }
    sse_free(&s);
}
END_TEST

START_TEST(every_case_cut_in_two_anywhere)
{
    struct sse s;
    sse_init(&s, 1 << 16);
    size_t length = strlen(cases[_i].stream);
    for (size_t cut = 0; cut <= length; cut++) {
        struct heard h = {0};
        sse_reset(&s);
        ck_assert_int_eq(sse_feed(&s, cases[_i].stream, cut, hear, &h), SSE_GO_ON);
        ck_assert_int_eq(sse_feed(&s, cases[_i].stream + cut, length - cut, hear, &h), SSE_GO_ON);
        ck_assert_int_eq(sse_end(&s, hear, &h), SSE_GO_ON);
        ck_assert_str_eq(h.text, cases[_i].events);
    }
    sse_free(&s);
}
END_TEST

START_TEST(an_event_in_one_piece_is_not_copied)
{
    static const char stream[] = ": x\nevent: e\ndata: abc\n\ndata: d\r\n\r\n";
    struct sse s;
    struct heard h = {0};
    sse_init(&s, 1 << 16);
    ck_assert_int_eq(sse_feed(&s, stream, sizeof stream - 1, hear, &h), SSE_GO_ON);
    ck_assert_str_eq(h.text, "e|abc;|d;");
    ck_assert_uint_eq(s.line.capacity + s.data.capacity, 0);
    sse_free(&s);
}
END_TEST

START_TEST(the_sink_stops_the_stream)
{
    struct sse s;
    struct heard h = {.stop_after = 1};
    sse_init(&s, 1 << 16);
    const char *stream = "data: a\n\ndata: b\n\n";
    ck_assert_int_eq(sse_feed(&s, stream, strlen(stream), hear, &h), SSE_STOPPED);
    ck_assert_str_eq(h.text, "|a;");
    sse_free(&s);
}
END_TEST

/* Caps hold for a line without end, for many lines of one event, and however it is cut. */
START_TEST(events_beyond_the_cap_are_refused)
{
    char line[200], many[400] = "";
    memset(line, 'x', sizeof line);
    memcpy(line, "data: ", 6);
    line[sizeof line - 1] = '\0';
    for (int i = 0; i < 20; i++)
        strcat(many, "data: 0123456\n");
    const char *streams[] = {line, many};
    for (size_t size = 1; size < 300; size += 7) {
        struct sse s;
        struct heard h = {0};
        enum sse_verdict verdict = SSE_GO_ON;
        sse_init(&s, 100);
        const char *stream = streams[_i];
        size_t length = strlen(stream);
        for (size_t at = 0; at < length && verdict == SSE_GO_ON; at += size)
            verdict = sse_feed(&s, stream + at, length - at < size ? length - at : size, hear, &h);
        if (verdict == SSE_GO_ON)
            verdict = sse_end(&s, hear, &h);
        ck_assert_int_eq(verdict, SSE_TOO_LARGE);
        ck_assert_uint_eq(h.events, 0);
        ck_assert_uint_le(s.line.length + s.data.length, 200);
        ck_assert_int_eq(sse_feed(&s, "\n\n", 2, hear, &h), SSE_TOO_LARGE);
        sse_free(&s);
    }
}
END_TEST

START_TEST(a_reset_parser_remembers_nothing)
{
    struct sse s;
    struct heard h = {0};
    sse_init(&s, 1 << 16);
    ck_assert_int_eq(sse_feed(&s, "event: old\ndata: old\nda", 23, hear, &h), SSE_GO_ON);
    sse_reset(&s);
    ck_assert_int_eq(sse_feed(&s, "\ndata: new\n\n", 12, hear, &h), SSE_GO_ON);
    ck_assert_str_eq(h.text, "|new;");
    sse_free(&s);
}
END_TEST

/* Lines that are no field go to whoever wants them, in their place among the events. */
START_TEST(lines_that_are_no_field_are_handed_on)
{
    const char *stream = "data: a\n\n{\"error\": 1}\nid: 3\n: c\nretry: 1\ndata: b\nlog\n\n";
    for (size_t size = 1; size <= strlen(stream); size++) {
        struct sse s;
        struct heard h = {0};
        sse_init(&s, 1 << 16);
        s.stray = hear_stray;
        feed_in_pieces(&s, stream, size, &h);
        ck_assert_str_eq(h.text, "|a;stray|{\"error\": 1};stray|log;|b;");
        sse_free(&s);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("sse");
    TCase *t = tcase_create("sse");
    int count = (int)(sizeof cases / sizeof *cases);
    tcase_add_loop_test(t, every_case_at_every_split_size, 0, count);
    tcase_add_loop_test(t, every_case_cut_in_two_anywhere, 0, count);
    tcase_add_test(t, an_event_in_one_piece_is_not_copied);
    tcase_add_test(t, lines_that_are_no_field_are_handed_on);
    tcase_add_test(t, the_sink_stops_the_stream);
    tcase_add_loop_test(t, events_beyond_the_cap_are_refused, 0, 2);
    tcase_add_test(t, a_reset_parser_remembers_nothing);
    suite_add_tcase(suite, t);
    return testing_run(suite);
}
