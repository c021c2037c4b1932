/* What OpenAI's APIs of one family share: chat completions (choices[].delta or .message),
 * completions (choices[].text), embeddings (data[]).
 *
 * The sums of a usage object are made disjoint, see chunk_read_usage(). Unknown keys are skipped;
 * nothing is allocated. Whatever is read keeps its lists' order and lends its texts.
 */
#ifndef FAREBOX_BENCH_WIRE_OPENAI_H
#define FAREBOX_BENCH_WIRE_OPENAI_H

#include "bench/wire/api.h"

/* For the rows of the table. */
extern const char *const openai_prompt_keys[], *const openai_output_keys[];

/* A streamed chunk, or "[DONE]". */
int openai_read_event(const struct answer_so_far *so_far, const char *event, struct text data,
                      struct chunk *out);

/* A whole answer, or the body of an error; -1 if it is not one JSON object of that form (what was
 * found so far is then undefined). */
int openai_read_answer(struct text body, struct chunk *out);

#endif
