#include "cli/report/text/trust.h"

#include "cli/report/text/summary_table.h"
#include "core/json/json_scan.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static void read_count(struct json_scan *scan, uint64_t *out)
{
    if (json_peek(scan) == JSON_NUMBER)
        json_u64(scan, 0, UINT64_MAX, out);
    else
        json_skip(scan, NULL);
}

static void read_share(struct json_scan *scan, double *out)
{
    if (json_peek(scan) == JSON_NUMBER)
        json_double(scan, 0, 1e300, out);
    else
        json_skip(scan, NULL);
}

static void read_reason(struct json_scan *scan, struct trust *t)
{
    struct text raw;
    struct buffer words;
    if (json_peek(scan) != JSON_STRING || !json_string(scan, &raw)) {
        json_skip(scan, NULL);
        return;
    }
    buffer_init(&words, BUFFER_UNBOUNDED);
    json_unescape(raw, &words);
    snprintf(t->reason, sizeof t->reason, "%.*s", (int)words.length,
             words.length ? words.data : "");
    buffer_free(&words);
}

static void read_engine(struct json_scan *scan, struct trust *t)
{
    struct text key;
    json_object_begin(scan);
    while (json_object_next(scan, &key)) {
        if (text_equal(key, "steps"))
            read_count(scan, &t->steps);
        else if (text_equal(key, "prompt_tokens"))
            read_count(scan, &t->prompt_tokens);
        else if (text_equal(key, "cached_tokens"))
            read_count(scan, &t->cached_tokens);
        else if (text_equal(key, "preemptions"))
            read_count(scan, &t->preemptions);
        else
            json_skip(scan, NULL);
    }
}

/* True if it was said. */
static bool read_bool(struct json_scan *scan, bool *out)
{
    enum json_kind kind = json_peek(scan);
    if (kind == JSON_TRUE || kind == JSON_FALSE)
        return json_bool(scan, out);
    json_skip(scan, NULL);
    return false;
}

void trust_read(const char *fidelity, struct trust *t)
{
    struct json_scan scan;
    struct text key;
    *t = (struct trust){.lag_p99_ms = NAN, .cpu_peak = NAN};
    if (!fidelity)
        return;
    json_scan_init(&scan, "", fidelity, strlen(fidelity), 1);
    json_object_begin(&scan);
    while (json_object_next(&scan, &key)) {
        if (text_equal(key, "client_limited"))
            t->known = read_bool(&scan, &t->client_limited);
        else if (text_equal(key, "insecure"))
            read_bool(&scan, &t->insecure);
        else if (text_equal(key, "reason"))
            read_reason(&scan, t);
        else if (text_equal(key, "send_lag_p99_ms"))
            read_share(&scan, &t->lag_p99_ms);
        else if (text_equal(key, "cpu_peak"))
            read_share(&scan, &t->cpu_peak);
        else if (text_equal(key, "steal"))
            read_share(&scan, &t->steal);
        else if (text_equal(key, "throttled_s"))
            read_share(&scan, &t->throttled_s);
        else if (text_equal(key, "http1_answers"))
            read_count(&scan, &t->http1_answers);
        else if (text_equal(key, "http2_answers"))
            read_count(&scan, &t->http2_answers);
        else if (text_equal(key, "simulated") && json_peek(&scan) == JSON_OBJECT)
            read_engine(&scan, t);
        else
            json_skip(&scan, NULL);
    }
}

static void add_model(const struct trust *t, struct buffer *out)
{
    char preempted[TEXT_GROUPED_SIZE];
    buffer_add_text(out, "A model's times, not a measurement (docs/engine.md)");
    if (t->steps == 0 || t->prompt_tokens == 0)
        return;
    buffer_add_format(out, ": %.1f %% of the prompt tokens from the prefix cache, %s preemptions",
                      100 * (double)t->cached_tokens / (double)t->prompt_tokens,
                      text_group_u64(t->preemptions, preempted));
}

static void add_verdict(const struct trust *t, const struct summary *s, struct buffer *out)
{
    if (strcmp(s->command, "sim") == 0) {
        add_model(t, out);
        return;
    }
    if (!t->known)
        return;
    if (t->client_limited) {
        buffer_add_format(out, "✗ The client was the limit%s%s.", t->reason[0] ? ": " : "",
                          t->reason);
        return;
    }
    if (s->accounting.completed == 0)
        return;
    buffer_add_text(out, "✓ The numbers can be trusted");
    if (isfinite(t->lag_p99_ms) && isfinite(t->cpu_peak))
        buffer_add_format(out, ": send lag p99 %.2g ms, client CPU %.0f %%", t->lag_p99_ms,
                          t->cpu_peak * 100);
    if (isfinite(s->steady_from_s) && s->steady_from_s > 0)
        buffer_add_format(out, ", steady from %.3g s on", s->steady_from_s);
    if (t->steal > 0.01)
        buffer_add_format(out, ", %.0f %% of the CPU was taken by other machines", t->steal * 100);
    if (t->throttled_s > 0)
        buffer_add_format(out, ", throttled for %.2g s", t->throttled_s);
}

void trust_add_verdict(const struct trust *t, const struct summary *s, struct buffer *out)
{
    add_verdict(t, s, out);
    if (t->insecure)
        buffer_add_format(out, "%s%s", out->length ? "\n" : "", INSECURE_WORDS);
}

void trust_add_versions(const struct trust *t, struct buffer *out)
{
    bool both = t->http1_answers > 0 && t->http2_answers > 0;
    if (t->http2_answers > 0)
        buffer_add_text(out, "HTTP/2");
    if (both)
        buffer_add_text(out, " and ");
    if (t->http1_answers > 0)
        buffer_add_text(out, "HTTP/1.1");
}
