#include "cli/commands/decide_story.h"
#include "cli/commands/decide_output.h"

#include "cli/commands/bill/bill_subjects.h"
#include "cli/output.h"
#include "cli/progress.h"
#include "cli/report/plot/story_plots.h"
#include "cli/report/text/story_text.h"
#include "cli/run_bill.h"
#include "core/embedded.h"
#include "core/file.h"
#include "core/memory.h"
#include "workloads/transform/transform.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TIER_SIZE 128

struct telling {
    const struct decide_story *how;
    const struct terminal *t;
    struct option_list files, scenarios;
    struct bill_subjects subjects;
    struct plan_selection plans;
    char tiers[3][TIER_SIZE];
    const struct workload **workloads; /* by part, and so are the words, whose texts are owned */
    struct story_subject *words;
    char **plan_words; /* by plan */
    struct story story;
    char route[TIER_SIZE + 16]; /* all to the largest tier */
    struct progress progress;
};

/* ---- what is given ---- */

static void take(struct option_list *list, const char *item)
{
    *(const char **)mem_append(&list->items, &list->count, sizeof *list->items) = item;
}

static void sort_arguments(struct telling *x)
{
    const struct embedded_file *f = NULL;
    for (size_t i = 0; i < x->how->argument_count; i++) {
        const char *name = x->how->arguments[i];
        take(file_exists(name) && !embedded_find("scenarios", name) ? &x->files : &x->scenarios,
             name);
    }
    while (x->how->argument_count == 0 && (f = embedded_next("scenarios", f)))
        take(&x->scenarios, f->stem);
}

static int read_tiers(struct telling *x, struct error *err)
{
    const char *at = x->how->tiers;
    size_t count = 0;
    for (bool more = true; more; count++) {
        size_t length = strcspn(at, ",");
        if (count == 3 || length == 0 || length >= TIER_SIZE || memchr(at, ':', length))
            break;
        memcpy(x->tiers[count], at, length);
        more = at[length] == ',';
        at += length + more;
        if (!more && count == 2) {
            snprintf(x->route, sizeof x->route, "route=*:%s", x->tiers[2]);
            return 0;
        }
    }
    return error_set(err, ERR_INPUT,
                     "--tiers expects three models, from the smallest, such as "
                     "qwen3-32b,llama-3.3-70b,deepseek-r1, found \"%s\"",
                     x->how->tiers);
}

/* ---- the workloads ---- */

/* Where no request names a model, the large one is asked: as it is, all go there. */
static int name_models(struct telling *x, struct bill_subject *s, bool *named, struct error *err)
{
    const char *change = x->route;
    *named = !s->run.workload.model && !s->is_run;
    if (!*named)
        return 0;
    return transform_apply_all(&change, 1, x->how->seed, &s->run.workload, NULL, NULL, err);
}

static void add_option(struct buffer *out, const char *name, const char *value)
{
    if (!value)
        return;
    buffer_add_format(out, " --%s", name);
    story_add_word(value, out);
}

/* How the same is read by farebox bill. */
static void put_options(const struct telling *x, const struct bill_subject *s, bool named,
                        struct buffer *out)
{
    const struct decide_story *how = x->how;
    uint64_t requests = how->requests || s->path ? how->requests : STORY_SAMPLE;
    char size[24];
    snprintf(size, sizeof size, "%" PRIu64, how->reading->block_size);
    buffer_add_text(out, "");
    if (requests)
        buffer_add_format(out, " -n %" PRIu64, requests);
    if (s->path) {
        add_option(out, "format", how->reading->format);
        add_option(out, "columns", how->reading->columns);
        add_option(out, "keys", how->reading->keys);
        add_option(out, "timezone", how->reading->timezone);
        add_option(out, "dates", how->reading->dates);
        add_option(out, "block-size", how->reading->block_size ? size : NULL);
    }
    for (size_t i = 0; i < how->transforms->count; i++)
        add_option(out, "transform", how->transforms->items[i]);
    add_option(out, "transform", named ? x->route : NULL);
}

static int take_subject(struct telling *x, size_t i, struct error *err)
{
    struct bill_subject *s = &x->subjects.items[i];
    struct buffer words, options;
    bool named;
    int status = workload_check_single(&s->run.workload, "decide --story", err);
    if (status == 0)
        status = name_models(x, s, &named, err);
    if (status < 0)
        return status;
    buffer_init(&words, BUFFER_UNBOUNDED);
    buffer_init(&options, BUFFER_UNBOUNDED);
    buffer_add_text(&words, s->scenario ? " -s" : "");
    story_add_word(s->scenario ? s->scenario : s->path, &words);
    put_options(x, s, named, &options);
    x->workloads[i] = &s->run.workload;
    x->words[i] = (struct story_subject){buffer_take(&words), buffer_take(&options)};
    return 0;
}

static int read_all(struct telling *x, struct error *err)
{
    const struct decide_story *how = x->how;
    const struct bill_subjects_request q = {.paths = x->files.items,
                                            .path_count = x->files.count,
                                            .scenarios = &x->scenarios,
                                            .transforms = how->transforms,
                                            .reading = how->reading,
                                            .requests = how->requests,
                                            .generated = STORY_SAMPLE,
                                            .seed = how->seed};
    int status = bill_subjects_read(&x->subjects, &q, x->t, err);
    x->workloads = mem_zero(x->subjects.count + 1, sizeof(const struct workload *));
    x->words = mem_zero(x->subjects.count + 1, sizeof *x->words);
    for (size_t i = 0; i < x->subjects.count && status == 0; i++)
        status = take_subject(x, i, err);
    return status;
}

/* ---- the plans ---- */

/* As --plans takes it: a plan of a file by that. */
static char *plan_words(const struct plan_selection *s, const struct plan *p)
{
    struct buffer out;
    buffer_init(&out, BUFFER_UNBOUNDED);
    for (size_t i = 0; i < s->book_count; i++) {
        const struct plan_book *b = &s->books[i];
        for (size_t k = 0; k < b->count; k++)
            if (&b->plans[k] == p && file_exists(b->file))
                buffer_add_format(&out, "%s#", b->file);
    }
    buffer_add_text(&out, p->name);
    return buffer_take(&out);
}

static int choose_plans(struct telling *x, struct error *err)
{
    static const char *const bundled[] = {"story"};
    const struct option_list fallback = {.items = (const char **)(uintptr_t)bundled, .count = 1};
    int status = run_bill_select(x->how->plans->count ? x->how->plans : &fallback, &x->plans, err);
    run_bill_say_taken(x->t, &x->plans);
    x->plan_words = mem_zero(x->plans.count + 1, sizeof *x->plan_words);
    for (size_t i = 0; i < x->plans.count && status == 0; i++)
        x->plan_words[i] = plan_words(&x->plans, x->plans.plans[i]);
    return status;
}

/* ---- the story ---- */

static int make(struct telling *x, struct error *err)
{
    const struct decide_story *how = x->how;
    const struct story_options o = {.plans = x->plans.plans,
                                    .plan_count = x->plans.count,
                                    .volume = how->volume ? how->volume : STORY_VOLUME,
                                    .tiers = {x->tiers[0], x->tiers[1], x->tiers[2]},
                                    .seed = how->seed,
                                    .workers = run_bill_workers(),
                                    .on_progress = progress_tell,
                                    .context = &x->progress};
    progress_init(&x->progress, x->t, "story");
    int status = story_make(&x->story, x->workloads, x->subjects.count, &o, err);
    progress_end(&x->progress);
    return status;
}

static int show(const struct telling *x, struct error *err)
{
    struct story_wording w = {.story = &x->story,
                              .subjects = x->words,
                              .plans = (const char *const *)x->plan_words,
                              .seed = x->how->seed};
    struct output out;
    output_begin(&out);
    story_write_text(&w, x->t->width, &out.text);
    story_write_json(&x->story, story_put_sentences, &w, &out.json);
    int status = 0;
    if (x->how->output)
        status = decide_output_write(&out, x->how->output, HTML_STORY, "farebox decide --story",
                                     story_plots_draw, x->t, err);
    output_end(&out, status == 0 ? x->t->human : NULL,
               status == 0 && x->how->json ? x->t->machine : NULL);
    return status;
}

static void free_all(struct telling *x)
{
    story_free(&x->story);
    for (size_t i = 0; x->words && i < x->subjects.count; i++) {
        free((void *)(uintptr_t)x->words[i].words);
        free((void *)(uintptr_t)x->words[i].options);
    }
    for (size_t i = 0; x->plan_words && i < x->plans.count; i++)
        free(x->plan_words[i]);
    free(x->words);
    free(x->plan_words);
    free(x->workloads);
    free(x->files.items);
    free(x->scenarios.items);
    bill_subjects_free(&x->subjects);
    plan_selection_free(&x->plans);
}

int decide_story_tell(const struct decide_story *how, const struct terminal *t, struct error *err)
{
    struct telling x = {.how = how, .t = t};
    int status = read_tiers(&x, err);
    sort_arguments(&x);
    if (status == 0)
        status = choose_plans(&x, err);
    if (status == 0)
        status = read_all(&x, err);
    if (status == 0)
        status = make(&x, err);
    if (status == 0)
        status = show(&x, err);
    free_all(&x);
    return status;
}
