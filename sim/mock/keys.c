#include "sim/mock/keys.h"

#include "core/file.h"
#include "core/memory.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define MAX_LINE 4096
#define MAX_LIMIT UINT64_C(1000000000000)

static struct text next_word(struct text *line)
{
    while (line->length && (*line->at == ' ' || *line->at == '\t')) {
        line->at++;
        line->length--;
    }
    struct text word = {line->at, 0};
    while (word.length < line->length && word.at[word.length] != ' ' &&
           word.at[word.length] != '\t')
        word.length++;
    line->at += word.length;
    line->length -= word.length;
    return word;
}

/* "rpm=60" */
static int read_limit(struct text word, struct limit_rules *rules)
{
    const struct {
        const char *name;
        uint64_t *to;
    } limits[] = {{"rpm=", &rules->rpm},
                  {"tpm=", &rules->tpm},
                  {"rpd=", &rules->rpd},
                  {"concurrency=", &rules->concurrency}};
    for (size_t i = 0; i < sizeof limits / sizeof limits[0]; i++) {
        if (!text_starts(word, limits[i].name))
            continue;
        size_t length = strlen(limits[i].name);
        struct text value = {word.at + length, word.length - length};
        return text_to_u64(value, limits[i].to) && *limits[i].to <= MAX_LIMIT ? 0 : -1;
    }
    return -1;
}

static void add(struct keys *k, const struct limit_rules *rules, int64_t now_ns)
{
    mem_grow(&k->limiters, &k->capacity, k->count + 1, sizeof *k->limiters);
    limiter_init(&k->limiters[k->count++], rules, now_ns);
}

static int read_line(struct keys *k, struct text line, const struct line_reader *r,
                     const struct limit_rules *defaults, int64_t now_ns, struct error *err)
{
    struct text key = next_word(&line);
    if (key.length == 0 || key.at[0] == '#')
        return 0;
    if (names_find(&k->names, key) != NAME_NONE)
        return error_at(err, r->name, r->number, 1, "this key stands in the file before");
    struct limit_rules rules = *defaults;
    const char *start = key.at;
    for (struct text word = next_word(&line); word.length; word = next_word(&line))
        if (read_limit(word, &rules) < 0)
            return error_at(err, r->name, r->number, word.at - start + 1,
                            "expected rpm=N, tpm=N, rpd=N or concurrency=N after the key");
    names_add(&k->names, key);
    add(k, &rules, now_ns);
    return 0;
}

int keys_load(struct keys *k, const char *path, const struct limit_rules *defaults, int64_t now_ns,
              struct error *err)
{
    *k = (struct keys){.required = path != NULL};
    names_init(&k->names);
    if (!path) {
        add(k, defaults, now_ns);
        return 0;
    }
    struct line_reader r;
    if (line_reader_open(&r, path, MAX_LINE, err) < 0)
        return ERR_INPUT;
    struct text line;
    int more;
    while ((more = line_reader_next(&r, &line, err)) > 0) {
        more = read_line(k, line, &r, defaults, now_ns, err);
        if (more < 0)
            break;
    }
    line_reader_close(&r);
    if (more < 0)
        return ERR_INPUT;
    if (k->count == 0)
        return error_at(err, path, 0, 0, "holds no key; expected one a line");
    return 0;
}

void keys_free(struct keys *k)
{
    names_free(&k->names);
    free(k->limiters);
    k->limiters = NULL;
}

/* The key in a header behind its prefix; NULL where it holds none. */
static const char *key_in(const char *header, const char *prefix)
{
    size_t before = strlen(prefix);
    return header && strncasecmp(header, prefix, before) == 0 ? header + before : NULL;
}

struct limiter *keys_find(const struct keys *k, const struct mock_api *api, const char *header,
                          const char *bearer, struct api_error *e)
{
    if (!k->required)
        return &k->limiters[0];
    const char *key = key_in(header, api->key_prefix);
    if (!key && api->bearer_too)
        key = key_in(bearer, "Bearer ");
    if (!key) {
        api_error_set(e, 401, "invalid_request_error", NULL, NULL,
                      "You didn't provide an API key: expected a header %s: %sYOUR_KEY.",
                      api->key_header, api->key_prefix);
        return NULL;
    }
    uint32_t number = names_find(&k->names, text_of(key));
    if (number == NAME_NONE) {
        api_error_set(e, 401, "invalid_request_error", NULL, "invalid_api_key",
                      "Incorrect API key provided.");
        return NULL;
    }
    return &k->limiters[number];
}
