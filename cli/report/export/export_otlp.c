#include "cli/report/export/export_otlp.h"

#include "cli/report/export/otlp_span.h"
#include "core/file.h"
#include "core/file_output.h"
#include "core/memory.h"
#include "core/names.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* From when to when, of a session or of a request that was tried again. */
struct stretch {
    struct otlp_ids ids;
    int64_t from_ns, to_ns;
    uint64_t attempts, requests;
    uint32_t session;   /* of a request: number in otlp.sessions; NAME_NONE */
    const char *failed; /* how its last attempt ended; NULL = well */
};

struct stretches {
    struct names names;
    struct stretch *items;
    size_t capacity;
};

struct otlp {
    struct file_output file;
    char *name;          /* of the file */
    struct buffer spans; /* that are not written yet, with commas */
    struct buffer head, line;
    char *api;
    bool simulated;
    int64_t start_unix_ns;
    uint64_t id, rows, unsent;
    struct stretches sessions, retried;
    struct names endpoints;
    struct otlp_endpoint *places; /* by endpoint */
    size_t place_capacity;
};

/* ---- ids ---- */

/* A permutation of the 64-bit numbers (the finaliser of SplitMix64): different numbers of one run
 * never meet. */
static uint64_t mixed(uint64_t x)
{
    x ^= x >> 30;
    x *= UINT64_C(0xbf58476d1ce4e5b9);
    x ^= x >> 27;
    x *= UINT64_C(0x94d049bb133111eb);
    return x ^ x >> 31;
}

enum id_kind { ID_ATTEMPT, ID_SESSION, ID_REQUEST };

/* The conventions know no id 0. */
static uint64_t span_id(const struct otlp *o, enum id_kind kind, uint64_t number)
{
    uint64_t id = mixed(o->id ^ ((uint64_t)kind << 60 | (number + 1)));
    return id ? id : 1;
}

/* Two hashes of the session or the request; of a request's own kind, as names may be the same. */
static struct otlp_trace_id trace_id(const struct otlp *o, enum id_kind kind, const char *name)
{
    uint64_t hash = text_hash(name, strlen(name)) + (uint64_t)kind;
    return (struct otlp_trace_id){mixed(~o->id + hash) | 1, mixed(o->id ^ hash)};
}

/* ---- payloads ---- */

static const char scope[] = ", \"scopeSpans\": [{\"scope\": {\"name\": \"farebox\", \"version\": "
                            "\"" FAREBOX_VERSION "\"}, \"spans\": [";
static const char tail[] = "]}]}]}\n";

/* Whose spans follow: the run, which is an instance of a service in OpenTelemetry's words. */
static void make_head(struct otlp *o, const char *run, struct text command)
{
    const char *slash = strrchr(run, '/');
    char hex[24];
    struct json_writer w;
    buffer_clear(&o->head);
    buffer_add_text(&o->head, "{\"resourceSpans\": [{\"resource\": ");
    json_write_init(&w, &o->head, 0);
    json_begin_object(&w);
    json_key(&w, "attributes");
    json_begin_array(&w);
    snprintf(hex, sizeof hex, "%016" PRIx64, o->id);
    otlp_put_text(&w, "service.name", "farebox");
    otlp_put_text(&w, "service.version", FAREBOX_VERSION);
    otlp_put_text(&w, "service.instance.id", hex);
    otlp_put_text(&w, "farebox.run.name", slash && slash[1] ? slash + 1 : run);
    char *name = mem_copy_text(command.length ? command.at : "", command.length);
    otlp_put_text(&w, "farebox.run.command", command.length ? name : NULL);
    free(name);
    otlp_put_truth(&w, "farebox.run.simulated", o->simulated);
    json_end_array(&w);
    json_end_object(&w);
    buffer_add_text(&o->head, scope);
}

static int write_payload(struct otlp *o, struct error *err)
{
    if (o->spans.length == 0)
        return 0;
    buffer_clear(&o->line);
    buffer_add(&o->line, o->head.data, o->head.length);
    buffer_add(&o->line, o->spans.data, o->spans.length);
    buffer_add_text(&o->line, tail);
    buffer_clear(&o->spans);
    return file_write_all(o->file.fd, o->line.data, o->line.length, o->name, err);
}

/* The span behind `before` bytes begins a payload of its own where this one would be too long. */
static int settle_span(struct otlp *o, size_t before, struct error *err)
{
    size_t around = o->head.length + sizeof tail;
    if (before == 0 || o->spans.length + around <= OTLP_MOST_BYTES)
        return 0;
    size_t length = o->spans.length - before - 2; /* without the comma */
    char *last = mem_copy_text(o->spans.data + before + 2, length);
    o->spans.length = before;
    int status = write_payload(o, err);
    buffer_add(&o->spans, last, length);
    free(last);
    return status;
}

static size_t begin_item(struct otlp *o, struct json_writer *w)
{
    size_t before = o->spans.length;
    if (before)
        buffer_add_text(&o->spans, ", ");
    json_write_init(w, &o->spans, 0);
    return before;
}

/* ---- sessions and requests ---- */

static void stretches_clear(struct stretches *s)
{
    names_free(&s->names);
    names_init(&s->names);
}

static struct stretch *stretch_of(struct otlp *o, struct stretches *s, enum id_kind kind,
                                  const char *name)
{
    size_t before = s->names.count;
    uint32_t number = names_add(&s->names, text_of(name));
    mem_grow(&s->items, &s->capacity, s->names.count, sizeof *s->items);
    if (s->names.count > before)
        s->items[number] =
            (struct stretch){.ids = {trace_id(o, kind, name), span_id(o, kind, number), 0},
                             .from_ns = TIME_NEVER,
                             .session = NAME_NONE};
    return &s->items[number];
}

static void widen(struct stretch *s, const struct record *r)
{
    int64_t from = otlp_from_ns(r), to = otlp_to_ns(r);
    s->to_ns = s->from_ns == TIME_NEVER || to > s->to_ns ? to : s->to_ns;
    s->from_ns = from < s->from_ns ? from : s->from_ns;
    s->attempts++;
    s->requests += r->final;
    s->failed = otlp_failure(r);
}

/* What stands around an attempt. */
static struct otlp_ids place(struct otlp *o, const struct record *r)
{
    struct otlp_ids ids = {.trace = trace_id(o, ID_REQUEST, r->request_id)};
    uint32_t session = NAME_NONE;
    if (r->session_id) {
        struct stretch *s = stretch_of(o, &o->sessions, ID_SESSION, r->session_id);
        widen(s, r);
        ids = (struct otlp_ids){.trace = s->ids.trace, .parent = s->ids.span};
        session = (uint32_t)(s - o->sessions.items);
    }
    if (r->attempt > 1 || !r->final) {
        struct stretch *q = stretch_of(o, &o->retried, ID_REQUEST, r->request_id);
        widen(q, r);
        q->session = session;
        q->ids.trace = ids.trace;
        q->ids.parent = ids.parent;
        ids.parent = q->ids.span;
    }
    ids.span = span_id(o, ID_ATTEMPT, o->rows);
    return ids;
}

static const struct otlp_endpoint *endpoint_of(struct otlp *o, const struct record *r)
{
    const char *name = r->endpoint ? r->endpoint : "";
    size_t before = o->endpoints.count;
    uint32_t number = names_add(&o->endpoints, text_of(name));
    mem_grow(&o->places, &o->place_capacity, o->endpoints.count, sizeof *o->places);
    if (o->endpoints.count > before)
        otlp_endpoint_read(name, o->api, o->simulated, &o->places[number]);
    return &o->places[number];
}

static int write_stretch(struct otlp *o, const struct stretch *s, const char *span,
                         const char *request, const char *session, struct error *err)
{
    struct json_writer w;
    size_t before = begin_item(o, &w);
    otlp_begin_span(&w, &s->ids, span, OTLP_INTERNAL, o->start_unix_ns + s->from_ns,
                    o->start_unix_ns + s->to_ns);
    otlp_put_text(&w, "gen_ai.conversation.id", session);
    otlp_put_text(&w, "farebox.request.id", request);
    if (!request)
        otlp_put_count(&w, "farebox.requests", s->requests);
    otlp_put_count(&w, "farebox.attempts", s->attempts);
    otlp_put_text(&w, "error.type", request ? s->failed : NULL);
    json_end_array(&w);
    otlp_end_span(&w, request ? s->failed : NULL);
    return settle_span(o, before, err);
}

/* ---- the file ---- */

struct otlp *otlp_open(const char *path, struct error *err)
{
    struct otlp *o = mem_zero(1, sizeof *o);
    if (file_output_open(&o->file, path, err) < 0) {
        free(o);
        return NULL;
    }
    o->name = mem_copy_string(file_output_name(path));
    buffer_init(&o->spans, BUFFER_UNBOUNDED);
    buffer_init(&o->head, BUFFER_UNBOUNDED);
    buffer_init(&o->line, BUFFER_UNBOUNDED);
    names_init(&o->sessions.names);
    names_init(&o->retried.names);
    names_init(&o->endpoints);
    return o;
}

static void clear_endpoints(struct otlp *o)
{
    for (size_t i = 0; i < o->endpoints.count; i++)
        otlp_endpoint_free(&o->places[i]);
    names_free(&o->endpoints);
    names_init(&o->endpoints);
}

static void clear_run(struct otlp *o)
{
    stretches_clear(&o->sessions);
    stretches_clear(&o->retried);
    clear_endpoints(o);
    free(o->api);
    o->api = NULL;
    o->rows = o->unsent = 0;
}

bool otlp_begin(struct otlp *o, const char *run, const struct run_json *said, int64_t start_unix_ns)
{
    struct text api = text_of("chat");
    clear_run(o);
    const char *identity = said->json ? said->json : run;
    bool dated = said->started_unix_ns != TIME_NEVER;
    run_json_option(said, "api", &api);
    o->api = mem_copy_text(api.at, api.length);
    o->simulated = text_equal(said->command, "sim");
    o->id = text_hash(identity, strlen(identity));
    o->start_unix_ns = dated                         ? said->started_unix_ns
                       : start_unix_ns != TIME_NEVER ? start_unix_ns
                                                     : 0;
    make_head(o, run, said->command);
    return dated;
}

int otlp_add(struct otlp *o, const struct record *r, struct error *err)
{
    struct json_writer w;
    if (r->status == RECORD_UNSENT) {
        o->unsent++;
        return 0;
    }
    struct otlp_ids ids = place(o, r);
    const struct otlp_endpoint *e = endpoint_of(o, r);
    size_t before = begin_item(o, &w);
    otlp_put_attempt(&w, r, &ids, e, o->start_unix_ns);
    o->rows++;
    return settle_span(o, before, err);
}

int otlp_end(struct otlp *o, struct error *err)
{
    const struct names *sessions = &o->sessions.names;
    int status = 0;
    for (uint32_t i = 0; i < o->retried.names.count && status == 0; i++) {
        const struct stretch *q = &o->retried.items[i];
        status = write_stretch(o, q, "request", names_text(&o->retried.names, i),
                               names_text(sessions, q->session), err);
    }
    for (uint32_t i = 0; i < sessions->count && status == 0; i++)
        status =
            write_stretch(o, &o->sessions.items[i], "session", NULL, names_text(sessions, i), err);
    return status < 0 ? status : write_payload(o, err);
}

uint64_t otlp_unsent(const struct otlp *o)
{
    return o->unsent;
}

int otlp_close(struct otlp *o, int status, struct error *err)
{
    status = file_output_close(&o->file, status, err);
    clear_run(o);
    names_free(&o->sessions.names);
    names_free(&o->retried.names);
    names_free(&o->endpoints);
    free(o->sessions.items);
    free(o->retried.items);
    free(o->places);
    buffer_free(&o->spans);
    buffer_free(&o->head);
    buffer_free(&o->line);
    free(o->name);
    free(o);
    return status;
}
