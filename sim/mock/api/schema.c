#include "sim/mock/api/schema.h"

#include "core/buffer.h"
#include "core/json/json_write.h"
#include "core/random.h"

#include <math.h>
#include <string.h>

enum { MAX_DEPTH = 16, MAX_ITEMS = 64, MAX_VALUES = 20000, SHORT_STRING = 255 };

struct maker {
    const cJSON *root;
    struct json_writer w;
    uint64_t seed, drawn;
    int depth;
    bool too_large;
    size_t extra, strings; /* bytes that are still to be spent on so many strings */
};

static void make(struct maker *m, const cJSON *schema);

static const cJSON *get(const cJSON *schema, const char *name)
{
    return cJSON_GetObjectItemCaseSensitive(schema, name);
}

static double get_number(const cJSON *schema, const char *name, double otherwise)
{
    const cJSON *v = get(schema, name);
    return cJSON_IsNumber(v) ? v->valuedouble : otherwise;
}

static uint64_t draw(struct maker *m)
{
    return random_mix(m->seed, m->drawn++);
}

static void put_literal(struct maker *m, const cJSON *value)
{
    char *text = cJSON_PrintUnformatted(value);
    if (!text || strlen(text) > SCHEMA_MAX_BYTES) {
        m->too_large = true;
        json_put_null(&m->w);
    } else {
        json_put_raw(&m->w, text_of(text));
    }
    cJSON_free(text);
}

/* "#/$defs/point" from the root. */
static const cJSON *resolve(const struct maker *m, const char *reference)
{
    if (strncmp(reference, "#", 1) != 0)
        return NULL;
    const cJSON *at = m->root;
    const char *p = reference + 1;
    while (at && *p == '/') {
        size_t length = strcspn(++p, "/");
        const cJSON *child = at->child;
        while (child && !(child->string && strlen(child->string) == length &&
                          strncmp(child->string, p, length) == 0))
            child = child->next;
        at = child;
        p += length;
    }
    return at;
}

static bool is_null_type(const cJSON *schema)
{
    const char *type = cJSON_GetStringValue(get(schema, "type"));
    return type && strcmp(type, "null") == 0;
}

static const cJSON *first_branch(const cJSON *branches)
{
    for (const cJSON *b = branches ? branches->child : NULL; b; b = b->next)
        if (!is_null_type(b))
            return b;
    return branches ? branches->child : NULL;
}

static void make_number(struct maker *m, const cJSON *schema, bool whole)
{
    double low = get_number(schema, "minimum", NAN), high = get_number(schema, "maximum", NAN);
    double above = get_number(schema, "exclusiveMinimum", NAN);
    double below = get_number(schema, "exclusiveMaximum", NAN);
    double step = get_number(schema, "multipleOf", whole ? 1 : 0.5);
    if (!(step > 0))
        step = 1;
    if (isnan(low) || above >= low)
        low = isnan(above) ? NAN : whole ? floor(above) + 1 : above + step / 2;
    if (isnan(high) || below <= high)
        high = isnan(below) ? NAN : whole ? ceil(below) - 1 : below - step / 2;
    if (isnan(low))
        low = isnan(high) || high > 1 ? 1 : high - 10;
    if (isnan(high))
        high = low + 20 * step;
    double first = ceil(low / step), last = floor(high / step);
    double count = last - first;
    double value = first + (count >= 1 ? (double)(draw(m) % (uint64_t)fmin(count + 1, 1000)) : 0);
    value *= step;
    if (value > high || value < low) /* no multiple lies between */
        value = (low + high) / 2;
    if (whole && fabs(value) < 9e15)
        json_put_i64(&m->w, (int64_t)value);
    else
        json_put_double(&m->w, value);
}

static const char *formatted(const char *format)
{
    static const char *const values[][2] = {
        {"date", "2026-11-01"},
        {"date-time", "2026-11-01T12:00:00Z"},
        {"time", "12:00:00Z"},
        {"email", "rider@example.com"},
        {"uuid", "3f2b8c1e-5d4a-4e6f-9a7b-1c2d3e4f5a6b"},
        {"uri", "https://example.com/fare"},
    };
    for (size_t i = 0; format && i < sizeof values / sizeof values[0]; i++)
        if (strcmp(values[i][0], format) == 0)
            return values[i][1];
    return NULL;
}

static void put_letters(struct maker *m, size_t length)
{
    static const char letters[] = "farebox takes one coin per ride and the meter runs by the mile ";
    struct buffer text;
    size_t offset = draw(m) % (sizeof letters - 1);
    buffer_init(&text, BUFFER_UNBOUNDED);
    for (size_t i = 0; i < length; i++) {
        char c = letters[(offset + i) % (sizeof letters - 1)];
        buffer_add_byte(&text, (i == 0 || i + 1 == length) && c == ' ' ? 'x' : c);
    }
    json_put_text(&m->w, (struct text){length ? text.data : "", length});
    buffer_free(&text);
}

/* This string's share of what is to be added; the first pass, which has none, counts strings. */
static size_t take_extra(struct maker *m)
{
    if (m->extra == 0) {
        m->strings++;
        return 0;
    }
    size_t share = m->strings > 1 ? m->extra / m->strings : m->extra;
    m->extra -= share;
    m->strings -= m->strings > 0;
    return share;
}

static void make_string(struct maker *m, const cJSON *schema)
{
    const char *format = formatted(cJSON_GetStringValue(get(schema, "format")));
    if (format) {
        json_put_string(&m->w, format);
        return;
    }
    double low = fmax(get_number(schema, "minLength", 0), 0);
    double high = fmin(get_number(schema, "maxLength", 12), SHORT_STRING);
    size_t length = (size_t)fmin(fmax(low, fmin(high, 12)), SHORT_STRING);
    put_letters(m, length + (get(schema, "maxLength") ? 0 : take_extra(m)));
}

static void make_properties(struct maker *m, const cJSON *schema)
{
    const cJSON *properties = get(schema, "properties");
    for (const cJSON *p = properties ? properties->child : NULL; p && !m->too_large; p = p->next) {
        json_key(&m->w, p->string);
        make(m, p);
    }
}

static void make_object(struct maker *m, const cJSON *schema)
{
    json_begin_object(&m->w);
    make_properties(m, schema);
    const cJSON *all = get(schema, "allOf");
    for (const cJSON *part = all ? all->child : NULL; part; part = part->next) {
        const char *reference = cJSON_GetStringValue(get(part, "$ref"));
        make_properties(m, reference ? resolve(m, reference) : part);
    }
    json_end_object(&m->w);
}

static void make_array(struct maker *m, const cJSON *schema)
{
    double most = fmin(get_number(schema, "maxItems", MAX_ITEMS), MAX_ITEMS);
    double wanted = fmin(fmax(get_number(schema, "minItems", 1), 1), most);
    const cJSON *items = get(schema, "items");
    json_begin_array(&m->w);
    for (int i = 0; i < (int)wanted; i++)
        make(m, items);
    json_end_array(&m->w);
}

static const char *type_of(const cJSON *schema)
{
    const cJSON *type = get(schema, "type");
    if (cJSON_IsArray(type)) {
        for (const cJSON *t = type->child; t; t = t->next)
            if (cJSON_IsString(t) && strcmp(t->valuestring, "null") != 0)
                return t->valuestring;
        return "null";
    }
    if (cJSON_IsString(type))
        return type->valuestring;
    if (get(schema, "properties") || get(schema, "allOf"))
        return "object";
    return get(schema, "items") ? "array" : "string";
}

static void make_typed(struct maker *m, const cJSON *schema)
{
    const char *type = type_of(schema);
    if (strcmp(type, "object") == 0)
        make_object(m, schema);
    else if (strcmp(type, "array") == 0)
        make_array(m, schema);
    else if (strcmp(type, "integer") == 0 || strcmp(type, "number") == 0)
        make_number(m, schema, type[0] == 'i');
    else if (strcmp(type, "boolean") == 0)
        json_put_bool(&m->w, draw(m) & 1);
    else if (strcmp(type, "null") == 0)
        json_put_null(&m->w);
    else
        make_string(m, schema);
}

static void make(struct maker *m, const cJSON *schema)
{
    if (m->w.out->length > SCHEMA_MAX_BYTES)
        m->too_large = true;
    if (m->depth >= MAX_DEPTH || m->drawn > MAX_VALUES || m->too_large) {
        json_put_null(&m->w);
        return;
    }
    m->depth++;
    m->drawn++;
    const cJSON *fixed = get(schema, "const"), *choices = get(schema, "enum");
    const cJSON *any = get(schema, "anyOf") ? get(schema, "anyOf") : get(schema, "oneOf");
    const char *reference = cJSON_GetStringValue(get(schema, "$ref"));
    if (!fixed && !choices)
        fixed = get(schema, "default");
    if (fixed)
        put_literal(m, fixed);
    else if (cJSON_IsArray(choices) && choices->child)
        put_literal(
            m, cJSON_GetArrayItem(choices, (int)(draw(m) % (uint64_t)cJSON_GetArraySize(choices))));
    else if (reference)
        make(m, resolve(m, reference));
    else if (cJSON_IsArray(any) && any->child)
        make(m, first_branch(any));
    else
        make_typed(m, schema);
    m->depth--;
}

/* An empty schema allows anything; what is asked for here is always an object. */
static bool says_nothing(const cJSON *schema)
{
    static const char *const words[] = {"type",  "enum",  "const",      "$ref", "anyOf",
                                        "oneOf", "allOf", "properties", "items"};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (get(schema, words[i]))
            return false;
    return true;
}

static void make_value(struct maker *m, struct buffer *out)
{
    json_write_init(&m->w, out, 0);
    if (!m->root) {
        json_begin_object(&m->w);
        json_key(&m->w, "answer");
        make_string(m, NULL);
        json_end_object(&m->w);
    } else if (says_nothing(m->root)) {
        json_put_raw(&m->w, text_of("{}"));
    } else {
        make(m, m->root);
    }
}

void schema_example(const cJSON *schema, uint64_t seed, size_t bytes, struct buffer *out)
{
    struct buffer made;
    struct maker m = {.root = schema, .seed = seed};
    buffer_init(&made, BUFFER_UNBOUNDED);
    make_value(&m, &made);
    if (bytes > SCHEMA_MAX_BYTES)
        bytes = SCHEMA_MAX_BYTES;
    if (made.length < bytes && m.strings > 0 && !m.too_large) {
        m = (struct maker){
            .root = schema, .seed = seed, .extra = bytes - made.length, .strings = m.strings};
        buffer_clear(&made);
        make_value(&m, &made);
    }
    if (m.too_large || buffer_add(out, made.data, made.length) < 0)
        buffer_add_text(out, "{}");
    buffer_free(&made);
}
