/* libFuzzer entry: the values of options that have a grammar of their own. The first byte chooses
 * the option, the rest is the value. A value is taken, or refused with words. */
#include "fuzzing.h"

#include "core/clock.h"
#include "core/money.h"
#include "core/runs/compare/gate.h"
#include "core/runs/summary/slo.h"
#include "core/runs/summary/stop_when.h"
#include "sim/engine/autoscale.h"
#include "sim/engine/speculative.h"
#include "sim/mock/fault.h"
#include "sim/plan/gpu_price.h"
#include "sim/plan/sweep.h"
#include "workloads/load/profile.h"
#include "workloads/trace/trace_fields.h"
#include "workloads/transform/transform.h"

static int read_sweep(const char *text, struct error *err)
{
    struct sweep_values v;
    int status = sweep_parse(text, &v, err);
    for (size_t i = 1; status == 0 && i < v.count; i++)
        if (!(v.values[i] > v.values[i - 1]))
            abort();
    return status;
}

static int read_gate(const char *text, struct error *err)
{
    struct gate gate = {0};
    return gate_parse(text, &gate, err);
}

static int read_slo(const char *text, struct error *err)
{
    struct slo_list list = {0};
    return slo_parse(text, &list, err);
}

static int read_stop(const char *text, struct error *err)
{
    struct stop_rules rules = {0};
    return stop_rules_add(&rules, text, err);
}

static int read_profile(const char *text, struct error *err)
{
    struct profile p = {0};
    int status = profile_parse(text, &p, err);
    if (status == 0)
        profile_free(&p);
    return status;
}

static int read_fault(const char *text, struct error *err)
{
    struct fault_rules rules = {0};
    struct fault f;
    int status = fault_rule_add(&rules, text, err);
    if (status == 0)
        fault_rules_choose(&rules, 1, 7, NS_PER_S, &f);
    return status;
}

static int read_gpu_prices(const char *text, struct error *err)
{
    struct gpu_prices prices = {0};
    money hour;
    int status = gpu_prices_read(text, &prices, err);
    if (status == 0 && gpu_prices_find(&prices, "h200-qwen3-32b-tp1", &hour) && hour < 0)
        abort();
    return status;
}

static int read_speculative(const char *text, struct error *err)
{
    struct speculative_config c = {0};
    return speculative_config_parse("speculative", text, &c, err);
}

static int read_autoscale(const char *text, struct error *err)
{
    struct autoscale_config c = {0};
    return autoscale_config_parse("autoscale", text, &c, err);
}

static int read_mappings(const char *text, struct error *err)
{
    struct trace_mappings m = {0};
    int status = trace_mappings_parse(text, "--columns", &m, err);
    trace_mappings_free(&m);
    return status;
}

static int read_transform(const char *text, struct error *err)
{
    struct transform t;
    int status = transform_parse(text, &t, err);
    if (status == 0)
        transform_free(&t);
    return status;
}

static int read_instant(const char *text, struct error *err)
{
    int64_t ns;
    return options_parse_instant("start", text, &ns, err);
}

/* An amount that is read is written and read as the same. */
static int read_money(const char *text, struct error *err)
{
    money value, again;
    char shown[MONEY_TEXT_SIZE];
    (void)err;
    if (money_parse(text, strlen(text), MONEY_PER_ONE, &value) != MONEY_OK)
        return 0;
    money_format(value, shown);
    if (money_parse(shown, strlen(shown), MONEY_PER_ONE, &again) != MONEY_OK || again != value)
        abort();
    return 0;
}

static int read_duration(const char *text, struct error *err)
{
    int64_t ns;
    (void)err;
    if (clock_parse_duration(text, strlen(text), &ns) == 0 && ns < 0)
        abort();
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static int (*const readers[])(const char *, struct error *) = {
        read_sweep,     read_gate,       read_slo,         read_stop,      read_profile,
        read_fault,     read_gpu_prices, read_speculative, read_autoscale, read_mappings,
        read_transform, read_instant,    read_money,       read_duration};
    struct error err = {0};
    if (size < 1 || size > 4096)
        return 0;
    char *text = fuzz_text(data + 1, size - 1);
    if (readers[data[0] % (sizeof readers / sizeof *readers)](text, &err) < 0 && !err.message[0])
        abort();
    free(text);
    return 0;
}
