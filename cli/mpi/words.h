/* What the letters between ranks hold, beside records and assignments. Plain values: all ranks run
 * the same program on machines of one kind, which LETTER_HELLO makes sure of. */
#ifndef FAREBOX_CLI_MPI_WORDS_H
#define FAREBOX_CLI_MPI_WORDS_H

#include "bench/client/bench.h"
#include "bench/client/stop_request.h"
#include "core/error.h"
#include "core/money.h"

#define RANK_HOST_SIZE FIDELITY_HOST_SIZE

struct hello {
    char version[32], host[RANK_HOST_SIZE];
    uint64_t shape; /* of the structs that are sent as they are in memory */
};

struct ready {
    int code; /* 0, or an enum error_code */
    char message[512];
};

struct start {
    int64_t start_ns; /* TIME_NEVER: the run is off */
    money slice;
};

/* Followed by a list of struct stop_flight. Rank 0's answer has what stops the run alone: it writes
 * to nobody from whom it has not just heard, as to try to reach one who is gone can hold MPI up. */
struct beat {
    uint64_t sent;
    uint32_t in_flight;
    enum stop_request stop;
};

struct done {
    enum bench_end end;
    uint64_t not_due;
    int64_t cpu_ns, wall_ns;
    money unused;             /* of what was granted */
    struct fidelity fidelity; /* without what it points to */
};

/* The head of LETTER_CONTEXT, _TASK (the question follows), _FILE (the piece), _ANSWER (the
 * answer).
 */
struct context_head {
    uint64_t size;
    char kind[32];
};
struct task_head {
    uint64_t number;
    bool has_files;
};
struct file_head {
    uint64_t number;
    char name[256];   /* within the task's directory */
    bool first, last; /* piece of it */
};
struct answer_head {
    uint64_t number; /* 0: of no task, the context did not come */
    struct error err;
};

/* A number that differs where those structs do. */
uint64_t words_shape(void);

void words_hello(struct hello *out);

#endif
