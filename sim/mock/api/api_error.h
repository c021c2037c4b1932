/* OpenAI's error object: {"error": {"message", "type", "param", "code"}} with its HTTP status.
 *
 *     struct api_error e;
 *     api_error_set(&e, 400, "invalid_request_error", "model", "invalid_type", "…");
 *     api_error_write(&e, &buffer);
 *
 * A plain value; it owns nothing.
 */
#ifndef FAREBOX_SIM_MOCK_API_API_ERROR_H
#define FAREBOX_SIM_MOCK_API_API_ERROR_H

#include "core/buffer.h"

struct api_error {
    int status; /* HTTP; 0 = no error */
    const char *type;
    const char *request_id;   /* for the forms that show it; lent, NULL */
    char param[80], code[48]; /* "" is written as null */
    char message[320];
};

/* Fills the error (param and code may be NULL) and returns -1. */
int api_error_set(struct api_error *e, int status, const char *type, const char *param,
                  const char *code, const char *format, ...) __attribute__((format(printf, 6, 7)));

/* The most usual kind: status 400, type invalid_request_error. */
int api_error_invalid(struct api_error *e, const char *param, const char *code, const char *format,
                      ...) __attribute__((format(printf, 4, 5)));

/* Appends the JSON object. */
void api_error_write(const struct api_error *e, struct buffer *out);

/* "Too Many Requests"; "Status" for one that has no name here. */
const char *http_reason(int status);

/* The error that OpenAI-compatible servers send with a status. */
void api_error_for_status(struct api_error *e, int status);

#endif
