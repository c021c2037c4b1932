/* Usage objects as providers write them: any of them, read by one table of keys.
 *
 *     struct usage_report r = {0};
 *     usage_report_read(&scan, &r);              // {"prompt_tokens": 137, "cached_tokens": 64,
 * ...} usage_report_merge(&so_far, &r);           // where an answer has several
 *     usage_report_resolve(&so_far, &usage);     // disjoint classes
 *     odd = so_far.odd;                          // ODDITY_USAGE_... bits
 *
 * A report keeps the counts as they were said; resolving puts them in order. Both never fail: what
 * cannot be read is unknown, and noted. Names are told apart by their letters and digits alone, so
 * that prompt_tokens, promptTokens and "prompt-tokens" are one key (usage_keys.c has them all, and
 * docs/usage.md says whose they are).
 *
 * Numbers: whole ones, also as strings and as 100.0. Fractions are rounded up, negative and absurd
 * ones are unknown (both ODDITY_USAGE_NUMBER); null is as if it were not there.
 *
 * What contradicts itself is resolved so:
 * - Cached and written tokens are inside the prompt's. They stand beside it where the provider
 *   counts so (input_tokens with Anthropic's or Bedrock's cache keys, Langfuse's "input"), where
 *   they are more than the prompt, where the uncached count that is given says so, or where only so
 *   the parts make the total. Where the names say inside and the counts say beside, that is
 *   ODDITY_USAGE_CACHED.
 * - Reasoning is inside the completion, beside Gemini's candidates and Langfuse's "output". It
 * stands beside also where it is more than the completion, or where only so the parts make the
 * total.
 * - Prompts of tools and citations stand beside the prompt and are uncached input.
 * - A length that is missing is what the total leaves. A total above both lengths counts reasoning
 *   that is not reported (ODDITY_USAGE_TOTAL); one below them says nothing.
 * - Several reports of one answer: the larger of each count. One that fell is ODDITY_USAGE_BACK,
 *   but for an input that is told again by where it came from.
 * - Parts of a kind (image, audio, video) are inside their length, and of those the cached ones
 *   inside both the kind and the cached; what is more than its whole is cut to it.
 *
 * Cost: the provider's own, exactly, in USD. Of an object its total, else the sum of its members;
 * an upstream's cost where the provider's own is 0, and added to it where the key is the user's
 * (is_byok).
 *
 * Nothing is allocated. Texts are lent from the payload.
 */
#ifndef FAREBOX_CORE_USAGE_USAGE_REPORT_H
#define FAREBOX_CORE_USAGE_USAGE_REPORT_H

#include "core/json/json_scan.h"
#include "core/money.h"
#include "core/text.h"
#include "core/usage/oddity.h"
#include "core/usage/usage.h"

/* A number that no honest usage passes; keeps sums of several far from overflow. */
#define USAGE_MAX_TOKENS UINT64_C(1000000000000)

#define USAGE_UNKNOWN_KEYS 4

enum usage_count {
    COUNT_PROMPT,   /* everything in */
    COUNT_INPUT,    /* everything in, or what is not cached */
    COUNT_UNCACHED, /* only what is neither cached nor written, nor of a kind of its own */
    COUNT_CACHED,
    COUNT_CACHED_BESIDE, /* under a key of those who count it beside the input */
    COUNT_WRITTEN,       /* for any time */
    COUNT_WRITTEN_BESIDE,
    COUNT_WRITTEN_5M,
    COUNT_WRITTEN_1H,
    COUNT_TOOL_PROMPT, /* beside the prompt */
    COUNT_IMAGE_INPUT,
    COUNT_AUDIO_INPUT,
    COUNT_VIDEO_INPUT,
    COUNT_CACHED_IMAGE,
    COUNT_CACHED_AUDIO,
    COUNT_COMPLETION, /* everything out */
    COUNT_CANDIDATES, /* everything out but the reasoning */
    COUNT_REASONING,
    COUNT_IMAGE_OUTPUT,
    COUNT_AUDIO_OUTPUT,
    COUNT_TOTAL,
    COUNT_WEB_SEARCHES, /* no tokens: calls */
    USAGE_COUNTS,
};

struct usage_report {
    bool is_there;  /* an object was read, be it an empty one */
    uint32_t given; /* a bit per enum usage_count */
    uint32_t told;  /* the same, with those whose value is null or no count */
    uint32_t odd;   /* ODDITY_USAGE_... of reading and merging */
    uint64_t count[USAGE_COUNTS];
    bool has_cost;
    money cost;
    uint32_t unknown_count; /* keys of tokens that the table does not know, the first ones: */
    struct text unknown[USAGE_UNKNOWN_KEYS];
};

/* Reads the scanner's next value into *out, which is made anew: an object, or an array of them;
 * null and all else is passed and leaves is_there false. Fails only where the JSON does. */
void usage_report_read(struct json_scan *s, struct usage_report *out);

/* The same of a text that holds one object; false where it does not. */
bool usage_report_parse(struct text json, struct usage_report *out);

/* True if the key of a payload's member says that a usage object stands there ("usage",
 * "usageMetadata", ...); usage_key_wraps: that one may stand inside ("x_groq", "message", ...). */
bool usage_key_holds(struct text key);
bool usage_key_wraps(struct text key);

/* As usage_report_read of the first usage object inside the next value. True if there was one. */
bool usage_report_find(struct json_scan *s, struct usage_report *out);

/* Reads the next value if its key says that it is the provider's own cost, as some tell it beside
 * the usage: {"cost": 0.0012}, {"provider_metadata": {"gateway": {"cost": "0.0012"}}}. False if
 * the key does not say so: nothing was read then. */
bool usage_cost_read(struct json_scan *s, struct text key, bool *has_cost, money *cost);

/* Takes a later report of the same answer into an earlier one. */
void usage_report_merge(struct usage_report *into, const struct usage_report *later);

/* The disjoint classes; counts that are not known are 0. Returns the ODDITY bits of the report and
 * of its contradictions. */
uint32_t usage_report_resolve(const struct usage_report *r, struct usage *out);

/* True if the report says how long the input or the output was, if only through the total. */
bool usage_report_has_input(const struct usage_report *r);
bool usage_report_has_output(const struct usage_report *r);

/* True if a length was told of, as null or as what is no count, and nothing says it: it is unknown,
 * not 0. */
bool usage_report_input_is_unknown(const struct usage_report *r);
bool usage_report_output_is_unknown(const struct usage_report *r);

/* True if it has a total and neither length. */
bool usage_report_is_total(const struct usage_report *r);

/* ---- for those who keep the names of unknown keys ---- */

#define USAGE_KEY_NAMES 8
#define USAGE_KEY_SIZE 48

struct usage_key_names {
    uint32_t count;
    char name[USAGE_KEY_NAMES][USAGE_KEY_SIZE]; /* printable, perhaps cut; each once */
};

/* Keeps a name, if it is new and there is room. */
void usage_key_names_add(struct usage_key_names *n, struct text name);
void usage_key_names_merge(struct usage_key_names *into, const struct usage_key_names *from);

#endif
