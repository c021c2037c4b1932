#include "sim/mock/api/api_error.h"

#include "core/json/json_write.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static void fill(struct api_error *e, int status, const char *type, const char *param,
                 const char *code)
{
    *e = (struct api_error){.status = status, .type = type};
    snprintf(e->param, sizeof e->param, "%s", param ? param : "");
    snprintf(e->code, sizeof e->code, "%s", code ? code : "");
}

int api_error_set(struct api_error *e, int status, const char *type, const char *param,
                  const char *code, const char *format, ...)
{
    fill(e, status, type, param, code);
    va_list list;
    va_start(list, format);
    vsnprintf(e->message, sizeof e->message, format, list);
    va_end(list);
    return -1;
}

int api_error_invalid(struct api_error *e, const char *param, const char *code, const char *format,
                      ...)
{
    fill(e, 400, "invalid_request_error", param, code);
    va_list list;
    va_start(list, format);
    vsnprintf(e->message, sizeof e->message, format, list);
    va_end(list);
    return -1;
}

void api_error_write(const struct api_error *e, struct buffer *out)
{
    struct json_writer w;
    json_write_init(&w, out, 0);
    json_begin_object(&w);
    json_key(&w, "error");
    json_begin_object(&w);
    json_pair_string(&w, "message", e->message);
    json_pair_string(&w, "type", e->type);
    json_pair_string(&w, "param", e->param[0] ? e->param : NULL);
    json_pair_string(&w, "code", e->code[0] ? e->code : NULL);
    json_end_object(&w);
    json_end_object(&w);
}

struct status_kind {
    int status;
    const char *reason, *type, *code;
};

static const struct status_kind kinds[] = {
    {200, "OK", "", NULL},
    {400, "Bad Request", "invalid_request_error", NULL},
    {401, "Unauthorized", "invalid_request_error", "invalid_api_key"},
    {403, "Forbidden", "permission_error", NULL},
    {404, "Not Found", "invalid_request_error", NULL},
    {405, "Method Not Allowed", "invalid_request_error", NULL},
    {408, "Request Timeout", "invalid_request_error", "request_timeout"},
    {409, "Conflict", "invalid_request_error", NULL},
    {413, "Content Too Large", "invalid_request_error", "request_too_large"},
    {415, "Unsupported Media Type", "invalid_request_error", NULL},
    {422, "Unprocessable Content", "invalid_request_error", NULL},
    {429, "Too Many Requests", "requests", "rate_limit_exceeded"},
    {500, "Internal Server Error", "server_error", NULL},
    {502, "Bad Gateway", "server_error", NULL},
    {503, "Service Unavailable", "server_error", "service_unavailable"},
    {504, "Gateway Timeout", "server_error", NULL},
    {529, "Overloaded", "server_error", "overloaded"},
};

static const struct status_kind *find_kind(int status)
{
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        if (kinds[i].status == status)
            return &kinds[i];
    return NULL;
}

const char *http_reason(int status)
{
    const struct status_kind *k = find_kind(status);
    return k ? k->reason : "Status";
}

void api_error_for_status(struct api_error *e, int status)
{
    const struct status_kind *k = find_kind(status);
    const char *type = k ? k->type : status < 500 ? "invalid_request_error" : "server_error";
    api_error_set(e, status, type, NULL, k ? k->code : NULL, "%s", http_reason(status));
}
