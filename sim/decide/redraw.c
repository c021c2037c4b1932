#include "sim/decide/redraw.h"

#include "core/json/json_scan.h"
#include "core/memory.h"
#include "core/random.h"

#include <math.h>
#include <stdlib.h>

#define DAY_NS (86400 * NS_PER_S)
#define DAYS_LEAST 7
#define USERS_LEAST 10
#define SKEW_SHARE 0.6 /* of |skewness| / √B that the deviation is taken larger by */

size_t redraw_so_many(const double *sizes, size_t count)
{
    double n = (double)count, mean = 0, square = 0, cube = 0;
    if (count < 2)
        return count;
    for (size_t i = 0; i < count; i++)
        mean += sizes[i] / n;
    for (size_t i = 0; i < count; i++) {
        double by = sizes[i] - mean;
        square += by * by / n;
        cube += by * by * by / n;
    }
    double skew = square > 0 ? cube / (square * sqrt(square)) : 0;
    double wider = sqrt(n / (n - 1)) * (1 + SKEW_SHARE * fabs(skew) / sqrt(n));
    double out = n / (wider * wider);
    return out < 1.5 ? 1 : (size_t)llround(out);
}

/* The text of the label "user" of a row; NAME_NONE: none. */
static uint32_t user_of(const struct workload *w, size_t row, struct names *users)
{
    struct text value;
    if (!w->labels || w->labels[row] == NAME_NONE ||
        !json_member(names_text(&w->label_sets, w->labels[row]), "user", &value))
        return NAME_NONE;
    return names_add(users, value);
}

static void list_users(struct redraw *r, const struct workload *w)
{
    struct names users;
    names_init(&users);
    r->user = mem_alloc((r->sessions.count + 1) * sizeof *r->user);
    bool all = true;
    for (size_t s = 0; s < r->sessions.count && all; s++) {
        r->user[s] = user_of(w, r->sessions.row[r->sessions.start[s]], &users);
        all = r->user[s] != NAME_NONE;
    }
    r->users = users.count;
    names_free(&users);
    if (all && r->users >= USERS_LEAST && r->users < r->sessions.count)
        return;
    free(r->user);
    r->user = NULL;
    r->users = 0;
}

static void list_days(struct redraw *r)
{
    int64_t first = INT64_MAX, last = INT64_MIN;
    for (size_t s = 0; s < r->sessions.count; s++) {
        int64_t at = r->sessions.begin_ns[s];
        first = at < first ? at : first;
        last = at > last ? at : last;
    }
    r->days = (size_t)((last - first) / DAY_NS) + 1;
    if (r->days < DAYS_LEAST || r->days >= r->sessions.count) {
        r->days = 0;
        return;
    }
    r->day = mem_alloc((r->sessions.count + 1) * sizeof *r->day);
    for (size_t s = 0; s < r->sessions.count; s++)
        r->day[s] = (uint32_t)((r->sessions.begin_ns[s] - first) / DAY_NS);
}

/* Output is dearer than input by some four times at most sellers. */
static void weigh(struct redraw *r, const struct workload *w)
{
    r->size = mem_zero(r->sessions.count + 1, sizeof *r->size);
    for (size_t s = 0; s < r->sessions.count; s++)
        for (size_t i = r->sessions.start[s]; i < r->sessions.start[s + 1]; i++) {
            uint32_t row = r->sessions.row[i];
            r->size[s] += (double)w->input_tokens[row] + 4 * (double)w->output_tokens[row];
        }
}

static size_t so_many_blocks(const struct redraw *r, const uint32_t *block, size_t blocks)
{
    double *sizes = mem_zero(blocks + 1, sizeof *sizes);
    for (size_t s = 0; s < r->sessions.count; s++)
        sizes[block[s]] += r->size[s];
    size_t out = redraw_so_many(sizes, blocks);
    free(sizes);
    return out;
}

int redraw_open(struct redraw *r, const struct workload *sample, struct error *err)
{
    *r = (struct redraw){0};
    if (sample->count == 0)
        return error_set(err, ERR_INPUT, "there is no request to decide by");
    if (serve_rows_make(&r->rows, sample, (struct serve_duration){0}, err) < 0)
        return err->code;
    session_list_make(&r->sessions, &r->rows);
    weigh(r, sample);
    list_users(r, sample);
    list_days(r);
    r->draws_user = r->user ? so_many_blocks(r, r->user, r->users) : 0;
    r->draws_day = r->day ? so_many_blocks(r, r->day, r->days) : 0;
    r->draws_session = redraw_so_many(r->size, r->sessions.count);
    r->blocks = r->sessions.count;
    if (r->user && r->users < r->blocks)
        r->blocks = r->users;
    if (r->day && r->days < r->blocks)
        r->blocks = r->days;
    r->times = mem_zero(r->users + r->days + 1, sizeof *r->times);
    return 0;
}

void redraw_free(struct redraw *r)
{
    serve_rows_free(&r->rows);
    session_list_free(&r->sessions);
    free(r->user);
    free(r->day);
    free(r->size);
    free(r->drawn);
    free(r->times);
    *r = (struct redraw){0};
}

static void add(struct redraw *r, uint32_t session)
{
    if (r->drawn_count == r->drawn_capacity) {
        r->drawn_capacity = r->drawn_capacity ? 2 * r->drawn_capacity : 1024;
        r->drawn = mem_resize(r->drawn, r->drawn_capacity, sizeof *r->drawn);
    }
    r->drawn[r->drawn_count++] = session;
}

static void draw_times(struct random *g, uint32_t *times, size_t blocks, size_t so_many)
{
    for (size_t i = 0; i < blocks; i++)
        times[i] = 0;
    for (size_t i = 0; i < so_many; i++)
        times[random_below(g, blocks)]++;
}

static void draw_blocks(struct redraw *r, struct random *g)
{
    uint32_t *users = r->times, *days = r->times + r->users;
    draw_times(g, users, r->users, r->draws_user);
    draw_times(g, days, r->days, r->draws_day);
    for (size_t s = 0; s < r->sessions.count; s++) {
        uint32_t times = (r->user ? users[r->user[s]] : 1) * (r->day ? days[r->day[s]] : 1);
        for (uint32_t i = 0; i < times; i++)
            add(r, (uint32_t)s);
    }
}

/* What comes first in a period that is shorter than the sample must be no matter of numbers. */
static void shuffle(struct redraw *r, struct random *g)
{
    for (size_t i = r->drawn_count; i > 1; i--) {
        size_t other = (size_t)random_below(g, i);
        uint32_t kept = r->drawn[i - 1];
        r->drawn[i - 1] = r->drawn[other];
        r->drawn[other] = kept;
    }
}

void redraw_make(struct redraw *r, uint64_t seed, uint64_t number)
{
    struct random g;
    random_init(&g, seed, RANDOM_BOOTSTRAP, number);
    r->drawn_count = 0;
    if (!r->user && !r->day) {
        for (size_t i = 0; i < r->draws_session; i++)
            add(r, (uint32_t)random_below(&g, r->sessions.count));
        return;
    }
    do {
        draw_blocks(r, &g);
    } while (r->drawn_count == 0); /* users and days that do not meet */
    shuffle(r, &g);
}

const char *redraw_unit(const struct redraw *r)
{
    if (r->user && r->day)
        return "users and days";
    return r->user ? "users" : r->day ? "days" : "sessions";
}
