#include "bench/wire/curl_failure.h"

#include <string.h>

/* libcurl has one code for a connection that broke and for what came over it and is no HTTP, or too
 * much of it; only its words tell them apart. */
static enum failure_class received(const char *words)
{
    if (words && strstr(words, "response headers"))
        return FAILURE_TOO_LARGE;
    return words && strstr(words, "chunked-encoding") ? FAILURE_HTTP : FAILURE_RESET;
}

enum failure_class curl_failure(CURLcode code, bool connected, bool answered, const char *words)
{
    switch (code) {
    case CURLE_OK:
    case CURLE_WRITE_ERROR: /* we hung up: the attempt knows why */
        return FAILURE_NONE;
    case CURLE_COULDNT_RESOLVE_HOST:
        return FAILURE_DNS;
    case CURLE_COULDNT_CONNECT:
        return FAILURE_CONNECT;
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CIPHER:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_INVALIDCERTSTATUS:
    case CURLE_USE_SSL_FAILED:
        return FAILURE_TLS;
    case CURLE_RECV_ERROR:
        return received(words);
    case CURLE_OUT_OF_MEMORY: /* a line of the headers beyond libcurl's cap is called that, too */
        return connected ? FAILURE_TOO_LARGE : FAILURE_OTHER;
#if LIBCURL_VERSION_NUM >= 0x080600
    case CURLE_TOO_LARGE:
        return FAILURE_TOO_LARGE;
#endif
    case CURLE_SEND_ERROR:
    case CURLE_GOT_NOTHING:
    case CURLE_HTTP2_STREAM: /* HTTP/2's reset: of one stream, the connection lives on */
    case CURLE_ABORTED_BY_CALLBACK:
        return FAILURE_RESET;
    case CURLE_PARTIAL_FILE: /* also of an HTTP/2 stream whose answer had not begun */
        return answered ? FAILURE_TRUNCATED : FAILURE_RESET;
    case CURLE_OPERATION_TIMEDOUT:
        return connected ? FAILURE_TIMEOUT_TOTAL : FAILURE_TIMEOUT_CONNECT;
    case CURLE_WEIRD_SERVER_REPLY:
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_HTTP2:
    case CURLE_BAD_CONTENT_ENCODING:
        return FAILURE_HTTP;
    default:
        return FAILURE_OTHER;
    }
}
