/* What was decided, for a person: the answer, the candidates, how sure it is, what would change it.
 */
#ifndef FAREBOX_CLI_REPORT_TEXT_DECIDE_TEXT_H
#define FAREBOX_CLI_REPORT_TEXT_DECIDE_TEXT_H

#include "core/buffer.h"
#include "sim/decide/decide.h"

/* `width` columns wide. */
void decide_write_text(const struct decide *d, int width, struct buffer *out);

/* Its sentences, one a line, for who shows them elsewhere: the question; the answer; how sure it
 * is; what it hinges on. */
void decide_question_text(const struct decide *d, struct buffer *out);
void decide_answer_text(const struct decide *d, struct buffer *out);
void decide_surety_text(const struct decide *d, struct buffer *out);
void decide_hinges_text(const struct decide *d, struct buffer *out);

/* The same as a member of decide.json, "sentences": lists of texts, and the remarks on single
 * candidates. The page says them from there. */
void decide_put_sentences(const struct decide *d, struct json_writer *w);

/* The candidates in the order in which they are shown: judged ones that serve by their money for
 * each good request, then what does not, then plans that nobody measured. `out` has room for all.
 */
void decide_order(const struct decide *d, size_t *out);

/* "$1,234.56", "$0.004321"; of NAN "–". */
#define DECIDE_USD_SIZE 40
const char *decide_usd(double usd, char out[DECIDE_USD_SIZE]);

#endif
