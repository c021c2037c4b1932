#include "bench/prompt/picture.h"

#include "core/memory.h"
#include "core/random.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#define DRAWN_BYTES 24 /* of pixels that the seed decides, where there are so many */
#define PIECE ((size_t)4096)

static void add_u32(uint32_t value, struct buffer *out)
{
    unsigned char bytes[4] = {(unsigned char)(value >> 24), (unsigned char)(value >> 16),
                              (unsigned char)(value >> 8), (unsigned char)value};
    buffer_add(out, bytes, sizeof bytes);
}

/* A chunk of a PNG file: length, type, data, and the checksum of both (PNG specification, 5.3). */
static void add_chunk(const char *type, const void *data, size_t length, struct buffer *out)
{
    add_u32((uint32_t)length, out);
    buffer_add(out, type, 4);
    buffer_add(out, data, length);
    uLong sum = crc32(crc32(0, NULL, 0), (const Bytef *)type, 4);
    add_u32((uint32_t)(length ? crc32(sum, data, (uInt)length) : sum), out);
}

/* Byte i of all rows one behind the other, each with its filter (0) before it: drawn for the first
 * ones, then black. */
static unsigned char pixel_byte(uint64_t i, uint64_t row_bytes, uint64_t drawn, uint64_t seed)
{
    if (i % row_bytes == 0 || i >= drawn)
        return 0;
    return (unsigned char)(random_mix(seed, i) >> 56);
}

static voidpf zlib_alloc(voidpf context, uInt count, uInt size)
{
    (void)context;
    return mem_resize(NULL, count, size);
}

static void zlib_free(voidpf context, voidpf p)
{
    (void)context;
    free(p);
}

/* Compresses the rows in pieces: all but the first is zeros. */
static void add_rows(uint64_t row_bytes, uint64_t total, uint64_t seed, struct buffer *out)
{
    unsigned char piece[PIECE], packed[PIECE];
    uint64_t drawn = DRAWN_BYTES + DRAWN_BYTES / (row_bytes - 1) + 1;
    z_stream z = {.zalloc = zlib_alloc, .zfree = zlib_free};
    deflateInit(&z, Z_BEST_SPEED);
    for (uint64_t from = 0; from < total; from += PIECE) {
        size_t count = total - from < PIECE ? (size_t)(total - from) : PIECE;
        memset(piece, 0, count);
        for (size_t i = 0; i < count && from + i < drawn; i++)
            piece[i] = pixel_byte(from + i, row_bytes, drawn, seed);
        z.next_in = piece;
        z.avail_in = (uInt)count;
        do {
            z.next_out = packed;
            z.avail_out = sizeof packed;
            deflate(&z, from + count == total ? Z_FINISH : Z_NO_FLUSH);
            buffer_add(out, packed, sizeof packed - z.avail_out);
        } while (z.avail_out == 0);
    }
    deflateEnd(&z);
}

int picture_add(uint32_t width, uint32_t height, uint64_t seed, struct buffer *out)
{
    static const char signature[] = "\x89PNG\r\n\x1a\n";
    struct buffer header, rows;
    buffer_init(&header, BUFFER_UNBOUNDED);
    buffer_init(&rows, BUFFER_UNBOUNDED);
    add_u32(width, &header);
    add_u32(height, &header);
    buffer_add(&header, "\1\0\0\0\0", 5); /* one bit, grey, as everybody does the rest */
    uint64_t row_bytes = 1 + ((uint64_t)width + 7) / 8;
    add_rows(row_bytes, row_bytes * height, seed, &rows);
    buffer_add(out, signature, sizeof signature - 1);
    add_chunk("IHDR", header.data, header.length, out);
    add_chunk("IDAT", rows.data, rows.length, out);
    add_chunk("IEND", "", 0, out);
    buffer_free(&header);
    buffer_free(&rows);
    return 0;
}

int picture_add_base64(uint32_t width, uint32_t height, uint64_t seed, struct buffer *out)
{
    struct buffer file;
    buffer_init(&file, BUFFER_UNBOUNDED);
    picture_add(width, height, seed, &file);
    int status = buffer_reserve(out, (file.length + 2) / 3 * 4);
    if (status == 0)
        buffer_add_base64(out, file.data, file.length);
    buffer_free(&file);
    return status < 0 ? -1 : 0;
}
