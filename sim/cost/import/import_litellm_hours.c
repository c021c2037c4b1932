/* "off_peak_pricing" of LiteLLM's map: prices at some hours of some days, in windows of a plan. */
#include "sim/cost/import/import_litellm.h"

#include <stdio.h>
#include <string.h>

#define UNKNOWN_ZONE 10000

/* Minutes before UTC of a zone that keeps no summer time. */
static int offset_of(struct text zone)
{
    static const struct {
        const char *name;
        int minutes;
    } zones[] = {{"UTC", 0},
                 {"Etc/UTC", 0},
                 {"Asia/Shanghai", 480},
                 {"Asia/Hong_Kong", 480},
                 {"Asia/Singapore", 480},
                 {"Asia/Tokyo", 540},
                 {"Asia/Seoul", 540},
                 {"Asia/Kolkata", 330}};
    for (size_t i = 0; i < sizeof zones / sizeof zones[0]; i++)
        if (text_equal(zone, zones[i].name))
            return zones[i].minutes;
    return UNKNOWN_ZONE;
}

/* A window's prices hold for every service; a service whose own price they take away is named. */
static void note_off_peak_services(struct import *im, const struct import_set *set)
{
    for (int s = 0; s < SERVICE_COUNT; s++)
        for (int c = 0; c < USAGE_CLASSES; c++) {
            const struct import_class *own = &im->plan->services[s].classes[c];
            if (!im->plan->services[s].used || !own->given || set->classes[c].replaced ||
                import_number_equal(&own->base, &set->classes[c].base))
                continue;
            import_miss(im, "off_peak_pricing", IMPORT_CONDITION);
            return;
        }
}

/* Prices that stand in the place of the standard ones, whatever the length of the input. */
static void read_off_peak_prices(struct import *im, struct import_set *set, int *offset)
{
    struct text key, value;
    struct import_number n;
    json_object_begin(&im->s);
    while (json_object_next(&im->s, &key)) {
        char name[96];
        snprintf(name, sizeof name, "%.*s", key.length > 95 ? 95 : (int)key.length, key.at);
        int class = litellm_class(name);
        if (text_equal(key, "weekday_timezone") && json_peek(&im->s) == JSON_STRING) {
            json_string(&im->s, &value);
            *offset = offset_of(value);
        } else if (text_equal(key, "hours_utc") || text_equal(key, "windows") || class < 0) {
            json_skip(&im->s, NULL);
            if (class < 0 && litellm_about_money(name))
                import_miss(im, "off_peak_pricing", IMPORT_UNKNOWN_KEY);
        } else if (import_price(im, "off_peak_pricing", 0, IMPORT_TOKEN, &n)) {
            set->classes[class] = (struct import_class){.given = true, .replaced = true, .base = n};
        }
    }
}

/* One text of hours or a list of them. */
static void read_hours(struct import *im, uint8_t days, int offset, const struct import_set *set)
{
    struct text value;
    struct import_hours h;
    bool list = json_peek(&im->s) == JSON_ARRAY;
    if (list)
        json_array_begin(&im->s);
    while (!list || json_array_next(&im->s)) {
        if (json_skip_unless(&im->s, JSON_STRING) && json_string(&im->s, &value)) {
            bool good = import_hours_read(value, &h);
            h.days = days;
            h.offset = offset;
            if (good && (offset != UNKNOWN_ZONE || days == IMPORT_EVERY_DAY))
                import_windows_at(im, &h, set);
            else
                import_miss(im, "off_peak_pricing", IMPORT_CONDITION);
        }
        if (!list || im->s.failed)
            break;
    }
}

/* Numbers from 1 = Monday, or names. */
static uint8_t read_weekdays(struct import *im)
{
    struct text value;
    uint64_t number;
    uint8_t days = 0;
    if (!json_skip_unless(&im->s, JSON_ARRAY))
        return 0;
    json_array_begin(&im->s);
    while (json_array_next(&im->s)) {
        if (json_peek(&im->s) == JSON_NUMBER) {
            if (json_u64(&im->s, 1, 7, &number))
                days |= (uint8_t)(1u << (number - 1));
        } else if (json_skip_unless(&im->s, JSON_STRING) && json_string(&im->s, &value)) {
            days |= import_weekday(value);
        }
    }
    return days;
}

/* {"hours_utc": .., "weekdays": [1, 2]}, in any order. */
static void read_rule(struct import *im, int offset, const struct import_set *set)
{
    struct json_scan hours = {0};
    struct text key;
    uint8_t days = IMPORT_EVERY_DAY;
    json_object_begin(&im->s);
    while (json_object_next(&im->s, &key)) {
        if (text_equal(key, "weekdays")) {
            days = read_weekdays(im);
            continue;
        }
        if (text_equal(key, "hours_utc")) {
            json_peek(&im->s);
            hours = im->s;
        }
        json_skip(&im->s, NULL);
    }
    if (im->s.failed || !hours.text || days == 0) {
        import_miss(im, "off_peak_pricing", IMPORT_CONDITION);
        return;
    }
    struct json_scan after = im->s;
    im->s = hours;
    read_hours(im, days, offset, set);
    if (!im->s.failed)
        im->s = after;
}

/* {"hours_utc": "16:30-00:30", "windows": [{"hours_utc": .., "weekdays": ..}], prices}. */
void litellm_read_off_peak(struct import *im)
{
    struct import_set set = im->plan->standard;
    struct json_scan after = im->s, start = im->off_peak;
    struct text key;
    int offset = 0;
    im->s = start;
    read_off_peak_prices(im, &set, &offset);
    note_off_peak_services(im, &set);
    if (!im->s.failed)
        im->s = start;
    json_object_begin(&im->s);
    while (json_object_next(&im->s, &key)) {
        if (text_equal(key, "hours_utc")) {
            read_hours(im, IMPORT_EVERY_DAY, 0, &set);
        } else if (text_equal(key, "windows") && json_peek(&im->s) == JSON_ARRAY) {
            json_array_begin(&im->s);
            while (json_array_next(&im->s))
                read_rule(im, offset, &set);
        } else {
            json_skip(&im->s, NULL);
        }
    }
    if (!im->s.failed)
        im->s = after;
}
