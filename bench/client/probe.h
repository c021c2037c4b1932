/* The probe: small requests before the run that tell which members of a body the endpoint takes,
 * what its tokenizer makes of our words, and the model's name where none was given. One tries what
 * bodies hold; two measure where each word is one token; where it is not, the words are weighed
 * (bench/prompt/learn.h) by /tokenize, or where the endpoint does not serve that, by further small
 * requests.
 *
 *     struct fidelity_probe result;
 *     probe_run(&endpoint, maker, &config, &result);   // sets the maker's scale where it succeeds
 *
 * A probe that fails is no error: the run goes on with one token a word, and `note` says why.
 */
#ifndef FAREBOX_BENCH_CLIENT_PROBE_H
#define FAREBOX_BENCH_CLIENT_PROBE_H

#include "bench/client/bench_config.h"
#include "bench/prompt/prompt.h"
#include "core/runs/summary/fidelity.h"

/* Words of the request that tries what bodies may hold, at two tokens each at most. */
#define PROBE_TRIAL_WORDS 8

/* Asks GET /models for the first model's name where the endpoint has none: fills endpoint->model.
 * Then, unless the config says no_probe, tries what a body may hold, measures where the config does
 * not know the model's scale, and looks for the length of the model's context. An exchange may take
 * as long as a request of the run, all of them 30 s; after one that took too long, or when a stop
 * is requested, nothing more is asked. */
void probe_run(struct endpoint *endpoint, struct prompt_maker *maker,
               const struct bench_config *config, struct fidelity_probe *result);

/* What a probe of another process learnt of the endpoint, as if it had been learnt here: nothing is
 * asked. `result` copies what `learnt` says, but its endpoint's name. */
void probe_repeat(struct endpoint *endpoint, struct prompt_maker *maker,
                  const struct fidelity_probe *learnt, struct fidelity_probe *result);

/* The first model of GET /models, the first id in {"data": [{"id": "..."}]}; NULL where there is
 * none. The caller frees it. */
char *probe_first_model(const struct buffer *answer);

/* What a probe that was measured learnt, as the next one may know it. */
void prompt_scale_of(const struct fidelity_probe *probe, struct prompt_scale *out);

#endif
