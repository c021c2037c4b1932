/* libFuzzer entry: what commands wrote about more than one run, read again. The first byte says
 * what the rest is: the documents that a page shows, an A/B's compare.json that is taken up, a
 * sweep's log that is resumed. */
#include "fuzzing.h"

#include "cli/report/page/html_document.h"
#include "core/runs/compare/ab.h"

static void show(enum html_kind kind, const char *text, size_t length)
{
    char name[64];
    mkdir(fuzz_path("shown"), 0700);
    snprintf(name, sizeof name, "shown/%s", html_document_file(kind));
    fuzz_write(name, text, length);
    fuzz_run("report", fuzz_path("shown"), "--no-plots", "--force", "-o", fuzz_path("page.html"));
    unlink(fuzz_path(name));
}

static void take_up(const char *text, size_t length)
{
    struct ab ab;
    struct error err = {0};
    ab_init(&ab);
    fuzz_write(AB_FILE, text, length);
    if (ab_read_runs(&ab, fuzz_folder(), &err) < 0 && !err.message[0])
        abort();
    if (ab_pairs(&ab) > ab.count)
        abort();
    ab_free(&ab);
    fuzz_run("report", fuzz_folder(), "--no-plots", "--force", "-o", fuzz_path("page.html"));
    unlink(fuzz_path(AB_FILE));
}

/* The log's first line is always this sweep's own. */
static void resume(const char *text, size_t length)
{
    static char *header;
    static size_t header_length;
    const char *folder = fuzz_path("sweep"), *log = fuzz_path("sweep/sweep.jsonl");
    if (!header) {
        if (fuzz_run("sim", "--scenario", "chat", "--requests", "4", "--sweep", "rate=5,10", "-o",
                     folder) < 0)
            abort();
        FILE *f = fopen(log, "r");
        size_t room = 0;
        if (!f || getline(&header, &room, f) < 1)
            abort();
        header_length = strlen(header);
        fclose(f);
    }
    char *whole = mem_alloc(header_length + length + 1);
    memcpy(whole, header, header_length);
    memcpy(whole + header_length, text, length);
    fuzz_write("sweep/sweep.jsonl", whole, header_length + length);
    free(whole);
    fuzz_run("sim", "--scenario", "chat", "--requests", "4", "--sweep", "rate=5,10", "-o", folder,
             "--resume");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1)
        return 0;
    unsigned kind = data[0] % (HTML_KINDS + 2);
    char *text = mem_copy_text((const char *)data + 1, size - 1);
    if (kind < HTML_KINDS)
        show((enum html_kind)kind, text, size - 1);
    else if (kind == HTML_KINDS)
        take_up(text, size - 1);
    else
        resume(text, size - 1);
    free(text);
    return 0;
}
