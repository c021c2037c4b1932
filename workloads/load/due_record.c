#include "workloads/load/due_record.h"

#include <stdio.h>
#include <string.h>

const char *request_id_short(const char *id, char out[SHORT_ID_SIZE])
{
    size_t length = strlen(id);
    if (length < SHORT_ID_SIZE)
        return id;
    snprintf(out, SHORT_ID_SIZE, "%.*s~%016llx", SHORT_ID_SIZE - 18, id,
             (unsigned long long)text_hash(id, length));
    return out;
}

const char *due_request_id(const struct workload *w, const struct due *due, char out[DUE_ID_SIZE])
{
    char made[REQUEST_ID_SIZE], cut[SHORT_ID_SIZE];
    const char *id = workload_request_id(w, due->row, made);
    if (due->repeat > 0)
        snprintf(out, DUE_ID_SIZE, "%s#%u", request_id_short(id, cut), due->repeat + 1);
    else if (id == made)
        snprintf(out, DUE_ID_SIZE, "%s", id);
    else
        return id;
    return out;
}

void due_record(const struct workload *w, const struct due *due, char id[DUE_ID_SIZE],
                struct record *r, struct request *request)
{
    workload_get(w, due->row, request);
    record_init(r);
    r->request_id = due_request_id(w, due, id);
    r->session_id = request->session_id;
    r->model = request->model;
    r->class_name = request->class_name;
    r->service = w->service ? request_service(request) : NULL;
    r->labels = request->labels;
    r->row = due->row;
    r->scheduled_ns = due->scheduled_ns;
    r->asked_input = request->input_tokens;
    r->asked_output = request->output_tokens;
    r->asked_images = (uint32_t)request->image_count;
}
