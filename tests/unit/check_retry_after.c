/* How long a server asks to be left alone, in all the forms that servers have for it. */
#include "bench/refusal/retry_after.h"
#include "testing.h"

#define NOW (INT64_C(1791979200) * NS_PER_S) /* Wed, 14 Oct 2026 12:00:00 GMT */
#define NONE (-1)

/* Takes "name: value" lines apart. */
static size_t read_lines(const char *lines, struct answer_header *out)
{
    size_t count = 0;
    while (*lines) {
        size_t name = strcspn(lines, ":"), line = strcspn(lines, "\n");
        out[count++] = (struct answer_header){{lines, name}, {lines + name + 1, line - name - 1}};
        lines += line + (lines[line] == '\n');
    }
    return count;
}

static double wait_ms(const char *lines, int status)
{
    struct answer_header headers[16];
    int64_t ns;
    if (!retry_after_find(headers, read_lines(lines, headers), status, NOW, &ns))
        return NONE;
    return ns == TIME_NEVER ? INFINITY : (double)ns / 1e6;
}

static const struct {
    const char *lines;
    double ms;
} cases[] = {
    {"content-type: text/html", NONE},
    /* seconds */
    {"Retry-After: 7", 7000},
    {"retry-after: 1.5", 1500},
    {"retry-after: .25", 250},
    {"retry-after: 0", 0},
    {"retry-after:  3 ", 3000},
    {"retry-after: 1m30s", 90000},
    {"retry-after: 20s", 20000},
    {"retry-after: 0s", 0},
    {"retry-after: 0.0001", 0.1},
    {"retry-after: 99999999999999999999", INFINITY},
    {"retry-after: 2\nretry-after: 5", 5000},
    /* no wait at all */
    {"retry-after: -1", NONE},
    {"retry-after: soon", NONE},
    {"retry-after:", NONE},
    {"retry-after: 1.2.3", NONE},
    {"retry-after: 5 apples", NONE},
    {"retry-after: nan", NONE},
    {"retry-after: 0x10", NONE},
    {"retry-after: .", NONE},
    /* instants: HTTP's three forms, and one of RFC 3339 */
    {"retry-after: Wed, 14 Oct 2026 12:00:03 GMT", 3000},
    {"retry-after: Wednesday, 14-Oct-26 12:00:03 GMT", 3000},
    {"retry-after: Wed Oct 14 12:00:03 2026", 3000},
    {"retry-after: 2026-10-14T12:00:03.5Z", 3500},
    {"retry-after: 2026-10-14T14:00:03+02:00", 3000},
    {"retry-after: Tue, 06 Nov 2012 08:49:37 GMT", 0},
    /* by the server's own clock, which is two hours late */
    {"date: Wed, 14 Oct 2026 10:00:00 GMT\nretry-after: Wed, 14 Oct 2026 10:00:04 GMT", 4000},
    {"date: garbage\nretry-after: Wed, 14 Oct 2026 12:00:04 GMT", 4000},
    /* milliseconds come first, if they say something */
    {"retry-after-ms: 1250", 1250},
    {"Retry-After-Ms: 0.5", 0.5},
    {"retry-after: 2\nretry-after-ms: 1700", 1700},
    {"retry-after: 2\nretry-after-ms: -4", 2000},
    {"retry-after-ms: later\nretry-after: 2", 2000},
    /* limits that open again */
    {"x-ratelimit-reset-requests: 1.5s", 1500},
    {"x-ratelimit-reset-requests: 1m30s", 90000},
    {"x-ratelimit-reset-tokens: 120ms", 120},
    {"x-ratelimit-reset-requests: 2h0m3.25s", 7203250},
    {"x-ratelimit-reset-requests: 1s\nx-ratelimit-reset-tokens: 6s", 6000},
    {"x-ratelimit-reset-requests: 9s\nx-ratelimit-remaining-requests: 40\n"
     "x-ratelimit-reset-tokens: 2s\nx-ratelimit-remaining-tokens: 0",
     2000},
    {"x-ratelimit-reset-requests: 9s\nx-ratelimit-remaining-requests: 40\n"
     "x-ratelimit-reset-tokens: 2s",
     2000},
    {"x-ratelimit-reset-requests-day: 33011.4\nx-ratelimit-remaining-requests-day: 80\n"
     "x-ratelimit-reset-tokens-minute: 11.4\nx-ratelimit-remaining-tokens-minute: 12",
     11400},
    {"x-ratelimit-reset-requests-day: 33011.5\nx-ratelimit-remaining-requests-day: 0", 33011500},
    {"anthropic-ratelimit-requests-reset: 2026-10-14T12:00:08Z\n"
     "anthropic-ratelimit-requests-remaining: 0\n"
     "anthropic-ratelimit-input-tokens-reset: 2026-10-14T12:00:50Z\n"
     "anthropic-ratelimit-input-tokens-remaining: 9000",
     8000},
    {"x-ratelimit-reset: 1791979206", 6000},
    {"X-RateLimit-Reset: 1791979206500", 6500},
    {"ratelimit-reset: 12", 12000},
    {"x-ratelimit-reset-requests: 9s\nretry-after: 1", 1000},
    {"x-ratelimit-reset-requests: 9s\nretry-after: soon", 9000},
    {"x-ratelimit-limit-requests: 60\nx-ratelimit-remaining-requests: 0", NONE},
};

START_TEST(every_form_of_a_wait_is_read)
{
    ck_assert_msg(wait_ms(cases[_i].lines, 429) == cases[_i].ms, "%s: %g ms", cases[_i].lines,
                  wait_ms(cases[_i].lines, 429));
}
END_TEST

/* Those headers come with every answer of such a server: only a refusal for their sake means them.
 */
START_TEST(limits_count_where_one_was_met)
{
    ck_assert(wait_ms("x-ratelimit-reset-requests: 9s", 500) == NONE);
    ck_assert(wait_ms("retry-after: 9", 500) == 9000);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("retry_after");
    TCase *t = tcase_create("retry_after");
    tcase_add_loop_test(t, every_form_of_a_wait_is_read, 0, (int)(sizeof cases / sizeof *cases));
    tcase_add_test(t, limits_count_where_one_was_met);
    suite_add_tcase(suite, t);
    return testing_run(suite);
}
