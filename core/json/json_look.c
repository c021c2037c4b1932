#include "core/json/json_look.h"

#include "core/memory.h"

#include <math.h>
#include <stdlib.h>

#define LONGEST (1u << 20)

bool json_look(struct text object, const char *key, struct text *value)
{
    struct json_scan s;
    struct text found;
    json_scan_init(&s, "", object.at, object.length, 1);
    if (!json_skip_unless(&s, JSON_OBJECT) || !json_object_begin(&s))
        return false;
    while (json_object_next(&s, &found)) {
        bool wanted = text_equal(found, key), null = json_peek(&s) == JSON_NULL;
        if (!json_skip(&s, value))
            return false;
        if (wanted)
            return !null;
    }
    return false;
}

struct text json_look_part(struct text object, const char *key)
{
    struct text part;
    return json_look(object, key, &part) ? part : JSON_NO_OBJECT;
}

double json_number_of(struct text value)
{
    double number;
    return text_to_double(value, &number) ? number : NAN;
}

double json_look_number(struct text object, const char *key)
{
    struct text value;
    return json_look(object, key, &value) ? json_number_of(value) : NAN;
}

bool json_look_true(struct text object, const char *key)
{
    struct text value;
    return json_look(object, key, &value) && text_equal(value, "true");
}

char *json_text_of(struct text value)
{
    struct json_scan s;
    char *out = NULL;
    json_scan_init(&s, "", value.at, value.length, 1);
    if (json_peek(&s) != JSON_STRING || !json_string_copy(&s, LONGEST, &out))
        return NULL;
    return out;
}

char *json_look_string(struct text object, const char *key)
{
    struct text value;
    return json_look(object, key, &value) ? json_text_of(value) : NULL;
}

bool json_look_money(struct text object, const char *key, money *out)
{
    struct text value;
    return json_look(object, key, &value) && value.length > 2 && value.at[0] == '"' &&
           money_parse(value.at + 1, value.length - 2, MONEY_PER_ONE, out) == MONEY_OK;
}

size_t json_look_items(struct text object, const char *key, struct text **items)
{
    struct json_scan s;
    struct text list, item;
    size_t count = 0, capacity = 0;
    *items = NULL;
    if (!json_look(object, key, &list))
        return 0;
    json_scan_init(&s, "", list.at, list.length, 1);
    if (!json_skip_unless(&s, JSON_ARRAY) || !json_array_begin(&s))
        return 0;
    while (json_array_next(&s) && json_skip(&s, &item)) {
        mem_grow(items, &capacity, count + 1, sizeof **items);
        (*items)[count++] = item;
    }
    return count;
}

bool json_look_pair(struct text object, const char *key, double pair[2])
{
    struct text *items;
    bool is_pair = json_look_items(object, key, &items) == 2;
    for (int i = 0; i < 2; i++)
        pair[i] = is_pair ? json_number_of(items[i]) : NAN;
    free(items);
    return is_pair;
}
