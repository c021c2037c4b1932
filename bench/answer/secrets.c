#include "bench/answer/secrets.h"

#include "core/memory.h"
#include "core/printable.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define BEYOND 1024
#define STRETCH 8    /* of a secret: so many bytes of it give it away */
#define MASKED 3     /* beside a mask */
#define MASK_BYTES 2 /* fewer are no mask */

static unsigned pair_at(const char *at)
{
    return (unsigned)(unsigned char)at[0] << 8 | (unsigned char)at[1];
}

void secrets_add(struct secrets *s, const char *secret)
{
    size_t length = secret ? strlen(secret) : 0;
    if (length == 0)
        return;
    mem_grow(&s->items, &s->capacity, s->count + 1, sizeof *s->items);
    s->items[s->count++] = mem_copy_string(secret);
    for (size_t i = 0; i + 1 < length; i++) {
        unsigned pair = pair_at(secret + i);
        s->pairs[pair / 8] |= (uint8_t)(1u << pair % 8);
    }
}

void secrets_wipe(char *secret)
{
    if (secret)
        explicit_bzero(secret, strlen(secret));
    free(secret);
}

void secrets_free(struct secrets *s)
{
    for (size_t i = 0; i < s->count; i++)
        secrets_wipe(s->items[i]);
    free(s->items);
    *s = (struct secrets){0};
}

static size_t common(struct text a, struct text b)
{
    size_t n = 0;
    while (n < a.length && n < b.length && a.at[n] == b.at[n])
        n++;
    return n;
}

static struct text behind(struct text t, size_t count)
{
    return (struct text){t.at + count, t.length - count};
}

/* A bullet or an ellipsis at the start, also as JSON escapes it. */
static size_t wide_mark(struct text t)
{
    static const char *const marks[] = {"\xe2\x80\xa2", "\xe2\x80\xa6", "\\u2022", "\\u2026"};
    for (size_t i = 0; i < sizeof marks / sizeof *marks; i++)
        if (text_starts(t, marks[i]))
            return strlen(marks[i]);
    return 0;
}

/* The bytes of asterisks, dots and the like at the start; a mask of letters is x. */
static size_t mask_length(struct text t)
{
    size_t n = 0;
    for (size_t wide; n < t.length; n += wide) {
        wide = wide_mark(behind(t, n));
        if (wide == 0 && memchr("*.#xX", t.at[n], 5))
            wide = 1;
        if (wide == 0)
            break;
    }
    return n >= MASK_BYTES ? n : 0;
}

/* How much of the secret's end stands at the start of the text. */
static size_t tail_length(struct text t, struct text secret)
{
    size_t n = secret.length < t.length ? secret.length : t.length;
    while (n > 0 && memcmp(t.at, secret.at + secret.length - n, n) != 0)
        n--;
    return n;
}

static size_t longest_stretch(struct text t, struct text secret)
{
    size_t longest = 0;
    for (size_t i = 0; i + STRETCH <= secret.length; i++) {
        size_t n = common(t, behind(secret, i));
        longest = n >= STRETCH && n > longest ? n : longest;
    }
    return longest;
}

/* A start of the secret, a mask, and perhaps its end. */
static size_t masked_length(struct text t, struct text secret)
{
    size_t start = common(t, secret);
    size_t mask = start >= MASKED ? mask_length(behind(t, start)) : 0;
    if (mask == 0)
        return 0;
    return start + mask + tail_length(behind(t, start + mask), secret);
}

/* A mask, and the secret's end. */
static size_t mask_and_tail(struct text t, struct text secret)
{
    size_t mask = mask_length(t);
    size_t tail = mask ? tail_length(behind(t, mask), secret) : 0;
    return tail >= MASKED ? mask + tail : 0;
}

static bool is_word(struct text words, size_t at, size_t length)
{
    bool before = at > 0 && isalnum((unsigned char)words.at[at - 1]);
    size_t end = at + length;
    return !before && !(end < words.length && isalnum((unsigned char)words.at[end]));
}

/* How many bytes from `at` on must not be seen. A mask is looked at from its beginning only: what
 * begins inside it is part of what begins there, and a long run of dots costs no more than its
 * length. `mask_end`: the end of the last mask seen. */
static size_t hidden_length(const struct secrets *s, struct text words, size_t at, size_t *mask_end)
{
    struct text t = behind(words, at);
    unsigned pair = t.length > 1 ? pair_at(t.at) : 0;
    bool known = t.length > 1 && (s->pairs[pair / 8] >> pair % 8 & 1);
    bool mask = at >= *mask_end && memchr("*.#xX\xe2\\", t.at[0], 7) != NULL;
    size_t longest = 0;
    if (mask)
        *mask_end = at + mask_length(t);
    for (size_t i = 0; i < s->count; i++) {
        struct text secret = text_of(s->items[i]);
        size_t n = 0;
        if (secret.length < STRETCH) {
            if (common(t, secret) == secret.length && is_word(words, at, secret.length))
                n = secret.length;
        } else if (known) {
            size_t stretch = longest_stretch(t, secret), masked = masked_length(t, secret);
            n = stretch > masked ? stretch : masked;
        }
        if (n == 0 && mask && secret.length >= STRETCH)
            n = mask_and_tail(t, secret);
        longest = n > longest ? n : longest;
    }
    return longest;
}

bool secrets_find(const struct secrets *s, struct text words, size_t from, struct text *found)
{
    size_t mask_end = 0;
    for (size_t i = from; s && s->count && i < words.length; i++) {
        size_t n = hidden_length(s, words, i, &mask_end);
        if (n == 0)
            continue;
        *found = (struct text){words.at + i, n};
        return true;
    }
    return false;
}

static void add_within(struct buffer *out, const char *bytes, size_t count, size_t end)
{
    size_t room = end - out->length;
    if (count > 0)
        buffer_add(out, bytes, count < room ? count : room);
}

void secrets_hide(const struct secrets *s, struct text words, size_t most, struct buffer *out)
{
    size_t end = most < SIZE_MAX - out->length ? out->length + most : SIZE_MAX, from = 0;
    while (out->length < end) {
        /* Looks no further than what may be added, and a secret that begins there. */
        size_t room = end - out->length, left = words.length - from;
        struct text found, near = words;
        if (left > BEYOND && room < left - BEYOND)
            near.length = from + room + BEYOND;
        if (!secrets_find(s, near, from, &found)) {
            add_within(out, words.at + from, words.length - from, end);
            return;
        }
        size_t start = (size_t)(found.at - words.at);
        add_within(out, words.at + from, start - from, end);
        add_within(out, SECRETS_HIDDEN, strlen(SECRETS_HIDDEN), end);
        from = start + found.length;
    }
}

static void make_plain(struct buffer *words)
{
    size_t n = words->length, bad;
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)words->data[i];
        if (c < ' ' || c == 0x7f)
            words->data[i] = ' ';
    }
    for (size_t at = 0; at < n && !text_is_utf8(words->data + at, n - at, &bad); at += bad + 1)
        words->data[at + bad] = '?';
}

void secrets_show(const struct secrets *s, struct text words, char *out, size_t size)
{
    struct printable filter = {0};
    struct buffer hidden, shown;
    buffer_init(&hidden, 4 * size);
    buffer_init(&shown, BUFFER_UNBOUNDED);
    secrets_hide(s, words, hidden.cap - 1, &hidden);
    make_plain(&hidden);
    if (hidden.length)
        printable_add(&filter, hidden.data, hidden.length, &shown);
    printable_end(&filter, &shown);
    text_cut((struct text){shown.data ? shown.data : "", shown.length}, out, size);
    buffer_free(&hidden);
    buffer_free(&shown);
}
