#include "cli/workload_source.h"

#include "cli/workload_files.h"
#include "workloads/scenario/mix.h"
#include "workloads/scenario/session_rate.h"
#include "workloads/transform/transform.h"

#include <ctype.h>
#include <string.h>

static int load_scenario(const struct workload_source *source,
                         const struct generate_options *limits, uint64_t seed, struct workload *w,
                         struct error *err)
{
    struct scenario scenario;
    const char *name = source->mix ? source->mix : source->scenario;
    int loaded =
        source->mix ? scenario_load_mix(name, &scenario, err) : scenario_load(name, &scenario, err);
    if (loaded < 0)
        return err->code;
    int status = workload_generate(&scenario, seed, limits, w, err);
    if (status == 0 && w->count == 0 && limits->load)
        status = error_set(err, ERR_INPUT,
                           "no session of %s begins: at --rate and %s requests a session on "
                           "average they are too rare for this time; give a longer --duration",
                           name, TEXT_SHORT(scenario_requests_per_session(&scenario), 4));
    scenario_free(&scenario);
    return status;
}

static void tell_transform(void *context, const char *text)
{
    say(context, "%s", text);
}

int workload_source_check(const struct workload_source *source, struct error *err)
{
    int given = !!source->trace + !!source->scenario + !!source->mix;
    if (given == 1)
        return 0;
    return error_set(err, ERR_INPUT, "%s --trace FILE, --scenario NAME or --mix NAME:SHARE,...",
                     given ? "give only one of" : "expected a workload:");
}

static const char *given_name(const struct workload_source *source)
{
    return source->trace ? source->trace : source->scenario ? source->scenario : source->mix;
}

int workload_source_load(const struct workload_source *source, const struct terminal *t,
                         const struct generate_options *limits, uint64_t seed, struct workload *w,
                         struct error *err)
{
    if (workload_source_check(source, err) < 0)
        return ERR_INPUT;
    int status = source->trace ? workload_trace_read(source->trace, &source->reading, t, w, err)
                               : load_scenario(source, limits, seed, w, err);
    if (status == 0)
        status = workload_check_single(w, "this command", err);
    if (status == 0 && source->transforms.count > 0)
        status = transform_apply_all(source->transforms.items, source->transforms.count, seed, w,
                                     tell_transform, (void *)(uintptr_t)t, err);
    if (status == 0 && w->count == 0)
        status = error_set(err, ERR_INPUT, "%s holds no request", given_name(source));
    return status;
}

void workload_source_stem(const struct workload_source *source, char out[WORKLOAD_STEM_SIZE])
{
    const char *path = given_name(source);
    const char *base = path && !source->mix ? strrchr(path, '/') : NULL;
    base = base ? base + 1 : path;
    if (!base || strcmp(path, "-") == 0)
        base = "stdin";
    size_t length = source->mix ? strlen(base) : strcspn(base, ".");
    if (length == 0 || length >= WORKLOAD_STEM_SIZE)
        length = strnlen(base, WORKLOAD_STEM_SIZE - 1);
    for (size_t i = 0; i < length; i++)
        out[i] = isalnum((unsigned char)base[i]) || strchr("-_.", base[i]) ? base[i] : '-';
    out[length] = '\0';
}

void workload_put_extent(const char *name, const struct workload *w, struct json_writer *j)
{
    uint64_t input, output;
    workload_sum_tokens(w, w->count, &input, &output);
    json_pair_string(j, "name", name);
    json_pair_u64(j, "requests", w->count);
    json_pair_u64(j, "input_tokens", input);
    json_pair_u64(j, "output_tokens", output);
}

void workload_source_describe(const struct workload_source *source, const struct workload *w,
                              struct buffer *out)
{
    char stem[WORKLOAD_STEM_SIZE];
    struct json_writer j;
    workload_source_stem(source, stem);
    json_write_init(&j, out, 0);
    json_begin_object(&j);
    workload_put_extent(stem, w, &j);
    json_end_object(&j);
}
