/* Inside cli/export*: a run's requests as rows, and what its run.json says. */
#ifndef FAREBOX_CLI_REPORT_EXPORT_EXPORT_ROWS_H
#define FAREBOX_CLI_REPORT_EXPORT_EXPORT_ROWS_H

#include "cli/report/export/export.h"
#include "core/json/json_write.h"
#include "core/names.h"

/* What is exported of a run in the files of other tools. */
struct export_request {
    enum export_kind kind;
    const char *run;               /* the run directory */
    const char *output;            /* as of struct export_target */
    const struct summary *summary; /* of the same run: durations, throughputs, goodput */
    struct export_rows *rows;      /* its requests */
};

/* One request: its first attempt's sending, its final attempt's outcome. Names are numbers in
 * export_rows.names, NAME_NONE = not said. */
struct export_row {
    int64_t scheduled_ns, ready_ns, sent_ns, first_byte_ns, first_token_ns, first_output_ns,
        last_token_ns, done_ns;
    uint32_t id, session, endpoint, model, class_name, service, finish, message;
    uint32_t input, cached, output, reasoning, asked_input, asked_output, attempts, turn;
    enum record_status status;
    enum failure_class failure;
    enum unsent_reason unsent;
    enum usage_source usage_from;
    int http_status;
    bool streamed;
    size_t chunk_first; /* in export_rows.chunks */
    uint32_t chunk_count, chunks_seen;
    size_t text;    /* number in export_rows.texts + 1; 0 = not recorded */
    uint32_t media; /* number in export_rows.media + 1; 0 = none */
};

/* Tokens that are not of text; few requests have any. */
struct export_media {
    uint32_t tokens[USAGE_MEDIA_CLASSES];
};

struct export_rows {
    const struct collector *collector;
    struct export_row *rows; /* in the order of their sending, the unsent by their schedule last */
    size_t count, capacity, sent;
    struct names names;
    int64_t *chunks; /* instants of token-bearing chunks, pooled */
    size_t chunk_count, chunk_capacity;
    struct export_media *media;
    size_t media_count, media_capacity;
    char **texts;
    size_t text_count, text_capacity;
    bool has_chunks; /* every streamed answer has its chunks */
    char *api, *rate, *concurrency, *max_in_flight, *burstiness; /* run.json; NULL */
    int64_t started_unix_ns;                                     /* 0 where not said */
};

/* What the run says of itself, as far as it does; `collector` has each record before it is added
 * here. */
struct export_rows *export_rows_create(const struct run_json *said,
                                       const struct collector *collector);
void export_rows_add(struct export_rows *x, const struct record *r);
void export_rows_free(struct export_rows *x);

/* Once all are added. */
void export_rows_sort(struct export_rows *x);

static inline const char *export_name(const struct export_rows *x, uint32_t number)
{
    return names_text(&x->names, number);
}

/* Seconds, or 0 where one of the instants never came. */
double export_seconds(int64_t from_ns, int64_t to_ns);

/* True if the answer has a time per token: streamed, two tokens at least. */
bool export_has_tpot(const struct export_row *r);

struct export_statistics {
    size_t count;
    double mean, std, min, max; /* std divides by n, as NumPy's does by default */
};

/* Of values, which are sorted; zero without any. */
struct export_statistics export_statistics(double *values, size_t count);

void export_write_vllm(const struct export_request *q, const struct export_rows *x,
                       struct buffer *out);
void export_write_aiperf_rows(const struct export_rows *x, struct buffer *out);
void export_write_aiperf_summary(const struct export_request *q, const struct export_rows *x,
                                 struct buffer *out);
void export_write_csv(const struct export_rows *x, struct buffer *out);

/* Sorts the rows and writes the files of vllm, aiperf or csv. */
int export_write_files(const struct export_request *q, struct buffer *notes, struct error *err);

/* The files that aiperf makes in its directory; NULL behind the last. */
extern const char *const export_aiperf_names[];

#endif
