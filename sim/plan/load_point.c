#include "sim/plan/load_point.h"

#include "core/json/json_scan.h"
#include "core/memory.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static double in_flight(const struct load_point *p, bool closed)
{
    return closed ? p->load : p->request_rps * p->e2e_mean / 1e3;
}

void load_point_fill(struct load_point *p, double load, bool closed, const struct summary *s)
{
    const struct phase_summary *w = &s->window;
    const struct metric_summary *ttft = &w->metrics[closed ? METRIC_TTFT : METRIC_TTFT_SCHEDULED],
                                *tpot = &w->metrics[METRIC_TPOT],
                                *e2e = &w->metrics[closed ? METRIC_E2E : METRIC_E2E_SCHEDULED];
    *p = (struct load_point){
        .load = load,
        .scheduled = (double)s->accounting.scheduled,
        .failed = (double)s->accounting.failed,
        .cancelled = (double)s->accounting.cancelled,
        .unsent = (double)s->accounting.unsent,
        .request_rps = w->request_throughput_rps,
        .output_tps = w->output_throughput_tps,
        .goodput = w->goodput_fraction,
        .goodput_low = w->goodput_fraction,
        .goodput_high = w->goodput_fraction,
        .ttft_mean = ttft->mean,
        .ttft_p50 = ttft->p50,
        .ttft_p99 = ttft->p99,
        .tpot_p50 = tpot->p50,
        .tpot_p99 = tpot->p99,
        .e2e_mean = e2e->mean,
        .e2e_p50 = e2e->p50,
        .e2e_p99 = e2e->p99,
        .served = NAN,
        .growth = NAN,
        .sustained = SUSTAINED_YES,
        .stopped = s->stopped.condition[0] != '\0',
        .client_limited = NAN,
    };
    if (s->fidelity.known && s->fidelity.kind != FIDELITY_MODEL)
        p->client_limited = s->fidelity.client_limited;
    memcpy(p->client_reason, s->fidelity.reason, sizeof p->client_reason);
    p->in_flight = in_flight(p, closed);
}

int load_point_sustained(struct load_point *p, const char *run, const struct summary *s,
                         struct error *err)
{
    struct sustained found;
    if (sustained_read_run(run, fmax(s->warmup_s, 0), &found, err) < 0)
        return err->code;
    p->served = found.served;
    p->growth = fmax(found.start.rate, found.end.rate);
    p->sustained = found.verdict;
    /* Where the sessions' later turns never came at the rate, a load that was borne was a lighter
     * one. */
    if (found.verdict == SUSTAINED_YES && s->steady_rate_from_s > s->steady_rate_until_s)
        p->sustained = SUSTAINED_UNCLEAR;
    return 0;
}

bool load_was_stopped(const struct load_point *p)
{
    return p->stopped == 1 && !load_client_limited(p);
}

bool load_client_limited(const struct load_point *p)
{
    return p->client_limited == 1;
}

bool load_point_completed(const struct load_point *p)
{
    return p->scheduled - p->failed - p->unsent > 0;
}

enum load_verdict load_judge(const struct load_point *p, const struct load_target *target)
{
    if (load_client_limited(p))
        return LOAD_CLIENT_LIMITED;
    if (load_was_stopped(p))
        return LOAD_STOPPED;
    if (target->slos->count > 0 && !(p->goodput >= target->goodput))
        return LOAD_MISSED;
    if (p->sustained == SUSTAINED_YES)
        return LOAD_HOLDS;
    return p->sustained == SUSTAINED_NO ? LOAD_QUEUE_GROWS : LOAD_TOO_SHORT;
}

/* ---- JSON ---- */

enum { EVERYWHERE = LOAD_IN_LOG | LOAD_IN_SWEEP | LOAD_IN_PROBES | LOAD_IN_CURVE };

/* The numbers of a point, in the order in which each file has them. */
static const struct {
    const char *key;
    size_t offset;
    unsigned in;
} numbers[] = {
#define NUMBER(key, field, in)                      \
    {                                               \
        key, offsetof(struct load_point, field), in \
    }
    NUMBER("value", load, LOAD_IN_LOG | LOAD_IN_SWEEP),
    NUMBER("rate_rps", load, LOAD_IN_PROBES | LOAD_IN_CURVE),
    NUMBER("scheduled", scheduled, EVERYWHERE & ~LOAD_IN_CURVE),
    NUMBER("failed", failed, EVERYWHERE & ~LOAD_IN_CURVE),
    NUMBER("cancelled", cancelled, EVERYWHERE & ~LOAD_IN_CURVE),
    NUMBER("unsent", unsent, EVERYWHERE & ~LOAD_IN_CURVE),
    NUMBER("request_throughput_rps", request_rps, LOAD_IN_LOG | LOAD_IN_SWEEP),
    NUMBER("output_throughput_tps", output_tps, LOAD_IN_LOG | LOAD_IN_SWEEP),
    NUMBER("goodput_fraction", goodput, EVERYWHERE),
    NUMBER("request_throughput_rps", request_rps, LOAD_IN_PROBES),
    NUMBER("goodput_fraction_min", goodput_low, LOAD_IN_CURVE),
    NUMBER("goodput_fraction_max", goodput_high, LOAD_IN_CURVE),
    NUMBER("ttft_ms_mean", ttft_mean, LOAD_IN_CURVE),
    NUMBER("ttft_ms_p50", ttft_p50, EVERYWHERE & ~LOAD_IN_PROBES),
    NUMBER("ttft_ms_p99", ttft_p99, EVERYWHERE),
    NUMBER("tpot_ms_p50", tpot_p50, EVERYWHERE & ~LOAD_IN_PROBES),
    NUMBER("tpot_ms_p99", tpot_p99, EVERYWHERE),
    NUMBER("e2e_ms_mean", e2e_mean, EVERYWHERE & ~LOAD_IN_PROBES),
    NUMBER("e2e_ms_p50", e2e_p50, EVERYWHERE & ~LOAD_IN_PROBES),
    NUMBER("e2e_ms_p99", e2e_p99, EVERYWHERE),
    NUMBER("request_throughput_rps", request_rps, LOAD_IN_CURVE),
    NUMBER("output_throughput_tps", output_tps, LOAD_IN_CURVE),
    NUMBER("in_flight", in_flight, LOAD_IN_SWEEP | LOAD_IN_CURVE),
    NUMBER("served_fraction", served, LOAD_IN_LOG | LOAD_OF_RATES | LOAD_IN_CURVE),
    NUMBER("delay_growth", growth, LOAD_IN_LOG | LOAD_OF_RATES | LOAD_IN_CURVE),
    NUMBER("sustained", sustained, LOAD_IN_LOG),
    NUMBER("stopped", stopped, LOAD_IN_LOG),
    NUMBER("client_limited", client_limited, LOAD_IN_LOG),
#undef NUMBER
};

static void write_bool(struct json_writer *w, const char *key, bool known, bool value)
{
    json_key(w, key);
    if (known)
        json_put_bool(w, value);
    else
        json_put_null(w);
}

void load_point_write(const struct load_point *p, unsigned members, struct json_writer *w)
{
    enum sustained_verdict sustained = (enum sustained_verdict)p->sustained;
    json_begin_object(w);
    for (size_t i = 0; i < COUNT_OF(numbers); i++) {
        double value = *(const double *)(const void *)((const char *)p + numbers[i].offset);
        if (!(numbers[i].in & members))
            continue;
        json_key(w, numbers[i].key);
        if (!(members & LOAD_IN_LOG))
            json_put_statistic(w, value);
        else if (numbers[i].in & LOAD_OF_RATES) /* what no summary.json holds */
            json_put_double(w, value);
        else
            json_put_figure(w, value);
    }
    if (members & LOAD_OF_RATES)
        json_pair_string(w, "sustained", sustained_name(sustained));
    if (members & LOAD_IN_CURVE)
        write_bool(w, "queue_grows", sustained != SUSTAINED_UNCLEAR, sustained == SUSTAINED_NO);
    if (members & (LOAD_IN_SWEEP | LOAD_IN_PROBES))
        write_bool(w, "client_limited", !isnan(p->client_limited), load_client_limited(p));
    if (members & (LOAD_IN_SWEEP | LOAD_IN_PROBES) && p->stopped == 1)
        json_pair_bool(w, "stopped", true);
    if (!(members & LOAD_IN_CURVE))
        json_pair_string(w, "client_reason", p->client_reason[0] ? p->client_reason : NULL);
    json_end_object(w);
}

static void read_reason(struct json_scan *s, struct load_point *out)
{
    char *reason;
    if (json_skip_unless(s, JSON_STRING) &&
        json_string_copy(s, sizeof out->client_reason - 1, &reason)) {
        snprintf(out->client_reason, sizeof out->client_reason, "%s", reason);
        free(reason);
    }
}

bool load_point_read(struct text line, bool closed, struct load_point *out)
{
    struct json_scan s;
    struct text key;
    *out = (struct load_point){0};
    for (size_t i = 0; i < COUNT_OF(numbers); i++)
        *(double *)(void *)((char *)out + numbers[i].offset) = NAN;
    json_scan_init(&s, "sweep.jsonl", line.at, line.length, 1);
    json_object_begin(&s);
    while (json_object_next(&s, &key)) {
        size_t i = 0;
        while (i < COUNT_OF(numbers) && !text_equal(key, numbers[i].key))
            i++;
        if (text_equal(key, "client_reason"))
            read_reason(&s, out);
        else if (i < COUNT_OF(numbers) && json_peek(&s) == JSON_NUMBER)
            json_double(&s, -INFINITY, INFINITY,
                        (double *)(void *)((char *)out + numbers[i].offset));
        else
            json_skip(&s, NULL);
    }
    out->in_flight = in_flight(out, closed);
    return json_scan_end(&s, &(struct error){0}) == 0 && isfinite(out->load) &&
           isfinite(out->sustained);
}
