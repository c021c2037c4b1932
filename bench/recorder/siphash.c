#include "bench/recorder/siphash.h"

#include "core/file.h"
#include "core/text.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

struct lanes {
    uint64_t a, b, c, d;
};

static uint64_t turn(uint64_t x, int by)
{
    return x << by | x >> (64 - by);
}

static void mix(struct lanes *v)
{
    v->a += v->b;
    v->c += v->d;
    v->b = turn(v->b, 13) ^ v->a;
    v->d = turn(v->d, 16) ^ v->c;
    v->a = turn(v->a, 32);
    v->c += v->b;
    v->a += v->d;
    v->b = turn(v->b, 17) ^ v->c;
    v->d = turn(v->d, 21) ^ v->a;
    v->c = turn(v->c, 32);
}

static void take_word(struct lanes *v, uint64_t word)
{
    v->d ^= word;
    mix(v);
    mix(v);
    v->a ^= word;
}

uint64_t siphash(const struct siphash_key *key, uint64_t chain, const void *bytes, size_t length)
{
    struct lanes v = {key->low ^ 0x736f6d6570736575, key->high ^ 0x646f72616e646f6d,
                      key->low ^ 0x6c7967656e657261, key->high ^ 0x7465646279746573};
    const unsigned char *at = bytes;
    size_t whole = length & ~(size_t)7;
    uint64_t word, last = (uint64_t)(length + 8) << 56;
    take_word(&v, chain);
    for (size_t i = 0; i < whole; i += 8) {
        memcpy(&word, at + i, 8);
        take_word(&v, word);
    }
    for (size_t i = whole; i < length; i++)
        last |= (uint64_t)at[i] << (8 * (i - whole));
    take_word(&v, last);
    v.c ^= 0xff;
    for (int i = 0; i < 4; i++)
        mix(&v);
    return v.a ^ v.b ^ v.c ^ v.d;
}

int siphash_key_random(struct siphash_key *key, struct error *err)
{
    if (getrandom(key, sizeof *key, 0) != (ssize_t)sizeof *key)
        return error_errno(err, "the system gives no random key");
    return 0;
}

static int make_file(struct siphash_key *key, const char *path, struct error *err)
{
    char line[40];
    if (siphash_key_random(key, err) < 0)
        return err ? err->code : ERR_SYSTEM;
    int length = snprintf(line, sizeof line, "%016llx%016llx\n", (unsigned long long)key->high,
                          (unsigned long long)key->low);
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return error_errno(err, "cannot make the key file %s", path);
    int status = file_write_all(fd, line, (size_t)length, path, err);
    explicit_bzero(line, sizeof line);
    close(fd);
    return status;
}

static bool read_hex(const char *at, uint64_t *out)
{
    char digits[17] = {0};
    memcpy(digits, at, 16);
    char *end;
    *out = strtoull(digits, &end, 16);
    return end == digits + 16 && strspn(digits, "0123456789abcdefABCDEF") == 16;
}

int siphash_key_file(struct siphash_key *key, const char *path, struct error *err)
{
    char *text = NULL;
    size_t length = 0;
    if (!file_exists(path))
        return make_file(key, path, err);
    int status = file_read_all(path, 4096, &text, &length, err);
    if (status < 0)
        return status;
    while (length > 0 && strchr(" \r\n", text[length - 1]))
        length--;
    if (length != 32 || !read_hex(text, &key->high) || !read_hex(text + 16, &key->low))
        status = error_at(err, path, 1, 1, "expected a key of 32 hex digits");
    explicit_bzero(text, length);
    free(text);
    return status;
}
