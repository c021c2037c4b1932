#include "core/runs/summary/run_facts.h"

#include "core/file.h"
#include "core/json/json_scan.h"
#include "core/runs/record/run_dir.h"

#include <stdio.h>
#include <stdlib.h>

/* {"ttft_ms": 500} */
static void read_slos(struct json_scan *scan, struct slo_list *slos)
{
    struct text key;
    double limit;
    json_object_begin(scan);
    while (json_object_next(scan, &key) && json_double(scan, 0, 1e12, &limit))
        for (int m = 0; m < METRIC_COUNT; m++)
            if (text_equal(key, metric_key((enum metric)m)) && slos->count < SLO_MAX)
                slos->items[slos->count++] = (struct slo){(enum metric)m, limit};
}

static void read_keys(struct json_scan *scan, struct run_facts *out)
{
    struct text key, value;
    json_object_begin(scan);
    while (json_object_next(scan, &key)) {
        if (text_equal(key, "slo") && json_peek(scan) == JSON_OBJECT) {
            read_slos(scan, &out->slos);
        } else if (text_equal(key, "warmup_s") && json_peek(scan) == JSON_NUMBER) {
            json_double(scan, 0, 1e9, &out->warmup_s);
        } else if (text_equal(key, "load") && json_peek(scan) == JSON_STRING) {
            json_string(scan, &value);
            snprintf(out->load, sizeof out->load, "%.*s", (int)value.length, value.at);
        } else {
            json_skip(scan, NULL);
        }
    }
}

void run_facts_read(const char *run, struct run_facts *out)
{
    char *path = run_dir_file(run, "summary.json"), *text = NULL;
    size_t length;
    *out = (struct run_facts){0};
    if (file_read_all(path, (size_t)64 << 20, &text, &length, NULL) == 0) {
        struct json_scan scan;
        json_scan_init(&scan, path, text, length, 1);
        read_keys(&scan, out);
    }
    free(text);
    free(path);
}
