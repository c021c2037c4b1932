#include "cli/commands/decide_output.h"

int decide_output_write(struct output *out, const char *directory, enum html_kind kind,
                        const char *heading, html_draw_plots *draw, const struct terminal *t,
                        struct error *err)
{
    struct error why = {0};
    struct html_document page = {.kind = kind, .json = {out->document.data, out->document.length}};
    const char *file = html_document_file(kind);
    int status = html_document_write(&page, directory, heading, draw, &why, err);
    if (status == 0 && !page.draws)
        warn(t, "no plot: %s", why.message);
    if (status == 0)
        status = output_keep(out, directory, file, err);
    if (status == 0)
        buffer_add_format(&out->text, "\nwritten to %s: index.html (the page), %s%s\n", directory,
                          file, page.draws ? ", plots (SVG and PNG)" : "");
    return status;
}
