/* What servers call their metrics: a table from their names to ours.
 *
 *     struct server_rules rules = {0};
 *     server_rules_add(&rules, "accepted=vllm:spec_decode_num_accepted_tokens_total", err);
 *     struct server_line line;
 *     server_line_init(&line);
 *     if (server_names_read(&rules, body, &line, &found)) ...    // line.values, line.server
 *     server_rules_free(&rules);
 *
 * Known are vLLM, SGLang, TGI, llama.cpp, Dynamo, Triton with TensorRT-LLM, trtllm-serve, and the
 * exporters of DCGM and nvidia-smi. Where a server has several names for one thing (of an older and
 * a newer version) the first in the table counts. Series of one name, as of several engines, are
 * added up, or averaged where they are shares.
 */
#ifndef FAREBOX_BENCH_SERVER_SERVER_NAMES_H
#define FAREBOX_BENCH_SERVER_SERVER_NAMES_H

#include "core/error.h"
#include "core/runs/server/server_line.h"
#include "core/text.h"

#include <stdbool.h>
#include <stddef.h>

struct server_rule;

/* The user's own names. */
struct server_rules {
    struct server_rule *items;
    size_t count;
};

/* "name=pattern": the pattern is a metric's name with * and ?, and perhaps labels:
 * vllm:num_requests_*{engine="0"}; mean(...) and max(...) do not add its series up. A name of ours,
 * such as queue, takes the table's place. ERR_INPUT where it is none. */
int server_rules_add(struct server_rules *rules, const char *text, struct error *err);
void server_rules_free(struct server_rules *rules);

/* What was in an answer. */
struct server_found {
    size_t named, known;      /* of the server's metrics that have a name of ours; that the table
                                 knows of it */
    uint64_t samples, broken; /* lines of the answer */
};

/* Fills the line's values, others and server. False where the text holds no sample at all. */
bool server_names_read(const struct server_rules *rules, struct text body, struct server_line *line,
                       struct server_found *found);

#endif
