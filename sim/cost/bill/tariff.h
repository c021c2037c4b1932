/* A tariff: a plan applied to the rows of a workload, one exact charge per row.
 *
 *     struct tariff t;
 *     tariff_init(&t, plan, &rows, &served, start_unix_ns, ignore_caps);
 *     struct row_charge c;
 *     tariff_charge(&t, row, &c);                      // one row
 *     tariff_charge_all(&t, workers, &sums, NULL);       // all rows, in parallel
 *     tariff_free(&t);
 *
 * Sums are integers: the same for any number of workers and any order of rows. The tariff borrows
 * plan, rows and served result; they must outlive it.
 */
#ifndef FAREBOX_SIM_COST_BILL_TARIFF_H
#define FAREBOX_SIM_COST_BILL_TARIFF_H

#include "sim/cost/bill/serve.h"
#include "sim/cost/book/price.h"

struct row_charge {
    struct charge last; /* of the last attempt */
    money retries;      /* of those before it */
    money total;
};

/* What of a row's charge is by the token, and for how many: all its billed attempts. */
struct token_charge {
    uint64_t tokens;
    money amount;
};

/* Its parts add up to its total. */
void row_charge_parts(const struct row_charge *c, money part[CHARGE_PARTS]);

struct charge_sums {
    money part[CHARGE_PARTS];
    money total;
    uint64_t rows;                        /* served */
    uint64_t unpriced;                    /* rows with something that has no price */
    uint32_t unpriced_what;               /* bits of enum unpriced over all of them */
    uint64_t input_tokens, output_tokens; /* served */
    bool alike;                           /* all of them cost the same, */
    money each;                           /* so much */
    bool overflow;                        /* they do not fit in 128 bits, and mean nothing */
};

struct tariff {
    const struct plan *plan;
    const struct serve_rows *rows;
    const struct serve_result *served;
    const struct plan_rate **rates; /* by model number; the last for rows without a model */
    size_t model_count;
    money *uplifts; /* [rate of the plan × label_sets + set of labels]; NULL where there are none */
    int64_t start_unix_ns; /* TIME_NEVER = unknown */
    bool ignore_caps;
    bool is_free;  /* nothing is charged for any row, and nothing lacks a price */
    bool is_plain; /* rows cost their text and a price for each: see price_text_total */
};

void tariff_init(struct tariff *t, const struct plan *plan, const struct serve_rows *rows,
                 const struct serve_result *served, int64_t start_unix_ns, bool ignore_caps);
void tariff_free(struct tariff *t);

/* The output cap cuts the end of the answer: visible output first, then sound and pictures, then
 * reasoning. */
void tariff_cap_output(const struct plan *plan, bool ignore_caps, struct usage *u);

/* True if the plan serves the row. */
bool tariff_serves(const struct tariff *t, size_t row);

/* The charge of one row; zero for rows that are not served or are included in a quota. Returns
 * -1 where it does not fit in 128 bits. */
int tariff_charge(const struct tariff *t, size_t row, struct row_charge *out);

/* The total of tariff_charge alone, in a fraction of the time where rows are plain. *priced: no
 * part of the last attempt lacks a price; NULL where nobody asks. */
int tariff_total(const struct tariff *t, size_t row, money *out, bool *priced);

/* What the last attempt of a row is charged for, and at which prices: for those who itemise. */
struct row_prices {
    struct usage usage; /* that is billed; lends the workload's extras */
    const struct plan_rate *rate;
    struct token_table table; /* with the uplift of its labels */
    money per_request_micro;  /* 0 where the row goes along with another one */
    uint64_t weight_micro;    /* of the request */
};

/* False where nothing of the row is billed. Whether it is included in a quota does not count here:
 * see the fate. */
bool tariff_prices(const struct tariff *t, size_t row, struct row_prices *out);

/* The row's part that is by the token; zero where nothing of it is charged. -1: it does not fit. */
int tariff_token_charge(const struct tariff *t, size_t row, struct token_charge *out);

/* Of rows' charges in quanta (see charge_quanta), with C the sum of a row's parts C_i: the sums of
 * C_i, and of C_i C in 128 bits that wrap around. */
struct charge_moments {
    money first[CHARGE_PARTS];
    money_magnitude product[CHARGE_PARTS];
    int64_t any; /* all bits of any part or C */
};

/* What else is wanted of every row's charge. */
struct charge_notes {
    int64_t *quanta; /* NULL, or by row: its total in quanta, and TARIFF_UNSERVED if not served */
    bool has_moments;
    struct charge_moments moments;
};
#define TARIFF_UNSERVED INT64_MIN

/* All rows, by `workers` threads. notes: NULL where nothing else is wanted. */
void tariff_charge_all(const struct tariff *t, unsigned workers, struct charge_sums *sums,
                       struct charge_notes *notes);

/* Calls `each` for blocks of rows [begin, end) from `workers` threads. `contexts` is an array of
 * one context per worker. */
#define TARIFF_WORKERS_MAX 64
#define TARIFF_BLOCK ((size_t)1 << 15)
typedef void tariff_block_fn(void *context, size_t begin, size_t end);
void tariff_parallel(size_t count, unsigned workers, tariff_block_fn *each, void *contexts,
                     size_t context_size);

/* Charges for statistics: whole quanta of 2^34 × 1e-24 USD, about 1.7e-14 USD, cut towards minus
 * infinity (a shift, where 1e-12 USD would take a division). Saturates at ±158,000 USD. */
#define CHARGE_QUANTUM_BITS 34
#define CHARGE_QUANTUM_USD 1.7179869184e-14

static inline int64_t charge_quanta(money value)
{
    money quanta = value >> CHARGE_QUANTUM_BITS;
    if (quanta > INT64_MAX)
        return INT64_MAX;
    return quanta < -INT64_MAX ? -INT64_MAX : (int64_t)quanta;
}

#endif
