/* Any answer, cut anywhere, is read as it was made: 100,000 of them, drawn at random of the shapes
 * that docs/answers.md and docs/usage.md list, come in pieces at random instants. Tokens, kinds,
 * instants, classes, the end and what was odd must be those of the making.
 *
 * FAREBOX_ANSWERS sets how many are drawn, FAREBOX_SEED another seed; a failure names the answer.
 */
#include "tests/unit/answers_others.h"
#include "tests/unit/testing.h"

#define READS 512
#define ASKED_INPUT 11
#define ASKED_OUTPUT 5
#define SENT_NS 1000

enum family { CHAT, COMPLETIONS, RESPONSES, MESSAGES, WHOLE, FAMILIES };

static void make(struct made_answer *m, enum family family)
{
    if (family == CHAT || family == COMPLETIONS)
        made_chat_stream(m, family == CHAT ? &api_chat : &api_completions);
    else if (family == RESPONSES)
        made_responses_stream(m);
    else if (family == MESSAGES)
        made_messages_stream(m);
    else
        made_whole(m);
}

/* ---- how it comes ---- */

struct read {
    size_t until; /* bytes of the body that have come with it */
    struct arrival when;
};

struct reads {
    struct read at[READS];
    unsigned count;
};

/* Cut at random: into single bytes at times, or hardly. A read may have been waited for since
 * before the one in front of it was over. */
static void cut(struct made_answer *m, struct reads *r)
{
    static const uint64_t sizes[] = {3, 40, 400, 4000, 100000};
    uint64_t most = sizes[draw(m, 5)];
    size_t until = 0, least = m->body.length / (READS - 2);
    int64_t now_ns = SENT_NS;
    r->count = 0;
    while (until < m->body.length) {
        until += least + 1 + draw(m, most);
        until = until < m->body.length ? until : m->body.length;
        now_ns += 1 + (int64_t)draw(m, 50000000);
        int64_t wake_ns = now_ns - (int64_t)draw(m, 100000000);
        r->at[r->count] = (struct read){until, {wake_ns, now_ns, r->count + 1}};
        r->count++;
    }
}

/* Feeds all of it, a read at times in two pieces; bytes lie where nothing may be read behind. */
static void feed(struct made_answer *m, const struct reads *r, struct attempt *a)
{
    size_t from = 0;
    bool go_on = true;
    for (unsigned i = 0; i < r->count && go_on; i++) {
        size_t half = from + draw(m, 4) * (r->at[i].until - from) / 4;
        for (size_t to = half; go_on && from < r->at[i].until; to = r->at[i].until) {
            if (to == from)
                continue;
            char *own = malloc(to - from);
            memcpy(own, m->body.data + from, to - from);
            go_on = attempt_feed(a, &r->at[i].when, own, to - from);
            free(own);
            from = to;
        }
    }
    ck_assert(go_on || m->failure == FAILURE_ERROR_EVENT);
    attempt_end(a, m->transport, m->transport ? "reset by peer" : NULL);
}

/* ---- what must be read ---- */

struct expected {
    int64_t chunk_ns[MADE_EVENTS];
    unsigned kinds[MADE_EVENTS];
    unsigned chunks;
};

static unsigned read_of(const struct reads *r, size_t whole_at)
{
    unsigned i = 0;
    while (i + 1 < r->count && r->at[i].until < whole_at)
        i++;
    return i;
}

/* An event counts as come when its read woke, if it stands first in it, else when it was read; the
 * headers stand first in the first read. Never before the read in front of it. */
static void expect(const struct made_answer *m, const struct reads *r, struct expected *e)
{
    unsigned before = 0; /* the read of the event before */
    e->chunks = 0;
    for (unsigned i = 0; i < m->count; i++) {
        unsigned now = read_of(r, m->events[i].whole_at);
        int64_t at_ns = now == before ? r->at[now].when.read_ns : r->at[now].when.wake_ns;
        int64_t least_ns = now ? r->at[now - 1].when.read_ns : SENT_NS;
        before = now;
        if (m->events[i].kinds == 0)
            continue;
        e->kinds[e->chunks] = m->events[i].kinds;
        e->chunk_ns[e->chunks++] = at_ns > least_ns ? at_ns : least_ns;
    }
}

static int64_t first_of(const struct expected *e, unsigned kinds)
{
    for (unsigned i = 0; i < e->chunks; i++)
        if (e->kinds[i] & kinds)
            return e->chunk_ns[i];
    return TIME_NEVER;
}

/* Chunks of reasoning alone. */
static unsigned reasoning_of(const struct expected *e)
{
    unsigned count = 0;
    for (unsigned i = 0; i < e->chunks; i++)
        count += !(e->kinds[i] & CHUNK_OUTPUT);
    return count;
}

/* ---- the checks ---- */

#define MUST(what, got, want)                                                            \
    ck_assert_msg((got) == (want), "answer %llu: %s is %lld, not %lld, of\n%.3000s\n",   \
                  (unsigned long long)number, what, (long long)(got), (long long)(want), \
                  m->body.data)

static void check_times(uint64_t number, const struct made_answer *m, const struct reads *r,
                        const struct expected *e, const struct record *got)
{
    const struct read *last = &r->at[r->count - 1];
    MUST("chunks", got->chunks, e->chunks);
    for (unsigned i = 0; i < e->chunks; i++)
        MUST("a chunk's instant", got->chunk_ns[i], e->chunk_ns[i]);
    MUST("the first byte", got->first_byte_ns, r->at[0].when.read_ns);
    MUST("the first token", got->first_token_ns, first_of(e, ~0u));
    MUST("the first output", got->first_output_ns, first_of(e, CHUNK_OUTPUT));
    MUST("the first reasoning", got->first_reasoning_ns, first_of(e, CHUNK_REASONING));
    MUST("the first text", got->first_text_ns, first_of(e, CHUNK_CONTENT | CHUNK_REFUSAL));
    MUST("the first tool call", got->first_tool_ns, first_of(e, CHUNK_TOOL));
    if (!m->is_stream)
        MUST("the last token", got->last_token_ns, last->when.read_ns);
    else
        MUST("the last token", got->last_token_ns,
             e->chunks ? e->chunk_ns[e->chunks - 1] : TIME_NEVER);
}

/* Where no output is said, each chunk is a token; of a body see check_usage(). */
static void estimate(const struct made_answer *m, const struct expected *e, struct usage *u)
{
    u->tokens[USAGE_REASONING] = reasoning_of(e);
    u->tokens[USAGE_OUTPUT] = m->is_stream ? e->chunks - reasoning_of(e) : ASKED_OUTPUT;
}

/* Whether so much came that a server who says nothing is believed to have counted it. */
static bool came(const struct made_answer *m, const struct expected *e)
{
    return e->chunks > 0 || !m->is_stream || m->failure == FAILURE_NONE;
}

static struct usage expected_usage(const struct made_answer *m, const struct expected *e,
                                   bool *estimated)
{
    struct usage u = {0};
    bool silent = m->is_stream && e->chunks == 0;
    *estimated = m->has_usage ? m->usage.estimates && !silent : came(m, e);
    if (m->has_usage)
        memcpy(u.tokens, m->usage.tokens, sizeof u.tokens);
    else if (*estimated)
        u.tokens[USAGE_UNCACHED_INPUT] = ASKED_INPUT;
    if (m->has_usage && m->usage.estimates)
        u.tokens[USAGE_OUTPUT] = u.tokens[USAGE_REASONING] = 0;
    if (m->told_at_start) { /* the output that there was then */
        u.tokens[USAGE_OUTPUT] = 1;
        *estimated = e->chunks > 1;
    }
    if (*estimated)
        estimate(m, e, &u);
    return u;
}

static void check_usage(uint64_t number, const struct made_answer *m, const struct expected *e,
                        const struct record *got)
{
    bool estimated;
    struct usage u = expected_usage(m, e, &estimated);
    bool by_text = estimated && !m->is_stream; /* four bytes a token: check_answers.c has it */
    for (int c = 0; c < USAGE_CLASSES; c++)
        if (!by_text || (c != USAGE_OUTPUT && c != USAGE_REASONING))
            MUST(usage_class_name((enum usage_class)c), got->usage.tokens[c], u.tokens[c]);
    if (by_text)
        MUST("some output", usage_output(&got->usage) > 0, true);
    if (m->has_usage && !estimated)
        MUST("the usage's origin", got->usage_from, USAGE_SERVER);
    else if (estimated)
        MUST("the usage's origin", got->usage_from, USAGE_ESTIMATED);
    MUST("a cost", got->has_cost, m->has_usage && m->usage.cost);
    if (got->has_cost) {
        money cost;
        money_parse(m->usage.cost, strlen(m->usage.cost), MONEY_PER_ONE, &cost);
        MUST("the cost", got->cost, cost);
    }
    if (m->first_tokens && m->has_usage && got->chunks > 1 && u.tokens[USAGE_OUTPUT] > got->chunks)
        MUST("tokens of the first chunk", got->first_chunk_tokens, m->first_tokens);
}

static uint32_t expected_odd(const struct made_answer *m, const struct expected *e)
{
    uint32_t odd = m->odd;
    bool spoke = e->chunks > 0 || !m->is_stream;
    if (m->has_usage && m->usage.estimates && spoke)
        odd |= m->usage.odd & ODDITY(USAGE_ZERO);
    if (m->failure != FAILURE_NONE)
        return odd;
    odd |= !m->ends ? ODDITY(NO_END_MARK) : 0;
    odd |= m->finish ? 0 : ODDITY(NO_FINISH_REASON);
    odd |= spoke ? 0 : ODDITY(NO_TEXT);
    return odd;
}

static void check_end(uint64_t number, const struct made_answer *m, const struct expected *e,
                      const struct attempt *a, const struct record *got)
{
    const char *text = got->text ? got->text : "", *want = m->text.data ? m->text.data : "";
    MUST("the failure", got->failure, m->failure);
    MUST("a stream", got->streamed, m->is_stream);
    if (m->is_stream && m->failure == FAILURE_NONE)
        MUST("the end mark", attempt_is_whole(a), m->ends);
    if (m->message)
        ck_assert_msg(strncmp(got->message, m->message, strlen(m->message)) == 0,
                      "answer %llu failed with \"%s\", of\n%.3000s\n", (unsigned long long)number,
                      got->message, m->body.data);
    if (m->failure == FAILURE_NONE && m->finish)
        ck_assert_msg(got->finish_reason && strcmp(got->finish_reason, m->finish) == 0,
                      "answer %llu finished with %s, not %s, of\n%.3000s\n",
                      (unsigned long long)number,
                      got->finish_reason ? got->finish_reason : "nothing", m->finish, m->body.data);
    ck_assert_msg(strcmp(text, want) == 0, "answer %llu says\n%s, not\n%s, of\n%.3000s\n",
                  (unsigned long long)number, text, want, m->body.data);
    uint32_t odd = expected_odd(m, e);
    for (int i = 0; i < ODDITIES; i++)
        MUST(oddity_names[i], got->odd >> i & 1, odd >> i & 1);
}

/* ---- one answer ---- */

/* All of it came, and neither a token nor a word of how it ended. */
static void expect_silence(struct made_answer *m, const struct expected *e)
{
    bool counted = m->has_usage && !m->usage.estimates;
    if (m->failure != FAILURE_NONE || !m->is_stream || e->chunks || m->finish || counted)
        return;
    m->failure = FAILURE_EMPTY;
    m->message = "the stream ended without a token";
}

static void play(uint64_t number, struct made_answer *m, struct attempt *a)
{
    const struct attempt_config config = {.api = m->api,
                                          .stream = m->asks_stream,
                                          .keep_text = true,
                                          .max_event = 1 << 20,
                                          .max_body = 1 << 20};
    struct reads reads;
    struct expected e;
    struct record got;
    cut(m, &reads);
    attempt_begin(a, &config, SENT_NS);
    attempt_answer(a, 200, m->type);
    feed(m, &reads, a);
    record_init(&got);
    got.asked_input = ASKED_INPUT;
    got.asked_output = ASKED_OUTPUT;
    attempt_fill(a, &got);
    expect(m, &reads, &e);
    expect_silence(m, &e);
    check_end(number, m, &e, a, &got);
    check_times(number, m, &reads, &e, &got);
    check_usage(number, m, &e, &got);
}

static uint64_t setting(const char *name, uint64_t otherwise)
{
    const char *value = getenv(name);
    return value ? strtoull(value, NULL, 10) : otherwise;
}

/* One of the families; answer `number` is the same however many are drawn. */
START_TEST(any_answer_is_read_as_it_was_made)
{
    uint64_t count = setting("FAREBOX_ANSWERS", testing_few() ? 10000 : 100000) / FAMILIES;
    uint64_t seed = setting("FAREBOX_SEED", 1);
    struct made_answer m;
    struct attempt a;
    made_init(&m);
    attempt_init(&a);
    for (uint64_t number = 0; number < count; number++) {
        made_begin(&m, seed, number * FAMILIES + (uint64_t)_i);
        make(&m, (enum family)_i);
        play(number, &m, &a);
    }
    attempt_free(&a);
    made_free(&m);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("answer_property");
    TCase *t = tcase_create("answer_property");
    tcase_add_loop_test(t, any_answer_is_read_as_it_was_made, 0, FAMILIES);
    suite_add_tcase(s, t);
    return testing_run(s);
}
