#include "sim/mock/api/answer.h"

#include "core/memory.h"
#include "core/random.h"
#include "sim/mock/api/schema.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Bytes of a token of made-up JSON. */
enum { JSON_TOKEN_BYTES = 4 };

/* Of a model that does not reason by itself, where reasoning is asked for. */
enum { LEAST_REASONING = 16 };

static const char *const words[] = {
    "the",    "fare",  "of",    "a",     "ride",  "is",    "paid",   "once", "per",   "mile",
    "meter",  "runs",  "and",   "token", "by",    "count", "box",    "coin", "line",  "stop",
    "driver", "takes", "every", "short", "trip",  "long",  "one",    "cost", "same",  "price",
    "while",  "taxi",  "shows", "what",  "was",   "used",  "so",     "far",  "light", "turns",
    "green",  "two",   "roads", "meet",  "where", "river", "bends",  "past", "old",   "mill",
    "night",  "bus",   "still", "goes",  "round", "city",  "square", "then", "home",
};

enum { WORD_COUNT = sizeof words / sizeof words[0] };

static void add_words(const struct answer *a, uint64_t from, uint64_t to, bool lead,
                      struct buffer *out)
{
    for (uint64_t i = from; i < to; i++) {
        if (lead || i > from)
            buffer_add_byte(out, ' ');
        buffer_add_text(out, words[(i * 7 + a->first_word) % WORD_COUNT]);
    }
    if (from == to)
        buffer_add_byte(out, 's'); /* a token in the middle of a word */
}

void answer_add_piece(const struct answer *a, uint32_t part, uint32_t token, struct buffer *out)
{
    const struct answer_part *p = &a->parts[part];
    if (!p->text) {
        add_words(a, tokens_first_word(&a->rules, token), tokens_first_word(&a->rules, token + 1),
                  token > 0, out);
        return;
    }
    /* Text made beforehand is cut evenly, so that every token carries some of it. */
    size_t from = p->length * token / p->tokens, to = p->length * (token + 1) / p->tokens;
    buffer_add(out, p->text + from, to - from);
}

void answer_add_other(uint64_t seed, uint32_t i, struct buffer *out)
{
    buffer_add_format(out, " %s%s", words[(seed + i) % WORD_COUNT], i & 1 ? "," : ".");
}

void answer_add_part(const struct answer *a, uint32_t part, struct buffer *out)
{
    for (uint32_t t = 0; t < a->parts[part].tokens; t++)
        answer_add_piece(a, part, t, out);
}

void answer_repeat_part(const struct answer *a, uint32_t part, struct prompt *prompt)
{
    struct buffer text;
    buffer_init(&text, BUFFER_UNBOUNDED);
    answer_add_part(a, part, &text);
    if (text.length)
        prompt_add_words(prompt, text.data, text.length);
    buffer_free(&text);
}

static struct answer_part *add_part(struct answer *a, enum part_kind kind, uint32_t tokens)
{
    struct answer_part *p = &a->parts[a->part_count++];
    *p = (struct answer_part){.kind = kind, .tokens = tokens};
    a->tokens += tokens;
    return p;
}

/* Text of `length` bytes as a part of at most `room` tokens; true if all of it fits. */
static bool add_text(struct answer *a, enum part_kind kind, struct buffer *text, uint32_t room,
                     struct answer_part **out)
{
    size_t length = text->length;
    size_t tokens = (length + JSON_TOKEN_BYTES - 1) / JSON_TOKEN_BYTES;
    bool fits = tokens <= room;
    if (!fits) {
        tokens = room;
        length = (size_t)room * JSON_TOKEN_BYTES;
    }
    struct answer_part *p = add_part(a, kind, (uint32_t)tokens);
    p->text = buffer_take(text);
    p->length = length;
    if (out)
        *out = p;
    return fits;
}

/* Ends the words of a part where the first stop string would appear in them. */
static void apply_stops(struct answer *a, uint32_t part, const struct ask *ask)
{
    struct answer_part *p = &a->parts[part];
    struct buffer text;
    buffer_init(&text, BUFFER_UNBOUNDED);
    answer_add_part(a, part, &text);
    const char *first = NULL, *stop = "";
    for (size_t i = 0; i < ask->stop_count; i++) {
        const char *found = text.length ? strstr(text.data, ask->stops[i]) : NULL;
        if (found && (!first || found < first)) {
            first = found;
            stop = ask->stops[i];
        }
    }
    if (first) {
        size_t kept = (size_t)(first - text.data);
        struct buffer until;
        buffer_init(&until, BUFFER_UNBOUNDED);
        uint32_t tokens = 0;
        while (until.length < kept + strlen(stop))
            answer_add_piece(a, part, tokens++, &until);
        buffer_free(&until);
        a->tokens -= p->tokens - tokens;
        p->tokens = tokens;
        p->length = kept;
        p->text = buffer_take(&text);
        a->finish_reason = "stop";
        a->stop = mem_copy_string(stop);
    }
    buffer_free(&text);
}

/* How long JSON is to be made: as long as was asked for, or as short as it can be. */
static size_t bytes_for(const struct ask *ask, uint32_t tokens)
{
    return ask->output_given ? (size_t)tokens * JSON_TOKEN_BYTES : 0;
}

static bool is_wanted(const struct ask *ask, const struct ask_tool *t)
{
    return !ask->tool_name || strcmp(t->name, ask->tool_name) == 0;
}

static void plan_tools(struct answer *a, const struct ask *ask, uint32_t room, uint64_t seed)
{
    uint32_t most = ask->parallel_tools && !ask->tool_name ? ANSWER_MAX_PARTS - 2 : 1;
    uint32_t calls = 0, wanted = 0;
    a->finish_reason = "tool_calls";
    for (size_t i = 0; i < ask->tool_count && wanted < most; i++)
        wanted += is_wanted(ask, &ask->tools[i]);
    for (size_t i = 0; i < ask->tool_count && calls < most; i++) {
        const struct ask_tool *t = &ask->tools[i];
        if (!is_wanted(ask, t))
            continue;
        struct buffer text;
        buffer_init(&text, SCHEMA_MAX_BYTES);
        if (t->parameters)
            schema_example(t->parameters, seed + calls, bytes_for(ask, room / (wanted - calls)),
                           &text);
        else
            buffer_add_text(&text, "{}");
        struct answer_part *p;
        bool fits = add_text(a, PART_TOOL, &text, room, &p);
        snprintf(p->name, sizeof p->name, "%s", t->name);
        snprintf(p->id, sizeof p->id, "call_%016llx",
                 (unsigned long long)random_mix(seed, calls + 1));
        room -= p->tokens;
        calls++;
        if (!fits || room == 0) {
            a->finish_reason = fits ? "tool_calls" : "length";
            break;
        }
    }
}

static void plan_json(struct answer *a, const struct ask *ask, uint32_t room, uint64_t seed)
{
    struct buffer text;
    buffer_init(&text, SCHEMA_MAX_BYTES);
    schema_example(ask->json_schema, seed, bytes_for(ask, room), &text);
    a->finish_reason = add_text(a, PART_CONTENT, &text, room, NULL) ? "stop" : "length";
}

/* A conversation that ends with a tool's result is answered in words, or it would never end. */
static bool wants_tools(const struct ask *ask)
{
    if (ask->tool_count == 0)
        return false;
    return ask->tool_required || ask->tool_name || !ask->after_tool;
}

static uint32_t plan_reasoning(struct answer *a, const struct ask *ask, uint32_t wanted)
{
    const char *effort = ask->reasoning_effort;
    if (effort && (strcmp(effort, "none") == 0 || strcmp(effort, "minimal") == 0))
        wanted = 0;
    if (effort && strcmp(effort, "low") == 0)
        wanted /= 2;
    if (effort && strcmp(effort, "high") == 0)
        wanted *= 2;
    if (ask->reasoning_budget && (wanted == 0 || wanted > ask->reasoning_budget))
        wanted = wanted ? ask->reasoning_budget : LEAST_REASONING;
    if (!ask->reasons)
        wanted = 0;
    /* The limit counts reasoning too; one that it uses up leaves no visible token. */
    uint32_t tokens = wanted < ask->output_tokens ? wanted : ask->output_tokens;
    a->reasoning_tokens = tokens;
    if (tokens)
        add_part(a, PART_REASONING, tokens);
    return ask->output_tokens - tokens;
}

void answer_plan(struct answer *a, const struct ask *ask, const struct answer_rules *rules,
                 uint64_t seed)
{
    *a = (struct answer){.rules = rules->tokens,
                         .first_word = (uint32_t)(seed % WORD_COUNT),
                         .finish_reason = "length"};
    uint32_t room = plan_reasoning(a, ask, rules->reasoning_tokens);
    if (room == 0)
        return;
    if (wants_tools(ask)) {
        plan_tools(a, ask, room, seed);
    } else if (ask->json_object || ask->json_schema) {
        plan_json(a, ask, room, seed);
    } else {
        add_part(a, PART_CONTENT, room);
        a->finish_reason = ask->output_given ? "length" : "stop";
        if (ask->stop_count)
            apply_stops(a, a->part_count - 1, ask);
    }
}

void answer_free(struct answer *a)
{
    for (uint32_t i = 0; i < a->part_count; i++)
        free(a->parts[i].text);
    a->part_count = 0;
    free(a->stop);
    a->stop = NULL;
}
