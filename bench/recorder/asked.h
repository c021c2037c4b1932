/* What a request's body asks, as far as a recording keeps it.
 *
 *     struct asked a;
 *     asked_init(&a);
 *     asked_read(&a, body, "metadata.user_id");
 *     use(a.model, a.prompt, a.turns);
 *     asked_free(&a);
 *
 * The canonical prompt is everything that the model reads, in the order in which servers put it
 * together: tools, system, messages. White space between JSON's values, the names of members that
 * are in every message, and marks for caches are no part of it; of long values without a blank
 * (pictures, sound) it holds a hash.
 *
 * Texts are owned by the struct, and stay until it reads again.
 */
#ifndef FAREBOX_BENCH_RECORDER_ASKED_H
#define FAREBOX_BENCH_RECORDER_ASKED_H

#include "core/buffer.h"
#include "core/text.h"
#include "workloads/model/workload.h"

#include <stdbool.h>
#include <stdint.h>

struct asked {
    bool is_read;                     /* the body is a JSON object */
    char *model, *service;            /* NULL where it says none */
    char *session;                    /* at the path that was asked for; NULL */
    uint32_t output;                  /* the limit of the answer; 0 = none */
    enum request_initiator initiator; /* the agent, where a tool's answer comes last */
    struct text messages, body;       /* as they stand in the body; empty where there are none */
    struct buffer prompt;
    size_t *turns; /* where in the prompt each message ends; the first: where they begin */
    size_t turn_count, turn_capacity;
};

void asked_init(struct asked *a);
void asked_free(struct asked *a);

/* Reads a body; `session_path` ("metadata.user_id") may be NULL. What is no JSON object is a prompt
 * of its bytes. The body is lent. */
void asked_read(struct asked *a, struct text body, const char *session_path);

#endif
