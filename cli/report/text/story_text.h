/* The story for a person: one table, five sentences, and for each the commands that show its
 * figures.
 *
 *     struct story_wording w = {&story, subjects, plan_words, 1};
 *     story_write_text(&w, 80, &buffer);
 *     story_write_json(&story, story_put_sentences, &w, &writer);
 */
#ifndef FAREBOX_CLI_REPORT_TEXT_STORY_TEXT_H
#define FAREBOX_CLI_REPORT_TEXT_STORY_TEXT_H

#include "core/buffer.h"
#include "sim/decide/story.h"

/* How a workload is named on a command line: " -s agent", and the options that go with it, which
 * workloads of one command share: " -n 600". */
struct story_subject {
    const char *words, *options;
};

struct story_wording {
    const struct story *story;
    const struct story_subject *subjects; /* by part */
    const char *const *plans;             /* by plan, as --plans takes it */
    uint64_t seed;
};

#define STORY_SENTENCES 5
#define STORY_FIGURES 12

/* One sentence; each of its figures stands, as it is written there, in what one of the commands
 * prints. */
struct story_sentence {
    struct buffer text;
    struct buffer commands; /* a line each; none where the sentence has no figure */
    char *figures[STORY_FIGURES];
    size_t figure_count;
};

void story_say(const struct story_wording *w, struct story_sentence out[STORY_SENTENCES]);
void story_unsay(struct story_sentence sentences[STORY_SENTENCES]);

/* A blank and the word, as a shell takes it: in quotes where it needs them. */
void story_add_word(const char *word, struct buffer *out);

/* `width` columns wide. */
void story_write_text(const struct story_wording *w, int width, struct buffer *out);

/* "sentences" of story.json; the context is the wording. */
void story_put_sentences(const struct story *s, void *wording, struct json_writer *w);

#endif
