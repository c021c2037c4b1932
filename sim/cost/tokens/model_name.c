#include "sim/cost/tokens/model_name.h"

#include "core/text.h"
#include "sim/cost/book/price.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#define WORDS_MOST 24

/* The words of a name, as they stand in it. */
struct words {
    struct text word[WORDS_MOST];
    size_t count;
};

static const char *last_part(const char *name)
{
    const char *slash = strrchr(name, '/');
    return slash && slash[1] ? slash + 1 : name;
}

static void split(const char *name, struct words *out)
{
    const char *at = last_part(name), *end = at + strcspn(at, ":@");
    out->count = 0;
    while (at < end && out->count < WORDS_MOST) {
        const char *from = at;
        while (at < end && isalnum((unsigned char)*at))
            at++;
        if (at > from)
            out->word[out->count++] = (struct text){from, (size_t)(at - from)};
        else
            at++;
    }
}

static bool is_digits(struct text t, size_t length)
{
    if (t.length != length)
        return false;
    for (size_t i = 0; i < length; i++)
        if (!isdigit((unsigned char)t.at[i]))
            return false;
    return true;
}

/* What says nothing of the tokens: a state of the same model, where it runs, how it is sold. */
static bool is_neutral(struct text t)
{
    static const char *const words[] = {"latest", "preview", "exp",  "instruct", "chat",  "hf",
                                        "eu",     "us",      "apac", "global",   "batch", "flex",
                                        "free",   "v1",      "v2",   "priority"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (text_equal_nocase(t, words[i]))
            return true;
    return is_digits(t, 8) || is_digits(t, 4); /* 20250929, 0613 */
}

static bool ends_with_date(const struct words *w)
{
    size_t n = w->count;
    return n > 3 && is_digits(w->word[n - 1], 2) && is_digits(w->word[n - 2], 2) &&
           is_digits(w->word[n - 3], 4);
}

static void drop_neutral(struct words *w)
{
    for (bool dropped = true; dropped;) {
        dropped = true;
        if (ends_with_date(w))
            w->count -= 3;
        else if (w->count > 1 && is_neutral(w->word[w->count - 1]))
            w->count--;
        else
            dropped = false;
    }
}

bool model_name_same(const char *a, const char *b)
{
    struct words x, y;
    split(a, &x);
    split(b, &y);
    drop_neutral(&x);
    drop_neutral(&y);
    size_t shorter = x.count < y.count ? x.count : y.count;
    for (size_t i = 1; i <= shorter; i++) {
        struct text p = x.word[x.count - i], q = y.word[y.count - i];
        if (p.length != q.length || strncasecmp(p.at, q.at, p.length) != 0)
            return false;
    }
    return shorter > 0;
}

/* How names of models begin, whoever sells them. */
static bool is_family(struct text t)
{
    static const char *const families[] = {
        "gpt",      "chatgpt",   "o1",    "o3",       "o4",       "claude",    "gemini",
        "gemma",    "llama",     "grok",  "mistral",  "mixtral",  "ministral", "magistral",
        "pixtral",  "codestral", "qwen",  "devstral", "deepseek", "qwq",       "kimi",
        "glm",      "minimax",   "nova",  "command",  "phi",      "sonar",     "jamba",
        "nemotron", "granite",   "titan", "dbrx",     "hunyuan",  "ernie"};
    for (size_t i = 0; i < sizeof families / sizeof *families; i++) {
        size_t n = strlen(families[i]);
        bool begins = t.length >= n && strncasecmp(t.at, families[i], n) == 0;
        if (begins && (t.length == n || isdigit((unsigned char)t.at[n])))
            return true;
    }
    return false;
}

/* A family's name, or a version behind a maker's: "deepseek/v3.2". */
static bool is_model(const char *name)
{
    struct words w;
    const char *part = last_part(name);
    split(name, &w);
    for (size_t i = 0; i < w.count; i++)
        if (is_family(w.word[i]))
            return true;
    return part > name && strpbrk(part, "0123456789") != NULL;
}

const char *model_name_of_plan(const struct plan *plan)
{
    bool by_period = plan->subscription.present || plan->provisioned.present;
    return !by_period && price_is_by_token(plan) && is_model(plan->name) ? last_part(plan->name)
                                                                         : NULL;
}
