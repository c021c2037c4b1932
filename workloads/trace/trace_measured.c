/* What a row says beside its lengths: measured times, prompts, and of how many requests it is the
 * sum. */
#include "workloads/trace/trace_fields.h"

#include "core/json/json_write.h"
#include "workloads/trace/value/number.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* A span in a unit of so many decimals down to nanoseconds. */
static const char *read_span(struct text value, int decimals, int64_t *out_ns)
{
    if (text_to_fixed(value, decimals, out_ns) && *out_ns >= 0 && *out_ns != TIME_NEVER)
        return NULL;
    return "a time from 0 to 292 years";
}

const char *trace_set_measured(struct trace_fields *f, enum trace_field field, struct text value)
{
    int64_t *out = &f->times_ns[field];
    enum trace_clock before = f->row_clock;
    if (field == FIELD_E2E_S || field == FIELD_TTFT_S)
        return read_span(value, 9, out);
    if (field == FIELD_E2E_MS || field == FIELD_TTFT_MS)
        return read_span(value, 6, out);
    const char *wanted = trace_read_time(f, FIELD_TIMESTAMP, value, out);
    if (wanted)
        return wanted;
    bool odd = before != CLOCK_NONE && before != f->row_clock;
    return odd ? "a time of the same clock as the row's start" : NULL;
}

static void put_user_message(struct trace_fields *f, struct text prompt)
{
    buffer_add_text(&f->messages, "[{\"role\": \"user\", \"content\": ");
    json_escape(&f->messages, prompt);
    buffer_add_text(&f->messages, "}]");
}

/* Bytes of the texts that stand as a message's content, as they are written. */
static uint64_t bytes_of_contents(struct text messages)
{
    struct json_scan s;
    struct text message, content;
    uint64_t bytes = 0;
    json_scan_init(&s, "", messages.at, messages.length, 1);
    json_array_begin(&s);
    while (json_array_next(&s) && json_skip(&s, &message))
        if (message.at[0] == '{' && trace_json_find(message, "content", &content))
            bytes += content.length;
    return bytes;
}

static const char *set_messages(struct trace_fields *f, struct text value)
{
    struct json_scan s;
    json_scan_init(&s, "", value.at, value.length, 1);
    bool good = json_peek(&s) == JSON_ARRAY && json_skip(&s, NULL) && json_scan_end(&s, NULL) == 0;
    if (!good)
        return "a JSON array of messages";
    buffer_add(&f->messages, value.at, value.length);
    f->prompt_tokens = trace_estimate_tokens(bytes_of_contents(value));
    return NULL;
}

static const char *set_requests(struct trace_fields *f, struct text value)
{
    uint64_t *count = &f->counts[FIELD_REQUESTS];
    if (!number_count(value, f->decimal_comma, count) || *count >= REQUESTS_UNKNOWN)
        return "a number of requests below 4294967295";
    f->row.requests = (uint32_t)*count;
    return NULL;
}

static const char *set_initiator(struct trace_fields *f, struct text value)
{
    bool user = text_equal(value, "user");
    if (!user && !text_equal(value, "agent"))
        return "user or agent";
    f->row.initiator = user ? INITIATOR_USER : INITIATOR_AGENT;
    return NULL;
}

const char *trace_set_content(struct trace_fields *f, enum trace_field field, struct text value)
{
    const char *wanted = NULL;
    if (field == FIELD_INITIATOR)
        return set_initiator(f, value);
    if (field == FIELD_REQUESTS)
        return set_requests(f, value);
    if (!text_is_utf8(value.at, value.length, NULL))
        return "UTF-8 text";
    buffer_clear(&f->messages);
    if (field == FIELD_MESSAGES) {
        wanted = set_messages(f, value);
    } else {
        put_user_message(f, value);
        f->prompt_tokens = trace_estimate_tokens(value.length);
    }
    f->messages_given = !wanted;
    f->row.messages = (struct text){f->messages.data, f->messages.length};
    return wanted;
}

/* How long after the start: by a span, or by an instant. False if the row says neither. */
static bool find_latency(const struct trace_fields *f, enum trace_field instant,
                         enum trace_field ms, enum trace_field s, int64_t *out_ns)
{
    if (trace_has(f, ms) || trace_has(f, s)) {
        *out_ns = f->times_ns[trace_has(f, ms) ? ms : s];
        return true;
    }
    if (!trace_has(f, instant) || f->row.timestamp_ns == TIME_NEVER)
        return false;
    *out_ns = f->times_ns[instant] - f->row.timestamp_ns;
    return true;
}

/* A log that has the end alone and how long it took says when it began. */
static void find_start(struct trace_fields *f)
{
    int64_t took;
    if (f->row.timestamp_ns != TIME_NEVER || !trace_has(f, FIELD_ENDED) ||
        !find_latency(f, FIELD_ENDED, FIELD_E2E_MS, FIELD_E2E_S, &took))
        return;
    if (took <= f->times_ns[FIELD_ENDED])
        f->row.timestamp_ns = f->times_ns[FIELD_ENDED] - took;
}

const char *trace_fill_measured(struct trace_fields *f)
{
    struct request *r = &f->row;
    int64_t end = 0, first = 0;
    find_start(f);
    if (r->timestamp_ns == TIME_NEVER &&
        (trace_has(f, FIELD_ENDED) || trace_has(f, FIELD_FIRST_TOKEN)))
        return "a start, or how long it took, beside the time of its end";
    find_latency(f, FIELD_ENDED, FIELD_E2E_MS, FIELD_E2E_S, &end);
    find_latency(f, FIELD_FIRST_TOKEN, FIELD_TTFT_MS, FIELD_TTFT_S, &first);
    if (end < 0 || first < 0)
        return end < 0 ? "an end that is not before the start"
                       : "a first token that is not before the start";
    if (end > 0 && first > end)
        return "a first token that is not after the end";
    if (r->requests > 1 || f->buckets)
        r->bucket_ns = end;
    if (r->requests > 1)
        return NULL;
    if (r->input_tokens > WORKLOAD_MAX_TOKENS || r->output_tokens > WORKLOAD_MAX_TOKENS)
        return "at most 100000000 tokens of input and of output in a request";
    if (!f->buckets) {
        r->end_ns = end;
        r->first_token_ns = first;
    }
    return NULL;
}

/* ---- rows that say that they stand for many ---- */

bool trace_is_aggregate(struct text name, struct text value, bool alone)
{
    static const char *const names_of_counts[] = {
        "requests",         "numrequests",      "nrequests",      "requestcount",  "requestscount",
        "countrequests",    "numberofrequests", "numofrequests",  "totalrequests", "apirequests",
        "nummodelrequests", "modelrequests",    "numapirequests", "calls",         "numcalls",
        "callcount",        "ncalls",           "apicalls",       "llmrequests",   NULL};
    char plain[32];
    size_t used = 0;
    uint64_t count;
    if (name.length >= sizeof plain || !number_count(text_trim(value), false, &count) || count < 2)
        return false;
    for (size_t i = 0; i < name.length; i++)
        if (isalnum((unsigned char)name.at[i]))
            plain[used++] = (char)tolower((unsigned char)name.at[i]);
    plain[used] = '\0';
    for (const char *const *known = names_of_counts; *known; known++)
        if (strcmp(plain, *known) == 0)
            return true;
    return alone && strcmp(plain, "count") == 0;
}

int trace_fail_aggregate(struct trace_input *in, struct text line, struct text name,
                         struct text value, const char *option, struct error *err)
{
    int shown = name.length > 40 ? 40 : (int)name.length;
    int digits = value.length > 20 ? 20 : (int)value.length;
    return trace_fail(
        in, value.at - line.at + 1, err,
        "\"%.*s\" says that this row stands for %.*s requests, and a row is priced "
        "as one: expected a row for each request, or requests=%.*s in --%s (label.requests=%.*s "
        "takes every row for one all the same)",
        shown, name.at, digits, value.at, shown, name.at, option, shown, name.at);
}

/* ---- how long a row's time is, where it does not say ---- */

#define HOUR_NS (3600 * NS_PER_S)
#define DAY_NS (24 * HOUR_NS)

/* The least distance between two rows' times: times that do not overlap are no longer. 0: all rows
 * have one time. */
static int64_t least_distance(const struct workload *w)
{
    uint32_t *order = workload_time_order(w);
    int64_t least = 0;
    for (size_t i = 1; i < w->count; i++) {
        int64_t gap = w->timestamp_ns[order[i]] - w->timestamp_ns[order[i - 1]];
        if (gap > 0 && (least == 0 || gap < least))
            least = gap;
    }
    free(order);
    return least;
}

static bool begins_a_month(int64_t unix_ns)
{
    int64_t year;
    int month, day;
    clock_civil_from_days(unix_ns / DAY_NS, &year, &month, &day);
    return unix_ns % DAY_NS == 0 && day == 1;
}

/* Months, which differ in length: all rows begin on the first of one. */
static bool are_months(const struct workload *w)
{
    bool all = w->has_start;
    for (size_t i = 0; i < w->count && all; i++)
        all = begins_a_month(w->start_unix_ns + w->timestamp_ns[i]);
    return all;
}

/* No shorter than what the rows sum up. 0: not known. */
static int64_t bucket_length(const struct workload *w)
{
    if (are_months(w))
        return 31 * DAY_NS;
    int64_t least = least_distance(w), unix_ns = w->start_unix_ns;
    if (least > 0 || !w->has_start)
        return least;
    return unix_ns % DAY_NS == 0 ? DAY_NS : unix_ns % HOUR_NS == 0 ? HOUR_NS : 0;
}

int trace_settle_buckets(struct trace_input *in, struct error *err)
{
    struct workload *w = in->out;
    bool lacking = false;
    for (size_t i = 0; w->requests && i < w->count; i++)
        lacking |= w->bucket_ns[i] == 0;
    if (!lacking)
        return 0;
    int64_t length = bucket_length(w);
    if (length == 0)
        return error_at(err, in->lines.name, 0, 0,
                        "rows stand for many requests, and none says how long a time it sums up: "
                        "expected ended=... beside timestamp=...");
    for (size_t i = 0; i < w->count; i++)
        if (w->bucket_ns[i] == 0) {
            w->bucket_ns[i] = length;
            trace_note(in, "bucket_length_from_the_times", false);
        }
    return 0;
}
