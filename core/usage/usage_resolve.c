/* Counts as they were said become disjoint classes. */
#include "core/usage/usage_report.h"

#include <ctype.h>

/* One reading of a report: which parts stand beside their whole. */
struct reading {
    bool cached, written, kinds, reasoning; /* beside */
};

/* What a report says, whoever said it. */
struct sums {
    uint64_t input, uncached, cached, written, written_1h, kinds, tools; /* kinds: not cached */
    uint64_t output, reasoning, total;
    bool has_input, has_uncached, has_output, has_total;
    struct reading usual;
};

static bool given(const struct usage_report *r, enum usage_count c)
{
    return r->given >> c & 1;
}

static uint64_t larger(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

static uint64_t less(uint64_t whole, uint64_t part)
{
    return whole > part ? whole - part : 0;
}

static uint64_t written_of(const struct usage_report *r)
{
    const uint64_t *n = r->count;
    return larger(larger(n[COUNT_WRITTEN], n[COUNT_WRITTEN_BESIDE]),
                  n[COUNT_WRITTEN_5M] + n[COUNT_WRITTEN_1H]);
}

static void sum_input(const struct usage_report *r, struct sums *s)
{
    const uint64_t *n = r->count;
    s->has_uncached = given(r, COUNT_UNCACHED);
    s->uncached = n[COUNT_UNCACHED];
    s->cached = larger(n[COUNT_CACHED], n[COUNT_CACHED_BESIDE]);
    s->written = written_of(r);
    s->written_1h = n[COUNT_WRITTEN_1H];
    s->tools = n[COUNT_TOOL_PROMPT];
    s->kinds = n[COUNT_IMAGE_INPUT] + n[COUNT_AUDIO_INPUT] + n[COUNT_VIDEO_INPUT];
    s->has_input = true;
    if (given(r, COUNT_PROMPT)) {
        s->input = n[COUNT_PROMPT];
    } else if (given(r, COUNT_INPUT)) {
        s->input = n[COUNT_INPUT];
        s->usual.cached = s->usual.written =
            given(r, COUNT_CACHED_BESIDE) || given(r, COUNT_WRITTEN_BESIDE);
    } else if (s->has_uncached) {
        s->input = s->uncached;
        s->has_uncached = false; /* it is no evidence of itself */
        s->usual.cached = s->usual.written = s->usual.kinds = true;
    } else {
        s->has_input = false;
    }
}

static void sum_up(const struct usage_report *r, struct sums *s)
{
    const uint64_t *n = r->count;
    *s = (struct sums){.reasoning = n[COUNT_REASONING],
                       .total = n[COUNT_TOTAL],
                       .has_total = given(r, COUNT_TOTAL)};
    sum_input(r, s);
    s->has_output = given(r, COUNT_COMPLETION) || given(r, COUNT_CANDIDATES);
    s->output = given(r, COUNT_COMPLETION) ? n[COUNT_COMPLETION] : n[COUNT_CANDIDATES];
    s->usual.reasoning = !given(r, COUNT_COMPLETION);
}

static uint64_t input_of(const struct sums *s, const struct reading *as)
{
    return s->input + (as->cached ? s->cached : 0) + (as->written ? s->written : 0) +
           (as->kinds ? s->kinds : 0);
}

static uint64_t output_of(const struct sums *s, const struct reading *as)
{
    return s->output + (as->reasoning ? s->reasoning : 0);
}

/* Can it be so? What is inside must have room, and leave what is said to be uncached. */
static bool is_possible(const struct sums *s, const struct reading *as)
{
    uint64_t inside = (as->cached ? 0 : s->cached) + (as->written ? 0 : s->written);
    if (inside > s->input || (!as->reasoning && s->reasoning > s->output))
        return false;
    if (!s->has_uncached || s->uncached == s->input - inside)
        return true;
    /* An uncached count that fits no reading says nothing. */
    return s->uncached != s->input && s->uncached + s->cached + s->written != s->input;
}

static bool makes_total(const struct sums *s, const struct reading *as)
{
    uint64_t sum = input_of(s, as) + output_of(s, as);
    return s->has_total && s->has_input && s->has_output &&
           (s->total == sum || s->total == sum + s->tools);
}

/* The readings in the order in which they are tried: the provider's own way first. */
static struct reading variant(const struct reading *usual, int i)
{
    static const struct reading flips[] = {
        {0},
        {.reasoning = true},
        {.cached = true, .written = true},
        {.cached = true},
        {.written = true},
        {.kinds = true},
        {.cached = true, .written = true, .reasoning = true},
        {.cached = true, .reasoning = true},
        {.written = true, .reasoning = true},
        {.cached = true, .written = true, .kinds = true},
        {.kinds = true, .reasoning = true},
        {.cached = true, .written = true, .kinds = true, .reasoning = true},
    };
    const struct reading *f = &flips[i];
    return (struct reading){usual->cached ^ f->cached, usual->written ^ f->written,
                            usual->kinds && !f->kinds, usual->reasoning ^ f->reasoning};
}
#define VARIANTS 12

/* The first reading that is possible and makes the total; else the first that is possible. */
static struct reading choose(const struct sums *s)
{
    struct reading first = {.cached = true, .written = true, .reasoning = true};
    bool any = false;
    for (int i = 0; i < VARIANTS; i++) {
        struct reading as = variant(&s->usual, i);
        if (!is_possible(s, &as))
            continue;
        if (!s->has_total || makes_total(s, &as))
            return as;
        if (!any)
            first = as;
        any = true;
    }
    return first;
}

/* Lengths that are missing are what the total leaves; a total above both is reasoning. */
static uint32_t complete(struct sums *s, uint64_t *input, uint64_t *output)
{
    uint64_t rest = s->has_total ? less(s->total, *input + *output) : 0;
    if (rest == 0)
        return 0;
    if (!s->has_input) {
        *input += rest;
        return 0;
    }
    *output += rest;
    if (!s->has_output)
        return 0;
    s->reasoning += rest;
    return ODDITY(USAGE_TOTAL);
}

static void fill_classes(const struct usage_report *r, const struct sums *s, struct usage *out)
{
    const uint64_t *n = r->count;
    uint64_t image = n[COUNT_CACHED_IMAGE], audio = n[COUNT_CACHED_AUDIO];
    uint64_t *t = out->tokens;
    if (image > s->cached)
        image = s->cached;
    if (audio > s->cached - image)
        audio = s->cached - image;
    t[USAGE_CACHED_INPUT] = s->cached - image - audio;
    t[USAGE_CACHE_WRITE] = s->written - s->written_1h;
    t[USAGE_CACHE_WRITE_1H] = s->written_1h;
    t[USAGE_REASONING] = s->reasoning;
    t[USAGE_IMAGE_INPUT] = less(n[COUNT_IMAGE_INPUT], image);
    t[USAGE_AUDIO_INPUT] = less(n[COUNT_AUDIO_INPUT], audio);
    t[USAGE_VIDEO_INPUT] = n[COUNT_VIDEO_INPUT];
    t[USAGE_CACHED_IMAGE_INPUT] = image;
    t[USAGE_CACHED_AUDIO_INPUT] = audio;
    t[USAGE_IMAGE_OUTPUT] = n[COUNT_IMAGE_OUTPUT];
    t[USAGE_AUDIO_OUTPUT] = n[COUNT_AUDIO_OUTPUT];
}

uint32_t usage_report_resolve(const struct usage_report *r, struct usage *out)
{
    struct sums s;
    uint32_t odd = r->odd;
    *out = (struct usage){0};
    sum_up(r, &s);
    struct reading as = choose(&s);
    if ((s.cached && as.cached && !s.usual.cached) || (s.written && as.written && !s.usual.written))
        odd |= ODDITY(USAGE_CACHED);
    uint64_t input = input_of(&s, &as) + s.tools, output = output_of(&s, &as);
    odd |= complete(&s, &input, &output);
    fill_classes(r, &s, out);
    usage_fit(out, input, output);
    return odd;
}

#define BIT(count) (1u << COUNT_##count)
#define INPUTS (BIT(PROMPT) | BIT(INPUT) | BIT(UNCACHED))
#define OUTPUTS (BIT(COMPLETION) | BIT(CANDIDATES) | BIT(REASONING))

bool usage_report_has_input(const struct usage_report *r)
{
    return r->given & (INPUTS | BIT(TOTAL));
}

bool usage_report_has_output(const struct usage_report *r)
{
    return r->given & OUTPUTS || (r->given & INPUTS && r->given & BIT(TOTAL));
}

bool usage_report_input_is_unknown(const struct usage_report *r)
{
    return r->told & INPUTS && !usage_report_has_input(r);
}

bool usage_report_output_is_unknown(const struct usage_report *r)
{
    const uint32_t lengths = BIT(COMPLETION) | BIT(CANDIDATES);
    return r->told & lengths && !(r->given & lengths) &&
           !(r->given & INPUTS && r->given & BIT(TOTAL));
}

bool usage_report_is_total(const struct usage_report *r)
{
    return r->given & BIT(TOTAL) && !(r->given & (INPUTS | OUTPUTS));
}

void usage_key_names_add(struct usage_key_names *n, struct text name)
{
    char kept[USAGE_KEY_SIZE];
    text_cut(name, kept, sizeof kept);
    for (char *c = kept; *c; c++)
        if (!isprint((unsigned char)*c))
            *c = '?';
    for (uint32_t i = 0; i < n->count; i++)
        if (strcmp(n->name[i], kept) == 0)
            return;
    if (n->count < USAGE_KEY_NAMES)
        memcpy(n->name[n->count++], kept, sizeof kept);
}

void usage_key_names_merge(struct usage_key_names *into, const struct usage_key_names *from)
{
    for (uint32_t i = 0; i < from->count; i++)
        usage_key_names_add(into, text_of(from->name[i]));
}
