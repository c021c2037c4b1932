#include "bench/prompt/learn.h"

#include "core/json/json_write.h"

#include <math.h>
#include <string.h>

/* Weighings which all tell the mean: words of unlike costs do not hit it so often. */
#define SURELY_EVEN 3

/* ---- a scale as text ---- */

static bool read_tokens(struct text t, struct prompt_scale *out)
{
    if (t.length != WORDS_LISTED)
        return text_to_double(t, &out->tokens_per_word) && out->tokens_per_word > 0;
    double sum = 0;
    for (size_t i = 0; i < t.length; i++) {
        if (t.at[i] < '1' || t.at[i] > '0' + WORD_TOKENS)
            return false;
        sum += t.at[i] - '0';
    }
    memcpy(out->word_tokens, t.at, t.length);
    out->tokens_per_word = sum / WORDS_LISTED;
    return true;
}

int prompt_scale_read(const char *text, struct prompt_scale *out, struct error *err)
{
    const char *equals = strrchr(text, '='), *colon = equals ? strchr(equals, ':') : NULL;
    *out = (struct prompt_scale){0};
    if (colon && (size_t)(equals - text) < sizeof out->model &&
        text_to_double((struct text){equals + 1, (size_t)(colon - equals - 1)},
                       &out->template_tokens) &&
        out->template_tokens >= 0 && read_tokens(text_of(colon + 1), out)) {
        memcpy(out->model, text, (size_t)(equals - text));
        return 0;
    }
    return error_set(err, ERR_INPUT,
                     "\"%.60s\": expected MODEL=TEMPLATE:TOKENS, such as m=9:1.3, with the tokens "
                     "of a word or a digit for each of the %d words",
                     text, WORDS_LISTED);
}

static void add_number(double value, struct buffer *out)
{
    struct json_writer w;
    json_write_init(&w, out, 0);
    json_put_double(&w, value);
}

void prompt_scale_write(const struct prompt_scale *scale, struct buffer *out)
{
    buffer_add_format(out, "%s=", scale->model);
    add_number(scale->template_tokens, out);
    buffer_add_byte(out, ':');
    if (scale->word_tokens[0])
        buffer_add_text(out, scale->word_tokens);
    else
        add_number(scale->tokens_per_word, out);
}

void prompt_scale_costs(const struct prompt_scale *scale, double out[WORDS_LISTED])
{
    for (int i = 0; i < WORDS_LISTED; i++)
        out[i] = scale->word_tokens[0] ? scale->word_tokens[i] - '0' : scale->tokens_per_word;
}

double prompt_scale_least(const struct prompt_scale *scale)
{
    double costs[WORDS_LISTED], cheapest = INFINITY;
    prompt_scale_costs(scale, costs);
    for (int i = 0; i < WORDS_LISTED; i++)
        cheapest = fmin(cheapest, costs[i]);
    return scale->template_tokens + cheapest;
}

/* ---- texts ---- */

static void write_list(uint32_t times, struct buffer *out)
{
    buffer_clear(out);
    for (uint32_t i = 0; i < times * WORDS_LISTED; i++)
        words_add_listed(i, 1, out);
}

/* All texts begin with the first word: what a template makes of a text's beginning then counts as
 * its own in each of them. */
static void write_weighing(uint32_t group, struct buffer *out)
{
    buffer_clear(out);
    words_add_listed(0, 1, out);
    for (uint32_t i = 0, times = 1; i < 4; i++, times *= WORD_TOKENS)
        words_add_listed(4 * group + i, times, out);
}

/* ---- learning ---- */

struct learning {
    const struct learner *l;
    struct prompt_scale *scale;
    struct buffer text;
    bool beside;   /* counts come from tokenize */
    double offset; /* of a count of the present kind over the words' own */
    int tokens[WORDS_LISTED];
};

static uint64_t count(struct learning *g)
{
    struct text text = {g->text.data, g->text.length};
    return (g->beside ? g->l->tokenize : g->l->count)(g->l->context, text);
}

/* Whether tokenize counts the same words alike. Its own offset may differ: it may know no template.
 */
static bool tokenizes_alike(struct learning *g, uint64_t sum, uint32_t turns)
{
    if (!g->l->tokenize)
        return false;
    g->beside = true;
    write_list(1, &g->text);
    uint64_t few = count(g), many = 0;
    write_list(turns + 1, &g->text);
    if (few)
        many = count(g);
    if (many && many == few + turns * sum) {
        g->offset = (double)few - (double)sum;
        return true;
    }
    g->beside = false;
    return false;
}

/* Takes the digits of a weighing apart. `first`: what the text's first word costs, which stands
 * apart; 0 = it is the first of this group. */
static bool read_weighing(double excess, int first, int *tokens)
{
    const int most = WORD_TOKENS * WORD_TOKENS * WORD_TOKENS * WORD_TOKENS - 1;
    for (int lead = first ? first : 1; lead <= (first ? first : WORD_TOKENS); lead++) {
        double value = excess - lead;
        if (!(value >= 0 && value <= most) || value != floor(value))
            continue;
        int digits = (int)value;
        if (!first && digits % WORD_TOKENS != lead - 1)
            continue;
        for (int i = 0; i < 4; i++, digits /= WORD_TOKENS)
            tokens[i] = 1 + digits % WORD_TOKENS;
        return true;
    }
    return false;
}

/* False where costs are no digits, or the first counts are what words of one cost would give. */
static bool weigh(struct learning *g, uint64_t sum)
{
    double even = LEARN_WEIGHED_WORDS * g->scale->tokens_per_word;
    uint32_t as_even = 0;
    uint64_t total = 0;
    for (uint32_t group = 0; group < LEARN_WEIGHINGS; group++) {
        int *tokens = &g->tokens[4 * group];
        write_weighing(group, &g->text);
        double got = (double)count(g) - g->offset;
        as_even += fabs(got - even) <= 1;
        if (as_even == SURELY_EVEN && group + 1 == SURELY_EVEN)
            return false;
        if (!read_weighing(got - (LEARN_WEIGHED_WORDS - 1), group ? g->tokens[0] : 0, tokens))
            return false;
        for (int i = 0; i < 4; i++)
            total += (uint64_t)tokens[i];
    }
    return total == sum;
}

/* Counts a text such as will be sent; what the scale says of it goes to `expected`. */
static double try_out(struct learning *g, double *expected, double *number)
{
    double costs[WORDS_LISTED];
    struct words *w = words_create(1);
    prompt_scale_costs(g->scale, costs);
    words_set_costs(w, costs);
    buffer_clear(&g->text);
    *expected = words_add_block(w, text_hash("trial", 5), LEARN_TRIAL_TOKENS, &g->text);
    words_free(w);
    *number = 0;
    for (size_t i = 0; i < g->text.length; i++)
        *number += g->text.data[i] == ' ';
    return (double)count(g) - g->offset;
}

static void take_costs(struct learning *g)
{
    double expected, number;
    for (int i = 0; i < WORDS_LISTED; i++)
        g->scale->word_tokens[i] = (char)('0' + g->tokens[i]);
    double got = try_out(g, &expected, &number);
    if (fabs(got - expected) <= fmax(2, 0.005 * expected))
        return;
    g->scale->word_tokens[0] = '\0';
    if (got > 0)
        g->scale->tokens_per_word = got / number;
}

static void learn_costs(struct learning *g, uint64_t few, uint64_t sum, uint32_t turns)
{
    if (sum < WORDS_LISTED || sum > few || sum > WORD_TOKENS * WORDS_LISTED)
        return;
    g->offset = g->scale->template_tokens = (double)(few - sum);
    if (sum == WORDS_LISTED)
        return;
    if ((tokenizes_alike(g, sum, turns) || !g->l->sparing) && weigh(g, sum))
        take_costs(g);
}

/* The list that many times more. Where that comes to nothing it is perhaps beyond a small context:
 * then twice more. */
static uint64_t count_many(struct learning *g, uint32_t *turns)
{
    *turns = LEARN_MANY_WORDS / LEARN_FEW_WORDS - 1;
    write_list(*turns + 1, &g->text);
    uint64_t many = count(g);
    if (many)
        return many;
    *turns = 2;
    write_list(*turns + 1, &g->text);
    return count(g);
}

enum learnt learn_scale(const struct learner *l, struct prompt_scale *out,
                        struct learn_counts *counts)
{
    struct learning g = {.l = l, .scale = out};
    uint32_t turns = 0;
    *counts = (struct learn_counts){0};
    memset(out->word_tokens, 0, sizeof out->word_tokens);
    out->tokens_per_word = 1;
    out->template_tokens = 0;
    buffer_init(&g.text, BUFFER_UNBOUNDED);
    write_list(1, &g.text);
    counts->few = count(&g);
    if (counts->few)
        counts->many = count_many(&g, &turns);
    counts->many_words = (turns + 1) * WORDS_LISTED;
    if (counts->many > counts->few) {
        uint64_t grown = counts->many - counts->few;
        out->tokens_per_word = (double)grown / (turns * WORDS_LISTED);
        out->template_tokens =
            fmax(0, round((double)counts->few - out->tokens_per_word * WORDS_LISTED));
        if (grown % turns == 0)
            learn_costs(&g, counts->few, grown / turns, turns);
    }
    buffer_free(&g.text);
    return counts->many == 0             ? LEARNT_NOTHING
           : counts->many <= counts->few ? LEARNT_NO_GROWTH
                                         : LEARNT;
}
