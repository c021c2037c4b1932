/* Quotes: what a plan charges for one usage, given as a JSON object or piece by piece.
 *
 *     {"plan": "openai/gpt-5", "input": 12000, "cached_input": 8000, "cache_write": 0,
 *      "cache_write_1h": 0, "output": 600, "reasoning": 200, "service": "batch",
 *      "at": "2026-11-01T12:00:00Z", "model": "gpt-5", "class": "rag",
 *      "labels": {"region": "eu"}, "tools": {"web_search": 2}, "units": {"input_image": 1}}
 *
 *     struct quote q;
 *     quote_init(&q);
 *     if (quote_parse("usages.jsonl", line, 7, &q, err) < 0) return err->code;
 *     if (quote_price(plan, &q, &charge, err) < 0) return err->code;
 *
 * `input` counts the cached and written tokens in, `output` the reasoning, as traces do, and the
 * classes of pictures and sound ("image_input", ...) are inside them, too. A quote
 * owns its texts in place; nothing is to be freed.
 */
#ifndef FAREBOX_SIM_COST_BOOK_QUOTE_H
#define FAREBOX_SIM_COST_BOOK_QUOTE_H

#include "core/text.h"
#include "sim/cost/book/price.h"

#define QUOTE_MOST \
    INT64_C(1000000000000) /* tokens of a class, and calls or units: no request has as many */
#define QUOTE_EXTRAS_MAX 32
#define QUOTE_NAME_SIZE 64
#define QUOTE_PLAN_SIZE 256
#define QUOTE_LABELS_SIZE 1024

struct quote {
    char plan[QUOTE_PLAN_SIZE]; /* "" = not said */
    char model[QUOTE_PLAN_SIZE], class_name[QUOTE_NAME_SIZE];
    char labels[QUOTE_LABELS_SIZE]; /* a JSON object, or "" */
    uint64_t input, cached_input, cache_write, cache_write_1h, output, reasoning;
    uint64_t media[USAGE_MEDIA_CLASSES];
    enum service service;
    char other_service[SERVICE_NAME_MAX + 1]; /* the name of SERVICE_OTHER */
    int64_t at_unix_ns;                       /* TIME_NEVER = not said: windows do not apply */
    char extra_names[QUOTE_EXTRAS_MAX][QUOTE_NAME_SIZE];
    struct usage_extra extras[QUOTE_EXTRAS_MAX]; /* names are set by quote_price */
    size_t extra_count;
};

void quote_init(struct quote *q);

/* Reads one object. ERR_INPUT with file, line and column: an unknown key, a part larger than its
 * whole, a number out of range. */
int quote_parse(const char *file, struct text line, long number, struct quote *out,
                struct error *err);

/* Adds `count` calls of a tool or units. ERR_INPUT: too many different ones, no such number. */
int quote_add_extra(struct quote *q, bool is_unit, struct text name, struct text count,
                    struct error *err);

/* Adds a label. ERR_INPUT: quotes or escapes in it, or the labels are too long. */
int quote_add_label(struct quote *q, struct text key, struct text value, struct error *err);

/* Sets the service by its name. ERR_INPUT: the name is too long. */
int quote_set_service(struct quote *q, struct text name, struct error *err);

/* The plan's usage charges, its subscription left aside. ERR_INPUT: the plan does not serve the
 * model, or the sum passes 1.7e14 USD. */
int quote_price(const struct plan *plan, struct quote *q, struct charge *out, struct error *err);

#endif
