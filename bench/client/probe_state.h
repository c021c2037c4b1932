/* The inside of a probe, shared by its files: probe.c (exchanges, models, measuring), probe_body.c
 * (what an endpoint takes).
 */
#ifndef FAREBOX_BENCH_CLIENT_PROBE_STATE_H
#define FAREBOX_BENCH_CLIENT_PROBE_STATE_H

#include "bench/client/probe.h"
#include "bench/wire/tokenize.h"

/* A probe under way. */
struct probe {
    struct endpoint *endpoint;
    const struct bench_config *config;
    const struct prompt_maker *maker;
    struct fidelity_probe *result;
    CURL *easy;
    struct buffer answer; /* of the last exchange */
    struct buffer words;  /* of its refusal, with whatever secrets it holds */
    long status;          /* of its answer; 0 = none */
    char type[64];        /* its content type; "" */
    enum tokenize_form form;
    bool form_known, not_tokenized; /* /tokenize takes the form; is not served */
    bool unbilled;                  /* answers report no usage: /tokenize counts */
    int64_t until_ns;
    bool over; /* a stop is asked for, or the time is: nothing more is sent */
};

/* The model's name as bodies have it; owned by the endpoint. */
const char *probe_model(const struct probe *p);

/* One blocking exchange; body NULL = GET. `what` is asked, for messages: "a prompt to count". 0, or
 * -1 with the reason in result->note. */
int probe_exchange(struct probe *p, const struct buffer *body, const char *what);

/* Asks GET /models: the answer is in p->answer. 0, or -1 with the reason in result->note. */
int probe_ask_models(struct probe *p);

/* ---- probe_body.c ---- */

/* Sends a small request as the run will send them, with its stream, and leaves out of the run's
 * bodies, or names otherwise, what the endpoint says that it does not take: result->remarks tells.
 * Where it is the model that is not there, result->served lists those that are. */
void probe_try_body(struct probe *p, struct prompt_maker *m);

/* Makes the same changes to bodies that another process's trial led to. */
void probe_repeat_changes(const char *changes, struct prompt_maker *m);

#endif
