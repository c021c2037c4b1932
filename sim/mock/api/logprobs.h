/* Logarithms of probabilities, as OpenAI's APIs tell them of an answer's tokens.
 *
 *     struct logprobs_of of = {&answer, part, 0, 3, 2, 0};      // three tokens, two alternatives
 *     logprobs_add_content(&of, &out);           // chat: {"content": [{"token": " a", ...}], ...}
 *     logprobs_add_lists(&of, &out);             // completions: {"tokens": [...], ...}
 *
 * They are drawn from the token's place and text, the same in every run: the token that was chosen
 * is the likeliest, each alternative half as likely as the one before, and all of them sum up to
 * less than 1.
 */
#ifndef FAREBOX_SIM_MOCK_API_LOGPROBS_H
#define FAREBOX_SIM_MOCK_API_LOGPROBS_H

#include "sim/mock/api/answer.h"

#define LOGPROBS_MOST 20 /* alternatives */

/* Tokens of a part of an answer. */
struct logprobs_of {
    const struct answer *answer;
    uint32_t part, token, count;
    uint32_t top;       /* alternatives of each, the chosen one among them; 0 = none are told */
    size_t text_offset; /* bytes of text before the first; moved behind the last */
};

/* Append the object. */
typedef void logprobs_add(struct logprobs_of *of, struct buffer *out);
void logprobs_add_content(struct logprobs_of *of, struct buffer *out);
void logprobs_add_lists(struct logprobs_of *of, struct buffer *out);

#endif
