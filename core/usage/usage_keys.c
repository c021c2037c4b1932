#include "core/usage/usage_keys.h"

#include <ctype.h>

#define LONGEST 31

/* Sorted by name. */
static const struct usage_key keys[] = {
    {"acceptedpredictiontokens", COUNT_NOTHING, PLACE_NOWHERE},
    {"audio", COUNT_KIND_AUDIO, PLACE_NOWHERE},
    {"audiocompletiontokens", COUNT_AUDIO_OUTPUT, PLACE_NOWHERE},
    {"audioinputtokens", COUNT_AUDIO_INPUT, PLACE_NOWHERE},
    {"audiooutputtokens", COUNT_AUDIO_OUTPUT, PLACE_NOWHERE},
    {"audioprompttokens", COUNT_AUDIO_INPUT, PLACE_NOWHERE},
    {"audiotokencount", COUNT_KIND_AUDIO, PLACE_NOWHERE},
    {"audiotokens", COUNT_KIND_AUDIO, PLACE_NOWHERE},
    {"cachecreation", COUNT_WRITTEN, PLACE_WRITTEN},
    {"cachecreationinputtokens", COUNT_WRITTEN_BESIDE, PLACE_WRITTEN},
    {"cachecreationtokendetails", COUNT_OBJECT, PLACE_WRITTEN},
    {"cachecreationtokens", COUNT_WRITTEN, PLACE_WRITTEN},
    {"cachecreationtokensdetails", COUNT_OBJECT, PLACE_WRITTEN},
    {"cachedaudiotokens", COUNT_CACHED_AUDIO, PLACE_NOWHERE},
    {"cachedcontenttokencount", COUNT_CACHED, PLACE_CACHED},
    {"cachedcreationtokens", COUNT_WRITTEN, PLACE_WRITTEN},
    {"cachedetails", COUNT_OBJECT, PLACE_WRITTEN},
    {"cachedimagetokens", COUNT_CACHED_IMAGE, PLACE_NOWHERE},
    {"cachedinputtokencount", COUNT_CACHED, PLACE_CACHED},
    {"cachedinputtokens", COUNT_CACHED, PLACE_CACHED},
    {"cachedpromptaudiotokens", COUNT_CACHED_AUDIO, PLACE_NOWHERE},
    {"cachedpromptimagetokens", COUNT_CACHED_IMAGE, PLACE_NOWHERE},
    {"cachedprompttexttokens", COUNT_CACHED, PLACE_CACHED},
    {"cachedprompttokens", COUNT_CACHED, PLACE_CACHED},
    {"cachedtexttokens", COUNT_NOTHING, PLACE_NOWHERE},
    {"cachedtokencount", COUNT_CACHED, PLACE_CACHED},
    {"cachedtokendetails", COUNT_OBJECT, PLACE_CACHED},
    {"cachedtokens", COUNT_CACHED, PLACE_CACHED},
    {"cachedtokensdetails", COUNT_OBJECT, PLACE_CACHED},
    {"cachehittokens", COUNT_CACHED, PLACE_CACHED},
    {"cacheread", COUNT_CACHED, PLACE_CACHED},
    {"cachereadinputtokencount", COUNT_CACHED_BESIDE, PLACE_NOWHERE},
    {"cachereadinputtokens", COUNT_CACHED_BESIDE, PLACE_NOWHERE},
    {"cachereadinputtokenscount", COUNT_CACHED_BESIDE, PLACE_NOWHERE},
    {"cachereadtokens", COUNT_CACHED, PLACE_CACHED},
    {"cachetokendetails", COUNT_OBJECT, PLACE_CACHED},
    {"cachetokens", COUNT_CACHED, PLACE_CACHED},
    {"cachetokensdetails", COUNT_OBJECT, PLACE_CACHED},
    {"cachewrite", COUNT_WRITTEN, PLACE_WRITTEN},
    {"cachewriteinputtokencount", COUNT_WRITTEN_BESIDE, PLACE_WRITTEN},
    {"cachewriteinputtokens", COUNT_WRITTEN_BESIDE, PLACE_WRITTEN},
    {"cachewriteinputtokenscount", COUNT_WRITTEN_BESIDE, PLACE_WRITTEN},
    {"cachewritetokens", COUNT_WRITTEN, PLACE_WRITTEN},
    {"candidatestokencount", COUNT_CANDIDATES, PLACE_OUTPUT},
    {"candidatestokensdetails", COUNT_OBJECT, PLACE_OUTPUT},
    {"citationtokens", COUNT_TOOL_PROMPT, PLACE_NOWHERE},
    {"completionaudiotokens", COUNT_AUDIO_OUTPUT, PLACE_NOWHERE},
    {"completionimagetokens", COUNT_IMAGE_OUTPUT, PLACE_NOWHERE},
    {"completiontexttokens", COUNT_NOTHING, PLACE_NOWHERE},
    {"completiontokencount", COUNT_COMPLETION, PLACE_OUTPUT},
    {"completiontokendetails", COUNT_OBJECT, PLACE_OUTPUT},
    {"completiontokens", COUNT_COMPLETION, PLACE_OUTPUT},
    {"completiontokensdetails", COUNT_OBJECT, PLACE_OUTPUT},
    {"cost", COUNT_COST, PLACE_COST},
    {"costdetails", COUNT_OBJECT, PLACE_COST},
    {"costinusdticks", COUNT_COST_TICKS, PLACE_NOWHERE},
    {"costusd", COUNT_COST_TOTAL, PLACE_COST},
    {"createdcachetokens", COUNT_WRITTEN, PLACE_WRITTEN},
    {"currency", COUNT_CURRENCY, PLACE_NOWHERE},
    {"ephemeral1hinputtokens", COUNT_WRITTEN_1H, PLACE_NOWHERE},
    {"ephemeral1htokens", COUNT_WRITTEN_1H, PLACE_NOWHERE},
    {"ephemeral5minputtokens", COUNT_WRITTEN_5M, PLACE_NOWHERE},
    {"ephemeral5mtokens", COUNT_WRITTEN_5M, PLACE_NOWHERE},
    {"estimatedcost", COUNT_COST_TOTAL, PLACE_COST},
    {"evalcount", COUNT_COMPLETION, PLACE_OUTPUT},
    {"generatedtokencount", COUNT_COMPLETION, PLACE_OUTPUT},
    {"generatedtokens", COUNT_COMPLETION, PLACE_OUTPUT},
    {"image", COUNT_KIND_IMAGE, PLACE_NOWHERE},
    {"imageinputtokens", COUNT_IMAGE_INPUT, PLACE_NOWHERE},
    {"imageoutputtokens", COUNT_IMAGE_OUTPUT, PLACE_NOWHERE},
    {"imagetokencount", COUNT_KIND_IMAGE, PLACE_NOWHERE},
    {"imagetokens", COUNT_KIND_IMAGE, PLACE_NOWHERE},
    {"input", COUNT_UNCACHED, PLACE_INPUT},
    {"inputaudiotokens", COUNT_AUDIO_INPUT, PLACE_NOWHERE},
    {"inputcachecreation", COUNT_WRITTEN, PLACE_WRITTEN},
    {"inputcachecreation1h", COUNT_WRITTEN_1H, PLACE_NOWHERE},
    {"inputcachecreation5m", COUNT_WRITTEN_5M, PLACE_NOWHERE},
    {"inputcachedaudiotokens", COUNT_CACHED_AUDIO, PLACE_NOWHERE},
    {"inputcachedimagetokens", COUNT_CACHED_IMAGE, PLACE_NOWHERE},
    {"inputcachedtokens", COUNT_CACHED, PLACE_CACHED},
    {"inputcacheread", COUNT_CACHED, PLACE_CACHED},
    {"inputcachewrite", COUNT_WRITTEN, PLACE_WRITTEN},
    {"inputimagetokens", COUNT_IMAGE_INPUT, PLACE_NOWHERE},
    {"inputtexttokens", COUNT_NOTHING, PLACE_NOWHERE},
    {"inputtokencount", COUNT_INPUT, PLACE_INPUT},
    {"inputtokendetails", COUNT_OBJECT, PLACE_INPUT},
    {"inputtokens", COUNT_INPUT, PLACE_INPUT},
    {"inputtokensdetails", COUNT_OBJECT, PLACE_INPUT},
    {"inputuncachedtokens", COUNT_UNCACHED, PLACE_INPUT},
    {"inputvideotokens", COUNT_VIDEO_INPUT, PLACE_NOWHERE},
    {"isbyok", COUNT_OWN_KEY, PLACE_NOWHERE},
    {"iterations", COUNT_OBJECT, PLACE_NOWHERE},
    {"lasttokenusage", COUNT_OBJECT, PLACE_TOP},
    {"multimodaltokens", COUNT_OBJECT, PLACE_INPUT},
    {"nativetokenscached", COUNT_CACHED, PLACE_CACHED},
    {"nativetokenscompletion", COUNT_COMPLETION, PLACE_OUTPUT},
    {"nativetokenscompletionimages", COUNT_IMAGE_OUTPUT, PLACE_NOWHERE},
    {"nativetokensprompt", COUNT_PROMPT, PLACE_INPUT},
    {"nativetokensreasoning", COUNT_REASONING, PLACE_NOWHERE},
    {"nocache", COUNT_UNCACHED, PLACE_INPUT},
    {"nocachetokens", COUNT_UNCACHED, PLACE_INPUT},
    {"numcachedtokens", COUNT_CACHED, PLACE_CACHED},
    {"output", COUNT_CANDIDATES, PLACE_OUTPUT},
    {"outputacceptedpredictiontokens", COUNT_NOTHING, PLACE_NOWHERE},
    {"outputaudiotokens", COUNT_AUDIO_OUTPUT, PLACE_NOWHERE},
    {"outputimagetokens", COUNT_IMAGE_OUTPUT, PLACE_NOWHERE},
    {"outputreasoning", COUNT_REASONING, PLACE_NOWHERE},
    {"outputreasoningtokens", COUNT_REASONING, PLACE_NOWHERE},
    {"outputrejectedpredictiontokens", COUNT_NOTHING, PLACE_NOWHERE},
    {"outputtexttokens", COUNT_NOTHING, PLACE_NOWHERE},
    {"outputtokencount", COUNT_COMPLETION, PLACE_OUTPUT},
    {"outputtokendetails", COUNT_OBJECT, PLACE_OUTPUT},
    {"outputtokens", COUNT_COMPLETION, PLACE_OUTPUT},
    {"outputtokensdetails", COUNT_OBJECT, PLACE_OUTPUT},
    {"promptaudiotokens", COUNT_AUDIO_INPUT, PLACE_NOWHERE},
    {"promptcachedtokens", COUNT_CACHED, PLACE_CACHED},
    {"promptcachehittokens", COUNT_CACHED, PLACE_CACHED},
    {"promptcachemisstokens", COUNT_UNCACHED, PLACE_INPUT},
    {"promptevalcount", COUNT_PROMPT, PLACE_INPUT},
    {"promptimagetokens", COUNT_IMAGE_INPUT, PLACE_NOWHERE},
    {"prompttexttokens", COUNT_NOTHING, PLACE_NOWHERE},
    {"prompttokencount", COUNT_PROMPT, PLACE_INPUT},
    {"prompttokendetails", COUNT_OBJECT, PLACE_INPUT},
    {"prompttokens", COUNT_PROMPT, PLACE_INPUT},
    {"prompttokenscached", COUNT_CACHED, PLACE_CACHED},
    {"prompttokensdetails", COUNT_OBJECT, PLACE_INPUT},
    {"promptvideotokens", COUNT_VIDEO_INPUT, PLACE_NOWHERE},
    {"raw", COUNT_OBJECT, PLACE_NOWHERE},
    {"reasoning", COUNT_REASONING, PLACE_NOWHERE},
    {"reasoningoutputtokens", COUNT_REASONING, PLACE_NOWHERE},
    {"reasoningtokencount", COUNT_REASONING, PLACE_NOWHERE},
    {"reasoningtokens", COUNT_REASONING, PLACE_NOWHERE},
    {"rejectedpredictiontokens", COUNT_NOTHING, PLACE_NOWHERE},
    {"responsecost", COUNT_COST_TOTAL, PLACE_COST},
    {"responsetokencount", COUNT_CANDIDATES, PLACE_OUTPUT},
    {"responsetokensdetails", COUNT_OBJECT, PLACE_OUTPUT},
    {"serversidetoolusagedetails", COUNT_OBJECT, PLACE_TOOLS},
    {"servertooluse", COUNT_OBJECT, PLACE_TOOLS},
    {"servertoolusedetails", COUNT_OBJECT, PLACE_TOOLS},
    {"text", COUNT_KIND_TEXT, PLACE_NOWHERE},
    {"texttokencount", COUNT_KIND_TEXT, PLACE_NOWHERE},
    {"texttokens", COUNT_KIND_TEXT, PLACE_NOWHERE},
    {"thinkingtokencount", COUNT_REASONING, PLACE_NOWHERE},
    {"thinkingtokens", COUNT_REASONING, PLACE_NOWHERE},
    {"thoughtstokencount", COUNT_REASONING, PLACE_NOWHERE},
    {"thoughtstokens", COUNT_REASONING, PLACE_NOWHERE},
    {"tokens", COUNT_OBJECT, PLACE_TOP},
    {"tokenscompletion", COUNT_COMPLETION, PLACE_OUTPUT},
    {"tokensinput", COUNT_INPUT, PLACE_INPUT},
    {"tokensprompt", COUNT_INPUT, PLACE_INPUT},
    {"tokenusage", COUNT_OBJECT, PLACE_TOP},
    {"tooluseprompttokencount", COUNT_TOOL_PROMPT, PLACE_NOWHERE},
    {"tooluseprompttokensdetails", COUNT_OBJECT, PLACE_NOWHERE},
    {"total", COUNT_WHOLE, PLACE_NOWHERE},
    {"totalcost", COUNT_COST_TOTAL, PLACE_COST},
    {"totalcostusd", COUNT_COST_TOTAL, PLACE_COST},
    {"totaltokencount", COUNT_TOTAL, PLACE_NOWHERE},
    {"totaltokens", COUNT_TOTAL, PLACE_NOWHERE},
    {"totaltokenusage", COUNT_OBJECT, PLACE_NOWHERE},
    {"uncachedinputtokens", COUNT_UNCACHED, PLACE_INPUT},
    {"uncachedtokens", COUNT_UNCACHED, PLACE_INPUT},
    {"upstreaminferencecost", COUNT_COST_UPSTREAM, PLACE_NOWHERE},
    {"usage", COUNT_OBJECT, PLACE_TOP},
    {"usagebreakdown", COUNT_OBJECT, PLACE_NOWHERE},
    {"usagemetadata", COUNT_OBJECT, PLACE_TOP},
    {"video", COUNT_KIND_VIDEO, PLACE_NOWHERE},
    {"videoinputtokens", COUNT_VIDEO_INPUT, PLACE_NOWHERE},
    {"videotokencount", COUNT_KIND_VIDEO, PLACE_NOWHERE},
    {"videotokens", COUNT_KIND_VIDEO, PLACE_NOWHERE},
    {"websearchcalls", COUNT_WEB_SEARCHES, PLACE_NOWHERE},
    {"websearchrequests", COUNT_WEB_SEARCHES, PLACE_NOWHERE},
};

#define KEYS (sizeof keys / sizeof *keys)

/* Letters and digits alone, small ones; false where the key is too long to be known. */
static bool plain_name(struct text key, char out[LONGEST + 1])
{
    size_t used = 0;
    for (size_t i = 0; i < key.length; i++) {
        char c = key.at[i];
        if (c >= 'A' && c <= 'Z')
            c = (char)(c | 0x20);
        if (c == '_' || c == '-')
            continue;
        if (used == LONGEST)
            return false;
        out[used++] = c;
    }
    out[used] = '\0';
    return true;
}

const struct usage_key *usage_key_find(struct text key)
{
    char name[LONGEST + 1];
    size_t low = 0, high = KEYS;
    if (!plain_name(key, name))
        return NULL;
    while (low < high) {
        size_t middle = (low + high) / 2;
        int order = strcmp(name, keys[middle].name);
        if (order == 0)
            return &keys[middle];
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}

const struct usage_key *usage_key_at(size_t i)
{
    return i < KEYS ? &keys[i] : NULL;
}

unsigned usage_key_count(const struct usage_key *k, enum usage_place place)
{
    static const unsigned char of_kind[4][3] = {
        /* text, image, audio, video, each of input, cached, output */
        {COUNT_NOTHING, COUNT_NOTHING, COUNT_NOTHING},
        {COUNT_IMAGE_INPUT, COUNT_CACHED_IMAGE, COUNT_IMAGE_OUTPUT},
        {COUNT_AUDIO_INPUT, COUNT_CACHED_AUDIO, COUNT_AUDIO_OUTPUT},
        {COUNT_VIDEO_INPUT, COUNT_NOTHING, COUNT_NOTHING},
    };
    if (k->count >= COUNT_KIND_TEXT && k->count <= COUNT_KIND_VIDEO) {
        int column = place == PLACE_OUTPUT ? 2 : place == PLACE_CACHED ? 1 : 0;
        return of_kind[k->count - COUNT_KIND_TEXT][column];
    }
    if (k->count == COUNT_WHOLE)
        return place == PLACE_INPUT    ? COUNT_INPUT
               : place == PLACE_CACHED ? COUNT_CACHED
               : place == PLACE_OUTPUT ? COUNT_COMPLETION
                                       : COUNT_TOTAL;
    /* Inside a length's details nobody counts beside it. */
    if (place == PLACE_INPUT && k->count == COUNT_CACHED_BESIDE)
        return COUNT_CACHED;
    if (place == PLACE_INPUT && k->count == COUNT_WRITTEN_BESIDE)
        return COUNT_WRITTEN;
    return k->count;
}

/* Without regard to case. */
static bool holds(struct text key, const char *part)
{
    size_t n = strlen(part);
    for (size_t i = 0; i + n <= key.length; i++) {
        size_t k = 0;
        while (k < n && tolower((unsigned char)key.at[i + k]) == part[k])
            k++;
        if (k == n)
            return true;
    }
    return false;
}

bool usage_key_is_of_tokens(struct text key)
{
    static const char *const others[] = {"cost",  "price",   "per_", "persec", "pertok",
                                         "limit", "max",     "time", "_ms",    "latency",
                                         "ratio", "percent", "rate_"};
    if (!holds(key, "token"))
        return false;
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (holds(key, others[i]))
            return false;
    return true;
}
