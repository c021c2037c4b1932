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

enum { TIME, INPUT, OUTPUT, CHAT };
static const char *const required[] = {"timestamp", "input_length", "output_length", "chat_id",
                                       NULL};

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

static void read_value(struct bailian *b, struct text key)
{
    struct trace_row *l = &b->line;
    if (text_equal(key, "timestamp")) {
        trace_row_time(l, TIME, 9, &l->row.timestamp_ns);
    } else if (text_equal(key, "input_length")) {
        trace_row_count(l, INPUT, &l->row.input_tokens);
    } else if (text_equal(key, "output_length")) {
        trace_row_count(l, OUTPUT, &l->row.output_tokens);
    } else if (text_equal(key, "chat_id")) {
        if (json_i64(&l->scan, 0, INT64_MAX, &b->chat))
            l->seen |= 1u << CHAT;
    } else if (text_equal(key, "parent_chat_id")) {
        json_i64(&l->scan, -1, INT64_MAX, &b->parent);
    } else if (text_equal(key, "type")) {
        l->row.class_name = trace_row_name(l);
    } else if (text_equal(key, "hash_ids")) {
        trace_row_hash_ids(l);
    } else {
        json_skip(&l->scan, NULL);
    }
}

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
    struct text key;
    char session[32];
    trace_row_start(l, in, line);
    b->parent = -1;
    json_object_begin(&l->scan);
    while (json_object_next(&l->scan, &key))
        read_value(b, key);
    int status = trace_row_end(l, in, line, required, err);
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
