/* Looking things up in a JSON document that stays as it is: for those who show a result that some
 * command wrote, and need some of its figures only.
 *
 *     struct text slo, limit;
 *     if (json_look(document, "slo", &slo)) ...
 *     double rate = json_look_number(document, "rate_rps");      // NAN: absent or null
 *     struct text *points;
 *     size_t count = json_look_items(document, "points", &points);
 *     for (size_t i = 0; i < count; i++) show(json_look_number(points[i], "value"));
 *     free(points);
 *
 * Views are lent from the document. What is absent, null, of another kind or no JSON at all is not
 * found; nothing is an error.
 */
#ifndef FAREBOX_CORE_JSON_JSON_LOOK_H
#define FAREBOX_CORE_JSON_JSON_LOOK_H

#include "core/json/json_scan.h"
#include "core/money.h"

/* The value of a key as it is written, strings with their quotes. */
bool json_look(struct text object, const char *key, struct text *value);

/* The same of an object; JSON_NO_OBJECT, in which nothing is found, where there is none. */
struct text json_look_part(struct text object, const char *key);
#define JSON_NO_OBJECT ((struct text){"{}", 2})

double json_look_number(struct text object, const char *key);
bool json_look_true(struct text object, const char *key);

/* Unescaped; NULL: not found. The caller frees it. */
char *json_look_string(struct text object, const char *key);

/* A decimal string, exact. */
bool json_look_money(struct text object, const char *key, money *out);

/* The elements of a list; the caller frees the array. 0, and NULL, where there is none. */
size_t json_look_items(struct text object, const char *key, struct text **items);

/* A list of two numbers, such as the ends of an interval; false, and NAN twice, where it is none.
 */
bool json_look_pair(struct text object, const char *key, double pair[2]);

/* The text of an element that is a string; NULL where it is none. The caller frees it. */
char *json_text_of(struct text value);

/* An element that is a number; NAN where it is none. */
double json_number_of(struct text value);

#endif
