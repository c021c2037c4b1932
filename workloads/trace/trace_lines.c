/* The lines of a trace one by one: what stands before them, between them, and what is nearly JSON.
 */
#include "workloads/trace/trace_input.h"

#include "core/json/mend.h"

#define MENDED_MORE 6 /* a byte becomes at most \u0000 */

/* The element in which a file ends that is cut short goes to those who can use a part of one. */
static bool take_cut(struct trace_input *in, struct text *element)
{
    in->is_cut = in->takes_cut && document_partial(&in->document, element);
    if (!in->is_cut)
        trace_note(in, "cut_short", true);
    return in->is_cut;
}

/* Of several files each may be cut. */
static int next_element(struct trace_input *in, struct text *element, struct error *err)
{
    int more = DOCUMENT_CUT;
    if (in->is_cut && !in->document.was_cut) /* that was the last one's */
        return 0;
    in->is_cut = false;
    while (more == DOCUMENT_CUT) {
        more = document_next(&in->document, &in->lines, element, err);
        if (more == DOCUMENT_CUT && take_cut(in, element))
            more = 1;
    }
    in->first_line = in->document.number;
    if (more == 0 && document_is_open(&in->document))
        more = take_cut(in, element);
    in->report->lines += more > 0;
    return more;
}

int trace_next_line(struct trace_input *in, struct text *line, struct error *err)
{
    int more;
    if (in->is_document)
        return next_element(in, line, err);
    in->first_line = 0;
    while ((more = line_reader_next(&in->lines, line, err)) > 0) {
        in->report->lines++;
        if (in->lines.number == 1 && text_starts(*line, "\xEF\xBB\xBF")) {
            line->at += 3;
            line->length -= 3;
        }
        size_t i = 0;
        while (i < line->length && (line->at[i] == ' ' || line->at[i] == '\t'))
            i++;
        if (i < line->length)
            return 1;
        trace_note(in, "blank_line", true);
    }
    return more;
}

static bool is_json(const struct trace_input *in, struct text line)
{
    struct json_scan s;
    json_scan_init(&s, in->lines.name, line.at, line.length, 1);
    json_skip(&s, NULL);
    return json_scan_end(&s, NULL) == 0;
}

/* Mends the line in place of itself; false where that does not make it JSON. */
static bool mend(struct trace_input *in, struct text *line)
{
    in->mended.cap = MENDED_MORE * (line->length + 1);
    if (in->strict && !text_is_utf8(line->at, line->length, NULL))
        return false;
    if (text_trim(*line).at[0] != '{' || !mend_json(*line, &in->mended))
        return false;
    struct text mended = {in->mended.data, in->mended.length};
    if (!is_json(in, mended))
        return false;
    *line = mended;
    return true;
}

/* True if the current line is the last one of a file, and does not end as lines do. */
static bool may_be_cut(const struct trace_input *in, struct text line)
{
    if (in->strict || text_trim(line).at[0] != '{')
        return false;
    return in->is_document ? in->is_cut : in->lines.unterminated;
}

/* After a line was refused. */
static int read_again(struct trace_input *in, void *context, trace_line_reader *read,
                      struct text line, struct error *err)
{
    struct error why = *err;
    if (why.code != ERR_INPUT || is_json(in, line))
        return why.code;
    *err = (struct error){0};
    if (mend(in, &line) && read(in, context, line, err) == 0) {
        trace_note(in, "mended", false);
        return 0;
    }
    *err = why;
    if (!may_be_cut(in, line))
        return why.code;
    *err = (struct error){0};
    trace_note(in, "cut_short", true);
    return 0;
}

int trace_each_line(struct trace_input *in, void *context, trace_line_reader *read,
                    struct error *err)
{
    struct text line;
    int more;
    while ((more = trace_next_line(in, &line, err)) > 0) {
        int status = read(in, context, line, err);
        if (status < 0 && (status = read_again(in, context, read, line, err)) < 0)
            return status;
    }
    return more;
}

int trace_each_document(struct trace_input *in, void *context, trace_line_reader *read,
                        struct error *err)
{
    struct text line;
    int more;
    in->takes_cut = true;
    while ((more = trace_next_line(in, &line, err)) > 0) {
        bool whole = is_json(in, line), cut = false;
        if (!whole && mend(in, &line))
            trace_note(in, "mended", false);
        else if (!whole && (cut = may_be_cut(in, line)))
            trace_note(in, "cut_short", true);
        int status = read(in, context, line, err);
        if (status < 0 && !cut)
            return status;
        if (status < 0)
            *err = (struct error){0};
    }
    return more;
}
