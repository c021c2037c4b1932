#include "workloads/model/record_request.h"

struct request record_request(const struct record *r)
{
    static const enum request_status outcomes[] = {[RECORD_COMPLETED] = REQUEST_OK,
                                                   [RECORD_FAILED] = REQUEST_FAILED,
                                                   [RECORD_CANCELLED] = REQUEST_ABORTED,
                                                   [RECORD_UNSENT] = REQUEST_FAILED};
    bool used = r->usage_from != USAGE_NONE;
    int service = r->service ? service_from_name(text_of(r->service)) : SERVICE_STANDARD;
    return (struct request){
        .timestamp_ns = r->scheduled_ns == TIME_NEVER ? 0 : r->scheduled_ns,
        .input_tokens = used ? (uint32_t)usage_input(&r->usage) : r->asked_input,
        .output_tokens = used ? (uint32_t)usage_output(&r->usage) : r->asked_output,
        .request_id = r->request_id,
        .session_id = r->session_id,
        .model = r->model,
        .class_name = r->class_name,
        .labels = r->labels,
        .service = service < 0 ? SERVICE_STANDARD : (enum service)service,
        .has_usage = used,
        .usage = r->usage,
        .status = outcomes[r->status],
        .attempts = r->attempt ? r->attempt : 1,
        .has_cost = r->has_cost,
        .cost = r->cost,
    };
}
