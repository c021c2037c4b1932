/* Reranking in the form that Cohere's, Jina's and vLLM's servers share: a query and documents go
 * in, a score of each comes out. */
#include "bench/wire/api.h"

#include <string.h>

#define QUERY_WORDS 8
#define MAX_TOKENS 1e12

/* ---- requests ---- */

static const char *const prompt_keys[] = {"query",  "documents", "messages",
                                          "prompt", "input",     NULL};
static const char *const output_keys[] = {"max_tokens", NULL};

/* Where the word behind this place ends; the length where there is none. */
static size_t word_end(struct text t, size_t at)
{
    while (at < t.length && t.at[at] == ' ')
        at++;
    while (at < t.length && t.at[at] != ' ')
        at++;
    return at;
}

static uint64_t count_words(struct text t)
{
    uint64_t words = 0;
    for (size_t at = 0; at < t.length; at = word_end(t, at))
        words++;
    return words;
}

/* Moves so many words from the front of the text to `out`, as a string. */
static void add_words(struct text *t, uint64_t words, struct buffer *out)
{
    size_t end = 0;
    for (uint64_t i = 0; i < words; i++)
        end = word_end(*t, end);
    buffer_add_byte(out, '"');
    buffer_add(out, t->at, end);
    buffer_add_byte(out, '"');
    *t = (struct text){t->at + end, t->length - end};
}

/* The query is the first words of the text, the documents the rest in equal parts. */
static void add_split(struct text made, uint32_t documents, struct buffer *out)
{
    uint64_t words = count_words(made);
    uint64_t query = words / 2 < QUERY_WORDS ? words / 2 : QUERY_WORDS, rest = words - query;
    uint64_t count = documents < rest ? documents : rest;
    buffer_add_text(out, "\"query\":");
    add_words(&made, query, out);
    buffer_add_text(out, ",\"documents\":[");
    for (uint64_t i = 0; i < count; i++) {
        if (i)
            buffer_add_byte(out, ',');
        add_words(&made, rest * (i + 1) / count - rest * i / count, out);
    }
    buffer_add_text(out, "],");
}

static int add_prompt(const struct api_prompt *p, struct buffer *out)
{
    struct buffer made, split;
    buffer_init(&made, out->cap);
    buffer_init(&split, BUFFER_UNBOUNDED);
    int bad = p->add_text(p->source, &made);
    if (bad == 0) {
        add_split((struct text){made.length ? made.data : "", made.length},
                  p->documents ? p->documents : 1, &split);
        bad = buffer_add(out, split.data, split.length);
    }
    buffer_free(&made);
    buffer_free(&split);
    return bad;
}

/* ---- answers ---- */

/* What is told of the prompt's length: a total, which is all that some tell, and the input. */
struct counts {
    double input, total, searches;
    bool has_tokens, has_searches;
};

static void count(struct json_scan *s, double *to, bool *is_there)
{
    if (json_skip_unless(s, JSON_NUMBER) && json_double(s, 0, MAX_TOKENS, to))
        *is_there = true;
}

/* An object of counts, or of such objects: "usage", "meta" with its "tokens" and "billed_units". */
static void read_counts(struct json_scan *s, int depth, struct counts *found)
{
    struct text key;
    if (!json_skip_unless(s, JSON_OBJECT))
        return;
    json_object_begin(s);
    while (json_object_next(s, &key)) {
        if (text_equal(key, "input_tokens") || text_equal(key, "prompt_tokens"))
            count(s, &found->input, &found->has_tokens);
        else if (text_equal(key, "total_tokens"))
            count(s, &found->total, &found->has_tokens);
        else if (text_equal(key, "search_units"))
            count(s, &found->searches, &found->has_searches);
        else if (depth && (text_equal(key, "tokens") || text_equal(key, "billed_units")))
            read_counts(s, depth - 1, found);
        else
            json_skip(s, NULL);
    }
}

static void read_usage(struct json_scan *s, struct chunk *c)
{
    struct counts found = {0};
    if (!json_skip_unless(s, JSON_OBJECT))
        return;
    const char *start = s->at;
    read_counts(s, 1, &found);
    if (found.has_searches)
        c->unit = (struct usage_extra){"search_unit", (int64_t)(found.searches * 1e6), 1};
    if (s->failed || !found.has_tokens)
        return;
    double tokens = found.input > found.total ? found.input : found.total;
    c->has_usage = true;
    c->report = (struct usage_report){.is_there = true, .given = 1u << COUNT_PROMPT};
    c->report.count[COUNT_PROMPT] = (uint64_t)tokens;
    usage_report_resolve(&c->report, &c->usage);
    c->raw_usage = (struct text){start, (size_t)(s->at - start)};
}

static void read_results(struct json_scan *s, struct chunk *c)
{
    if (!json_skip_unless(s, JSON_ARRAY))
        return;
    json_array_begin(s);
    while (json_array_next(s)) {
        c->results++;
        json_skip(s, NULL);
    }
}

static int read_answer(struct text body, struct chunk *out)
{
    struct json_scan s;
    struct text key;
    memset(out, 0, sizeof *out);
    json_scan_init(&s, "answer", body.at, body.length, 1);
    json_object_begin(&s);
    while (json_object_next(&s, &key)) {
        if (text_equal(key, "results") || text_equal(key, "data"))
            read_results(&s, out);
        else if (text_equal(key, "usage") || text_equal(key, "meta"))
            read_usage(&s, out);
        else if (text_equal(key, "error"))
            chunk_read_error(&s, out);
        else if (text_equal(key, "message") && json_peek(&s) == JSON_STRING)
            json_string(&s, &out->error_message);
        else
            json_skip(&s, NULL);
    }
    return json_scan_end(&s, NULL) < 0 ? -1 : 0;
}

/* Nothing is streamed. */
static int read_event(const struct answer_so_far *so_far, const char *event, struct text data,
                      struct chunk *out)
{
    (void)so_far;
    (void)event;
    return read_answer(data, out);
}

const struct bench_api api_rerank = {
    .name = "rerank",
    .path = "/rerank",
    .key_header = "Authorization: Bearer ",
    .prompt_keys = prompt_keys,
    .output_keys = output_keys,
    .add_prompt = add_prompt,
    .read_event = read_event,
    .read_answer = read_answer,
    .end_mark = "[DONE]",
};
