/* What is shown of an option table: help text, and the effective values as JSON. */
#include "cli/options.h"

#include "core/wrap.h"

#include <stdio.h>
#include <string.h>

#define HELP_COLUMN 30

/* Adds the words behind what stands before HELP_COLUMN, and ends the line. A list of names without
 * blanks may be broken behind its commas. */
static void add_wrapped(struct buffer *out, const char *text, size_t width)
{
    size_t column = HELP_COLUMN;
    while (*text) {
        size_t word = strcspn(text, " "), length = word;
        bool blank = column > HELP_COLUMN && text[-1] == ' ';
        if (HELP_COLUMN + word > width)
            length = 1 + strcspn(text, ",");
        length = length < word ? length : word;
        if (column > HELP_COLUMN && column + blank + length > width) {
            buffer_add_format(out, "\n%*s", HELP_COLUMN, "");
            column = HELP_COLUMN;
        } else if (blank) {
            buffer_add_byte(out, ' ');
            column++;
        }
        buffer_add(out, text, length);
        column += wrap_columns((struct text){text, length});
        text += length;
        text += strspn(text, " ");
    }
    buffer_add_byte(out, '\n');
}

void options_add_choices(const struct option_spec *s, struct buffer *out)
{
    for (size_t i = 0; s->choice && s->choice(i); i++)
        buffer_add_format(out, "%s%s",
                          i == 0             ? ""
                          : s->choice(i + 1) ? ", "
                                             : " or ",
                          s->choice(i));
}

void options_add_help(const struct option_spec *s, struct buffer *out)
{
    if (s->help)
        buffer_add_text(out, s->help);
    options_add_choices(s, out);
}

static void help_one(const struct option_spec *s, size_t width, struct buffer *out)
{
    char left[128];
    struct buffer right;
    const char *unit = s->type == OPTION_FLAG ? "" : s->unit ? s->unit : "VALUE";
    int used = snprintf(left, sizeof left, "  %c%c%s --%s%s%s", s->letter ? '-' : ' ',
                        s->letter ? s->letter : ' ', s->letter ? "," : " ", s->name,
                        *unit ? " " : "", unit);
    buffer_init(&right, BUFFER_UNBOUNDED);
    options_add_help(s, &right);
    buffer_add_text(&right, s->type == OPTION_LIST ? "; may be given again" : "");
    if (s->fallback && *s->fallback)
        buffer_add_format(&right, " [%s]", s->fallback);
    buffer_add_text(out, left);
    if (used >= HELP_COLUMN)
        buffer_add_format(out, "\n%*s", HELP_COLUMN, "");
    else
        buffer_add_format(out, "%*s", HELP_COLUMN - used, "");
    add_wrapped(out, right.data, width < WRAP_MOST ? width : WRAP_MOST);
    buffer_free(&right);
}

static void help_table(const struct option_spec *s, size_t width, struct buffer *out)
{
    for (; s && s->name; s++) {
        if (s->group)
            buffer_add_format(out, "\n%s:\n", s->group);
        help_one(s, width, out);
    }
}

void options_help(const struct option_spec *specs, int width, struct buffer *out)
{
    if (specs && specs->name && !specs->group)
        buffer_add_text(out, "\nOptions:\n");
    help_table(specs, (size_t)width, out);
    help_table(options_common(), (size_t)width, out);
}

static void describe_choices(const struct option_spec *s, struct json_writer *w)
{
    json_key(w, "choices");
    json_begin_array(w);
    for (size_t i = 0; s->choice(i); i++)
        json_put_string(w, s->choice(i));
    json_end_array(w);
}

static void describe_range(const struct option_spec *s, struct json_writer *w)
{
    if (s->type != OPTION_COUNT && s->type != OPTION_NUMBER && s->type != OPTION_DURATION)
        return;
    json_pair_double(w, "min", s->min);
    if (s->max > 0)
        json_pair_double(w, "max", s->max);
    json_pair_bool(w, "above_min", options_refuse_zero(s));
}

static void describe_one(const struct option_spec *s, struct json_writer *w)
{
    static const char *const types[] = {
        [OPTION_FLAG] = "flag",   [OPTION_TEXT] = "text",     [OPTION_OUTPUT] = "output",
        [OPTION_COUNT] = "count", [OPTION_NUMBER] = "number", [OPTION_DURATION] = "duration",
        [OPTION_LIST] = "list",
    };
    struct buffer help;
    buffer_init(&help, BUFFER_UNBOUNDED);
    options_add_help(s, &help);
    json_begin_object(w);
    json_pair_string(w, "name", s->name);
    if (s->letter) {
        json_key(w, "letter");
        json_put_text(w, (struct text){&s->letter, 1});
    }
    json_pair_string(w, "type", types[s->type]);
    if (s->type != OPTION_FLAG)
        json_pair_string(w, "unit", s->unit ? s->unit : "VALUE");
    if (s->fallback)
        json_pair_string(w, "default", s->fallback);
    describe_range(s, w);
    if (s->choice)
        describe_choices(s, w);
    json_pair_string(w, "help", help.length ? help.data : "");
    json_end_object(w);
    buffer_free(&help);
}

void options_describe(const struct option_spec *specs, struct json_writer *w)
{
    json_begin_array(w);
    for (; specs && specs->name; specs++)
        describe_one(specs, w);
    json_end_array(w);
}

static void write_duration(int64_t ns, struct json_writer *w)
{
    char text[32];
    snprintf(text, sizeof text, "%.9g", (double)ns / 1e9);
    struct buffer b;
    buffer_init(&b, 64);
    buffer_add_format(&b, "%ss", text);
    json_put_text(w, (struct text){b.data, b.length});
    buffer_free(&b);
}

static void write_text(const struct option_spec *s, const char *value, struct json_writer *w)
{
    if (!value || !s->shown) {
        json_put_string(w, value);
        return;
    }
    struct buffer b;
    buffer_init(&b, BUFFER_UNBOUNDED);
    s->shown(value, &b);
    json_put_string(w, b.data);
    buffer_free(&b);
}

static void write_one(const struct option_spec *s, const void *target, struct json_writer *w)
{
    const void *field = (const char *)target + s->offset;
    switch (s->type) {
    case OPTION_FLAG:
        json_put_bool(w, *(const bool *)field);
        break;
    case OPTION_TEXT:
    case OPTION_OUTPUT:
        write_text(s, *(const char *const *)field, w);
        break;
    case OPTION_COUNT:
        json_put_u64(w, *(const uint64_t *)field);
        break;
    case OPTION_NUMBER:
        json_put_double(w, *(const double *)field);
        break;
    case OPTION_DURATION:
        write_duration(*(const int64_t *)field, w);
        break;
    case OPTION_LIST: {
        const struct option_list *list = field;
        json_begin_array(w);
        for (size_t i = 0; i < list->count; i++)
            write_text(s, list->items[i], w);
        json_end_array(w);
    }
    }
}

void options_write(const struct option_spec *specs, const void *target, struct json_writer *w)
{
    const struct common_options *common = target;
    json_begin_object(w);
    json_pair_u64(w, "seed", common->seed);
    for (const struct option_spec *s = specs; s && s->name; s++) {
        /* An option left unset has no value that could be fed back. */
        if (!s->fallback && !options_given(target, s->name))
            continue;
        json_key(w, s->name);
        write_one(s, target, w);
    }
    json_end_object(w);
}
