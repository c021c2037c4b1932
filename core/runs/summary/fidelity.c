#include "core/runs/summary/fidelity.h"

#include "core/json/json_fields.h"
#include "core/memory.h"
#include "core/runs/summary/summary.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

/* ---- the object ---- */

static void put_statistic(struct json_writer *w, const struct json_field *f, const void *value)
{
    (void)f;
    json_put_statistic(w, *(const double *)value);
}

static void put_words(struct json_writer *w, const struct json_field *f, const void *words)
{
    (void)f;
    json_put_string(w, *(const char *)words ? words : NULL);
}

/* 0 = not known: null. */
static void put_known(struct json_writer *w, const struct json_field *f, const void *number)
{
    uint64_t value = *(const uint64_t *)number;
    (void)f;
    if (value)
        json_put_u64(w, value);
    else
        json_put_null(w);
}

static void put_shares(struct json_writer *w, const struct json_field *row, const void *object)
{
    const struct fidelity *f = object;
    (void)row;
    json_begin_array(w);
    for (uint64_t i = 0; i < f->workers && i < FIDELITY_WORKERS; i++)
        json_put_statistic(w, f->cpu_of[i]);
    json_end_array(w);
}

static void read_shares(struct json_scan *s, const struct json_field *row, void *object)
{
    struct fidelity *f = object;
    double share;
    (void)row;
    json_array_begin(s);
    for (size_t i = 0; json_array_next(s); i++)
        if (json_double(s, -1e300, 1e300, &share) && i < FIDELITY_WORKERS)
            f->cpu_of[i] = share;
}

static void put_part(struct json_writer *w, const struct json_field *row, const void *part)
{
    (void)row;
    fidelity_write(part, w);
}

static void read_part(struct json_scan *s, const struct json_field *row, void *part)
{
    (void)row;
    fidelity_read(s, part);
}

static bool has_no_keys(const void *fidelity)
{
    return ((const struct fidelity *)fidelity)->unknown_usage_keys.count == 0;
}

static void put_keys(struct json_writer *w, const struct json_field *row, const void *fidelity)
{
    const struct usage_key_names *n = &((const struct fidelity *)fidelity)->unknown_usage_keys;
    (void)row;
    json_begin_array(w);
    for (uint32_t i = 0; i < n->count; i++)
        json_put_string(w, n->name[i]);
    json_end_array(w);
}

static void read_keys(struct json_scan *s, const struct json_field *row, void *fidelity)
{
    struct text name;
    (void)row;
    json_array_begin(s);
    while (json_array_next(s))
        if (json_string(s, &name))
            usage_key_names_add(&((struct fidelity *)fidelity)->unknown_usage_keys, name);
}

static bool is_no_time(const void *ms)
{
    return !(*(const double *)ms > 0);
}

#define OF_ENGINE(member) JSON_AS_UINT, JSON_AT(struct fidelity_engine, member)
static const struct json_field engine_rows[] = {
    {"replicas", OF_ENGINE(replicas)},
    {"steps", OF_ENGINE(steps)},
    {"preemptions", OF_ENGINE(preemptions)},
    {"prompt_tokens", OF_ENGINE(prompt_tokens)},
    {"cached_tokens", OF_ENGINE(cached_tokens)},
    {"kv_blocks", OF_ENGINE(kv_blocks)},
    {"drafts", OF_ENGINE(drafts), .optional = true},
    {"draft_tokens", OF_ENGINE(draft_tokens), .optional = true},
    {"accepted_tokens", OF_ENGINE(accepted_tokens), .optional = true},
    {"kv_transfers", OF_ENGINE(kv_transfers), .optional = true},
    {"kv_transfer_tokens", OF_ENGINE(kv_transfer_tokens), .optional = true},
    {"kv_transfer_ms", JSON_AS_DOUBLE, JSON_AT(struct fidelity_engine, kv_transfer_ms),
     .is_nothing = is_no_time},
    {"replicas_most", OF_ENGINE(replicas_most), .optional = true},
    {"starts", OF_ENGINE(starts), .optional = true},
    {"stops", OF_ENGINE(stops), .optional = true},
    {"replica_hours", JSON_AS_DOUBLE, JSON_AT(struct fidelity_engine, replica_hours),
     .is_nothing = is_no_time},
    {"cold_s", JSON_AS_DOUBLE, JSON_AT(struct fidelity_engine, cold_s), .is_nothing = is_no_time},
};
static const struct json_table engine_table = {JSON_ROWS(engine_rows), .nulls = true, .open = true};

#define OF_PROBE(member) JSON_AT(struct fidelity_probe, member)
static const struct json_field probe_rows[] = {
    {"endpoint", JSON_AS_STRING, OF_PROBE(endpoint)},
    {"model", JSON_AS_CHARS, OF_PROBE(model), .write = put_words},
    {"measured", JSON_AS_BOOL, OF_PROBE(measured)},
    {"tokens_per_word", JSON_AS_DOUBLE, OF_PROBE(tokens_per_word)},
    {"template_tokens", JSON_AS_DOUBLE, OF_PROBE(template_tokens)},
    {"turn_tokens", JSON_AS_DOUBLE, OF_PROBE(turn_tokens)},
    {"word_tokens", JSON_AS_CHARS, OF_PROBE(word_tokens), .write = put_words},
    {"context_tokens", JSON_AS_UINT, OF_PROBE(context_tokens), .write = put_known},
    {"requests", JSON_AS_UINT, OF_PROBE(requests)},
    {"input_tokens", JSON_AS_UINT, OF_PROBE(input_tokens)},
    {"note", JSON_AS_CHARS, OF_PROBE(note), .write = put_words},
    {"remarks", JSON_AS_CHARS, OF_PROBE(remarks), .write = put_words},
};
static const struct json_table probe_table = {JSON_ROWS(probe_rows), .nulls = true, .open = true};
static const struct json_field probe_item = {
    .kind = JSON_AS_OBJECT, .size = sizeof(struct fidelity_probe), .table = &probe_table};
static const struct json_field part_item = {
    .size = sizeof(struct fidelity), .read = read_part, .write = put_part};

#define OF_RANK(member) JSON_AT(struct fidelity_rank, member)
static const struct json_field rank_rows[] = {
    {"number", JSON_AS_UINT, OF_RANK(number)},
    {"host", JSON_AS_CHARS, OF_RANK(host)},
    {"clock_offset_ms", JSON_AS_FIGURE, OF_RANK(offset_ms), .write = put_statistic},
    {"clock_error_ms", JSON_AS_FIGURE, OF_RANK(error_ms), .write = put_statistic},
    {"clock_drift_ppm", JSON_AS_FIGURE, OF_RANK(drift_ppm), .write = put_statistic},
    {"clock_drift_error_ppm", JSON_AS_FIGURE, OF_RANK(drift_error_ppm), .write = put_statistic},
    {"lost", JSON_AS_CHARS, OF_RANK(lost), .write = put_words},
};
static const struct json_table rank_table = {JSON_ROWS(rank_rows), .nulls = true, .open = true};

static bool has_no_rank(const void *rank)
{
    return ((const struct fidelity_rank *)rank)->host[0] == '\0';
}

/* Whose object has the key. */
enum {
    CLIENT = 1u << FIDELITY_CLIENT,
    MODEL = 1u << FIDELITY_MODEL,
    PARTS = 1u << FIDELITY_PARTS,
    MEASURED = CLIENT | PARTS,
};

#define AT(member) JSON_AT(struct fidelity, member)
#define COUNT(member) JSON_AS_UINT, AT(member), .groups = CLIENT
#define STATISTIC(member) JSON_AS_FIGURE, AT(member), .write = put_statistic
static const struct json_field rows[] = {
    {"client_limited", JSON_AS_BOOL, AT(client_limited), JSON_HAS(struct fidelity, known)},
    {"rank", JSON_AS_OBJECT, AT(rank), .table = &rank_table, .is_nothing = has_no_rank,
     .groups = MEASURED},
    {"simulated", JSON_AS_OBJECT, AT(engine), .table = &engine_table, .groups = MODEL},
    {"reason", JSON_AS_CHARS, AT(reason), .write = put_words, .groups = MEASURED},
    {"send_lag_p50_ms", STATISTIC(lag_p50_ms), .groups = CLIENT},
    {"send_lag_p99_ms", STATISTIC(lag_p99_ms), .groups = MEASURED},
    {"send_lag_max_ms", STATISTIC(lag_max_ms), .groups = CLIENT},
    {"send_lag_limit_ms", STATISTIC(lag_limit_ms), .groups = CLIENT},
    {"longest_stall_ms", STATISTIC(stall_max_ms), .groups = CLIENT},
    {"cpu_peak", STATISTIC(cpu_peak), .groups = MEASURED},
    {"cpu_mean", STATISTIC(cpu_mean), .groups = CLIENT},
    {"workers", COUNT(workers)},
    {"cpu_by_worker", .read = read_shares, .write = put_shares, .groups = CLIENT},
    {"observer_cpu", STATISTIC(observer_cpu), .groups = CLIENT},
    {"records_waiting_peak", COUNT(records_waiting)},
    {"steal", STATISTIC(steal), .groups = CLIENT},
    {"throttled_s", STATISTIC(throttled_s), .groups = CLIENT},
    {"connects", COUNT(counts.connects)},
    {"reuses", COUNT(counts.reuses)},
    {"hidden_resends", COUNT(counts.hidden_resends)},
    {"stale_connections", COUNT(counts.stale_connections)},
    {"slow_reads", COUNT(counts.slow_reads)},
    {"client_failures", COUNT(counts.client_failures)},
    {"left_open", COUNT(counts.left_open)},
    {"http1_answers", COUNT(counts.http1_answers)},
    {"http2_answers", COUNT(counts.http2_answers)},
    {"unknown_usage_keys", .read = read_keys, .write = put_keys, .is_nothing = has_no_keys,
     .groups = MEASURED},
    {"threaded_turns", COUNT(counts.threaded_turns)},
    {"long_histories", COUNT(counts.long_histories)},
    {"insecure", JSON_AS_BOOL, AT(insecure), .groups = MEASURED},
    {"probes", JSON_AS_LIST, AT(probes), .count = offsetof(struct fidelity, probe_count),
     .item = &probe_item, .groups = CLIENT},
    {"parts", JSON_AS_LIST, AT(parts), .count = offsetof(struct fidelity, part_count),
     .item = &part_item, .groups = PARTS},
};

/* By the keys that others have not. */
static void find_kind(struct json_scan *s, void *object, uint64_t seen)
{
    struct fidelity *f = object;
    (void)s;
    f->kind = seen ? FIDELITY_CLIENT : FIDELITY_UNSAID;
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        if (seen >> i & 1 && (rows[i].groups == MODEL || rows[i].groups == PARTS))
            f->kind = rows[i].groups == MODEL ? FIDELITY_MODEL : FIDELITY_PARTS;
}

static const struct json_table table = {JSON_ROWS(rows), .nulls = true, .open = true,
                                        .check = find_kind};

void fidelity_write(const struct fidelity *f, struct json_writer *w)
{
    int indent = w->indent;
    w->indent = 0;
    json_fields_write(w, &table, f, 1u << f->kind);
    w->indent = indent;
}

void fidelity_read(struct json_scan *s, struct fidelity *out)
{
    *out = (struct fidelity){0};
    json_fields_clear(&table, out);
    if (json_skip_unless(s, JSON_OBJECT))
        json_fields_read(s, &table, out);
}

/* ---- what it amounts to ---- */

void fidelity_add_rank(const struct fidelity_rank *r, struct buffer *out)
{
    buffer_add_format(out, "rank %llu (%s)", (unsigned long long)r->number, r->host);
}

struct fidelity fidelity_bare(const struct fidelity *f)
{
    struct fidelity bare = *f;
    bare.probes = NULL;
    bare.parts = NULL;
    bare.probe_count = bare.part_count = 0;
    return bare;
}

void fidelity_counts_add(struct fidelity_counts *to, const struct fidelity_counts *from)
{
    to->connects += from->connects;
    to->reuses += from->reuses;
    to->hidden_resends += from->hidden_resends;
    to->stale_connections += from->stale_connections;
    to->slow_reads += from->slow_reads;
    to->client_failures += from->client_failures;
    to->left_open += from->left_open;
    to->http1_answers += from->http1_answers;
    to->http2_answers += from->http2_answers;
    to->threaded_turns += from->threaded_turns;
    to->long_histories += from->long_histories;
}

static bool is_worse(const struct fidelity *a, const struct fidelity *b)
{
    return isfinite(a->lag_p99_ms) && !(a->lag_p99_ms <= b->lag_p99_ms);
}

static void give_reason(struct fidelity *f, size_t limited, const struct fidelity *worst)
{
    struct buffer name;
    buffer_init(&name, BUFFER_UNBOUNDED);
    if (worst->rank.host[0] && limited > 1)
        buffer_add_text(&name, ", most in ");
    if (worst->rank.host[0])
        fidelity_add_rank(&worst->rank, &name);
    if (worst->rank.host[0] && limited == 1)
        snprintf(f->reason, sizeof f->reason, "in %s of %zu%s%.170s", name.data, f->part_count,
                 *worst->reason ? ": " : "", worst->reason);
    else
        snprintf(f->reason, sizeof f->reason, "in %zu of %zu %s%s%s%.170s", limited, f->part_count,
                 worst->rank.host[0] ? "ranks" : "parts", name.data ? name.data : "",
                 *worst->reason ? ": " : "", worst->reason);
    buffer_free(&name);
}

void fidelity_merge(struct fidelity *f)
{
    size_t limited = 0;
    const struct fidelity *worst = NULL;
    f->kind = FIDELITY_PARTS;
    f->known = true;
    f->lag_p99_ms = f->cpu_peak = NAN;
    for (size_t i = 0; i < f->part_count; i++) {
        const struct fidelity *part = &f->parts[i];
        if (part->client_limited && limited++ == 0)
            worst = part;
        else if (part->client_limited && part->rank.host[0] && is_worse(part, worst))
            worst = part;
        f->known = f->known && part->known;
        f->insecure = f->insecure || part->insecure;
        usage_key_names_merge(&f->unknown_usage_keys, &part->unknown_usage_keys);
        fidelity_counts_add(&f->counts, &part->counts);
        f->workers += part->workers;
        f->lag_p99_ms = fmax(f->lag_p99_ms, part->lag_p99_ms); /* NAN counts as nothing */
        f->cpu_peak = fmax(f->cpu_peak, part->cpu_peak);
    }
    f->client_limited = limited > 0;
    f->known = f->known || f->client_limited;
    if (limited)
        give_reason(f, limited, worst);
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
    if (e->drafts && e->draft_tokens)
        buffer_add_format(
            out, "; speculative decoding: %.1f %% of the drafts accepted, %.2f tokens a step",
            100 * (double)e->accepted_tokens / (double)e->draft_tokens,
            1 + (double)e->accepted_tokens / (double)e->drafts);
    if (e->replicas_most)
        buffer_add_format(out,
                          "; autoscaled: %.3g replica-hours, at most %llu ready at once, %llu "
                          "started (%.4g s cold), %llu stopped",
                          e->replica_hours, (unsigned long long)e->replicas_most,
                          (unsigned long long)e->starts, e->cold_s, (unsigned long long)e->stops);
    if (e->kv_transfers)
        buffer_add_format(out, "; %s KV caches sent from prefill to decode, %.2f ms each",
                          text_group_u64(e->kv_transfers, preempted), e->kv_transfer_ms);
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
        buffer_add_format(out, ": send lag p99 %s ms, client CPU %.0f %%",
                          TEXT_SHORT(f->lag_p99_ms, 2), f->cpu_peak * 100);
    if (f->kind == FIDELITY_CLIENT)
        add_connections(&f->counts, s->peak_in_flight, out);
    if (isfinite(s->steady_from_s) && s->steady_from_s > 0)
        buffer_add_format(out, ", steady from %s s on", TEXT_SHORT(s->steady_from_s, 3));
    if (f->steal > 0.01)
        buffer_add_format(out, ", %.0f %% of the CPU was taken by other machines", f->steal * 100);
    if (f->throttled_s > 0)
        buffer_add_format(out, ", throttled for %s s", TEXT_SHORT(f->throttled_s, 2));
}

/* The first of the ranks that were lost, and how many more. */
static bool add_lost(const struct fidelity *f, struct buffer *out)
{
    size_t lost = 0;
    for (size_t i = 0; i < f->part_count; i++) {
        if (!f->parts[i].rank.lost[0] || lost++)
            continue;
        buffer_add_text(out, "✗ This is not the whole load: ");
        fidelity_add_rank(&f->parts[i].rank, out);
        buffer_add_format(out, " %s", f->parts[i].rank.lost);
    }
    if (lost > 1)
        buffer_add_format(out, ", and %zu more", lost - 1);
    if (lost)
        buffer_add_byte(out, '.');
    return lost > 0;
}

void fidelity_add_verdict(const struct summary *s, struct buffer *out)
{
    const struct fidelity *f = &s->fidelity;
    if (add_lost(f, out))
        return;
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
