#include "cli/report/plot/run_plots.h"

#include "cli/report/plot/pictures.h"
#include "core/memory.h"
#include "core/runs/record/run_dir.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef bool latency_builder(struct picture *p, struct collector *c, const struct summary *s,
                             const char *run);
typedef bool cost_builder(struct picture *p, const struct bill *b, const char *run);

/* In the order in which the page shows them. */
static const struct {
    const char *name;
    latency_builder *latency;
    cost_builder *cost;
    const char *caption;
} known[] = {
    {"latency-cdf", picture_latency_cdf, NULL,
     "The share of requests that took at most so long. Scheduled: from when a request was due; "
     "sent: from when it left."},
    {"spectrum", picture_spectrum, NULL,
     "Each tenth of what is left has the same room, so that the tail can be read."},
    {"latency-heat", picture_heat, NULL,
     "When requests were due and how long they took: a queue that builds up climbs to the right."},
    {"chunk-gaps", picture_chunk_gaps, NULL,
     "The time between one chunk of an answer and the next, of all answers together."},
    {"timeline", picture_timeline, NULL, "What happened in each second."},
    {"cost-cdf", NULL, picture_cost_cdf,
     "The share of requests that cost at most so much: a flat price is a step, a price by the "
     "token a curve."},
    {"spend", NULL, picture_spend,
     "What has been paid so far: a subscription when each of its periods begins, usage request by "
     "request. The end is the bill's total."},
    {"cheapest", NULL, picture_cheapest,
     "Which plan is the cheapest for a request of so many tokens, and where these requests "
     "lie."},
    {"ladder", NULL, picture_ladder,
     "What a month of so many requests costs: a line is whole where its plan is the cheapest, "
     "steps are further subscriptions."},
    {"variance", NULL, picture_variance,
     "The coefficient of variation of a request's price, and which part of the charge it comes "
     "from. Shares add up to 100 %; " COST_NEGATIVE_SHARE "."},
};
#define KNOWN (sizeof known / sizeof known[0])

/* What lies beside results that are no run. */
static const char *const others[][2] = {
    {"sweep", "What each load gave: requests served and latencies, over the load."},
    {"usl", "Throughput over requests in flight, and the Universal Scalability Law fitted to it."},
    {"capacity", "Simulated: up to the knee the objectives hold and no queue grows."},
    {"forecast", "What is paid by each day: the median of all futures, and the band that holds "
                 "90 % of them."},
};

bool run_plots_has(const char *name)
{
    for (size_t i = 0; i < KNOWN; i++)
        if (strcmp(known[i].name, name) == 0)
            return true;
    return false;
}

const char *run_plots_caption(const char *name)
{
    for (size_t i = 0; i < KNOWN; i++)
        if (strcmp(known[i].name, name) == 0)
            return known[i].caption;
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        if (strcmp(others[i][0], name) == 0)
            return others[i][1];
    return NULL;
}

const char *run_plots_name(size_t number)
{
    return number < KNOWN ? known[number].name : NULL;
}

/* A picture of an earlier report would contradict this one. */
static void remove_stale(const char *directory, const char *name)
{
    static const char *const ends[] = {"svg", "png", "gp"};
    for (size_t i = 0; i < 3; i++) {
        char path[3072];
        snprintf(path, sizeof path, "%s/%s.%s", directory, name, ends[i]);
        unlink(path);
    }
}

int run_plots_draw(const struct run_plots *p, struct collector *c, const struct summary *s,
                   unsigned *drawn, struct error *err)
{
    char *directory = run_dir_file(p->run, "plots");
    struct picture *picture = mem_zero(1, sizeof *picture);
    int status = 0;
    *drawn = 0;
    for (size_t i = 0; i < KNOWN && status == 0; i++) {
        bool some = known[i].latency ? known[i].latency(picture, c, s, p->title)
                                     : p->bill && p->bill->completed &&
                                           known[i].cost(picture, p->bill, p->title);
        if (some && known[i].latency == picture_timeline)
            picture_add_server(picture, p->run);
        if (some)
            status = plot_draw(&picture->plot, directory, p->keep_script, err);
        else
            remove_stale(directory, known[i].name);
        *drawn += some && status == 0;
        picture_free(picture);
    }
    free(picture);
    free(directory);
    return status;
}

int bill_plots_draw(const struct bill *b, const char *folder, unsigned *drawn, struct error *err)
{
    struct picture *picture = mem_zero(1, sizeof *picture);
    const char *name = b->workload->name ? b->workload->name : "workload";
    int status = 0;
    *drawn = 0;
    for (size_t i = 0; i < KNOWN && status == 0 && b->completed; i++) {
        if (!known[i].cost)
            continue;
        bool some = known[i].cost(picture, b, name);
        if (some)
            status = plot_draw(&picture->plot, folder, false, err);
        *drawn += some && status == 0;
        picture_free(picture);
    }
    free(picture);
    return status;
}
