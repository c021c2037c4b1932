#include "cli/report/text/story_text.h"

#include "core/screen/table.h"
#include "core/wrap.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* ---- the table ---- */

static void put_usd(struct table *t, money usd)
{
    char text[MONEY_TEXT_SIZE];
    money_format_amount(usd, 2, text);
    table_cell(t, text);
}

/* How the month's cash changes, in percent: "−84", "+5"; "–" where it does not apply. */
static void put_change(struct table *t, const struct story_part *p, enum story_change change,
                       size_t plan)
{
    struct story_saving saving;
    char text[32];
    if (!story_saving(p, change, plan, &saving) || saving.before <= 0) {
        table_cell(t, "–");
        return;
    }
    double percent = -100 * money_to_double(saving.saved) / money_to_double(saving.before);
    int decimals = fabs(percent) >= 9.95 ? 0 : fabs(percent) >= 0.095 ? 1 : 2;
    if (saving.saved == 0)
        table_cell(t, "0");
    else {
        snprintf(text, sizeof text, "%s%.*f", percent < 0 ? "−" : "+", decimals, fabs(percent));
        table_cell(t, text);
    }
}

static void put_variance(struct table *t, const struct plan_bill *b)
{
    char text[48], grouped[TEXT_GROUPED_SIZE + 4];
    bool varies = plan_bill_varies(b);
    if (varies && isnan(b->stats.max_over_median)) {
        table_cell(t, "–");
    } else {
        char digits[TEXT_GROUPED_SIZE];
        snprintf(text, sizeof text, "%.1f", varies ? b->stats.max_over_median : 1);
        snprintf(grouped, sizeof grouped, "%s×", text_group(text, digits));
        table_cell(t, grouped);
    }
    snprintf(text, sizeof text, "%.2f", varies ? b->stats.cv : 0);
    table_cell(t, text);
}

static void put_pays(struct table *t, const struct story_part *p, size_t plan)
{
    struct story_pays pays = story_pays(p, plan);
    char n[TEXT_GROUPED_SIZE];
    if (p->bill.plans[plan].flat)
        table_cell(t, "");
    else if (pays.flat == STORY_NOBODY)
        table_cell(t, "–");
    else
        table_cell(t, pays.never ? "never" : text_group_u64(pays.requests, n));
}

static void put_row(struct table *t, const struct story *s, const struct story_part *p, size_t plan)
{
    const struct plan_bill *b = &p->bill.plans[plan];
    char n[TEXT_GROUPED_SIZE];
    table_cell(t, plan == 0 ? p->workload->name : "");
    table_cell(t, s->options.plans[plan]->name);
    if (!story_serves(p, plan)) {
        char served[2 * TEXT_GROUPED_SIZE], of[TEXT_GROUPED_SIZE];
        for (int i = 0; i < 9; i++)
            table_cell(t, i == 0 ? "–" : "");
        if (b->sums.unpriced > 0)
            snprintf(served, sizeof served, "no price for all of it");
        else
            snprintf(served, sizeof served, "serves %s of %s", text_group_u64(b->period_served, n),
                     text_group_u64(b->period_requests, of));
        table_note(t, served);
        return;
    }
    put_usd(t, b->total);
    table_cell(t, b->subscriptions > 1 ? text_group_u64(b->subscriptions, n) : "");
    put_variance(t, b);
    put_change(t, p, STORY_CACHE, plan);
    put_change(t, p, STORY_TIERS, plan);
    put_change(t, p, STORY_PARALLEL, plan);
    put_change(t, p, STORY_RETRY, plan);
    put_pays(t, p, plan);
}

static void put_table(const struct story *s, int width, struct buffer *out)
{
    static const struct table_column columns[] = {
        {.head = "", .left = true}, {.head = "plan", .left = true},
        {.head = "USD a month"},    {.head = "of it", .rank = 1, .optional = true},
        {.head = "max/med"},        {.head = "CV"},
        {.head = "cache %"},        {.head = "tiers %"},
        {.head = "tools %"},        {.head = "retry %"},
        {.head = "flat from"},
    };
    struct table *t = table_create(columns, COUNT_OF(columns));
    for (size_t i = 0; i < s->count; i++)
        for (size_t p = 0; p < s->options.plan_count; p++)
            put_row(t, s, &s->parts[i], p);
    table_end(t, width, out);
}

/* ---- words ---- */

static void put_head(const struct story *s, struct buffer *out)
{
    char n[TEXT_GROUPED_SIZE];
    if (s->count == 1)
        buffer_add_text(out, s->parts[0].workload->name ? s->parts[0].workload->name : "workload");
    else
        buffer_add_format(out, "%zu workloads", s->count);
    buffer_add_format(out, " · %s requests a month%s · ", text_group_u64(s->options.volume, n),
                      s->count == 1 ? "" : " each");
    for (size_t i = 0; i < s->options.plan_count; i++)
        buffer_add_format(out, "%s%s", i ? ", " : "", s->options.plans[i]->name);
    buffer_add_byte(out, '\n');
}

static void put_legend(const struct story *s, struct buffer *out)
{
    const char *const *tiers = s->options.tiers;
    buffer_add_format(
        out,
        "max/med: the dearest request over the median one. %%: by how much the month's cash moves "
        "with a prompt cache of five minutes; with three requests of ten on %s, four on %s, by "
        "length; with four tools side by side instead of one after another; with 5 %% of the "
        "attempts made again. flat from: requests a month from which a flat plan is cheaper. –: "
        "there "
        "is no such thing in it, or it cannot be told.\n",
        tiers[0], tiers[1]);
}

static void put_wrapped(const struct buffer *text, int width, size_t indent, struct buffer *out)
{
    wrap_text((struct text){text->data, text->length}, (size_t)width, indent, out);
}

static void put_commands(const struct buffer *commands, int width, struct buffer *out)
{
    struct buffer line;
    for (const char *at = commands->data; *at;) {
        const char *end = strchr(at, '\n');
        buffer_init(&line, BUFFER_UNBOUNDED);
        buffer_add_text(&line, "  > ");
        buffer_add(&line, at, (size_t)(end + 1 - at));
        wrap_command((struct text){line.data, line.length}, (size_t)width, 6, out);
        buffer_free(&line);
        at = end + 1;
    }
}

static void put_sentences(const struct story_wording *w, int width, struct buffer *out)
{
    struct story_sentence said[STORY_SENTENCES];
    struct buffer line;
    story_say(w, said);
    for (int i = 0; i < STORY_SENTENCES; i++) {
        buffer_init(&line, BUFFER_UNBOUNDED);
        buffer_add_format(&line, "%d. %s\n", i + 1, said[i].text.data);
        buffer_add_byte(out, '\n');
        put_wrapped(&line, width, 3, out);
        put_commands(&said[i].commands, width, out);
        buffer_free(&line);
    }
    story_unsay(said);
}

void story_write_text(const struct story_wording *w, int width, struct buffer *out)
{
    struct buffer text;
    buffer_init(&text, BUFFER_UNBOUNDED);
    put_head(w->story, &text);
    put_wrapped(&text, width, 2, out);
    buffer_add_byte(out, '\n');
    put_table(w->story, width, out);
    buffer_clear(&text);
    put_legend(w->story, &text);
    put_wrapped(&text, width, 2, out);
    put_sentences(w, width, out);
    buffer_free(&text);
}

/* ---- story.json ---- */

void story_put_sentences(const struct story *s, void *wording, struct json_writer *w)
{
    struct story_sentence said[STORY_SENTENCES];
    (void)s;
    story_say(wording, said);
    json_key(w, "sentences");
    json_begin_array(w);
    for (int i = 0; i < STORY_SENTENCES; i++) {
        json_begin_object(w);
        json_pair_string(w, "text", said[i].text.data);
        json_pair_lines(w, "commands",
                        (struct text){said[i].commands.data, said[i].commands.length});
        json_key(w, "figures");
        json_begin_array(w);
        for (size_t k = 0; k < said[i].figure_count; k++)
            json_put_string(w, said[i].figures[k]);
        json_end_array(w);
        json_end_object(w);
    }
    json_end_array(w);
    story_unsay(said);
}
