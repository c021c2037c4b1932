/* Names of models: whether two mean the same one.
 *
 *     model_name_same("us.anthropic.claude-sonnet-4-5-20250929-v1:0", "claude-sonnet-4.5")   //
 * true model_name_same("gpt-4o", "gpt-4o-mini")                                               //
 * false
 *
 * Sellers write one model in many ways: with the maker's name before it or not, dots or dashes in
 * its version, a date, a region or "latest" behind it. Names are compared by their last part (after
 * the last '/', up to ':' or '@'), word by word, without dates and such words at the end; the
 * shorter one must be how the longer one ends.
 */
#ifndef FAREBOX_SIM_COST_TOKENS_MODEL_NAME_H
#define FAREBOX_SIM_COST_TOKENS_MODEL_NAME_H

#include "sim/cost/book/plan.h"

bool model_name_same(const char *a, const char *b);

/* The model that the name of a plan says it sells, "gpt-4o" of "openai/gpt-4o": where it charges by
 * the token, is not paid by the period, and the last part of its name is a model's. NULL: it names
 * none. Borrowed from the plan. */
const char *model_name_of_plan(const struct plan *plan);

#endif
