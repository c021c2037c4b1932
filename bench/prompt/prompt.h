/* Request bodies, made to the asked token length.
 *
 * Text is cut from one pool of common words, so that a body is a few block copies while the clock
 * runs. Length: as many words as cost the asked tokens without the template's, both learnt from the
 * endpoint before the run (learn.h, bench/client/probe.h). The same scale, salt and workload give
 * the same bodies.
 *
 *     struct prompt_maker *m = prompt_maker_create(&config, &workload, err);
 *     prompt_maker_set_scale(m, &scale);
 *     prompt_maker_build(m, &workload, &due, model, &body);       // body: a JSON object
 *     prompt_maker_free(m);
 *
 * - Without prefix blocks every prompt begins with words of its own: no prefix cache can hit.
 * - With them (hash_ids) equal blocks at equal positions give equal text, so that a real server's
 *   prefix cache hits where the workload says.
 * - The salt keeps runs apart; salt 0 gives the same text in every run ("fixed").
 * - Its images are pictures made to their sizes, different in every request (picture.h).
 * - A request's own `messages` are sent as they are, and then no images. Each key is sent once: as
 *   the request's own `body` has it, else as the extra body has it, else ours; null leaves it out.
 * A body that streams asks for usage.
 *
 * The maker owns its pool and does not change once the run has begun: workers share it.
 */
#ifndef FAREBOX_BENCH_PROMPT_PROMPT_H
#define FAREBOX_BENCH_PROMPT_PROMPT_H

#include "bench/prompt/learn.h"
#include "bench/prompt/threads.h"
#include "bench/wire/api.h"
#include "core/buffer.h"
#include "workloads/load/schedule.h"
#include "workloads/model/workload.h"

struct prompt_config {
    const struct bench_api *api;
    bool stream;
    const char *extra_body; /* a JSON object whose members are added; NULL */
    const char *output_key; /* NULL = as the API calls it */
    uint64_t salt;
};

struct prompt_maker;

/* ERR_INPUT if extra_body is not a JSON object of different keys, or where the workload has images
 * and the API takes none. Borrows nothing. */
struct prompt_maker *prompt_maker_create(const struct prompt_config *config,
                                         const struct workload *w, struct error *err);
void prompt_maker_free(struct prompt_maker *m);

/* What the endpoint's tokenizer makes of our words; one token each, and no template, before. */
void prompt_maker_set_scale(struct prompt_maker *m, const struct prompt_scale *scale);

/* What a strict server may refuse: "stream", "stream_options" and the key for the output's length,
 * as far as bodies hold them by our own choice, not by the extra body's. */
bool prompt_maker_adds(const struct prompt_maker *m, struct text key);

/* Before the run, for all of it: leaves such a key out (without a stream, its options too); names
 * the output's length otherwise. A request's own body is not touched. */
void prompt_maker_leave_out(struct prompt_maker *m, const char *key);
void prompt_maker_name_output(struct prompt_maker *m, const char *key);
/* Into how many documents a prompt is cut where the API wants several (rerank); 1 unless said. */
void prompt_maker_set_documents(struct prompt_maker *m, uint32_t documents);

/* Whether bodies have a request's priority where it is not 0, as vLLM takes it; not at first. */
void prompt_maker_send_priority(struct prompt_maker *m, bool send);

/* Appends the body of a request. Returns 0, or -1 if it passes the buffer's cap. */
int prompt_maker_build(const struct prompt_maker *m, const struct workload *w,
                       const struct due *due, const char *model, struct buffer *out);

/* What was made for a request. */
struct prompt_made {
    double text_tokens;      /* of the text that was made anew */
    bool later;              /* a later turn, which carries its session's history */
    uint32_t earlier_images; /* that the history has */
    bool longer; /* the history alone is beyond the asked length: the text is one word */
};

/* Whether the row's prompt is made text, that can stand in a conversation. */
bool prompt_maker_makes(const struct prompt_maker *m, uint32_t row);

/* The same as prompt_maker_build() within a session: what it has said so far, and text that fills
 * up to the asked length. A thread of no turns yet, or NULL, is a prompt as any other. */
int prompt_maker_build_turn(const struct prompt_maker *m, const struct workload *w,
                            const struct due *due, const char *model, const struct thread *thread,
                            struct prompt_made *made, struct buffer *out);

/* Adds to the thread what was made of a request and what came: from here on its prompt has so many
 * tokens of text before any that is new. What does not fit leaves the thread as it was. */
void prompt_maker_add_turn(const struct prompt_maker *m, const struct workload *w,
                           const struct due *due, const struct prompt_made *made,
                           const struct reply *reply, double tokens, struct thread *thread);

/* Appends the body of a probe: that text, which needs no escapes; one output token (or as few as
 * the API lets ask for), no stream. */
int prompt_maker_build_probe(const struct prompt_maker *m, const char *model, struct text text,
                             struct buffer *out);

/* The same of a prompt which that text and an answer of it, said before, stand ahead of. */
int prompt_maker_build_probe_turn(const struct prompt_maker *m, const char *model, struct text text,
                                  struct buffer *out);

/* Appends the body of a small request that is in all else as those of the run: with its stream. */
int prompt_maker_build_trial(const struct prompt_maker *m, const char *model, uint32_t words,
                             uint32_t output, struct buffer *out);

#endif
