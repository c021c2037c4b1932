#include "bench/recorder/chunked.h"

#define MAX_TRAILER ((size_t)64 << 10)

enum { SIZE, EXTENSION, SIZE_END, DATA, DATA_CR, DATA_LF, TRAILER, TRAILER_LF };

static int digit_of(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static void take_size(struct chunked *c, char byte)
{
    int digit = digit_of(byte);
    if (digit >= 0 && c->digits < 15) {
        c->left = c->left << 4 | (unsigned)digit;
        c->digits++;
    } else if (digit < 0 && c->digits && byte == '\r') {
        c->state = SIZE_END;
    } else if (digit < 0 && c->digits && (byte == ';' || byte == ' ' || byte == '\t')) {
        c->state = EXTENSION;
    } else {
        c->bad = true;
    }
}

static void begin_data(struct chunked *c)
{
    c->state = c->left ? DATA : TRAILER;
    c->digits = 0;
}

static void take_trailer(struct chunked *c, char byte)
{
    if (++c->trailer > MAX_TRAILER)
        c->bad = true;
    else if (byte == '\r')
        c->state = TRAILER_LF;
    else
        c->line++;
}

static void take_byte(struct chunked *c, char byte)
{
    bool line_end = byte == '\n';
    switch (c->state) {
    case SIZE:
        take_size(c, byte);
        return;
    case EXTENSION:
        c->bad = ++c->trailer > MAX_TRAILER;
        c->state = byte == '\r' ? SIZE_END : EXTENSION;
        return;
    case TRAILER:
        take_trailer(c, byte);
        return;
    case DATA_CR:
        c->bad = byte != '\r';
        c->state = DATA_LF;
        return;
    default:
        break;
    }
    c->bad = !line_end;
    if (c->state == SIZE_END)
        begin_data(c);
    else if (c->state == DATA_LF)
        c->state = SIZE;
    else if (c->line == 0)
        c->done = line_end;
    else
        c->state = TRAILER;
    c->line = 0;
}

size_t chunked_take(struct chunked *c, const char *bytes, size_t count, struct text *data)
{
    size_t taken = 0;
    *data = (struct text){bytes, 0};
    while (taken < count && !c->done && !c->bad && c->state != DATA)
        take_byte(c, bytes[taken++]);
    if (c->state != DATA || taken == count || c->bad)
        return taken;
    size_t n = count - taken < c->left ? count - taken : (size_t)c->left;
    *data = (struct text){bytes + taken, n};
    c->left -= n;
    if (c->left == 0)
        c->state = DATA_CR;
    return taken + n;
}
