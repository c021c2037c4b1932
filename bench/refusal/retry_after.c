#include "bench/refusal/retry_after.h"

#include <ctype.h>
#include <curl/curl.h>
#include <math.h>
#include <stdio.h>

/* ---- numbers ---- */

static int64_t as_ns(double ns)
{
    return ns < 9.2e18 ? (int64_t)ceil(ns) : TIME_NEVER;
}

/* Digits with one point among them at most; how many bytes they take, 0 for none. */
static size_t take_number(struct text t, double *out)
{
    size_t n = 0, points = 0;
    while (n < t.length && (isdigit((unsigned char)t.at[n]) || (t.at[n] == '.' && points == 0)))
        points += t.at[n++] == '.';
    return n > points && text_to_double((struct text){t.at, n}, out) ? n : 0;
}

static size_t take_unit(struct text t, double *ns)
{
    static const struct {
        const char *name;
        double ns;
    } units[] = {{"ms", 1e6}, {"us", 1e3},     {"µs", 1e3},   {"ns", 1},
                 {"s", 1e9},  {"m", 60 * 1e9}, {"h", 3600e9}, {"d", 86400e9}};
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        *ns = units[i].ns;
        if (text_starts(t, units[i].name))
            return strlen(units[i].name);
    }
    return 0;
}

/* "1.5", "120ms", "1m30.5s": all of it. A bare number counts in `unit_ns`. */
static bool read_length(struct text t, double unit_ns, int64_t *out)
{
    double number, ns, sum = 0;
    size_t n = take_number(t, &number);
    bool some = n > 0;
    if (n == t.length && some) {
        *out = as_ns(number * unit_ns);
        return true;
    }
    while (t.length) {
        n = take_number(t, &number);
        t = (struct text){t.at + n, t.length - n};
        size_t unit = n ? take_unit(t, &ns) : 0;
        if (unit == 0)
            return false;
        sum += number * ns;
        t = (struct text){t.at + unit, t.length - unit};
    }
    *out = as_ns(sum);
    return some;
}

/* ---- instants ---- */

/* HTTP's forms begin with a day's name; RFC 3339's with the year. */
static bool read_instant(struct text t, int64_t *unix_ns)
{
    char date[64];
    if (t.length == 0 || t.length >= sizeof date)
        return false;
    if (isdigit((unsigned char)t.at[0]))
        return memchr(t.at, ':', t.length) && clock_parse_instant(t.at, t.length, unix_ns) == 0;
    snprintf(date, sizeof date, "%.*s", (int)t.length, t.at);
    time_t seconds = strchr(date, ':') ? curl_getdate(date, NULL) : -1;
    if (seconds < 0 || __builtin_mul_overflow((int64_t)seconds, NS_PER_S, unix_ns))
        return false;
    return true;
}

static int64_t until(int64_t unix_ns, int64_t now_ns)
{
    return unix_ns > now_ns ? unix_ns - now_ns : 0;
}

static bool is_named(const struct answer_header *h, const char *name)
{
    return text_equal_nocase(h->name, name);
}

/* The server's own clock, where its answer shows it: ours may differ. */
static int64_t server_now(const struct answer_header *headers, size_t count, int64_t wall_ns)
{
    int64_t unix_ns;
    for (size_t i = 0; i < count; i++)
        if (is_named(&headers[i], "date") && read_instant(text_trim(headers[i].value), &unix_ns))
            return unix_ns;
    return wall_ns;
}

/* ---- headers ---- */

/* The longest wait of all headers of the name. */
static bool find_named(const struct answer_header *headers, size_t count, const char *name,
                       double unit_ns, int64_t now_ns, int64_t *wait_ns)
{
    bool found = false;
    for (size_t i = 0; i < count; i++) {
        struct text value = text_trim(headers[i].value);
        int64_t ns, at_ns;
        if (!is_named(&headers[i], name))
            continue;
        if (read_instant(value, &at_ns))
            ns = until(at_ns, now_ns);
        else if (!read_length(value, unit_ns, &ns))
            continue;
        *wait_ns = found && *wait_ns > ns ? *wait_ns : ns;
        found = true;
    }
    return found;
}

/* When a limit is open again. A bare number as large as an instant's is one. */
static bool read_reset(struct text t, int64_t now_ns, int64_t *wait_ns)
{
    int64_t at_ns;
    double number;
    if (read_instant(t, &at_ns)) {
        *wait_ns = until(at_ns, now_ns);
        return true;
    }
    if (take_number(t, &number) == t.length && number >= 1e8) {
        *wait_ns = until(as_ns(number * (number >= 1e11 ? 1e6 : 1e9)), now_ns);
        return true;
    }
    return read_length(t, 1e9, wait_ns);
}

enum room { SPENT, UNSAID, LEFT, ROOMS };

/* What the header that differs from `reset` in this word only says is left. */
static enum room find_room(const struct answer_header *headers, size_t count,
                           const struct answer_header *reset)
{
    char name[128];
    double left;
    const char *word = text_find_nocase(reset->name, "reset");
    int before = (int)(word - reset->name.at), behind = (int)reset->name.length - before - 5;
    snprintf(name, sizeof name, "%.*sremaining%.*s", before, reset->name.at, behind, word + 5);
    for (size_t i = 0; i < count; i++)
        if (is_named(&headers[i], name) && text_to_double(text_trim(headers[i].value), &left))
            return left > 0 ? LEFT : SPENT;
    return UNSAID;
}

static bool find_reset(const struct answer_header *headers, size_t count, int64_t now_ns,
                       int64_t *wait_ns)
{
    int64_t longest[ROOMS] = {-1, -1, -1}, ns;
    for (size_t i = 0; i < count; i++) {
        const struct answer_header *h = &headers[i];
        if (!text_find_nocase(h->name, "ratelimit") || !text_find_nocase(h->name, "reset") ||
            !read_reset(text_trim(h->value), now_ns, &ns))
            continue;
        enum room room = find_room(headers, count, h);
        if (ns > longest[room] && (room != LEFT || ns <= RETRY_AFTER_MOST_NS))
            longest[room] = ns;
    }
    for (int room = 0; room < ROOMS; room++) {
        *wait_ns = longest[room];
        if (longest[room] >= 0)
            return true;
    }
    return false;
}

bool retry_after_find(const struct answer_header *headers, size_t count, int http_status,
                      int64_t wall_ns, int64_t *wait_ns)
{
    int64_t now_ns = server_now(headers, count, wall_ns);
    return find_named(headers, count, "retry-after-ms", 1e6, now_ns, wait_ns) ||
           find_named(headers, count, "retry-after", 1e9, now_ns, wait_ns) ||
           (http_status == 429 && find_reset(headers, count, now_ns, wait_ns));
}
