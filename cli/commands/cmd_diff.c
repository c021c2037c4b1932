/* farebox diff: did it change? Runs compared, measure by measure, with intervals. */
#include "cli/command.h"
#include "cli/diff_costs.h"
#include "cli/output.h"
#include "cli/report/export/junit.h"
#include "cli/report/text/diff_text.h"
#include "cli/run_bill.h"
#include "core/file.h"
#include "core/memory.h"
#include "core/runs/compare/repeat_diff.h"
#include "core/runs/record/run_dir.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct diff_options {
    struct common_options common;
    double tolerance, share_tolerance;
    struct option_list slos, plans, fail_on;
    const char *undecided, *junit;
    bool force;
};

#define AT(field) offsetof(struct diff_options, field)
static const struct option_spec options[] = {
    {"fail-on", 0, OPTION_LIST, AT(fail_on), .unit = "'FIGURE>X'",
     .help = "what is judged: exit 1 if it got worse by more than X, as in 'ttft_p99>10%' or "
             "'failed>0.5pp', or if the run itself passes a limit, as in 'ttft_p99>500ms', "
             "'failed>1%' or 'goodput<95%'; repeatable. Unless given: failed, TTFT p50 and p99, "
             "TPOT mean, E2E mean and p99, by the two tolerances"},
    {"tolerance", 0, OPTION_NUMBER, AT(tolerance), "5", "PERCENT", .min = 0, .max = 1000,
     .help = "how much worse the latencies may be that are judged without --fail-on"},
    {"share-tolerance", 0, OPTION_NUMBER, AT(share_tolerance), "1", "POINTS", .min = 0, .max = 100,
     .help = "the same for the share that failed, in percentage points"},
    {"undecided", 0, OPTION_TEXT, AT(undecided), "pass", "fail|pass",
     .help = "exit status where the runs are too short to tell: pass warns"},
    {"slo", 0, OPTION_LIST, AT(slos), .unit = "METRIC=TIME",
     .help =
         "objective on each request, for goodput: ttft=500ms, tpot=50ms, e2e=10s; the runs' own "
         "unless given"},
    {"plans", 'p', OPTION_LIST, AT(plans), .unit = "PLAN|FILE",
     .help = "one plan of a price book: requests cost what it charges, not what the provider "
             "reported"},
    {"junit", 0, OPTION_OUTPUT, AT(junit), .unit = "FILE",
     .help = "the verdicts as JUnit's XML, too, for a pipeline's page"},
    {"force", 'f', OPTION_FLAG, AT(force), .help = "replace that file"},
    {0},
};

/* What one argument names: a run, a folder of repeats, one side of an A/B. */
struct subject {
    const char *given;
    char **paths;
    size_t count;
    bool repeats; /* else one run */
};

/* One run against one other, or one side against another. */
struct judgement {
    struct subject before;
    struct repeat_diff result; /* of single runs only its diff */
};

struct judging {
    const struct diff_options *o;
    struct subject run; /* the one that is judged */
    struct judgement *each;
    struct run_diff **all; /* their diffs */
    size_t count;
    bool alone; /* held against limits, not against another run */
};

static void subject_free(struct subject *s)
{
    for (size_t i = 0; i < s->count; i++)
        free(s->paths[i]);
    free(s->paths);
}

static bool holds(const char *folder, const char *name)
{
    char *path = run_dir_file(folder, name);
    bool there = file_exists(path);
    free(path);
    return there;
}

static int find_repeats(const char *given, struct subject *out, struct error *err)
{
    char **of_side;
    out->repeats = true;
    out->count = repeat_folder_list(given, 0, &out->paths);
    if (out->count > 0)
        return 0;
    struct subject side = {.count = repeat_folder_list(given, 1, &of_side)};
    side.paths = of_side;
    bool several = side.count > 0;
    subject_free(&side);
    if (several)
        return error_set(err, ERR_INPUT,
                         "%s holds runs of several endpoints: give it alone to compare them",
                         given);
    if (holds(given, "sweep.json") || holds(given, "sweep.jsonl"))
        return error_set(err, ERR_INPUT,
                         "%s is a sweep, whose runs have different loads: compare one of them, as "
                         "%s/rate-4",
                         given, given);
    return error_set(err, ERR_INPUT,
                     "%s is no run directory (it has no requests.jsonl), and no folder of repeats "
                     "(it has no runs 1, 2, ...)",
                     given);
}

static int find_subject(const char *given, struct subject *out, struct error *err)
{
    *out = (struct subject){.given = given};
    if (!run_dir_is_run(given))
        return find_repeats(given, out, err);
    out->paths = mem_alloc(sizeof *out->paths);
    out->paths[0] = mem_copy_string(given);
    out->count = 1;
    return 0;
}

/* An A/B: its first side is the baseline of its second. */
static bool find_sides(const char *given, struct subject *before, struct subject *after)
{
    *before = *after = (struct subject){.given = given, .repeats = true};
    before->count = repeat_folder_list(given, 1, &before->paths);
    after->count = repeat_folder_list(given, 2, &after->paths);
    /* where one side is a run behind, what is whole in both is compared */
    while (before->count > after->count)
        free(before->paths[--before->count]);
    while (after->count > before->count)
        free(after->paths[--after->count]);
    if (before->count > 0)
        return true;
    subject_free(before);
    subject_free(after);
    *before = *after = (struct subject){0};
    return false;
}

static int find_subjects(struct judging *g, const struct gate *gate, struct error *err)
{
    const struct common_options *c = &g->o->common;
    size_t last = c->argument_count - 1;
    g->count = last > 0 ? last : 1;
    g->each = mem_zero(g->count, sizeof *g->each);
    g->all = mem_zero(g->count, sizeof(struct run_diff *));
    for (size_t i = 0; i < g->count; i++)
        g->all[i] = &g->each[i].result.diff;
    if (last == 0 && !run_dir_is_run(c->arguments[0]) &&
        find_sides(c->arguments[0], &g->each[0].before, &g->run))
        return 0;
    if (find_subject(c->arguments[last], &g->run, err) < 0)
        return err->code;
    g->alone = last == 0;
    if (g->alone && (gate->count == 0 || gate_compares(gate)))
        return error_set(err, ERR_INPUT,
                         "expected a run to compare %s with, or limits on it alone, as in "
                         "--fail-on 'ttft_p99>500ms'",
                         c->arguments[0]);
    for (size_t i = 0; i < g->count; i++)
        if (find_subject(c->arguments[g->alone ? last : i], &g->each[i].before, err) < 0)
            return err->code;
    return 0;
}

static void judging_free(struct judging *g)
{
    for (size_t i = 0; i < g->count; i++) {
        repeat_diff_free(&g->each[i].result);
        subject_free(&g->each[i].before);
    }
    subject_free(&g->run);
    free(g->each);
    free(g->all);
}

/* ---- what is shown ---- */

static const char *subject_name(const struct subject *s, char out[256])
{
    snprintf(out, 256, "%.200s", s->given);
    if (s->repeats)
        snprintf(out + strlen(out), 256 - strlen(out), " (%zu %s)", s->count,
                 s->count == 1 ? "repeat" : "repeats");
    return out;
}

static void print_title(const struct judging *g, const struct judgement *j, struct buffer *out)
{
    const struct run_diff *d = &j->result.diff;
    char before[256], after[256];
    subject_name(&g->run, after);
    if (g->alone)
        buffer_add_format(out, "\n%s, ", after);
    else if (g->run.given == j->before.given)
        buffer_add_format(out, "\n%s: endpoint 1 → 2 (%zu pairs), ", g->run.given, g->run.count);
    else
        buffer_add_format(out, "\n%s → %s, ", subject_name(&j->before, before), after);
    if (g->alone)
        buffer_add_format(out, "%" PRIu64 " requests\n", d->requests[1]);
    else if (d->paired && d->repeats == 0)
        buffer_add_format(out, "%" PRIu64 " requests in pairs\n\n", d->pairs);
    else
        buffer_add_format(out, "%" PRIu64 " and %" PRIu64 " requests\n\n", d->requests[0],
                          d->requests[1]);
}

static void print_method(const struct judgement *j, struct buffer *out)
{
    const struct repeat_diff *r = &j->result;
    if (r->diff.repeats == 0)
        return;
    if (r->diff.repeats == 1)
        buffer_add_text(out, "One run a side tells nothing beyond these runs: repeats do.\n");
    else
        buffer_add_format(out,
                          "The unit is the repeat: Student's t of %s log ratios (%zu and %zu).\n",
                          r->paired ? "paired" : "unpaired (Welch)", r->repeats[0], r->repeats[1]);
}

static void print_one(const struct judging *g, const struct judgement *j, struct buffer *out)
{
    static const char *const names[2] = {"before", "after"};
    const struct run_diff *d = &j->result.diff;
    print_title(g, j, out);
    if (!g->alone) {
        diff_text_table(d, names, out);
        print_method(j, out);
    }
    diff_text_verdicts(d, out);
    if (d->note_count > 0)
        buffer_add_byte(out, '\n');
    for (size_t i = 0; i < d->note_count && !g->alone; i++)
        buffer_add_format(out, "· %s\n", d->notes[i]);
    buffer_add_byte(out, '\n');
}

static void print_tables(const struct terminal *t, const struct judging *g)
{
    struct buffer out;
    buffer_init(&out, BUFFER_UNBOUNDED);
    for (size_t i = 0; i < g->count; i++)
        print_one(g, &g->each[i], &out);
    print_buffer(t->human, &out);
    buffer_free(&out);
}

static enum diff_verdict worst_verdict(const struct judging *g)
{
    enum diff_verdict worst = DIFF_PASS;
    for (size_t i = 0; i < g->count; i++)
        if (run_diff_verdict(g->all[i]) > worst)
            worst = run_diff_verdict(g->all[i]);
    return worst;
}

/* A doubt is said where a pipeline looks. */
static void warn_undecided(const struct terminal *t, const struct judging *g)
{
    struct buffer words;
    buffer_init(&words, BUFFER_UNBOUNDED);
    for (size_t k = 0; k < g->count; k++) {
        const struct run_diff *d = g->all[k];
        for (size_t i = 0; i < d->judged_count; i++) {
            if (d->judged[i].verdict != DIFF_UNDECIDED)
                continue;
            buffer_clear(&words);
            diff_text_judged(d, &d->judged[i], &words);
            warn(t, "%s is UNDECIDED%s%s: %s", d->judged[i].figure.name,
                 g->count > 1 ? " against " : "", g->count > 1 ? g->each[k].before.given : "",
                 words.data);
        }
    }
    buffer_free(&words);
    if (worst_verdict(g) == DIFF_UNDECIDED && !g->all[0]->undecided_fails)
        warn(t, "what is undecided passes; --undecided fail exits 1 on it");
}

static void put_counts(const struct judging *g, const struct judgement *j, struct json_writer *w)
{
    if (j->result.diff.repeats == 0)
        return;
    json_key(w, "repeats");
    json_begin_object(w);
    json_pair_u64(w, "before", j->result.repeats[0]);
    json_pair_u64(w, "after", g->run.count);
    json_end_object(w);
}

/* The members of one comparison. */
static void put_judgement(const struct judging *g, const struct judgement *j, struct json_writer *w)
{
    const struct run_diff *d = &j->result.diff;
    json_key(w, "comparisons");
    json_begin_array(w);
    for (size_t i = 0; i < d->count && !g->alone; i++) {
        json_begin_object(w);
        run_diff_put_row(&d->rows[i], w);
        json_end_object(w);
    }
    json_end_array(w);
    run_diff_put(d, w);
    put_counts(g, j, w);
}

static void print_json(const struct terminal *t, const struct judging *g)
{
    struct output out;
    output_begin(&out);
    json_begin_object(&out.json);
    if (g->count == 1) {
        put_judgement(g, &g->each[0], &out.json);
    } else {
        json_pair_string(&out.json, "verdict", diff_verdict_key(worst_verdict(g)));
        json_key(&out.json, "baselines");
        json_begin_array(&out.json);
        for (size_t i = 0; i < g->count; i++) {
            json_begin_object(&out.json);
            json_pair_string(&out.json, "baseline", g->each[i].before.given);
            put_judgement(g, &g->each[i], &out.json);
            json_end_object(&out.json);
        }
        json_end_array(&out.json);
    }
    json_end_object(&out.json);
    output_end(&out, NULL, t->machine);
}

static int write_junit(const struct judging *g, struct error *err)
{
    struct buffer out;
    struct junit j;
    char name[256];
    if (!g->o->junit)
        return 0;
    buffer_init(&out, BUFFER_UNBOUNDED);
    junit_begin(&j, &out);
    for (size_t i = 0; i < g->count; i++)
        junit_add(&j, subject_name(g->alone ? &g->run : &g->each[i].before, name), g->run.given,
                  g->all[i]);
    junit_end(&j);
    int status = file_write_atomic(g->o->junit, out.data, out.length, err);
    buffer_free(&out);
    return status;
}

/* ---- the comparison ---- */

static int choose_plan(const struct diff_options *o, struct plan_selection *plans,
                       struct error *err)
{
    if (run_bill_select(&o->plans, plans, err) < 0)
        return ERR_INPUT;
    return plans->count == 1
               ? 0
               : error_set(err, ERR_INPUT,
                           "--plans: diff compares costs under one plan, this names %zu; choose "
                           "one as in BOOK/PLAN (farebox prices list)",
                           plans->count);
}

static int read_options(const struct diff_options *o, struct run_diff_options *how,
                        struct error *err)
{
    *how = (struct run_diff_options){.tolerance = o->tolerance,
                                     .share_tolerance = o->share_tolerance,
                                     .undecided_fails = strcmp(o->undecided, "fail") == 0,
                                     .open = true};
    if (slo_list_read(o->slos.items, o->slos.count, &how->slos, err) < 0)
        return err->code;
    if (!how->undecided_fails && strcmp(o->undecided, "pass") != 0)
        return error_set(err, ERR_INPUT, "--undecided %s: expected fail or pass", o->undecided);
    for (size_t i = 0; i < o->fail_on.count; i++)
        if (gate_parse(o->fail_on.items[i], &how->gate, err) < 0)
            return ERR_INPUT;
    return 0;
}

static int compare_one(struct judging *g, struct judgement *j, const struct run_diff_options *how,
                       struct error *err)
{
    const struct subject *a = &j->before, *b = &g->run;
    if (!a->repeats && !b->repeats) {
        const char *const paths[2] = {a->paths[0], b->paths[0]};
        return run_diff_make(&j->result.diff, paths, how, err);
    }
    const struct repeat_side sides[2] = {{(const char *const *)a->paths, a->count},
                                         {(const char *const *)b->paths, b->count}};
    bool ab = a->given == b->given && !g->alone;
    return repeat_diff_make(&j->result, sides, ab ? REPEAT_IN_TIME : REPEAT_IF_SAME, how, err);
}

static int compare_all(struct judging *g, const struct run_diff_options *given, struct error *err)
{
    struct run_diff_options how = *given;
    struct plan_selection plans = {0};
    int status = g->o->plans.count > 0 ? choose_plan(g->o, &plans, err) : 0;
    const struct plan *plan = plans.count ? plans.plans[0] : NULL;
    struct diff_costs costs;
    struct run_pricing pricing =
        diff_costs_begin(&costs, (const struct plan *const[2]){plan, plan});
    if (plan)
        how.pricing = &pricing;
    for (size_t i = 0; i < g->count && status == 0; i++)
        status = compare_one(g, &g->each[i], &how, err);
    if (status == 0)
        run_diff_apply(g->all, g->count, &how.gate);
    diff_costs_free(&costs);
    plan_selection_free(&plans);
    return status;
}

/* A difference may be the client's where it was the limit of one run. */
static void warn_of_limits(const struct terminal *t, const struct judging *g)
{
    for (size_t k = 0; k < g->count; k++)
        for (size_t i = 0; i < 2; i++) {
            const struct run_diff *d = g->all[k];
            if (d->client_limited[i] && (i == 0 ? !g->alone : k == 0))
                warn(t, "the client was the limit of %s%s%s%s: a change may be the client's",
                     g->run.given != g->each[k].before.given || g->alone ? ""
                     : i                                                 ? "the second side of "
                                                                         : "the first side of ",
                     i ? g->run.given : g->each[k].before.given, d->limits[i][0] ? ": " : "",
                     d->limits[i]);
        }
}

/* The first of the baselines that says no. */
static int judge(struct judging *g, struct error *err)
{
    for (size_t i = 0; i < g->count; i++) {
        struct error own = {0};
        if (run_diff_judge(g->all[i], &own) == 0)
            continue;
        if (g->count == 1)
            return error_set(err, own.code, "%s", own.message);
        return error_set(err, own.code, "against %s: %.900s", g->each[i].before.given, own.message);
    }
    return 0;
}

static int show_all(const struct terminal *t, struct judging *g, struct error *err)
{
    warn_of_limits(t, g);
    print_tables(t, g);
    if (g->o->common.json)
        print_json(t, g);
    warn_undecided(t, g);
    int status = write_junit(g, err);
    return status < 0 ? status : judge(g, err);
}

static int run(const struct terminal *t, const void *parsed, struct error *err)
{
    struct judging g = {.o = parsed};
    struct run_diff_options how;
    if (g.o->common.argument_count == 0)
        return command_arguments(&g.o->common, 2, "two run directories", err);
    if (read_options(g.o, &how, err) < 0)
        return err->code;
    int status = find_subjects(&g, &how.gate, err);
    if (status == 0)
        status = compare_all(&g, &how, err);
    if (status == 0)
        status = show_all(t, &g, err);
    judging_free(&g);
    return status;
}

const struct command command_diff = {
    .name = "diff",
    .summary = "what changed between runs, beyond chance",
    .usage = "BASELINE... RUN",
    .about =
        "Compares two runs metric by metric: failures, goodput, latencies, throughput, tokens and\n"
        "cost; how much changed, the interval that the change lies in, and whether it is beyond\n"
        "chance. The figures of --fail-on are judged, worse being positive. FAIL (exit 1): worse\n"
        "beyond chance, and by more than allowed. PASS: surely no worse than allowed. UNDECIDED:\n"
        "the runs are too short; how many requests would do is said on standard error.\n"
        "Improvements, however large, exit 0. The last run is judged, against each of the others;\n"
        "with limits alone it needs no other. A folder of repeats (bench --repeat) stands for all\n"
        "of its runs, and one of an A/B, alone, for its two sides: there the unit is the repeat.\n",
    .examples = "  farebox diff results/before results/after --tolerance 10\n"
                "  farebox diff results/main results/branch --fail-on 'ttft_p99>10%' --fail-on "
                "'failed>0.5pp'\n"
                "  farebox diff results/release results/main results/branch --junit gate.xml\n"
                "  farebox diff results/branch --fail-on 'ttft_p99>500ms' --fail-on 'failed>1%'\n",
    .options = options,
    .options_size = sizeof(struct diff_options),
    .run = run,
};
