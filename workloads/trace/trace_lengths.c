/* The lengths of a row and the classes inside them, from fields of their own and usage objects. */
#include "workloads/trace/trace_fields.h"

/* The fields of classes, but of those that are what the others leave. */
static const enum trace_field class_fields[USAGE_CLASSES] = {
    [USAGE_UNCACHED_INPUT] = FIELD_COUNT,
    [USAGE_OUTPUT] = FIELD_COUNT,
    [USAGE_CACHED_INPUT] = FIELD_CACHED_INPUT,
    [USAGE_CACHE_WRITE] = FIELD_CACHE_WRITE,
    [USAGE_CACHE_WRITE_1H] = FIELD_CACHE_WRITE_1H,
    [USAGE_REASONING] = FIELD_REASONING,
    [USAGE_IMAGE_INPUT] = FIELD_IMAGE_INPUT,
    [USAGE_AUDIO_INPUT] = FIELD_AUDIO_INPUT,
    [USAGE_VIDEO_INPUT] = FIELD_VIDEO_INPUT,
    [USAGE_CACHED_IMAGE_INPUT] = FIELD_CACHED_IMAGE_INPUT,
    [USAGE_CACHED_AUDIO_INPUT] = FIELD_CACHED_AUDIO_INPUT,
    [USAGE_IMAGE_OUTPUT] = FIELD_IMAGE_OUTPUT,
    [USAGE_AUDIO_OUTPUT] = FIELD_AUDIO_OUTPUT,
};

/* What a usage object says where no field of its own does: the lengths, and the classes, which it
 * may leave unsaid; they are cut where the lengths that count are other ones. */
void trace_take_usage(struct trace_fields *f)
{
    struct usage u;
    if (!trace_has(f, FIELD_USAGE))
        return;
    usage_report_resolve(&f->report, &u);
    if (!trace_has(f, FIELD_INPUT) && !trace_has(f, FIELD_UNCACHED_INPUT) &&
        usage_report_has_input(&f->report)) {
        f->counts[FIELD_INPUT] = usage_input(&u);
        f->given |= UINT64_C(1) << FIELD_INPUT;
    }
    if (!trace_has(f, FIELD_OUTPUT) && usage_report_has_output(&f->report)) {
        f->counts[FIELD_OUTPUT] = usage_output(&u);
        f->given |= UINT64_C(1) << FIELD_OUTPUT;
    }
    f->row.has_usage = true;
    for (int c = 0; c < USAGE_CLASSES; c++)
        f->row.usage.tokens[c] = u.tokens[c];
}

/* The classes that have fields of their own; the sums of these, of input and of output. */
static void take_classes(struct trace_fields *f, uint64_t *inside, uint64_t *made)
{
    for (int c = 0; c < USAGE_CLASSES; c++) {
        enum trace_field field = class_fields[c];
        if (field == FIELD_COUNT || !trace_has(f, field))
            continue;
        f->row.usage.tokens[c] = f->counts[field];
        f->row.has_usage = true;
        *(usage_is_output((enum usage_class)c) ? made : inside) += f->counts[field];
    }
}

/* Cuts what the usage object alone says to the room that fields of their own leave. */
static void cut_others(struct trace_fields *f, uint64_t input, uint64_t output)
{
    for (int c = 0; c < USAGE_CLASSES; c++) {
        enum trace_field field = class_fields[c];
        uint64_t *room = usage_is_output((enum usage_class)c) ? &output : &input;
        uint64_t *tokens = &f->row.usage.tokens[c];
        if (field == FIELD_COUNT || trace_has(f, field))
            continue;
        if (*tokens > *room)
            *tokens = *room;
        *room -= *tokens;
    }
}

/* The two lengths and the classes inside them. */
const char *trace_fill_lengths(struct trace_fields *f)
{
    struct request *r = &f->row;
    uint64_t inside = 0, made = 0, input = trace_has(f, FIELD_INPUT) ? f->counts[FIELD_INPUT] : 0;
    take_classes(f, &inside, &made);
    if (!trace_has(f, FIELD_INPUT) && trace_has(f, FIELD_UNCACHED_INPUT))
        input = f->counts[FIELD_UNCACHED_INPUT] + usage_input(&r->usage) -
                r->usage.tokens[USAGE_UNCACHED_INPUT];
    uint64_t output = trace_has(f, FIELD_OUTPUT) ? f->counts[FIELD_OUTPUT] : 0;
    uint64_t most = trace_tokens_most(f);
    if (input > most || output > most)
        return trace_tokens_wanted(f);
    if (inside > input)
        return "no more cached and written tokens than input tokens";
    if (made > output)
        return "no more reasoning tokens than output tokens";
    r->input_tokens = (uint32_t)input;
    r->output_tokens = (uint32_t)output;
    cut_others(f, input - inside, output - made);
    usage_fit(&r->usage, input, output);
    return NULL;
}

void trace_fields_note_usage(struct trace_input *in, const struct trace_fields *f)
{
    struct usage u;
    if (f->input_estimated)
        trace_note(in, "input_tokens_estimated", false);
    if (f->messages_given && !trace_has(f, FIELD_OUTPUT))
        trace_note(in, "no_output_bound", false);
    if (!trace_has(f, FIELD_USAGE))
        return;
    uint32_t odd = usage_report_resolve(&f->report, &u);
    for (int i = 0; odd >> i; i++)
        if (odd >> i & 1)
            trace_note(in, oddity_names[i], false);
    for (uint32_t i = 0; i < f->report.unknown_count; i++)
        usage_key_names_add(&in->report->unknown_usage_keys, f->report.unknown[i]);
}
