#include "cli/output.h"

#include "cli/terminal.h"
#include "core/file.h"
#include "core/memory.h"
#include "core/runs/record/run_dir.h"

#include <stdlib.h>

void output_begin(struct output *o)
{
    buffer_init(&o->text, BUFFER_UNBOUNDED);
    buffer_init(&o->document, BUFFER_UNBOUNDED);
    json_write_init(&o->json, &o->document, 2);
}

static void end_line(struct buffer *b)
{
    if (b->length && b->data[b->length - 1] != '\n')
        buffer_add_byte(b, '\n');
}

int output_keep(struct output *o, const char *directory, const char *name, struct error *err)
{
    char *path = directory ? run_dir_file(directory, name) : mem_copy_string(name);
    end_line(&o->document);
    int status = file_write_atomic(path, o->document.data, o->document.length, err);
    free(path);
    return status;
}

void output_end(struct output *o, FILE *human, FILE *machine)
{
    end_line(&o->document);
    if (human)
        print_buffer(human, &o->text);
    if (machine)
        print_buffer(machine, &o->document);
    buffer_free(&o->text);
    buffer_free(&o->document);
}
