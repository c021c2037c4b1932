/* The counting of tokens beside an API: POST /tokenize, which asks nothing of the model.
 *
 *     tokenize_add_body(TOKENIZE_PROMPT, "m", text, &body);
 *     uint64_t tokens = tokenize_read(answer);          // 0 = the answer does not say
 *
 * vLLM and SGLang serve it with messages (in their chat template) or a prompt, llama.cpp with a
 * content, TGI with inputs. A server that does not know a form refuses it, or counts nothing.
 */
#ifndef FAREBOX_BENCH_WIRE_TOKENIZE_H
#define FAREBOX_BENCH_WIRE_TOKENIZE_H

#include "core/buffer.h"
#include "core/text.h"

#include <stdint.h>

enum tokenize_form {
    TOKENIZE_MESSAGES, /* {"model", "messages"} */
    TOKENIZE_PROMPT,   /* {"model", "prompt"} */
    TOKENIZE_CONTENT,  /* {"content"} */
    TOKENIZE_INPUTS,   /* {"inputs"} */
    TOKENIZE_FORMS
};

/* Appends the body; the text must need no escapes. */
void tokenize_add_body(enum tokenize_form form, const char *model, struct text text,
                       struct buffer *out);

/* `count`, else the elements of `tokens`, or of a list alone. */
uint64_t tokenize_read(struct text answer);

/* The URL's length without a version at the end of its path: .../v1, with its query left out. */
size_t tokenize_base_length(const char *url);

#endif
