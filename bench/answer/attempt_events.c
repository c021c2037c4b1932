/* The events of a streamed answer. */
#include "bench/answer/attempt_state.h"
#include "core/json/json_scan.h"
#include "core/json/mend.h"
#include "core/memory.h"

#include <string.h>

/* Several chunks in one read from a stream that had been silent before: where most of a stream
 * came like that, something between collects it. A single such read is a hiccup. */
#define BATCH_CHUNKS 5
#define BATCH_SILENCE_NS (20 * NS_PER_MS)

#define MENDED_MORE 6 /* bytes for one, at most */

static void note_first(int64_t *first_ns, bool is_there, int64_t at_ns)
{
    if (is_there && *first_ns == TIME_NEVER)
        *first_ns = at_ns;
}

static void note_token(struct attempt *a, const struct chunk *c)
{
    int64_t at_ns = attempt_now(a);
    a->read_chunks++;
    if (a->read_chunks >= BATCH_CHUNKS && a->read_gap_ns >= BATCH_SILENCE_NS)
        a->batched += a->read_chunks == BATCH_CHUNKS ? BATCH_CHUNKS : 1;
    mem_grow(&a->chunk_ns, &a->chunk_capacity, (size_t)a->chunks + 1, sizeof *a->chunk_ns);
    a->chunk_ns[a->chunks++] = at_ns;
    note_first(&a->seen.first_token_ns, true, at_ns);
    note_first(&a->seen.first_output_ns, c->tokens & CHUNK_OUTPUT, at_ns);
    note_first(&a->seen.first_reasoning_ns, c->tokens & CHUNK_REASONING, at_ns);
    note_first(&a->seen.first_text_ns, c->tokens & (CHUNK_CONTENT | CHUNK_REFUSAL), at_ns);
    note_first(&a->seen.first_tool_ns, c->tokens & CHUNK_TOOL, at_ns);
    if (!(c->tokens & CHUNK_OUTPUT)) {
        a->reasoning_count++;
        a->summaries += (c->tokens & CHUNK_SUMMARY) != 0;
    }
    a->seen.last_token_ns = at_ns;
}

/* The new bytes of a text that may repeat what came before: `*t` becomes what is new, and a text
 * without any is no token. Of one that turns out to have been repeated from the start all that was
 * kept goes. Returns what it adds to the answer's length. */
static int64_t take_growth(struct attempt *a, int which, unsigned kind, struct text *t,
                           struct chunk *c)
{
    struct growth *g = &a->growths[which];
    if (t->length == 0)
        return 0;
    if (growth_says_all(g, *t, c->finish_reason.length > 0)) {
        a->odd |= ODDITY(REPEATS);
        *t = (struct text){"", 0};
        c->tokens &= ~kind;
        return 0;
    }
    if (g->is_increments)
        return (int64_t)t->length;
    if (g->length == 0)
        a->kept_from[which] = a->text.length;
    struct growth_step step = growth_add(g, *t);
    if (step.restarts)
        a->odd |= ODDITY(REPEATS);
    if (step.restarts && a->config->keep_text && a->text.length > a->kept_from[which])
        a->text.data[a->text.length = a->kept_from[which]] = '\0';
    *t = (struct text){t->at + t->length - step.fresh, step.fresh};
    if (step.fresh == 0)
        c->tokens &= ~kind;
    return step.bytes;
}

/* A token's text, and how the answer's tokens are spread over its chunks. False: the text says
 * again what came before. */
static bool take_tokens(struct attempt *a, struct chunk *c)
{
    bool said = c->content.length > 0;
    int64_t bytes = (int64_t)(c->refusal.length + c->tool.length);
    bytes += take_growth(a, GROWTH_CONTENT, CHUNK_CONTENT, &c->content, c);
    bytes += take_growth(a, GROWTH_REASONING, CHUNK_REASONING | CHUNK_SUMMARY, &c->reasoning, c);
    for (unsigned i = 0; i < c->more_count; i++)
        bytes += (int64_t)c->more[i].length;
    bool is_new = !said || c->content.length > 0;
    if (!c->tokens)
        return is_new;
    note_token(a, c);
    spread_add(&a->spread, c, bytes);
    return is_new;
}

static void note_finish(struct attempt *a, struct text reason)
{
    struct text found;
    if (secrets_find(a->config->secrets, reason, 0, &found))
        reason = text_of(SECRETS_HIDDEN);
    size_t n = reason.length;
    n = n < sizeof a->finish_reason - 1 ? n : sizeof a->finish_reason - 1;
    memcpy(a->finish_reason, reason.at, n);
    a->finish_reason[n] = '\0';
}

static void keep_text(struct attempt *a, struct text t)
{
    if (!(a->odd & ODDITY(TEXT_CUT)) && !json_unescape(t, &a->text))
        a->odd |= ODDITY(TEXT_CUT);
}

static void keep_texts(struct attempt *a, const struct chunk *c)
{
    keep_text(a, c->reasoning);
    keep_text(a, c->content);
    keep_text(a, c->refusal);
    keep_text(a, c->tool);
    for (unsigned i = 0; i < c->more_count; i++)
        keep_text(a, c->more[i]);
}

/* Their texts go with the payload. */
static void note_unknown_keys(struct attempt *a)
{
    struct text found;
    for (uint32_t i = 0; i < a->report.unknown_count; i++)
        if (!secrets_find(a->config->secrets, a->report.unknown[i], 0, &found))
            usage_key_names_add(&a->unknown_keys, a->report.unknown[i]);
    a->report.unknown_count = 0;
}

static void note_usage(struct attempt *a, const struct chunk *c)
{
    if (!c->usage_grows) { /* what is told at the start is no part of what is told at the end */
        uint64_t output = usage_output(&c->usage);
        a->usage_rose |= a->usage_reports > 0 && output > a->usage_output_last;
        a->usage_fell |= output < a->usage_output_last;
        a->usage_output_last = output;
        a->usage_reports++;
        a->usage_reasoning_sum += c->usage.tokens[USAGE_REASONING];
        a->usage_output_sum += output;
    }
    usage_report_merge(&a->report, &c->report);
    note_unknown_keys(a);
    a->so_far.has_usage = true;
    a->so_far.usage_grows = c->usage_grows;
    usage_report_resolve(&a->report, &a->so_far.usage);
    if (a->config->keep_raw) {
        buffer_clear(&a->raw_usage);
        buffer_add(&a->raw_usage, c->raw_usage.at, c->raw_usage.length);
    }
}

static void note_cost(struct attempt *a, money cost)
{
    struct usage_report alone = {.has_cost = true, .cost = cost};
    usage_report_merge(&a->report, &alone);
}

void attempt_note_rest(struct attempt *a, const struct chunk *c)
{
    a->odd |= c->odd;
    if (c->finish_reason.length)
        note_finish(a, c->finish_reason);
    if (c->has_usage)
        note_usage(a, c);
    if (c->has_cost)
        note_cost(a, c->cost);
    if (c->unit.name)
        a->unit = c->unit;
    if (a->config->keep_text)
        keep_texts(a, c);
}

/* ---- events ---- */

bool attempt_read_mended(struct attempt *a, const char *name, struct text *data, struct chunk *c)
{
    a->mended.cap = MENDED_MORE * (data->length + 1);
    if (!mend_json(*data, &a->mended))
        return false;
    struct text mended = {a->mended.data, a->mended.length};
    int bad = name ? a->config->api->read_event(&a->so_far, name, mended, c)
                   : a->config->api->read_answer(mended, c);
    if (bad)
        return false;
    c->odd |= ODDITY(BAD_TEXT);
    *data = mended;
    return true;
}

/* An event that is no JSON: passed over, as the answer may go on, unless it is called an error. */
static bool pass_over(struct attempt *a, const char *name, struct text data)
{
    if (a->ending) /* cut by the end of the stream: that is truncation, not bad JSON */
        return true;
    if (strcmp(name, "error") == 0) {
        attempt_fail(a, FAILURE_ERROR_EVENT, data);
        return false;
    }
    a->odd |= ODDITY(NOT_JSON);
    attempt_hold(a, HELD_UNREAD, data);
    return true;
}

/* What came behind the end mark is no part of the answer; usage that was still to come is. */
static bool take_late(struct attempt *a, const char *name, struct text data)
{
    struct chunk c;
    if (!a->so_far.has_usage && data.length &&
        a->config->api->read_event(&a->so_far, name, data, &c) == 0 && c.has_usage) {
        a->understood = true;
        note_usage(a, &c);
    }
    return true;
}

/* The answer once more, at its end. */
static void forget_texts(struct attempt *a, struct chunk *c)
{
    if (c->tokens)
        a->odd |= ODDITY(REPEATS);
    c->content = c->reasoning = c->refusal = c->tool = (struct text){"", 0};
    c->tokens = c->more_count = 0;
}

/* Reads an event, or tells by the one before it what it says; false: it is no JSON. */
static bool read_event(struct attempt *a, const char *name, struct text *data, struct chunk *c)
{
    bool alone = a->config->api->events_stand_alone;
    if (alone && alike_read(&a->alike, name, *data, c))
        return true;
    if (a->config->api->read_event(&a->so_far, name, *data, c) < 0)
        return attempt_read_mended(a, name, data, c);
    if (alone)
        alike_learn(&a->alike, name, *data, c);
    return true;
}

static bool take_event(struct attempt *a, const char *name, struct text data)
{
    struct chunk c;
    struct text words;
    if (a->done)
        return take_late(a, name, data);
    if (text_starts(data, "["))
        data = chunk_unwrap(data);
    if (!read_event(a, name, &data, &c))
        return pass_over(a, name, data);
    a->understood |= !c.ends;
    bool again = c.is_whole_text && a->by_deltas;
    if (again)
        forget_texts(a, &c);
    if (c.tokens) {
        again |= !take_tokens(a, &c);
        a->held = HELD_NOTHING; /* whatever was said, the answer goes on */
        a->by_deltas |= !c.is_whole_text;
    }
    a->so_far.tokens |= c.tokens;
    a->so_far.part_tokens = c.begins ? 0 : a->so_far.part_tokens | c.tokens;
    attempt_note_rest(a, &c);
    if ((c.is_error || c.finish_reason.length) && attempt_says_failed(a, &c, data))
        return false;
    if (a->chunks > ATTEMPT_MOST_CHUNKS) {
        attempt_fail(a, FAILURE_TOO_LARGE, text_of("the stream has more than 2 million chunks"));
        return false;
    }
    if (a->config->reply && !again)
        a->config->api->read_reply(data, a->config->reply);
    if (c.is_foreign && chunk_find_words(data, &words))
        attempt_hold(a, HELD_ERROR, words);
    if (!a->looks_like && a->chunks == 0 && !c.ends)
        attempt_look(a, data);
    a->done = c.ends;
    if (c.tokens && a->config->cancel_after && a->chunks >= a->config->cancel_after)
        a->cancelled = true;
    return !a->cancelled;
}

static bool on_event(void *context, const char *name, struct text data)
{
    struct attempt *a = context;
    if (data.at != a->lines.data)
        buffer_clear(&a->lines); /* what was begun there is no JSON */
    bool go_on = take_event(a, name, data);
    a->read_items++;
    return go_on;
}

/* The first of several lines of JSON. */
static bool opens(struct text line)
{
    static const char *const ends[] = {"{", "[", "[{", ",", NULL};
    if (!text_starts(line, "{") && !text_starts(line, "["))
        return false;
    for (size_t i = 0; ends[i]; i++)
        if (line.length >= strlen(ends[i]) &&
            memcmp(line.at + line.length - strlen(ends[i]), ends[i], strlen(ends[i])) == 0)
            return true;
    return false;
}

static bool is_json(struct text t)
{
    struct json_scan s;
    json_scan_init(&s, "event", t.at, t.length, 1);
    return json_skip(&s, NULL) && json_scan_end(&s, NULL) == 0;
}

/* JSON over several lines, as errors are printed for people: an event once it is whole. */
static bool gather(struct attempt *a, const char *name, struct text line)
{
    if (buffer_add(&a->lines, line.at, line.length) < 0 || buffer_add_byte(&a->lines, '\n') < 0) {
        buffer_clear(&a->lines);
        return true;
    }
    struct text all = {a->lines.data, a->lines.length};
    bool closes = text_starts(line, "}") || text_starts(line, "]");
    if (!closes || !is_json(all))
        return true;
    bool go_on = on_event(a, name, all);
    buffer_clear(&a->lines);
    return go_on;
}

/* A line that is no field of an event stream. Servers write errors so, and gateways lose the
 * "data:" of an event. */
static bool on_stray(void *context, const char *name, struct text line)
{
    static const char error[] = "error:";
    struct attempt *a = context;
    size_t n = sizeof error - 1;
    struct text value = text_trim(line);
    a->odd |= a->says_lines ? 0 : ODDITY(NO_DATA);
    if (text_starts(line, error))
        return on_event(a, "error", text_trim((struct text){line.at + n, line.length - n}));
    if (a->lines.length || opens(value))
        return gather(a, name, value);
    if (text_starts(value, "{") || text_starts(value, "["))
        return on_event(a, name, value);
    attempt_hold(a, HELD_UNREAD, value);
    a->read_items++;
    return true;
}

bool attempt_feed_events(struct attempt *a, const char *bytes, size_t count)
{
    a->sse.stray = on_stray;
    a->stream_bytes += count;
    if (a->stream_bytes > ATTEMPT_MOST_BYTES) {
        attempt_fail(a, FAILURE_TOO_LARGE, text_of("the stream is longer than 1 GiB"));
        return false;
    }
    enum sse_verdict verdict = sse_feed(&a->sse, bytes, count, on_event, a);
    if (verdict == SSE_TOO_LARGE)
        attempt_fail(a, FAILURE_TOO_LARGE,
                     text_of("an event of the stream is beyond the size cap"));
    return verdict == SSE_GO_ON;
}

void attempt_end_events(struct attempt *a)
{
    a->ending = true;
    if (a->failure == FAILURE_NONE && !a->cancelled)
        sse_end(&a->sse, on_event, a);
    if (a->sse.no_blanks)
        a->odd |= ODDITY(NO_BLANK);
}
