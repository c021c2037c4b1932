/* What a command found: text for people, and JSON for machines and files.
 *
 *     struct output o;
 *     output_begin(&o);
 *     bill_write_table(&bill, t->width, &o.text);
 *     bill_write_json(&bill, &o.json);
 *     status = output_keep(&o, "results/x", "bill.json", err);
 *     output_end(&o, t->human, common->json ? t->machine : NULL);
 */
#ifndef FAREBOX_CLI_OUTPUT_H
#define FAREBOX_CLI_OUTPUT_H

#include "core/error.h"
#include "core/json/json_write.h"

#include <stdio.h>

struct output {
    struct buffer text, document;
    struct json_writer json; /* writes the document */
};

void output_begin(struct output *o);

/* Writes the document as a file of the directory (NULL: `name` is its path), whole or not at all.
 */
int output_keep(struct output *o, const char *directory, const char *name, struct error *err);

/* Prints the text and the document, each where its stream is not NULL, and frees both. */
void output_end(struct output *o, FILE *human, FILE *machine);

#endif
