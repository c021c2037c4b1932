#include "sim/simulate.h"

#include "core/memory.h"
#include "core/random.h"
#include "core/stop.h"
#include "workloads/load/due_record.h"
#include "workloads/model/later_turn.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ROUNDS_BETWEEN_PROGRESS 4096
#define FLIGHT_NONE UINT32_MAX

/* A request in the engine; its place is its tag. */
struct flight {
    struct due due;
    int64_t first_token_ns;
    bool used;
    uint32_t next_free;
};

struct simulation {
    const struct workload *w;
    const struct simulate_options *options;
    const struct run_observer *observer;
    struct engine *engine;
    struct schedule *schedule;
    struct flight *flights;
    size_t flight_count, flight_capacity;
    uint32_t free_flight;
    int64_t *times; /* of one request's tokens */
    size_t time_capacity;
    struct simulate_progress progress;
    uint64_t peak_in_flight;
    int64_t last_end_ns;
    bool stopped;          /* the observer said so */
    uint64_t kept_cache;   /* requests whose cache hits are the recording's */
    bool recorded_cache;   /* the workload is a recording that says what came from a cache */
    uint32_t *later_turns; /* by row, whose prompt repeats its answer; NULL = of none */
};

void simulate_options_init(struct simulate_options *options)
{
    *options = (struct simulate_options){0};
    schedule_config_init(&options->schedule);
    engine_config_init(&options->engine);
}

/* True if some request of a recording read from a provider's cache or wrote to it. Then its other
 * requests with usage did not: a zero there is a zero. */
static bool records_cache(const struct workload *w)
{
    for (size_t i = 0; w->usage && i < w->count; i++)
        if (w->usage_known[i] &&
            (w->usage[i].cached_input | w->usage[i].cache_write | w->usage[i].cache_write_1h))
            return true;
    for (size_t i = 0; w->media && i < w->count; i++)
        if (w->media[i].tokens[USAGE_CACHED_IMAGE_INPUT - USAGE_PLAIN_CLASSES] |
            w->media[i].tokens[USAGE_CACHED_AUDIO_INPUT - USAGE_PLAIN_CLASSES])
            return true;
    return false;
}

static void fill_record(const struct simulation *s, const struct due *due, char id[DUE_ID_SIZE],
                        struct record *r, struct request *request)
{
    due_record(s->w, due, id, r, request);
    r->endpoint = s->options->engine.name;
    r->final = true;
}

static void tell(struct simulation *s, const struct record *r)
{
    switch (r->status) {
    case RECORD_COMPLETED:
        s->progress.completed++;
        break;
    case RECORD_UNSENT:
        s->progress.unsent++;
        break;
    default:
        s->progress.failed++;
    }
    if (s->observer && s->observer->on_attempt && !s->observer->on_attempt(s->observer->context, r))
        s->stopped = true;
}

/* ---- what the engine tells ---- */

static void on_tokens(void *context, uint64_t tag, uint32_t first, uint32_t count, int64_t at_ns)
{
    struct simulation *s = context;
    (void)count;
    if (first == 0)
        s->flights[tag].first_token_ns = at_ns;
}

/* Tokens of one step come in one chunk. Returns how many chunks there are. */
static size_t join_chunks(int64_t *times, size_t count)
{
    size_t chunks = 0;
    for (size_t i = 0; i < count; i++)
        if (chunks == 0 || times[i] != times[chunks - 1])
            times[chunks++] = times[i];
    return chunks;
}

/* Times of the tokens; reasoning comes before the visible output. */
static void fill_tokens(struct simulation *s, struct record *r, uint64_t reasoning)
{
    size_t count = r->asked_output;
    bool drafts = s->options->engine.speculative.num_speculative_tokens > 0;
    r->chunks = r->asked_output;
    r->first_output_ns = reasoning == 0 ? r->first_token_ns : TIME_NEVER;
    r->first_text_ns = r->first_output_ns;
    r->first_reasoning_ns = reasoning == 0 ? TIME_NEVER : r->first_token_ns;
    r->reasoning_chunks = reasoning > 0;
    if (s->options->no_chunks && reasoning == 0 && !drafts)
        return;
    mem_grow(&s->times, &s->time_capacity, count, sizeof *s->times);
    count = engine_token_times(s->engine, s->times, count);
    if (reasoning > 0 && reasoning < count)
        r->first_output_ns = s->times[reasoning];
    r->first_text_ns = r->first_output_ns;
    bool known = count == r->asked_output;
    if (known && drafts) {
        r->chunks = (uint32_t)join_chunks(s->times, count);
        r->first_chunk_tokens = 1;
    }
    if (!s->options->no_chunks && known)
        r->chunk_ns = s->times;
}

static void fill_times(struct record *r, const struct flight *f)
{
    r->attempt = 1;
    r->ready_ns = r->sent_ns = f->due.ready_ns;
    r->first_token_ns = r->first_byte_ns = f->first_token_ns;
}

static void land(struct simulation *s, uint32_t place)
{
    struct flight *f = &s->flights[place];
    f->used = false;
    f->next_free = s->free_flight;
    s->free_flight = place;
    s->progress.in_flight--;
}

/* Frees the place, lets go what waited for the end, and tells the record. */
static void end_flight(struct simulation *s, uint32_t place, const struct record *r)
{
    land(s, place);
    s->last_end_ns = r->done_ns;
    schedule_ended(s->schedule, &s->flights[place].due, r->done_ns, r->status == RECORD_COMPLETED);
    tell(s, r);
}

static void on_done(void *context, uint64_t tag, uint32_t cached_tokens, int64_t at_ns)
{
    struct simulation *s = context;
    struct flight *f = &s->flights[tag];
    struct record r;
    struct request request;
    char id[DUE_ID_SIZE];
    fill_record(s, &f->due, id, &r, &request);
    fill_times(&r, f);
    r.status = RECORD_COMPLETED;
    r.http_status = 200;
    r.finish_reason = "stop";
    r.last_token_ns = r.done_ns = at_ns;
    r.streamed = request.output_tokens > 0;
    if (!r.streamed)
        r.first_byte_ns = at_ns;
    uint64_t reasoning = request.usage.tokens[USAGE_REASONING];
    if (r.streamed)
        fill_tokens(s, &r, reasoning);
    r.usage = request.usage;
    if (!s->recorded_cache || !request.has_usage) /* what was billed is known: ours are a guess */
        usage_set_cache(&r.usage, cached_tokens, 0, 0);
    s->kept_cache += s->recorded_cache && request.has_usage;
    r.usage_from = USAGE_SERVER;
    end_flight(s, (uint32_t)tag, &r);
}

/* ---- what the simulation does ---- */

static uint32_t take_flight(struct simulation *s, const struct due *due)
{
    uint32_t place = s->free_flight;
    if (place != FLIGHT_NONE) {
        s->free_flight = s->flights[place].next_free;
    } else {
        mem_grow(&s->flights, &s->flight_capacity, s->flight_count + 1, sizeof *s->flights);
        place = (uint32_t)s->flight_count++;
    }
    s->flights[place] = (struct flight){.due = *due, .first_token_ns = TIME_NEVER, .used = true};
    s->progress.sent++;
    if (++s->progress.in_flight > s->peak_in_flight)
        s->peak_in_flight = s->progress.in_flight;
    return place;
}

static void reject(struct simulation *s, uint32_t place, int64_t now_ns)
{
    struct flight *f = &s->flights[place];
    struct record r;
    struct request request;
    char id[DUE_ID_SIZE];
    fill_record(s, &f->due, id, &r, &request);
    fill_times(&r, f);
    r.status = RECORD_FAILED;
    r.failure = FAILURE_REJECTED;
    r.message = "the request needs more KV blocks than the engine has";
    r.done_ns = now_ns;
    end_flight(s, place, &r);
}

/* What the row's blocks are called: where another turn repeats prompt and answer, as there. */
static void name_blocks(const struct simulation *s, const struct due *due, struct engine_request *r)
{
    const struct workload *w = s->w;
    uint32_t row = due->row;
    if (!w->hash_start)
        return;
    if (s->later_turns && s->later_turns[row] != LATER_TURN_NONE) {
        row = s->later_turns[row];
        r->named_tokens = w->input_tokens[row];
    }
    r->hash_ids = w->hash_ids + w->hash_start[row];
    r->hash_count = w->hash_start[row + 1] - w->hash_start[row];
    r->prefix_salt = due->repeat ? random_mix(s->options->seed, due->repeat) : 0;
}

static void send_request(struct simulation *s, const struct due *due, int64_t now_ns)
{
    const struct workload *w = s->w;
    uint32_t row = due->row, place = take_flight(s, due);
    struct engine_request r = {.tag = place,
                               .input_tokens = w->input_tokens[row],
                               .output_tokens = w->output_tokens[row],
                               .block_size = w->block_size,
                               .priority = w->priority ? w->priority[row] : 0};
    name_blocks(s, due, &r);
    if (engine_submit(s->engine, now_ns, &r) != ENGINE_ACCEPTED)
        reject(s, place, now_ns);
}

static void tell_unsent(struct simulation *s, const struct due *due, enum unsent_reason reason)
{
    struct record r;
    struct request request;
    char id[DUE_ID_SIZE];
    fill_record(s, due, id, &r, &request);
    r.status = RECORD_UNSENT;
    r.unsent = reason;
    tell(s, &r);
}

static void tell_all_unsent(struct simulation *s)
{
    struct due due;
    enum unsent_reason reason;
    while (schedule_take_unsent(s->schedule, &due, &reason))
        tell_unsent(s, &due, reason);
}

static void send_due(struct simulation *s, int64_t now_ns)
{
    struct due due;
    while (!s->stopped && schedule_take(s->schedule, now_ns, &due))
        send_request(s, &due, now_ns);
    tell_all_unsent(s);
}

/* In flight when the run was interrupted: what came of them counts as cancelled. */
static void cancel_flights(struct simulation *s, int64_t now_ns)
{
    for (uint32_t place = 0; place < s->flight_count; place++) {
        struct flight *f = &s->flights[place];
        if (!f->used)
            continue;
        struct record r;
        struct request request;
        char id[DUE_ID_SIZE];
        fill_record(s, &f->due, id, &r, &request);
        fill_times(&r, f);
        r.status = RECORD_CANCELLED;
        r.streamed = request.output_tokens > 0;
        r.done_ns = now_ns;
        end_flight(s, place, &r);
    }
}

static void interrupt(struct simulation *s, int64_t now_ns)
{
    schedule_close(s->schedule, now_ns, UNSENT_INTERRUPTED);
    cancel_flights(s, now_ns);
    tell_all_unsent(s);
}

static void show_progress(struct simulation *s, int64_t now_ns)
{
    s->progress.virtual_ns = now_ns;
    if (s->options->on_progress)
        s->options->on_progress(s->options->context, &s->progress);
}

static int endless(struct error *err)
{
    return error_set(err, ERR_INPUT,
                     "the simulated time would pass %d years: ask for fewer requests, a higher "
                     "rate or a faster engine",
                     (int)(TIME_LAST_SIMULATED / (INT64_C(365) * 86400 * NS_PER_S)));
}

/* How it ended; ERR_INPUT where it would go on beyond TIME_LAST_SIMULATED. */
static int run(struct simulation *s, struct error *err)
{
    const struct engine_sink sink = {.context = s, .on_tokens = on_tokens, .on_done = on_done};
    int64_t now_ns = 0;
    for (uint64_t round = 1;; round++) {
        int64_t due_ns = schedule_next_ns(s->schedule, now_ns),
                event_ns = engine_next_ns(s->engine);
        if (due_ns == TIME_NEVER && event_ns == TIME_NEVER)
            break;
        int64_t at_ns = due_ns < event_ns ? due_ns : event_ns;
        now_ns = at_ns > now_ns ? at_ns : now_ns;
        if (now_ns > TIME_LAST_SIMULATED)
            return endless(err);
        if (event_ns <= now_ns)
            engine_advance(s->engine, now_ns, &sink);
        if (s->stopped)
            schedule_close(s->schedule, now_ns, UNSENT_BUDGET);
        send_due(s, now_ns);
        if (round % ROUNDS_BETWEEN_PROGRESS == 0)
            show_progress(s, now_ns);
        if (stop_level() > 0) {
            interrupt(s, now_ns);
            return SIMULATE_INTERRUPTED;
        }
    }
    schedule_close(s->schedule, schedule_end_ns(s->schedule), UNSENT_CAP);
    tell_all_unsent(s);
    show_progress(s, now_ns);
    return s->stopped ? SIMULATE_STOPPED : SIMULATE_FINISHED;
}

/* A closed loop without a limit of its own takes the workload once, where bench, whose time passes
 * by itself, goes on to the duration's end. */
static void make_schedule(const struct workload *w, const struct simulate_options *o,
                          struct schedule_config *out)
{
    *out = o->schedule;
    out->seed = o->seed;
    if (out->mode == SCHEDULE_CLOSED && out->load.count &&
        profile_end_ns(&out->load) == TIME_NEVER && out->max_requests == 0)
        out->max_requests = w->count;
}

int simulate_check(const struct workload *w, const struct simulate_options *o, struct error *err)
{
    struct schedule_config c;
    make_schedule(w, o, &c);
    if (schedule_check(&c, w, err) < 0)
        return err->code;
    if (c.mode == SCHEDULE_CLOSED && c.max_requests == 0 && o->engine.kind == ENGINE_CONSTANT &&
        o->engine.ttft_ms <= 0)
        return error_set(err, ERR_INPUT,
                         "with answers that take no time a closed loop never reaches the end of "
                         "its stages: give a number of requests");
    return 0;
}

int simulate_run(const struct workload *w, const struct simulate_options *options,
                 const struct run_observer *observer, struct simulate_report *report,
                 struct error *err)
{
    struct schedule_config load;
    struct simulation s = {.w = w,
                           .options = options,
                           .observer = observer,
                           .free_flight = FLIGHT_NONE,
                           .recorded_cache = records_cache(w)};
    *report = (struct simulate_report){0};
    if (simulate_check(w, options, err) < 0)
        return err->code;
    s.engine = engine_create(&options->engine, options->seed, err);
    if (!s.engine)
        return ERR_INPUT;
    if (engine_config_keeps_answers(&options->engine))
        s.later_turns = later_turns_find(w);
    make_schedule(w, options, &load);
    s.schedule = schedule_create(&load, w, err);
    s.progress.planned = schedule_planned(s.schedule);
    int end = run(&s, err);
    report->end = end < 0 ? SIMULATE_FINISHED : (enum simulate_end)end;
    report->duration_ns = s.last_end_ns;
    report->planned = schedule_planned(s.schedule);
    if (report->planned == 0) /* as many as came */
        report->planned = s.progress.completed + s.progress.failed + s.progress.unsent;
    report->not_due = schedule_not_due(s.schedule);
    report->peak_in_flight = s.peak_in_flight;
    report->recorded_cache = s.kept_cache;
    engine_state(s.engine, &report->engine);
    engine_free(s.engine);
    schedule_free(s.schedule);
    free(s.flights);
    free(s.times);
    free(s.later_turns);
    return end < 0 ? end : 0;
}
