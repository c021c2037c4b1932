/* The child process: gnuplot reads its script from a pipe, its words are kept for the error. */
#include "cli/report/plot.h"

#include "core/file.h"

#include <errno.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

/* Starts gnuplot with `in` as its input and `words` as its outputs. */
static int start(int in, int words, pid_t *child, struct error *err)
{
    static char name[] = "gnuplot";
    char *const arguments[] = {name, NULL};
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, in, STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&actions, words, STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&actions, words, STDERR_FILENO);
    int failed = posix_spawnp(child, name, &actions, NULL, arguments, environ);
    posix_spawn_file_actions_destroy(&actions);
    if (failed == 0)
        return 0;
    errno = failed;
    return error_errno(err, "gnuplot cannot be started (package gnuplot-nox)");
}

/* A temporary file without a name, so that neither side can block on a full pipe. */
static FILE *scratch(const char *bytes, size_t length)
{
    FILE *f = tmpfile();
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

static int run_gnuplot(const struct buffer *script, const char *name, struct error *err)
{
    pid_t child;
    FILE *in = scratch(script->data, script->length), *words = scratch(NULL, 0);
    int status = in && words ? start(fileno(in), fileno(words), &child, err)
                             : error_errno(err, "no temporary file for gnuplot");
    if (status == 0)
        status = wait_for(child, words, name, err);
    if (in)
        fclose(in);
    if (words)
        fclose(words);
    return status;
}

/* Draws under a temporary name and renames, so that a picture is whole or not there. */
static int draw_one(const struct plot *p, const char *terminal, const char *path, struct error *err)
{
    char temporary[4096];
    struct buffer script;
    snprintf(temporary, sizeof temporary, "%s.tmp", path);
    buffer_init(&script, BUFFER_UNBOUNDED);
    plot_script(p, terminal, temporary, &script);
    int status = run_gnuplot(&script, p->name, err);
    buffer_free(&script);
    if (status == 0 && rename(temporary, path) < 0)
        status = error_errno(err, "%s cannot be written", path);
    if (status < 0)
        unlink(temporary);
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
