/* The streams that people read. All of them pass one filter: texts from traces, price lists and
 * servers may hold what a terminal would obey. */
#include "cli/terminal.h"

#include "core/memory.h"
#include "core/printable.h"
#include "core/text.h"
#include "core/wrap.h"

#include <limits.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define LEAST 60 /* columns that tables are made for */

struct filter {
    FILE *to;
    size_t width; /* lines are broken at; 0 = at none, and nothing waits for a line's end */
    struct printable state;
    struct buffer held, out;
};

/* Moves whole lines from what is held to what goes out. */
static void take_lines(struct filter *f)
{
    const char *end = f->held.length ? memrchr(f->held.data, '\n', f->held.length) : NULL;
    size_t length = !f->width ? f->held.length : end ? (size_t)(end - f->held.data) + 1 : 0;
    struct text lines = {f->held.data, length};
    if (length == 0)
        return;
    if (f->width)
        wrap_lines(lines, f->width, &f->out);
    else
        buffer_add(&f->out, lines.at, lines.length);
    buffer_drop_front(&f->held, length);
}

static ssize_t filter_write(void *cookie, const char *bytes, size_t length)
{
    struct filter *f = cookie;
    printable_add(&f->state, bytes, length, &f->held);
    take_lines(f);
    size_t wanted = f->out.length, written = wanted ? fwrite(f->out.data, 1, wanted, f->to) : 0;
    buffer_clear(&f->out);
    return written == wanted ? (ssize_t)length : 0;
}

static int filter_close(void *cookie)
{
    struct filter *f = cookie;
    printable_end(&f->state, &f->held);
    wrap_lines((struct text){f->held.data, f->held.length}, f->width ? f->width : SIZE_MAX,
               &f->out);
    print_buffer(f->to, &f->out);
    buffer_free(&f->held);
    buffer_free(&f->out);
    free(f);
    return 0;
}

/* Unbuffered: what is written keeps its order with what goes to `to` itself. */
static FILE *filtered(FILE *to, int width)
{
    struct filter *f = mem_zero(1, sizeof *f);
    f->to = to;
    f->width = (size_t)width;
    buffer_init(&f->held, BUFFER_UNBOUNDED);
    buffer_init(&f->out, BUFFER_UNBOUNDED);
    FILE *stream =
        fopencookie(f, "w", (cookie_io_functions_t){.write = filter_write, .close = filter_close});
    if (!stream)
        mem_exhausted();
    else
        setvbuf(stream, NULL, _IONBF, 0);
    return stream;
}

/* What COLUMNS says, or 0. */
static uint64_t columns_told(void)
{
    const char *told = getenv("COLUMNS");
    uint64_t columns;
    return told && text_to_u64(text_of(told), &columns) && columns <= INT_MAX ? columns : 0;
}

/* Of the terminal; 0 where it is none, or one that nobody looks at: what mpirun gives its ranks is
 * a terminal without a size, whatever reads the other end. */
static uint64_t columns_of(FILE *to)
{
    struct winsize size = {0};
    return ioctl(fileno(to), TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}

int terminal_width(FILE *to)
{
    uint64_t columns = columns_told();
    if (columns == 0)
        columns = columns_of(to);
    return columns == 0 ? TERMINAL_NARROW : columns < LEAST ? LEAST : (int)columns;
}

void terminal_init(struct terminal *t, const struct common_options *common)
{
    const char *no_color = getenv("NO_COLOR");
    FILE *people = common->json || common->output_taken ? stderr : stdout;
    int width = terminal_width(people);
    if (common->wide && width < TERMINAL_WIDE)
        width = TERMINAL_WIDE;
    bool told = columns_of(people) || columns_told(); /* else lists have one entry a line */
    *t = (struct terminal){.human = filtered(people, told ? width : 0),
                           .machine = stdout,
                           .notes = common->quiet ? NULL : filtered(stderr, 0),
                           .width = width};
    t->live = t->notes && isatty(STDERR_FILENO);
    t->color = columns_of(people) && !(no_color && *no_color);
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

void terminal_show_line(const struct terminal *t, const char *text)
{
    if (!t->notes)
        return;
    fflush(stdout); /* what was said before comes before */
    terminal_clear_line(t);
    /* One that went on in the next could not be replaced. */
    struct text line = wrap_beginning(text_of(text), (size_t)terminal_width(stderr) - 1);
    if (t->live)
        fprintf(t->notes, "%.*s", (int)line.length, line.at);
    else
        terminal_print_message(t->notes, text);
}

void terminal_print_message(FILE *to, const char *text)
{
    struct buffer lines;
    buffer_init(&lines, BUFFER_UNBOUNDED);
    if (isatty(STDERR_FILENO) || columns_told()) /* logs keep one message a line */
        wrap_lines(text_of(text), (size_t)terminal_width(stderr), &lines);
    else
        buffer_add_text(&lines, text);
    buffer_add_byte(&lines, '\n');
    print_buffer(to, &lines);
    buffer_free(&lines);
}

static void speak(const struct terminal *t, const char *mark, const char *format, va_list args)
{
    char *message;
    if (!t->notes)
        return;
    fflush(stdout); /* what was said before comes before */
    terminal_clear_line(t);
    if (vasprintf(&message, format, args) < 0)
        mem_exhausted();
    struct buffer text;
    buffer_init(&text, BUFFER_UNBOUNDED);
    buffer_add_format(&text, "farebox: %s%s", mark, message);
    terminal_print_message(t->notes, text.data);
    buffer_free(&text);
    free(message);
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
