#include "sim/plan/find_max.h"

#include "core/file.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define FACTOR 4
#define NARROW 1.04
#define UNCLEAR_WITHIN 2 /* no closer to a rate at which the run was too short to tell */

static enum load_verdict verdict_of(const struct find_max *f, size_t probe)
{
    return load_judge(&f->series.points[probe], &f->series.target);
}

/* True if the client kept up when the same rate was tried again: that decides. */
static bool was_retried(const struct find_max *f, double rate)
{
    for (size_t i = 0; i < f->series.count; i++)
        if (f->series.points[i].load == rate && !load_client_limited(&f->series.points[i]))
            return true;
    return false;
}

enum outcome { FAILED, TOO_SHORT, LIMITED };

static enum outcome outcome_of(enum load_verdict v)
{
    return v == LOAD_CLIENT_LIMITED ? LIMITED : v == LOAD_TOO_SHORT ? TOO_SHORT : FAILED;
}

/* The lowest rate of an outcome; INFINITY = none. */
static double lowest(const struct find_max *f, enum outcome wanted)
{
    double rate = INFINITY;
    for (size_t i = 0; i < f->series.count; i++) {
        enum load_verdict v = verdict_of(f, i);
        double load = f->series.points[i].load;
        if (v != LOAD_HOLDS && outcome_of(v) == wanted &&
            (wanted != LIMITED || !was_retried(f, load)))
            rate = fmin(rate, load);
    }
    return rate;
}

/* A stall of the client's machine passes: a probe that it spoiled is made once more before the
 * search turns down. */
static bool is_to_repeat(const struct find_max *f)
{
    size_t count = f->series.count;
    const struct load_point *last = &f->series.points[count - 1];
    return load_client_limited(last) && (count == 1 || last[-1].load != last->load);
}

uint64_t find_max_take_requests(struct find_max *f)
{
    if (f->max_requests && f->left < FIND_MAX_LEAST)
        return 0;
    if (!f->max_requests)
        return f->requests;
    uint64_t taken = f->requests < f->left ? f->requests : f->left;
    f->left -= taken;
    return taken;
}

/* Why no further probe is made; NULL = one is. */
static const char *why_ended(const struct find_max *f)
{
    const struct load_search *s = &f->search;
    if (s->low > 0 && s->high / s->low <= UNCLEAR_WITHIN && s->high == lowest(f, TOO_SHORT))
        return "the next runs would be too short, too";
    return f->series.count == FIND_MAX_PROBES ? "twelve probes were made" : NULL;
}

static int probe(void *context, double *rate, struct load_answer *answer, struct error *err)
{
    struct find_max *f = context;
    char name[32];
    f->ended = why_ended(f);
    uint64_t requests = f->ended ? 0 : find_max_take_requests(f);
    if (!f->ended && requests == 0)
        f->ended = "--max-requests was used up";
    answer->stop = f->ended != NULL;
    if (answer->stop)
        return 0;
    snprintf(name, sizeof name, "probe-%zu", f->series.count + 1);
    if (load_series_measure(&f->series, *rate, name, requests, &f->over_budget, err) < 0)
        return err->code;
    answer->stop = f->over_budget;
    if (f->over_budget) {
        f->ended = "--max-cost was used up";
        return 0;
    }
    const struct load_point *p = &f->series.points[f->series.count - 1];
    answer->again = is_to_repeat(f);
    answer->holds = load_judge(p, &f->series.target) == LOAD_HOLDS;
    if (!answer->holds && (f->search.low == 0 || p->goodput < 0.7 || p->served < 0.8))
        answer->guess = 0.95 * p->request_rps;
    return 0;
}

/* ---- what was found ---- */

static const char *reason_at(const struct find_max *f, double rate)
{
    for (size_t i = 0; i < f->series.count; i++)
        if (f->series.points[i].load == rate && f->series.points[i].client_reason[0])
            return f->series.points[i].client_reason;
    return "it does not say why";
}

static void conclude(struct find_max *f)
{
    double low = f->search.low;
    f->failed_rps = lowest(f, FAILED);
    f->too_short_rps = lowest(f, TOO_SHORT);
    f->limited_rps = lowest(f, LIMITED);
    f->limit_reason = reason_at(f, f->limited_rps);
    /* A rate that a client could not try above is not known to be the endpoint's. */
    bool measured = isfinite(f->failed_rps) && f->failed_rps <= f->search.high &&
                    f->limited_rps > f->failed_rps;
    f->rate_is = low == 0 ? "unknown" : measured ? "measured" : "at_least";
}

int find_max_status(const struct find_max *f, struct error *err)
{
    if (f->over_budget)
        return error_set(err, ERR_WORK, "--max-cost was used up after %zu whole probes",
                         f->series.count);
    if (isfinite(f->limited_rps) && f->search.low == 0)
        return error_set(err, ERR_WORK,
                         "what the endpoint sustains is not known: at %s requests/s the client "
                         "was the limit (%s)",
                         TEXT_SHORT(f->limited_rps, 4), f->limit_reason);
    if (f->search.low == 0)
        return error_set(err, ERR_WORK, "no rate tried is known to sustain a goodput of %s %%",
                         TEXT_SHORT(100 * f->series.target.goodput, 6));
    return 0;
}

int find_max_run(struct find_max *f, struct error *err)
{
    struct load_series *all = &f->series;
    f->left = f->max_requests;
    f->search = (struct load_search){
        .start = f->start_rps, .factor = FACTOR, .narrow = NARROW, .measure = probe, .context = f};
    all->is_rate = true;
    if (file_exists(all->directory) && !all->force)
        return error_set(err, ERR_INPUT, "%s exists: --force replaces it", all->directory);
    int status = load_series_begin(all, err);
    if (status == 0)
        status = load_search_run(&f->search, err);
    conclude(f);
    return status;
}

void find_max_write_json(const struct find_max *f, struct json_writer *w)
{
    json_begin_object(w);
    json_pair_statistic(w, "rate_rps", f->search.low > 0 ? f->search.low : NAN);
    json_pair_string(w, "rate_is", f->rate_is);
    json_pair_statistic(w, "fails_at_rps", f->failed_rps);
    json_pair_statistic(w, "client_limited_at_rps", f->limited_rps);
    json_pair_statistic(w, "goodput", f->series.target.goodput);
    json_pair_statistic(w, "too_short_at_rps", f->too_short_rps);
    json_pair_string(w, "ended", f->ended);
    json_key(w, "probes");
    json_begin_array(w);
    for (size_t i = 0; i < f->series.count; i++)
        load_point_write(&f->series.points[i], LOAD_IN_PROBES | LOAD_OF_RATES, w);
    json_end_array(w);
    json_end_object(w);
}
