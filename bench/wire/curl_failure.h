/* What libcurl's error codes mean as failure classes. */
#ifndef FAREBOX_BENCH_WIRE_CURL_FAILURE_H
#define FAREBOX_BENCH_WIRE_CURL_FAILURE_H

#include "core/runs/record/record.h"

#include <curl/curl.h>
#include <stdbool.h>

/* FAILURE_NONE for CURLE_OK, and where we hung up ourselves. `connected`: the request had gone to a
 * connection; `answered`: a status had come; `words`: libcurl's own, NULL or "" = none. */
enum failure_class curl_failure(CURLcode code, bool connected, bool answered, const char *words);

#endif
