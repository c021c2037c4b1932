/* farebox man: the man page, made from the option tables. */
#include "cli/command.h"
#include "cli/output.h"

#include <string.h>

/* roff takes a leading dot or quote as a request and a backslash as an escape. */
static void add_roff(struct buffer *out, const char *text)
{
    bool line_start = true;
    for (; *text; text++) {
        if (line_start && (*text == '.' || *text == '\''))
            buffer_add_text(out, "\\&");
        if (*text == '\\')
            buffer_add_text(out, "\\e");
        else if (*text == '-')
            buffer_add_text(out, "\\-");
        else
            buffer_add_byte(out, *text);
        line_start = *text == '\n';
    }
}

static void add_option(struct buffer *out, const struct option_spec *s)
{
    struct buffer help;
    buffer_add_text(out, ".TP\n");
    if (s->letter)
        buffer_add_format(out, "\\fB\\-%c\\fR, ", s->letter);
    buffer_add_text(out, "\\fB\\-\\-");
    add_roff(out, s->name);
    buffer_add_text(out, "\\fR");
    if (s->type != OPTION_FLAG) {
        buffer_add_text(out, " \\fI");
        add_roff(out, s->unit ? s->unit : "VALUE");
        buffer_add_text(out, "\\fR");
    }
    buffer_add_byte(out, '\n');
    buffer_init(&help, BUFFER_UNBOUNDED);
    options_add_help(s, &help);
    add_roff(out, help.length ? help.data : "");
    buffer_free(&help);
    if (s->fallback && *s->fallback) {
        buffer_add_text(out, " (default ");
        add_roff(out, s->fallback);
        buffer_add_byte(out, ')');
    }
    buffer_add_byte(out, '\n');
}

static void add_command(struct buffer *out, const struct command *c)
{
    buffer_add_text(out, ".SS farebox ");
    add_roff(out, c->name);
    buffer_add_byte(out, ' ');
    add_roff(out, c->usage);
    buffer_add_byte(out, '\n');
    add_roff(out, c->about ? c->about : c->summary);
    buffer_add_byte(out, '\n');
    for (const struct option_spec *s = c->options; s && s->name; s++)
        add_option(out, s);
    if (c->examples) {
        buffer_add_text(out, ".PP\nExamples:\n.nf\n");
        add_roff(out, c->examples);
        buffer_add_text(out, ".fi\n");
    }
}

static void describe_command(const struct command *c, struct json_writer *w)
{
    json_begin_object(w);
    json_pair_string(w, "name", c->name);
    json_pair_string(w, "summary", c->summary);
    json_pair_string(w, "usage", c->usage);
    json_key(w, "options");
    options_describe(c->options, w);
    json_end_object(w);
}

static void print_tables(FILE *to)
{
    struct output out;
    output_begin(&out);
    json_begin_object(&out.json);
    json_key(&out.json, "commands");
    json_begin_array(&out.json);
    for (size_t i = 0; commands[i]; i++)
        describe_command(commands[i], &out.json);
    json_end_array(&out.json);
    json_key(&out.json, "options");
    options_describe(options_common(), &out.json);
    json_end_object(&out.json);
    output_end(&out, NULL, to);
}

static int run(const struct terminal *t, const void *parsed, struct error *err)
{
    struct buffer out;
    if (command_arguments(parsed, 0, "no argument", err) < 0)
        return ERR_INPUT;
    if (((const struct common_options *)parsed)->json)
        return print_tables(t->machine), 0;
    buffer_init(&out, BUFFER_UNBOUNDED);
    buffer_add_text(&out, ".TH FAREBOX 1 \"\" \"farebox " FAREBOX_VERSION "\"\n.SH NAME\n"
                          "farebox \\- benchmark LLM endpoints, price workloads, plan capacity\n"
                          ".SH SYNOPSIS\n.B farebox\n.I COMMAND\n[\\fIOPTION\\fR...]\n"
                          ".SH COMMANDS\n");
    for (size_t i = 0; commands[i]; i++)
        add_command(&out, commands[i]);
    buffer_add_text(&out, ".SH OPTIONS OF EVERY COMMAND\n");
    for (const struct option_spec *s = options_common(); s->name; s++)
        add_option(&out, s);
    buffer_add_text(
        &out, ".SH EXIT STATUS\n0 done; 1 the work failed, or an assertion or budget was missed; 2 "
              "the command line or an input file is wrong; 130 interrupted.\n"
              ".SH ENVIRONMENT\n.TP\n.B OPENAI_API_KEY\nkey of the endpoint, where no "
              "\\-\\-api\\-key\\-file is given\n.TP\n.B ANTHROPIC_API_KEY\nlikewise with "
              "\\-\\-api messages, before it\n.TP\n.B NO_COLOR\nno colors\n");
    print_buffer(t->machine, &out);
    buffer_free(&out);
    return 0;
}

static const struct option_spec no_options[] = {{0}};

const struct command command_man = {
    .name = "man",
    .summary = "print the man page",
    .usage = "",
    .about =
        "Prints the man page, made from the option tables. make install puts it in place. --json "
        "gives the tables themselves: each option with its type, unit, range and default.",
    .examples = "  farebox man | man -l -\n",
    .options = no_options,
    .options_size = sizeof(struct common_options),
    .run = run,
};
