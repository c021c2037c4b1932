#include "core/json/json_fields.h"

#include "core/clock.h"
#include "core/memory.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAMES_MOST 160
#define STRING_MOST 65536

/* The object that is being read, and the one around it. */
struct json_frame {
    const struct json_table *table;
    const void *object;
    const struct json_frame *outer;
};

/* Where the value of a key goes: the row of the table, and the row and member that hold it, which
 * may be of an inner table. */
struct place {
    size_t row;
    const struct json_field *field;
    void *object, *member;
};

static void *at(const void *object, size_t offset)
{
    return (char *)object + offset;
}

static void *element(const struct json_field *f, void *items, size_t i)
{
    return at(items, i * f->item->size);
}

static inline bool is_key(struct text key, const char *name)
{
    size_t i = 0;
    while (i < key.length && name[i] == key.at[i]) /* a key holds no zero byte */
        i++;
    return i == key.length && name[i] == '\0';
}

static bool find(const struct json_table *t, struct text key, void *object, size_t first,
                 struct place *out);

/* Rows without a name of their own: they stand for several keys. */
static bool find_inside(const struct json_field *f, struct text key, void *object,
                        struct place *out)
{
    void *member = at(object, f->offset);
    if (f->kind == JSON_AS_INLINE)
        return find(f->table, key, member, 0, out);
    for (size_t i = 0; f->kind == JSON_AS_EACH && f->names[i]; i++)
        if (is_key(key, f->names[i])) {
            *out = (struct place){0, f->item, object, element(f, member, i)};
            return true;
        }
    return false;
}

/* Looks at row `first` first: keys mostly come in the order of the rows. */
static bool find(const struct json_table *t, struct text key, void *object, size_t first,
                 struct place *out)
{
    size_t row = first < t->count ? first : 0;
    for (size_t i = 0; i < t->count; i++, row = row + 1 == t->count ? 0 : row + 1) {
        const struct json_field *f = &t->rows[row];
        if (f->name && is_key(key, f->name))
            *out = (struct place){row, f, object, at(object, f->offset)};
        else if (f->name || !find_inside(f, key, object, out))
            continue;
        out->row = row;
        return true;
    }
    return false;
}

/* ---- whole numbers of any width; an enum is an unsigned int, a bool a byte ---- */

static void store(void *member, size_t size, uint64_t value)
{
    if (size == 1)
        *(uint8_t *)member = (uint8_t)value;
    else if (size == 2)
        *(uint16_t *)member = (uint16_t)value;
    else if (size == 4)
        *(uint32_t *)member = (uint32_t)value;
    else
        *(uint64_t *)member = value;
}

static uint64_t load(const void *member, size_t size)
{
    return size == 1   ? *(const uint8_t *)member
           : size == 2 ? *(const uint16_t *)member
           : size == 4 ? *(const uint32_t *)member
                       : *(const uint64_t *)member;
}

/* The bits above those of the member. */
static unsigned unused_bits(const struct json_field *f)
{
    return 64 - 8 * (unsigned)f->size;
}

static int64_t load_signed(const struct json_field *f, const void *member)
{
    return (int64_t)(load(member, f->size) << unused_bits(f)) >> unused_bits(f);
}

static void read_uint(struct json_scan *s, const struct json_field *f, void *member)
{
    uint64_t value, most = UINT64_MAX >> unused_bits(f);
    if (f->max > 0)
        most = f->max < 0x1p63 ? (uint64_t)f->max : INT64_MAX;
    if (json_u64(s, (uint64_t)f->min, most, &value))
        store(member, f->size, value);
}

static void read_int(struct json_scan *s, const struct json_field *f, void *member)
{
    int64_t value, most = INT64_MAX >> unused_bits(f), least = -most - 1;
    if (f->max > f->min) {
        most = f->max < 0x1p63 ? (int64_t)f->max : INT64_MAX;
        least = (int64_t)f->min;
    }
    if (json_i64(s, least, most, &value))
        store(member, f->size, (uint64_t)value);
}

/* ---- other values ---- */

static void read_ms(struct json_scan *s, int64_t *out_ns)
{
    struct text digits;
    int64_t ns;
    if (!json_number(s, &digits))
        return;
    if (text_to_fixed(digits, 6, &ns) && ns >= 0 && ns < TIME_NEVER)
        *out_ns = ns;
    else
        json_fail(s, "expected a time from 0 to 292 years, found %.*s",
                  digits.length > 40 ? 40 : (int)digits.length, digits.at);
}

static void read_double(struct json_scan *s, const struct json_field *f, double *out)
{
    bool bounded = f->min < 0 || f->max > 0;
    *out = f->kind == JSON_AS_FIGURE ? NAN : *out;
    if (f->kind == JSON_AS_FIGURE && json_peek(s) == JSON_NULL)
        json_null(s);
    else
        json_double(s, bounded ? f->min : -1e300, bounded ? f->max : 1e300, out);
}

static void read_string(struct json_scan *s, const struct json_field *f, char **out)
{
    char *copy;
    if (!json_string_copy(s, f->max > 0 ? (size_t)f->max : STRING_MOST, &copy))
        return;
    free(*out);
    *out = copy;
}

/* An object as it stands. */
static void read_raw(struct json_scan *s, const struct json_field *f, char **out)
{
    struct text raw;
    if (json_peek(s) != JSON_OBJECT) {
        json_object_begin(s); /* says what was expected */
        return;
    }
    if (!json_skip(s, &raw))
        return;
    if (raw.length > (size_t)f->max) {
        json_fail(s, "this object is longer than %.0f bytes", f->max);
        return;
    }
    free(*out);
    *out = mem_copy_text(raw.at, raw.length);
}

static void read_chars(struct json_scan *s, const struct json_field *f, char *out)
{
    char *copy = NULL;
    if (json_string_copy(s, f->size - 1, &copy))
        memcpy(out, copy, strlen(copy) + 1);
    free(copy);
}

static void read_choice(struct json_scan *s, const struct json_field *f, void *member)
{
    int chosen;
    if (!json_choice(s, f->names, f->what, &chosen))
        return;
    if (f->kind == JSON_AS_NAME)
        *(const char **)member = f->names[chosen];
    else
        store(member, f->size, (uint64_t)chosen);
}

static void read_money(struct json_scan *s, money *out)
{
    struct text raw;
    if (!json_string(s, &raw))
        return;
    enum money_fault fault = money_parse(raw.at, raw.length, MONEY_PER_ONE, out);
    if (fault != MONEY_OK)
        json_fail(s, "\"%.*s\" %s", raw.length > 40 ? 40 : (int)raw.length, raw.at,
                  money_fault_text(fault));
}

static void read_value(struct json_scan *s, const struct json_field *f, void *object, void *member);

static void read_list(struct json_scan *s, const struct json_field *f, void *object, void *member)
{
    size_t *count = at(object, f->count);
    json_array_begin(s);
    while (json_array_next(s)) {
        if (f->max > 0 && *count >= (size_t)f->max) {
            json_peek(s);
            s->value = s->at;
            json_fail(s, "more than %.0f %s", f->max, f->what);
            return;
        }
        void *item = mem_append(member, count, f->item->size);
        read_value(s, f->item, item, item);
    }
}

static void read_value(struct json_scan *s, const struct json_field *f, void *object, void *member)
{
    if (f->read) {
        f->read(s, f, member);
        return;
    }
    switch (f->kind) {
    case JSON_AS_BOOL:
        json_bool(s, member);
        break;
    case JSON_AS_UINT:
        read_uint(s, f, member);
        break;
    case JSON_AS_INT:
        read_int(s, f, member);
        break;
    case JSON_AS_NS:
        json_i64(s, 0, TIME_NEVER - 1, member);
        break;
    case JSON_AS_MS:
        read_ms(s, member);
        break;
    case JSON_AS_DOUBLE:
    case JSON_AS_FIGURE:
        read_double(s, f, member);
        break;
    case JSON_AS_STRING:
        read_string(s, f, member);
        break;
    case JSON_AS_RAW:
        read_raw(s, f, member);
        break;
    case JSON_AS_CHARS:
        read_chars(s, f, member);
        break;
    case JSON_AS_CHOICE:
    case JSON_AS_NAME:
        read_choice(s, f, member);
        break;
    case JSON_AS_MONEY:
        read_money(s, member);
        break;
    case JSON_AS_OBJECT:
        json_fields_read(s, f->table, member);
        break;
    case JSON_AS_LIST:
        read_list(s, f, object, member);
        break;
    case JSON_AS_OTHER:
    case JSON_AS_INLINE:
    case JSON_AS_EACH:
        json_skip(s, NULL);
    }
}

/* ---- objects ---- */

size_t json_fields_names(const struct json_table *t, const char **names, size_t most)
{
    size_t count = 0;
    for (size_t i = 0; i < t->count && count < most; i++) {
        const struct json_field *f = &t->rows[i];
        if (f->name)
            names[count++] = f->name;
        else if (f->kind == JSON_AS_INLINE)
            count += json_fields_names(f->table, names + count, most - count);
        for (size_t k = 0; f->kind == JSON_AS_EACH && f->names[k] && count < most; k++)
            names[count++] = f->names[k];
    }
    names[count] = NULL;
    return count;
}

static void put_where(const struct json_scan *s, const struct json_frame *frame,
                      char out[JSON_WHERE_SIZE])
{
    const char *own = frame->table->where;
    size_t length = own ? strlen(own) : 0;
    if (frame->table->name) {
        frame->table->name(s, frame->object, out);
        return;
    }
    snprintf(out, JSON_WHERE_SIZE, "%s", own ? own : "the object");
    if (length < 3 || strcmp(own + length - 3, " of") != 0 || !frame->outer)
        return;
    char outer[JSON_WHERE_SIZE];
    put_where(s, frame->outer, outer);
    snprintf(out, JSON_WHERE_SIZE, "%s %.100s", own, outer);
}

const char *json_fields_where(const struct json_scan *s, char out[JSON_WHERE_SIZE])
{
    put_where(s, s->inside, out);
    return out;
}

static void take_other(struct json_scan *s, const struct json_table *t, void *object,
                       struct text key)
{
    const char *names[NAMES_MOST + 1];
    char where[JSON_WHERE_SIZE];
    if (t->other) {
        t->other(s, object, key);
    } else if (t->open) {
        json_skip(s, NULL);
    } else {
        json_fields_names(t, names, NAMES_MOST);
        json_unknown_key(s, key, names, json_fields_where(s, where));
    }
}

/* False where the value was null and the table takes that for nothing. */
static bool take_key(struct json_scan *s, const struct json_table *t, const struct place *p)
{
    if (t->nulls && json_peek(s) == JSON_NULL) {
        json_null(s);
        return false;
    }
    if (p->field->has)
        *(bool *)at(p->object, p->field->has - 1) = true;
    read_value(s, p->field, p->object, p->member);
    return true;
}

static void check(struct json_scan *s, const struct json_table *t, void *object, uint64_t seen)
{
    for (size_t i = 0; t->needs && i < t->count; i++)
        if (t->rows[i].required && !(seen >> i & 1)) {
            json_fail(s, "%s", t->needs);
            return;
        }
    if (t->check)
        t->check(s, object, seen);
}

uint64_t json_fields_read(struct json_scan *s, const struct json_table *t, void *object)
{
    struct json_frame frame = {t, object, s->inside};
    struct place p = {0};
    struct text key;
    uint64_t seen = 0;
    if (!json_object_begin(s))
        return 0;
    const char *start = s->value;
    s->inside = &frame;
    if (t->init)
        t->init(object);
    for (size_t next = 0; json_object_next(s, &key); next = p.row + 1) {
        if (!find(t, key, object, next, &p))
            take_other(s, t, object, key);
        else if (t->once && seen >> p.row & 1 && t->rows[p.row].name)
            json_fail(s, "key \"%s\" stands twice", p.field->name);
        else if (take_key(s, t, &p))
            seen |= UINT64_C(1) << p.row;
    }
    if (!s->failed) {
        s->value = start;
        check(s, t, object, seen);
    }
    s->inside = frame.outer;
    return seen;
}

void json_fields_clear(const struct json_table *t, void *object)
{
    for (const struct json_field *f = t->rows; f < t->rows + t->count; f++) {
        void *member = at(object, f->offset);
        if (f->kind == JSON_AS_NS)
            *(int64_t *)member = TIME_NEVER;
        else if (f->kind == JSON_AS_DOUBLE || f->kind == JSON_AS_FIGURE)
            *(double *)member = NAN;
        else if (f->kind == JSON_AS_OBJECT || f->kind == JSON_AS_INLINE)
            json_fields_clear(f->table, member);
        for (size_t i = 0; f->kind == JSON_AS_EACH && f->names[i]; i++) {
            const struct json_table one = {.rows = f->item, .count = 1};
            json_fields_clear(&one, element(f, member, i));
        }
    }
}

/* ---- writing ---- */

static bool holds_nothing(const struct json_field *f, const void *object, const void *member)
{
    switch (f->kind) {
    case JSON_AS_BOOL:
    case JSON_AS_UINT:
    case JSON_AS_INT:
    case JSON_AS_CHOICE:
        return load(member, f->size) == 0;
    case JSON_AS_MS:
        return *(const int64_t *)member == TIME_NEVER;
    case JSON_AS_DOUBLE:
    case JSON_AS_FIGURE:
        return isnan(*(const double *)member);
    case JSON_AS_STRING:
    case JSON_AS_RAW:
    case JSON_AS_NAME:
        return !*(char *const *)member;
    case JSON_AS_CHARS:
        return !*(const char *)member;
    case JSON_AS_LIST:
        return *(size_t *)at(object, f->count) == 0;
    default:
        return false;
    }
}

static bool is_left_out(const struct json_field *f, const void *object, const void *member)
{
    if (f->kind == JSON_AS_NS)
        return *(const int64_t *)member == TIME_NEVER;
    if (f->kind == JSON_AS_OTHER && !f->write)
        return true;
    if (f->has)
        return !*(bool *)at(object, f->has - 1);
    if (f->is_nothing)
        return f->is_nothing(member);
    return f->optional && holds_nothing(f, object, member);
}

static void put_value(struct json_writer *w, const struct json_field *f, const void *object,
                      const void *member, unsigned groups);

static void put_list(struct json_writer *w, const struct json_field *f, const void *object,
                     const void *items, unsigned groups)
{
    const size_t *count = at(object, f->count);
    json_begin_array(w);
    for (size_t i = 0; i < *count; i++) {
        const void *item = at(items, i * f->item->size);
        put_value(w, f->item, item, item, groups);
    }
    json_end_array(w);
}

static void put_value(struct json_writer *w, const struct json_field *f, const void *object,
                      const void *member, unsigned groups)
{
    if (f->write) {
        f->write(w, f, member);
        return;
    }
    switch (f->kind) {
    case JSON_AS_BOOL:
        json_put_bool(w, *(const bool *)member);
        break;
    case JSON_AS_UINT:
        json_put_u64(w, load(member, f->size));
        break;
    case JSON_AS_INT:
        json_put_i64(w, load_signed(f, member));
        break;
    case JSON_AS_NS:
        json_put_i64(w, *(const int64_t *)member);
        break;
    case JSON_AS_MS:
        json_put_ms(w, *(const int64_t *)member);
        break;
    case JSON_AS_DOUBLE:
        json_put_double(w, *(const double *)member);
        break;
    case JSON_AS_FIGURE:
        json_put_figure(w, *(const double *)member);
        break;
    case JSON_AS_STRING:
    case JSON_AS_NAME:
        json_put_string(w, *(const char *const *)member);
        break;
    case JSON_AS_RAW:
        json_put_raw(w, text_of(*(const char *const *)member));
        break;
    case JSON_AS_CHARS:
        json_put_string(w, member);
        break;
    case JSON_AS_CHOICE:
        json_put_string(w, f->names[load(member, f->size)]);
        break;
    case JSON_AS_MONEY:
        json_put_money(w, *(const money *)member);
        break;
    case JSON_AS_OBJECT:
        json_fields_write(w, f->table, member, groups);
        break;
    case JSON_AS_LIST:
        put_list(w, f, object, *(void *const *)member, groups);
        break;
    case JSON_AS_OTHER:
    case JSON_AS_INLINE:
    case JSON_AS_EACH:
        break;
    }
}

static void put_each(struct json_writer *w, const struct json_field *f, void *items,
                     unsigned groups)
{
    for (size_t i = 0; f->names[i]; i++) {
        const void *item = element(f, items, i);
        if (is_left_out(f->item, item, item))
            continue;
        json_key(w, f->names[i]);
        put_value(w, f->item, item, item, groups);
    }
}

void json_fields_put(struct json_writer *w, const struct json_table *t, const void *object,
                     unsigned groups)
{
    for (const struct json_field *f = t->rows; f < t->rows + t->count; f++) {
        void *member = at(object, f->offset);
        if ((f->groups && !(f->groups & groups)) || is_left_out(f, object, member))
            continue;
        if (f->kind == JSON_AS_INLINE)
            json_fields_put(w, f->table, member, groups);
        else if (f->kind == JSON_AS_EACH)
            put_each(w, f, member, groups);
        if (f->name)
            json_key_plain(w, f->name);
        put_value(w, f, object, member, groups);
    }
}

void json_fields_write(struct json_writer *w, const struct json_table *t, const void *object,
                       unsigned groups)
{
    json_begin_object(w);
    json_fields_put(w, t, object, groups);
    json_end_object(w);
}
