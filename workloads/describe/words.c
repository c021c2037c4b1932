#include "workloads/describe/words.h"

#include "core/memory.h"
#include "core/stats/quantile.h"
#include "core/wrap.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

#define WIDTH 80
#define BAR_LINES 6
#define HOUR_NS (3600 * NS_PER_S)
#define DAY_NS (24 * HOUR_NS)

/* ---- figures ---- */

static int compare_doubles(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void measure_tokens(const struct workload *w, struct workload_words *out)
{
    double *tokens = mem_alloc((w->count + 1) * sizeof *tokens), sum = 0, top = 0;
    for (size_t i = 0; i < w->count; i++)
        sum += tokens[i] = (double)w->input_tokens[i] + w->output_tokens[i];
    qsort(tokens, w->count, sizeof *tokens, compare_doubles);
    size_t largest = (w->count + 99) / 100;
    for (size_t i = w->count - largest; i < w->count; i++)
        top += tokens[i];
    out->tokens_p50 = w->count ? quantile_sorted(tokens, w->count, 0.5) : NAN;
    out->tokens_max = w->count ? tokens[w->count - 1] : NAN;
    out->dearest_to_median = out->tokens_p50 > 0 ? out->tokens_max / out->tokens_p50 : NAN;
    out->top_percent_share = sum > 0 ? top / sum : NAN;
    free(tokens);
}

static void measure_sessions(const struct workload *w, struct workload_words *out)
{
    uint64_t *turns = mem_zero(w->sessions.count + 1, sizeof *turns);
    for (size_t i = 0; i < w->count && w->session; i++) {
        uint32_t s = w->session[i];
        if (s != NAME_NONE && ++turns[s] > out->largest_session)
            out->largest_session = turns[s];
    }
    free(turns);
}

static void find_hours(struct workload_words *out)
{
    for (int h = 1; h < 24; h++) {
        if (out->hours[h] > out->hours[out->busiest_hour])
            out->busiest_hour = h;
        if (out->hours[h] < out->hours[out->quietest_hour])
            out->quietest_hour = h;
    }
}

/* Rows that wait for others have no time of their own and are not in it. */
static void measure_times(const struct workload *w, const struct workload_info *info,
                          struct workload_words *out)
{
    int64_t first = 0, last = 0;
    int64_t midnight = w->has_start ? w->start_unix_ns % DAY_NS : 0;
    if (!workload_time_range(w, &first, &last))
        return;
    int64_t part = (last - first) / WORDS_BARS + 1;
    for (size_t i = 0; i < w->count; i++) {
        int64_t at = w->timestamp_ns[i];
        if (at == TIME_NEVER)
            continue;
        out->bars[(at - first) / part]++;
        out->hours[((at + midnight) % DAY_NS + DAY_NS) % DAY_NS / HOUR_NS]++;
    }
    out->has_day = info->has_duration && info->duration_ns >= 23 * HOUR_NS;
    find_hours(out);
}

void workload_words_make(const struct workload *w, const struct workload_info *info,
                         struct workload_words *out)
{
    *out = (struct workload_words){0};
    measure_tokens(w, out);
    measure_sessions(w, out);
    measure_times(w, info, out);
}

/* ---- sentences ---- */

static void end_paragraph(struct buffer *sentence, struct buffer *out)
{
    wrap_text((struct text){sentence->data, sentence->length}, WIDTH, 2, out);
    buffer_add_byte(out, '\n');
    buffer_clear(sentence);
}

static const char *grouped(double value, char out[TEXT_GROUPED_SIZE])
{
    return text_group_u64((uint64_t)llround(value), out);
}

static void put_lengths(const char *what, const struct info_summary *s, struct buffer *b)
{
    char p50[TEXT_GROUPED_SIZE], p99[TEXT_GROUPED_SIZE], max[TEXT_GROUPED_SIZE];
    buffer_add_format(b,
                      " Half of the %s have %s tokens or fewer, one in a hundred has %s or more, "
                      "the longest has %s.",
                      what, grouped(s->p50, p50), grouped(s->p99, p99), grouped(s->max, max));
}

static void put_tokens(const struct workload_words *words, struct buffer *b)
{
    if (isnan(words->dearest_to_median))
        return;
    buffer_add_format(b,
                      "Tokens: the dearest request has %s times the tokens of the median one; "
                      "the largest 1 %% of the requests hold %s %% of all tokens.",
                      TEXT_SHORT(words->dearest_to_median, 3),
                      TEXT_SHORT(100 * words->top_percent_share, 3));
}

/* Counts in windows of a minute, or of what there is. */
static const struct info_dispersion *choose_windows(const struct workload_detail *d)
{
    const struct info_dispersion *best = NULL;
    for (size_t i = 0; i < d->dispersion_count; i++)
        if (!best || d->dispersion[i].window_ns <= 60 * NS_PER_S)
            best = &d->dispersion[i];
    return best;
}

static void put_bursts(const struct workload_info *info, struct buffer *b)
{
    const struct info_dispersion *d = choose_windows(&info->detail);
    if (!d)
        return;
    buffer_add_format(b,
                      "Bursts: the busiest %" PRId64 " s have %s times the mean. Counts of such "
                      "times vary %s times as much as those of independent users: %s.",
                      d->window_ns / NS_PER_S, TEXT_SHORT(d->peak_to_mean, 3),
                      TEXT_SHORT(d->index, 3),
                      d->index > 2     ? "they come in bursts"
                      : d->index < 0.5 ? "they come more evenly"
                                       : "about like those");
}

static void put_sessions(const struct workload_words *words, const struct workload_info *info,
                         struct buffer *b)
{
    char sessions[TEXT_GROUPED_SIZE], dependent[TEXT_GROUPED_SIZE];
    if (info->sessions == 0) {
        buffer_add_format(b, "Sessions: %s",
                          info->dependent ? "none are named, but requests wait for others."
                                          : "none; every request stands alone.");
        return;
    }
    buffer_add_format(b, "Sessions: %s of %s requests on average, the largest of %" PRIu64 ".",
                      text_group_u64(info->sessions, sessions),
                      TEXT_SHORT(info->turns_per_session.mean, 3), words->largest_session);
    if (info->dependent)
        buffer_add_format(b, " %s requests wait for the answer to an earlier one.",
                          text_group_u64(info->dependent, dependent));
}

static void put_sharing(const struct workload_info *info, struct buffer *b)
{
    if (info->block_size == 0 || !isfinite(info->hit_ratio_tokens))
        buffer_add_text(b, "Sharing: it does not say which prompts begin alike.");
    else
        buffer_add_format(b,
                          "Sharing: %s %% of the input tokens were sent before at the beginning "
                          "of another prompt (blocks of %u tokens, a cache that forgets nothing).",
                          TEXT_SHORT(100 * info->hit_ratio_tokens, 3), info->block_size);
    if (info->block_size && isfinite(info->hit_ratio_answers))
        buffer_add_format(b, " With the answers that later turns repeat, %s %%.",
                          TEXT_SHORT(100 * info->hit_ratio_answers, 3));
    if (info->has_usage && info->input_tokens.total > 0)
        buffer_add_format(
            b, " Recorded as read from a cache: %s %%.",
            TEXT_SHORT(100 * (double)info->cached_tokens / (double)info->input_tokens.total, 3));
}

static void put_day(const struct workload_words *words, const struct workload_info *info,
                    struct buffer *b)
{
    uint64_t all = 0;
    for (int h = 0; h < 24; h++)
        all += words->hours[h];
    if (!words->has_day) {
        buffer_add_text(b, "Day: too short to show one.");
        return;
    }
    buffer_add_format(b,
                      "Day: the busiest hour begins at %02d:00 with %s %% of what begins in a "
                      "day, the quietest at %02d:00 with %s %% (%s).",
                      words->busiest_hour,
                      TEXT_SHORT(100 * (double)words->hours[words->busiest_hour] / (double)all, 3),
                      words->quietest_hour,
                      TEXT_SHORT(100 * (double)words->hours[words->quietest_hour] / (double)all, 3),
                      info->has_start ? "UTC" : "as if it began at midnight");
}

/* ---- bars ---- */

static void put_bar_line(const struct workload_words *words, int line, double most,
                         struct buffer *out)
{
    static const char *const parts[] = {" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
    size_t last = WORDS_BARS;
    while (last > 0 && (double)words->bars[last - 1] * BAR_LINES <= most * line)
        last--;
    buffer_add_text(out, "  │");
    for (size_t i = 0; i < last; i++) {
        double eighths = ceil(8 * ((double)words->bars[i] * BAR_LINES / most - line));
        buffer_add_text(out, parts[(int)fmin(8, fmax(0, eighths))]);
    }
    buffer_add_byte(out, '\n');
}

static void put_axis(const struct workload_info *info, struct buffer *out)
{
    double seconds = (double)info->duration_ns / 1e9;
    buffer_add_text(out, "  └");
    for (int i = 0; i < WORDS_BARS; i++)
        buffer_add_text(out, "─");
    buffer_add_format(out, "\n   0%*s %s\n", WORDS_BARS - 3,
                      TEXT_SHORT(seconds >= 172800 ? seconds / 86400
                                 : seconds >= 7200 ? seconds / 3600
                                                   : seconds,
                                 4),
                      seconds >= 172800 ? "d"
                      : seconds >= 7200 ? "h"
                                        : "s");
}

static void put_bars(const struct workload_words *words, const struct workload_info *info,
                     struct buffer *out)
{
    char most_text[TEXT_GROUPED_SIZE];
    uint64_t most = 0;
    if (!info->has_duration)
        return;
    for (int i = 0; i < WORDS_BARS; i++)
        most = words->bars[i] > most ? words->bars[i] : most;
    buffer_add_format(out, "\n  %s over time, up to %s in %s s\n",
                      info->dependent ? "requests with times of their own" : "requests",
                      text_group_u64(most, most_text),
                      TEXT_SHORT((double)info->duration_ns / 1e9 / WORDS_BARS, 3));
    for (int line = BAR_LINES - 1; line >= 0; line--)
        put_bar_line(words, line, (double)most, out);
    put_axis(info, out);
}

void workload_words_put_text(const struct workload_words *words, const struct workload_info *info,
                             struct buffer *out)
{
    struct buffer b;
    buffer_init(&b, BUFFER_UNBOUNDED);
    buffer_add_text(&b, "Lengths:");
    put_lengths("prompts", &info->input_tokens, &b);
    put_lengths("answers", &info->output_tokens, &b);
    end_paragraph(&b, out);
    put_tokens(words, &b);
    end_paragraph(&b, out);
    put_bursts(info, &b);
    end_paragraph(&b, out);
    put_sessions(words, info, &b);
    end_paragraph(&b, out);
    put_sharing(info, &b);
    end_paragraph(&b, out);
    put_day(words, info, &b);
    end_paragraph(&b, out);
    buffer_free(&b);
    put_bars(words, info, out);
}

void workload_words_put_json(const struct workload_words *words, struct json_writer *w)
{
    json_pair_double(w, "tokens_p50", words->tokens_p50);
    json_pair_double(w, "tokens_max", words->tokens_max);
    json_pair_double(w, "dearest_to_median", words->dearest_to_median);
    json_pair_double(w, "top_percent_share", words->top_percent_share);
    json_pair_u64(w, "largest_session", words->largest_session);
    json_key(w, "hours");
    if (!words->has_day) {
        json_put_null(w);
        return;
    }
    json_begin_array(w);
    for (int h = 0; h < 24; h++)
        json_put_u64(w, words->hours[h]);
    json_end_array(w);
}
