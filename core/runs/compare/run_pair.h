/* Inside core/runs: two runs side by side, request by request.
 *
 * A request of one run is the same as one of the other if it has the same id and asked for the same
 * lengths; where ids differ and both runs hold equally many requests, if it stands at the same
 * place of the schedule. Requests count whatever became of them: that one failed must not move the
 * others. The runs are paired if this finds at least nine tenths of the shorter run's requests;
 * what it does not find is then left out.
 *
 * Requests are kept in sorters; only the values of the measure at hand are in memory.
 */
#ifndef FAREBOX_CORE_RUNS_COMPARE_RUN_PAIR_H
#define FAREBOX_CORE_RUNS_COMPARE_RUN_PAIR_H

#include "core/runs/compare/run_diff.h"
#include "core/runs/summary/collector_state.h"

struct pair_request {
    uint64_t id; /* a hash of its id */
    struct request_row row;
    uint32_t priced_row;    /* as its pricing calls it */
    money cost;             /* of all its attempts */
    bool has_cost;          /* else nobody said */
    int64_t longest_gap_ns; /* between two chunks; TIME_NEVER = not kept */
};

struct pair_run {
    const struct run_pricing *pricing; /* NULL */
    int number;                        /* 0 or 1 */
    struct collector *collector;
    struct sorter requests;  /* of struct pair_request, in scheduled order */
    struct summary *summary; /* the run's own; of a killed run zero */
    int64_t from_ns;         /* where its measured window begins */
    uint64_t in_window;      /* requests due from then on */
    bool torn;
};

struct run_pair {
    struct pair_run runs[2];
    bool paired;
    struct sorter both; /* if paired: of struct pair_request[2], as the first run scheduled them */
};

enum pair_how {
    PAIR_IF_SAME, /* where both hold the same requests */
    PAIR_NEVER    /* each run by itself */
};

/* `pricing` as in struct run_diff_options; it stays until run_pair_free. */
int run_pair_read(struct run_pair *out, const char *const paths[2],
                  const struct run_pricing *pricing, enum pair_how how, struct error *err);
void run_pair_free(struct run_pair *p);

/* False: the request has no such value. */
typedef bool request_value(const struct pair_request *r, const void *context, double *value);

/* The values of one measure, by side and in scheduled order, of requests due in both windows. */
struct pair_values {
    double *values[2];
    size_t n[2];
    uint64_t alone[2]; /* paired: requests that had a value in this run only, and were left out */
};
void run_pair_values(struct run_pair *p, request_value *value, const void *context,
                     struct pair_values *out);
void pair_values_free(struct pair_values *v);

/* The values of one run alone, whether or not the other one has the request; the caller frees
 * *values. */
void run_pair_own_values(struct run_pair *p, int run, request_value *value, const void *context,
                         double **values, size_t *n);

/* What the requests cost, as in struct run_diff. */
void run_pair_charges(struct run_pair *p, struct diff_charges *out);

#endif
