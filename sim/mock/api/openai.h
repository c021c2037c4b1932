/* What OpenAI's APIs of one family share in the mock: members of requests, chunks, usage, errors.
 */
#ifndef FAREBOX_SIM_MOCK_API_OPENAI_H
#define FAREBOX_SIM_MOCK_API_OPENAI_H

#include "sim/mock/api/logprobs.h"
#include "sim/mock/api/mock_api.h"

/* Members that all bodies may have; those of bodies that ask for text; those that vLLM adds. */
extern const struct field openai_common[], openai_generation[], openai_vllm[];

/* Length, stream and stops of a body; 0, or -1 with the error. Then what it consists of: the length
 * under this name. */
int openai_parse_generation(struct ask *a, const struct ask_rules *rules, struct api_error *e);
int openai_parse_length(struct ask *a, const struct ask_rules *rules, const char *name,
                        struct api_error *e);
int openai_parse_stream(struct ask *a, struct api_error *e);
void openai_parse_priority(struct ask *a);

/* Adds a message's content: a string, or parts of which the text ones count. `where` names it in
 * the error. */
int openai_add_content(struct ask *a, const cJSON *content, const char *where, struct api_error *e);

/* "tools", "tool_choice" and "parallel_tool_calls"; a function's members stand nested below
 * "function", or in the tool itself. */
int openai_parse_tools(struct ask *a, bool nested, struct api_error *e);

/* Where a body asks for JSON: the path of the format in it, and the format's member that holds the
 * schema (NULL = itself). */
struct format_keys {
    const char *format, *schema_holder;
};

/* {"type": "text" | "json_object" | "json_schema"}; NULL is none. */
int openai_parse_format(struct ask *a, const cJSON *format, const struct format_keys *keys,
                        struct api_error *e);

/* "n": how many choices there are to be; for each of so many prompts. */
int openai_parse_choices(struct ask *a, uint32_t prompts, struct api_error *e);

/* "prompt" or "input": one text, texts, token numbers, or lists of them. Counts the texts. */
int openai_parse_texts(struct ask *a, const char *name, struct api_error *e);

/* A chunk of a stream: the head that all begin with, one choice, the end. openai_begin makes the
 * head, for chunks of this `object`. */
void openai_begin(struct rendering *r, const char *object);
void openai_open_chunk(struct rendering *r);
void openai_close_chunk(struct rendering *r);

/* A choice within: {"index": 0, and then the logprobs of some tokens of a part (count 0 = of none),
 * no finish_reason, }. */
void openai_open_choice(struct rendering *r);
void openai_close_choice(struct rendering *r, uint32_t part, uint32_t token, uint32_t count,
                         logprobs_add *add);

/* The chunk with the finish_reason, whose choice holds `empty`, and, behind the last choice, the
 * usage where it is wanted. */
void openai_finish(struct rendering *r, const char *empty, const struct usage *u);
void openai_end(struct rendering *r); /* [DONE] */

/* A whole answer: what is before its choices, `add` for what each holds, logprobs and the reason of
 * its end, and what is behind them. */
void openai_add_answer(const struct rendering *r, const char *object, const struct usage *u,
                       void (*add)(const struct rendering *r, const struct answer *a,
                                   uint32_t choice, struct buffer *out),
                       logprobs_add *add_logprobs, struct buffer *out);

/* The tokens of images, where there are any, as further members of the details of an input. */
void openai_add_images(const struct usage *u, struct buffer *out);

/* The usage object. */
void openai_add_usage(const struct usage *u, struct buffer *out);

#endif
