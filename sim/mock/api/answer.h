/* What the mock says: an answer of so many tokens, planned before its first token is due.
 *
 * An answer is a list of parts in the order of their tokens: reasoning, content, tool calls. The
 * text of a part is either made beforehand (JSON, tool arguments) or words counted off as the
 * tokens go; both are plain ASCII, and neither depends on time, so that the same request with the
 * same seed is answered with the same text.
 *
 *     struct answer a;
 *     answer_plan(&a, &ask, &rules, seed);
 *     for (each part p; each token t of p)
 *         answer_add_piece(&a, p, t, &text);      // the text of that token
 *     answer_free(&a);
 */
#ifndef FAREBOX_SIM_MOCK_API_ANSWER_H
#define FAREBOX_SIM_MOCK_API_ANSWER_H

#include "core/buffer.h"
#include "sim/mock/api/ask.h"

#include <stdbool.h>
#include <stdint.h>

enum part_kind { PART_REASONING, PART_CONTENT, PART_TOOL };

struct answer_part {
    enum part_kind kind;
    uint32_t tokens;
    char *text; /* owned; NULL: words by number */
    size_t length;
    char name[65], id[32]; /* of tool calls */
};

struct answer_rules {
    struct token_rules tokens;
    uint32_t reasoning_tokens; /* before every answer; 0 = not a reasoning model */
};

#define ANSWER_MAX_PARTS 10

struct answer {
    struct token_rules rules;
    struct answer_part parts[ANSWER_MAX_PARTS];
    uint32_t part_count;
    uint32_t tokens, reasoning_tokens; /* tokens: all, the reasoning too */
    uint32_t first_word;
    const char *finish_reason; /* "stop", "length", "tool_calls" */
    char *stop;                /* the stop string that ended it; owned, NULL */
};

void answer_plan(struct answer *a, const struct ask *ask, const struct answer_rules *rules,
                 uint64_t seed);
void answer_free(struct answer *a);

/* Appends the text of a part's token (0 = its first). */
void answer_add_piece(const struct answer *a, uint32_t part, uint32_t token, struct buffer *out);

/* Appends a token that could have stood there instead: number i of them, each another word. */
void answer_add_other(uint64_t seed, uint32_t i, struct buffer *out);

/* Appends all of a part's text. */
void answer_add_part(const struct answer *a, uint32_t part, struct buffer *out);

/* Adds that text to a prompt in which the answer is said again. */
void answer_repeat_part(const struct answer *a, uint32_t part, struct prompt *prompt);

#endif
