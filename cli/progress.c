#include "cli/progress.h"

#include "core/clock.h"

#define BAR_WIDTH 28

void progress_init(struct progress *p, const struct terminal *t, const char *what)
{
    *p = (struct progress){.terminal = t, .what = what};
    p->period_ns = t->live ? NS_PER_S / 2 : 10 * NS_PER_S;
}

bool progress_due(const struct progress *p, int64_t now_ns)
{
    return p->terminal->notes && now_ns >= p->next_ns;
}

static void draw_bar(FILE *to, double fraction)
{
    int halves = (int)(fraction * 2 * BAR_WIDTH + 0.5);
    for (int i = 0; i < BAR_WIDTH; i++) {
        bool full = 2 * i + 1 < halves, half = 2 * i + 1 == halves;
        fputs(full ? "━" : half ? "╸" : "─", to);
    }
    fprintf(to, " %3.0f%%  ", fraction * 100);
}

void progress_show(struct progress *p, int64_t now_ns, double fraction, const char *text)
{
    FILE *to = p->terminal->notes;
    bool first = p->next_ns == 0;
    p->next_ns = now_ns + p->period_ns;
    /* Where nobody redraws, work of less than ten seconds needs no line at all. */
    if (!to || (first && !p->terminal->live))
        return;
    fflush(stdout);
    terminal_clear_line(p->terminal);
    fprintf(to, "%s ", p->what);
    if (fraction >= 0)
        draw_bar(to, fraction > 1 ? 1 : fraction);
    fputs(text, to);
    if (!p->terminal->live)
        fputc('\n', to);
    p->drawn = true;
}

void progress_end(struct progress *p)
{
    if (p->drawn)
        terminal_clear_line(p->terminal);
}
