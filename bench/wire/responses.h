/* OpenAI's Responses API: an input made of a chat's messages, typed events, a whole answer.
 *
 *     {"type": "response.output_text.delta", "delta": " fare", ...}     // tokens
 *     {"type": "response.completed", "response": {"output": [...], "usage": {...}}}   // the end
 *
 * - Tokens are what comes in deltas: text, refusals, reasoning or a summary of it, the names and
 *   arguments of calls, transcripts of speech. A text that came in no delta counts where it first
 *   stands whole: in the event that ends it, else in its item, else in the response.
 * - finish_reason is chat's word for it: "stop", "tool_calls" (a function is to be called),
 *   "length" (incomplete by max_output_tokens), else the reason that was given.
 * - Events of other types bear nothing.
 */
#ifndef FAREBOX_BENCH_WIRE_RESPONSES_H
#define FAREBOX_BENCH_WIRE_RESPONSES_H

#include "bench/wire/api.h"

/* Appends the items that say the same as a chat's `messages`, a JSON array: roles, texts, pictures,
 * files, tool calls and their results; reasoning is left out. 0, or -1 beyond the buffer's cap. */
int responses_add_input(struct text messages, struct buffer *out);

int responses_read_event(const struct answer_so_far *so_far, const char *event, struct text data,
                         struct chunk *out);
int responses_read_answer(struct text body, struct chunk *out);

/* ---- conversations (struct bench_api: read_reply, add_turn) ---- */

/* The input of a made prompt, an array of items: the history, and the user's message, in which the
 * images stand behind the made text. */
int responses_add_made(const struct api_prompt *p, struct buffer *out);

/* The output of a response replaces what its events said; functions and custom tools are called,
 * and what the server ran itself is left out. */
void responses_read_reply(struct text payload, struct reply *r);

/* The user's message, the assistant's, its calls, and a made result for each of them. */
int responses_add_turn(const struct api_prompt *p, const struct reply *r, struct buffer *out);

/* ---- for the reader of events ---- */

/* An item of an output, a JSON object: its texts as tokens of the chunk. */
void responses_read_item(struct text item, struct chunk *c);

/* The name of a call that begins, as a token; nothing for another item. */
void responses_read_call(struct text item, struct chunk *c);

/* What a response says of its end: usage, finish_reason, error, and the texts of its output where
 * the earlier events bore none. `status` stands for the one that it does not name. -1 for what is
 * no JSON object. */
int responses_read_response(struct text json, struct text status,
                            const struct answer_so_far *so_far, struct chunk *c);

#endif
