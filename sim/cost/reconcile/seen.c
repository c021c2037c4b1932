#include "sim/cost/reconcile/seen.h"

#include "core/json/json_scan.h"

#include <stdio.h>
#include <string.h>

#define HOUR_NS (INT64_C(3600) * NS_PER_S)
#define LABEL_SIZE 512

static int hour_of(int64_t at_ns)
{
    return (int)((at_ns - clock_floor(at_ns, 24 * HOUR_NS)) / HOUR_NS);
}

/* The object's next key and value, as "key" and "key=value". */
static bool next_label(struct json_scan *s, char key[LABEL_SIZE], char pair[2 * LABEL_SIZE])
{
    struct text name, value;
    if (!json_object_next(s, &name) || !json_skip(s, &value))
        return false;
    snprintf(key, LABEL_SIZE, "%.*s", (int)name.length, name.at);
    snprintf(pair, 2 * LABEL_SIZE, "%.*s=%.*s", (int)name.length, name.at, (int)value.length,
             value.at);
    return true;
}

static void add_labels(struct seen *seen, const char *labels)
{
    char key[LABEL_SIZE], pair[2 * LABEL_SIZE];
    struct json_scan s;
    json_scan_init(&s, "labels", labels, strlen(labels), 1);
    json_object_begin(&s);
    while (next_label(&s, key, pair)) {
        names_add(&seen->labels, text_of(key));
        names_add(&seen->labels, text_of(pair));
    }
}

void seen_make(struct seen *seen, const struct own_list *own)
{
    const char *last = NULL;
    *seen = (struct seen){0};
    names_init(&seen->models);
    names_init(&seen->labels);
    for (size_t i = 0; i < own->count; i++) {
        const struct own *o = &own->items[i];
        if (o->model)
            names_add(&seen->models, text_of(o->model));
        else
            seen->without_model = true;
        if (o->labels && o->labels != last)
            add_labels(seen, last = o->labels);
        if (o->at_ns == TIME_NEVER)
            continue;
        seen->timed = true;
        seen->hours |= UINT32_C(1) << hour_of(o->at_ns);
    }
}

void seen_free(struct seen *seen)
{
    names_free(&seen->models);
    names_free(&seen->labels);
}

bool seen_has_model(const struct seen *seen, const char *model)
{
    return !model || seen->without_model || names_find(&seen->models, text_of(model)) != NAME_NONE;
}

/* A label counts whose key the records have too. */
static bool has_other_label(const struct seen *seen, const char *labels)
{
    char key[LABEL_SIZE], pair[2 * LABEL_SIZE];
    struct json_scan s;
    bool other = false;
    json_scan_init(&s, "labels", labels, strlen(labels), 1);
    json_object_begin(&s);
    while (next_label(&s, key, pair))
        other = other || (names_find(&seen->labels, text_of(key)) != NAME_NONE &&
                          names_find(&seen->labels, text_of(pair)) == NAME_NONE);
    return other;
}

bool seen_is_other(const struct seen *seen, const char *model, const char *labels, int64_t at_ns,
                   int64_t offset_ns)
{
    if (!seen_has_model(seen, model) || (labels && has_other_label(seen, labels)))
        return true;
    return at_ns != TIME_NEVER && seen->timed && !(seen->hours >> hour_of(at_ns - offset_ns) & 1);
}
