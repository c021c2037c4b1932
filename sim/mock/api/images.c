#include "sim/mock/api/images.h"

#include "core/memory.h"

#include <math.h>
#include <string.h>

#define LONG_SIDE 2048.0
#define SHORT_SIDE 768.0
#define TILE 512.0
#define BASE_TOKENS 85
#define TILE_TOKENS 170
#define OTHER_SIDE 1024 /* of what does not tell its size */
#define HEADER_BYTES 24 /* of a PNG file, up to its height */

uint32_t image_tokens(double width, double height)
{
    double fit = fmin(1, LONG_SIDE / fmax(width, height));
    fit = fmin(fit, SHORT_SIDE / fmin(width, height));
    /* Sides are whole numbers of pixels. */
    double tiles =
        ceil(fmax(round(width * fit), 1) / TILE) * ceil(fmax(round(height * fit), 1) / TILE);
    return BASE_TOKENS + TILE_TOKENS * (uint32_t)tiles;
}

static int digit_of(char c)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const char *at = c ? strchr(digits, c) : NULL;
    return at ? (int)(at - digits) : -1;
}

/* The first bytes of a base64 text; false where it has fewer. */
static bool decode(const char *base64, unsigned char out[HEADER_BYTES])
{
    for (size_t i = 0; i < HEADER_BYTES; i += 3) {
        uint32_t group = 0;
        for (int k = 0; k < 4; k++) {
            int digit = digit_of(*base64);
            if (digit < 0)
                return false;
            group = group << 6 | (uint32_t)digit;
            base64++;
        }
        out[i] = (unsigned char)(group >> 16);
        out[i + 1] = (unsigned char)(group >> 8);
        out[i + 2] = (unsigned char)group;
    }
    return true;
}

static uint32_t read_u32(const unsigned char *at)
{
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static bool is_low(const char *detail)
{
    return detail && strcmp(detail, "low") == 0;
}

static uint32_t tokens_of(const char *base64, const char *detail)
{
    unsigned char header[HEADER_BYTES];
    double width = OTHER_SIDE, height = OTHER_SIDE;
    if (is_low(detail))
        return BASE_TOKENS;
    if (base64 && decode(base64, header) && memcmp(header, "\x89PNG\r\n\x1a\n", 8) == 0) {
        width = fmax(read_u32(header + 16), 1);
        height = fmax(read_u32(header + 20), 1);
    }
    return image_tokens(width, height);
}

static void add(struct ask *a, const char *content, const char *base64, const char *detail)
{
    uint32_t tokens = tokens_of(base64, detail);
    if (a->keeps)
        said_add(&a->said, is_low(detail) ? SAID_LOW_IMAGE : SAID_IMAGE, text_of(content));
    mem_grow(&a->images, &a->image_capacity, a->image_count + 1, sizeof *a->images);
    a->images[a->image_count++] = (struct ask_image){a->prompt.tokens, tokens};
    prompt_add(&a->prompt, content, strlen(content));
    prompt_add_tokens(&a->prompt, tokens);
}

void ask_add_image(struct ask *a, const char *url, const char *detail)
{
    const char *data = strncmp(url, "data:", 5) == 0 ? strstr(url, ";base64,") : NULL;
    add(a, url, data ? data + strlen(";base64,") : NULL, detail);
}

void ask_add_image_bytes(struct ask *a, const char *base64, const char *detail)
{
    add(a, base64, base64, detail);
}

uint64_t ask_image_tokens(const struct ask *a, uint64_t tokens)
{
    uint64_t found = 0;
    for (size_t i = 0; i < a->image_count && a->images[i].before < tokens; i++) {
        uint64_t within = tokens - a->images[i].before;
        found += within < a->images[i].tokens ? within : a->images[i].tokens;
    }
    return found;
}
