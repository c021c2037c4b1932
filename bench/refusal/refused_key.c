#include "bench/refusal/refused_key.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

static bool is_of_word(char c)
{
    return isalnum((unsigned char)c) || c == '_' || c == '-';
}

/* Where the key stands as a word of its own, at or behind `from`; words.length where it does not.
 */
static size_t find_word(struct text words, const char *key, size_t from)
{
    size_t n = strlen(key);
    for (size_t i = from; i + n <= words.length; i++) {
        bool begins = i == 0 || !is_of_word(words.at[i - 1]);
        bool ends = i + n == words.length || !is_of_word(words.at[i + n]);
        if (begins && ends && strncasecmp(words.at + i, key, n) == 0)
            return i;
    }
    return words.length;
}

bool refused_key_named(struct text words, const char *key)
{
    return find_word(words, key, 0) < words.length;
}

/* As 'stream', "stream", `stream`, (stream), [stream] or at the start of "stream: ...". */
static bool is_set_apart(struct text words, size_t at, size_t length)
{
    char before = at ? words.at[at - 1] : '\0';
    char behind = at + length < words.length ? words.at[at + length] : '\0';
    return (before && strchr("'\"`([", before)) || (at == 0 && behind == ':');
}

static size_t find_key(struct text words, const char *key)
{
    bool plain = !strchr(key, '_');
    size_t n = strlen(key), at = find_word(words, key, 0);
    while (at < words.length && plain && !is_set_apart(words, at, n))
        at = find_word(words, key, at + 1);
    return at;
}

static bool says_not_taken(struct text words)
{
    static const char *const phrases[] = {"unsupported",
                                          "not supported",
                                          "not support",
                                          "n't support",
                                          "unknown",
                                          "unrecognized",
                                          "unrecognised",
                                          "not recognized",
                                          "not recognised",
                                          "not permitted",
                                          "not allowed",
                                          "extra_forbidden",
                                          "extra field",
                                          "extra input",
                                          "extraneous",
                                          "unexpected",
                                          "additional propert",
                                          "cannot find field",
                                          "not a valid param",
                                          "invalid param",
                                          "invalid field",
                                          "invalid argument",
                                          "deprecated",
                                          "no longer"};
    for (size_t p = 0; p < sizeof phrases / sizeof *phrases; p++)
        for (size_t i = 0, n = strlen(phrases[p]); i + n <= words.length; i++)
            if (strncasecmp(words.at + i, phrases[p], n) == 0)
                return true;
    return false;
}

int refused_key_find(struct text words, const char *const *keys)
{
    int found = -1;
    size_t first = words.length;
    if (!says_not_taken(words))
        return -1;
    for (int i = 0; keys[i]; i++) {
        size_t at = find_key(words, keys[i]);
        if (at < first) {
            first = at;
            found = i;
        }
    }
    return found;
}
