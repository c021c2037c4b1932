/* The trace readers against any bytes: nothing crashes, and what was accepted goes through the
 * canonical form unchanged. The first byte chooses how to read: by content (255, as the seeds have
 * it), or as one of the forms, those of logs included. */
#include "workloads/describe/info.h"
#include "workloads/trace/trace.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char *canonical(const struct workload *w)
{
    struct buffer b;
    buffer_init(&b, BUFFER_UNBOUNDED);
    buffer_add_text(&b, "");
    trace_put_header(w, TRACE_CANONICAL, &b);
    for (size_t i = 0; i < w->count; i++)
        trace_put_row(w, i, TRACE_CANONICAL, &b);
    return buffer_take(&b);
}

static int read_bytes(const void *bytes, size_t size, const struct trace_options *o,
                      struct workload *w)
{
    char path[64];
    struct error err = {0};
    int fd = memfd_create("fuzz", MFD_CLOEXEC);
    if (fd < 0 || write(fd, bytes, size) != (ssize_t)size || lseek(fd, 0, SEEK_SET) != 0)
        abort();
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    workload_init(w);
    int status = trace_read(path, o, w, NULL, &err);
    close(fd);
    return status;
}

static void use(const struct workload *w)
{
    struct workload_info info;
    struct workload again;
    struct buffer text;
    char *first = canonical(w);
    if (read_bytes(first, strlen(first), &(struct trace_options){.format = "canonical"}, &again) <
        0)
        abort();
    char *second = canonical(&again);
    if (strcmp(first, second) != 0)
        abort();
    workload_info_compute(&again, NULL, &info);
    buffer_init(&text, BUFFER_UNBOUNDED);
    workload_info_put_text(&info, 80, &text);
    buffer_free(&text);
    workload_info_free(&info);
    workload_free(&again);
    free(first);
    free(second);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct workload w;
    struct trace_options o = {.max_line = 1 << 16};
    size_t forms = 0;
    if (size < 1)
        return 0;
    while (trace_format_name(forms))
        forms++;
    size_t choice = data[0] == 255 ? forms + 4 : data[0] % (forms + 5);
    if (choice < forms)
        o.format = trace_format_name(choice);
    else if (choice == forms)
        o.columns = "timestamp=1,input=2,output=3,model=4,label.a=5,cost=6,status=7";
    else if (choice == forms + 1)
        o.keys = "input=a.b,output=c,usage=u,timestamp=t,session=s.0,label.x=a.c";
    else if (choice == forms + 2)
        o.columns = "started=1,ended=2,requests=3,usage=4,prompt=5";
    else if (choice == forms + 3)
        o.keys = "ended=e,e2e_s=d,first_token=f,output=o,requests=n,messages=m,initiator=i";
    if (read_bytes(data + 1, size - 1, &o, &w) == 0)
        use(&w);
    workload_free(&w);
    return 0;
}
