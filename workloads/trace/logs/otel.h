/* Spans and events of OpenTelemetry on their way to requests. Private to workloads/trace/logs/.
 *
 *     struct otel o = {.in = in, .err = err};
 *     otel_init(&o);
 *     otel_resource(&o, resource);      // says whose spans follow
 *     otel_span(&o, span);              // for each
 *     otel_leave_out(&o);               // what only sums up others
 *     log_settle(&o.log, err);
 *     otel_free(&o);
 */
#ifndef FAREBOX_WORKLOADS_TRACE_LOGS_OTEL_H
#define FAREBOX_WORKLOADS_TRACE_LOGS_OTEL_H

#include "workloads/trace/logs/log.h"

/* What the attributes of one span say that is no count. */
struct otel_span {
    struct text trace, id, parent, name, start, end, status;
    struct text event, operation, kind, request_model, response_model, model;
    struct text conversation, session, user, agent, provider, error, tier, cost, time, service;
    struct text class_name, start_ns, end_ns, first_chunk; /* since 1970; seconds after the start */
};

struct otel {
    struct trace_input *in;
    struct error *err;
    struct log log;
    bool failed;
    struct text service; /* lent from the document */
    struct otel_span span;
    struct names spans; /* "trace/span" of every span */
    uint32_t *parent;   /* by span; NAME_NONE */
    bool *is_call;
    size_t parent_capacity, call_capacity;
    uint32_t *restated; /* spans of events that tell again what an agent's own event says */
    size_t restated_count, restated_capacity;
    size_t own_events;
};

void otel_init(struct otel *o);
void otel_free(struct otel *o);

void otel_resource(struct otel *o, struct text resource);

/* 0 or an error in o->err. */
int otel_span(struct otel *o, struct text span);

/* Calls around others, and events that tell of a call again. */
void otel_leave_out(struct otel *o);

#endif
