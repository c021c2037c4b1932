#include "sim/engine/speculative.h"

#include "core/memory.h"
#include "core/random.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- the config ---- */

static void read_rates(struct json_scan *s, const struct json_field *row, void *config)
{
    struct speculative_config *c = config;
    (void)row;
    c->rate_count = 0;
    json_array_begin(s);
    while (json_array_next(s)) {
        double rate;
        if (c->rate_count == SPECULATIVE_MOST)
            json_fail(s, "more than %d acceptance rates", SPECULATIVE_MOST);
        else if (json_double(s, 0, 1, &rate))
            c->rates[c->rate_count++] = rate;
    }
}

static void put_rates(struct json_writer *w, const struct json_field *row, const void *config)
{
    const struct speculative_config *c = config;
    (void)row;
    json_begin_array(w);
    for (uint32_t i = 0; i < c->rate_count; i++)
        json_put_double(w, c->rates[i]);
    json_end_array(w);
}

static bool has_no_rates(const void *config)
{
    return ((const struct speculative_config *)config)->rate_count == 0;
}

static bool is_zero(const void *member)
{
    double value;
    memcpy(&value, member, sizeof value);
    return !(value > 0);
}

/* Keys of vLLM without a row of their own say where the drafts come from, which the acceptance
 * rates stand for. */
#define AT(member) JSON_AT(struct speculative_config, member)
static const struct json_field rows[] = {
    {"method", JSON_AS_CHARS, AT(method), .optional = true},
    {"model", JSON_AS_CHARS, AT(model), .optional = true},
    {"num_speculative_tokens", JSON_AS_UINT, AT(num_speculative_tokens), 1, SPECULATIVE_MOST},
    {"synthetic_acceptance_rates", .is_nothing = has_no_rates, .read = read_rates,
     .write = put_rates},
    {"synthetic_acceptance_length", JSON_AS_DOUBLE, AT(acceptance_length), 1, SPECULATIVE_MOST + 1,
     .is_nothing = is_zero},
    {"parallel_drafting", JSON_AS_BOOL, AT(parallel_drafting), .optional = true},
    {"draft_cost", JSON_AS_DOUBLE, AT(draft_cost), 0, 10, .optional = true},
    {"draft_ms", JSON_AS_DOUBLE, AT(draft_ms), 0, 1e6, .is_nothing = is_zero},
    {.name = "rejection_sample_method"},
    {.name = "draft_sample_method"},
    {.name = "draft_tensor_parallel_size"},
    {.name = "prompt_lookup_min"},
    {.name = "prompt_lookup_max"},
    {.name = "quantization"},
    {.name = "revision"},
    {.name = "max_model_len"},
};
const struct json_table speculative_table = {JSON_ROWS(rows), .where = "speculative_config",
                                             .once = true};

void speculative_config_init(struct speculative_config *c)
{
    *c = (struct speculative_config){.draft_cost = NAN};
}

bool speculative_is_nothing(const void *config)
{
    return ((const struct speculative_config *)config)->num_speculative_tokens == 0;
}

int speculative_config_parse(const char *option, const char *text, struct speculative_config *c,
                             struct error *err)
{
    struct json_scan s;
    speculative_config_init(c);
    json_scan_init(&s, option, text, strlen(text), 1);
    json_fields_read(&s, &speculative_table, c);
    if (json_scan_end(&s, err) < 0)
        return ERR_INPUT;
    if (c->num_speculative_tokens == 0)
        return error_set(err, ERR_INPUT, "%s: give num_speculative_tokens, the drafts of a step",
                         option);
    return 0;
}

static int check_rates(const struct speculative_config *c, struct error *err)
{
    if (c->rate_count != c->num_speculative_tokens)
        return error_set(err, ERR_INPUT,
                         "speculative_config: %u acceptance rates for %u drafts: one for each",
                         c->rate_count, c->num_speculative_tokens);
    for (uint32_t i = 1; i < c->rate_count; i++)
        if (c->rates[i] > c->rates[i - 1])
            return error_set(
                err, ERR_INPUT,
                "speculative_config: acceptance rates may not grow (%g, then %g): each "
                "is the share of the steps that accept so many drafts or more",
                c->rates[i - 1], c->rates[i]);
    return 0;
}

static int fill_rates(struct speculative_config *c, struct error *err)
{
    uint32_t drafts = c->num_speculative_tokens;
    if (c->rate_count > 0 && c->acceptance_length > 0)
        return error_set(err, ERR_INPUT,
                         "speculative_config: give synthetic_acceptance_rates or "
                         "synthetic_acceptance_length, not both");
    if (c->rate_count > 0)
        return check_rates(c, err);
    if (!(c->acceptance_length > 0))
        return error_set(err, ERR_INPUT,
                         "speculative_config: how many drafts are accepted? Give "
                         "synthetic_acceptance_length, the tokens of a step (vLLM logs it as mean "
                         "acceptance length), or synthetic_acceptance_rates by position");
    if (c->acceptance_length > drafts + 1.0)
        return error_set(err, ERR_INPUT,
                         "speculative_config: synthetic_acceptance_length %g: %u drafts give at "
                         "most %u tokens a step",
                         c->acceptance_length, drafts, drafts + 1);
    for (uint32_t i = 0; i < drafts; i++)
        c->rates[i] = fmin(1, fmax(0, c->acceptance_length - 1 - i));
    c->rate_count = drafts;
    c->acceptance_length = 0;
    return 0;
}

static bool is_free(const char *method)
{
    return strncmp(method, "ngram", 5) == 0 || strcmp(method, "suffix") == 0;
}

int speculative_config_check(struct speculative_config *c, uint32_t layers, struct error *err)
{
    if (c->num_speculative_tokens == 0)
        return 0;
    if (fill_rates(c, err) < 0)
        return ERR_INPUT;
    if (!isnan(c->draft_cost))
        return 0;
    if (strcmp(c->method, "draft_model") == 0 && !(c->draft_ms > 0))
        return error_set(err, ERR_INPUT,
                         "speculative_config: what does a pass of the draft model take? Give "
                         "draft_cost, in passes of the model itself (its share of the "
                         "parameters is a start), or draft_ms");
    c->draft_cost = is_free(c->method) || c->draft_ms > 0 ? 0 : 1.0 / layers;
    return 0;
}

double speculative_length(const struct speculative_config *c)
{
    double length = 1;
    for (uint32_t i = 0; i < c->num_speculative_tokens; i++)
        length += c->rates[i];
    return length;
}

uint32_t speculative_passes(const struct speculative_config *c)
{
    return c->parallel_drafting && c->num_speculative_tokens > 0 ? 1 : c->num_speculative_tokens;
}

/* ---- what is accepted ---- */

/* Steps of the ring that accept `drafts` or more: those of every number add up to the ring. */
static uint32_t steps_with(const struct speculative_config *c, uint32_t drafts)
{
    double rate = drafts == 0 ? 1 : drafts > c->num_speculative_tokens ? 0 : c->rates[drafts - 1];
    return (uint32_t)lround(rate * DRAFT_DRAWS);
}

struct acceptance *acceptance_create(const struct speculative_config *c, uint64_t seed)
{
    uint32_t place = 0;
    struct random stream;
    if (c->num_speculative_tokens == 0)
        return NULL;
    struct acceptance *a = mem_zero(1, sizeof *a);
    a->seed = seed;
    a->drafts = c->num_speculative_tokens;
    uint32_t *tokens = a->sums + 1;
    for (uint32_t i = 0; i <= a->drafts; i++)
        for (uint32_t n = steps_with(c, i) - steps_with(c, i + 1); n > 0; n--)
            tokens[place++] = i + 1;
    random_init(&stream, seed, RANDOM_DRAFTS, 0);
    for (uint32_t i = DRAFT_DRAWS; i > 1; i--) {
        uint32_t k = (uint32_t)random_below(&stream, i), swapped = tokens[k];
        tokens[k] = tokens[i - 1];
        tokens[i - 1] = swapped;
    }
    for (uint32_t i = 1; i <= DRAFT_DRAWS; i++)
        a->sums[i] += a->sums[i - 1];
    return a;
}

void acceptance_free(struct acceptance *a)
{
    free(a);
}

uint64_t acceptance_draw(const struct acceptance *a, uint64_t replica, uint64_t order,
                         uint32_t made)
{
    uint64_t key = random_mix(random_mix(a->seed, replica), order);
    return random_mix(key, made) % DRAFT_DRAWS;
}

/* From the ring's beginning on. */
static uint64_t tokens_before(const struct acceptance *a, uint64_t place)
{
    return place / DRAFT_DRAWS * a->sums[DRAFT_DRAWS] + a->sums[place % DRAFT_DRAWS];
}

uint64_t acceptance_tokens(const struct acceptance *a, uint64_t draw, uint64_t steps)
{
    return tokens_before(a, draw + steps) - tokens_before(a, draw);
}

uint64_t acceptance_steps(const struct acceptance *a, uint64_t draw, uint64_t tokens)
{
    uint64_t low = 0, high = tokens; /* a step gives one at least */
    while (low < high) {
        uint64_t middle = low + (high - low) / 2;
        if (acceptance_tokens(a, draw, middle) >= tokens)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}
