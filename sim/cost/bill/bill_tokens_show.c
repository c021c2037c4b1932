/* Whose tokens a bill counts, in words and as JSON. */
#include "sim/cost/bill/bill_tokens_show.h"

#include "sim/cost/book/price.h"

#include <inttypes.h>
#include <string.h>

void bill_put_counts(const struct token_counts *c, struct buffer *out)
{
    if (c->foreign == 0)
        return;
    buffer_add_format(out, ", counts of %.60s", c->counted);
    if (c->counted_models > 1)
        buffer_add_format(out, " and %zu more", c->counted_models - 1);
}

static void put_amount(money amount, struct buffer *out)
{
    char text[MONEY_TEXT_SIZE];
    money_format_amount(amount, 4, text);
    buffer_add_format(out, "$%s", text);
}

/* "$7.10, $4.97 to $9.23 as its tokens are 30 % fewer or more" */
static void put_range(const struct plan_bill *p, struct buffer *out)
{
    put_amount(p->total, out);
    if (!token_counts_in_doubt(&p->counts))
        return;
    buffer_add_text(out, " (");
    put_amount(p->at[TOKENS_LOW].total, out);
    buffer_add_text(out, " to ");
    put_amount(p->at[TOKENS_HIGH].total, out);
    if (!p->at[TOKENS_LOW].ranked || !p->at[TOKENS_HIGH].ranked)
        buffer_add_text(out, ", and not always all of it");
    buffer_add_byte(out, ')');
}

static void put_names(const struct bill *b, struct buffer *out)
{
    const char *comma = "";
    for (size_t i = 0; i < b->plan_count; i++) {
        char name[BILL_NAME_SIZE];
        if (!b->plans[i].contested)
            continue;
        buffer_add_format(out, "%s%s at ", comma, bill_plan_name(&b->plans[i], name));
        put_range(&b->plans[i], out);
        comma = ", ";
    }
}

/* What to do about it: a plan whose counts are another model's, and how to say what they are. */
static void put_advice(const struct bill *b, struct buffer *out)
{
    for (size_t i = 0; i < b->plan_count; i++) {
        const struct token_counts *c = &b->plans[i].counts;
        if (!b->plans[i].contested || c->foreign == 0)
            continue;
        buffer_add_format(out,
                          ": the requests are counts of %.60s, and another model may make %d %% "
                          "fewer or more tokens of the same text (--tokens-as "
                          "%.60s=in:FACTOR,out:FACTOR says how many)",
                          c->counted, TOKEN_DOUBT_PERCENT, c->priced ? c->priced : "MODEL");
        return;
    }
    buffer_add_text(out, ": the interval of the learnt factor holds both orders");
}

void bill_put_undecided(const struct bill *b, struct buffer *out)
{
    buffer_add_text(out, "No plan is named cheapest; it lies between ");
    put_names(b, out);
    put_advice(b, out);
    buffer_add_text(out, ".\n");
    if (b->no_ladder)
        buffer_add_text(out, "The volume ladder is left out: it would begin with a winner here.\n");
}

void bill_put_pair_undecided(const struct bill *b, size_t token, size_t flat, struct buffer *out)
{
    buffer_add_format(out, "%s against %s: neither is named cheaper, ", b->plans[token].plan->name,
                      b->plans[flat].plan->name);
    put_range(&b->plans[token], out);
    buffer_add_text(out, " against ");
    put_range(&b->plans[flat], out);
    buffer_add_text(out, ".\n");
}

/* ---- remarks ---- */

void bill_put_unnamed(uint64_t unnamed, uint64_t count, struct buffer *out)
{
    char n[TEXT_GROUPED_SIZE], all[TEXT_GROUPED_SIZE];
    if (unnamed == 0)
        return;
    if (unnamed == count)
        buffer_add_text(out, "No request names the model that counted its tokens");
    else
        buffer_add_format(out, "%s of %s requests do not name the model that counted their tokens",
                          text_group_u64(unnamed, n), text_group_u64(count, all));
    buffer_add_text(out, ": every plan takes them as they are (--tokens-as).\n");
}

static void put_unnamed(const struct bill *b, struct buffer *out)
{
    uint64_t unnamed = 0;
    for (size_t i = 0; i < b->plan_count; i++)
        if (price_is_by_token(b->plans[i].plan) && b->plans[i].counts.unnamed > unnamed)
            unnamed = b->plans[i].counts.unnamed;
    bill_put_unnamed(unnamed, b->workload->count, out);
}

static void put_interval(const struct token_scale *s, enum usage_class c, const char *what,
                         struct buffer *out)
{
    char low[TOKEN_FACTOR_SIZE], high[TOKEN_FACTOR_SIZE];
    buffer_add_format(out, "%s %s to %s", what, token_factor_text(s->factor[TOKENS_LOW][c], low),
                      token_factor_text(s->factor[TOKENS_HIGH][c], high));
}

/* Plans of one scale share the sentence. */
static void put_scale(const struct bill *b, size_t number, struct buffer *out)
{
    const struct token_scale *s = &b->options.scales->items[number];
    char text[TOKEN_SCALE_TEXT_SIZE], n[TEXT_GROUPED_SIZE];
    const char *comma = "";
    for (size_t i = 0; i < b->plan_count; i++) {
        const struct plan_bill *p = &b->plans[i];
        if (p->without_caps || !(p->counts.used >> number & 1))
            continue;
        buffer_add_format(out, "%s%s", comma, p->plan->name);
        comma = ", ";
    }
    if (!comma[0]) {
        buffer_add_format(out,
                          "--tokens-as %.80s changes nothing: no request is priced as that and "
                          "counted as another model.\n",
                          s->model);
        return;
    }
    buffer_add_format(out, ": tokens counted %s (--tokens-as %.80s)", token_scale_text(s, text),
                      s->model);
    if (s->learnt) {
        buffer_add_format(out, ", learnt from %s pairs", text_group_u64(s->pairs, n));
        put_interval(s, USAGE_UNCACHED_INPUT, ":", out);
        put_interval(s, USAGE_OUTPUT, " in,", out);
        buffer_add_text(out, " out");
    }
    buffer_add_text(out, ".\n");
}

void bill_put_token_remarks(const struct bill *b, struct buffer *out)
{
    const struct token_scales *scales = b->options.scales;
    put_unnamed(b, out);
    for (size_t i = 0; scales && i < scales->count; i++)
        put_scale(b, i, out);
}

/* ---- JSON ---- */

static void put_factor(struct json_writer *w, const char *key, uint64_t micro)
{
    char text[TOKEN_FACTOR_SIZE];
    json_pair_string(w, key, token_factor_text(micro, text));
}

static void put_scale_json(const struct token_counts *c, struct json_writer *w)
{
    const struct token_scale *s = c->scale;
    json_key(w, "tokens_as");
    json_begin_object(w);
    json_pair_string(w, "model", s->model);
    json_pair_u64(w, "requests", c->scaled);
    put_factor(w, "in", s->factor[TOKENS_AS][USAGE_UNCACHED_INPUT]);
    put_factor(w, "out", s->factor[TOKENS_AS][USAGE_OUTPUT]);
    if (s->learnt) {
        json_pair_u64(w, "pairs", s->pairs);
        put_factor(w, "in_low", s->factor[TOKENS_LOW][USAGE_UNCACHED_INPUT]);
        put_factor(w, "in_high", s->factor[TOKENS_HIGH][USAGE_UNCACHED_INPUT]);
        put_factor(w, "out_low", s->factor[TOKENS_LOW][USAGE_OUTPUT]);
        put_factor(w, "out_high", s->factor[TOKENS_HIGH][USAGE_OUTPUT]);
    }
    json_end_object(w);
}

void bill_put_counts_json(const struct plan_bill *p, struct json_writer *w)
{
    const struct token_counts *c = &p->counts;
    if (c->scaled > 0)
        put_scale_json(c, w);
    if (c->foreign > 0) {
        json_key(w, "counts_of");
        json_begin_object(w);
        json_pair_string(w, "model", c->counted);
        json_pair_u64(w, "models", c->counted_models);
        json_pair_u64(w, "requests", c->foreign);
        json_pair_string(w, "priced_as", c->priced);
        json_end_object(w);
    }
    if (token_counts_in_doubt(c) && !p->without_caps) {
        json_pair_money(w, "least_tokens_usd", p->at[TOKENS_LOW].total);
        json_pair_money(w, "most_tokens_usd", p->at[TOKENS_HIGH].total);
    }
}

void bill_put_undecided_json(const struct bill *b, struct json_writer *w)
{
    if (!b->undecided)
        return;
    json_key(w, "undecided");
    json_begin_array(w);
    for (size_t i = 0; i < b->plan_count; i++)
        if (b->plans[i].contested)
            json_put_string(w, b->plans[i].plan->name);
    json_end_array(w);
}
