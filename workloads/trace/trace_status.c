/* How a request ended, from what logs write about it: words, HTTP statuses, true and false under a
 * name that tells what true means, and an error's own text. */
#include "workloads/trace/trace_fields.h"

#include <ctype.h>
#include <string.h>

#define WORD_SIZE 64

/* A word in lower case with '_' between its parts; empty where it is longer than any known one. */
static void word_of(struct text value, char out[WORD_SIZE])
{
    size_t used = 0;
    out[0] = '\0';
    if (value.length >= WORD_SIZE)
        return;
    for (size_t i = 0; i < value.length; i++) {
        unsigned char c = (unsigned char)value.at[i];
        out[used++] = isalnum(c) || c >= 0x80 ? (char)tolower(c) : '_';
    }
    out[used] = '\0';
}

static bool is_one_of(const char *word, const char *const *words)
{
    while (*words && strcmp(word, *words) != 0)
        words++;
    return *words != NULL;
}

static bool ends_in(const char *word, const char *end)
{
    size_t length = strlen(word), tail = strlen(end);
    return length > tail && strcmp(word + length - tail, end) == 0;
}

/* What "true" means under a name, without the words around it; TRUTH_UNKNOWN for all others, so
 * for negations too ("not_ok"). */
enum truth { TRUTH_UNKNOWN, TRUE_IS_OK, TRUE_IS_FAILED, TRUE_IS_ABORTED };

static enum truth truth_of(const char *source)
{
    static const char *const ok[] = {"ok",        "success",  "successful", "succeeded",
                                     "completed", "complete", NULL};
    static const char *const failed[] = {"failed",
                                         "failure",
                                         "fail",
                                         "error",
                                         "errored",
                                         "err",
                                         "exception",
                                         "error_message",
                                         "error_type",
                                         "error_code",
                                         "error_text",
                                         "error_msg",
                                         "error_reason",
                                         "failure_reason",
                                         "timed_out",
                                         "error_class",
                                         "rate_limited",
                                         "error_string",
                                         NULL};
    static const char *const aborted[] = {"cancelled",
                                          "canceled",
                                          "cancel",
                                          "aborted",
                                          "abort",
                                          "interrupted",
                                          "disconnected",
                                          "client_disconnected",
                                          "client_cancelled",
                                          "client_canceled",
                                          NULL};
    static const char *const before[] = {"is_", "was_", "has_", "had_", "request_", "response_"};
    char name[WORD_SIZE];
    const char *dot = strrchr(source, '.'), *word = name;
    word_of(text_of(dot ? dot + 1 : source), name);
    for (size_t i = 0; i < sizeof before / sizeof *before; i++)
        if (strncmp(word, before[i], strlen(before[i])) == 0)
            word += strlen(before[i]);
    return is_one_of(word, ok)        ? TRUE_IS_OK
           : is_one_of(word, failed)  ? TRUE_IS_FAILED
           : is_one_of(word, aborted) ? TRUE_IS_ABORTED
                                      : TRUTH_UNKNOWN;
}

static bool read_truth(const char *word, bool *out)
{
    static const char *const yes[] = {"true", "1", "yes", "t", "y", NULL};
    static const char *const no[] = {"false", "0", "no", "f", "n", NULL};
    *out = is_one_of(word, yes);
    return *out || is_one_of(word, no);
}

/* Nothing, in the words of programs that write it out. */
static bool is_nothing(const char *word)
{
    static const char *const nothing[] = {"null",      "none", "nil", "nan", "n_a",
                                          "undefined", "_",    "__",  NULL};
    return is_one_of(word, nothing);
}

/* The words of OpenTelemetry ("STATUS_CODE_OK"), gRPC, HTTP clients, gateways, and the reasons for
 * which a model stops. -1 for others. */
static int status_of_word(const char *word)
{
    static const char *const ok[] = {
        "ok",        "success",    "succeeded",     "successful",    "completed",
        "complete",  "done",       "finished",      "unset",         "stop",
        "length",    "tool_calls", "end_turn",      "tool_use",      "eos",
        "eos_token", "max_tokens", "stop_sequence", "function_call", "content_filter",
        NULL};
    static const char *const failed[] = {"failed",
                                         "failure",
                                         "fail",
                                         "error",
                                         "errored",
                                         "err",
                                         "exception",
                                         "timeout",
                                         "timed_out",
                                         "rate_limited",
                                         "rate_limit",
                                         "overloaded",
                                         "bad_request",
                                         "unavailable",
                                         "internal",
                                         "resource_exhausted",
                                         "unauthenticated",
                                         "permission_denied",
                                         "not_found",
                                         "invalid_argument",
                                         "unimplemented",
                                         "data_loss",
                                         "failed_precondition",
                                         "out_of_range",
                                         "rejected",
                                         "refused",
                                         "expired",
                                         "blocked",
                                         "threat",
                                         NULL};
    static const char *const aborted[] = {"aborted",
                                          "abort",
                                          "cancelled",
                                          "canceled",
                                          "cancel",
                                          "interrupted",
                                          "client_cancelled",
                                          "client_canceled",
                                          "user_cancelled",
                                          "user_canceled",
                                          "client_aborted",
                                          "user_aborted",
                                          "client_disconnect",
                                          "client_disconnected",
                                          "client_closed",
                                          "disconnected",
                                          "request_cancelled",
                                          "request_canceled",
                                          "client_closed_request",
                                          "request_aborted",
                                          NULL};
    if (strncmp(word, "status_code_", 12) == 0)
        word += 12;
    if (is_one_of(word, ok))
        return REQUEST_OK;
    if (is_one_of(word, aborted))
        return REQUEST_ABORTED;
    return is_one_of(word, failed) || ends_in(word, "_error") || ends_in(word, "_exceeded") ||
                   ends_in(word, "_exception")
               ? REQUEST_FAILED
               : -1;
}

/* An HTTP status; 499 is the usual mark of a client that hung up. Helicone adds its own below 0:
 * -1 timeout, -2 pending when the log was taken, -3 cancelled, -4 blocked as a threat. */
static int status_of_number(struct text value)
{
    int64_t number;
    if (!text_to_i64(value, &number))
        return -1;
    if (number >= 100 && number < 600)
        return number < 400 ? REQUEST_OK : number == 499 ? REQUEST_ABORTED : REQUEST_FAILED;
    if (number == -1 || number == -4)
        return REQUEST_FAILED;
    return number == -2 || number == -3 ? REQUEST_ABORTED : -1;
}

static enum request_status status_if(enum truth truth, bool value)
{
    if (truth == TRUE_IS_OK)
        return value ? REQUEST_OK : REQUEST_FAILED;
    if (!value)
        return REQUEST_OK;
    return truth == TRUE_IS_FAILED ? REQUEST_FAILED : REQUEST_ABORTED;
}

const char *trace_status_read(const char *source, struct text value, enum request_status *out)
{
    char word[WORD_SIZE];
    bool yes;
    enum truth truth = truth_of(source);
    word_of(value, word);
    if (read_truth(word, &yes)) {
        if (truth == TRUTH_UNKNOWN)
            return "ok, failed, aborted or an HTTP status (true and false only under a name that "
                   "says what true means, as success or is_error do; else give failed= or "
                   "aborted=)";
        *out = status_if(truth, yes);
        return NULL;
    }
    int known = status_of_word(word);
    if (known < 0)
        known = status_of_number(value);
    if (known < 0 && (truth == TRUE_IS_FAILED || truth == TRUE_IS_ABORTED) && is_nothing(word))
        known = REQUEST_OK;
    if (known < 0 && truth == TRUE_IS_FAILED)
        known = REQUEST_FAILED;
    if (known < 0)
        return "ok, failed, aborted or an HTTP status (for an error's own text give failed=)";
    *out = (enum request_status)known;
    return NULL;
}

const char *trace_truth_read(struct text value, bool *out)
{
    char word[WORD_SIZE];
    int64_t number;
    word_of(value, word);
    if (read_truth(word, out))
        return NULL;
    if (text_to_i64(value, &number))
        return "true or false, 0 or 1, or the text of what went wrong";
    *out = !is_nothing(word);
    return NULL;
}
