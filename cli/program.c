#include "cli/program.h"

#include "cli/command.h"
#include "core/library/library.h"
#include "core/memory.h"
#include "core/printable.h"
#include "core/stop.h"
#include "core/wrap.h"

#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <malloc.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

/* A standard stream that was closed stays one that fails: the next file opened
 * must not become it.
 */
static void hold_standard_streams(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        if (fcntl(fd, F_GETFD) < 0 &&
            open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY) != fd)
            return;
}

/* Many streams need many descriptors: take all that the system lets us have. */
static void raise_descriptor_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

static void print_error(const struct error *err)
{
    char text[1536];
    struct buffer shown;
    error_format(err, text, sizeof text);
    buffer_init(&shown, BUFFER_UNBOUNDED);
    buffer_add_text(&shown, "farebox: ");
    printable_add_line(text, &shown); /* a name from a file makes no line of its own */
    terminal_print_message(stderr, shown.data);
    buffer_free(&shown);
}

/* Whoever read standard output has seen enough ("| head"): no failure of ours. */
static bool reader_left(void)
{
    struct pollfd out = {.fd = STDOUT_FILENO};
    return poll(&out, 1, 0) == 1 && (out.revents & POLLERR) != 0;
}

/* Everything reached standard output: a full disk is a failure like others. */
static int check_stdout(struct error *err)
{
    errno = 0;
    bool bad = fflush(stdout) != 0;
    bad = ferror(stdout) || bad;
    if (!bad || reader_left())
        return 0;
    return errno ? error_errno(err, "standard output cannot be written")
                 : error_set(err, ERR_SYSTEM,
                             "standard output cannot be written to its end (a "
                             "full disk?)");
}

/* Prints the text, its lines broken to fit, and frees it. */
static void print_lines(FILE *to, struct buffer *text)
{
    struct buffer lines;
    buffer_init(&lines, BUFFER_UNBOUNDED);
    wrap_lines((struct text){text->data, text->length}, (size_t)terminal_width(to), &lines);
    print_buffer(to, &lines);
    buffer_free(&lines);
    buffer_free(text);
}

static void print_overview(FILE *to, const struct program_others *others)
{
    struct buffer text;
    buffer_init(&text, BUFFER_UNBOUNDED);
    buffer_add_text(&text, "farebox: benchmark LLM endpoints, price workloads, plan capacity\n\n"
                           "usage: farebox COMMAND [OPTION...]\n\n");
    for (size_t i = 0; commands[i]; i++)
        buffer_add_format(&text, "  %-20s %s\n", commands[i]->name, commands[i]->summary);
    if (others)
        buffer_add_format(&text, "\n%s\n", others->about);
    buffer_add_text(&text,
                    "\nfarebox COMMAND --help tells more, farebox --version (-V) which one this is."
                    "\nExit status: 0 done; 1 the work failed or an assertion was missed; 2 the"
                    "\ncommand line or an input file is wrong; 130 interrupted.\n");
    print_lines(to, &text);
}

/* The end of what only prints. */
static int end_plain(void)
{
    struct error err = {0};
    int code = check_stdout(&err);
    if (code < 0)
        print_error(&err);
    return error_exit_status(code);
}

/* As wide as the terminal: the source's own lines are put together where neither is set apart by
 * blanks. */
static void add_paragraphs(const char *about, size_t width, struct buffer *out)
{
    struct buffer joined;
    buffer_init(&joined, BUFFER_UNBOUNDED);
    for (const char *at = about; *at; at++)
        buffer_add_byte(&joined, *at == '\n' && at[1] && !strchr(" \n", at[1]) && at > about &&
                                         at[-1] != '\n'
                                     ? ' '
                                     : *at);
    wrap_text((struct text){joined.data, joined.length}, width, 0, out);
    buffer_free(&joined);
}

static void print_help(const struct command *c, bool wide)
{
    struct buffer text, usage;
    int width = wide ? TERMINAL_WIDE : terminal_width(stdout);
    buffer_init(&text, BUFFER_UNBOUNDED);
    buffer_init(&usage, BUFFER_UNBOUNDED);
    buffer_add_format(&usage, "usage: farebox %s%s%s", c->name, *c->usage ? " " : "", c->usage);
    wrap_text((struct text){usage.data, usage.length}, (size_t)width, 4, &text);
    buffer_add_text(&text, "\n\n");
    add_paragraphs(c->about ? c->about : c->summary, (size_t)width, &text);
    buffer_add_byte(&text, '\n');
    options_help(c->options, width, &text);
    if (c->examples) {
        buffer_add_text(&text, "\nExamples:\n");
        wrap_command(text_of(c->examples), (size_t)width, 6, &text);
    }
    print_buffer(stdout, &text);
    buffer_free(&usage);
    buffer_free(&text);
}

static int run_command(const struct command *c, int argc, char **argv,
                       const struct program_others *others)
{
    struct error err = {0};
    struct common_options *options = mem_zero(1, c->options_size);
    int code = options_parse(c->options, argc, argv, options, &err);
    if (code == 0 && options->json && c->prints && !options->help)
        code = error_set(&err, ERR_INPUT, "%s prints %s: leave --json out", c->name, c->prints);
    if (code == 0 && !options->help)
        code = options_check_outputs(c->options, options, &err);
    if (options->help) {
        print_help(c, options->wide);
        code = 0;
    } else if (code == 0) {
        struct terminal t;
        terminal_init(&t, options);
        t.crew = others ? others->crew : NULL;
        t.farm = others ? others->farm : NULL;
        code = c->run(&t, options, &err);
        terminal_free(&t);
    }
    if (err.code == ERR_INTERRUPTED || (code < 0 && err.code == ERR_SYSTEM))
        code = err.code; /* whatever it was taken for on its way */
    if (code == 0)
        code = check_stdout(&err);
    if (code < 0 && err.system == EPIPE && reader_left())
        code = 0;
    if (code < 0 && err.message[0])
        print_error(&err);
    options_free(options);
    free(options);
    return error_exit_status(code);
}

static int unknown_command(int argc, char **argv)
{
    const char *names[128];
    char typed[128];
    size_t count = 0;
    for (; count < 127 && commands[count]; count++)
        names[count] = commands[count]->name;
    names[count] = NULL;
    bool two = argc > 1 && argv[1][0] != '-';
    snprintf(typed, sizeof typed, "%s%s%s", argv[0], two ? " " : "", two ? argv[1] : "");
    const char *near = text_nearest(text_of(typed), names);
    if (!near)
        near = text_nearest(text_of(argv[0]), names);
    size_t length = strlen(argv[0]), shown = 0;
    struct buffer list;
    buffer_init(&list, BUFFER_UNBOUNDED);
    for (size_t i = 0; i < count; i++) {
        if (strncmp(names[i], argv[0], length) == 0 && names[i][length] == ' ') {
            if (shown++ == 0)
                buffer_add_format(&list, "farebox: %s what? one of:\n", argv[0]);
            buffer_add_format(&list, "  farebox %-20s %s\n", names[i], commands[i]->summary);
        }
    }
    print_lines(stderr, &list);
    if (shown)
        return 2;
    fprintf(stderr, "farebox: unknown command \"%s\"", typed);
    if (near)
        fprintf(stderr, "; did you mean \"%s\"?", near);
    fputs(" (farebox --help lists them)\n", stderr);
    return 2;
}

/* What was freed is used again without asking the system: a page's first use costs microseconds,
 * and a request's sending has few of them. */
static void keep_freed_memory(void)
{
    mallopt(M_TRIM_THRESHOLD, 64 << 20);
    mallopt(M_MMAP_THRESHOLD, 8 << 20);
}

void program_prepare(void)
{
    library_prepare();
    /* For the columns of a text; numbers stay as C writes them. */
    mem_given(setlocale(LC_CTYPE, "C.UTF-8"));
    keep_freed_memory();
    hold_standard_streams();
    stop_install();
    raise_descriptor_limit();
}

int program_run(int argc, char **argv, const struct program_others *others)
{
    argc--, argv++;
    if (argc == 0) {
        print_overview(stderr, others);
        return 2;
    }
    if (strcmp(argv[0], "--help") == 0 || strcmp(argv[0], "-h") == 0 ||
        strcmp(argv[0], "help") == 0) {
        print_overview(stdout, others);
        return end_plain();
    }
    if (strcmp(argv[0], "--version") == 0 || strcmp(argv[0], "-V") == 0) {
        puts("farebox " FAREBOX_VERSION);
        return end_plain();
    }
    int used;
    const struct command *c = command_find(argc, argv, &used);
    return c ? run_command(c, argc - used, argv + used, others) : unknown_command(argc, argv);
}
