#include "cli/bench/bench_series.h"

#include "bench/client/bench_hide.h"
#include "bench/client/probe.h"
#include "cli/bench/bench_compare.h"
#include "cli/bench/load_show.h"
#include "cli/output.h"
#include "cli/report/text/dry_run_text.h"
#include "core/file.h"
#include "core/memory.h"
#include "core/runs/record/run_dir.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>

/* A series under way. */
struct series {
    const struct terminal *terminal;
    const struct bench_options *o;
    bench_turn_run *run;
    money left; /* of --max-cost */
    bool begun;
    struct terminal quiet; /* of the runs of a sweep or search */
    struct dry_run dry;    /* with --dry-run: what the runs would send */
    struct bench_learnt learnt;
};

void bench_learnt_add(struct bench_learnt *l, const struct fidelity_probe *probe)
{
    if (!l || !probe->measured)
        return;
    for (size_t i = 0; i < l->count; i++)
        if (strcmp(l->scales[i].model, probe->model) == 0)
            return;
    mem_grow(&l->scales, &l->capacity, l->count + 1, sizeof *l->scales);
    prompt_scale_of(probe, &l->scales[l->count++]);
}

/* Runs a turn with what is left of the budget; without anything left it does not begin. */
static int run_turn(struct series *all, struct bench_options *o, struct bench_turn *turn,
                    struct error *err)
{
    char budget[MONEY_TEXT_SIZE];
    turn->o = o;
    turn->learnt = &all->learnt;
    turn->dry = all->o->dry_run ? &all->dry : NULL;
    if (o->max_cost && all->left <= 0) {
        turn->over_budget = true;
        return error_set(err, ERR_WORK, "--max-cost %s was used up", all->o->max_cost);
    }
    if (o->max_cost) {
        money_format(all->left, budget);
        o->max_cost = budget;
    }
    int status = all->run(turn, err);
    all->left -= turn->spent;
    return status;
}

/* ---- repeats ---- */

struct repeats {
    struct series *all;
    size_t endpoints;
    uint64_t done, missed, limited;
    struct error first_missed;   /* assertion */
    struct buffer json;          /* what each run has for machines */
    struct buffer limited_names; /* of runs in which the client was the limit: "1, 3-2" */
    bool compares;               /* --compare: */
    struct bench_compare compare;
    uint64_t first; /* the turn of the first run; later ones know its warnings */
};

/* The runs' JSON documents become the elements of one array. */
static int run_captured(struct repeats *r, struct bench_options *o, struct bench_turn *turn,
                        struct error *err)
{
    struct terminal apart = *r->all->terminal;
    char *text = NULL;
    size_t length = 0;
    apart.machine = mem_given(open_memstream(&text, &length));
    if (!apart.machine)
        return error_errno(err, "no room for the result");
    turn->terminal = &apart;
    int status = run_turn(r->all, o, turn, err);
    if (ferror(apart.machine) || fclose(apart.machine) != 0)
        mem_exhausted();
    while (length > 0 && text[length - 1] == '\n')
        length--;
    if (length > 0) {
        buffer_add_text(&r->json, r->json.length ? ",\n" : "[\n");
        buffer_add(&r->json, text, length);
    }
    free(text);
    turn->terminal = r->all->terminal;
    return status;
}

/* A side has its own plan, and what an interrupted run of it left is replaced. */
static void prepare_side(struct repeats *r, struct bench_options *o, const struct bench_turn *turn)
{
    o->plans = bench_compare_plans(o, turn->endpoint);
    o->force = o->force || (o->resume && file_exists(turn->path));
    say(r->all->terminal, "pair %llu of %llu: %c", (unsigned long long)turn->number + 1,
        (unsigned long long)r->all->o->repeat, 'A' + (int)turn->endpoint);
}

/* A run that could not begin left nothing to be noted. False: the note could not be written. */
static bool note_side(struct repeats *r, const struct bench_turn *turn, int status,
                      struct error *missed)
{
    bool whole = (status == 0 || turn->missed) && !turn->over_budget;
    struct error own = {0};
    if (!whole && !run_dir_is_run(turn->path))
        return true;
    if (bench_compare_note(&r->compare, turn->endpoint, turn->number + 1, whole, turn->spent,
                           &own) == 0)
        return true;
    if (status == 0)
        *missed = own;
    return status != 0;
}

static int run_repeat(struct repeats *r, uint64_t number, size_t endpoint, struct error *err)
{
    struct bench_options o = *r->all->o;
    struct error missed = {0};
    struct buffer path;
    buffer_init(&path, BUFFER_UNBOUNDED);
    buffer_add_format(&path, "%s/%llu", o.output, (unsigned long long)number + 1);
    if (r->endpoints > 1)
        buffer_add_format(&path, "-%zu", endpoint + 1);
    struct bench_turn turn = {.terminal = r->all->terminal,
                              .path = path.data,
                              .number = number,
                              .label = strrchr(path.data, '/') + 1,
                              .later = number > r->first,
                              .endpoint = r->endpoints > 1 ? endpoint : SIZE_MAX};
    bool captured = o.common.json && !o.dry_run && !r->compares;
    if (r->compares)
        prepare_side(r, &o, &turn);
    int status =
        captured ? run_captured(r, &o, &turn, &missed) : run_turn(r->all, &o, &turn, &missed);
    if (r->compares && !o.dry_run && !note_side(r, &turn, status, &missed))
        status = ERR_SYSTEM;
    if (turn.over_budget && !o.dry_run)
        status = error_set(err, ERR_WORK, "--max-cost %s was used up: %llu of %llu runs are whole",
                           r->all->o->max_cost, (unsigned long long)r->done,
                           (unsigned long long)(o.repeat * r->endpoints));
    else if (status < 0 && !turn.missed)
        *err = missed;
    r->done += status == 0 || turn.missed;
    if (turn.limited) {
        buffer_add_format(&r->limited_names, "%s%s", r->limited ? ", " : "", turn.label);
        r->limited++;
    }
    if (turn.missed && !turn.over_budget) {
        status = 0;
        if (r->missed++ == 0)
            error_set(&r->first_missed, ERR_WORK, "%s: %.900s", path.data, missed.message);
    }
    buffer_free(&path);
    return status;
}

/* Runs of an earlier series that this one does not replace would stand among its own. */
static int check_earlier(const struct repeats *r, const struct bench_options *o, struct error *err)
{
    DIR *d = mem_given(opendir(o->output));
    int status = 0;
    for (struct dirent *e; d && status == 0 && (e = readdir(d));) {
        unsigned long long turn = 0, endpoint = 0;
        int end = 0, longer = 0;
        int parts = sscanf(e->d_name, "%llu%n-%llu%n", &turn, &end, &endpoint, &longer);
        if (parts < 1 || e->d_name[parts == 2 ? longer : end] != '\0')
            continue;
        bool again =
            turn <= o->repeat && (parts == 2) == (r->endpoints > 1) && endpoint <= r->endpoints;
        char *path = run_dir_file(o->output, e->d_name);
        if (!again && run_dir_is_run(path))
            status = error_set(err, ERR_INPUT,
                               "%s is of an earlier series, and this one does not replace it: "
                               "remove it, or choose another -o",
                               path);
        free(path);
    }
    if (d)
        closedir(d);
    return status;
}

/* Turns of all endpoints, one after the other, every second turn from the last to the first: what
 * drifts meanwhile meets all of them alike. What an earlier time measured is not made again. */
static int run_turns(struct repeats *r, struct error *err)
{
    const struct bench_options *o = r->all->o;
    int status = 0;
    r->first = o->repeat;
    for (uint64_t turn = 0; turn < o->repeat && status == 0; turn++)
        for (size_t i = 0; i < r->endpoints && status == 0; i++) {
            size_t endpoint = turn % 2 ? r->endpoints - 1 - i : i;
            if (r->compares && bench_compare_has(&r->compare, endpoint, turn + 1))
                continue;
            r->first = r->first < turn ? r->first : turn;
            status = run_repeat(r, turn, endpoint, err);
        }
    return status;
}

static void tell_limited(const struct repeats *r)
{
    if (r->limited)
        warn(r->all->terminal,
             "the client was the limit in %llu of %llu runs (%s): they say what it could do, not "
             "what the endpoint can",
             (unsigned long long)r->limited, (unsigned long long)r->done, r->limited_names.data);
}

/* The runs tell their progress; what they found is said of all of them together. */
static int compare_turns(struct repeats *r, struct error *err)
{
    struct series *all = r->all;
    const struct terminal *t = all->terminal;
    if (load_quiet_terminal(t, &all->quiet, err) < 0)
        return err->code;
    int status = bench_compare_begin(&r->compare, t, all->o, err);
    if (status == 0) {
        bench_compare_recall(&r->compare, &all->learnt, &all->left);
        r->compares = true;
        all->terminal = &all->quiet;
        status = run_turns(r, err);
        all->terminal = t;
        status = bench_compare_end(&r->compare, status, err);
    }
    load_quiet_free(&all->quiet);
    return status;
}

static int run_repeats(struct series *all, struct error *err)
{
    const struct bench_options *o = all->o;
    struct repeats r = {.all = all, .endpoints = bench_endpoint_count(o)};
    buffer_init(&r.json, BUFFER_UNBOUNDED);
    buffer_init(&r.limited_names, BUFFER_UNBOUNDED);
    if (check_earlier(&r, o, err) < 0)
        return err->code;
    int status = o->compare && !o->dry_run ? compare_turns(&r, err) : run_turns(&r, err);
    if (r.json.length) {
        buffer_add_text(&r.json, "\n]\n");
        print_buffer(all->terminal->machine, &r.json);
    }
    tell_limited(&r);
    buffer_free(&r.json);
    buffer_free(&r.limited_names);
    if (status == 0 && r.missed)
        return error_set(err, ERR_WORK, "%llu of %llu runs missed an assertion; the first, %s",
                         (unsigned long long)r.missed, (unsigned long long)r.done,
                         r.first_missed.message);
    return status;
}

/* ---- sweeps and the search for the highest rate ---- */

static int run_point(void *context, struct load_run *r, struct error *err)
{
    struct series *all = context;
    struct bench_options o = *all->o;
    struct option_spec specs[CHILD_OPTIONS];
    const char *key = r->is_rate ? "rate" : "concurrency";
    char text[32], label[48];
    snprintf(text, sizeof text, "%.12g", r->load);
    snprintf(label, sizeof label, "%s %s", key, text);
    *(r->is_rate ? &o.load.rate : &o.load.concurrency) = text;
    o.output = r->path;
    o.force = false; /* the series made room */
    if (r->requests)
        o.load.requests = r->requests;
    load_child_options(bench_option_specs, key, specs);
    struct bench_turn turn = {.terminal = all->terminal,
                              .path = o.dry_run ? NULL : r->path,
                              .endpoint = SIZE_MAX,
                              .specs = specs,
                              .label = label,
                              .later = all->begun,
                              .load = r};
    all->begun = true;
    int status = run_turn(all, &o, &turn, err);
    r->over_budget = turn.over_budget && !o.dry_run;
    return status;
}

/* Every run of a search sees the same requests; the answers decide at which rates. */
static int tell_search(struct series *all, struct find_max *f, struct error *err)
{
    struct load_run r = {.load = f->start_rps, .is_rate = true, .path = f->series.directory};
    int status = 0;
    f->left = f->max_requests;
    for (int i = 0; i < FIND_MAX_PROBES && status == 0; i++)
        if ((r.requests = find_max_take_requests(f)))
            status = run_point(all, &r, err);
    all->dry.runs_are = DRY_MOST;
    all->dry.span_is = DRY_SPAN_UNKNOWN;
    return status;
}

static int tell_sweep(struct series *all, const struct sweep *s, struct error *err)
{
    struct load_run r = {.load = 1, .is_rate = s->values.is_rate, .path = s->series.directory};
    int status = 0;
    if (s->values.adaptive) {
        all->dry.runs_are = DRY_FIRST;
        return run_point(all, &r, err);
    }
    for (size_t i = 0; i < s->values.count && status == 0; i++) {
        r.load = s->values.values[i];
        status = run_point(all, &r, err);
    }
    return status;
}

static int run_all_points(struct series *all, struct sweep *s, struct find_max *f,
                          struct error *err)
{
    const struct terminal *t = all->terminal;
    bool json = all->o->common.json;
    if (all->o->dry_run)
        return all->o->sweep ? tell_sweep(all, s, err) : tell_search(all, f, err);
    if (load_quiet_terminal(t, &all->quiet, err) < 0)
        return err->code;
    all->terminal = &all->quiet;
    int status = all->o->sweep ? sweep_show(s, t, json, err) : find_max_show(f, t, json, err);
    load_quiet_free(&all->quiet);
    return status;
}

static int run_points(struct series *all, struct error *err)
{
    const struct bench_options *o = all->o;
    struct slo_list slos = {0};
    struct load_series series = {.command = "bench",
                                 .directory = o->output,
                                 .force = o->force,
                                 .target = {&slos, o->goodput},
                                 .run = run_point,
                                 .context = all};
    struct sweep s = {.series = series,
                      .resume = o->resume,
                      .options_hash = load_options_hash(bench_option_specs, o)};
    struct find_max f = {.series = series,
                         .start_rps = FIND_MAX_START,
                         .requests = o->load.requests ? o->load.requests : FIND_MAX_REQUESTS,
                         .max_requests = o->max_requests};
    if (slo_list_read(o->slos.items, o->slos.count, &slos, err) < 0)
        return err->code;
    if ((o->load.rate && load_options_one_rate(o->load.rate, &f.start_rps, err) < 0) ||
        (o->sweep && sweep_parse(o->sweep, &s.values, err) < 0))
        return err->code;
    return run_all_points(all, &s, &f, err);
}

static int run_all(struct series *all, struct error *err)
{
    const struct bench_options *o = all->o;
    if (o->sweep || o->find_max)
        return run_points(all, err);
    if (o->repeat > 1 || o->compare)
        return run_repeats(all, err);
    struct bench_turn turn = {.terminal = all->terminal,
                              .o = o,
                              .path = o->output,
                              .endpoint = SIZE_MAX,
                              .dry = o->dry_run ? &all->dry : NULL};
    return all->run(&turn, err);
}

/* Owned by the dry run. */
static struct dry_endpoint *dry_endpoints(const struct bench_options *o, size_t count)
{
    struct dry_endpoint *endpoints = mem_zero(count + 1, sizeof *endpoints);
    for (size_t i = 0; i < count; i++) {
        struct buffer shown;
        buffer_init(&shown, BUFFER_UNBOUNDED);
        hide_in_url(bench_endpoint_item(&o->urls, i), &shown);
        endpoints[i].url = buffer_take(&shown);
        endpoints[i].model = bench_endpoint_item(&o->models, i);
    }
    return endpoints;
}

static void begin_dry(struct series *all, char subject[80])
{
    const struct bench_options *o = all->o;
    size_t count = bench_endpoint_count(o);
    all->dry.one_url = o->urls.count == 1;
    all->dry.max_cost = o->max_cost;
    all->dry.subject = o->sweep || o->find_max ? subject : NULL;
    if (o->sweep)
        snprintf(subject, 80, "--sweep %.60s", o->sweep);
    else
        snprintf(subject, 80, "--find-max from %.40s req/s on", o->load.rate ? o->load.rate : "4");
    dry_run_init(&all->dry, dry_endpoints(o, count), count);
}

static int tell_all(struct series *all, struct error *err)
{
    char subject[80];
    struct output out;
    begin_dry(all, subject);
    int status = run_all(all, err);
    if (status == 0) {
        output_begin(&out);
        dry_run_write_text(&all->dry, &out.text);
        dry_run_write(&all->dry, &out.json);
        output_end(&out, all->terminal->human, all->o->common.json ? all->terminal->machine : NULL);
    }
    dry_run_free(&all->dry);
    return status;
}

int bench_series_run(const struct terminal *t, const struct bench_options *o, bench_turn_run *run,
                     struct error *err)
{
    struct series all = {.terminal = t, .o = o, .run = run};
    if (o->max_cost)
        money_parse(o->max_cost, strlen(o->max_cost), MONEY_PER_ONE, &all.left);
    int status = o->dry_run ? tell_all(&all, err) : run_all(&all, err);
    free(all.learnt.scales);
    return status;
}
