/* ServeGen's client parameters (arXiv 2505.09999) as classes of a scenario.
 *
 * A data set holds for each client a file chunk-N-trace.csv (rate, CV, process and shape of the
 * gaps for each window, here 600 s) and chunk-N-dataset.json (input and output lengths, share of
 * reasoning, for each longer window, here 6 h, as Python dictionaries in strings). Each client
 * becomes one class for each of its length windows, with arrivals of its own that are zero outside
 * it; the clients' superposition is the workload. After its last window the data set begins again.
 *
 *     struct servegen_options o = {.rate_rps = 10};
 *     struct scenario s;
 *     scenario_init(&s);
 *     if (servegen_read("deepseek-r1.tgz", &o, &s, &report, err) < 0) return err->code;
 *
 * The path names the .tgz (or .tar) or the unpacked folder.
 */
#ifndef FAREBOX_WORKLOADS_SCENARIO_SERVEGEN_H
#define FAREBOX_WORKLOADS_SCENARIO_SERVEGEN_H

#include "workloads/scenario/scenario.h"

struct servegen_options {
    double rate_rps;  /* mean rate of all clients together; 0 = as in the data */
    uint32_t clients; /* only the busiest so many; 0 = all */
};

struct servegen_report {
    size_t clients, windows; /* clients used; length windows with their own class */
    size_t empty_windows;    /* active windows without lengths: the client's nearest were used */
    size_t idle_clients;     /* never active, or without any lengths: left out */
    size_t ignored_keys;     /* kinds of lengths that are not tokens of text */
    double rate_rps;         /* mean rate of what was added */
};

/* Adds the classes to the scenario. 0 or ERR_INPUT with file, line and column. */
int servegen_read(const char *path, const struct servegen_options *options, struct scenario *out,
                  struct servegen_report *report, struct error *err);

/* True if a path names a ServeGen data set: a folder, .tgz, .tar.gz or .tar. */
bool servegen_is_path(const char *path);

#endif
