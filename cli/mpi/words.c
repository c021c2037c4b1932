#include "cli/mpi/words.h"

#include "bench/client/bench_config.h"
#include "core/random.h"
#include "workloads/model/workload.h"

#include <stdio.h>
#include <unistd.h>

uint64_t words_shape(void)
{
    const size_t sizes[] = {
        sizeof(struct record),   sizeof(struct bench_config),   sizeof(struct endpoint_config),
        sizeof(struct fidelity), sizeof(struct fidelity_probe), sizeof(struct workload),
        sizeof(struct done),     sizeof(struct answer_head)};
    uint64_t shape = 1;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        shape = random_mix(shape, sizes[i]);
    return shape;
}

void words_hello(struct hello *out)
{
    *out = (struct hello){.shape = words_shape()};
    snprintf(out->version, sizeof out->version, "%s", FAREBOX_VERSION);
    if (gethostname(out->host, sizeof out->host - 1) < 0)
        snprintf(out->host, sizeof out->host, "unknown");
}
