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

/* ---- conversations (struct bench_api: read_reply, add_turn) ---- */

void openai_read_reply(struct text payload, struct reply *r);

/* The user's message: the made text, and behind it the images. */
int openai_add_user(const struct api_prompt *p, struct buffer *out);

/* The user's message, the assistant's with its tool calls, and a made result for each of them. */
int openai_add_message_turn(const struct api_prompt *p, const struct reply *r, struct buffer *out);

/* The prompt's text and the answer's. */
int openai_add_text_turn(const struct api_prompt *p, const struct reply *r, struct buffer *out);

#endif
