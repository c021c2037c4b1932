/* The endpoint's side: libcurl's multi handle in the loop, and the answer's bytes on their way. */
#include "bench/recorder/recorder_state.h"
#include "bench/wire/api.h"
#include "bench/wire/curl_failure.h"
#include "core/library/library.h"
#include "core/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MOST_BACKLOG                                                            \
    ((size_t)256 << 10) /* that a caller has not taken: then the endpoint waits \
                         */
#define CONNECT_TIMEOUT_MS 30000L
#define READ_BUFFER 16384L
#define MOST_CONNECTIONS 4096L

/* ---- libcurl in the loop ---- */

static void collect(struct recorder *r);

static void act(struct recorder *r, curl_socket_t fd, int what)
{
    int running;
    curl_multi_socket_action(r->multi, fd, what, &running);
    collect(r);
}

static void on_ready(evutil_socket_t fd, short what, void *context)
{
    struct recorder *r = context;
    recorder_woke(r);
    r->now.read_ns = clock_now_ns();
    r->now.read++;
    act(r, fd, (what & EV_READ ? CURL_CSELECT_IN : 0) | (what & EV_WRITE ? CURL_CSELECT_OUT : 0));
}

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *context, void *watched)
{
    struct recorder *r = context;
    struct event *e = watched;
    (void)easy;
    if (what == CURL_POLL_REMOVE) {
        if (e)
            event_free(e);
        return 0;
    }
    short wanted = (short)(EV_PERSIST | (what & CURL_POLL_IN ? EV_READ : 0) |
                           (what & CURL_POLL_OUT ? EV_WRITE : 0));
    if (e)
        event_del(e);
    else
        e = mem_zero(1, event_get_struct_event_size());
    event_assign(e, r->base, fd, wanted, on_ready, r);
    if (wanted != EV_PERSIST)
        event_add(e, NULL);
    curl_multi_assign(r->multi, fd, e);
    return 0;
}

static void on_curl_timer(evutil_socket_t fd, short what, void *context)
{
    struct recorder *r = context;
    (void)fd;
    (void)what;
    recorder_woke(r);
    r->now.read_ns = clock_now_ns();
    r->now.read++;
    act(r, CURL_SOCKET_TIMEOUT, 0);
}

static int on_timer(CURLM *multi, long timeout_ms, void *context)
{
    struct recorder *r = context;
    struct timeval after = {timeout_ms / 1000, timeout_ms % 1000 * 1000};
    (void)multi;
    if (timeout_ms < 0)
        event_del(r->curl_timer);
    else
        event_add(r->curl_timer, &after);
    return 0;
}

/* "https://host:port" of the URL, and the path behind it. */
static int take_origin(struct recorder *r, char **path, struct error *err)
{
    library_prepare_curl();
    CURLU *parts = curl_url();
    const char *url = r->config->to;
    bool good = strstr(url, "://") && curl_url_set(parts, CURLUPART_URL, url, 0) == CURLUE_OK &&
                curl_url_get(parts, CURLUPART_PATH, path, 0) == CURLUE_OK;
    char *scheme = NULL, *user = NULL;
    good = good && curl_url_get(parts, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK &&
           (strcmp(scheme, "http") == 0 || strcmp(scheme, "https") == 0);
    bool secret = curl_url_get(parts, CURLUPART_USER, &user, 0) == CURLUE_OK;
    curl_url_set(parts, CURLUPART_PATH, NULL, 0);
    curl_url_set(parts, CURLUPART_QUERY, NULL, 0);
    curl_url_set(parts, CURLUPART_FRAGMENT, NULL, 0);
    good = good && !secret && curl_url_get(parts, CURLUPART_URL, &r->origin, 0) == CURLUE_OK;
    curl_free(scheme);
    curl_free(user);
    curl_url_cleanup(parts);
    if (good)
        return 0;
    if (secret)
        return error_set(err, ERR_INPUT,
                         "--to holds a user or a password, which every user of this machine can "
                         "read there: expected a URL without them; the callers bring their keys");
    return error_set(err, ERR_INPUT,
                     "--to: \"%.200s\" is no endpoint: expected the API's base such as "
                     "https://api.example.com/v1",
                     url);
}

int upstream_open(struct recorder *r, struct error *err)
{
    char *path = NULL;
    int status = take_origin(r, &path, err);
    r->multi = curl_multi_init();
    r->curl_timer = evtimer_new(r->base, on_curl_timer, r);
    curl_multi_setopt(r->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
    curl_multi_setopt(r->multi, CURLMOPT_SOCKETDATA, r);
    curl_multi_setopt(r->multi, CURLMOPT_TIMERFUNCTION, on_timer);
    curl_multi_setopt(r->multi, CURLMOPT_TIMERDATA, r);
    curl_multi_setopt(r->multi, CURLMOPT_MAXCONNECTS, MOST_CONNECTIONS);
    if (status == 0 && path) {
        size_t n = strlen(path);
        bool six = strchr(r->host, ':') != NULL;
        snprintf(r->url, sizeof r->url, "http://%s%s%s:%u%.*s", six ? "[" : "", r->host,
                 six ? "]" : "", r->port, (int)(n > 0 && path[n - 1] == '/' ? n - 1 : n), path);
    }
    curl_free(path);
    return status;
}

void upstream_close(struct recorder *r)
{
    if (r->multi)
        curl_multi_cleanup(r->multi);
    if (r->curl_timer)
        event_free(r->curl_timer);
    curl_free(r->origin);
}

/* ---- the answer ---- */

/* How the end of the answer is told; and its head as the caller gets it. */
static void add_header(struct exchange *x, struct text line, struct buffer *out)
{
    struct text lines = line, name, value;
    if (!head_next(&lines, &name, &value))
        return;
    x->is_chunked |= head_is(name, "Transfer-Encoding") && head_lists(value, "chunked");
    x->has_length |= head_is(name, "Content-Length");
    attempt_header(&x->attempt, name, value);
    bool framing = head_is(name, "Transfer-Encoding") || head_is(name, "Trailer");
    if (framing ? !x->caller->old : !head_is_of_connection(name))
        buffer_add(out, line.at, line.length);
}

/* A line with its end. */
static struct text take_line(struct text *left)
{
    const char *end = memchr(left->at, '\n', left->length);
    struct text line = {left->at, end ? (size_t)(end + 1 - left->at) : left->length};
    *left = (struct text){left->at + line.length, left->length - line.length};
    return line;
}

/* "HTTP/1.0 200 OK": all behind the version, which is that of the caller's connection. */
static void add_status(struct text *left, struct buffer *out)
{
    struct text line = take_line(left);
    const char *space = memchr(line.at, ' ', line.length);
    buffer_add_text(out, "HTTP/1.1");
    if (space)
        buffer_add(out, space, (size_t)(line.at + line.length - space));
}

static void pass_head(struct exchange *x)
{
    struct caller *c = x->caller;
    struct buffer out;
    struct text left = {x->head.data ? x->head.data : "", x->head.length};
    buffer_init(&out, BUFFER_UNBOUNDED);
    add_status(&left, &out);
    while (left.length > 0)
        add_header(x, take_line(&left), &out);
    x->bodiless = c->head_only || x->status == 204 || x->status == 304;
    bool open_ended = !x->bodiless && !x->is_chunked && !x->has_length;
    c->closes |= open_ended || (x->is_chunked && c->old);
    if (c->closes || c->recorder->stops)
        buffer_add_text(&out, "Connection: close\r\n");
    c->closes |= c->recorder->stops;
    buffer_add_text(&out, "\r\n");
    caller_send(c, out.data, out.length);
    buffer_free(&out);
}

static void take_head(struct exchange *x)
{
    long status = 0;
    char *type = NULL;
    curl_easy_getinfo(x->easy, CURLINFO_RESPONSE_CODE, &status);
    x->status = (int)status;
    if (status >= 100 && status < 200) { /* of the way, not of the answer */
        buffer_clear(&x->head);
        return;
    }
    x->begun = true;
    pass_head(x);
    curl_easy_getinfo(x->easy, CURLINFO_CONTENT_TYPE, &type);
    attempt_answer(&x->attempt, x->status, type);
}

static size_t on_header(char *bytes, size_t size, size_t count, void *context)
{
    struct exchange *x = context;
    size_t length = size * count;
    bool ends = length <= 2 && (bytes[0] == '\r' || bytes[0] == '\n');
    if (!x->caller || x->begun)
        return x->caller ? length : 0;
    if (ends)
        take_head(x);
    else if (buffer_add(&x->head, bytes, length) < 0)
        return 0;
    return length;
}

/* Passes a chunked body, and follows its framing. HTTP/1.0 knows no chunks: such a caller gets the
 * bytes inside them. */
static void pass_chunked(struct exchange *x, const char *bytes, size_t count)
{
    bool plain = x->caller->old;
    struct text data;
    if (!plain)
        caller_send(x->caller, bytes, count);
    for (size_t at = 0; at < count && !x->passed.done && !x->passed.bad;) {
        at += chunked_take(&x->passed, bytes + at, count - at, &data);
        if (plain)
            caller_send(x->caller, data.at, data.length);
    }
}

static void keep_bytes(struct recorder *r, struct exchange *x, const char *bytes, size_t count)
{
    if (x->unread.length == 0) {
        x->next_unread = r->unread;
        r->unread = x;
    }
    exchange_keep(x, &r->now, bytes, count);
}

void upstream_read(struct recorder *r)
{
    for (struct exchange *x = r->unread, *next; x; x = next) {
        next = x->next_unread;
        exchange_read(x);
    }
    r->unread = NULL;
}

static void note_delay(struct recorder *r)
{
    int64_t delay_ns = clock_now_ns() - r->now.wake_ns;
    histogram_add(&r->delays, delay_ns, 1);
    r->delay_max_ns = delay_ns > r->delay_max_ns ? delay_ns : r->delay_max_ns;
}

static size_t on_bytes(char *bytes, size_t size, size_t count, void *context)
{
    struct exchange *x = context;
    struct caller *c = x->caller;
    size_t length = size * count;
    if (!c)
        return 0;
    if (caller_backlog(c) >= MOST_BACKLOG)
        return CURL_WRITEFUNC_PAUSE;
    if (x->is_chunked)
        pass_chunked(x, bytes, length);
    else
        caller_send(c, bytes, length);
    if (c->gone)
        return 0;
    if (caller_backlog(c) == 0)
        note_delay(c->recorder);
    if (x->api)
        keep_bytes(c->recorder, x, bytes, length);
    return length;
}

/* ---- the request ---- */

static bool is_path(struct text target, const char *path)
{
    const char *query = memchr(target.at, '?', target.length);
    size_t length = query ? (size_t)(query - target.at) : target.length, n = strlen(path);
    return length >= n && memcmp(target.at + length - n, path, n) == 0;
}

const struct bench_api *upstream_api(struct text method, struct text target)
{
    const struct bench_api *found = NULL;
    const char *name;
    if (!text_equal(method, "POST"))
        return NULL;
    for (size_t i = 0; (name = bench_api_name(i)); i++) {
        const struct bench_api *api = bench_api_find(name);
        if (is_path(target, api->path) && (!found || strlen(api->path) > strlen(found->path)))
            found = api;
    }
    return found;
}

/* What libcurl says by itself, or what is said otherwise than the caller did. */
static bool is_ours(struct text name)
{
    static const char *const names[] = {"Host", "Content-Length", "Expect", "Accept-Encoding",
                                        NULL};
    for (size_t i = 0; names[i]; i++)
        if (head_is(name, names[i]))
            return true;
    return false;
}

static void add_line(struct exchange *x, struct text name, struct text value)
{
    struct buffer line;
    buffer_init(&line, HEAD_MAX * 2);
    buffer_add(&line, name.at, name.length);
    buffer_add_text(&line, value.length ? ": " : ";"); /* so libcurl wants an empty one */
    buffer_add(&line, value.at, value.length);
    x->headers = curl_slist_append(x->headers, line.data);
    explicit_bzero(line.data, line.length);
    buffer_free(&line);
}

static void add_headers(struct exchange *x, const struct head *h)
{
    static const char *const unasked[] = {"Accept", "Content-Type", "User-Agent", NULL};
    struct text lines = h->lines, name, value, named = {"", 0};
    head_find(h->lines, "Connection", &named);
    while (head_next(&lines, &name, &value)) {
        char word[64] = "";
        if (name.length < sizeof word)
            memcpy(word, name.at, name.length);
        if (!is_ours(name) && !head_is_of_connection(name) && !head_lists(named, word))
            add_line(x, name, value);
    }
    x->headers = curl_slist_append(x->headers, "Accept-Encoding: identity");
    x->headers = curl_slist_append(x->headers, "Expect:");
    for (size_t i = 0; unasked[i]; i++) {
        char line[32];
        snprintf(line, sizeof line, "%s:", unasked[i]);
        if (!head_find(h->lines, unasked[i], &value))
            x->headers = curl_slist_append(x->headers, line);
    }
}

static void wipe_headers(struct exchange *x)
{
    for (struct curl_slist *l = x->headers; l; l = l->next)
        explicit_bzero(l->data, strlen(l->data));
    curl_slist_free_all(x->headers);
    x->headers = NULL;
}

static char *copy_text(struct text t)
{
    return mem_copy_text(t.at, t.length);
}

static void set_request(struct exchange *x, const struct head *h)
{
    CURL *e = x->easy;
    char *method = copy_text(h->method), *target = copy_text(h->target);
    bool has_body = h->chunked || h->length > 0 || text_equal(h->method, "POST");
    if (text_equal(h->method, "HEAD")) {
        curl_easy_setopt(e, CURLOPT_NOBODY, 1L);
    } else if (has_body) {
        curl_easy_setopt(e, CURLOPT_POST, 1L);
        curl_easy_setopt(e, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)x->body.length);
        curl_easy_setopt(e, CURLOPT_POSTFIELDS, x->body.data ? x->body.data : "");
    }
    if (!text_equal(h->method, "HEAD"))
        curl_easy_setopt(e, CURLOPT_CUSTOMREQUEST, method);
    curl_easy_setopt(e, CURLOPT_REQUEST_TARGET, target);
    free(method);
    explicit_bzero(target, h->target.length); /* some have a key in the query */
    free(target);
}

static int on_sending(void *context, char *to, char *from, int to_port, int from_port)
{
    struct exchange *x = context;
    (void)to;
    (void)from;
    (void)to_port;
    (void)from_port;
    x->connected = true;
    return CURL_PREREQFUNC_OK;
}

static void set_up(struct recorder *r, struct exchange *x)
{
    CURL *e = x->easy;
    curl_easy_setopt(e, CURLOPT_URL, r->origin);
    curl_easy_setopt(e, CURLOPT_PRIVATE, x);
    curl_easy_setopt(e, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(e, CURLOPT_HTTP_TRANSFER_DECODING, 0L); /* chunks stay as they are */
    curl_easy_setopt(e, CURLOPT_HTTP_CONTENT_DECODING, 0L);
    curl_easy_setopt(e, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(e, CURLOPT_HEADERDATA, x);
    curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, on_bytes);
    curl_easy_setopt(e, CURLOPT_WRITEDATA, x);
    curl_easy_setopt(e, CURLOPT_PREREQFUNCTION, on_sending);
    curl_easy_setopt(e, CURLOPT_PREREQDATA, x);
    curl_easy_setopt(e, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    curl_easy_setopt(e, CURLOPT_BUFFERSIZE, READ_BUFFER);
    curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(e, CURLOPT_CONNECTTIMEOUT_MS, CONNECT_TIMEOUT_MS);
    if (r->config->ca_file)
        curl_easy_setopt(e, CURLOPT_CAINFO, r->config->ca_file);
    curl_easy_setopt(e, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    if (r->config->insecure) {
        curl_easy_setopt(e, CURLOPT_SSL_VERIFYPEER, 0L);
        curl_easy_setopt(e, CURLOPT_SSL_VERIFYHOST, 0L);
    }
}

void upstream_send(struct recorder *r, struct exchange *x, const struct head *h)
{
    x->easy = curl_easy_init();
    set_up(r, x);
    set_request(x, h);
    add_headers(x, h);
    curl_easy_setopt(x->easy, CURLOPT_HTTPHEADER, x->headers);
    r->report.in_flight++;
    curl_multi_add_handle(r->multi, x->easy);
}

/* ---- the end ---- */

/* Takes an exchange off libcurl and hands it to the clerk. */
static void conclude(struct recorder *r, struct exchange *x)
{
    if (x->unread.length > 0)
        upstream_read(r);
    curl_multi_remove_handle(r->multi, x->easy);
    curl_easy_cleanup(x->easy);
    x->easy = NULL;
    x->caller = NULL;
    wipe_headers(x);
    x->ended_ns = clock_now_ns();
    r->report.in_flight--;
    if (x->api)
        clerk_take(r->clerk, x);
    else
        exchange_free(x);
}

void upstream_abandon(struct exchange *x)
{
    struct recorder *r = x->caller->recorder;
    x->aborted = true;
    conclude(r, x);
}

static enum answer_end how_it_ended(const struct exchange *x, CURLcode code)
{
    bool framed = x->is_chunked || x->has_length;
    if (x->is_chunked && !x->passed.done && !x->bodiless)
        return x->caller->old ? ANSWER_LOST : ANSWER_CUT;
    return code == CURLE_OK ? ANSWER_WHOLE : framed ? ANSWER_CUT : ANSWER_LOST;
}

/* An endpoint that is not there is told of in an answer of our own; one that broke the connection
 * instead of answering has that passed on, too. */
static void end(struct recorder *r, struct exchange *x, CURLcode code)
{
    struct caller *c = x->caller;
    bool begun = x->begun, left = c->gone, asked = x->connected;
    enum answer_end how = begun ? how_it_ended(x, code) : asked ? ANSWER_LOST : ANSWER_WHOLE;
    x->broke = begun || code != CURLE_OK ? curl_failure(code, asked, begun, NULL) : FAILURE_RESET;
    x->aborted = left;
    conclude(r, x);
    r->report.unreachable += !begun && !left;
    if (!begun && !left && !asked) {
        c->relays = false;
        caller_refuse(c, 502, curl_easy_strerror(code));
    }
    caller_end(c, how);
}

static void collect(struct recorder *r)
{
    CURLMsg *message;
    int left;
    while ((message = curl_multi_info_read(r->multi, &left))) {
        struct exchange *x;
        CURLcode code = message->data.result;
        if (message->msg != CURLMSG_DONE)
            continue;
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&x);
        end(r, x, code);
    }
}

void upstream_go_on(struct exchange *x)
{
    struct recorder *r = x->caller->recorder;
    r->now.wake_ns = r->now.read_ns = clock_now_ns();
    r->now.read++;
    curl_easy_pause(x->easy, CURLPAUSE_CONT);
    act(r, CURL_SOCKET_TIMEOUT, 0);
}
