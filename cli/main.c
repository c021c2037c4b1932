/* farebox COMMAND: finds the command, parses its options, runs it, prints its
 * error. */
#include "cli/command.h"
#include "core/memory.h"
#include "core/printable.h"
#include "core/stop.h"

#include <errno.h>
#include <fcntl.h>
#include <gsl/gsl_errno.h>
#include <malloc.h>
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
    struct printable filter = {0};
    error_format(err, text, sizeof text);
    buffer_init(&shown, BUFFER_UNBOUNDED);
    printable_add(&filter, text, strlen(text), &shown);
    printable_end(&filter, &shown);
    buffer_add_byte(&shown, '\n');
    fputs("farebox: ", stderr);
    print_buffer(stderr, &shown);
    buffer_free(&shown);
}

/* Everything reached standard output: a full disk or a closed pipe is a failure
 * like others. */
static int check_stdout(struct error *err)
{
    errno = 0;
    bool bad = fflush(stdout) != 0;
    bad = ferror(stdout) || bad;
    if (!bad)
        return 0;
    return errno ? error_errno(err, "standard output cannot be written")
                 : error_set(err, ERR_SYSTEM,
                             "standard output cannot be written to its end (a "
                             "full disk?)");
}

static void print_overview(FILE *to)
{
    fputs("farebox: benchmark LLM endpoints, price workloads, plan capacity\n\n"
          "usage: farebox COMMAND [OPTION...]\n\n",
          to);
    for (size_t i = 0; commands[i]; i++)
        fprintf(to, "  %-20s %s\n", commands[i]->name, commands[i]->summary);
    fputs("\nfarebox COMMAND --help tells more. Exit status: 0 done; 1 the work "
          "failed or an\n"
          "assertion was missed; 2 the command line or an input file is wrong; "
          "130 interrupted.\n",
          to);
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

static void print_help(const struct command *c)
{
    struct buffer text;
    buffer_init(&text, BUFFER_UNBOUNDED);
    buffer_add_format(&text, "usage: farebox %s %s\n\n%s\n", c->name, c->usage,
                      c->about ? c->about : c->summary);
    options_help(c->options, terminal_width(), &text);
    if (c->examples)
        buffer_add_format(&text, "\nExamples:\n%s", c->examples);
    print_buffer(stdout, &text);
    buffer_free(&text);
}

static int run_command(const struct command *c, int argc, char **argv)
{
    struct error err = {0};
    struct common_options *options = mem_zero(1, c->options_size);
    int code = options_parse(c->options, argc, argv, options, &err);
    if (code == 0 && options->json && c->prints && !options->help)
        code = error_set(&err, ERR_INPUT, "%s prints %s: leave --json out", c->name, c->prints);
    if (code == 0 && !options->help)
        code = options_check_outputs(c->options, options, &err);
    if (options->help) {
        print_help(c);
        code = 0;
    } else if (code == 0) {
        struct terminal t;
        terminal_init(&t, options);
        code = c->run(&t, options, &err);
        terminal_free(&t);
    }
    if (err.code == ERR_INTERRUPTED) /* whatever it was taken for on its way */
        code = err.code;
    if (code == 0)
        code = check_stdout(&err);
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
    for (size_t i = 0; i < count; i++) {
        if (strncmp(names[i], argv[0], length) == 0 && names[i][length] == ' ') {
            if (shown++ == 0)
                fprintf(stderr, "farebox: %s what? one of:\n", argv[0]);
            fprintf(stderr, "  farebox %-20s %s\n", names[i], commands[i]->summary);
        }
    }
    if (shown)
        return 2;
    fprintf(stderr, "farebox: unknown command \"%s\"", typed);
    if (near)
        fprintf(stderr, "; did you mean \"%s\"?", near);
    fputs(" (farebox --help lists them)\n", stderr);
    return 2;
}

/* Its default aborts. Results are checked where they matter; what could not be allocated is found
 * here, for all of the library. */
static void on_gsl_error(const char *reason, const char *file, int line, int code)
{
    (void)reason;
    (void)file;
    (void)line;
    if (code == GSL_ENOMEM)
        mem_exhausted();
}

/* What was freed is used again without asking the system: a page's first use costs microseconds,
 * and a request's sending has few of them. */
static void keep_freed_memory(void)
{
    mallopt(M_TRIM_THRESHOLD, 64 << 20);
    mallopt(M_MMAP_THRESHOLD, 8 << 20);
}

int main(int argc, char **argv)
{
    gsl_set_error_handler(on_gsl_error);
    keep_freed_memory();
    hold_standard_streams();
    stop_install();
    raise_descriptor_limit();
    argc--, argv++;
    if (argc == 0) {
        print_overview(stderr);
        return 2;
    }
    if (strcmp(argv[0], "--help") == 0 || strcmp(argv[0], "-h") == 0 ||
        strcmp(argv[0], "help") == 0) {
        print_overview(stdout);
        return end_plain();
    }
    if (strcmp(argv[0], "--version") == 0) {
        puts("farebox " FAREBOX_VERSION);
        return end_plain();
    }
    int used;
    const struct command *c = command_find(argc, argv, &used);
    return c ? run_command(c, argc - used, argv + used) : unknown_command(argc, argv);
}
