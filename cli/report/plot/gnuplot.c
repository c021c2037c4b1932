/* The child process: gnuplot gets its script and gives a picture; its words are kept for errors. */
#include "cli/report/plot/plot.h"

#include "core/file.h"
#include "core/memory.h"
#include "core/printable.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define PIPE_SIZE ((size_t)1 << 16)
#define PICTURE_CAP ((size_t)256 << 20)

#define VARIABLES 64

extern char **environ;

/* gnuplot needs these and no other: whatever else is there may be a key. */
static bool is_needed(const char *variable)
{
    static const char *const names[] = {
        "PATH=", "LANG=", "HOME=", "TMPDIR=", "GDFONTPATH=", "GNUPLOT_"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strncmp(variable, names[i], strlen(names[i])) == 0)
            return true;
    return false;
}

static void choose_environment(char *out[VARIABLES])
{
    size_t count = 0;
    for (char **v = environ; *v && count + 1 < VARIABLES; v++)
        if (is_needed(*v))
            out[count++] = *v;
    out[count] = NULL;
}

/* Starts gnuplot with `in` as its input, `picture` as its output and `words` as its errors. */
static int start(int in, int picture, int words, pid_t *child, struct error *err)
{
    static char name[] = "gnuplot", no_settings[] = "-d"; /* none of the user's own */
    char *const arguments[] = {name, no_settings, NULL};
    char *variables[VARIABLES];
    choose_environment(variables);
    posix_spawn_file_actions_t actions;
    const int ends[] = {in, picture, words};
    int failed = posix_spawn_file_actions_init(&actions);
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO && failed == 0; fd++)
        failed = posix_spawn_file_actions_adddup2(&actions, ends[fd], fd);
    if (failed == 0)
        failed = posix_spawnp(child, name, &actions, NULL, arguments, variables);
    posix_spawn_file_actions_destroy(&actions);
    if (failed == ENOMEM)
        mem_exhausted();
    if (failed == 0)
        return 0;
    errno = failed;
    return error_errno(err, "gnuplot cannot be started (package gnuplot-nox)");
}

/* A temporary file without a name, so that neither side can block on a full pipe. */
static FILE *scratch(const char *bytes, size_t length)
{
    FILE *f = mem_given(tmpfile());
    if (f && length > 0 && fwrite(bytes, 1, length, f) != length) {
        fclose(f);
        return NULL;
    }
    if (f && (fflush(f) != 0 || fseek(f, 0, SEEK_SET) != 0)) {
        fclose(f);
        return NULL;
    }
    return f;
}

static int wait_for(pid_t child, FILE *words, const char *name, struct error *err)
{
    int status;
    while (waitpid(child, &status, 0) < 0)
        if (errno != EINTR)
            return error_errno(err, "gnuplot was lost");
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return 0;
    char said[400];
    fseek(words, 0, SEEK_SET);
    size_t length = fread(said, 1, sizeof said - 1, words);
    while (length > 0 && (unsigned char)said[length - 1] <= ' ')
        length--;
    said[length] = '\0';
    return error_set(err, ERR_WORK, "gnuplot could not draw %s: %s", name, said);
}

/* Everything that comes until the other end is closed. */
static int read_picture(int fd, struct buffer *picture, const char *name, struct error *err)
{
    for (;;) {
        if (buffer_reserve(picture, PIPE_SIZE) < 0)
            return error_set(err, ERR_WORK, "the picture %s is too large", name);
        ssize_t n = read(fd, picture->data + picture->length, PIPE_SIZE);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return error_errno(err, "what gnuplot draws cannot be read");
        if (n == 0)
            return 0;
        picture->length += (size_t)n;
    }
}

/* The script comes from a file and the picture goes to a pipe: neither side waits for the other. */
static int exchange(FILE *in, FILE *words, struct buffer *picture, const char *name,
                    struct error *err)
{
    int ends[2];
    pid_t child;
    if (pipe2(ends, O_CLOEXEC) < 0)
        return error_errno(err, "no pipe for gnuplot");
    int status = start(fileno(in), ends[1], fileno(words), &child, err);
    close(ends[1]);
    int drawn = status == 0 ? read_picture(ends[0], picture, name, err) : status;
    close(ends[0]);
    if (status == 0)
        status = wait_for(child, words, name, err);
    if (status == 0 && drawn == 0 && picture->length == 0)
        return error_set(err, ERR_WORK, "gnuplot drew nothing of %s", name);
    return status < 0 ? status : drawn;
}

static int run_gnuplot(const struct buffer *script, const char *name, struct buffer *picture,
                       struct error *err)
{
    FILE *in = scratch(script->data, script->length), *words = scratch(NULL, 0);
    int status = in && words ? exchange(in, words, picture, name, err)
                             : error_errno(err, "no temporary file for gnuplot");
    if (in)
        fclose(in);
    if (words)
        fclose(words);
    return status;
}

static void add_xml(struct buffer *out, const char *text)
{
    struct printable p = {0};
    struct buffer shown;
    buffer_init(&shown, BUFFER_UNBOUNDED);
    printable_add(&p, text, strlen(text), &shown);
    printable_end(&p, &shown);
    for (size_t i = 0; i < shown.length; i++) {
        char c = shown.data[i];
        const char *entity = c == '<' ? "&lt;" : c == '>' ? "&gt;" : c == '&' ? "&amp;" : NULL;
        if (entity)
            buffer_add_text(out, entity);
        else
            buffer_add_byte(out, (unsigned char)c < 0x20 ? ' ' : c);
    }
    buffer_free(&shown);
}

/* An SVG says what it shows, and holds its values for a page's script. */
static void finish_svg(const struct plot *p, struct buffer *picture)
{
    static const char old[] = "<title>Gnuplot</title>", ending[] = "</svg>";
    struct buffer out;
    if (buffer_add_byte(picture, '\0') < 0)
        return;
    picture->length--;
    char *title = strstr(picture->data, old), *end = title ? strstr(title, ending) : NULL;
    if (!end)
        return;
    buffer_init(&out, PICTURE_CAP);
    buffer_add(&out, picture->data, (size_t)(title - picture->data));
    buffer_add_text(&out, "<title>");
    add_xml(&out, p->title ? p->title : p->name);
    buffer_add_text(&out, "</title>");
    title += strlen(old);
    buffer_add(&out, title, (size_t)(end - title));
    buffer_add_text(&out, "<metadata>");
    plot_values(p, &out);
    buffer_add_text(&out, "</metadata>\n</svg>\n");
    buffer_free(picture);
    *picture = out;
}

static int draw(const struct plot *p, const char *terminal, struct buffer *picture,
                struct error *err)
{
    struct buffer script;
    buffer_init(&script, BUFFER_UNBOUNDED);
    plot_script(p, terminal, NULL, &script);
    int status = run_gnuplot(&script, p->name, picture, err);
    if (status == 0 && strcmp(terminal, "svg") == 0)
        finish_svg(p, picture);
    buffer_free(&script);
    return status;
}

int plot_svg(const struct plot *p, struct buffer *out, struct error *err)
{
    buffer_init(out, PICTURE_CAP);
    return draw(p, "svg", out, err);
}

/* gnuplot does not tell when it cannot write: its picture is written here, whole or not at all. */
static int draw_one(const struct plot *p, const char *terminal, const char *path, struct error *err)
{
    struct buffer picture;
    buffer_init(&picture, PICTURE_CAP);
    int status = draw(p, terminal, &picture, err);
    if (status == 0)
        status = file_write_atomic(path, picture.data, picture.length, err);
    buffer_free(&picture);
    return status;
}

int plot_draw(const struct plot *p, const char *directory, bool keep_script, struct error *err)
{
    static const char *const kinds[][2] = {{"svg", "svg"}, {"pngcairo", "png"}};
    char path[3072];
    int status = file_make_directories(directory, err);
    for (int i = 0; i < 2 && status == 0; i++) {
        snprintf(path, sizeof path, "%s/%s.%s", directory, p->name, kinds[i][1]);
        status = draw_one(p, kinds[i][0], path, err);
    }
    if (status == 0 && keep_script) {
        struct buffer script;
        char output[512];
        buffer_init(&script, BUFFER_UNBOUNDED);
        snprintf(path, sizeof path, "%s/%s.gp", directory, p->name);
        snprintf(output, sizeof output, "%s.svg", p->name);
        plot_script(p, "svg", output, &script);
        status = file_write_atomic(path, script.data, script.length, err);
        buffer_free(&script);
    }
    return status;
}
