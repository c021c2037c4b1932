/* What all exchanges of a mock share. mock.c makes it; exchanges read it, count and log in it. */
#ifndef FAREBOX_SIM_MOCK_SERVER_H
#define FAREBOX_SIM_MOCK_SERVER_H

#include "core/buffer.h"
#include "sim/mock/api/answer.h"
#include "sim/mock/keys.h"
#include "sim/mock/metrics.h"
#include "sim/mock/mock.h"
#include "sim/mock/pace.h"
#include "sim/mock/truth_log.h"

struct server {
    struct mock_config config;
    const char *model; /* the one that /models lists */
    struct event_base *base;
    struct engine *engine;
    struct pace *pace;
    struct ask_rules ask_rules;
    struct answer_rules answer_rules;
    uint64_t serial;         /* of the next exchange */
    struct buffer json, out; /* where events and what is to be sent are put together */
    struct mock_report report;
    struct metrics metrics;
    struct truth_log log;
    struct keys keys;
    struct kept kept; /* conversations */
    struct prefixes prefixes;
};

#endif
