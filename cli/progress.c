#include "cli/progress.h"

#include "core/clock.h"
#include "core/wrap.h"

#define BAR_WIDTH 28
#define BAR_LEAST 6 /* of less nothing is read */

void progress_init(struct progress *p, const struct terminal *t, const char *what)
{
    *p = (struct progress){.terminal = t, .what = what};
    p->period_ns = t->live ? NS_PER_S / 2 : 10 * NS_PER_S;
}

bool progress_due(const struct progress *p, int64_t now_ns)
{
    return p->terminal->notes && now_ns >= p->next_ns;
}

/* As wide as the terminal has room beside the words. */
static void draw_bar(struct buffer *line, double fraction, int width)
{
    int halves = (int)(fraction * 2 * width + 0.5);
    for (int i = 0; i < width; i++) {
        bool full = 2 * i + 1 < halves, half = 2 * i + 1 == halves;
        buffer_add_text(line, full ? "━" : half ? "╸" : "─");
    }
    buffer_add_format(line, "%s%3.0f%%  ", width ? " " : "", fraction * 100);
}

static int bar_width(const char *what, const char *text)
{
    int words = (int)(wrap_columns(text_of(what)) + wrap_columns(text_of(text)));
    int room = terminal_width(stderr) - 1 - words - (int)sizeof " 100%  ";
    return room > BAR_WIDTH ? BAR_WIDTH : room < BAR_LEAST ? 0 : room;
}

void progress_show(struct progress *p, int64_t now_ns, double fraction, const char *text)
{
    bool first = p->next_ns == 0;
    p->next_ns = now_ns + p->period_ns;
    /* Where nobody redraws, work of less than ten seconds needs no line at all. */
    if (!p->terminal->notes || (first && !p->terminal->live))
        return;
    struct buffer line;
    buffer_init(&line, BUFFER_UNBOUNDED);
    buffer_add_format(&line, "%s ", p->what);
    if (fraction >= 0)
        draw_bar(&line, fraction > 1 ? 1 : fraction, bar_width(p->what, text));
    buffer_add_text(&line, text);
    terminal_show_line(p->terminal, line.data);
    buffer_free(&line);
    p->drawn = true;
}

void progress_tell(void *progress, const char *what, double share)
{
    int64_t now_ns = clock_now_ns();
    if (progress_due(progress, now_ns))
        progress_show(progress, now_ns, share, what);
}

void progress_end(struct progress *p)
{
    if (p->drawn)
        terminal_clear_line(p->terminal);
}
