/* The parts of workload_info_add_detail(). Private to workloads/. */
#ifndef FAREBOX_WORKLOADS_DESCRIBE_INFO_DETAIL_H
#define FAREBOX_WORKLOADS_DESCRIBE_INFO_DETAIL_H

#include "core/text.h"
#include "workloads/describe/info.h"

/* Hit ratios against cache size and idle time, of a workload that has prefix blocks. `order`: all
 * rows in time order. */
void info_measure_reuse(const struct workload *w, const uint32_t *order, struct workload_detail *d);

/* The detail's keys, into the open object. */
void info_detail_put_json(const struct workload_info *info, struct json_writer *w);
/* A figure to four digits, never with an exponent: "48,000", "0.0005". */
const char *info_figure(double value, char out[TEXT_GROUPED_SIZE]);

void info_detail_put_text(const struct workload_info *info, struct buffer *out);

#endif
