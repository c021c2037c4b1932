/* The streams that people read. All of them pass one filter: texts from traces, price lists and
 * servers may hold what a terminal would obey. */
#include "cli/terminal.h"

#include "core/memory.h"
#include "core/printable.h"
#include "core/text.h"

#include <stdarg.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

struct filter {
    FILE *to;
    struct printable state;
    struct buffer out;
};

static ssize_t filter_write(void *cookie, const char *bytes, size_t length)
{
    struct filter *f = cookie;
    printable_add(&f->state, bytes, length, &f->out);
    size_t wanted = f->out.length, written = wanted ? fwrite(f->out.data, 1, wanted, f->to) : 0;
    buffer_clear(&f->out);
    return written == wanted ? (ssize_t)length : 0;
}

static int filter_close(void *cookie)
{
    struct filter *f = cookie;
    printable_end(&f->state, &f->out);
    print_buffer(f->to, &f->out);
    buffer_free(&f->out);
    free(f);
    return 0;
}

/* Unbuffered: what is written keeps its order with what goes to `to` itself. */
static FILE *filtered(FILE *to)
{
    struct filter *f = mem_zero(1, sizeof *f);
    f->to = to;
    buffer_init(&f->out, BUFFER_UNBOUNDED);
    FILE *stream =
        fopencookie(f, "w", (cookie_io_functions_t){.write = filter_write, .close = filter_close});
    if (!stream)
        mem_exhausted();
    else
        setvbuf(stream, NULL, _IONBF, 0);
    return stream;
}

int terminal_width(void)
{
    struct winsize size = {0};
    const char *told = getenv("COLUMNS");
    uint64_t columns = 0;
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0)
        columns = size.ws_col;
    else if (told && !text_to_u64(text_of(told), &columns))
        columns = 0;
    return columns >= 60 && columns < 100 ? (int)columns : 100;
}

void terminal_init(struct terminal *t, const struct common_options *common)
{
    const char *no_color = getenv("NO_COLOR");
    FILE *people = common->json || common->output_taken ? stderr : stdout;
    *t = (struct terminal){.human = filtered(people),
                           .machine = stdout,
                           .notes = common->quiet ? NULL : filtered(stderr),
                           .width = terminal_width()};
    t->live = t->notes && isatty(STDERR_FILENO);
    t->color = isatty(fileno(people)) && !(no_color && *no_color);
}

void terminal_free(struct terminal *t)
{
    fclose(t->human);
    if (t->notes)
        fclose(t->notes);
}

void terminal_clear_line(const struct terminal *t)
{
    if (t->live)
        fputs("\r\x1b[K", stderr);
}

static void speak(const struct terminal *t, const char *mark, const char *format, va_list args)
{
    if (!t->notes)
        return;
    fflush(stdout); /* what was said before comes before */
    terminal_clear_line(t);
    fprintf(t->notes, "farebox: %s", mark);
    vfprintf(t->notes, format, args);
    fputc('\n', t->notes);
}

void say(const struct terminal *t, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    speak(t, "", format, args);
    va_end(args);
}

void warn(const struct terminal *t, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    speak(t, "warning: ", format, args);
    va_end(args);
}

void print_buffer(FILE *to, struct buffer *b)
{
    if (b->length)
        fwrite(b->data, 1, b->length, to);
    buffer_clear(b);
}
