#include "cli/report/export/junit.h"

#include "cli/report/text/diff_text.h"
#include "core/printable.h"

#include <string.h>

/* What XML cannot hold becomes U+FFFD. */
static void add_escaped(struct buffer *out, const char *text)
{
    static const struct {
        char c;
        const char *entity;
    } entities[] = {
        {'<', "&lt;"}, {'>', "&gt;"}, {'&', "&amp;"}, {'"', "&quot;"}, {'\'', "&apos;"}};
    struct buffer shown;
    buffer_init(&shown, BUFFER_UNBOUNDED);
    printable_add_line(text, &shown);
    for (size_t k = 0; k < shown.length; k++) {
        const char *entity = NULL;
        for (size_t i = 0; i < sizeof entities / sizeof entities[0]; i++)
            if (entities[i].c == shown.data[k])
                entity = entities[i].entity;
        if (entity)
            buffer_add_text(out, entity);
        else
            buffer_add_byte(out, shown.data[k]);
    }
    buffer_free(&shown);
}

static void add_attribute(struct buffer *out, const char *name, const char *value)
{
    buffer_add_format(out, " %s=\"", name);
    add_escaped(out, value);
    buffer_add_byte(out, '"');
}

static void add_counts(struct buffer *out, size_t tests, size_t failures, size_t skipped)
{
    buffer_add_format(out, " tests=\"%zu\" failures=\"%zu\" errors=\"0\" skipped=\"%zu\"", tests,
                      failures, skipped);
}

static bool is_failure(const struct run_diff *d, const struct diff_judged *j)
{
    return j->verdict == DIFF_FAIL || (j->verdict == DIFF_UNDECIDED && d->undecided_fails);
}

static void add_case(const struct run_diff *d, const struct diff_judged *j, const char *name,
                     struct buffer *out)
{
    struct buffer words;
    buffer_init(&words, BUFFER_UNBOUNDED);
    buffer_add_format(&words, "%s: ", diff_verdict_name(j->verdict));
    diff_text_judged(d, j, &words);
    buffer_add_text(out, "    <testcase");
    add_attribute(out, "classname", name);
    add_attribute(out, "name", j->figure.name);
    buffer_add_text(out, " time=\"0\">\n");
    if (is_failure(d, j)) {
        buffer_add_text(out, "      <failure");
        add_attribute(out, "type", diff_verdict_name(j->verdict));
        add_attribute(out, "message", words.data);
        buffer_add_text(out, "/>\n");
    } else if (j->verdict == DIFF_UNDECIDED) {
        buffer_add_text(out, "      <skipped");
        add_attribute(out, "message", words.data);
        buffer_add_text(out, "/>\n");
    }
    buffer_add_text(out, "      <system-out>");
    add_escaped(out, words.data);
    buffer_add_text(out, "</system-out>\n    </testcase>\n");
    buffer_free(&words);
}

void junit_begin(struct junit *j, struct buffer *out)
{
    *j = (struct junit){.out = out};
    buffer_init(&j->suites, BUFFER_UNBOUNDED);
}

void junit_add(struct junit *j, const char *before, const char *after, const struct run_diff *d)
{
    struct buffer name;
    size_t failures = 0, skipped = 0;
    for (size_t i = 0; i < d->judged_count; i++) {
        failures += is_failure(d, &d->judged[i]);
        skipped += d->judged[i].verdict == DIFF_UNDECIDED && !is_failure(d, &d->judged[i]);
    }
    buffer_init(&name, BUFFER_UNBOUNDED);
    buffer_add_text(&name, before);
    if (strcmp(before, after) != 0)
        buffer_add_format(&name, " → %s", after);
    buffer_add_text(&j->suites, "  <testsuite");
    add_attribute(&j->suites, "name", name.data);
    add_counts(&j->suites, d->judged_count, failures, skipped);
    buffer_add_text(&j->suites, " time=\"0\">\n");
    for (size_t i = 0; i < d->judged_count; i++)
        add_case(d, &d->judged[i], name.data, &j->suites);
    buffer_add_text(&j->suites, "  </testsuite>\n");
    buffer_free(&name);
    j->tests += d->judged_count;
    j->failures += failures;
    j->skipped += skipped;
}

void junit_end(struct junit *j)
{
    buffer_add_text(j->out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites");
    add_attribute(j->out, "name", "farebox diff");
    add_counts(j->out, j->tests, j->failures, j->skipped);
    buffer_add_text(j->out, ">\n");
    if (j->suites.length)
        buffer_add(j->out, j->suites.data, j->suites.length);
    buffer_add_text(j->out, "</testsuites>\n");
    buffer_free(&j->suites);
}
