/* Alibaba Bailian usage traces, JSON Lines: float seconds, 16-token blocks.
 *
 * chat_id names the turn and parent_chat_id the turn before (−1 = none): a session is a root with
 * everything that hangs on it, and a turn waits for its parent.
 */
#include "workloads/trace/trace_json.h"

#include "core/memory.h"
#include "workloads/model/block_set.h"

#include <stdio.h>
#include <stdlib.h>

#define BLOCK_SIZE 16

struct bailian {
    struct trace_row line;
    struct block_set chats; /* chat ids → rows */
    uint32_t *root;         /* by row */
    size_t root_capacity;
    int64_t chat, parent;
    uint32_t after;
};

static bool probe(const struct trace_probe *p)
{
    return trace_probe_key(p, "chat_id") && trace_probe_key(p, "input_length");
}

#define AT(member) JSON_AT(struct bailian, member)
static const struct json_field rows[] = {
    {"timestamp", TRACE_SECONDS(AT(line.row.timestamp_ns)), .required = true},
    {"input_length", JSON_AS_UINT, AT(line.row.input_tokens), .required = true},
    {"output_length", JSON_AS_UINT, AT(line.row.output_tokens), .required = true},
    {"chat_id", JSON_AS_INT, AT(chat), 0, 0x1p63, .required = true},
    {"parent_chat_id", JSON_AS_INT, AT(parent), -1, 0x1p63},
    {"type", TRACE_NAME(AT(line.row.class_name))},
    {"hash_ids", .read = trace_read_hash_ids},
};
static const struct json_table table = {JSON_ROWS(rows), .open = true};

/* Puts the turn behind its parent, into the session of its root. */
static int place_turn(struct bailian *b, struct trace_input *in, char session[32],
                      struct error *err)
{
    struct request *r = &b->line.row;
    uint32_t row = (uint32_t)in->out->count, parent = BLOCK_NONE;
    if (b->parent >= 0) {
        parent = block_set_find(&b->chats, (uint64_t)b->parent);
        if (parent == BLOCK_NONE)
            trace_note(in, "parent_not_in_trace", false);
    }
    if (block_set_add(&b->chats, (uint64_t)b->chat) != row)
        return trace_fail(in, 0, err, "chat_id %lld was used before", (long long)b->chat);
    mem_grow(&b->root, &b->root_capacity, (size_t)row + 1, sizeof *b->root);
    b->root[row] = parent == BLOCK_NONE ? row : b->root[parent];
    if (parent != BLOCK_NONE) {
        b->after = parent;
        r->after = &b->after;
        r->after_count = 1;
    }
    snprintf(session, 32, "chat-%u", b->root[row] + 1);
    r->session_id = session;
    return 0;
}

static int read_row(struct trace_input *in, void *context, struct text line, struct error *err)
{
    struct bailian *b = context;
    struct trace_row *l = &b->line;
    char session[32];
    trace_row_start(l, in, line);
    b->parent = -1;
    l->seen = json_fields_read(&l->scan, &table, b);
    int status = trace_row_end(l, in, line, &table, err);
    if (status == 0)
        status = place_turn(b, in, session, err);
    l->row.block_size = in->options.block_size ? in->options.block_size : BLOCK_SIZE;
    return status < 0 ? status : trace_add(in, &l->row, err);
}

static int read_rows(struct trace_input *in, struct error *err)
{
    struct bailian b = {.root = NULL};
    trace_row_init(&b.line, in);
    block_set_init(&b.chats);
    int status = trace_each_line(in, &b, read_row, err);
    trace_row_free(&b.line);
    block_set_free(&b.chats);
    free(b.root);
    return status;
}

const struct trace_reader trace_reader_bailian = {
    "bailian",
    "Alibaba Bailian usage traces (JSON Lines)",
    probe,
    read_rows,
};
