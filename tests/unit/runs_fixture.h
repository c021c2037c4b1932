/* Records of made-up requests, and the summary of a collector. */
#ifndef FAREBOX_TESTS_RUNS_FIXTURE_H
#define FAREBOX_TESTS_RUNS_FIXTURE_H

#include "testing.h"

#include "core/runs/summary/collector_state.h"

#include <math.h>

#define MS NS_PER_MS

/* A completed streaming request: `tokens` chunks, the first after ttft, then one every gap. */
static int64_t chunk_times[4096];

static inline struct record answered(const char *id, int64_t due, int64_t lag, int64_t ttft,
                                     int64_t gap, uint32_t tokens)
{
    struct record r;
    record_init(&r);
    r.request_id = id;
    r.attempt = 1;
    r.final = true;
    r.status = RECORD_COMPLETED;
    r.streamed = true;
    r.http_status = 200;
    r.finish_reason = "length";
    r.scheduled_ns = r.ready_ns = due;
    r.sent_ns = due + lag;
    r.first_byte_ns = r.first_token_ns = r.first_output_ns = r.first_text_ns = r.sent_ns + ttft;
    for (uint32_t i = 0; i < tokens; i++)
        chunk_times[i] = r.first_token_ns + i * gap;
    r.last_token_ns = chunk_times[tokens - 1];
    r.done_ns = r.last_token_ns + MS;
    r.chunk_ns = chunk_times;
    r.chunks = tokens;
    r.asked_input = 100;
    r.asked_output = tokens;
    r.usage = usage_from_totals(100, 0, 0, 0, tokens, 0);
    r.usage_from = USAGE_SERVER;
    return r;
}

static inline struct summary summarize(struct collector *c, const char *slo)
{
    struct summary_options o = {.command = "bench", .load = "open", .no_intervals = true};
    struct summary s;
    if (slo)
        ck_assert_int_eq(slo_parse(slo, &o.slos, NULL), 0);
    collector_summarize(c, &o, &s);
    return s;
}

static inline void add_part(struct collector *c, int from, int to)
{
    char id[16];
    for (int i = from; i < to; i++) {
        snprintf(id, sizeof id, "r%d", i);
        struct record r = answered(id, i * 7 * MS, i % 3 * MS, (20 + i % 17) * MS, (1 + i % 5) * MS,
                                   (uint32_t)(2 + i % 40));
        r.odd = i % 7 ? 0 : ODDITY(NO_END_MARK) | (i % 2 ? ODDITY(NOT_JSON) : 0);
        if (i % 10 == 9) {
            r.status = RECORD_FAILED;
            r.failure = FAILURE_SERVER;
        }
        collector_add(c, &r);
    }
}

static inline char *summary_text(struct collector *c)
{
    struct summary s = summarize(c, "e2e=100");
    struct buffer out;
    struct json_writer w;
    buffer_init(&out, BUFFER_UNBOUNDED);
    json_write_init(&w, &out, 2);
    summary_write(&s, &w);
    collector_write_histograms(c, &w);
    collector_write_timeline(c, &out);
    return buffer_take(&out);
}

#endif
