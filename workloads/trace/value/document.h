/* Rows of JSON that do not stand one a line: the elements of an array, of a list in an object
 * ({"data": [...]}), or objects that follow each other over several lines. Private to workloads/.
 *
 *     struct trace_document d;
 *     document_init(&d, max_line);
 *     if (document_begins(&d, first_bytes, &element)) ...     // what the first element is
 *     while ((more = document_next(&d, &lines, &element, err)) > 0) ...
 *     if (document_is_open(&d)) ...                            // the file was cut short
 *     document_free(&d);
 *
 * One element is held at a time.
 */
#ifndef FAREBOX_WORKLOADS_TRACE_VALUE_DOCUMENT_H
#define FAREBOX_WORKLOADS_TRACE_VALUE_DOCUMENT_H

#include "core/file.h"

struct trace_document {
    int base;              /* how many brackets stand around an element */
    int depth;             /* around what comes next */
    bool in_text, escaped; /* inside a string */
    bool in_list;          /* inside the list whose elements are wanted */
    char key[32];          /* the string read last outside elements */
    size_t key_length;
    struct text rest;      /* of the line read last */
    struct buffer element; /* the open or the last one */
    long number;           /* the line on which it begins */
    bool was_cut;          /* the file before ended inside its document */
};

#define DOCUMENT_CUT 2

void document_init(struct trace_document *d, size_t max_element);
void document_free(struct trace_document *d);

/* Whether the first bytes of a file are such a document (an object a line is none); if so, *first
 * is its first element, cut where the bytes end. */
bool document_begins(struct trace_document *d, struct text bytes, struct text *first);

/* The next element, lent until the next call: 1, 0 at the end, or an error. DOCUMENT_CUT where one
 * of several files ended inside its document: the next call goes on with the next file. */
int document_next(struct trace_document *d, struct line_reader *lines, struct text *element,
                  struct error *err);

/* True at the end of a file that ended inside its document. */
bool document_is_open(const struct trace_document *d);

/* What such a file holds of the element in which it ended. False where it ended between two. */
bool document_partial(const struct trace_document *d, struct text *element);

#endif
