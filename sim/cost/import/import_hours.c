/* Windows of hours: what lists write in one line may be several in a plan. */
#include "core/memory.h"
#include "sim/cost/import/import_parts.h"

#include <stdio.h>
#include <strings.h>

#define DAY 1440 /* minutes */

const char *const import_weekdays[7] = {"mon", "tue", "wed", "thu", "fri", "sat", "sun"};

struct import_window *import_window_add(struct import *im)
{
    struct import_plan *p = im->plan;
    if (p->window_count == IMPORT_WINDOWS_MAX) {
        import_drop(im, IMPORT_TIERS);
        return NULL;
    }
    mem_grow(&p->windows, &p->window_capacity, p->window_count + 1, sizeof *p->windows);
    p->windows[p->window_count] = (struct import_window){.days = 0};
    return &p->windows[p->window_count++];
}

/* "16:30", and what is behind it. */
static bool read_minute(struct text *t, int *out)
{
    uint64_t hour, minute;
    if (t->length < 5 || t->at[2] != ':' || !text_to_u64((struct text){t->at, 2}, &hour) ||
        !text_to_u64((struct text){t->at + 3, 2}, &minute) || hour > 24 || minute > 59 ||
        hour * 60 + minute > DAY)
        return false;
    *out = (int)(hour * 60 + minute) % DAY;
    t->at += 5;
    t->length -= 5;
    return true;
}

bool import_hours_read(struct text t, struct import_hours *out)
{
    *out = (struct import_hours){.days = IMPORT_EVERY_DAY};
    if (!read_minute(&t, &out->start) || t.length == 0 || t.at[0] != '-')
        return false;
    t.at++;
    t.length--;
    return read_minute(&t, &out->end) && t.length == 0;
}

uint8_t import_weekday(struct text t)
{
    for (int d = 0; d < 7; d++)
        if (t.length >= 3 && strncasecmp(t.at, import_weekdays[d], 3) == 0)
            return (uint8_t)(1u << d);
    return 0;
}

static uint8_t shift_days(uint8_t days, int by)
{
    unsigned out = 0;
    for (int d = 0; d < 7; d++)
        out |= (unsigned)(days >> ((d + by + 7) % 7) & 1) << d;
    return (uint8_t)out;
}

static void put_minute(int minute, char out[8])
{
    unsigned hour = (unsigned)minute / 60 % 24, rest = (unsigned)minute % 60;
    snprintf(out, 8, "%02u:%02u", hour, rest);
}

static void add_piece(struct import *im, int start, int end, uint8_t days,
                      const struct import_set *set)
{
    if (start >= end || days == 0)
        return;
    struct import_window *w = import_window_add(im);
    if (!w)
        return;
    put_minute(start, w->start);
    put_minute(end % DAY, w->end);
    w->days = days == IMPORT_EVERY_DAY ? 0 : days;
    w->set = *set;
}

/* A piece within a UTC day; elsewhere another day begins at `cut`. */
static void add_cut(struct import *im, int start, int end, const struct import_hours *h,
                    const struct import_set *set)
{
    int cut = h->offset > 0 ? DAY - h->offset : -h->offset;
    if (h->days == IMPORT_EVERY_DAY || h->offset == 0) {
        add_piece(im, start, end, h->days, set);
        return;
    }
    int before = h->offset > 0 ? 0 : -1;
    add_piece(im, start, end < cut ? end : cut, shift_days(h->days, before), set);
    add_piece(im, start > cut ? start : cut, end, shift_days(h->days, before + 1), set);
}

void import_windows_at(struct import *im, const struct import_hours *h,
                       const struct import_set *set)
{
    if (h->start < h->end) {
        add_cut(im, h->start, h->end, h, set);
    } else if (h->start == h->end) {
        add_cut(im, 0, DAY, h, set);
    } else {
        add_cut(im, h->start, DAY, h, set);
        add_cut(im, 0, h->end, h, set);
    }
}
