#include "core/spool.h"

#include "core/memory.h"
#include "core/stop.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void spool_init(struct spool *s, size_t item_size)
{
    *s = (struct spool){
        .item_size = item_size, .block_items = SPOOL_BLOCK_BYTES / item_size, .fd = -1};
}

void spool_free(struct spool *s)
{
    for (size_t i = 0; i < s->kept_count; i++)
        free(s->kept[i]);
    free(s->kept);
    free(s->block);
    if (s->fd >= 0)
        close(s->fd);
    spool_init(s, s->item_size);
}

/* A file without a name; -1 where the folder does not let us have one. */
static int open_nameless(const char *folder)
{
    int fd = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (fd >= 0)
        return fd;
    char path[4096]; /* some file systems have no O_TMPFILE */
    if (snprintf(path, sizeof path, "%s/farebox-XXXXXX", folder) >= (int)sizeof path)
        return -1;
    fd = mkostemp(path, O_CLOEXEC);
    if (fd >= 0)
        unlink(path);
    return fd;
}

static int open_file(void)
{
    const char *folders[] = {getenv("TMPDIR"), "/var/tmp", "/tmp"};
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
        int fd = folders[i] && *folders[i] ? open_nameless(folders[i]) : -1;
        if (fd >= 0)
            return fd;
    }
    return -1;
}

static size_t block_bytes(const struct spool *s)
{
    return s->block_items * s->item_size;
}

static bool write_block(struct spool *s)
{
    size_t size = block_bytes(s), done = 0;
    if (s->fd < 0)
        s->fd = open_file();
    while (s->fd >= 0 && done < size) {
        off_t at = (off_t)(s->filed * size + done);
        ssize_t wrote = pwrite(s->fd, s->block + done, size - done, at);
        if (wrote < 0 && errno == EINTR)
            continue;
        if (wrote <= 0)
            return false;
        done += (size_t)wrote;
    }
    return s->fd >= 0;
}

static void put_away(struct spool *s)
{
    if (!s->no_file && write_block(s)) {
        s->filed++;
        return;
    }
    s->no_file = true;
    mem_grow(&s->kept, &s->kept_capacity, s->kept_count + 1, sizeof *s->kept);
    s->kept[s->kept_count++] = s->block;
    s->block = NULL;
    s->block_capacity = 0;
}

void spool_add(struct spool *s, const void *item)
{
    size_t place = (size_t)(s->count % s->block_items);
    if (place == 0 && s->count > 0)
        put_away(s);
    mem_grow(&s->block, &s->block_capacity, place + 1, s->item_size);
    memcpy(s->block + place * s->item_size, item, s->item_size);
    s->count++;
}

static void read_file(const struct spool *s, uint64_t at, size_t size, char *out)
{
    while (size > 0) {
        ssize_t got = pread(s->fd, out, size, (off_t)at);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0) {
            fprintf(stderr, "farebox: a temporary file cannot be read back: %s\n",
                    got < 0 ? strerror(errno) : "it is cut short");
            stop_at_once(1);
        }
        out += got;
        at += (uint64_t)got;
        size -= (size_t)got;
    }
}

size_t spool_read(const struct spool *s, uint64_t from, size_t most, void *out)
{
    size_t count = from >= s->count ? 0 : most;
    char *to = out;
    if (count > s->count - from)
        count = (size_t)(s->count - from);
    for (size_t done = 0; done < count;) {
        uint64_t at = from + done, block = at / s->block_items;
        size_t place = (size_t)(at % s->block_items), part = s->block_items - place;
        if (part > count - done)
            part = count - done;
        if (block < s->filed)
            read_file(s, block * block_bytes(s) + place * s->item_size, part * s->item_size, to);
        else
            memcpy(to,
                   (block - s->filed < s->kept_count ? s->kept[block - s->filed] : s->block) +
                       place * s->item_size,
                   part * s->item_size);
        to += part * s->item_size;
        done += part;
    }
    return count;
}

struct spool_scan spool_scan_of(const struct spool *s)
{
    struct spool_scan scan;
    scan.spool = s;
    scan.next = 0;
    scan.used = scan.have = 0;
    return scan;
}

const void *spool_scan_next(struct spool_scan *scan)
{
    size_t size = scan->spool->item_size;
    if (scan->used == scan->have) {
        scan->have = spool_read(scan->spool, scan->next, SPOOL_PIECE_BYTES / size, scan->piece);
        scan->next += scan->have;
        scan->used = 0;
        if (scan->have == 0)
            return NULL;
    }
    return scan->piece + scan->used++ * size;
}
