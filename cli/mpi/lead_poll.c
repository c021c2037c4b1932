#include "cli/mpi/lead_state.h"

#include "core/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEAD_BEATS 3

void lead_own(void *lead, const struct record *r)
{
    part_add(&((struct lead *)lead)->part, r);
}

/* ---- what comes ---- */

static void take_rows(struct lead *l, const struct letter *letter, struct company_meeting *m)
{
    struct unpack u = unpack_of(&letter->body);
    struct record r;
    while (u.left && record_unpack(&u, &l->room, &r))
        m->take(m->run, &r);
}

/* What one rank finds holds for all, but that it reaches nobody. */
static void take_beat(struct crew_rank *c, const struct letter *letter, struct company_meeting *m)
{
    struct beat beat;
    struct unpack u = unpack_of(&letter->body);
    unpack_value(&u, beat);
    free(c->flights);
    c->flights = unpack_list(&u, &c->flight_count, sizeof *c->flights);
    c->sent = beat.sent;
    c->in_flight = beat.in_flight;
    if (beat.stop > m->stop && beat.stop != STOP_UNREACHABLE)
        m->stop = beat.stop;
}

static void answer_beat(struct lead *l, uint32_t rank, enum stop_request stop)
{
    struct beat answer = {.stop = stop == STOP_UNREACHABLE ? STOP_NONE : stop};
    post_send_bytes(l->post, (int)rank, LETTER_BEAT, &answer, sizeof answer);
}

static void take_done(struct lead *l, uint32_t rank, const struct letter *letter)
{
    struct crew_rank *c = &l->of[rank];
    struct unpack u = unpack_of(&letter->body);
    unpack_value(&u, c->done);
    c->ended = true;
    c->in_flight = 0;
    c->flight_count = 0;
    roster_end(&l->roster, rank);
    if (l->budget)
        budget_give_back(l->budget, c->done.unused);
}

static void grant(struct lead *l, uint32_t rank)
{
    money slice = lead_slice(l);
    post_send_bytes(l->post, (int)rank, LETTER_GRANT, &slice, sizeof slice);
}

static void take(struct lead *l, const struct letter *letter, struct company_meeting *m,
                 int64_t now_ns)
{
    uint32_t rank = (uint32_t)letter->from;
    if (!roster_hear(&l->roster, rank, now_ns))
        return;
    if (letter->kind == LETTER_BEAT)
        answer_beat(l, rank, m->stop);
    if (letter->kind == LETTER_WROTE)
        l->of[rank].wrote = true;
    if (l->of[rank].ended)
        return;
    if (letter->kind == LETTER_ROWS)
        take_rows(l, letter, m);
    else if (letter->kind == LETTER_BEAT)
        take_beat(&l->of[rank], letter, m);
    else if (letter->kind == LETTER_WANT)
        grant(l, rank);
    else if (letter->kind == LETTER_DONE)
        take_done(l, rank, letter);
}

/* ---- who is silent ---- */

static void lose(struct lead *l, uint32_t rank)
{
    l->of[rank].heard_ns = l->roster.of[rank].heard_ns - l->start_ns;
    l->of[rank].in_flight = 0;
    l->of[rank].flight_count = 0;
}

bool lead_next_lost(struct lead *l, const struct terminal *t, int64_t now_ns, uint32_t *rank)
{
    char name[RANK_HOST_SIZE + 32];
    enum roster_change c;
    while ((c = roster_next(&l->roster, now_ns, rank)) != ROSTER_SAME && c != ROSTER_LOST) {
        lead_name(l, *rank, name);
        if (c == ROSTER_SILENT)
            warn(t, "%s has not been heard of for %.0f s", name, (double)ROSTER_SILENT_NS / 1e9);
        if (c == ROSTER_BACK)
            warn(t, "%s is back after %.1f s of silence", name,
                 (double)l->roster.of[*rank].silence_ns / 1e9);
    }
    return c == ROSTER_LOST;
}

static void call_the_roll(struct lead *l, int64_t now_ns)
{
    char name[RANK_HOST_SIZE + 32];
    for (uint32_t rank; lead_next_lost(l, &l->terminal, now_ns, &rank);) {
        lose(l, rank);
        warn(&l->terminal, "%s is given up: the run goes on without it", lead_name(l, rank, name));
    }
}

/* The launcher is about to kill. Who has been silent for some beats by now is why; of all others
 * the last word comes within milliseconds, and what has not come when the grace is over will not.
 */
static void give_up_on_the_dead(struct lead *l, int64_t now_ns)
{
    bool all = grace_is_over(&l->grace, now_ns);
    for (uint32_t i = 1; i < l->ranks; i++) {
        bool dead = now_ns - l->roster.of[i].heard_ns > DEAD_BEATS * ROSTER_BEAT_NS / 2;
        if (l->of[i].ended || l->roster.of[i].lost || !(all || dead))
            continue;
        lose(l, i);
        roster_lose(&l->roster, i);
    }
}

/* ---- a meeting ---- */

void lead_poll(void *lead, struct company_meeting *m)
{
    struct lead *l = lead;
    struct letter letter;
    int64_t now_ns = clock_now_ns();
    if (l->off || l->start_ns == TIME_NEVER)
        return;
    while (post_next(l->post, &letter)) {
        take(l, &letter, m, now_ns);
        letter_free(&letter);
    }
    m->stop = grace_stop(&l->grace, m->stop, now_ns);
    if (grace_has_begun(&l->grace))
        give_up_on_the_dead(l, now_ns);
    if (now_ns >= l->next_tick_ns) {
        l->next_tick_ns = now_ns + ROSTER_BEAT_NS;
        part_tick(&l->part);
    }
    call_the_roll(l, now_ns);
    for (uint32_t i = 1; i < l->ranks; i++) {
        m->others_sent += l->of[i].sent;
        m->others_in_flight += l->of[i].in_flight;
    }
    m->working = roster_working(&l->roster);
}

void lead_add_flights(void *lead, struct stop_flights *out)
{
    const struct lead *l = lead;
    for (uint32_t i = 1; i < l->ranks; i++)
        for (size_t k = 0; k < l->of[i].flight_count; k++) {
            mem_grow(&out->items, &out->capacity, out->count + 1, sizeof *out->items);
            out->items[out->count++] = l->of[i].flights[k];
        }
}
