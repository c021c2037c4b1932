/* A workload's description as JSON and as text. */
#include "core/memory.h"
#include "core/screen/table.h"
#include "workloads/describe/info_detail.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

void info_summary_put_json(const struct info_summary *s, struct json_writer *w)
{
    if (s->count == 0) {
        json_put_null(w);
        return;
    }
    json_begin_object(w);
    json_pair_double(w, "mean", s->mean);
    json_pair_double(w, "stddev", s->stddev);
    json_pair_double(w, "min", s->min);
    json_pair_double(w, "p50", s->p50);
    json_pair_double(w, "p90", s->p90);
    json_pair_double(w, "p99", s->p99);
    json_pair_double(w, "max", s->max);
    json_end_object(w);
}

static void put_summary(struct json_writer *w, const char *key, const struct info_summary *s)
{
    json_key(w, key);
    info_summary_put_json(s, w);
}

/* The notes of one kind, by name. */
static void put_notes(const struct workload_info *info, bool skipped, const char *key,
                      struct json_writer *w)
{
    json_key(w, key);
    json_begin_object(w);
    for (size_t i = 0; i < info->report.note_count; i++)
        if (info->report.notes[i].skipped == skipped)
            json_pair_u64(w, info->report.notes[i].what, info->report.notes[i].count);
    json_end_object(w);
}

static void put_prefix(const struct workload_info *info, struct json_writer *w)
{
    json_key(w, "prefix");
    if (info->block_size == 0) {
        json_put_null(w);
        return;
    }
    json_begin_object(w);
    json_pair_double(w, "hit_ratio_tokens", info->hit_ratio_tokens);
    json_pair_double(w, "hit_ratio_blocks", info->hit_ratio_blocks);
    if (isfinite(info->hit_ratio_answers))
        json_pair_double(w, "hit_ratio_tokens_with_answers", info->hit_ratio_answers);
    json_pair_u64(w, "block_size", info->block_size);
    json_pair_u64(w, "blocks", info->blocks);
    json_pair_u64(w, "distinct_blocks", info->distinct_blocks);
    json_end_object(w);
}

static void put_recorded(const struct workload_info *info, struct json_writer *w)
{
    json_key(w, "recorded_usage");
    if (!info->has_usage) {
        json_put_null(w);
        return;
    }
    json_begin_object(w);
    json_pair_u64(w, "cached_input_tokens", info->cached_tokens);
    json_pair_u64(w, "cache_write_tokens", info->written_tokens);
    json_pair_u64(w, "reasoning_tokens", info->reasoning_tokens);
    for (int c = USAGE_PLAIN_CLASSES; c < USAGE_CLASSES; c++) {
        char key[40];
        snprintf(key, sizeof key, "%s_tokens", usage_class_name((enum usage_class)c));
        if (info->media_tokens[c - USAGE_PLAIN_CLASSES])
            json_pair_u64(w, key, info->media_tokens[c - USAGE_PLAIN_CLASSES]);
    }
    json_end_object(w);
}

static void put_head(const struct workload_info *info, struct json_writer *w)
{
    json_pair_string(w, "name", info->name);
    json_pair_string(w, "format", info->format);
    json_pair_instant(w, "start", info->has_start ? info->start_unix_ns : TIME_NEVER);
}

void workload_info_put_json(const struct workload_info *info, struct json_writer *w)
{
    json_begin_object(w);
    put_head(info, w);
    json_pair_u64(w, "requests", info->requests);
    if (info->rows > 0) {
        json_pair_u64(w, "rows", info->rows);
        json_pair_bool(w, "requests_counted", !info->uncounted);
    }
    json_pair_u64(w, "failed", info->failed);
    json_pair_u64(w, "aborted", info->aborted);
    json_pair_u64(w, "dependent", info->dependent);
    json_pair_double(w, "duration_s", info->has_duration ? (double)info->duration_ns / 1e9 : NAN);
    json_pair_double(w, "rate_rps", info->rate_rps);
    put_summary(w, "input_tokens", &info->input_tokens);
    put_summary(w, "output_tokens", &info->output_tokens);
    json_pair_u64(w, "total_input_tokens", info->input_tokens.total);
    json_pair_u64(w, "total_output_tokens", info->output_tokens.total);
    json_pair_u64(w, "empty_outputs", info->empty_outputs);
    json_key(w, "interarrival");
    json_begin_object(w);
    json_pair_double(w, "mean_s", info->interarrival_mean_s);
    json_pair_double(w, "cv", info->interarrival_cv);
    json_end_object(w);
    json_pair_u64(w, "sessions", info->sessions);
    put_summary(w, "turns_per_session", &info->turns_per_session);
    json_pair_u64(w, "models", info->models);
    json_pair_u64(w, "classes", info->classes);
    put_prefix(info, w);
    put_recorded(info, w);
    if (info->has_detail)
        info_detail_put_json(info, w);
    put_notes(info, true, "skipped", w);
    put_notes(info, false, "noticed", w);
    json_end_object(w);
}

/* 1234567.8 → "1,234,567.80" with the decimals asked for; a dash for NaN. */
static const char *grouped(double value, int decimals, char out[TEXT_GROUPED_SIZE])
{
    char plain[TEXT_GROUPED_SIZE];
    if (!isfinite(value)) {
        snprintf(out, TEXT_GROUPED_SIZE, "–");
        return out;
    }
    snprintf(plain, sizeof plain, "%.*f", decimals, text_shown(value, decimals));
    return text_group(plain, out);
}

const char *info_figure(double value, char out[TEXT_GROUPED_SIZE])
{
    double size = fabs(value);
    if (size >= 9999.5)
        return grouped(value, 0, out);
    int decimals = size > 0 ? 3 - (int)floor(log10(size)) : 0;
    decimals = decimals < 0 ? 0 : decimals > 12 ? 12 : decimals;
    snprintf(out, TEXT_GROUPED_SIZE, "%.*f", decimals, text_shown(value, decimals));
    char *end = out + strlen(out);
    while (strchr(out, '.') && (end[-1] == '0' || end[-1] == '.')) {
        bool point = end[-1] == '.';
        *--end = '\0';
        if (point)
            break;
    }
    return out;
}

static void put_cell(struct table *t, double value, int decimals)
{
    char text[TEXT_GROUPED_SIZE];
    table_cell(t, grouped(value, decimals, text));
}

static void put_summary_line(struct table *t, const char *name, const struct info_summary *s)
{
    if (s->count == 0)
        return;
    table_cell(t, name);
    put_cell(t, s->mean, 2);
    put_cell(t, s->stddev, 2);
    put_cell(t, s->min, 0);
    put_cell(t, s->p50, 1);
    put_cell(t, s->p90, 1);
    put_cell(t, s->p99, 1);
    put_cell(t, s->max, 0);
}

static void put_lengths(const struct workload_info *info, int width, struct buffer *out)
{
    static const struct table_column columns[] = {
        {.head = "", .left = true, .indent = 2},
        {.head = "mean"},
        {.head = "stddev", .rank = 1},
        {.head = "min"},
        {.head = "p50"},
        {.head = "p90"},
        {.head = "p99"},
        {.head = "max"},
    };
    struct table *t = table_create(columns, COUNT_OF(columns));
    put_summary_line(t, "input tokens", &info->input_tokens);
    put_summary_line(t, "output tokens", &info->output_tokens);
    put_summary_line(t, "turns per session", &info->turns_per_session);
    table_end(t, width, out);
}

static void put_duration(struct buffer *out, double seconds)
{
    char text[TEXT_GROUPED_SIZE];
    if (seconds < 600)
        buffer_add_format(out, "%s s", grouped(seconds, 3, text));
    else if (seconds < 36000)
        buffer_add_format(out, "%s s (%.1f min)", grouped(seconds, 3, text), seconds / 60);
    else if (seconds < 864000)
        buffer_add_format(out, "%s s (%.1f h)", grouped(seconds, 3, text), seconds / 3600);
    else
        buffer_add_format(out, "%s s (%.1f days)", grouped(seconds, 3, text), seconds / 86400);
}

static void put_title(const struct workload_info *info, struct buffer *out)
{
    char text[TEXT_GROUPED_SIZE], instant[CLOCK_INSTANT_SIZE];
    buffer_add_format(out, "%s", info->name ? info->name : "workload");
    if (info->format)
        buffer_add_format(out, " (%s)", info->format);
    buffer_add_format(out, " · %s%s requests", info->uncounted ? "at least " : "",
                      grouped((double)info->requests, 0, text));
    if (info->rows > 0)
        buffer_add_format(out, " in %s rows of a usage report",
                          grouped((double)info->rows, 0, text));
    if (info->has_duration) {
        buffer_add_text(out, " in ");
        put_duration(out, (double)info->duration_ns / 1e9);
        buffer_add_format(out, " · %s req/s", info_figure(info->rate_rps, text));
    }
    if (info->has_start) {
        clock_format_instant(info->start_unix_ns, instant);
        buffer_add_format(out, " · from %s", instant);
    }
    buffer_add_text(out, "\n\n");
}

static double percent(uint64_t part, uint64_t whole)
{
    return whole > 0 ? 100 * (double)part / (double)whole : 0;
}

static void put_outcomes(const struct workload_info *info, struct buffer *out)
{
    char a[TEXT_GROUPED_SIZE], b[TEXT_GROUPED_SIZE];
    buffer_add_format(out, "  %-18s%s in, %s out\n", "tokens",
                      grouped((double)info->input_tokens.total, 0, a),
                      grouped((double)info->output_tokens.total, 0, b));
    if (info->has_usage)
        buffer_add_format(out,
                          "  %-18s%.1f %% of input cached, %.1f %% written, %.1f %% of output "
                          "reasoning\n",
                          "recorded usage", percent(info->cached_tokens, info->input_tokens.total),
                          percent(info->written_tokens, info->input_tokens.total),
                          percent(info->reasoning_tokens, info->output_tokens.total));
    for (int i = 0; i < USAGE_MEDIA_CLASSES; i++)
        if (info->media_tokens[i])
            buffer_add_format(out, "  %-18s%s tokens\n",
                              usage_class_words((enum usage_class)(USAGE_PLAIN_CLASSES + i)),
                              grouped((double)info->media_tokens[i], 0, a));
    if (info->failed + info->aborted + info->empty_outputs > 0)
        buffer_add_format(out, "  %-18s%zu failed, %zu aborted; %.2f %% have no output\n",
                          "outcomes", info->failed, info->aborted,
                          100 * (double)info->empty_outputs / (double)info->requests);
    if (isfinite(info->interarrival_mean_s))
        buffer_add_format(out, "  %-18smean %s s, CV %.3f\n", "inter-arrival",
                          info_figure(info->interarrival_mean_s, a), info->interarrival_cv);
    if (info->dependent > 0)
        buffer_add_format(out, "  %-18s%s requests wait for others\n", "dependencies",
                          grouped((double)info->dependent, 0, a));
    if (info->sessions > 0)
        buffer_add_format(out, "  %-18s%s\n", "sessions", grouped((double)info->sessions, 0, a));
    if (info->models + info->classes > 0)
        buffer_add_format(out, "  %-18s%zu models, %zu classes\n", "kinds", info->models,
                          info->classes);
    if (info->block_size > 0 && isfinite(info->hit_ratio_tokens))
        buffer_add_format(out,
                          "  %-18s%.2f %% of tokens, %.2f %% of blocks, cache unbounded (%s "
                          "blocks of %u)\n",
                          "prefix hits", 100 * info->hit_ratio_tokens, 100 * info->hit_ratio_blocks,
                          grouped((double)info->distinct_blocks, 0, a), info->block_size);
    if (info->block_size > 0 && isfinite(info->hit_ratio_answers))
        buffer_add_format(out,
                          "  %-18s%.2f %% of tokens, if answers are cached too (blocks of %d)\n",
                          "with answers", 100 * info->hit_ratio_answers, INFO_SERVER_BLOCK);
}

static void put_note_lines(const struct workload_info *info, struct buffer *out)
{
    if (info->report.moved_ns >= NS_PER_S && !info->has_start) {
        buffer_add_format(out, "  %-18sthe first request stands at ", "times");
        put_duration(out, (double)info->report.moved_ns / 1e9);
        buffer_add_text(out, " and is taken for the start\n");
    }
    for (size_t i = 0; i < info->report.note_count; i++) {
        const struct trace_note *n = &info->report.notes[i];
        buffer_add_format(out, "  %-18s%llu × %s", n->skipped ? "skipped" : "noticed",
                          (unsigned long long)n->count, n->what);
        if (n->first_line)
            buffer_add_format(out, ", first on line %ld", n->first_line);
        buffer_add_byte(out, '\n');
    }
}

void workload_info_put_text(const struct workload_info *info, int width, struct buffer *out)
{
    put_title(info, out);
    put_lengths(info, width, out);
    buffer_add_byte(out, '\n');
    put_outcomes(info, out);
    if (info->has_detail)
        info_detail_put_text(info, out);
    put_note_lines(info, out);
}
