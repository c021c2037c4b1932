/* Azure LLM inference traces: TIMESTAMP,ContextTokens,GeneratedTokens.
 *
 * 2023 writes "2023-11-16 18:17:03.9799600", 2024 writes "2024-05-10 00:00:00.009930+00:00" with
 * the fraction left out where it is zero. Length-only files of the same header have the word XXX
 * for a time: all their requests stand at 0. Times become offsets from the first (or earliest) row;
 * the start label keeps the instant.
 */
#include "workloads/trace/trace_csv.h"

#include <string.h>

static const char *const names[] = {"TIMESTAMP", "ContextTokens", "GeneratedTokens", NULL};

static bool probe(const struct trace_probe *p)
{
    /* One of the two names that nobody else uses is enough: what is missing is then named. */
    static const char *const input[] = {"ContextTokens", NULL};
    static const char *const output[] = {"GeneratedTokens", NULL};
    static const char *const images[] = {"NumImages", NULL}; /* the multimodal trace has a form */
    return !csv_probe(p, images) && (csv_probe(p, input) || csv_probe(p, output));
}

struct azure {
    int at[3]; /* where the columns of `names` stand */
    int last;  /* the largest of them */
    bool usual_order;
    bool timed, untimed;
    /* Rows of one minute share all but the seconds: the minute read last, and its instant. */
    char minute[17];
    int64_t minute_ns;
};

static bool two_digits(const char *at, int64_t *out)
{
    unsigned tens = (unsigned)at[0] - '0', ones = (unsigned)at[1] - '0';
    *out = (int64_t)(tens * 10 + ones);
    return tens <= 5 && ones <= 9;
}

/* "2023-11-16 18:17:" known: "03", then nothing or '.' and up to 9 digits, then nothing or the zone
 * "+00:00". */
static bool seconds_of_minute(const char *at, size_t length, int64_t *out_ns)
{
    int64_t seconds, fraction = 0, unit = NS_PER_S;
    if (length > 6 && memcmp(at + length - 6, "+00:00", 6) == 0)
        length -= 6;
    if (length < 2 || !two_digits(at, &seconds) || length == 3 || length > 12 ||
        (length > 2 && at[2] != '.'))
        return false;
    for (size_t i = 3; i < length; i++) {
        unsigned digit = (unsigned)at[i] - '0';
        if (digit > 9)
            return false;
        unit /= 10;
        fraction += digit * unit;
    }
    *out_ns = seconds * NS_PER_S + fraction;
    return true;
}

/* The instant of a row. The minute's part is parsed once for all rows that share it. */
static bool read_instant(struct azure *a, struct text t, int64_t *out_ns)
{
    int64_t within;
    if (t.length > sizeof a->minute && memcmp(t.at, a->minute, sizeof a->minute) == 0 &&
        seconds_of_minute(t.at + sizeof a->minute, t.length - sizeof a->minute, &within)) {
        *out_ns = a->minute_ns + within;
        return true;
    }
    if (!clock_parse_instant(t.at, t.length, out_ns)) {
        if (t.length > sizeof a->minute && t.at[16] == ':' &&
            seconds_of_minute(t.at + sizeof a->minute, t.length - sizeof a->minute, &within)) {
            memcpy(a->minute, t.at, sizeof a->minute);
            a->minute_ns = *out_ns - within;
        }
        return true;
    }
    return false;
}

static int read_header(struct trace_input *in, struct azure *a, struct error *err)
{
    struct text line;
    struct csv_row header;
    int more = csv_header(in, &line, &header, err);
    if (more <= 0)
        return more;
    for (int i = 0; i < 3; i++) {
        a->at[i] = csv_find(&header, names[i]);
        if (a->at[i] < 0)
            return trace_fail(in, 1, err, "expected a header with a column \"%s\"", names[i]);
        if (a->at[i] > a->last)
            a->last = a->at[i];
    }
    a->usual_order = in->separator == ',' && a->at[0] == 0 && a->at[1] == 1 && a->at[2] == 2;
    return 0;
}

static int read_time(struct trace_input *in, struct azure *a, struct text line, struct text field,
                     int64_t *out_ns, struct error *err)
{
    *out_ns = 0;
    if (read_instant(a, field, out_ns))
        a->timed = true;
    else if (text_equal(field, "XXX"))
        a->untimed = true;
    else
        return trace_fail_value(in, line, field,
                                "an instant such as 2023-11-16 18:17:03.97 (or XXX for none)", err);
    if (a->timed && a->untimed)
        return trace_fail(in, csv_column(line, field), err,
                          "some rows have a time and some have XXX; expected one or the other");
    return 0;
}

static int add_row(struct trace_input *in, const struct azure *a, int64_t instant_ns,
                   uint32_t input, uint32_t output, struct error *err)
{
    struct workload *w = in->out;
    if (w->count == 0 && a->timed) {
        w->has_start = true;
        w->start_unix_ns = instant_ns;
    }
    if (w->count >= WORKLOAD_MAX_ROWS)
        return trace_fail(in, 0, err, "more than %zu requests", WORKLOAD_MAX_ROWS);
    workload_add_plain(w, instant_ns - w->start_unix_ns, input, output);
    return 0;
}

/* One to eight digits, which no limit concerns, up to `stop` (a byte, or the end for 0). */
static bool plain_count(const char **at, const char *end, char stop, uint32_t *out)
{
    const char *p = *at;
    uint32_t value = 0;
    while (p < end && (unsigned)(*p - '0') <= 9 && p - *at < 8)
        value = value * 10 + (uint32_t)(*p++ - '0');
    if (p == *at || (stop ? p == end || *p != stop : p != end))
        return false;
    *out = value;
    *at = p + (stop != 0);
    return true;
}

/* The road of nearly every row: columns in the usual order, no quotes, a minute that was seen
 * before. False, with nothing done, for every other row. */
static bool read_plain_row(struct azure *a, struct text line, int64_t *instant_ns, uint32_t *input,
                           uint32_t *output)
{
    const char *at = line.at, *end = line.at + line.length;
    int64_t within;
    if (!a->usual_order || line.length <= sizeof a->minute ||
        memcmp(at, a->minute, sizeof a->minute) != 0)
        return false;
    at += sizeof a->minute;
    const char *comma = memchr(at, ',', (size_t)(end - at));
    if (!comma || !seconds_of_minute(at, (size_t)(comma - at), &within))
        return false;
    *instant_ns = a->minute_ns + within;
    at = comma + 1;
    return plain_count(&at, end, ',', input) && plain_count(&at, end, '\0', output);
}

static int read_row(struct trace_input *in, struct azure *a, struct text line, struct csv_row *row,
                    struct error *err)
{
    uint32_t input = 0, output = 0;
    int64_t instant_ns = 0;
    if (!a->untimed && read_plain_row(a, line, &instant_ns, &input, &output))
        return add_row(in, a, instant_ns, input, output, err);
    if (csv_split(in, line, row, err) < 0)
        return ERR_INPUT;
    if (row->count <= (size_t)a->last)
        return trace_fail(in, (long)line.length + 1, err,
                          "expected %d fields, found %zu: the line is cut short", a->last + 1,
                          row->count);
    if (read_time(in, a, line, row->fields[a->at[0]], &instant_ns, err) < 0 ||
        csv_tokens(in, line, row->fields[a->at[1]], "a token count", &input, err) < 0 ||
        csv_tokens(in, line, row->fields[a->at[2]], "a token count", &output, err) < 0)
        return ERR_INPUT;
    return add_row(in, a, instant_ns, input, output, err);
}

static int read_rows(struct trace_input *in, struct error *err)
{
    struct azure a = {0};
    struct csv_row row;
    struct text line;
    int status = read_header(in, &a, err), more = 0;
    while (status == 0 && (more = trace_next_line(in, &line, err)) > 0)
        status = read_row(in, &a, line, &row, err);
    if (status < 0 || more < 0)
        return status < 0 ? status : more;
    if (a.untimed)
        in->report->format = "lengths";
    else
        trace_rebase(in);
    return 0;
}

const struct trace_reader trace_reader_azure = {
    "azure",
    "Azure LLM inference traces 2023 and 2024, and length-only files of their form (CSV)",
    probe,
    read_rows,
};
