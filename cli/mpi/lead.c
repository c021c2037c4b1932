#include "cli/mpi/lead_state.h"

#include "core/memory.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define GATHER_NS (60 * NS_PER_S)
#define LEAVE_NS (2 * NS_PER_S)
#define PARTS_NS (15 * NS_PER_S)
#define LAST_NS (100 * NS_PER_MS) /* where somebody is lost */

const char *lead_name(const struct lead *l, uint32_t rank, char out[RANK_HOST_SIZE + 32])
{
    snprintf(out, RANK_HOST_SIZE + 32, "rank %u (%s)", rank, l->of[rank].host);
    return out;
}

void lead_tell_all(struct lead *l, enum letter_kind kind, const void *value, size_t size)
{
    for (uint32_t rank = 1; rank < l->ranks; rank++)
        if (!l->roster.of[rank].lost)
            post_send_bytes(l->post, (int)rank, kind, value, size);
}

/* ---- life ---- */

static int end(void *lead, struct bench_report *report, struct error *err);
static void close_run(void *lead);

struct lead *lead_create(struct post *post)
{
    struct hello hello;
    struct lead *l = mem_zero(1, sizeof *l);
    l->post = post;
    l->ranks = (uint32_t)post_ranks(post);
    l->of = mem_zero(l->ranks, sizeof *l->of);
    l->company = (struct bench_company){.context = l,
                                        .leads = true,
                                        .start = lead_start,
                                        .own = lead_own,
                                        .poll = lead_poll,
                                        .add_flights = lead_add_flights};
    l->crew = (struct bench_crew){.context = l,
                                  .ranks = l->ranks,
                                  .company = &l->company,
                                  .begin = lead_begin,
                                  .end = end,
                                  .close = close_run};
    words_hello(&hello);
    memcpy(l->of[0].host, hello.host, sizeof l->of[0].host);
    l->of[0].greeted = true;
    roster_init(&l->roster, l->ranks, clock_now_ns());
    grace_init(&l->grace);
    return l;
}

void lead_free(struct lead *l)
{
    for (uint32_t i = 0; i < l->ranks; i++)
        free(l->of[i].flights);
    roster_free(&l->roster);
    record_room_free(&l->room);
    free(l->of);
    free(l);
}

const struct bench_crew *lead_crew(const struct lead *l)
{
    return &l->crew;
}

/* ---- who is there ---- */

static int greet(struct lead *l, const struct letter *letter, struct error *err)
{
    struct hello hello, ours;
    struct unpack u = unpack_of(&letter->body);
    words_hello(&ours);
    unpack_value(&u, hello);
    hello.host[sizeof hello.host - 1] = hello.version[sizeof hello.version - 1] = '\0';
    if (u.broken || hello.shape != ours.shape || strcmp(hello.version, ours.version) != 0)
        return error_set(err, ERR_WORK,
                         "rank %d on %s runs another build of farebox-mpi (%s): all ranks need the "
                         "same one",
                         letter->from, hello.host, hello.version);
    memcpy(l->of[letter->from].host, hello.host, sizeof hello.host);
    l->of[letter->from].greeted = true;
    return 0;
}

int lead_gather(struct lead *l, struct error *err)
{
    struct letter letter;
    int64_t until_ns = clock_now_ns() + GATHER_NS;
    uint32_t missing = l->ranks - 1;
    int status = 0;
    while (missing && status == 0 && clock_now_ns() < until_ns) {
        while (status == 0 && post_next(l->post, &letter)) {
            status = greet(l, &letter, err);
            missing--;
            letter_free(&letter);
        }
        post_pause(NS_PER_MS);
    }
    for (uint32_t i = 0; i < l->ranks && status == 0; i++)
        if (!l->of[i].greeted)
            status = error_set(err, ERR_WORK, "rank %u has not said a word in a minute", i);
    l->crew.one_host = true;
    for (uint32_t i = 0; i < l->ranks; i++)
        l->crew.one_host = l->crew.one_host && strcmp(l->of[i].host, l->of[0].host) == 0;
    return status;
}

bool lead_leave(struct lead *l)
{
    bool all = !grace_has_begun(&l->grace);
    lead_tell_all(l, LETTER_LEAVE, "", 0);
    for (uint32_t i = 1; i < l->ranks; i++)
        all = all && !l->roster.of[i].lost;
    return post_flush(l->post, all ? LEAVE_NS : LAST_NS) && all;
}

/* ---- what came of a run ---- */

static void set_clock(const struct crew_rank *c, struct fidelity_rank *r)
{
    r->offset_ms = c->before.exchanges ? (double)c->before.offset_ns / 1e6 : NAN;
    r->error_ms = c->before.exchanges ? (double)c->before.error_ns / 1e6 : NAN;
    r->drift_ppm = clock_drift_ppm(&c->before, &c->after, &r->drift_error_ppm);
}

static void set_lost(const struct crew_rank *c, struct fidelity *f)
{
    *f = (struct fidelity){.kind = FIDELITY_CLIENT,
                           .lag_p50_ms = NAN,
                           .lag_p99_ms = NAN,
                           .lag_max_ms = NAN,
                           .lag_limit_ms = NAN,
                           .stall_max_ms = NAN,
                           .cpu_peak = NAN,
                           .cpu_mean = NAN,
                           .observer_cpu = NAN,
                           .steal = NAN,
                           .throttled_s = NAN};
    snprintf(f->rank.lost, sizeof f->rank.lost, "was last heard of %.3g s after the start",
             (double)c->heard_ns / 1e9);
}

/* The whole's fidelity is made of all ranks'; it keeps the probes, which were rank 0's. */
static void put_together(struct lead *l, struct bench_report *report)
{
    struct fidelity *whole = &report->fidelity;
    l->own = fidelity_bare(whole);
    l->own_not_due = report->not_due;
    struct fidelity_probe *probes = whole->probes;
    size_t probe_count = whole->probe_count;
    double observer_cpu = whole->observer_cpu;
    *whole = (struct fidelity){.probes = probes,
                               .probe_count = probe_count,
                               .observer_cpu = observer_cpu,
                               .parts = mem_zero(l->ranks, sizeof *whole->parts),
                               .part_count = l->ranks};
    for (uint32_t i = 0; i < l->ranks; i++) {
        struct fidelity *part = &whole->parts[i];
        const struct crew_rank *c = &l->of[i];
        *part = i == 0 ? l->own : c->done.fidelity;
        if (i && !c->ended)
            set_lost(c, part);
        part->rank.number = i;
        memcpy(part->rank.host, c->host, sizeof part->rank.host);
        set_clock(c, &part->rank);
        report->not_due += i ? c->done.not_due : 0;
        report->cpu_ns += i ? c->done.cpu_ns : 0;
        if (i && c->done.wall_ns > report->wall_ns)
            report->wall_ns = c->done.wall_ns;
    }
    fidelity_merge(whole);
    l->own.rank = whole->parts[0].rank;
}

/* One that could not reach the endpoint ended by itself: the others went on. */
static void warn_of_unreachable(const struct lead *l)
{
    char name[RANK_HOST_SIZE + 32];
    for (uint32_t i = 1; i < l->ranks; i++)
        if (l->of[i].ended && l->of[i].done.end == BENCH_UNREACHABLE)
            warn(&l->terminal,
                 "%s: no connection to the endpoint succeeded, and its part was not "
                 "sent",
                 lead_name(l, i, name));
}

static bool all_wrote(const struct lead *l)
{
    for (uint32_t i = 1; i < l->ranks; i++)
        if (!l->of[i].wrote && !l->roster.of[i].lost)
            return false;
    return true;
}

/* The directory in which parts are being written does not change its name meanwhile, which a run
 * that replaces an earlier one does in the end. */
static void wait_for_parts(struct lead *l)
{
    struct letter letter;
    int64_t until_ns = clock_now_ns() + PARTS_NS;
    while (!all_wrote(l) && clock_now_ns() < until_ns) {
        while (post_next(l->post, &letter)) {
            if (letter.kind == LETTER_WROTE)
                l->of[letter.from].wrote = true;
            letter_free(&letter);
        }
        if (grace_is_late(&l->grace, clock_now_ns()))
            return;
        post_pause(NS_PER_MS);
    }
}

static void finish_own_part(struct lead *l)
{
    part_finish(&l->part, &l->assignment, &l->own, l->own_not_due);
    if (l->part.failure.code)
        warn(&l->terminal, "the part of rank 0 is not kept: %s", l->part.failure.message);
}

static int end(void *lead, struct bench_report *report, struct error *err)
{
    struct lead *l = lead;
    static const struct start off = {.start_ns = TIME_NEVER};
    if (!l->begun)
        return report ? 0 : err->code;
    if (!report && l->start_ns == TIME_NEVER)
        lead_tell_all(l, LETTER_START, &off, sizeof off);
    if (report && !l->off && !grace_has_begun(&l->grace))
        lead_measure_clocks(l, true);
    lead_tell_all(l, LETTER_FINISH, "", 0);
    if (l->off)
        return error_set(err, l->failure.code, "%s", l->failure.message);
    if (!report)
        return err->code;
    put_together(l, report);
    finish_own_part(l);
    wait_for_parts(l);
    warn_of_unreachable(l);
    return 0;
}

static void close_run(void *lead)
{
    struct lead *l = lead;
    if (!l->begun)
        return;
    if (l->part.open)
        finish_own_part(l);
    free(l->most_by_row);
    free(l->directory);
    free(l->described);
    l->most_by_row = NULL;
    l->directory = l->described = NULL;
    l->begun = false;
}
