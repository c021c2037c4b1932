#include "cli/options.h"

#include "core/clock.h"
#include "core/file.h"
#include "core/json/json_scan.h"
#include "core/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CONFIG_CAP ((size_t)16 << 20)
#define CONFIG_OPTIONS 256 /* more than any table has */
#define AT(field) offsetof(struct common_options, field)

static const struct option_spec common_specs[] = {
    {"help", 'h', OPTION_FLAG, AT(help), .help = "show this help", .group = "Every command takes"},
    {"json", 0, OPTION_FLAG, AT(json),
     .help = "machine-readable result on standard output, human text on standard error"},
    {"quiet", 'q', OPTION_FLAG, AT(quiet), .help = "no progress and no notes"},
    {"wide", 0, OPTION_FLAG, AT(wide),
     .help = "tables with all their columns, however wide the terminal is (COLUMNS says how wide)"},
    {"seed", 0, OPTION_COUNT, AT(seed), "1", "N", .max = 0x1p64,
     .help = "seed of everything random"},
    {"config", 0, OPTION_TEXT, AT(config), .unit = "FILE",
     .help = "take options from a JSON object with the same names; the command line wins"},
    {0},
};

/* Everything the parse allocated, and which options were given. */
struct parse {
    const struct option_spec *specs;
    void *target;
    char **texts;
    size_t text_count, text_capacity;
    struct given {
        const char *name;
        bool typed; /* on the command line */
    } * given;
    size_t given_count, given_capacity;
    bool typing; /* reading the command line, not the file */
    size_t argument_capacity;
    const char **lists[32]; /* the item arrays of list options */
    size_t list_count;
    const struct option_spec *configured[CONFIG_OPTIONS]; /* what the file has given so far */
    size_t configured_count;
};

const struct option_spec *options_common(void)
{
    return common_specs;
}

static const char *keep(struct parse *p, const char *text, size_t length)
{
    mem_grow(&p->texts, &p->text_capacity, p->text_count + 1, sizeof *p->texts);
    return p->texts[p->text_count++] = mem_copy_text(text, length);
}

static const struct option_spec *find_in(const struct option_spec *specs, struct text name)
{
    for (; specs && specs->name; specs++)
        if (text_equal(name, specs->name))
            return specs;
    return NULL;
}

static const struct option_spec *find_option(const struct parse *p, struct text name)
{
    const struct option_spec *found = find_in(p->specs, name);
    return found ? found : find_in(common_specs, name);
}

static const struct option_spec *find_letter(const struct parse *p, char letter)
{
    for (const struct option_spec *s = p->specs; s && s->name; s++)
        if (s->letter == letter)
            return s;
    for (const struct option_spec *s = common_specs; s->name; s++)
        if (s->letter == letter)
            return s;
    return NULL;
}

static int unknown_option(const struct parse *p, const char *shown, struct text name,
                          struct error *err)
{
    const char *names[256];
    size_t count = 0;
    for (const struct option_spec *s = p->specs; s && s->name && count < 240; s++)
        names[count++] = s->name;
    for (const struct option_spec *s = common_specs; s->name; s++)
        names[count++] = s->name;
    names[count] = NULL;
    const char *near = text_nearest(name, names);
    if (near)
        return error_set(err, ERR_INPUT, "unknown option %s; did you mean --%s?", shown, near);
    return error_set(err, ERR_INPUT, "unknown option %s; --help lists them", shown);
}

bool options_parse_count(const char *text, uint64_t *out)
{
    struct text t = text_of(text);
    uint64_t factor = 1;
    if (t.length > 1) {
        char last = t.at[t.length - 1];
        factor = last == 'k' ? 1000 : last == 'M' ? 1000000 : last == 'G' ? 1000000000 : 1;
        if (factor > 1)
            t.length--;
    }
    return text_to_u64(t, out) && !__builtin_mul_overflow(*out, factor, out);
}

int options_parse_instant(const char *option, const char *text, int64_t *out_ns, struct error *err)
{
    if (clock_parse_instant(text, strlen(text), out_ns) == 0)
        return 0;
    return error_set(err, ERR_INPUT,
                     "%s expects an instant such as 2026-11-01T00:00:00Z, found \"%.60s\"", option,
                     text);
}

int options_parse_shard(const char *text, uint32_t *part, uint32_t *parts, struct error *err)
{
    const char *slash = text ? strchr(text, '/') : NULL;
    uint64_t i, n;
    *part = 0;
    *parts = 1;
    if (!text)
        return 0;
    if (!slash || !text_to_u64((struct text){text, (size_t)(slash - text)}, &i) ||
        !text_to_u64(text_of(slash + 1), &n) || i < 1 || i > n || n > 1000000)
        return error_set(err, ERR_INPUT,
                         "--shard %.40s: expected I/N with I from 1 to N, such as 1/4", text);
    *part = (uint32_t)i - 1;
    *parts = (uint32_t)n;
    return 0;
}

bool options_refuse_zero(const struct option_spec *s)
{
    return !s->fallback && !s->zero && s->min == 0;
}

/* Says what the value may be: durations are seconds. */
static int out_of_range(const struct option_spec *s, const char *text, struct error *err)
{
    const char *unit = s->type == OPTION_DURATION ? " s" : "";
    bool above = options_refuse_zero(s);
    struct buffer range;
    buffer_init(&range, BUFFER_UNBOUNDED);
    if (above)
        buffer_add_text(&range, "more than 0");
    else
        buffer_add_text(&range, TEXT_SHORT(s->min, 6));
    if (s->max > 0)
        buffer_add_format(&range, above ? ", at most %s%s" : " to %s%s", TEXT_SHORT(s->max, 6),
                          unit);
    else
        buffer_add_text(&range, above ? "" : " or more");
    error_set(err, ERR_INPUT, "--%s %.60s is out of range: expected %s", s->name, text, range.data);
    buffer_free(&range);
    return ERR_INPUT;
}

static bool in_range(const struct option_spec *s, double value)
{
    bool enough = options_refuse_zero(s) ? value > 0 : value >= s->min;
    return enough && (s->max <= 0 || value <= s->max);
}

static void add_to_list(struct parse *p, struct option_list *list, const char *item)
{
    size_t slot = 0;
    while (slot < p->list_count && p->lists[slot] != list->items)
        slot++;
    if (slot == p->list_count)
        p->list_count++;
    list->items = mem_resize(list->items, list->count + 1, sizeof *list->items);
    list->items[list->count++] = item;
    p->lists[slot] = list->items;
}

/* True for a number, with what may stand behind one, that was refused for its size alone. */
static bool is_too_large(const struct option_spec *s, const char *text)
{
    static const char *const behind[][9] = {
        [OPTION_COUNT] = {"", "k", "M", "G"},
        [OPTION_NUMBER] = {""},
        [OPTION_DURATION] = {"", "ns", "us", "ms", "s", "m", "h", "d"},
    };
    bool whole = s->type == OPTION_COUNT;
    const char *at = text + (*text == '-');
    char *end = (char *)at + strspn(at, "0123456789");
    if (!strchr("0123456789.", *at) || *at == '\0' || strpbrk(at, "xX"))
        return false;
    if (!whole)
        strtod(text, &end);
    return end > at && text_place(text_of(end), behind[s->type]) >= 0;
}

/* The value as the field holds it, and as a number; false if it is none. */
static bool read_number(const struct option_spec *s, const char *text, void *field, double *value)
{
    bool known;
    switch (s->type) {
    case OPTION_COUNT:
        known = options_parse_count(text, field);
        *value = (double)*(uint64_t *)field;
        return known;
    case OPTION_DURATION:
        known = clock_parse_duration(text, strlen(text), field) == 0;
        *value = (double)*(int64_t *)field / 1e9;
        return known;
    default:
        known = text_to_double(text_of(text), field);
        *value = *(double *)field;
        return known;
    }
}

static int set_number(const struct option_spec *s, const char *text, void *field, struct error *err)
{
    static const char *const kinds[] = {
        [OPTION_COUNT] = "a whole number",
        [OPTION_NUMBER] = "a number",
        [OPTION_DURATION] = "a duration such as 30s, 500ms or 2h",
    };
    double value;
    if (read_number(s, text, field, &value))
        return in_range(s, value) ? 0 : out_of_range(s, text, err);
    if (is_too_large(s, text))
        return out_of_range(s, text, err);
    return error_set(err, ERR_INPUT, "--%s: expected %s, found \"%.60s\"", s->name, kinds[s->type],
                     text);
}

static int check_choice(const struct option_spec *s, const char *text, struct error *err)
{
    for (size_t i = 0; s->choice(i); i++)
        if (strcmp(s->choice(i), text) == 0)
            return 0;
    struct buffer names;
    buffer_init(&names, BUFFER_UNBOUNDED);
    options_add_choices(s, &names);
    error_set(err, ERR_INPUT, "--%s %.40s: expected %s", s->name, text, names.data);
    buffer_free(&names);
    return ERR_INPUT;
}

static int set_value(struct parse *p, const struct option_spec *s, const char *text,
                     struct error *err)
{
    void *field = (char *)p->target + s->offset;
    switch (s->type) {
    case OPTION_FLAG:
        if (strcmp(text, "true") != 0 && strcmp(text, "false") != 0)
            return error_set(err, ERR_INPUT, "--%s takes no value (or true, false), found \"%s\"",
                             s->name, text);
        *(bool *)field = text[0] == 't';
        return 0;
    case OPTION_TEXT:
        if (s->unit && strcmp(s->unit, "DIR") == 0 && strcmp(text, "-") == 0)
            return error_set(err, ERR_INPUT,
                             "--%s takes a directory, which standard output (-) is not", s->name);
        if (s->choice && check_choice(s, text, err) < 0)
            return ERR_INPUT;
        *(const char **)field = keep(p, text, strlen(text));
        return 0;
    case OPTION_OUTPUT:
        *(const char **)field = keep(p, text, strlen(text));
        return 0;
    case OPTION_LIST:
        add_to_list(p, field, keep(p, text, strlen(text)));
        return 0;
    default:
        return set_number(s, text, field, err);
    }
}

static struct given *find_given(const struct parse *p, const char *name)
{
    for (size_t i = 0; i < p->given_count; i++)
        if (strcmp(p->given[i].name, name) == 0)
            return &p->given[i];
    return NULL;
}

/* A list grows with each value, and a switch may be turned on again; where only the last of several
 * values would count, none is taken for what was meant. */
static bool is_second_value(const struct parse *p, const struct option_spec *s, const char *text)
{
    const struct given *given = find_given(p, s->name);
    if (!p->typing || !given || !given->typed || s->type == OPTION_LIST)
        return false;
    const bool *flag = (const void *)((const char *)p->target + s->offset);
    return s->type != OPTION_FLAG || *flag != (strcmp(text, "true") == 0);
}

static int give(struct parse *p, const struct option_spec *s, const char *text, struct error *err)
{
    struct given *given = find_given(p, s->name);
    if (is_second_value(p, s, text))
        return error_set(err, ERR_INPUT, "--%s is given twice: it takes one value", s->name);
    if (!given) {
        mem_grow(&p->given, &p->given_capacity, p->given_count + 1, sizeof *p->given);
        given = &p->given[p->given_count++];
        *given = (struct given){.name = s->name};
    }
    given->typed = given->typed || p->typing;
    if (strcmp(s->name, "seed") == 0)
        ((struct common_options *)p->target)->seed_given = true;
    return set_value(p, s, text, err);
}

static int set_defaults(struct parse *p, const struct option_spec *specs, struct error *err)
{
    for (; specs && specs->name; specs++)
        if (specs->fallback && set_value(p, specs, specs->fallback, err) < 0)
            return ERR_INPUT;
    return 0;
}

/* One word that starts with "--" or "-x"; *used is how many words it took. */
static int parse_option(struct parse *p, int left, char **words, int *used, struct error *err)
{
    const char *word = words[0];
    bool longer = word[1] == '-';
    const char *equals = longer ? strchr(word, '=') : NULL;
    struct text name = {word + 2, equals ? (size_t)(equals - word - 2) : strlen(word) - 2};
    const struct option_spec *s = longer ? find_option(p, name) : find_letter(p, word[1]);
    *used = 1;
    if (!s)
        return unknown_option(p, word, longer ? name : text_of(""), err);
    if (equals)
        return give(p, s, equals + 1, err);
    if (!longer && word[2] != '\0')
        return s->type == OPTION_FLAG
                   ? error_set(err, ERR_INPUT, "-%c takes no value, found \"%s\"", word[1], word)
                   : give(p, s, word + 2, err);
    if (s->type == OPTION_FLAG)
        return give(p, s, "true", err);
    if (left < 2)
        return error_set(err, ERR_INPUT, "--%s needs a value: %s", s->name,
                         s->unit ? s->unit : "VALUE");
    *used = 2;
    return give(p, s, words[1], err);
}

static void add_argument(struct parse *p, const char *word)
{
    struct common_options *common = p->target;
    mem_grow(&common->arguments, &p->argument_capacity, common->argument_count + 1,
             sizeof *common->arguments);
    common->arguments[common->argument_count++] = keep(p, word, strlen(word));
}

/* The value of one key as it would have been typed. */
static bool config_value(struct json_scan *s, struct buffer *out)
{
    struct text raw;
    bool flag;
    buffer_clear(out);
    switch (json_peek(s)) {
    case JSON_STRING:
        return json_string(s, &raw) && json_unescape(raw, out);
    case JSON_TRUE:
    case JSON_FALSE:
        return json_bool(s, &flag) && buffer_add_text(out, flag ? "true" : "false") == 0;
    case JSON_OBJECT:
    case JSON_ARRAY:
        return json_skip(s, &raw) && buffer_add(out, raw.at, raw.length) == 0;
    default:
        return json_number(s, &raw) && buffer_add(out, raw.at, raw.length) == 0;
    }
}

static void config_give(struct parse *p, struct json_scan *s, const struct option_spec *spec,
                        struct buffer *value)
{
    struct error why = {0};
    if (!config_value(s, value))
        return;
    if (give(p, spec, value->data ? value->data : "", &why) < 0)
        json_fail(s, "%s", why.message);
}

/* What a file may not say of an option: anything a second time, and where another file is. */
static bool config_refuses(struct parse *p, struct json_scan *s, const struct option_spec *spec)
{
    for (size_t i = 0; i < p->configured_count; i++)
        if (p->configured[i] == spec)
            return json_fail(s, "key \"%s\" stands twice", spec->name), true;
    if (strcmp(spec->name, "config") == 0)
        return json_fail(s, "\"config\" is for the command line: one file does not name another"),
               true;
    if (p->configured_count < CONFIG_OPTIONS)
        p->configured[p->configured_count++] = spec;
    return false;
}

static void config_option(struct parse *p, struct json_scan *s, struct text key,
                          struct buffer *value)
{
    const struct option_spec *spec = find_option(p, key);
    struct error why = {0};
    if (!spec) {
        unknown_option(p, "", key, &why);
        const char *hint = strchr(why.message, ';');
        json_fail(s, "unknown option \"%.*s\"%s", (int)key.length, key.at, hint ? hint : "");
    } else if (config_refuses(p, s, spec)) {
        return;
    } else if (json_peek(s) == JSON_NULL) {
        json_null(s);
    } else if (spec->type == OPTION_LIST && json_peek(s) == JSON_ARRAY) {
        json_array_begin(s);
        while (json_array_next(s))
            config_give(p, s, spec, value);
    } else {
        config_give(p, s, spec, value);
    }
}

/* An object of options, or a run.json, whose "options" are those. */
static void config_object(struct parse *p, struct json_scan *s, struct buffer *value)
{
    struct text key;
    bool run_file = false, first = true;
    json_object_begin(s);
    while (json_object_next(s, &key)) {
        run_file = run_file || (first && text_equal(key, "schema_version"));
        first = false;
        if (!run_file)
            config_option(p, s, key, value);
        else if (text_equal(key, "options"))
            config_object(p, s, value);
        else
            json_skip(s, NULL);
    }
}

static int read_values(struct parse *p, const char *name, struct text values, struct error *err)
{
    struct json_scan s;
    struct buffer value;
    buffer_init(&value, CONFIG_CAP);
    json_scan_init(&s, name, values.at, values.length, 1);
    config_object(p, &s, &value);
    int status = json_scan_end(&s, err);
    buffer_free(&value);
    return status;
}

static int read_config(struct parse *p, const char *path, struct error *err)
{
    char *text;
    size_t length;
    if (file_read_all(path, CONFIG_CAP, &text, &length, err) < 0)
        return ERR_INPUT;
    int status = read_values(p, path, (struct text){text, length}, err);
    free(text);
    return status;
}

/* The file named by --config, wherever it stands among the words; not read where another is named,
 * which is an error then. */
static const char *config_path(int argc, char **argv)
{
    const char *path = NULL;
    for (int i = 0; i < argc && strcmp(argv[i], "--") != 0; i++) {
        const char *named = NULL;
        if (strncmp(argv[i], "--config=", 9) == 0)
            named = argv[i] + 9;
        else if (strcmp(argv[i], "--config") == 0 && i + 1 < argc)
            named = argv[++i];
        if (named && path)
            return NULL;
        path = named ? named : path;
    }
    return path;
}

/* A list given on the command line replaces the one from the file or the default. */
static void clear_default_list(struct parse *p, const char *word, bool *cleared, size_t count)
{
    const char *equals = strchr(word, '=');
    bool longer = strncmp(word, "--", 2) == 0;
    struct text name = {word + 2, equals ? (size_t)(equals - word - 2) : strlen(word) - 2};
    const struct option_spec *s = longer ? find_option(p, name) : find_letter(p, word[1]);
    size_t index = s ? (size_t)(s - p->specs) : count;
    if (s && s->type == OPTION_LIST && index < count && !cleared[index]) {
        ((struct option_list *)((char *)p->target + s->offset))->count = 0;
        cleared[index] = true;
    }
}

/* The parse, which the target has from here on. */
static struct parse *begin_parse(const struct option_spec *specs, void *target, struct error *err)
{
    struct parse *p = mem_zero(1, sizeof *p);
    ((struct common_options *)target)->owned = p;
    p->specs = specs;
    p->target = target;
    return set_defaults(p, common_specs, err) < 0 || set_defaults(p, specs, err) < 0 ? NULL : p;
}

int options_read(const struct option_spec *specs, struct text values, void *target,
                 struct error *err)
{
    struct parse *p = begin_parse(specs, target, err);
    return p ? read_values(p, "options", values, err) : ERR_INPUT;
}

int options_parse(const struct option_spec *specs, int argc, char **argv, void *target,
                  struct error *err)
{
    bool cleared[128] = {false};
    struct parse *p = begin_parse(specs, target, err);
    if (!p)
        return ERR_INPUT;
    const char *config = config_path(argc, argv);
    if (config && read_config(p, config, err) < 0)
        return ERR_INPUT;
    bool only_arguments = false;
    p->typing = true;
    for (int i = 0, used = 1; i < argc; i += used) {
        used = 1;
        if (!only_arguments && strcmp(argv[i], "--") == 0) {
            only_arguments = true;
        } else if (!only_arguments && argv[i][0] == '-' && argv[i][1] != '\0') {
            clear_default_list(p, argv[i], cleared, 128);
            if (parse_option(p, argc - i, argv + i, &used, err) < 0)
                return ERR_INPUT;
        } else {
            add_argument(p, argv[i]);
        }
    }
    return 0;
}

void options_free(void *target)
{
    struct common_options *common = target;
    struct parse *p = common->owned;
    if (!p)
        return;
    for (size_t i = 0; i < p->text_count; i++)
        free(p->texts[i]);
    for (size_t i = 0; i < p->list_count; i++)
        free(p->lists[i]);
    free(p->texts);
    free(p->given);
    free(common->arguments);
    free(p);
    common->owned = NULL;
}

bool options_given(const void *target, const char *name)
{
    const struct common_options *common = target;
    return find_given(common->owned, name) != NULL;
}

bool options_typed(const void *target, const char *name)
{
    const struct common_options *common = target;
    const struct given *given = find_given(common->owned, name);
    return given && given->typed;
}
