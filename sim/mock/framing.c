#include "sim/mock/framing.h"

#include "core/text.h"

#include <event2/http_struct.h>
#include <event2/keyvalq_struct.h>
#include <string.h>

struct framing {
    const char *length, *host; /* NULL: not said yet */
    bool chunked;
};

static bool is_token(const char *name)
{
    for (const char *c = name; *c; c++)
        if (*c <= ' ' || *c == 127 || strchr("\"(),/:;<=>?@[\\]{}", *c))
            return false;
    return *name != '\0';
}

static bool take_length(struct framing *f, const char *value)
{
    uint64_t length;
    bool same = !f->length || strcmp(f->length, value) == 0;
    f->length = value;
    return same && *value >= '0' && *value <= '9' && text_to_u64(text_of(value), &length);
}

/* evhttp takes "chunked" from the first of these, and any other word for it, too. */
static bool take_coding(struct framing *f, struct text value)
{
    bool first = !f->chunked;
    f->chunked = true;
    return first && text_equal_nocase(value, "chunked");
}

static bool take_header(struct framing *f, const struct evkeyval *h)
{
    struct text name = text_of(h->key), value = text_trim(text_of(h->value));
    if (!is_token(h->key))
        return false;
    if (text_equal_nocase(name, "Content-Length"))
        return take_length(f, h->value);
    if (text_equal_nocase(name, "Transfer-Encoding"))
        return take_coding(f, value);
    if (!text_equal_nocase(name, "Host"))
        return true;
    bool first = !f->host;
    f->host = h->value;
    return first;
}

bool framing_is_clear(struct evhttp_request *request)
{
    struct framing f = {0};
    const struct evkeyvalq *headers = evhttp_request_get_input_headers(request);
    for (const struct evkeyval *h = headers->tqh_first; h; h = h->next.tqe_next)
        if (!take_header(&f, h))
            return false;
    return !f.chunked || (!f.length && request->minor > 0);
}
