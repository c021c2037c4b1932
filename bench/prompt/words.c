#include "bench/prompt/words.h"

#include "core/memory.h"
#include "core/random.h"

#include <stdlib.h>
#include <string.h>

#define POOL_WORDS 65536u

struct words {
    char *text;
    uint32_t start[POOL_WORDS + 1];
};

/* Common words, so that usual tokenizers make about one token of each. 256 of them: a byte each. */
static const char *const list[256] = {
    "time",       "year",       "people",     "way",      "day",         "man",      "thing",
    "woman",      "life",       "child",      "world",    "school",      "state",    "family",
    "group",      "country",    "problem",    "hand",     "part",        "place",    "case",
    "week",       "company",    "system",     "program",  "question",    "work",     "number",
    "night",      "point",      "home",       "water",    "room",        "mother",   "area",
    "money",      "story",      "fact",       "month",    "lot",         "right",    "study",
    "book",       "eye",        "job",        "word",     "business",    "issue",    "side",
    "kind",       "head",       "house",      "service",  "friend",      "father",   "power",
    "hour",       "game",       "line",       "end",      "member",      "law",      "car",
    "city",       "name",       "team",       "minute",   "idea",        "body",     "back",
    "parent",     "face",       "level",      "office",   "door",        "health",   "person",
    "art",        "war",        "history",    "party",    "result",      "change",   "morning",
    "reason",     "research",   "girl",       "moment",   "air",         "teacher",  "force",
    "education",  "foot",       "boy",        "age",      "policy",      "music",    "market",
    "sense",      "nation",     "plan",       "college",  "interest",    "death",    "course",
    "experience", "effect",     "use",        "class",    "control",     "field",    "development",
    "role",       "effort",     "rate",       "heart",    "drug",        "show",     "leader",
    "light",      "voice",      "wife",       "whole",    "police",      "mind",     "price",
    "report",     "decision",   "son",        "view",     "town",        "road",     "arm",
    "difference", "value",      "building",   "action",   "season",      "society",  "tax",
    "director",   "position",   "player",     "record",   "paper",       "space",    "ground",
    "form",       "event",      "matter",     "center",   "couple",      "site",     "project",
    "activity",   "star",       "table",      "need",     "court",       "oil",      "situation",
    "cost",       "industry",   "figure",     "street",   "image",       "phone",    "data",
    "picture",    "practice",   "piece",      "land",     "product",     "doctor",   "wall",
    "patient",    "worker",     "news",       "test",     "movie",       "north",    "love",
    "support",    "technology", "step",       "baby",     "computer",    "type",     "attention",
    "film",       "tree",       "source",     "hair",     "window",      "culture",  "chance",
    "brother",    "energy",     "period",     "summer",   "hundred",     "plant",    "opportunity",
    "term",       "letter",     "condition",  "choice",   "rule",        "south",    "floor",
    "campaign",   "material",   "population", "call",     "economy",     "hospital", "church",
    "risk",       "fire",       "future",     "bank",     "west",        "sport",    "board",
    "subject",    "officer",    "rest",       "behavior", "performance", "fight",    "top",
    "goal",       "bed",        "order",      "author",   "blood",       "agency",   "nature",
    "color",      "store",      "sound",      "movement", "page",        "race",     "concern",
    "series",     "language",   "response",   "animal",   "factor",      "decade",   "article",
    "east",       "artist",     "scene",      "stock",
};

struct words *words_create(uint64_t salt)
{
    struct words *w = mem_alloc(sizeof *w);
    struct random r;
    struct buffer b;
    random_init(&r, salt, RANDOM_PROMPTS, 0);
    buffer_init(&b, BUFFER_UNBOUNDED);
    for (uint32_t i = 0; i < POOL_WORDS; i++) {
        w->start[i] = (uint32_t)b.length;
        buffer_add_byte(&b, ' ');
        buffer_add_text(&b, list[random_u64(&r) >> 56]);
    }
    w->start[POOL_WORDS] = (uint32_t)b.length;
    w->text = buffer_take(&b);
    return w;
}

void words_free(struct words *w)
{
    if (w)
        free(w->text);
    free(w);
}

int words_add(const struct words *w, uint64_t place, uint64_t count, struct buffer *out)
{
    uint32_t from = (uint32_t)(place % POOL_WORDS);
    while (count) {
        uint32_t n = count < POOL_WORDS - from ? (uint32_t)count : POOL_WORDS - from;
        if (buffer_add(out, w->text + w->start[from], w->start[from + n] - w->start[from]) < 0)
            return -1;
        count -= n;
        from = 0;
    }
    return 0;
}

int words_add_number(uint64_t number, uint64_t count, struct buffer *out)
{
    for (uint64_t i = 0; i < count && i < 8; i++) {
        if (buffer_add_byte(out, ' ') < 0 || buffer_add_text(out, list[number & 255]) < 0)
            return -1;
        number >>= 8;
    }
    return 0;
}
