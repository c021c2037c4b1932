/* Reranking, in the form that Cohere's, Jina's and vLLM's servers share. */
#include "core/memory.h"
#include "core/random.h"
#include "sim/mock/api/openai.h"

#include <stdlib.h>
#include <string.h>

/* What Cohere bills as one search: a query with so many documents, of which one that is longer
 * counts for every piece of this length. */
#define DOCUMENTS_PER_SEARCH 100
#define DOCUMENT_TOKENS 500

static const struct field fields[] = {
    {"query", FIELD_STRING, 0, 0},
    {"documents", FIELD_ARRAY, 0, 0},
    {"top_n", FIELD_INTEGER, 1, 1e9},
    {"return_documents", FIELD_BOOL, 0, 0},
    {"rank_fields", FIELD_ARRAY, 0, 0},
    {"max_tokens_per_doc", FIELD_INTEGER, 1, 1e9},
    {"max_chunks_per_doc", FIELD_INTEGER, 1, 1e9},
    {"truncate", FIELD_ANY, 0, 0},
    {"truncate_prompt_tokens", FIELD_INTEGER, -1, 1e9},
    {"priority", FIELD_INTEGER, INT32_MIN, INT32_MAX},
    {NULL, 0, 0, 0},
};

static const struct field *const all_fields[] = {openai_common, fields, NULL};

/* A document's text: a string, or an object with one. */
static const char *document_text(const cJSON *document)
{
    return cJSON_IsString(document) ? document->valuestring : ask_string(document, "text");
}

/* Counts the pieces that it is searched in. */
static int add_document(struct ask *a, const cJSON *document, uint64_t *pieces, struct api_error *e)
{
    uint64_t before = a->prompt.tokens;
    const char *text = document_text(document);
    if (!text)
        return api_error_invalid(e, "documents", "invalid_type",
                                 "Invalid 'documents': expected strings or objects with a 'text', "
                                 "found %s.",
                                 fields_type_of(document));
    prompt_add(&a->prompt, "document", 8);
    ask_add_text(a, text);
    uint64_t tokens = a->prompt.tokens - before;
    *pieces += tokens > DOCUMENT_TOKENS ? (tokens + DOCUMENT_TOKENS - 1) / DOCUMENT_TOKENS : 1;
    a->inputs++;
    return 0;
}

static int add_documents(struct ask *a, const cJSON *documents, struct api_error *e)
{
    uint64_t pieces = 0;
    for (const cJSON *d = documents->child; d; d = d->next)
        if (add_document(a, d, &pieces, e) < 0)
            return -1;
    a->search_units = (uint32_t)((pieces + DOCUMENTS_PER_SEARCH - 1) / DOCUMENTS_PER_SEARCH);
    if (a->inputs > 0 && a->inputs <= ASK_MAX_INPUTS)
        return 0;
    return api_error_invalid(e, "documents", "invalid_value",
                             "Invalid 'documents': expected 1 to %d of them, got %u.",
                             ASK_MAX_INPUTS, a->inputs);
}

static int parse(struct ask *a, const struct ask_rules *rules, struct api_error *e)
{
    (void)rules;
    const char *query = ask_string(a->body, "query");
    const cJSON *documents = ask_member(a->body, "documents"), *top = ask_member(a->body, "top_n");
    if (!query)
        return ask_missing("query", e);
    if (!documents)
        return ask_missing("documents", e);
    ask_add_text(a, query);
    if (add_documents(a, documents, e) < 0)
        return -1;
    a->top_n = top && top->valuedouble < a->inputs ? (uint32_t)top->valuedouble : a->inputs;
    a->tells_documents = cJSON_IsTrue(ask_member(a->body, "return_documents"));
    return 0;
}

/* ---- answers ---- */

struct scored {
    uint32_t index;
    double score;
};

static int by_score(const void *a, const void *b)
{
    const struct scored *x = a, *y = b;
    if (x->score != y->score)
        return x->score < y->score ? 1 : -1;
    return x->index < y->index ? -1 : 1;
}

/* Pseudo-random in [0, 1), the same for the same prompt, the best first. */
static struct scored *score(const struct ask *ask)
{
    struct scored *made = mem_zero(ask->inputs, sizeof *made);
    for (uint32_t i = 0; i < ask->inputs; i++)
        made[i] = (struct scored){i, (double)(random_mix(ask->prompt.chain, i) >> 11) * 0x1p-53};
    qsort(made, ask->inputs, sizeof *made, by_score);
    return made;
}

static void add_text_of(const struct ask *ask, uint32_t index, struct buffer *out)
{
    const cJSON *documents = ask_member(ask->body, "documents");
    buffer_add_text(out, ",\"document\":{\"text\":");
    render_string(document_text(cJSON_GetArrayItem(documents, (int)index)), out);
    buffer_add_byte(out, '}');
}

/* Jina's and vLLM's usage beside Cohere's meta. */
static void add_usage(const struct ask *ask, struct buffer *out)
{
    unsigned long long tokens = ask->prompt.tokens;
    buffer_add_format(out,
                      "\"usage\":{\"prompt_tokens\":%llu,\"total_tokens\":%llu},"
                      "\"meta\":{\"api_version\":{\"version\":\"2\"},\"billed_units\":{"
                      "\"search_units\":%u},\"tokens\":{\"input_tokens\":%llu,"
                      "\"output_tokens\":0}}",
                      tokens, tokens, ask->search_units, tokens);
}

static void add_answer(const struct rendering *r, const struct usage *u, struct buffer *out)
{
    const struct ask *ask = r->ask;
    struct scored *made = score(ask);
    (void)u;
    buffer_add_format(out, "{\"id\":\"%s\",\"model\":", r->id);
    render_string(r->model, out);
    buffer_add_text(out, ",\"results\":[");
    for (uint32_t i = 0; i < ask->top_n; i++) {
        buffer_add_format(out, "%s{\"index\":%u,\"relevance_score\":%.6f", i ? "," : "",
                          made[i].index, made[i].score);
        if (ask->tells_documents)
            add_text_of(ask, made[i].index, out);
        buffer_add_byte(out, '}');
    }
    buffer_add_text(out, "],");
    add_usage(ask, out);
    buffer_add_byte(out, '}');
    free(made);
}

const struct mock_api mock_rerank = {
    .path = "/rerank",
    .id_prefix = "rerank",
    .key_header = "Authorization",
    .key_prefix = "Bearer ",
    .fields = all_fields,
    .parse = parse,
    .add_answer = add_answer,
    .add_error = api_error_write,
};
