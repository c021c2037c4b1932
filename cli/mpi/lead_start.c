#include "cli/mpi/lead_state.h"

#include "core/memory.h"
#include "core/stop.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HAND_OUT_NS (60 * NS_PER_S)
#define READY_NS (120 * NS_PER_S)
#define START_NS (150 * NS_PER_MS) /* for everybody's threads to be there */
#define START_A_RANK_NS (100 * NS_PER_US)
#define SLICES_A_RANK 4  /* of what is left of the budget */
#define LEAST_REQUESTS 2 /* of the dearest, in a slice: what a rank cannot use is little */

/* ---- assignments ---- */

static void set_budget(struct lead *l, struct budget *budget)
{
    l->budget = budget->limited ? budget : NULL;
    l->most_by_row = l->budget ? budget_most_by_row(budget) : NULL;
    l->dearest = 0;
    for (size_t i = 0; l->most_by_row && i < budget->workload->count; i++)
        if (l->most_by_row[i] > l->dearest)
            l->dearest = l->most_by_row[i];
}

static void fill(struct lead *l, const struct bench_crew_run *run)
{
    l->terminal = *run->terminal;
    l->directory = mem_copy_string(run->directory);
    l->described = mem_copy_string(run->described);
    l->assignment = (struct assignment){.config = run->setup->config,
                                        .probes = run->probes,
                                        .workload = run->workload,
                                        .directory = l->directory,
                                        .described = l->described,
                                        .load = run->setup->summary.load,
                                        .slos = run->setup->summary.slos,
                                        .detail = run->setup->detail,
                                        .most_by_row = l->most_by_row};
}

static void forget_last(struct lead *l)
{
    for (uint32_t i = 0; i < l->ranks; i++) {
        struct crew_rank *c = &l->of[i];
        free(c->flights);
        struct crew_rank kept = {.greeted = c->greeted};
        memcpy(kept.host, c->host, sizeof kept.host);
        *c = kept;
    }
    l->of[0].ended = true;
    l->off = false;
    l->failure = (struct error){0};
    l->start_ns = TIME_NEVER;
    l->next_tick_ns = 0;
    l->own = (struct fidelity){0};
    l->own_not_due = 0;
}

static void fail(struct lead *l, const char *message)
{
    l->off = true;
    if (!l->failure.code)
        error_set(&l->failure, ERR_WORK, "%s", message);
}

void lead_begin(void *lead, const struct bench_crew_run *run)
{
    struct lead *l = lead;
    struct buffer bytes;
    forget_last(l);
    set_budget(l, run->budget);
    fill(l, run);
    part_begin(&l->part, &l->assignment, 0, l->ranks);
    buffer_init(&bytes, BUFFER_UNBOUNDED);
    assignment_pack(&l->assignment, &bytes);
    uint64_t size = bytes.length;
    for (uint32_t i = 1; i < l->ranks; i++)
        if (l->roster.of[i].lost)
            fail(l, "a rank was lost in an earlier run of the series");
    l->begun = true;
    if (!l->off) {
        lead_tell_all(l, LETTER_TURN, &size, sizeof size);
        if (!post_broadcast(l->post, &bytes, size, HAND_OUT_NS))
            fail(l, "the workload did not reach every rank within a minute");
    }
    explicit_bzero(bytes.data, bytes.length);
    buffer_free(&bytes);
    roster_begin(&l->roster, clock_now_ns());
}

/* ---- clocks ---- */

void lead_measure_clocks(struct lead *l, bool after)
{
    for (uint32_t i = 1; i < l->ranks; i++)
        if (!l->roster.of[i].lost)
            post_measure(l->post, (int)i, after ? &l->of[i].after : &l->of[i].before);
}

/* ---- the start ---- */

static void take_ready(struct lead *l, const struct letter *letter)
{
    char name[RANK_HOST_SIZE + 32], text[700];
    struct ready ready;
    struct unpack u = unpack_of(&letter->body);
    unpack_value(&u, ready);
    ready.message[sizeof ready.message - 1] = '\0';
    l->of[letter->from].ready = true;
    if (!ready.code)
        return;
    snprintf(text, sizeof text, "%s: %s", lead_name(l, (uint32_t)letter->from, name),
             ready.message);
    fail(l, text);
}

static uint32_t count_unready(const struct lead *l, uint32_t *first)
{
    uint32_t count = 0;
    for (uint32_t i = l->ranks; i-- > 1;)
        if (!l->of[i].ready) {
            *first = i;
            count++;
        }
    return count;
}

static void wait_for_all(struct lead *l)
{
    char name[RANK_HOST_SIZE + 32], text[200];
    struct letter letter;
    int64_t until_ns = clock_now_ns() + READY_NS;
    uint32_t first = 0;
    while (count_unready(l, &first) && !l->off && stop_level() == 0) {
        while (post_next(l->post, &letter)) {
            if (letter.kind == LETTER_READY)
                take_ready(l, &letter);
            letter_free(&letter);
        }
        if (clock_now_ns() > until_ns) {
            snprintf(text, sizeof text, "%s did not get ready within two minutes",
                     lead_name(l, first, name));
            fail(l, text);
        }
        post_pause(NS_PER_MS);
    }
}

money lead_slice(struct lead *l)
{
    return l->budget ? budget_take_slice(l->budget, (uint64_t)SLICES_A_RANK * l->ranks,
                                         LEAST_REQUESTS * l->dearest)
                     : 0;
}

/* The longest way that a clock's measuring saw is allowed for. */
static void agree(struct lead *l)
{
    int64_t longest_ns = 0;
    for (uint32_t i = 1; i < l->ranks; i++)
        if (l->of[i].before.error_ns > longest_ns)
            longest_ns = l->of[i].before.error_ns;
    l->start_ns = clock_now_ns() + START_NS + l->ranks * START_A_RANK_NS + 4 * longest_ns;
    for (uint32_t i = 1; i < l->ranks; i++) {
        struct start start = {.start_ns = l->start_ns + l->of[i].before.offset_ns,
                              .slice = lead_slice(l)};
        post_send_bytes(l->post, (int)i, LETTER_START, &start, sizeof start);
    }
}

static void check_clocks(struct lead *l)
{
    char name[RANK_HOST_SIZE + 32], text[200];
    for (uint32_t i = 1; i < l->ranks && !l->off; i++) {
        if (l->of[i].before.exchanges)
            continue;
        snprintf(text, sizeof text, "%s does not answer: its clock could not be measured",
                 lead_name(l, i, name));
        fail(l, text);
    }
}

int64_t lead_start(void *lead)
{
    struct lead *l = lead;
    static const struct start off = {.start_ns = TIME_NEVER};
    wait_for_all(l);
    if (!l->off && stop_level() > 0) {
        l->off = true;
        error_set(&l->failure, ERR_INTERRUPTED, "interrupted before the run had begun");
    }
    if (!l->off) {
        lead_measure_clocks(l, false);
        check_clocks(l);
    }
    roster_begin(&l->roster, clock_now_ns());
    roster_end(&l->roster, 0);
    if (l->off)
        lead_tell_all(l, LETTER_START, &off, sizeof off);
    else
        agree(l);
    return l->start_ns;
}
