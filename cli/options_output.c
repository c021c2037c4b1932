/* The check of OPTION_OUTPUT: what may be written, before any work is done. */
#include "cli/options.h"
#include "core/buffer.h"
#include "core/file.h"
#include "core/file_output.h"

#include <string.h>
#include <sys/stat.h>

/* What a run directory is read from. */
static const char *const run_files[] = {"requests.jsonl", "summary.json", "histograms.json",
                                        "timeline.jsonl", "run.json",     NULL};

/* One input: a file, or a run directory. */
static bool is_or_holds(const char *input, const char *output)
{
    struct stat about;
    bool found = file_output_same(input, output);
    if (found || stat(input, &about) < 0 || !S_ISDIR(about.st_mode))
        return found;
    struct buffer path;
    buffer_init(&path, BUFFER_UNBOUNDED);
    for (size_t i = 0; run_files[i] && !found; i++) {
        buffer_clear(&path);
        buffer_add_format(&path, "%s/%s", input, run_files[i]);
        found = file_output_same(path.data, output);
    }
    buffer_free(&path);
    return found;
}

/* A word that may name files: itself, or as --plans takes them, FILE#PLAN,FILE#PLAN. */
static bool names_output(const char *word, const char *output)
{
    if (is_or_holds(word, output))
        return true;
    struct buffer item;
    bool found = false;
    buffer_init(&item, BUFFER_UNBOUNDED);
    while (*word && !found) {
        size_t length = strcspn(word, ",");
        buffer_clear(&item);
        buffer_add_format(&item, "%.*s", (int)length, word);
        item.data[strcspn(item.data, "#")] = '\0';
        found = is_or_holds(item.data, output);
        word += length + (word[length] == ',');
    }
    buffer_free(&item);
    return found;
}

/* The first option of a table that takes `output` as a file to read, or NULL. */
static const char *reader_of(const struct option_spec *s, const void *target, const char *output)
{
    for (; s && s->name; s++) {
        const void *field = (const char *)target + s->offset;
        const char *unit = s->unit ? s->unit : "";
        if (!strstr(unit, "FILE") && !strstr(unit, "PRESET"))
            continue;
        const char *text = s->type == OPTION_TEXT ? *(const char *const *)field : NULL;
        if (text && names_output(text, output))
            return s->name;
        const struct option_list *list = s->type == OPTION_LIST ? field : NULL;
        for (size_t i = 0; list && i < list->count; i++)
            if (names_output(list->items[i], output))
                return s->name;
    }
    return NULL;
}

static int check_inputs(const struct option_spec *specs, const void *target, const char *output,
                        struct error *err)
{
    const struct common_options *common = target;
    for (size_t i = 0; i < common->argument_count; i++)
        if (is_or_holds(common->arguments[i], output))
            return error_set(err, ERR_INPUT,
                             "%s is read and written at once: another --output is "
                             "needed",
                             output);
    const char *reader = reader_of(specs, target, output);
    if (!reader)
        reader = reader_of(options_common(), target, output);
    return reader
               ? error_set(err, ERR_INPUT, "%s is read (--%s) and written at once", output, reader)
               : 0;
}

static bool is_forced(const struct option_spec *specs, const void *target)
{
    for (; specs && specs->name; specs++)
        if (strcmp(specs->name, "force") == 0)
            return *(const bool *)((const char *)target + specs->offset);
    return false;
}

static int check_one(const struct option_spec *specs, const struct option_spec *s, void *target,
                     const char *output, struct error *err)
{
    struct common_options *common = target;
    if (strcmp(output, "-") == 0) {
        if (common->json)
            return error_set(err, ERR_INPUT, "--json and --%s - both want standard output",
                             s->name);
        common->output_taken = true;
        return 0;
    }
    if (strstr(s->unit, "DIR") && file_is_directory(output))
        return 0; /* what goes into it is for the command to check */
    if (check_inputs(specs, target, output, err) < 0)
        return ERR_INPUT;
    return file_output_check(output, is_forced(specs, target), err);
}

int options_check_outputs(const struct option_spec *specs, void *target, struct error *err)
{
    for (const struct option_spec *s = specs; s && s->name; s++) {
        const void *field = (const char *)target + s->offset;
        const char *value = s->type == OPTION_OUTPUT ? *(const char *const *)field : NULL;
        if (value && check_one(specs, s, target, value, err) < 0)
            return ERR_INPUT;
    }
    return 0;
}
