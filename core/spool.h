/* A spool: items of one size, appended without end, read back in the same order as often as
 * wanted, and never more than a block of them in memory.
 *
 *     struct spool s;
 *     spool_init(&s, sizeof(struct row));
 *     spool_add(&s, &row);                            // ... and so on
 *     struct spool_scan scan = spool_scan_of(&s);
 *     for (const struct row *r; (r = spool_scan_next(&scan));)       // lent until the next call
 *         use(r);
 *     spool_free(&s);
 *
 * Until a block is full everything is in memory and there is no file. Full blocks go to a file
 * without a name in TMPDIR, else /var/tmp, else /tmp, which the system removes with the process,
 * however that ends. Where no file can be made or written (no space, no such folder) blocks stay in
 * memory: the spool then costs what an array would, and loses nothing.
 *
 * Ownership: the spool owns block and file; do not copy the struct. Items are copied in and out.
 * Reading from several threads is fine while none adds.
 */
#ifndef FAREBOX_CORE_SPOOL_H
#define FAREBOX_CORE_SPOOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SPOOL_BLOCK_BYTES 65536

struct spool {
    size_t item_size, block_items;
    uint64_t count;
    char *block; /* the items behind those of the full blocks */
    size_t block_capacity;
    int fd;         /* -1: no file */
    bool no_file;   /* writing failed once: it is not tried again */
    uint64_t filed; /* full blocks in the file */
    char **kept;    /* full blocks that follow and could not be written */
    size_t kept_count, kept_capacity;
};

/* `item_size` from 1 to SPOOL_BLOCK_BYTES. */
void spool_init(struct spool *s, size_t item_size);

/* Leaves it empty and ready to be filled again. */
void spool_free(struct spool *s);

void spool_add(struct spool *s, const void *item);

/* Copies up to `most` items, from number `from` on, and returns how many there were; 0 at the end.
 * A file that cannot be read back stops the program: what was measured is gone then. */
size_t spool_read(const struct spool *s, uint64_t from, size_t most, void *out);

/* All items one after the other, up to 4 KiB each; owns nothing. */
#define SPOOL_PIECE_BYTES 4096

struct spool_scan {
    const struct spool *spool;
    uint64_t next;     /* the item behind the piece at hand */
    size_t used, have; /* of that piece */
    _Alignas(max_align_t) char piece[SPOOL_PIECE_BYTES];
};

struct spool_scan spool_scan_of(const struct spool *s);
const void *spool_scan_next(struct spool_scan *scan); /* NULL at the end */

#endif
