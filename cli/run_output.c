#include "cli/run_output.h"

#include "core/clock.h"
#include "core/memory.h"
#include "core/runs/record/record_file.h"
#include "core/runs/record/run_files.h"
#include "core/runs/record/run_json.h"
#include "core/stop.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

static char *default_path(const char *stem)
{
    char stamp[32];
    time_t now = time(NULL); /* a label */
    struct tm utc;
    gmtime_r(&now, &utc);
    strftime(stamp, sizeof stamp, "%Y%m%d-%H%M%S", &utc);
    struct buffer b;
    buffer_init(&b, BUFFER_UNBOUNDED);
    buffer_add_format(&b, "results/%s-%s", stem, stamp);
    return buffer_take(&b);
}

/* First value of a "key : value" line of /proc files. */
static void read_proc(const char *file, const char *key, char *out, size_t size)
{
    char line[256];
    FILE *f = mem_given(fopen(file, "r"));
    snprintf(out, size, "unknown");
    while (f && fgets(line, sizeof line, f)) {
        char *colon = strchr(line, ':');
        if (!colon || strncmp(line, key, strlen(key)) != 0)
            continue;
        colon += 1 + strspn(colon + 1, " \t");
        colon[strcspn(colon, "\n")] = '\0';
        snprintf(out, size, "%s", colon);
        break;
    }
    if (f)
        fclose(f);
}

static void put_machine(struct json_writer *w)
{
    struct utsname system;
    char text[256];
    uname(&system);
    json_key(w, "machine");
    json_begin_object(w);
    read_proc("/proc/cpuinfo", "model name", text, sizeof text);
    json_pair_string(w, "cpu", text);
    json_pair_i64(w, "cores", sysconf(_SC_NPROCESSORS_ONLN));
    read_proc("/proc/meminfo", "MemTotal", text, sizeof text);
    json_pair_string(w, "memory", text);
    snprintf(text, sizeof text, "%s %s %s", system.sysname, system.release, system.machine);
    json_pair_string(w, "system", text);
    json_end_object(w);
}

static void put_versions(struct json_writer *w, bool reproducible)
{
    json_key(w, "versions");
    json_begin_object(w);
    json_pair_string(w, "farebox", FAREBOX_VERSION);
    if (!reproducible)
        json_pair_string(w, "libcurl", curl_version_info(CURLVERSION_NOW)->version);
    json_end_object(w);
}

int run_output_describe(struct run_output *out, const struct run_output_request *request,
                        struct error *err)
{
    struct buffer text;
    struct json_writer w;
    buffer_init(&text, BUFFER_UNBOUNDED);
    json_write_init(&w, &text, 2);
    json_begin_object(&w);
    json_pair_u64(&w, "schema_version", 1);
    json_pair_string(&w, "command", request->command);
    put_versions(&w, request->reproducible);
    if (!request->reproducible || request->started_ns)
        json_pair_instant(&w, "started",
                          request->started_ns ? request->started_ns : clock_wall_ns());
    if (!request->reproducible)
        put_machine(&w);
    if (request->workload)
        json_pair_raw(&w, "workload", text_of(request->workload));
    json_key(&w, "options");
    options_write(request->specs, request->options, &w);
    json_end_object(&w);
    buffer_add_byte(&text, '\n');
    int status = run_dir_write_file(&out->dir, "run.json", &text, err);
    buffer_free(&text);
    return status;
}

int run_output_begin(struct run_output *out, const struct run_output_request *request,
                     struct error *err)
{
    *out = (struct run_output){.dir.fd = -1};
    char *path = request->path ? mem_copy_string(request->path) : default_path(request->stem);
    int status = run_dir_check(path, request->mode, err);
    if (status == 0)
        status = run_place_begin(&out->place, path, request->mode == RUN_FORCE, err);
    free(path);
    if (status < 0)
        return status;
    status = run_dir_create(&out->dir, out->place.path, err);
    if (status == 0)
        status = run_output_describe(out, request, err);
    if (status < 0) {
        run_files_clear(out->place.path); /* the same command is to work once there is room */
        run_output_free(out);
        return status;
    }
    stop_hold();
    out->dir.detail = request->detail;
    out->collector = collector_create();
    return 0;
}

bool run_output_attempt(void *context, const struct record *r)
{
    struct run_output *out = context;
    collector_add(out->collector, r);
    return run_dir_append(&out->dir, r, clock_now_ns(), NULL) == 0;
}

bool run_output_tick(struct run_output *out)
{
    int64_t now_ns = clock_now_ns();
    if (now_ns - out->dir.flushed_ns >= NS_PER_S / 2)
        run_dir_flush(&out->dir, now_ns, NULL);
    return out->dir.failure.code == 0;
}

int run_output_write(const struct run_output *out, const char *name, const struct buffer *content,
                     struct error *err)
{
    const struct run_dir dir = {.path = out->place.path};
    return run_dir_write_file(&dir, name, content, err);
}

int run_output_finish(struct run_output *out, const struct summary_options *options,
                      struct fidelity *fidelity, struct summary *summary, struct error *err)
{
    struct buffer text;
    struct json_writer w;
    int status = run_dir_close(&out->dir, err);
    collector_summarize(out->collector, options, summary);
    if (status == 0)
        status = collector_read_server(out->collector, out->place.path, summary, err);
    summary->fidelity = *fidelity;
    *fidelity = (struct fidelity){0};
    buffer_init(&text, BUFFER_UNBOUNDED);
    json_write_init(&w, &text, 2);
    summary_write(summary, &w);
    if (status == 0)
        status = run_output_write(out, "summary.json", &text, err);
    buffer_clear(&text);
    json_write_init(&w, &text, 2);
    collector_write_histograms(out->collector, &w);
    if (status == 0)
        status = run_output_write(out, "histograms.json", &text, err);
    buffer_clear(&text);
    collector_write_timeline(out->collector, &text);
    if (status == 0)
        status = run_output_write(out, "timeline.jsonl", &text, err);
    buffer_free(&text);
    return status;
}

int run_output_amend(const struct run_output *out, const char *key, const struct buffer *value,
                     struct error *err)
{
    struct run_json j;
    struct buffer text;
    if (run_json_read(out->place.path, &j, err) < 0)
        return err->code;
    buffer_init(&text, BUFFER_UNBOUNDED);
    const char *end = strrchr(j.json, '}');
    size_t length = end ? (size_t)(end - j.json) : 0;
    while (length && strchr(" \n", j.json[length - 1]))
        length--;
    buffer_add(&text, j.json, length);
    buffer_add_format(&text, ",\n  \"%s\": %.*s\n}\n", key, (int)value->length, value->data);
    int status = run_output_write(out, "run.json", &text, err);
    buffer_free(&text);
    run_json_free(&j);
    return status;
}

int run_output_take_place(struct run_output *out, const struct summary *summary, struct error *err)
{
    return summary->accounting.completed ? run_place_take(&out->place, err) : 0;
}

void run_output_warn(const struct run_output *out, const struct terminal *t)
{
    if (run_place_is_beside(&out->place) && out->dir.records > 0)
        warn(t, "%s keeps the earlier run; the new one is in %s", out->place.given,
             out->place.path);
    if (out->place.left)
        warn(t, RUN_PLACE_LEFT, out->place.left);
}

void run_output_discard(struct run_output *out)
{
    run_dir_close(&out->dir, NULL);
    run_files_clear(out->place.path);
    rmdir(out->place.path);
    out->dir.records = 0;
}

void run_output_free(struct run_output *out)
{
    run_dir_close(&out->dir, NULL);
    collector_free(out->collector);
    if (out->place.path && out->dir.records == 0)
        run_place_discard(&out->place);
    run_place_free(&out->place);
    out->collector = NULL;
}

int run_output_parse_warmup(const char *text, struct summary_options *options, struct error *err)
{
    if (strcmp(text, "none") == 0)
        return 0;
    options->warmup = strcmp(text, "auto") == 0 ? WARMUP_MSER5 : WARMUP_GIVEN;
    if (options->warmup == WARMUP_MSER5 ||
        clock_parse_duration(text, strlen(text), &options->warmup_ns) == 0)
        return 0;
    return error_set(err, ERR_INPUT, "--warmup %.40s: expected a time such as 10s, auto or none",
                     text);
}

int run_output_parse_detail(const char *text, unsigned *detail, struct error *err)
{
    static const struct {
        const char *name;
        unsigned bit;
    } known[] = {{"chunks", RECORD_CHUNKS}, {"text", RECORD_TEXT}, {"raw", RECORD_RAW}};
    *detail = 0;
    while (text && *text) {
        size_t length = strcspn(text, ","), i = 0;
        while (i < 3 && !text_equal((struct text){text, length}, known[i].name))
            i++;
        if (i == 3)
            return error_set(err, ERR_INPUT,
                             "--record %.*s: expected chunks, text or raw, separated by commas",
                             (int)length, text);
        *detail |= known[i].bit;
        text += length + (text[length] == ',');
    }
    return 0;
}
