/* Inside cli/report/export: one span as JSON, and what it says of an attempt. */
#ifndef FAREBOX_CLI_REPORT_EXPORT_OTLP_SPAN_H
#define FAREBOX_CLI_REPORT_EXPORT_OTLP_SPAN_H

#include "core/json/json_write.h"
#include "core/runs/record/record.h"

enum otlp_kind { OTLP_INTERNAL = 1, OTLP_CLIENT = 3 }; /* SpanKind */

struct otlp_trace_id {
    uint64_t high, low;
};

/* 0 = no parent. */
struct otlp_ids {
    struct otlp_trace_id trace;
    uint64_t span, parent;
};

/* Where an endpoint's requests go, by its URL and the run's API. */
struct otlp_endpoint {
    const char *operation, *provider;
    char *address; /* NULL where the endpoint is no URL */
    uint32_t port;
};

void otlp_endpoint_read(const char *endpoint, const char *api, bool simulated,
                        struct otlp_endpoint *out);
void otlp_endpoint_free(struct otlp_endpoint *e);

/* Attributes, inside the array of them; NULL texts are left out. */
void otlp_put_text(struct json_writer *w, const char *key, const char *text);
void otlp_put_count(struct json_writer *w, const char *key, uint64_t value);
void otlp_put_truth(struct json_writer *w, const char *key, bool value);

/* An instant as proto3's JSON has 64 bits: in a string. */
void otlp_put_instant(struct json_writer *w, const char *key, int64_t unix_ns);

/* The span's beginning, up to its attributes, whose array is open; and its end. `failed`: NULL, or
 * why. */
void otlp_begin_span(struct json_writer *w, const struct otlp_ids *ids, const char *name,
                     enum otlp_kind kind, int64_t from_unix_ns, int64_t to_unix_ns);
void otlp_end_span(struct json_writer *w, const char *failed);

/* From when to when an attempt went, from the run's start. */
int64_t otlp_from_ns(const struct record *r);
int64_t otlp_to_ns(const struct record *r);

/* The span of an attempt. `start_unix_ns`: the run's. */
void otlp_put_attempt(struct json_writer *w, const struct record *r, const struct otlp_ids *ids,
                      const struct otlp_endpoint *e, int64_t start_unix_ns);

/* Why an attempt is no success, or NULL. */
const char *otlp_failure(const struct record *r);

#endif
