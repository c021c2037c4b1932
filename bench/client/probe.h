/* The probe: a few small requests before the run that tell which members of a body the endpoint
 * takes, what its tokenizer makes of our words, and the model's name where none was given.
 *
 *     struct fidelity_probe result;
 *     probe_run(&endpoint, maker, &config, &result);      // sets the maker's scale where it
 * succeeds
 *
 * A probe that fails is no error: the run goes on with one token a word, and `note` says why.
 */
#ifndef FAREBOX_BENCH_CLIENT_PROBE_H
#define FAREBOX_BENCH_CLIENT_PROBE_H

#include "bench/client/bench_config.h"
#include "bench/prompt/prompt.h"
#include "core/runs/summary/fidelity.h"

/* Words of its prompts, at two tokens each at most. */
#define PROBE_TRIAL_WORDS 8
#define PROBE_FEW_WORDS 32
#define PROBE_MANY_WORDS 1056

/* Asks GET /models for the first model's name where the endpoint has none: fills endpoint->model.
 * Then tries what a body may hold, and measures, unless the config says no_probe. An exchange may
 * take as long as a request of the run, all of them 30 s; after one that took too long, or when a
 * stop is requested, nothing more is asked. */
void probe_run(struct endpoint *endpoint, struct prompt_maker *maker,
               const struct bench_config *config, struct fidelity_probe *result);

/* The first model of GET /models, the first id in {"data": [{"id": "..."}]}; NULL where there is
 * none. The caller frees it. */
char *probe_first_model(const struct buffer *answer);

#endif
