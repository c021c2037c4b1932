/* Usage objects as the providers' documentation shows them, made up by hand, and what they are in
 * disjoint classes. */
#include "core/usage/usage_keys.h"
#include "core/usage/usage_report.h"
#include "tests/unit/testing.h"

#define NUMBER ODDITY(USAGE_NUMBER)
#define TOTAL ODDITY(USAGE_TOTAL)
#define BESIDE ODDITY(USAGE_CACHED)
#define KEY ODDITY(USAGE_KEY)

/* uncached, cached, written, written 1 h, output, reasoning; image, audio, video input; cached
 * image, audio; image, audio output */
static const struct {
    const char *whose, *json;
    uint64_t tokens[USAGE_CLASSES];
    uint32_t odd;
} objects[] = {
    {"OpenAI chat",
     "{'prompt_tokens': 2006, 'completion_tokens': 300, 'total_tokens': 2306, "
     "'prompt_tokens_details': {'cached_tokens': 1920, 'audio_tokens': 0}, "
     "'completion_tokens_details': {'reasoning_tokens': 64, 'audio_tokens': 0, "
     "'accepted_prediction_tokens': 12, 'rejected_prediction_tokens': 3}}",
     {86, 1920, 0, 0, 236, 64},
     0},
    {"OpenAI responses",
     "{'input_tokens': 75, 'input_tokens_details': {'cached_tokens': 11}, 'output_tokens': 1186, "
     "'output_tokens_details': {'reasoning_tokens': 1024}, 'total_tokens': 1261}",
     {64, 11, 0, 0, 162, 1024},
     0},
    {"OpenAI responses with cache writes",
     "{'input_tokens': 5000, 'input_tokens_details': {'cached_tokens': 1000, "
     "'cache_write_tokens': 3000}, 'output_tokens': 20, 'total_tokens': 5020}",
     {1000, 1000, 3000, 0, 20, 0},
     0},
    {"OpenAI realtime",
     "{'total_tokens': 253, 'input_tokens': 132, 'output_tokens': 121, 'input_token_details': "
     "{'text_tokens': 110, 'audio_tokens': 22, 'image_tokens': 0, 'cached_tokens': 70, "
     "'cached_tokens_details': {'text_tokens': 64, 'audio_tokens': 6, 'image_tokens': 0}}, "
     "'output_token_details': {'text_tokens': 30, 'audio_tokens': 91}}",
     {46, 64, 0, 0, 30,
      0, [USAGE_AUDIO_INPUT] = 16, [USAGE_CACHED_AUDIO_INPUT] = 6, [USAGE_AUDIO_OUTPUT] = 91},
     0},
    {"OpenAI images",
     "{'total_tokens': 4510, 'input_tokens': 350, 'output_tokens': 4160, 'input_tokens_details': "
     "{'text_tokens': 27, 'image_tokens': 323}, 'output_tokens_details': {'image_tokens': 4160, "
     "'text_tokens': 0}}",
     {27, [USAGE_IMAGE_INPUT] = 323, [USAGE_IMAGE_OUTPUT] = 4160},
     0},
    {"Anthropic",
     "{'input_tokens': 7, 'cache_creation_input_tokens': 300, 'cache_read_input_tokens': 1000, "
     "'cache_creation': {'ephemeral_5m_input_tokens': 100, 'ephemeral_1h_input_tokens': 200}, "
     "'output_tokens': 9, 'server_tool_use': {'web_search_requests': 2}, 'service_tier': "
     "'standard'}",
     {7, 1000, 100, 200, 9, 0},
     0},
    {"Anthropic without lifetimes",
     "{'input_tokens': 2, 'cache_creation_input_tokens': 6358, 'cache_read_input_tokens': 29380, "
     "'output_tokens': 1016}",
     {2, 29380, 6358, 0, 1016, 0},
     0},
    {"Gemini",
     "{'promptTokenCount': 1000, 'cachedContentTokenCount': 600, 'candidatesTokenCount': 20, "
     "'thoughtsTokenCount': 30, 'toolUsePromptTokenCount': 40, 'totalTokenCount': 1090, "
     "'promptTokensDetails': [{'modality': 'TEXT', 'tokenCount': 484}, {'modality': 'IMAGE', "
     "'tokenCount': 258}, {'modality': 'IMAGE', 'tokenCount': 258}], 'cacheTokensDetails': "
     "[{'modality': 'TEXT', 'tokenCount': 342}, {'modality': 'IMAGE', 'tokenCount': 258}], "
     "'toolUsePromptTokensDetails': [{'modality': 'TEXT', 'tokenCount': 40}], 'trafficType': "
     "'ON_DEMAND'}",
     {182, 342, 0, 0, 20, 30, [USAGE_IMAGE_INPUT] = 258, [USAGE_CACHED_IMAGE_INPUT] = 258},
     0},
    {"Gemini, a picture",
     "{'promptTokenCount': 13, 'candidatesTokenCount': 1300, 'totalTokenCount': 1313, "
     "'candidatesTokensDetails': [{'modality': 'IMAGE', 'tokenCount': 1290}]}",
     {13, 0, 0, 0, 10, 0, [USAGE_IMAGE_OUTPUT] = 1290},
     0},
    {"Gemini, only thoughts",
     "{'promptTokenCount': 13, 'thoughtsTokenCount': 64, 'totalTokenCount': 77}",
     {13, 0, 0, 0, 0, 64},
     0},
    {"Gemini live",
     "{'promptTokenCount': 500, 'responseTokenCount': 90, 'totalTokenCount': 590, "
     "'promptTokensDetails': [{'modality': 'AUDIO', 'tokenCount': 300}, {'modality': 'VIDEO', "
     "'tokenCount': 150}], 'responseTokensDetails': [{'modality': 'AUDIO', 'tokenCount': 90}]}",
     {50, [USAGE_AUDIO_INPUT] = 300, [USAGE_VIDEO_INPUT] = 150, [USAGE_AUDIO_OUTPUT] = 90},
     0},
    {"Gemini's Python client",
     "{'prompt_token_count': 100, 'cached_content_token_count': 60, 'candidates_token_count': 20, "
     "'thoughts_token_count': 30, 'total_token_count': 150, 'prompt_tokens_details': null}",
     {40, 60, 0, 0, 20, 30},
     0},
    {"Bedrock Converse",
     "{'inputTokens': 12, 'outputTokens': 34, 'totalTokens': 6446, 'cacheReadInputTokens': 4200, "
     "'cacheWriteInputTokens': 2200, 'cacheDetails': [{'ttl': '1h', 'inputTokens': 200}, "
     "{'ttl': '5m', 'inputTokens': 2000}]}",
     {12, 4200, 2000, 200, 34, 0},
     0},
    {"Bedrock's invocation metrics",
     "{'inputTokenCount': 12, 'outputTokenCount': 34, 'invocationLatency': 900, "
     "'firstByteLatency': 200, 'cacheReadInputTokenCount': 100, 'cacheWriteInputTokenCount': 0}",
     {12, 100, 0, 0, 34, 0},
     0},
    {"DeepSeek",
     "{'prompt_tokens': 100, 'completion_tokens': 21, 'total_tokens': 121, "
     "'prompt_cache_hit_tokens': 64, 'prompt_cache_miss_tokens': 36, 'completion_tokens_details': "
     "{'reasoning_tokens': 20}}",
     {36, 64, 0, 0, 1, 20},
     0},
    {"Kimi",
     "{'prompt_tokens': 137, 'completion_tokens': 24, 'total_tokens': 161, 'cached_tokens': 64}",
     {73, 64, 0, 0, 24, 0},
     0},
    {"Mistral",
     "{'prompt_tokens': 26, 'completion_tokens': 31, 'total_tokens': 57, 'num_cached_tokens': 16, "
     "'prompt_audio_seconds': null}",
     {10, 16, 0, 0, 31, 0},
     0},
    {"Cohere v2",
     "{'billed_units': {'input_tokens': 5, 'output_tokens': 418}, 'tokens': {'input_tokens': 71, "
     "'output_tokens': 420}, 'cached_tokens': 64}",
     {7, 64, 0, 0, 420, 0},
     0},
    {"Cohere, billed units alone",
     "{'billed_units': {'input_tokens': 5, 'output_tokens': 418}}",
     {5, 0, 0, 0, 418, 0},
     0},
    {"OpenRouter",
     "{'prompt_tokens': 10339, 'completion_tokens': 60, 'total_tokens': 10399, 'cost': 0.0019, "
     "'is_byok': false, 'prompt_tokens_details': {'cached_tokens': 10000, 'cache_write_tokens': "
     "100, 'audio_tokens': 0, 'video_tokens': 0}, 'cost_details': {'upstream_inference_cost': "
     "null, 'upstream_inference_prompt_cost': 0.001, 'upstream_inference_completions_cost': "
     "0.0009}, 'completion_tokens_details': {'reasoning_tokens': 40, 'image_tokens': 0}}",
     {239, 10000, 100, 0, 20, 40},
     0},
    {"LiteLLM",
     "{'completion_tokens': 10, 'prompt_tokens': 5120, 'total_tokens': 5130, "
     "'completion_tokens_details': null, 'prompt_tokens_details': {'audio_tokens': null, "
     "'cached_tokens': 5000, 'cache_creation_tokens': 100, 'cache_creation_token_details': "
     "{'ephemeral_5m_input_tokens': 0, 'ephemeral_1h_input_tokens': 100}}, "
     "'cache_creation_input_tokens': 100, 'cache_read_input_tokens': 5000}",
     {20, 5000, 0, 100, 10, 0},
     0},
    {"Vercel AI SDK 5",
     "{'inputTokens': 500, 'outputTokens': 90, 'totalTokens': 590, 'reasoningTokens': 40, "
     "'cachedInputTokens': 384}",
     {116, 384, 0, 0, 50, 40},
     0},
    {"Vercel AI SDK 6",
     "{'inputTokens': 500, 'inputTokenDetails': {'noCacheTokens': 100, 'cacheReadTokens': 384, "
     "'cacheWriteTokens': 16}, 'outputTokens': 90, 'outputTokenDetails': {'textTokens': 50, "
     "'reasoningTokens': 40}, 'totalTokens': 590, 'raw': {'input_tokens': 1, 'odd_tokens': 7}}",
     {100, 384, 16, 0, 50, 40},
     0},
    {"Vercel's providers",
     "{'inputTokens': {'total': 500, 'noCache': 100, 'cacheRead': 384, 'cacheWrite': 16}, "
     "'outputTokens': {'total': 90, 'text': 50, 'reasoning': 40}}",
     {100, 384, 16, 0, 50, 40},
     0},
    {"Vercel AI SDK 4",
     "{'promptTokens': 31, 'completionTokens': 8, 'totalTokens': 39}",
     {31, 0, 0, 0, 8, 0},
     0},
    {"LangChain",
     "{'input_tokens': 350, 'output_tokens': 240, 'total_tokens': 590, 'input_token_details': "
     "{'audio': 10, 'cache_creation': 200, 'cache_read': 100}, 'output_token_details': {'audio': "
     "10, 'reasoning': 200}}",
     {40, 100, 200, 0, 30, 200, [USAGE_AUDIO_INPUT] = 10, [USAGE_AUDIO_OUTPUT] = 10},
     0},
    {"Langfuse",
     "{'input': 2140, 'input_cached_tokens': 1024, 'output': 96, 'output_reasoning_tokens': 310, "
     "'total': 3570}",
     {2140, 1024, 0, 0, 96, 310},
     0},
    {"Langfuse with sound",
     "{'input': 100, 'input_audio_tokens': 50, 'output': 20, 'output_audio_tokens': 15, 'total': "
     "170}",
     {100, 0, 0, 0, 5, 0, [USAGE_AUDIO_INPUT] = 50, [USAGE_AUDIO_OUTPUT] = 15},
     0},
    {"Codex",
     "{'input_tokens': 9000, 'cached_input_tokens': 8192, 'output_tokens': 300, "
     "'reasoning_output_tokens': 128, 'total_tokens': 9300}",
     {808, 8192, 0, 0, 172, 128},
     0},
    {"vLLM",
     "{'prompt_tokens': 900, 'total_tokens': 905, 'completion_tokens': 5, 'prompt_tokens_details': "
     "{'cached_tokens': 512, 'created_cache_tokens': 256, 'multimodal_tokens': {'image': 100}}}",
     {32, 512, 256, 0, 5, 0, [USAGE_IMAGE_INPUT] = 100},
     0},
    {"xAI",
     "{'prompt_tokens': 32, 'completion_tokens': 9, 'total_tokens': 135, 'prompt_tokens_details': "
     "{'text_tokens': 32, 'audio_tokens': 0, 'image_tokens': 0, 'cached_tokens': 6}, "
     "'completion_tokens_details': {'reasoning_tokens': 94, 'audio_tokens': 0}, "
     "'num_sources_used': 0, 'cost_in_usd_ticks': 37756000}",
     {26, 6, 0, 0, 9, 94},
     0},
    {"xAI's gRPC",
     "{'prompt_tokens': 50, 'prompt_text_tokens': 40, 'prompt_image_tokens': 10, "
     "'cached_prompt_text_tokens': 16, 'completion_tokens': 9, 'reasoning_tokens': 20, "
     "'total_tokens': 79}",
     {24, 16, 0, 0, 9, 20, [USAGE_IMAGE_INPUT] = 10},
     0},
    {"GLM",
     "{'completion_tokens': 239, 'prompt_tokens': 8, 'prompt_tokens_details': {'cached_tokens': "
     "2}, 'total_tokens': 247}",
     {6, 2, 0, 0, 239, 0},
     0},
    {"Qwen (DashScope)",
     "{'input_tokens': 1292, 'output_tokens': 20, 'total_tokens': 1312, 'image_tokens': 1247, "
     "'input_tokens_details': {'text_tokens': 45, 'image_tokens': 1247}, "
     "'output_tokens_details': {'text_tokens': 20}, 'prompt_tokens_details': {'cached_tokens': 0}}",
     {45, 0, 0, 0, 20, 0, [USAGE_IMAGE_INPUT] = 1247},
     0},
    {"Qwen with its explicit cache",
     "{'prompt_tokens': 3019, 'completion_tokens': 104, 'total_tokens': 3123, "
     "'prompt_tokens_details': {'cached_tokens': 0, 'cache_creation': {'ephemeral_5m_input_tokens'"
     ": 3005}, 'cache_creation_input_tokens': 3005, 'cache_type': 'ephemeral'}}",
     {14, 0, 3005, 0, 104, 0},
     0},
    {"Perplexity",
     "{'prompt_tokens': 33, 'completion_tokens': 7163, 'total_tokens': 7196, 'citation_tokens': "
     "20016, 'num_search_queries': 18, 'reasoning_tokens': 73997, 'search_context_size': 'low', "
     "'cost': {'input_tokens_cost': 0.0, 'output_tokens_cost': 0.057, 'citation_tokens_cost': "
     "0.04, 'reasoning_tokens_cost': 0.222, 'search_queries_cost': 0.09, 'total_cost': 0.409}}",
     {20049, 0, 0, 0, 7163, 73997},
     0},
    {"Groq",
     "{'queue_time': 0.037, 'prompt_tokens': 18, 'prompt_time': 0.00068, 'completion_tokens': 556, "
     "'completion_time': 0.463, 'total_tokens': 574, 'total_time': 0.464}",
     {18, 0, 0, 0, 556, 0},
     0},
    {"Ollama", "{'prompt_eval_count': 26, 'eval_count': 290}", {26, 0, 0, 0, 290, 0}, 0},
    {"Jina", "{'total_tokens': 815}", {815}, 0},
    {"embeddings", "{'prompt_tokens': 8, 'total_tokens': 8}", {8}, 0},
    /* one inside another */
    {"a gateway that wraps it",
     "{'provider': {'prompt_tokens': 9, 'completion_tokens': 4}}",
     {9, 0, 0, 0, 4, 0},
     0},

    /* What contradicts itself. */
    {"more cached than prompt",
     "{'prompt_tokens': 30, 'completion_tokens': 4, 'cache_read_input_tokens': 7000, "
     "'cache_creation_input_tokens': 0}",
     {30, 7000, 0, 0, 4, 0},
     BESIDE},
    {"more cached than prompt, and a total of the two others",
     "{'prompt_tokens': 30, 'completion_tokens': 4, 'total_tokens': 34, 'cached_tokens': 7000}",
     {30, 7000, 0, 0, 4, 0},
     BESIDE},
    {"the total says beside",
     "{'prompt_tokens': 300, 'completion_tokens': 4, 'total_tokens': 504, 'prompt_tokens_details': "
     "{'cached_tokens': 200}}",
     {300, 200, 0, 0, 4, 0},
     BESIDE},
    {"reads inside, writes beside",
     "{'prompt_tokens': 300, 'completion_tokens': 4, 'total_tokens': 804, 'prompt_tokens_details': "
     "{'cached_tokens': 200, 'cache_write_tokens': 500}}",
     {100, 200, 500, 0, 4, 0},
     BESIDE},
    {"Anthropic's keys with an input that holds all",
     "{'input_tokens': 5120, 'cache_read_input_tokens': 5000, 'output_tokens': 10, "
     "'total_tokens': 5130}",
     {120, 5000, 0, 0, 10, 0},
     0},
    {"an uncached count says inside",
     "{'inputTokens': 500, 'cachedInputTokens': 384, 'noCacheTokens': 116, 'outputTokens': 5}",
     {116, 384, 0, 0, 5, 0},
     0},
    {"an uncached count says beside",
     "{'inputTokens': 500, 'cachedInputTokens': 384, 'noCacheTokens': 500, 'outputTokens': 5}",
     {500, 384, 0, 0, 5, 0},
     BESIDE},
    {"a total above its parts",
     "{'prompt_tokens': 40, 'completion_tokens': 60, 'total_tokens': 350}",
     {40, 0, 0, 0, 60, 250},
     TOTAL},
    {"a total above its parts, with some reasoning",
     "{'prompt_tokens': 40, 'completion_tokens': 60, 'total_tokens': 350, "
     "'completion_tokens_details': {'reasoning_tokens': 10}}",
     {40, 0, 0, 0, 50, 260},
     TOTAL},
    {"a total below its parts says nothing",
     "{'prompt_tokens': 40, 'completion_tokens': 60, 'total_tokens': 60}",
     {40, 0, 0, 0, 60, 0},
     0},
    {"no completion, but a total",
     "{'prompt_tokens': 40, 'total_tokens': 52}",
     {40, 0, 0, 0, 12, 0},
     0},
    {"no prompt, but a total",
     "{'completion_tokens': 12, 'total_tokens': 52}",
     {40, 0, 0, 0, 12, 0},
     0},
    {"reasoning beside the completion",
     "{'prompt_tokens': 10, 'completion_tokens': 50, 'total_tokens': 80, "
     "'completion_tokens_details': {'reasoning_tokens': 20}}",
     {10, 0, 0, 0, 50, 20},
     0},
    {"more reasoning than completion",
     "{'prompt_tokens': 10, 'completion_tokens': 5, 'completion_tokens_details': "
     "{'reasoning_tokens': 20}}",
     {10, 0, 0, 0, 5, 20},
     0},
    {"more pictures than prompt",
     "{'prompt_tokens': 10, 'completion_tokens': 5, 'prompt_tokens_details': {'image_tokens': 99}}",
     {0, 0, 0, 0, 5, 0, [USAGE_IMAGE_INPUT] = 10},
     0},

    /* Numbers. */
    {"whole with a point",
     "{'prompt_tokens': 100.0, 'completion_tokens': 5e0}",
     {100, 0, 0, 0, 5, 0},
     0},
    {"fractions",
     "{'prompt_tokens': 37.25, 'completion_tokens': 2.5, 'total_tokens': 39.75}",
     {38, 0, 0, 0, 3, 0},
     NUMBER},
    {"strings", "{'prompt_tokens': '137', 'completion_tokens': '24'}", {137, 0, 0, 0, 24, 0}, 0},
    {"negative", "{'prompt_tokens': 20, 'completion_tokens': -1}", {20}, NUMBER},
    {"negative, with a total",
     "{'prompt_tokens': 20, 'completion_tokens': -1, 'total_tokens': 33}",
     {20, 0, 0, 0, 13, 0},
     NUMBER},
    {"absurd", "{'prompt_tokens': 18446744073709551615, 'completion_tokens': 1e300}", {0}, NUMBER},
    {"no JSON",
     "{'prompt_tokens': NaN, 'completion_tokens': -Infinity, 'total_tokens': 07}",
     {7},
     NUMBER},
    {"words and truth",
     "{'prompt_tokens': 'many', 'completion_tokens': true, 'total_tokens': ''}",
     {0},
     NUMBER},
    {"null",
     "{'prompt_tokens': null, 'completion_tokens': 3, 'prompt_tokens_details': null}",
     {0, 0, 0, 0, 3, 0},
     0},

    /* Keys that are not known. */
    {"a token key of tomorrow",
     "{'prompt_tokens': 20, 'completion_tokens': 3, 'hologram_tokens': 5}",
     {20, 0, 0, 0, 3, 0},
     KEY},
    {"inside details",
     "{'prompt_tokens': 20, 'completion_tokens': 3, 'prompt_tokens_details': {'hologram': 5}}",
     {20, 0, 0, 0, 3, 0},
     KEY},
    {"nothing to count",
     "{'prompt_tokens': 20, 'completion_tokens': 3, 'hologram_tokens': 0, 'tokens_per_second': 31, "
     "'max_tokens': 9, 'requests': 1}",
     {20, 0, 0, 0, 3, 0},
     0},
};

/* JSON with apostrophes for quotes. */
static struct text quoted(const char *json, char out[2048])
{
    size_t i = 0;
    for (; json[i]; i++)
        out[i] = (char)(json[i] == '\'' ? '"' : json[i]);
    out[i] = '\0';
    return text_of(out);
}

static struct usage_report read_report(const char *json)
{
    static char text[2048];
    struct usage_report r;
    ck_assert_msg(usage_report_parse(quoted(json, text), &r), "%s", json);
    return r;
}

START_TEST(every_providers_usage_becomes_disjoint)
{
    struct usage_report r = read_report(objects[_i].json);
    struct usage u;
    uint32_t odd = usage_report_resolve(&r, &u);
    for (int c = 0; c < USAGE_CLASSES; c++)
        ck_assert_msg(u.tokens[c] == objects[_i].tokens[c], "%s: %s is %llu", objects[_i].whose,
                      usage_class_name((enum usage_class)c), (unsigned long long)u.tokens[c]);
    ck_assert_msg(odd == objects[_i].odd, "%s: odd %x", objects[_i].whose, odd);
}
END_TEST

START_TEST(the_order_of_keys_changes_nothing)
{
    /* Each object with its members the other way round. */
    char text[2048], turned[2200] = "";
    struct text all = quoted(objects[_i].json, text), key, raw;
    struct {
        struct text key, raw;
    } members[64];
    size_t count = 0, used = 0;
    struct json_scan s;
    json_scan_init(&s, "", all.at, all.length, 1);
    json_object_begin(&s);
    while (json_object_next(&s, &key) && json_skip(&s, &raw))
        members[count].key = key, members[count++].raw = raw;
    if (s.failed)
        return; /* the one that is no JSON */
    used += (size_t)snprintf(turned, sizeof turned, "{");
    for (size_t i = count; i-- > 0;)
        used += (size_t)snprintf(turned + used, sizeof turned - used, "\"%.*s\":%.*s%s",
                                 (int)members[i].key.length, members[i].key.at,
                                 (int)members[i].raw.length, members[i].raw.at, i ? "," : "}");
    struct usage_report r;
    struct usage u;
    ck_assert(usage_report_parse(text_of(turned), &r));
    ck_assert_uint_eq(usage_report_resolve(&r, &u), objects[_i].odd);
    for (int c = 0; c < USAGE_CLASSES; c++)
        ck_assert_msg(u.tokens[c] == objects[_i].tokens[c], "%s: %s", objects[_i].whose,
                      usage_class_name((enum usage_class)c));
}
END_TEST

START_TEST(every_key_of_the_table_is_found_however_it_is_spelt)
{
    const struct usage_key *k;
    size_t count = 0;
    for (; (k = usage_key_at(count)); count++) {
        char upper[64] = "", spaced[128] = "";
        for (size_t i = 0; k->name[i]; i++) {
            upper[i] = (char)(k->name[i] >= 'a' ? k->name[i] - 32 : k->name[i]);
            snprintf(spaced + strlen(spaced), sizeof spaced - strlen(spaced), "%c_", k->name[i]);
        }
        ck_assert_ptr_eq(usage_key_find(text_of(k->name)), k);
        ck_assert_ptr_eq(usage_key_find(text_of(upper)), k);
        ck_assert_ptr_eq(usage_key_find(text_of(spaced)), k);
    }
    ck_assert_uint_gt(count, 100);
    ck_assert_ptr_null(usage_key_find(text_of("")));
    ck_assert_ptr_null(usage_key_find(text_of("prompt_tokens_that_nobody_has_ever_heard_of_x")));
}
END_TEST

START_TEST(unknown_keys_are_named_once)
{
    struct usage_report r = read_report("{'prompt_tokens': 1, 'ether_tokens': 2, 'fog_tokens': 3, "
                                        "'completion_tokens_details': {'smoke': 4}}");
    struct usage_key_names names = {0};
    ck_assert_uint_eq(r.unknown_count, 3);
    for (int twice = 0; twice < 2; twice++)
        for (uint32_t i = 0; i < r.unknown_count; i++)
            usage_key_names_add(&names, r.unknown[i]);
    ck_assert_uint_eq(names.count, 3);
    ck_assert_str_eq(names.name[0], "ether_tokens");
    ck_assert_str_eq(names.name[2], "smoke");
    usage_key_names_add(&names, text_of("a\033b\n"));
    ck_assert_str_eq(names.name[3], "a?b?");
    for (int i = 0; i < 40; i++) {
        char name[80];
        snprintf(name, sizeof name, "%02d tokens of a name that is much longer than the room", i);
        usage_key_names_add(&names, text_of(name));
    }
    ck_assert_uint_eq(names.count, USAGE_KEY_NAMES);
    ck_assert_uint_lt(strlen(names.name[USAGE_KEY_NAMES - 1]), USAGE_KEY_SIZE);
}
END_TEST

static const struct {
    const char *json, *cost; /* NULL = none */
} costs[] = {
    {"{'cost': 0.000123}", "0.000123"},
    {"{'cost': '0.0021'}", "0.0021"},
    {"{'cost': 1.9e-05}", "0.000019"},
    {"{'cost': 0.10000000000000001e-7}", "0.000000010000000000000001"},
    {"{'cost': 4.4999999999999996e-09}", "0.000000004499999999999999"},
    {"{'cost': null}", NULL},
    {"{'cost': -1}", NULL},
    {"{'cost': 'free'}", NULL},
    {"{'prompt_tokens': 3}", NULL},
    {"{'cost': {'input_cost': 0.001, 'output_cost': 0.002, 'total_cost': 0.0035}}", "0.0035"},
    {"{'cost': {'input': 0.001, 'output': '0.002'}}", "0.003"},
    {"{'cost': {'total': 0.25, 'currency': 'USD'}}", "0.25"},
    {"{'cost': {'total': 0.25, 'currency': 'CNY'}}", NULL},
    {"{'estimated_cost': 0.0000072}", "0.0000072"},
    {"{'cost_usd': 0.5}", "0.5"},
    {"{'total_cost': '0.75'}", "0.75"},
    {"{'cost_in_usd_ticks': 37756000}", "0.0037756"},
    {"{'cost': 0, 'cost_details': {'upstream_inference_cost': 0.0064, "
     "'upstream_inference_prompt_cost': 0.004}}",
     "0.0064"},
    {"{'cost': 0.002, 'cost_details': {'upstream_inference_cost': 0.0019}}", "0.002"},
    {"{'cost': 0.0003, 'is_byok': true, 'cost_details': {'upstream_inference_cost': 0.006}}",
     "0.0063"},
    {"{'cost': 0, 'cost_details': {'upstream_inference_cost': 0}}", "0"},
};

START_TEST(a_providers_cost_is_exact_in_all_its_forms)
{
    struct usage_report r = read_report(costs[_i].json);
    char text[MONEY_TEXT_SIZE] = "";
    ck_assert_msg(r.has_cost == (costs[_i].cost != NULL), "%s", costs[_i].json);
    if (r.has_cost)
        money_format(r.cost, text);
    ck_assert_str_eq(text, costs[_i].cost ? costs[_i].cost : "");
    ck_assert_uint_eq(r.odd, 0);
}
END_TEST

/* Two reports of one answer. */
static uint32_t merged(const char *first, const char *second, struct usage *out)
{
    struct usage_report a = read_report(first), b = read_report(second);
    usage_report_merge(&a, &b);
    return usage_report_resolve(&a, out);
}

START_TEST(several_reports_of_an_answer_keep_the_larger_of_each_count)
{
    struct usage u;
    /* Anthropic's start and its cumulative delta, with and without the input again */
    const char *start = "{'input_tokens': 25, 'cache_read_input_tokens': 1000, "
                        "'cache_creation_input_tokens': 50, 'output_tokens': 1}";
    ck_assert_uint_eq(merged(start, "{'output_tokens': 15}", &u), 0);
    ck_assert_uint_eq(u.tokens[USAGE_UNCACHED_INPUT], 25);
    ck_assert_uint_eq(u.tokens[USAGE_CACHED_INPUT], 1000);
    ck_assert_uint_eq(u.tokens[USAGE_CACHE_WRITE], 50);
    ck_assert_uint_eq(u.tokens[USAGE_OUTPUT], 15);
    ck_assert_uint_eq(merged(start,
                             "{'input_tokens': 25, 'cache_read_input_tokens': 1000, "
                             "'cache_creation_input_tokens': 50, 'output_tokens': 15}",
                             &u),
                      0);
    ck_assert_uint_eq(usage_input(&u), 1075);
    ck_assert_uint_eq(usage_output(&u), 15);
    /* A gateway that knows the input only at the end */
    ck_assert_uint_eq(merged("{'input_tokens': 0, 'output_tokens': 0}",
                             "{'input_tokens': 99, 'output_tokens': 8}", &u),
                      0);
    ck_assert_uint_eq(usage_input(&u), 99);
    /* Counts that fall */
    ck_assert_uint_eq(merged("{'prompt_tokens': 20, 'completion_tokens': 9, 'total_tokens': 29}",
                             "{'prompt_tokens': 20, 'completion_tokens': 3, 'total_tokens': 23}",
                             &u),
                      ODDITY(USAGE_BACK));
    ck_assert_uint_eq(usage_output(&u), 9);
    ck_assert_uint_eq(merged("{'prompt_tokens': 20, 'completion_tokens': 9}",
                             "{'prompt_tokens': -1, 'completion_tokens': 10}", &u),
                      NUMBER);
    ck_assert_uint_eq(usage_input(&u), 20);
    ck_assert_uint_eq(usage_output(&u), 10);
}
END_TEST

START_TEST(what_is_no_object_says_nothing)
{
    static const char *const others[] = {"null", "[]", "[1, 2]", "7", "'a'", "true"};
    char text[2048];
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        struct usage_report r;
        ck_assert(!usage_report_parse(quoted(others[i], text), &r));
        ck_assert(!r.is_there && r.given == 0);
    }
    struct usage_report r = read_report("{}");
    ck_assert(r.is_there);
    ck_assert(!usage_report_has_input(&r) && !usage_report_has_output(&r));
    ck_assert(!usage_report_parse(text_of("{\"prompt_tokens\": 1"), &r));
}
END_TEST

START_TEST(web_searches_are_counted)
{
    struct usage_report r =
        read_report("{'input_tokens': 1, 'server_tool_use': {'web_search_requests': 3}}");
    ck_assert_uint_eq(r.count[COUNT_WEB_SEARCHES], 3);
    r = read_report("{'input_tokens': 1, 'server_side_tool_usage_details': {'web_search_calls': 4, "
                    "'x_search_calls': 1}}");
    ck_assert_uint_eq(r.count[COUNT_WEB_SEARCHES], 4);
}
END_TEST

#define LOOP(t, test, table) tcase_add_loop_test(t, test, 0, (int)(sizeof table / sizeof *table))

int main(void)
{
    Suite *suite = suite_create("usage_report");
    TCase *t = tcase_create("usage_report");
    LOOP(t, every_providers_usage_becomes_disjoint, objects);
    LOOP(t, the_order_of_keys_changes_nothing, objects);
    tcase_add_test(t, every_key_of_the_table_is_found_however_it_is_spelt);
    tcase_add_test(t, unknown_keys_are_named_once);
    LOOP(t, a_providers_cost_is_exact_in_all_its_forms, costs);
    tcase_add_test(t, several_reports_of_an_answer_keep_the_larger_of_each_count);
    tcase_add_test(t, what_is_no_object_says_nothing);
    tcase_add_test(t, web_searches_are_counted);
    suite_add_tcase(suite, t);
    return testing_run(suite);
}
