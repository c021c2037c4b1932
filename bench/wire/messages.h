/* Anthropic's messages on the wire: requests made of OpenAI's lists, events and answers.
 *
 * A stream is message_start (the usage of the prompt), for each block of the answer
 * content_block_start, content_block_delta ... and content_block_stop, then message_delta (the
 * stop_reason, the usage to the end) and message_stop; a ping may come anywhere. What bears tokens
 * is told by its members, not by the name of its type: `text` is content, `thinking` reasoning, a
 * tool's `name`, `input` and `partial_json` tool-call text, whoever runs the tool. Signatures,
 * citations, redacted thinking and the results of tools bear none.
 *
 *     if (messages_read_event(&so_far, "message_delta", data, &chunk) < 0) ...
 *     messages_add_prompt(list, &body);             // "system":[...],"messages":[...],
 *
 * Nothing is kept or allocated but for a call's arguments, and what a reply gathers.
 */
#ifndef FAREBOX_BENCH_WIRE_MESSAGES_H
#define FAREBOX_BENCH_WIRE_MESSAGES_H

#include "bench/wire/api.h"

/* An event. Its usage is that of the answer so far: counts are cumulative, and an event that tells
 * the output alone leaves the input as it was. A stop_reason becomes OpenAI's finish_reason where
 * it has one (end_turn, stop_sequence: stop; max_tokens, model_context_window_exceeded: length;
 * tool_use: tool_calls), else it stays as it is (refusal, pause_turn). */
int messages_read_event(const struct answer_so_far *so_far, const char *event, struct text data,
                        struct chunk *out);

/* A whole answer, or the body of an error. */
int messages_read_answer(struct text body, struct chunk *out);

/* Appends a list of messages, in OpenAI's form or Anthropic's own, as the members "system" (where
 * it has any) and "messages", each with a comma behind it. System and developer messages become
 * the system prompt, tool_calls and tool messages blocks of tool_use and tool_result, images
 * blocks of theirs; reasoning is left out, and blocks that Anthropic has too go unchanged. What is
 * no list goes as it is. 0, or -1 beyond the buffer's cap. */
int messages_add_prompt(struct text list, struct buffer *out);

/* Appends a JSON object as it is; what is none becomes an empty one. */
void messages_add_object(struct text json, struct buffer *out);

/* ---- conversations (struct bench_api: read_reply, add_turn) ---- */

/* The user's message of a made prompt: the made text, and behind it the images. */
int messages_add_user(const struct api_prompt *p, struct buffer *out);

/* Texts and the calls of the client's tools, by the numbers of their blocks; what the server ran
 * itself is left out. */
void messages_read_reply(struct text payload, struct reply *r);

/* The user's message, the assistant's blocks, and a message of made results where tools were
 * called. An answer that says nothing has no message: Anthropic takes none that is empty. */
int messages_add_turn(const struct api_prompt *p, const struct reply *r, struct buffer *out);

#endif
