/* The sentences of a story, and the commands that show their figures. */
#include "cli/report/text/story_text.h"

#include "core/memory.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAMED_MOST 3 /* workloads that a flat plan pays for: the sentence names so many */

/* ---- what a sentence is made of ---- */

static const char *name_of(const struct story_part *p)
{
    return p->workload->name ? p->workload->name : "the workload";
}

static const char *plan_of(const struct story_wording *w, size_t plan)
{
    return w->story->options.plans[plan]->name;
}

/* A figure of the sentence, in its text and in the list of what the commands show. */
static void add_figure(struct story_sentence *s, const char *before, const char *figure,
                       const char *behind)
{
    buffer_add_format(&s->text, "%s%s%s", before, figure, behind);
    if (s->figure_count < STORY_FIGURES)
        s->figures[s->figure_count++] = mem_copy_string(figure);
}

static void add_usd(struct story_sentence *s, money usd)
{
    char text[MONEY_TEXT_SIZE];
    money_format_amount(usd, 4, text);
    add_figure(s, "$", text, "");
}

static void add_count(struct story_sentence *s, uint64_t n)
{
    char text[TEXT_GROUPED_SIZE];
    add_figure(s, "", text_group_u64(n, text), "");
}

/* ---- commands ---- */

void story_add_word(const char *word, struct buffer *out)
{
    bool plain = word[0] != '\0' && !word[strcspn(word, " \t\n'\"\\$&|;<>()*?[]#~`!{}")];
    buffer_add_byte(out, ' ');
    if (plain) {
        buffer_add_text(out, word);
        return;
    }
    buffer_add_byte(out, '\'');
    for (const char *c = word; *c; c++)
        if (*c == '\'')
            buffer_add_text(out, "'\\''");
        else
            buffer_add_byte(out, *c);
    buffer_add_byte(out, '\'');
}

static void add_plans(const struct story_wording *w, const size_t *plans, size_t count,
                      struct buffer *out)
{
    struct buffer list;
    buffer_init(&list, BUFFER_UNBOUNDED);
    for (size_t i = 0; i < count; i++) {
        bool again = plans[i] == STORY_NOBODY;
        for (size_t k = 0; k < i; k++)
            again = again || plans[k] == plans[i];
        if (!again)
            buffer_add_format(&list, "%s%s", list.length ? "," : "", w->plans[plans[i]]);
    }
    buffer_add_text(out, " --plans");
    story_add_word(list.data, out);
    buffer_free(&list);
}

/* What a sentence is about. */
struct shown {
    const struct story_part *parts[NAMED_MOST + 1];
    size_t count;
    size_t plans[3];
    size_t plan_count;
    const struct story_part *changed; /* with these changes of it */
    enum story_change changes[STORY_CHANGES];
    size_t change_count;
};

static const struct story_subject *subject_of(const struct story_wording *w,
                                              const struct story_part *p)
{
    return &w->subjects[p - w->story->parts];
}

/* Those that have the same options share a command. */
static void add_commands(const struct story_wording *w, const struct shown *shown,
                         struct story_sentence *s)
{
    bool done[NAMED_MOST + 1] = {false};
    for (size_t i = 0; i < shown->count; i++) {
        const char *options = subject_of(w, shown->parts[i])->options;
        if (done[i])
            continue;
        buffer_add_text(&s->commands, "farebox bill");
        for (size_t k = i; k < shown->count; k++)
            if (!done[k] && strcmp(subject_of(w, shown->parts[k])->options, options) == 0) {
                buffer_add_text(&s->commands, subject_of(w, shown->parts[k])->words);
                done[k] = true;
            }
        buffer_add_format(&s->commands, "%s --volume %" PRIu64, options, w->story->options.volume);
        add_plans(w, shown->plans, shown->plan_count, &s->commands);
        for (size_t k = 0; k < shown->change_count; k++) {
            buffer_add_text(&s->commands, " -w");
            story_add_word(shown->changed->changes[shown->changes[k]], &s->commands);
        }
        if (w->seed != 1)
            buffer_add_format(&s->commands, " --seed %" PRIu64, w->seed);
        buffer_add_byte(&s->commands, '\n');
    }
}

/* ---- 1: how much a price varies ---- */

static double times_median(const struct story_part *p, size_t plan)
{
    const struct plan_bill *b = &p->bill.plans[plan];
    return story_serves(p, plan) && !b->flat ? b->stats.max_over_median : NAN;
}

static void add_variance(const struct story_part *p, size_t plan, struct story_sentence *s)
{
    const struct plan_bill *b = &p->bill.plans[plan];
    char times[48], grouped[TEXT_GROUPED_SIZE], cv[48];
    snprintf(times, sizeof times, "%.1f", b->stats.max_over_median);
    snprintf(cv, sizeof cv, "%.2f", b->stats.cv);
    text_group(times, grouped);
    buffer_add_format(&s->text, "%s: the dearest costs ", name_of(p));
    add_figure(s, "", grouped, "× the median one");
    add_figure(s, " (CV ", cv, ")");
}

static void say_variance(const struct story_wording *w, struct story_sentence *s)
{
    const struct story *t = w->story;
    const struct story_part *most = NULL, *least = NULL;
    for (size_t i = 0; i < t->count; i++) {
        const struct story_part *p = &t->parts[i];
        double times = times_median(p, t->token);
        if (isnan(times))
            continue;
        most = !most || times > times_median(most, t->token) ? p : most;
        least = !least || times < times_median(least, t->token) ? p : least;
    }
    if (!most) {
        buffer_add_format(&s->text, "No workload has a price under %s that varies.",
                          plan_of(w, t->token));
        return;
    }
    buffer_add_format(&s->text, "By the token (%s) the price of one request varies%s in ",
                      plan_of(w, t->token), most == least ? "" : " most");
    add_variance(most, t->token, s);
    struct shown shown = {{most, least}, 1 + (most != least), {t->token}, 1, NULL, {0}, 0};
    if (most != least) {
        buffer_add_text(&s->text, "; least in ");
        add_variance(least, t->token, s);
    }
    buffer_add_byte(&s->text, '.');
    add_commands(w, &shown, s);
}

/* ---- 2: what a flat price makes of it ---- */

/* How many times the flat plan's month is the token plan's; NAN where either does not serve. */
static double flat_ratio(const struct story *t, const struct story_part *p)
{
    if (!story_serves(p, t->flat) || !story_serves(p, t->token))
        return NAN;
    double token = money_to_double(p->bill.plans[t->token].total);
    return money_to_double(p->bill.plans[t->flat].total) / token;
}

static void add_against(const struct story *t, const struct story_part *p, const char *how,
                        struct story_sentence *s)
{
    buffer_add_format(&s->text, "%s in %s, ", how, name_of(p));
    add_usd(s, p->bill.plans[t->flat].total);
    buffer_add_text(&s->text, " a month instead of ");
    add_usd(s, p->bill.plans[t->token].total);
}

static void say_flat(const struct story_wording *w, struct story_sentence *s)
{
    const struct story *t = w->story;
    const struct story_part *worst = NULL, *best = NULL;
    size_t known = 0, lost = 0;
    for (size_t i = 0; i < t->count; i++) {
        const struct story_part *p = &t->parts[i];
        double ratio = flat_ratio(t, p);
        if (isnan(ratio))
            continue;
        known++;
        lost += ratio > 1;
        worst = !worst || ratio > flat_ratio(t, worst) ? p : worst;
        best = !best || ratio < flat_ratio(t, best) ? p : best;
    }
    if (!known) {
        buffer_add_format(&s->text, "%s and %s serve no workload whole that could be compared.",
                          plan_of(w, t->flat), plan_of(w, t->token));
        return;
    }
    buffer_add_format(&s->text,
                      "Flat (%s) every request costs the same, and it is dearer for %zu of %zu: ",
                      plan_of(w, t->flat), lost, known);
    if (lost > 0)
        add_against(t, worst, "most", s);
    if (lost > 0 && lost < known)
        buffer_add_text(&s->text, "; ");
    if (lost < known)
        add_against(t, best, "it saves most", s);
    buffer_add_byte(&s->text, '.');
    struct shown shown = {{0}, 0, {t->token, t->flat}, 2, NULL, {0}, 0};
    if (lost > 0)
        shown.parts[shown.count++] = worst;
    if (lost < known)
        shown.parts[shown.count++] = best;
    add_commands(w, &shown, s);
}

/* ---- 3: caching ---- */

static double saved_share(const struct story_part *p, enum story_change change, size_t plan)
{
    struct story_saving saving;
    if (!story_saving(p, change, plan, &saving) || saving.before <= 0)
        return NAN;
    return money_to_double(saving.saved) / money_to_double(saving.before);
}

/* The part with the largest share saved; NULL: nobody knows of one. */
static const struct story_part *saves_most(const struct story *t, enum story_change change,
                                           size_t plan)
{
    const struct story_part *found = NULL;
    for (size_t i = 0; i < t->count; i++) {
        const struct story_part *p = &t->parts[i];
        double share = saved_share(p, change, plan);
        if (!isnan(share))
            found = !found || share > saved_share(found, change, plan) ? p : found;
    }
    return found;
}

static void add_other_plan(const struct story_wording *w, const struct story_part *p, size_t plan,
                           struct story_sentence *s)
{
    struct story_saving saving;
    if (plan == w->story->cached || !story_saving(p, STORY_CACHE, plan, &saving))
        return;
    buffer_add_format(&s->text, "; under %s it ", plan_of(w, plan));
    if (saving.saved == 0)
        buffer_add_text(&s->text, "saves nothing");
    else {
        buffer_add_text(&s->text, saving.saved > 0 ? "saves " : "costs ");
        add_usd(s, saving.saved > 0 ? saving.saved : -saving.saved);
    }
}

static void say_cache(const struct story_wording *w, struct story_sentence *s)
{
    const struct story *t = w->story;
    const struct story_part *p =
        t->cached == STORY_NOBODY ? NULL : saves_most(t, STORY_CACHE, t->cached);
    if (!p) {
        buffer_add_text(&s->text, "A prompt cache saves nothing here: no plan has a price of its "
                                  "own for cached tokens, or no workload says what repeats.");
        return;
    }
    struct story_saving saving;
    (void)story_saving(p, STORY_CACHE, t->cached, &saving);
    buffer_add_format(&s->text, "A prompt cache of five minutes takes %s from ", name_of(p));
    add_usd(s, saving.before);
    buffer_add_text(&s->text, " to ");
    add_usd(s, saving.after);
    buffer_add_format(&s->text, " a month under %s", plan_of(w, t->cached));
    add_other_plan(w, p, t->token, s);
    add_other_plan(w, p, t->flat, s);
    buffer_add_byte(&s->text, '.');
    struct shown shown = {{p}, 1, {t->token, t->cached, t->flat}, 3, p, {STORY_CACHE}, 1};
    add_commands(w, &shown, s);
}

/* ---- 4: routing, tools, retries ---- */

static void add_course(const struct story_part *p, enum story_change change, size_t plan,
                       const char *what, struct story_sentence *s)
{
    struct story_saving saving;
    if (!story_saving(p, change, plan, &saving))
        return;
    buffer_add_format(&s->text, "%s ", what);
    add_usd(s, saving.before);
    buffer_add_text(&s->text, " to ");
    add_usd(s, saving.after);
}

static void add_retries(const struct story_part *p, size_t plan, struct story_sentence *s)
{
    struct story_saving saving;
    if (!story_saving(p, STORY_RETRY, plan, &saving))
        return;
    buffer_add_text(&s->text, "; retries of 5 % of the attempts ");
    if (saving.saved == 0) {
        buffer_add_text(&s->text, "cost nothing");
        return;
    }
    buffer_add_text(&s->text, saving.saved < 0 ? "cost " : "save ");
    add_usd(s, saving.saved < 0 ? -saving.saved : saving.saved);
}

/* What of all that a flat plan feels. */
static void add_flat_part(const struct story_wording *w, const struct story_part *p,
                          struct story_sentence *s)
{
    static const enum story_change asked[] = {STORY_TIERS, STORY_PARALLEL, STORY_RETRY};
    size_t flat = w->story->flat;
    struct story_saving saving, moved = {0};
    bool known = false, moves = false;
    for (size_t i = 0; i < COUNT_OF(asked); i++)
        if (story_saving(p, asked[i], flat, &saving)) {
            known = true;
            if (saving.saved != 0 && !moves) {
                moves = true;
                moved = saving;
            }
        }
    if (!known)
        return;
    buffer_add_format(&s->text, "; %s ", plan_of(w, flat));
    if (moves) {
        buffer_add_text(&s->text, "goes from ");
        add_usd(s, moved.before);
        buffer_add_text(&s->text, " to ");
        add_usd(s, moved.after);
    } else {
        buffer_add_text(&s->text, "stays at ");
        add_usd(s, p->bill.plans[flat].total);
    }
}

/* Of the workloads whose tools can be called side by side, that whose month costs most. */
static const struct story_part *dearest_with_tools(const struct story *t)
{
    const struct story_part *found = NULL;
    struct story_saving saving;
    for (size_t i = 0; i < t->count; i++) {
        const struct story_part *p = &t->parts[i];
        if (story_saving(p, STORY_PARALLEL, t->token, &saving) && saving.saved != 0 &&
            story_saving(p, STORY_TIERS, t->token, &saving) &&
            (!found || p->bill.plans[t->token].total > found->bill.plans[t->token].total))
            found = p;
    }
    return found;
}

static void say_ways(const struct story_wording *w, struct story_sentence *s)
{
    const struct story *t = w->story;
    const struct story_part *p = dearest_with_tools(t);
    if (!p)
        p = saves_most(t, STORY_TIERS, t->token);
    if (!p) {
        buffer_add_format(&s->text, "Under %s the models routed to have no price (--tiers).",
                          plan_of(w, t->token));
        return;
    }
    buffer_add_format(&s->text, "By the token %s: ", name_of(p));
    add_course(p, STORY_TIERS, t->token, "three tiers of models take it from", s);
    add_course(p, STORY_PARALLEL, t->token,
               "; four tools side by side instead of one after another from", s);
    add_retries(p, t->token, s);
    add_flat_part(w, p, s);
    buffer_add_byte(&s->text, '.');
    struct shown shown = {{p}, 1, {t->token, t->flat}, 2, p, {STORY_TIERS}, 1};
    for (int i = STORY_SERIAL; i <= STORY_RETRY; i++)
        if (p->changes[i])
            shown.changes[shown.change_count++] = (enum story_change)i;
    add_commands(w, &shown, s);
}

/* ---- 5: from how many requests a month ---- */

struct paying {
    const struct story_part *part;
    struct story_pays pays;
};

static int by_requests(const void *a, const void *b)
{
    const struct paying *x = a, *y = b;
    if (x->pays.never != y->pays.never)
        return x->pays.never ? 1 : -1;
    if (x->pays.requests != y->pays.requests)
        return x->pays.requests < y->pays.requests ? -1 : 1;
    return x->part < y->part ? -1 : 1;
}

static size_t find_paying(const struct story *t, struct paying *out)
{
    size_t count = 0;
    for (size_t i = 0; i < t->count; i++) {
        struct paying p = {&t->parts[i], story_pays(&t->parts[i], t->token)};
        if (p.pays.flat == t->flat)
            out[count++] = p;
    }
    qsort(out, count, sizeof *out, by_requests);
    return count;
}

static void add_pays(const struct paying *p, const char *comma, struct story_sentence *s)
{
    buffer_add_format(&s->text, "%s%s from ", comma, name_of(p->part));
    add_count(s, p->pays.requests);
    if (p->pays.sure && p->pays.low != UINT64_MAX && p->pays.high != UINT64_MAX) {
        buffer_add_text(&s->text, " (95 %: ");
        add_count(s, p->pays.low);
        buffer_add_text(&s->text, " to ");
        add_count(s, p->pays.high);
        buffer_add_byte(&s->text, ')');
    }
}

static void say_pays(const struct story_wording *w, struct story_sentence *s)
{
    const struct story *t = w->story;
    struct paying *p = mem_alloc((t->count + 1) * sizeof *p);
    size_t count = find_paying(t, p), paid = 0;
    struct shown shown = {{0}, 0, {t->token, t->flat}, 2, NULL, {0}, 0};
    while (paid < count && !p[paid].pays.never)
        paid++;
    if (count == 0)
        buffer_add_format(&s->text, "From how many requests a month %s pays could not be told.",
                          plan_of(w, t->flat));
    else
        buffer_add_format(&s->text, "Against %s %s pays for ", plan_of(w, t->token),
                          plan_of(w, t->flat));
    for (size_t i = 0; i < paid && i < NAMED_MOST; i++) {
        add_pays(&p[i], i ? ", for " : "", s);
        shown.parts[shown.count++] = p[i].part;
    }
    if (paid > 0)
        buffer_add_text(&s->text, " requests a month");
    if (count > paid) {
        buffer_add_format(&s->text, "%s%s not up to ", paid ? "; for " : "", name_of(p[paid].part));
        add_count(s, p[paid].part->ladder.end);
        shown.parts[shown.count++] = p[paid].part;
    }
    if (count > 0)
        buffer_add_byte(&s->text, '.');
    add_commands(w, &shown, s);
    free(p);
}

/* ---- all of them ---- */

void story_say(const struct story_wording *w, struct story_sentence out[STORY_SENTENCES])
{
    static void (*const say[STORY_SENTENCES])(
        const struct story_wording *, struct story_sentence *) = {say_variance, say_flat, say_cache,
                                                                  say_ways, say_pays};
    for (int i = 0; i < STORY_SENTENCES; i++) {
        out[i].figure_count = 0;
        buffer_init(&out[i].text, BUFFER_UNBOUNDED);
        buffer_init(&out[i].commands, BUFFER_UNBOUNDED);
        buffer_add_text(&out[i].commands, "");
        say[i](w, &out[i]);
    }
}

void story_unsay(struct story_sentence sentences[STORY_SENTENCES])
{
    for (int i = 0; i < STORY_SENTENCES; i++) {
        buffer_free(&sentences[i].text);
        buffer_free(&sentences[i].commands);
        for (size_t k = 0; k < sentences[i].figure_count; k++)
            free(sentences[i].figures[k]);
    }
}
