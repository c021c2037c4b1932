#include "core/runs/server/server_line.h"

#include "core/file.h"
#include "core/json/json_fields.h"
#include "core/runs/record/run_dir.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define LINE_MOST ((size_t)1 << 16)

const char *const server_metric_keys[] = {"queue",
                                          "running",
                                          "kv_use",
                                          "cache_hit_rate",
                                          "gpu_power_w",
                                          "gpu_util",
                                          "preemptions",
                                          "prefix_queries",
                                          "prefix_hits",
                                          "prompt_tokens",
                                          "generated_tokens",
                                          "requests_finished",
                                          "requests_aborted",
                                          "gpu_energy_j",
                                          NULL};

bool server_metric_is_share(enum server_metric m)
{
    return m == SERVER_KV_USE || m == SERVER_HIT_RATE || m == SERVER_GPU_UTIL;
}

void server_line_init(struct server_line *line)
{
    *line = (struct server_line){.took_ms = NAN};
    for (int m = 0; m < SERVER_METRICS; m++)
        line->values[m] = NAN;
}

static void read_others(struct json_scan *s, const struct json_field *f, void *object)
{
    struct server_line *line = object;
    struct text key;
    (void)f;
    json_object_begin(s);
    while (json_object_next(s, &key)) {
        struct server_other other = {.value = NAN};
        if (json_peek(s) == JSON_NULL)
            json_null(s);
        else
            json_double(s, -1e300, 1e300, &other.value);
        text_cut(key, other.name, sizeof other.name);
        if (line->other_count < SERVER_OTHERS)
            line->others[line->other_count++] = other;
    }
}

static void write_others(struct json_writer *w, const struct json_field *f, const void *object)
{
    const struct server_line *line = object;
    (void)f;
    json_begin_object(w);
    for (size_t i = 0; i < line->other_count; i++) {
        json_key(w, line->others[i].name);
        json_put_figure(w, line->others[i].value);
    }
    json_end_object(w);
}

static bool has_no_other(const void *object)
{
    return ((const struct server_line *)object)->other_count == 0;
}

enum { VALUES = 1, FAILURE = 2 };

#define AT(member) JSON_AT(struct server_line, member)
static const struct json_field value_item = {.kind = JSON_AS_FIGURE, .size = sizeof(double)};
static const struct json_field rows[] = {
    {"t_ns", JSON_AS_INT, AT(t_ns)},
    {"source", JSON_AS_CHARS, AT(source)},
    {"took_ms", JSON_AS_FIGURE, AT(took_ms)},
    {"error", JSON_AS_CHARS, AT(error), .groups = FAILURE},
    {"server", JSON_AS_CHARS, AT(server), .groups = VALUES},
    {NULL, JSON_AS_EACH, AT(values), .item = &value_item, .names = server_metric_keys,
     .groups = VALUES},
    {"other", .read = read_others, .write = write_others, .is_nothing = has_no_other,
     .optional = true, .groups = VALUES},
};
static const struct json_table line_table = {JSON_ROWS(rows), .open = true, .nulls = true};

void server_line_write(const struct server_line *line, struct buffer *out)
{
    struct json_writer w;
    json_write_init(&w, out, 0);
    json_fields_write(&w, &line_table, line, line->error[0] ? FAILURE : VALUES);
    buffer_add_byte(out, '\n');
}

int server_lines_read(const char *run, void (*take)(void *context, const struct server_line *line),
                      void *context, struct error *err)
{
    char *path = run_dir_file(run, "server.jsonl");
    struct line_reader r;
    struct text text;
    struct error why = {0};
    bool there = file_exists(path) && line_reader_open(&r, path, LINE_MOST, &why) == 0;
    while (there && line_reader_next(&r, &text, &why) > 0) {
        struct server_line line;
        struct json_scan s;
        server_line_init(&line);
        json_scan_init(&s, path, text.at, text.length, r.number);
        json_fields_read(&s, &line_table, &line);
        if (json_scan_end(&s, NULL) == 0 && line.source[0])
            take(context, &line);
    }
    if (there)
        line_reader_close(&r);
    free(path);
    if (why.code == ERR_SYSTEM && err)
        *err = why;
    return why.code == ERR_SYSTEM ? ERR_SYSTEM : there;
}
