/* farebox sim --sweep: the points, each a task that others may simulate. */
#include "cli/commands/sim_sweep.h"

#include "cli/bench/load_show.h"
#include "cli/run_bill.h"
#include "core/embedded.h"
#include "core/memory.h"
#include "workloads/model/workload_pack.h"

#include <stdlib.h>
#include <string.h>

/* What the points of a sweep have in common. Each is a task: others may simulate it. */
struct sim_sweep {
    const struct sim_options *o;
    const struct workload *workload; /* NULL: each point's is made for its rate */
    struct engine_config engine;
    const struct terminal *quiet;
    struct tasks *points; /* where this process asks for them */
};

/* A point of the sweep, as a question; zeroed first, as questions are compared byte by byte. */
struct point_question {
    double load;
    bool is_rate;
};

static void put_question(const struct load_run *r, struct buffer *out)
{
    struct point_question q;
    memset(&q, 0, sizeof q);
    q.load = r->load;
    q.is_rate = r->is_rate;
    buffer_init(out, BUFFER_UNBOUNDED);
    pack_value(out, q);
}

/* The options of one point; `text` is its load's. */
static struct sim_options point_options(const struct sim_options *of, bool is_rate, double load,
                                        char text[40])
{
    struct sim_options o = *of;
    snprintf(text, 40, "%.17g", load);
    *(is_rate ? &o.load.rate : &o.load.concurrency) = text;
    o.force = false; /* the sweep made room */
    return o;
}

static int simulate_point(const struct sim_sweep *all, const struct terminal *t,
                          const struct workload *workload, struct load_run *r, struct error *err)
{
    char text[40];
    struct sim_options o = point_options(all->o, r->is_rate, r->load, text);
    struct option_spec specs[CHILD_OPTIONS];
    load_child_options(sim_option_specs, r->is_rate ? "rate" : "concurrency", specs);
    o.written = specs;
    o.point = r;
    o.output = r->path;
    return sim_run_once(t, &o, &all->engine, workload, err);
}

/* Notes of a point that somebody else simulates come with the answer. */
static int answer_point(const void *context, struct unpack *question, const char *directory,
                        struct buffer *answer, struct error *err)
{
    const struct sim_sweep *all = context;
    struct terminal t = *all->quiet;
    struct point_question q;
    struct workload sent;
    char *notes = NULL;
    size_t length = 0;
    unpack_value(question, q);
    struct load_run r = {.load = q.load, .is_rate = q.is_rate, .path = directory};
    bool came = question->left > 0;
    workload_init(&sent);
    if (came)
        workload_unpack(question, &sent);
    if (!all->points)
        t.notes = mem_given(open_memstream(&notes, &length));
    int status = question->broken
                     ? error_set(err, ERR_WORK, "a point of the sweep did not come whole")
                     : simulate_point(all, &t, came ? &sent : all->workload, &r, err);
    if (!all->points && (ferror(t.notes) || fclose(t.notes) != 0))
        mem_exhausted();
    pack_value(answer, r.measured);
    pack_value(answer, r.point);
    pack_text(answer, notes);
    free(notes);
    workload_free(&sent);
    return status;
}

/* A scenario that the program has with it: every process can make the same of it. */
static bool is_everywhere(const struct workload_source *source)
{
    return source->scenario && embedded_find("scenarios", source->scenario);
}

/* The workload that is made for the point's rate goes along where it is made from a file, which is
 * read here. */
static int enclose_workload(const void *context, const struct buffer *question, struct buffer *out,
                            struct error *err)
{
    const struct sim_sweep *all = context;
    struct simulate_options unused;
    struct point_question q;
    struct rate_load rate;
    struct workload w;
    char text[40];
    struct unpack u = unpack_of(question);
    if (all->workload || is_everywhere(&all->o->source))
        return 0;
    unpack_value(&u, q);
    struct sim_options o = point_options(all->o, q.is_rate, q.load, text);
    simulate_options_init(&unused);
    if (sim_choose_load(&o, &unused, &rate, err) < 0)
        return err->code;
    workload_init(&w);
    int status = sim_load_workload(all->quiet, &o, &rate, &w, err);
    if (status == 0)
        workload_pack(&w, out);
    workload_free(&w);
    rate_load_free(&rate);
    return status;
}

/* What another process has of a sweep. */
struct sent_sweep {
    struct sim_sweep shared; /* first: it is the context */
    struct sim_options o;
    struct terminal quiet;
    struct workload workload;
};

static void pack_sweep(const void *context, struct buffer *out)
{
    const struct sim_sweep *all = context;
    struct buffer values;
    struct json_writer w;
    bool shared = all->workload;
    buffer_init(&values, BUFFER_UNBOUNDED);
    json_write_init(&w, &values, 0);
    options_write(sim_option_specs, all->o, &w);
    pack_text(out, values.data);
    pack_value(out, all->engine);
    pack_value(out, shared);
    if (shared)
        workload_pack(all->workload, out);
    buffer_free(&values);
}

static void release_sweep(void *context)
{
    struct sent_sweep *sent = context;
    options_free(&sent->o);
    load_quiet_free(&sent->quiet);
    workload_free(&sent->workload);
    free(sent);
}

static void *unpack_sweep(struct unpack *bytes)
{
    struct sent_sweep *sent = mem_zero(1, sizeof *sent);
    const struct terminal silent = {.width = TERMINAL_NARROW};
    struct error err = {0};
    bool shared;
    const char *values = unpack_text(bytes);
    workload_init(&sent->workload);
    unpack_value(bytes, sent->shared.engine);
    unpack_value(bytes, shared);
    if (shared)
        workload_unpack(bytes, &sent->workload);
    sent->o.sent = true;
    sent->shared.o = &sent->o;
    sent->shared.quiet = &sent->quiet;
    sent->shared.workload = shared ? &sent->workload : NULL;
    if (values && !bytes->broken &&
        options_read(sim_option_specs, text_of(values), &sent->o, &err) == 0 &&
        load_quiet_terminal(&silent, &sent->quiet, &err) == 0)
        return sent;
    release_sweep(sent);
    return NULL;
}

const struct task_kind sim_sweep_points = {.name = "sim point",
                                           .pack = pack_sweep,
                                           .unpack = unpack_sweep,
                                           .release = release_sweep,
                                           .enclose = enclose_workload,
                                           .run = answer_point};

static void want_point(void *context, const struct load_run *r)
{
    struct sim_sweep *all = context;
    struct buffer question;
    put_question(r, &question);
    tasks_want(all->points, &question, r->path);
    buffer_free(&question);
}

static bool is_point_done(void *context, const struct load_run *r)
{
    struct sim_sweep *all = context;
    struct buffer question;
    put_question(r, &question);
    bool done = tasks_is_done(all->points, &question);
    buffer_free(&question);
    return done;
}

static void take_point(const struct sim_sweep *all, const struct buffer *answer, struct load_run *r)
{
    struct unpack u = unpack_of(answer);
    struct load_point point;
    bool measured;
    unpack_value(&u, measured);
    unpack_value(&u, point);
    const char *notes = unpack_text(&u);
    if (notes && all->quiet->notes)
        fputs(notes, all->quiet->notes);
    if (u.broken || !measured)
        return;
    r->measured = true;
    r->point = point;
}

static int run_point(void *context, struct load_run *r, struct error *err)
{
    struct sim_sweep *all = context;
    struct buffer question, answer;
    struct error unbilled = {0};
    put_question(r, &question);
    buffer_init(&answer, BUFFER_UNBOUNDED);
    int status = tasks_get(all->points, &question, r->path, &answer, err);
    take_point(all, &answer, r);
    if (r->measured &&
        run_bill_print(all->quiet, r->path, &all->o->plans, &all->o->tokens_as, &unbilled) < 0) {
        r->measured = false;
        *err = unbilled;
        status = unbilled.code;
    }
    buffer_free(&question);
    buffer_free(&answer);
    return status;
}

/* Its tasks are made where the workload is there: `all` does not change from then on. */
static int show_sweep(struct sim_sweep *all, struct sweep *s, const struct terminal *t,
                      struct error *err)
{
    all->points = tasks_create(t->farm, &sim_sweep_points, all);
    if (t->farm) {
        s->series.want = want_point;
        s->series.is_done = is_point_done;
    }
    int status = sweep_show(s, t, all->o->common.json, err);
    tasks_free(all->points);
    return status;
}

int sim_sweep(const struct terminal *t, const struct sim_options *o,
              const struct engine_config *engine, struct error *err)
{
    struct terminal quiet;
    struct sim_sweep all = {.o = o, .engine = *engine, .quiet = &quiet};
    struct summary_options so;
    struct sweep s = {.series = {.command = "sim",
                                 .directory = o->output,
                                 .force = o->force,
                                 .target = {&so.slos, o->goodput},
                                 .run = run_point,
                                 .context = &all},
                      .resume = o->resume,
                      .options_hash = load_options_hash(sim_option_specs, o)};
    if (!o->output || o->load.rate || o->load.concurrency)
        return error_set(err, ERR_INPUT,
                         "--sweep needs -o DIR, and brings its own --rate or --concurrency");
    if (sweep_parse(o->sweep, &s.values, err) < 0 || sim_choose_summary(o, NULL, &so, err) < 0 ||
        load_quiet_terminal(t, &quiet, err) < 0)
        return err->code;
    const struct rate_load none = {0};
    bool own = s.values.is_rate && workload_source_generates(&o->source) &&
               o->source.transforms.count == 0;
    struct workload shared;
    workload_init(&shared);
    int status = own ? 0 : sim_load_workload(t, o, &none, &shared, err);
    all.workload = own ? NULL : &shared;
    if (status == 0)
        status = show_sweep(&all, &s, t, err);
    workload_free(&shared);
    load_quiet_free(&quiet);
    return status;
}
