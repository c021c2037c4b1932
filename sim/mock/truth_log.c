#include "sim/mock/truth_log.h"

#include "core/clock.h"
#include "core/file.h"
#include "core/json/json_write.h"
#include "sim/mock/api/openai.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define FLUSH_AT (256 * 1024)

int truth_log_open(struct truth_log *log, const char *path, struct error *err)
{
    *log = (struct truth_log){.fd = -1};
    buffer_init(&log->lines, BUFFER_UNBOUNDED);
    if (!path)
        return 0;
    log->fd = strcmp(path, "-") == 0
                  ? fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 0)
                  : open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOCTTY | O_CLOEXEC, 0644);
    if (log->fd < 0)
        return error_set(err, ERR_INPUT, "cannot write the log %s: %s", path, strerror(errno));
    return 0;
}

static void add_instants(struct buffer *b, const char *name, const int64_t *ns, size_t count)
{
    buffer_add_format(b, ", \"%s\": [", name);
    for (size_t i = 0; i < count; i++) {
        if (i)
            buffer_add_byte(b, ',');
        buffer_add_i64(b, ns[i]);
    }
    buffer_add_byte(b, ']');
}

/* What OpenAI's usage object has no names for is here too. */
static void add_classes(struct buffer *b, const struct usage *u)
{
    const char *comma = "";
    buffer_add_text(b, ", \"usage\": {");
    for (int i = 0; i < USAGE_CLASSES; i++) {
        if (u->tokens[i] == 0)
            continue;
        buffer_add_format(b, "%s\"%s\":", comma, usage_class_name((enum usage_class)i));
        buffer_add_u64(b, u->tokens[i]);
        comma = ",";
    }
    buffer_add_byte(b, '}');
}

void truth_log_add(struct truth_log *log, const struct truth_entry *e)
{
    if (log->fd < 0)
        return;
    struct buffer *b = &log->lines;
    buffer_add_text(b, "{\"x_request_id\": ");
    json_escape(b, text_of(e->request_id));
    if (e->model) {
        buffer_add_text(b, ", \"model\": ");
        json_escape(b, text_of(e->model));
    }
    char at[CLOCK_INSTANT_SIZE];
    clock_format_instant(e->at_unix_ns, at);
    buffer_add_format(b, ", \"at\": \"%s\"", at);
    buffer_add_format(b,
                      ", \"read_ns\": %lld, \"status\": %d, \"outcome\": \"%s\", \"stream\": %s, "
                      "\"fault\": ",
                      (long long)e->read_ns, e->status, e->outcome, e->stream ? "true" : "false");
    if (e->fault)
        json_escape(b, text_of(e->fault));
    else
        buffer_add_text(b, "null");
    add_instants(b, "due_ns", e->due_ns, e->due_count);
    add_instants(b, "written_ns", e->written_ns, e->written_count);
    buffer_add_text(b, ", \"billed\": ");
    openai_add_usage(&e->billed, b);
    add_classes(b, &e->billed);
    buffer_add_format(b, ", \"done_ns\": %lld}\n", (long long)e->done_ns);
    if (b->length > FLUSH_AT)
        truth_log_flush(log);
}

void truth_log_flush(struct truth_log *log)
{
    if (log->fd < 0 || log->lines.length == 0)
        return;
    if (file_write_all(log->fd, log->lines.data, log->lines.length, "the log", NULL) < 0)
        log->lost += log->lines.length;
    buffer_clear(&log->lines);
}

void truth_log_close(struct truth_log *log)
{
    truth_log_flush(log);
    if (log->fd >= 0)
        close(log->fd);
    log->fd = -1;
    buffer_free(&log->lines);
}
