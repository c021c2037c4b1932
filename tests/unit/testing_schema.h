/* A JSON Schema beside the table that reads the same object: both must have the same keys.
 *
 *     cJSON *schema = testing_schema("workloads/scenario.schema.json");
 *     testing_schema_check(schema, schema, &scenario_table, "scenario");
 *     cJSON_Delete(schema);
 *
 * Where an object has one form, required keys, types, bounds and names must agree too; where it
 * has several ("anyOf"), their keys together are those of the table.
 */
#ifndef FAREBOX_TESTS_TESTING_SCHEMA_H
#define FAREBOX_TESTS_TESTING_SCHEMA_H

#include "core/file.h"
#include "core/json/json_fields.h"
#include "tests/unit/testing.h"

#include <cjson/cJSON.h>
#include <string.h>

#define SCHEMA_KEYS 100

static inline cJSON *testing_schema(const char *path)
{
    char *text;
    size_t length;
    ck_assert_int_eq(file_read_all(path, 1 << 20, &text, &length, NULL), 0);
    cJSON *schema = cJSON_ParseWithLength(text, length);
    ck_assert_ptr_nonnull(schema);
    free(text);
    return schema;
}

static inline const cJSON *testing_schema_get(const cJSON *node, const char *key)
{
    return cJSON_GetObjectItemCaseSensitive(node, key);
}

/* The node that a "$ref" names, else the node itself. */
static inline const cJSON *testing_schema_target(const cJSON *root, const cJSON *node)
{
    const cJSON *ref = testing_schema_get(node, "$ref");
    if (!ref)
        return node;
    const cJSON *found = testing_schema_get(testing_schema_get(root, "$defs"),
                                            ref->valuestring + strlen("#/$defs/"));
    ck_assert_msg(found != NULL, "%s is not there", ref->valuestring);
    return found;
}

/* The properties of the node, of all its forms where it has several. */
static inline size_t testing_schema_keys(const cJSON *root, const cJSON *node,
                                         const cJSON *keys[SCHEMA_KEYS])
{
    size_t count = 0;
    const cJSON *forms = testing_schema_get(node, "anyOf"), *form, *key;
    cJSON_ArrayForEach(key, testing_schema_get(node, "properties")) keys[count++] = key;
    for (form = forms && count == 0 ? forms->child : NULL; form; form = form->next)
        count += testing_schema_keys(root, testing_schema_target(root, form), keys + count);
    ck_assert_uint_le(count, SCHEMA_KEYS);
    return count;
}

static inline bool testing_schema_lists(const cJSON *list, const char *name)
{
    const cJSON *item;
    cJSON_ArrayForEach(item, list) if (strcmp(item->valuestring, name) == 0) return true;
    return false;
}

static inline void testing_schema_bound(const cJSON *property, const char *key, double bound,
                                        const char *where)
{
    const cJSON *stated = testing_schema_get(property, key);
    ck_assert_msg(stated && !(stated->valuedouble < bound) && !(stated->valuedouble > bound),
                  "%s.%s: expected \"%s\": %.17g", where, property->string, key, bound);
}

static inline void testing_schema_type(const cJSON *property, const struct json_field *f,
                                       const char *where)
{
    static const char *const types[] = {
        [JSON_AS_BOOL] = "boolean",  [JSON_AS_UINT] = "integer",  [JSON_AS_INT] = "integer",
        [JSON_AS_DOUBLE] = "number", [JSON_AS_STRING] = "string", [JSON_AS_CHARS] = "string",
        [JSON_AS_OBJECT] = "object", [JSON_AS_LIST] = "array",    [JSON_AS_EACH] = NULL};
    const cJSON *type = testing_schema_get(property, "type");
    if (types[f->kind] && !f->read)
        ck_assert_msg(type && strcmp(type->valuestring, types[f->kind]) == 0,
                      "%s.%s: expected \"type\": \"%s\"", where, property->string, types[f->kind]);
    if (f->max > f->min &&
        (f->kind == JSON_AS_UINT || f->kind == JSON_AS_INT || f->kind == JSON_AS_DOUBLE) &&
        !f->read) {
        testing_schema_bound(property, "minimum", f->min, where);
        testing_schema_bound(property, "maximum", f->max, where);
    }
    const cJSON *names = testing_schema_get(property, "enum");
    for (int i = 0; f->kind == JSON_AS_CHOICE && f->names[i]; i++)
        ck_assert_msg(testing_schema_lists(names, f->names[i]), "%s.%s: expected \"%s\"", where,
                      property->string, f->names[i]);
    for (int i = 0; f->kind == JSON_AS_CHOICE && i < cJSON_GetArraySize(names); i++)
        ck_assert_msg(f->names[i] != NULL, "%s.%s: too many names", where, property->string);
}

static inline void testing_schema_check(const cJSON *root, const cJSON *node,
                                        const struct json_table *t, const char *where);

static inline void testing_schema_rows(const cJSON *root, const cJSON *node,
                                       const struct json_table *t, const char *where)
{
    const cJSON *required = testing_schema_get(node, "required");
    for (const struct json_field *f = t->rows; f < t->rows + t->count; f++) {
        if (f->kind == JSON_AS_INLINE)
            testing_schema_rows(root, node, f->table, where);
        if (!f->name)
            continue;
        const cJSON *property = testing_schema_target(
            root, testing_schema_get(testing_schema_get(node, "properties"), f->name));
        ck_assert_msg(f->required == testing_schema_lists(required, f->name),
                      "%s.%s: required by one of table and schema", where, f->name);
        testing_schema_type(property, f, where);
        if (f->table)
            testing_schema_check(root, property, f->table, f->name);
        if (f->item && f->item->table)
            testing_schema_check(root, testing_schema_get(property, "items"), f->item->table,
                                 f->name);
    }
}

static inline void testing_schema_check(const cJSON *root, const cJSON *node,
                                        const struct json_table *t, const char *where)
{
    const char *names[SCHEMA_KEYS + 1];
    const cJSON *keys[SCHEMA_KEYS];
    node = testing_schema_target(root, node);
    if (cJSON_IsObject(testing_schema_get(node, "additionalProperties"))) /* of any names */
        node = testing_schema_target(root, testing_schema_get(node, "additionalProperties"));
    size_t known = json_fields_names(t, names, SCHEMA_KEYS);
    size_t stated = testing_schema_keys(root, node, keys);
    for (size_t i = 0; i < known; i++) {
        bool found = false;
        for (size_t k = 0; k < stated; k++)
            found = found || strcmp(keys[k]->string, names[i]) == 0;
        ck_assert_msg(found, "%s: the schema lacks \"%s\"", where, names[i]);
    }
    for (size_t k = 0; k < stated; k++) {
        bool found = false;
        for (size_t i = 0; i < known; i++)
            found = found || strcmp(keys[k]->string, names[i]) == 0;
        ck_assert_msg(found, "%s: the table lacks \"%s\"", where, keys[k]->string);
    }
    if (testing_schema_get(node, "properties"))
        testing_schema_rows(root, node, t, where);
}

#endif
