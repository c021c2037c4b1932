#include "cli/shell/offer.h"

#include "core/embedded.h"
#include "core/runs/summary/slo.h"
#include "sim/cost/book/select.h"

#include <stdio.h>
#include <string.h>

/* ---- lists ---- */

static void add_stems(const char *folder, struct buffer *out)
{
    for (const struct embedded_file *f = NULL; (f = embedded_next(folder, f));)
        buffer_add_format(out, "%s ", f->stem);
}

static void add_scenarios(struct buffer *out)
{
    add_stems("scenarios", out);
}

static void add_presets(struct buffer *out)
{
    add_stems("presets", out);
}

static void add_gpus(struct buffer *out)
{
    add_stems("gpus", out);
}

/* Books, and the plans in them. */
static void add_plans(struct buffer *out)
{
    struct plan_selection all = {0};
    add_stems("books", out);
    if (plan_select("*", &all, NULL) < 0)
        return;
    for (size_t i = 0; i < all.count; i++)
        if (!strchr(all.plans[i]->name, ' '))
            buffer_add_format(out, "%s ", all.plans[i]->name);
    plan_selection_free(&all);
}

static void add_metrics(struct buffer *out)
{
    for (int m = 0; m < METRIC_COUNT; m++)
        if (slo_is_objective((enum metric)m))
            buffer_add_format(out, "%s= ", metric_name((enum metric)m));
}

static void add_statistics(struct buffer *out)
{
    for (int m = 0; m < METRIC_COUNT; m++)
        for (int s = 0; s < STATISTIC_COUNT; s++)
            buffer_add_format(out, "%s_%s= ", metric_name((enum metric)m),
                              statistic_name((enum statistic)s));
    buffer_add_text(out, "failed= goodput_fraction= ");
}

const struct offer_list offer_lists[] = {
    {"scenario", "SCENARIO", add_scenarios},
    {"preset", "PRESET", add_presets},
    {"gpu", "GPU", add_gpus},
    {"plan", "PLAN", add_plans},
    {"metric", "METRIC", add_metrics},
    {"statistic", "METRIC_STAT", add_statistics},
    {0},
};

/* ---- what a unit's words stand for ---- */

bool offer_has(const struct offer *o, const char *word)
{
    for (size_t i = 0; i < o->count; i++)
        if (strcmp(o->words[i], word) == 0)
            return true;
    return false;
}

static void add(struct offer *o, const char *before, struct text word)
{
    char text[OFFER_WORD_SIZE];
    snprintf(text, sizeof text, "%s%.*s", before, (int)word.length, word.at);
    if (o->count < OFFER_WORDS && !offer_has(o, text))
        strcpy(o->words[o->count++], text);
}

/* An alternative's first word: FILE of "FILE.json", METRIC of "METRIC=TIME". */
static void add_alternative(struct text t, struct offer *out)
{
    static const char *const files[] = {"FILE",    "TRACE",   "RUN",  "PATH", "BOOK",
                                        "RECORDS", "INVOICE", "GRID", NULL};
    size_t upper = 0, lower = 0;
    while (upper < t.length && ((t.at[upper] >= 'A' && t.at[upper] <= 'Z') || t.at[upper] == '_'))
        upper++;
    while (lower < t.length && t.at[lower] >= 'a' && t.at[lower] <= 'z')
        lower++;
    struct text word = {t.at, upper};
    if (lower > 0 && lower == t.length)
        add(out, "@", t);
    if (upper == 0)
        return;
    if (text_place(word, files) >= 0)
        add(out, "", text_of("files"));
    if (text_equal(word, "DIR"))
        add(out, "", text_of("dirs"));
    for (const struct offer_list *l = offer_lists; l->name; l++)
        if (text_equal(word, l->unit))
            add(out, "", text_of(l->name));
}

/* "A|B[,...]", with blanks around what stands alone. */
static void add_alternatives(const char *unit, struct offer *out)
{
    static const char between[] = "|[],. ()";
    while (*(unit += strspn(unit, between))) {
        size_t length = strcspn(unit, "|[], ()");
        add_alternative((struct text){unit, length}, out);
        unit += length;
    }
}

void offer_of_option(const struct option_spec *s, struct offer *out)
{
    *out = (struct offer){0};
    for (size_t i = 0; s->choice && s->choice(i); i++)
        add(out, "@", text_of(s->choice(i)));
    if (!s->choice && s->type != OPTION_FLAG && s->unit)
        add_alternatives(s->unit, out);
}

/* Options in a usage, with what they take, are no arguments. */
void offer_of_arguments(const struct command *c, struct offer *out)
{
    const char *at = c->usage;
    bool value = false;
    *out = (struct offer){0};
    while (*(at += strspn(at, " ()[]|"))) {
        size_t length = strcspn(at, " ()]");
        char word[OFFER_WORD_SIZE];
        snprintf(word, sizeof word, "%.*s", (int)length, at);
        bool option = word[0] == '-';
        if (!option && !value)
            add_alternatives(word, out);
        value = option;
        at += length;
    }
}

const char *offer_hint(const struct option_spec *s, char *out, size_t size)
{
    struct buffer help;
    buffer_init(&help, BUFFER_UNBOUNDED);
    options_add_help(s, &help);
    const char *text = help.data ? help.data : "", *end = strstr(text, "; ");
    text_cut((struct text){text, end ? (size_t)(end - text) : strlen(text)}, out, size);
    buffer_free(&help);
    return out;
}

/* ---- commands ---- */

bool offer_is_family(const char *first_word)
{
    size_t length = strlen(first_word);
    for (size_t i = 0; commands[i]; i++)
        if (strncmp(commands[i]->name, first_word, length) == 0 && commands[i]->name[length] == ' ')
            return true;
    return false;
}

void offer_first_words(void (*each)(const char *word, const char *summary, struct buffer *out),
                       struct buffer *out)
{
    char last[OFFER_WORD_SIZE] = "", word[OFFER_WORD_SIZE];
    for (size_t i = 0; commands[i]; i++) {
        size_t length = strcspn(commands[i]->name, " ");
        snprintf(word, sizeof word, "%.*s", (int)length, commands[i]->name);
        if (strcmp(word, last) == 0)
            continue;
        strcpy(last, word);
        struct buffer summary;
        buffer_init(&summary, BUFFER_UNBOUNDED);
        for (size_t k = i; commands[k] && offer_is_family(word); k++)
            if (strncmp(commands[k]->name, word, length) == 0 && commands[k]->name[length] == ' ')
                buffer_add_format(&summary, "%s%s", summary.length ? ", " : "",
                                  commands[k]->name + length + 1);
        each(word, summary.length ? summary.data : commands[i]->summary, out);
        buffer_free(&summary);
    }
}
