/* farebox decide --story: the bundled scenarios, or one's own workloads, told as one story.
 *
 *     struct decide_story story = {.arguments = names, .argument_count = n, .plans = &o->plans,
 *                                  .tiers = "small,middle,large", .volume = 20000, .seed = 1};
 *     return decide_story_tell(&story, t, err);
 */
#ifndef FAREBOX_CLI_COMMANDS_DECIDE_STORY_H
#define FAREBOX_CLI_COMMANDS_DECIDE_STORY_H

#include "cli/terminal.h"
#include "cli/trace_options.h"

struct decide_story {
    const char *const *arguments; /* files, runs and scenarios; none: all bundled scenarios */
    size_t argument_count;
    const struct option_list *plans, *transforms; /* no plans: the book "story" */
    const struct trace_reading *reading;
    const char *tiers;  /* three models, from the smallest */
    const char *output; /* a directory for the page; NULL */
    uint64_t volume;    /* 0: STORY_VOLUME */
    uint64_t requests;  /* of each, so many; 0: all of a file, STORY_SAMPLE of a scenario */
    uint64_t seed;
    bool json;
};
#define STORY_SAMPLE 600

/* ERR_INPUT as bill's; of plans none of which is by the token, or flat. */
int decide_story_tell(const struct decide_story *how, const struct terminal *t, struct error *err);

#endif
