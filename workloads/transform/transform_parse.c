/* Transforms as options write them: NAME=ARGUMENT,ARGUMENT... */
#include "workloads/transform/transform.h"

#include "core/memory.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MOST_ARGUMENTS 64

static const struct transform_info list[] = {
    {"time", "time=FACTOR", "multiply all times and delays"},
    {"rate", "rate=FACTOR", "let sessions arrive faster (above 1) or slower, each in its own time"},
    {"sample", "sample=FRACTION", "keep a part of the sessions, whole"},
    {"window", "window=FROM..TO", "keep the sessions that begin in a time window"},
    {"truncate", "truncate=tokens:N|turns:K[,head:N]",
     "cut contexts to N tokens or the last K turns"},
    {"responses", "responses=[ttl:TIME]|hit:FRACTION", "answer repeats from a response cache"},
    {"cache", "cache=none|infinite|lru:TOKENS|ttl:TIME[,min:N][,step:N][,write:5m|1h]",
     "a prefix cache: fills the recorded usage"},
    {"route", "route=RULE:MODEL,...",
     "choose models; RULE is input<N, output<N, total<N, "
     "complexity<X, class=NAME or *"},
    {"retry", "retry=[fail:P,]max:N[,cache:lost]",
     "draw failures and retries, or cap the recorded ones; lost: a retry finds no prompt cached"},
    {"tools", "tools=serial|parallel:N[,under:TIME]",
     "tool calls one after another, or N chained steps side by side"},
    {"service", "service=NAME[,class:NAME]", "set the service: batch, flex, priority, ..."},
    {"priority", "priority=N[,class:NAME]", "set how urgent requests are: smaller is served first"},
    {NULL, NULL, NULL},
};

const struct transform_info *transform_list(void)
{
    return list;
}

/* One argument: key, separator and value, or a value alone (key empty). */
struct argument {
    struct text all, key, value;
};

struct parser {
    const char *text; /* all of it, for messages */
    enum transform_kind kind;
    struct argument arguments[MOST_ARGUMENTS];
    size_t count;
    struct error *err;
};

static int fail(const struct parser *p, struct text part, const char *expected)
{
    return error_set(p->err, ERR_INPUT, "transform \"%.200s\": found \"%.*s\", expected %s",
                     p->text, (int)(part.length < 80 ? part.length : 80), part.at, expected);
}

static int fail_form(const struct parser *p)
{
    return error_set(p->err, ERR_INPUT, "transform \"%.200s\": expected %s", p->text,
                     list[p->kind].form);
}

static int unknown_key(const struct parser *p, const struct argument *a, const char *const *known)
{
    struct text typed = a->key.length ? a->key : a->value;
    const char *near = text_nearest(typed, known);
    return error_set(p->err, ERR_INPUT, "transform \"%.200s\": unknown \"%.*s\"%s%s%s; expected %s",
                     p->text, (int)(typed.length < 80 ? typed.length : 80), typed.at,
                     near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "",
                     list[p->kind].form);
}

static int get_number(const struct parser *p, struct text t, double min, double max, double *out)
{
    if (text_to_double(t, out) && *out >= min && *out <= max)
        return 0;
    char expected[80];
    snprintf(expected, sizeof expected, "a number from %s to %s", TEXT_SHORT(min, 6),
             TEXT_SHORT(max, 6));
    return fail(p, t, expected);
}

static int get_count(const struct parser *p, struct text t, uint32_t min, uint32_t *out)
{
    uint64_t value;
    if (text_to_u64(t, &value) && value >= min && value < UINT32_MAX) {
        *out = (uint32_t)value;
        return 0;
    }
    char expected[80];
    snprintf(expected, sizeof expected, "a whole number of at least %u", min);
    return fail(p, t, expected);
}

static int get_time(const struct parser *p, struct text t, int64_t *out_ns)
{
    if (clock_parse_duration(t.at, t.length, out_ns) < 0)
        return fail(p, t, "a time such as 300s, 5m or 1h");
    return 0;
}

static struct text part_of(const char *from, const char *to)
{
    return (struct text){from, (size_t)(to - from)};
}

static int parse_factor(struct parser *p, struct transform *t)
{
    double most = t->kind == TRANSFORM_SAMPLE ? 1 : 1e6;
    if (p->count != 1 || p->arguments[0].key.length)
        return fail_form(p);
    return get_number(p, p->arguments[0].value, 1e-6, most, &t->factor);
}

static int parse_window(struct parser *p, struct transform *t)
{
    if (p->count != 1)
        return fail_form(p);
    struct text all = p->arguments[0].all;
    const char *dots = memmem(all.at, all.length, "..", 2);
    if (!dots)
        return fail_form(p);
    if (get_time(p, part_of(all.at, dots), &t->from_ns) < 0 ||
        get_time(p, part_of(dots + 2, all.at + all.length), &t->to_ns) < 0)
        return ERR_INPUT;
    return t->to_ns > t->from_ns ? 0 : fail(p, all, "a window that ends after it begins");
}

static int parse_truncate(struct parser *p, struct transform *t)
{
    static const char *const known[] = {"tokens", "turns", "head", NULL};
    for (size_t i = 0; i < p->count; i++) {
        const struct argument *a = &p->arguments[i];
        int status;
        if (a->key.length == 0 || text_equal(a->key, "tokens"))
            status = get_count(p, a->value, 1, &t->tokens);
        else if (text_equal(a->key, "turns"))
            status = get_count(p, a->value, 1, &t->turns);
        else if (text_equal(a->key, "head"))
            status = get_count(p, a->value, 0, &t->head);
        else
            status = unknown_key(p, a, known);
        if (status < 0)
            return status;
    }
    if ((t->tokens > 0) == (t->turns > 0))
        return fail_form(p);
    if (t->tokens && t->head >= t->tokens)
        return error_set(p->err, ERR_INPUT,
                         "transform \"%.200s\": the head (%u tokens) must be shorter than what is "
                         "kept (%u)",
                         p->text, t->head, t->tokens);
    return 0;
}

static int parse_responses(struct parser *p, struct transform *t)
{
    static const char *const known[] = {"ttl", "hit", "exact", NULL};
    t->ttl_ns = TIME_NEVER;
    for (size_t i = 0; i < p->count; i++) {
        const struct argument *a = &p->arguments[i];
        int status = 0;
        if (text_equal(a->key, "ttl"))
            status = get_time(p, a->value, &t->ttl_ns);
        else if (text_equal(a->key, "hit"))
            status = get_number(p, a->value, 0, 1, &t->factor);
        else if (!text_equal(a->all, "exact"))
            status = unknown_key(p, a, known);
        if (status < 0)
            return status;
    }
    return 0;
}

static int parse_cache_argument(struct parser *p, const struct argument *a, struct cache_policy *c,
                                bool *kind_given)
{
    static const char *const known[] = {"none", "infinite", "lru",   "ttl",
                                        "min",  "step",     "write", NULL};
    bool kind = text_equal(a->all, "none") || text_equal(a->all, "infinite") ||
                text_equal(a->key, "lru") || text_equal(a->key, "ttl");
    if (kind && *kind_given)
        return fail(p, a->all, "one of none, infinite, lru:TOKENS, ttl:TIME, not several");
    *kind_given = *kind_given || kind;
    if (text_equal(a->all, "none")) {
        c->kind = CACHE_NONE;
    } else if (text_equal(a->all, "infinite")) {
        c->kind = CACHE_INFINITE;
    } else if (text_equal(a->key, "lru")) {
        c->kind = CACHE_LRU;
        return text_to_u64(a->value, &c->lru_tokens) && c->lru_tokens > 0
                   ? 0
                   : fail(p, a->value, "a number of tokens");
    } else if (text_equal(a->key, "ttl")) {
        c->kind = CACHE_TTL;
        return get_time(p, a->value, &c->ttl_ns);
    } else if (text_equal(a->key, "min")) {
        return get_count(p, a->value, 0, &c->minimum);
    } else if (text_equal(a->key, "step")) {
        return get_count(p, a->value, 1, &c->step);
    } else if (text_equal(a->key, "write")) {
        if (!text_equal(a->value, "5m") && !text_equal(a->value, "1h"))
            return fail(p, a->value, "5m or 1h");
        c->write = text_equal(a->value, "5m") ? CACHE_WRITE_5M : CACHE_WRITE_1H;
    } else {
        return unknown_key(p, a, known);
    }
    return 0;
}

static int parse_cache(struct parser *p, struct transform *t)
{
    bool kind = false;
    t->cache.step = 1;
    for (size_t i = 0; i < p->count; i++)
        if (parse_cache_argument(p, &p->arguments[i], &t->cache, &kind) < 0)
            return ERR_INPUT;
    return kind ? 0 : fail_form(p);
}

static int parse_condition(struct parser *p, struct text when, struct route_rule *rule)
{
    static const struct {
        const char *name;
        enum route_field field;
    } fields[] = {{"input", ROUTE_INPUT},
                  {"output", ROUTE_OUTPUT},
                  {"total", ROUTE_TOTAL},
                  {"complexity", ROUTE_COMPLEXITY}};
    static const char *const known[] = {"input", "output", "total", "complexity", "class", NULL};
    if (text_equal(when, "*")) {
        rule->field = ROUTE_ANY;
        return 0;
    }
    if (text_starts(when, "class=") && when.length > 6) {
        rule->field = ROUTE_CLASS;
        rule->class_name = mem_copy_text(when.at + 6, when.length - 6);
        return 0;
    }
    const char *sign = memchr(when.at, '<', when.length);
    if (!sign)
        return fail(p, when, "input<N, output<N, total<N, complexity<X, class=NAME or *");
    struct text name = part_of(when.at, sign);
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
        if (text_equal(name, fields[i].name)) {
            rule->field = fields[i].field;
            return get_number(p, part_of(sign + 1, when.at + when.length), -1e15, 1e15,
                              &rule->below);
        }
    return unknown_key(p, &(struct argument){.key = name}, known);
}

static int parse_route(struct parser *p, struct transform *t)
{
    t->rules = mem_zero(p->count ? p->count : 1, sizeof *t->rules);
    for (size_t i = 0; i < p->count; i++) {
        struct text all = p->arguments[i].all;
        const char *colon = memchr(all.at, ':', all.length);
        if (!colon || colon + 1 == all.at + all.length)
            return fail(p, all, "RULE:MODEL such as input<300:small");
        struct route_rule *rule = &t->rules[t->rule_count++];
        rule->model = mem_copy_text(colon + 1, (size_t)(all.at + all.length - colon - 1));
        if (parse_condition(p, part_of(all.at, colon), rule) < 0)
            return ERR_INPUT;
    }
    return t->rule_count ? 0 : fail_form(p);
}

static int parse_retry(struct parser *p, struct transform *t)
{
    static const char *const known[] = {"fail", "max", "cache", NULL};
    t->failure = -1;
    for (size_t i = 0; i < p->count; i++) {
        const struct argument *a = &p->arguments[i];
        int status;
        if (text_equal(a->key, "fail"))
            status = get_number(p, a->value, 0, 1, &t->failure);
        else if (text_equal(a->key, "max"))
            status = get_count(p, a->value, 1, &t->attempts);
        else if (text_equal(a->key, "cache"))
            status = text_equal(a->value, "lost") ? 0 : fail(p, a->value, "lost");
        else
            status = unknown_key(p, a, known);
        if (status < 0)
            return status;
        t->cache_lost = t->cache_lost || text_equal(a->key, "cache");
    }
    return t->attempts ? 0 : fail_form(p);
}

static int parse_tools(struct parser *p, struct transform *t)
{
    static const char *const known[] = {"serial", "parallel", "under", NULL};
    bool serial = false;
    t->under_ns = 10 * NS_PER_S;
    for (size_t i = 0; i < p->count; i++) {
        const struct argument *a = &p->arguments[i];
        int status = 0;
        if (text_equal(a->all, "serial")) {
            serial = true;
        } else if (text_equal(a->key, "parallel")) {
            t->parallel = true;
            status = get_count(p, a->value, 2, &t->width);
        } else if (text_equal(a->key, "under")) {
            status = get_time(p, a->value, &t->under_ns);
        } else {
            status = unknown_key(p, a, known);
        }
        if (status < 0)
            return status;
    }
    return serial != t->parallel ? 0 : fail_form(p);
}

static int parse_class(const struct parser *p, const struct argument *a, struct transform *t)
{
    if (!text_equal(a->key, "class") || a->value.length == 0)
        return fail(p, a->all, "class:NAME");
    t->class_name = mem_copy_text(a->value.at, a->value.length);
    return 0;
}

static int parse_service(struct parser *p, struct transform *t)
{
    if (p->count < 1 || p->count > 2)
        return fail_form(p);
    struct text name = p->arguments[0].all;
    if (name.length > SERVICE_NAME_MAX)
        return fail(p, name, "a service's name of at most 64 bytes");
    t->service = service_called(name);
    if (t->service == SERVICE_OTHER)
        t->other_service = mem_copy_text(name.at, name.length);
    return p->count == 2 ? parse_class(p, &p->arguments[1], t) : 0;
}

static int parse_priority(struct parser *p, struct transform *t)
{
    double number;
    if (p->count < 1 || p->count > 2)
        return fail_form(p);
    struct text value = p->arguments[0].all;
    if (get_number(p, value, INT16_MIN, INT16_MAX, &number) < 0)
        return ERR_INPUT;
    t->priority = (int)number;
    if (t->priority != number)
        return fail(p, value, "a whole number from -32768 to 32767");
    return p->count == 2 ? parse_class(p, &p->arguments[1], t) : 0;
}

static int (*const parsers[TRANSFORM_KINDS])(struct parser *, struct transform *) = {
    [TRANSFORM_TIME] = parse_factor,       [TRANSFORM_RATE] = parse_factor,
    [TRANSFORM_SAMPLE] = parse_factor,     [TRANSFORM_WINDOW] = parse_window,
    [TRANSFORM_TRUNCATE] = parse_truncate, [TRANSFORM_RESPONSES] = parse_responses,
    [TRANSFORM_CACHE] = parse_cache,       [TRANSFORM_ROUTE] = parse_route,
    [TRANSFORM_RETRY] = parse_retry,       [TRANSFORM_TOOLS] = parse_tools,
    [TRANSFORM_SERVICE] = parse_service,   [TRANSFORM_PRIORITY] = parse_priority,
};

static int find_kind(struct text name, struct error *err)
{
    const char *names[TRANSFORM_KINDS + 1] = {0};
    for (int i = 0; i < TRANSFORM_KINDS; i++) {
        names[i] = list[i].name;
        if (text_equal(name, list[i].name))
            return i;
    }
    const char *near = text_nearest(name, names);
    return error_set(
        err, ERR_INPUT,
        "unknown transform \"%.*s\"%s%s%s; known: time, rate, sample, window, truncate, "
        "responses, cache, route, retry, tools, service, priority",
        (int)(name.length < 80 ? name.length : 80), name.at, near ? "; did you mean \"" : "",
        near ? near : "", near ? "\"?" : "");
}

/* Cuts at commas, and each part at its first ':' or '='. */
static int split(struct parser *p, const char *at)
{
    while (*at) {
        const char *end = strchrnul(at, ',');
        struct argument *a = &p->arguments[p->count];
        if (p->count++ == MOST_ARGUMENTS)
            return error_set(p->err, ERR_INPUT, "transform \"%.200s\": more than %d parts", p->text,
                             MOST_ARGUMENTS);
        a->all = a->value = part_of(at, end);
        a->key = (struct text){at, 0};
        size_t cut = strcspn(at, ":=,");
        if (at + cut < end) {
            a->key = part_of(at, at + cut);
            a->value = part_of(at + cut + 1, end);
        }
        at = *end ? end + 1 : end;
    }
    return 0;
}

int transform_parse(const char *text, struct transform *out, struct error *err)
{
    const char *equals = strchr(text, '=');
    size_t length = equals ? (size_t)(equals - text) : strlen(text);
    *out = (struct transform){0};
    int kind = find_kind((struct text){text, length}, err);
    if (kind < 0)
        return ERR_INPUT;
    struct parser p = {.text = text, .kind = (enum transform_kind)kind, .err = err};
    out->kind = p.kind;
    int status = split(&p, equals ? equals + 1 : "");
    if (status == 0)
        status = parsers[kind](&p, out);
    if (status < 0)
        transform_free(out);
    return status;
}

void transform_free(struct transform *t)
{
    for (size_t i = 0; i < t->rule_count; i++) {
        free(t->rules[i].class_name);
        free(t->rules[i].model);
    }
    free(t->rules);
    free(t->class_name);
    free(t->other_service);
    t->rules = NULL;
    t->class_name = t->other_service = NULL;
    t->rule_count = 0;
}
