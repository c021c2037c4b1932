#include "core/runs/summary/fidelity.h"

#include "core/memory.h"
#include "core/runs/summary/summary.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT_OF(array) (sizeof(array) / sizeof *(array))
#define NAME_MOST 65536 /* bytes of an endpoint's name */

void fidelity_free(struct fidelity *f)
{
    for (size_t i = 0; i < f->probe_count; i++)
        free(f->probes[i].endpoint);
    for (size_t i = 0; i < f->part_count; i++)
        fidelity_free(&f->parts[i]);
    free(f->probes);
    free(f->parts);
    *f = (struct fidelity){0};
}

/* ---- members of the objects, in their order ---- */

enum kind {
    STATISTIC, /* double, 6 significant digits; NAN = null */
    EXACT,     /* double */
    COUNT,     /* uint64_t */
    FLAG,      /* bool */
    WORDS,     /* char[FIDELITY_TEXT_SIZE]; "" = null */
    NAME,      /* char *, owned */
    SHARES     /* double[], one for each of the workers; of struct fidelity */
};

struct member {
    const char *key;
    enum kind kind;
    size_t offset;
    bool of_parts; /* stands in the merged object, too */
};

#define AT(field) offsetof(struct fidelity, field)
static const struct member members[] = {
    {"reason", WORDS, AT(reason), true},
    {"send_lag_p50_ms", STATISTIC, AT(lag_p50_ms), false},
    {"send_lag_p99_ms", STATISTIC, AT(lag_p99_ms), true},
    {"send_lag_max_ms", STATISTIC, AT(lag_max_ms), false},
    {"send_lag_limit_ms", STATISTIC, AT(lag_limit_ms), false},
    {"longest_stall_ms", STATISTIC, AT(stall_max_ms), false},
    {"cpu_peak", STATISTIC, AT(cpu_peak), true},
    {"cpu_mean", STATISTIC, AT(cpu_mean), false},
    {"workers", COUNT, AT(workers), false},
    {"cpu_by_worker", SHARES, AT(cpu_of), false},
    {"observer_cpu", STATISTIC, AT(observer_cpu), false},
    {"records_waiting_peak", COUNT, AT(records_waiting), false},
    {"steal", STATISTIC, AT(steal), false},
    {"throttled_s", STATISTIC, AT(throttled_s), false},
    {"connects", COUNT, AT(counts.connects), false},
    {"reuses", COUNT, AT(counts.reuses), false},
    {"hidden_resends", COUNT, AT(counts.hidden_resends), false},
    {"stale_connections", COUNT, AT(counts.stale_connections), false},
    {"slow_reads", COUNT, AT(counts.slow_reads), false},
    {"client_failures", COUNT, AT(counts.client_failures), false},
    {"left_open", COUNT, AT(counts.left_open), false},
    {"http1_answers", COUNT, AT(counts.http1_answers), false},
    {"http2_answers", COUNT, AT(counts.http2_answers), false},
    {"insecure", FLAG, AT(insecure), true},
};

#define OF_ENGINE(field) offsetof(struct fidelity_engine, field)
static const struct member engine_members[] = {
    {"replicas", COUNT, OF_ENGINE(replicas), false},
    {"steps", COUNT, OF_ENGINE(steps), false},
    {"preemptions", COUNT, OF_ENGINE(preemptions), false},
    {"prompt_tokens", COUNT, OF_ENGINE(prompt_tokens), false},
    {"cached_tokens", COUNT, OF_ENGINE(cached_tokens), false},
    {"kv_blocks", COUNT, OF_ENGINE(kv_blocks), false},
};

#define OF_PROBE(field) offsetof(struct fidelity_probe, field)
static const struct member probe_members[] = {
    {"endpoint", NAME, OF_PROBE(endpoint), false},
    {"measured", FLAG, OF_PROBE(measured), false},
    {"tokens_per_word", EXACT, OF_PROBE(tokens_per_word), false},
    {"template_tokens", EXACT, OF_PROBE(template_tokens), false},
    {"requests", COUNT, OF_PROBE(requests), false},
    {"input_tokens", COUNT, OF_PROBE(input_tokens), false},
    {"note", WORDS, OF_PROBE(note), false},
};

static void put_shares(const struct fidelity *f, struct json_writer *w)
{
    json_begin_array(w);
    for (uint64_t i = 0; i < f->workers && i < FIDELITY_WORKERS; i++)
        json_put_statistic(w, f->cpu_of[i]);
    json_end_array(w);
}

static void put_member(const void *object, const struct member *m, struct json_writer *w)
{
    const void *at = (const char *)object + m->offset;
    const char *words = at;
    json_key(w, m->key);
    switch (m->kind) {
    case STATISTIC:
        json_put_statistic(w, *(const double *)at);
        break;
    case EXACT:
        json_put_double(w, *(const double *)at);
        break;
    case COUNT:
        json_put_u64(w, *(const uint64_t *)at);
        break;
    case FLAG:
        json_put_bool(w, *(const bool *)at);
        break;
    case WORDS:
        json_put_string(w, *words ? words : NULL);
        break;
    case NAME:
        json_put_string(w, *(char *const *)at);
        break;
    case SHARES:
        put_shares(object, w);
        break;
    }
}

static void put_object(const void *object, const struct member *of, size_t count,
                       struct json_writer *w)
{
    json_begin_object(w);
    for (size_t i = 0; i < count; i++)
        put_member(object, &of[i], w);
    json_end_object(w);
}

static void put_client(const struct fidelity *f, struct json_writer *w)
{
    bool whole = f->kind == FIDELITY_PARTS;
    for (size_t i = 0; i < COUNT_OF(members); i++)
        if (!whole || members[i].of_parts)
            put_member(f, &members[i], w);
    json_key(w, whole ? "parts" : "probes");
    json_begin_array(w);
    for (size_t i = 0; i < f->part_count; i++)
        fidelity_write(&f->parts[i], w);
    for (size_t i = 0; i < f->probe_count; i++)
        put_object(&f->probes[i], probe_members, COUNT_OF(probe_members), w);
    json_end_array(w);
}

void fidelity_write(const struct fidelity *f, struct json_writer *w)
{
    int indent = w->indent;
    w->indent = 0;
    json_begin_object(w);
    if (f->known)
        json_pair_bool(w, "client_limited", f->client_limited);
    if (f->kind == FIDELITY_MODEL) {
        json_key(w, "simulated");
        put_object(&f->engine, engine_members, COUNT_OF(engine_members), w);
    } else if (f->kind != FIDELITY_UNSAID) {
        put_client(f, w);
    }
    json_end_object(w);
    w->indent = indent;
}

/* ---- read back ---- */

static void take_words(struct json_scan *scan, char out[FIDELITY_TEXT_SIZE])
{
    char *words;
    if (json_string_copy(scan, NAME_MOST, &words)) {
        snprintf(out, FIDELITY_TEXT_SIZE, "%s", words);
        free(words);
    }
}

static void take_shares(struct json_scan *scan, double out[FIDELITY_WORKERS])
{
    json_array_begin(scan);
    for (size_t i = 0; json_array_next(scan); i++)
        if (i < FIDELITY_WORKERS && json_peek(scan) == JSON_NUMBER)
            json_double(scan, 0, 1e300, &out[i]);
        else
            json_skip(scan, NULL);
}

/* A value of another kind is passed over. */
static void take_member(struct json_scan *scan, const struct member *m, void *object)
{
    void *at = (char *)object + m->offset;
    enum json_kind found = json_peek(scan);
    if ((m->kind == STATISTIC || m->kind == EXACT) && found == JSON_NUMBER)
        json_double(scan, -1e300, 1e300, at);
    else if (m->kind == COUNT && found == JSON_NUMBER)
        json_u64(scan, 0, UINT64_MAX, at);
    else if (m->kind == FLAG && (found == JSON_TRUE || found == JSON_FALSE))
        json_bool(scan, at);
    else if (m->kind == WORDS && found == JSON_STRING)
        take_words(scan, at);
    else if (m->kind == NAME && found == JSON_STRING && !*(char **)at)
        json_string_copy(scan, NAME_MOST, at);
    else if (m->kind == SHARES && found == JSON_ARRAY)
        take_shares(scan, at);
    else
        json_skip(scan, NULL);
}

/* False where none of them has the key. */
static bool take_key(struct json_scan *scan, struct text key, const struct member *of, size_t count,
                     void *object)
{
    size_t i = 0;
    while (i < count && !text_equal(key, of[i].key))
        i++;
    if (i < count)
        take_member(scan, &of[i], object);
    return i < count;
}

static void take_object(struct json_scan *scan, const struct member *of, size_t count, void *object)
{
    struct text key;
    json_object_begin(scan);
    while (json_object_next(scan, &key))
        if (!take_key(scan, key, of, count, object))
            json_skip(scan, NULL);
}

static void take_probes(struct json_scan *scan, struct fidelity *f)
{
    size_t capacity = f->probe_count;
    json_array_begin(scan);
    while (json_array_next(scan)) {
        mem_grow(&f->probes, &capacity, f->probe_count + 1, sizeof *f->probes);
        f->probes[f->probe_count] = (struct fidelity_probe){.tokens_per_word = NAN};
        take_object(scan, probe_members, COUNT_OF(probe_members), &f->probes[f->probe_count++]);
    }
}

static void read_object(struct json_scan *scan, bool is_part, struct fidelity *f);

static void take_parts(struct json_scan *scan, struct fidelity *f)
{
    size_t capacity = f->part_count;
    json_array_begin(scan);
    while (json_array_next(scan)) {
        mem_grow(&f->parts, &capacity, f->part_count + 1, sizeof *f->parts);
        read_object(scan, true, &f->parts[f->part_count++]);
    }
}

static void take_value(struct json_scan *scan, struct text key, bool is_part, struct fidelity *f)
{
    enum json_kind found = json_peek(scan);
    if (text_equal(key, "client_limited") && (found == JSON_TRUE || found == JSON_FALSE)) {
        f->known = json_bool(scan, &f->client_limited);
        f->kind = f->kind ? f->kind : FIDELITY_CLIENT;
    } else if (text_equal(key, "simulated") && found == JSON_OBJECT) {
        f->kind = FIDELITY_MODEL;
        take_object(scan, engine_members, COUNT_OF(engine_members), &f->engine);
    } else if (text_equal(key, "parts") && found == JSON_ARRAY && !is_part) {
        f->kind = FIDELITY_PARTS;
        take_parts(scan, f);
    } else if (text_equal(key, "probes") && found == JSON_ARRAY) {
        take_probes(scan, f);
    } else if (take_key(scan, key, members, COUNT_OF(members), f)) {
        f->kind = f->kind ? f->kind : FIDELITY_CLIENT;
    } else {
        json_skip(scan, NULL);
    }
}

static void read_object(struct json_scan *scan, bool is_part, struct fidelity *f)
{
    struct text key;
    *f = (struct fidelity){0};
    for (size_t i = 0; i < COUNT_OF(members); i++)
        if (members[i].kind == STATISTIC)
            *(double *)(void *)((char *)f + members[i].offset) = NAN;
    if (json_peek(scan) != JSON_OBJECT) {
        json_skip(scan, NULL);
        return;
    }
    json_object_begin(scan);
    while (json_object_next(scan, &key))
        take_value(scan, key, is_part, f);
}

void fidelity_read(struct json_scan *scan, struct fidelity *out)
{
    read_object(scan, false, out);
}

/* ---- what it amounts to ---- */

void fidelity_merge(struct fidelity *f)
{
    size_t limited = 0;
    const char *words = "";
    f->kind = FIDELITY_PARTS;
    f->known = true;
    f->lag_p99_ms = f->cpu_peak = NAN;
    for (size_t i = 0; i < f->part_count; i++) {
        const struct fidelity *part = &f->parts[i];
        if (part->client_limited && limited++ == 0)
            words = part->reason;
        f->known = f->known && part->known;
        f->insecure = f->insecure || part->insecure;
        f->lag_p99_ms = fmax(f->lag_p99_ms, part->lag_p99_ms); /* NAN counts as nothing */
        f->cpu_peak = fmax(f->cpu_peak, part->cpu_peak);
    }
    f->client_limited = limited > 0;
    f->known = f->known || f->client_limited;
    if (limited)
        snprintf(f->reason, sizeof f->reason, "in %zu of %zu parts%s%.200s", limited, f->part_count,
                 *words ? ": " : "", words);
}

static void add_model(const struct fidelity_engine *e, struct buffer *out)
{
    char preempted[TEXT_GROUPED_SIZE];
    buffer_add_text(out, "A model's times, not a measurement (docs/engine.md)");
    if (e->steps && e->prompt_tokens)
        buffer_add_format(out,
                          ": %.1f %% of the prompt tokens from the prefix cache, %s preemptions",
                          100 * (double)e->cached_tokens / (double)e->prompt_tokens,
                          text_group_u64(e->preemptions, preempted));
}

/* HTTP/1.1 needs a connection for each request in flight; what is beyond that was opened anew. */
static void add_connections(const struct fidelity_counts *c, uint64_t peak, struct buffer *out)
{
    if (c->http2_answers)
        buffer_add_format(out, ", %llu connection%s", (unsigned long long)c->connects,
                          c->connects == 1 ? "" : "s");
    else if (c->connects > peak)
        buffer_add_format(out, ", %llu reconnects", (unsigned long long)(c->connects - peak));
    else
        buffer_add_text(out, ", no reconnects");
    if (c->hidden_resends)
        buffer_add_format(out, ", %llu hidden resends stopped",
                          (unsigned long long)c->hidden_resends);
    if (c->stale_connections)
        buffer_add_format(out, ", %llu stale connections opened anew",
                          (unsigned long long)c->stale_connections);
}

static void add_trust(const struct summary *s, struct buffer *out)
{
    const struct fidelity *f = &s->fidelity;
    buffer_add_text(out, "✓ The numbers can be trusted");
    if (isfinite(f->lag_p99_ms) && isfinite(f->cpu_peak))
        buffer_add_format(out, ": send lag p99 %.2g ms, client CPU %.0f %%", f->lag_p99_ms,
                          f->cpu_peak * 100);
    if (f->kind == FIDELITY_CLIENT)
        add_connections(&f->counts, s->peak_in_flight, out);
    if (isfinite(s->steady_from_s) && s->steady_from_s > 0)
        buffer_add_format(out, ", steady from %.3g s on", s->steady_from_s);
    if (f->steal > 0.01)
        buffer_add_format(out, ", %.0f %% of the CPU was taken by other machines", f->steal * 100);
    if (f->throttled_s > 0)
        buffer_add_format(out, ", throttled for %.2g s", f->throttled_s);
}

void fidelity_add_verdict(const struct summary *s, struct buffer *out)
{
    const struct fidelity *f = &s->fidelity;
    if (strcmp(s->command, "sim") == 0)
        add_model(&f->engine, out);
    else if (f->known && f->client_limited)
        buffer_add_format(out, "✗ The client was the limit%s%s.", f->reason[0] ? ": " : "",
                          f->reason);
    else if (f->known && s->accounting.completed > 0)
        add_trust(s, out);
}

void fidelity_add_versions(const struct fidelity *f, struct buffer *out)
{
    bool first = f->counts.http2_answers > 0, second = f->counts.http1_answers > 0;
    if (first)
        buffer_add_text(out, "HTTP/2");
    if (first && second)
        buffer_add_text(out, " and ");
    if (second)
        buffer_add_text(out, "HTTP/1.1");
}
