#include "workloads/model/record_request.h"

struct request record_request(const struct record *r)
{
    static const enum request_status outcomes[] = {[RECORD_COMPLETED] = REQUEST_OK,
                                                   [RECORD_FAILED] = REQUEST_FAILED,
                                                   [RECORD_CANCELLED] = REQUEST_ABORTED,
                                                   [RECORD_UNSENT] = REQUEST_FAILED};
    bool used = r->usage_from != USAGE_NONE;
    enum service service = r->service ? service_called(text_of(r->service)) : SERVICE_STANDARD;
    return (struct request){
        .timestamp_ns = r->scheduled_ns == TIME_NEVER ? 0 : r->scheduled_ns,
        .input_tokens = used ? (uint32_t)usage_input(&r->usage) : r->asked_input,
        .output_tokens = used ? (uint32_t)usage_output(&r->usage) : r->asked_output,
        .request_id = r->request_id,
        .session_id = r->session_id,
        .model = r->model,
        .class_name = r->class_name,
        .labels = r->labels,
        .service = service,
        .other_service = service == SERVICE_OTHER ? r->service : NULL,
        .has_usage = used,
        .usage = r->usage,
        .status = outcomes[r->status],
        .attempts = r->attempt ? r->attempt : 1,
        .has_cost = r->has_cost,
        .cost = r->cost,
    };
}

static void fill_times(const struct request *q, struct record *out)
{
    out->scheduled_ns = out->ready_ns = out->sent_ns = q->timestamp_ns;
    if (q->first_token_ns > 0)
        out->first_token_ns = q->timestamp_ns + q->first_token_ns;
    if (q->end_ns > 0)
        out->done_ns = out->last_token_ns = q->timestamp_ns + q->end_ns;
    out->streamed = q->first_token_ns > 0;
}

void record_of_request(const struct workload *w, size_t i, char made[REQUEST_ID_SIZE],
                       struct record *out)
{
    static const enum record_status outcomes[] = {[REQUEST_OK] = RECORD_COMPLETED,
                                                  [REQUEST_FAILED] = RECORD_FAILED,
                                                  [REQUEST_ABORTED] = RECORD_CANCELLED};
    struct request q;
    workload_get(w, i, &q);
    record_init(out);
    fill_times(&q, out);
    out->request_id = workload_request_id(w, i, made);
    out->session_id = q.session_id;
    out->model = q.model;
    out->class_name = q.class_name;
    out->labels = q.labels;
    out->service = q.service == SERVICE_STANDARD ? NULL : request_service(&q);
    out->row = (uint32_t)i;
    out->attempt = q.attempts ? q.attempts : 1;
    out->final = true;
    out->status = outcomes[q.status];
    out->failure = q.status == REQUEST_FAILED ? FAILURE_OTHER : FAILURE_NONE;
    out->finish_reason = q.finish_reason;
    out->asked_input = q.input_tokens;
    out->asked_output = q.output_tokens;
    out->usage = q.usage;
    out->usage_from = USAGE_SERVER;
    out->has_cost = q.has_cost;
    out->cost = q.cost;
}
