#include "cli/bench/bench_trouble.h"

#include "bench/refusal/advice.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

void bench_troubles_init(struct bench_troubles *t, const struct bench_options *o,
                         const struct bench_setup *setup)
{
    *t = (struct bench_troubles){.o = o, .setup = setup};
}

static size_t endpoint_of(const struct bench_troubles *t, const struct record *r)
{
    const struct bench_config *c = &t->setup->config;
    for (size_t i = 0; r->endpoint && i < c->endpoint_count; i++)
        if (strcmp(endpoint_name(&c->endpoints[i]), r->endpoint) == 0)
            return i;
    return 0;
}

void bench_troubles_note(struct bench_troubles *t, const struct record *r)
{
    size_t i = 0, endpoint = endpoint_of(t, r);
    t->some_completed = t->some_completed || r->status == RECORD_COMPLETED;
    if (r->status != RECORD_FAILED)
        return;
    while (i < t->count &&
           (t->kinds[i].failure != r->failure || t->kinds[i].http_status != r->http_status ||
            t->kinds[i].endpoint != endpoint))
        i++;
    if (i == TROUBLE_KINDS)
        return;
    struct bench_trouble *kind = &t->kinds[i];
    if (i == t->count) {
        t->count++;
        *kind = (struct bench_trouble){r->failure, r->http_status, endpoint, 0, "", ""};
        snprintf(kind->message, sizeof kind->message, "%s", r->message ? r->message : "");
        snprintf(kind->content_type, sizeof kind->content_type, "%s",
                 r->content_type ? r->content_type : "");
    }
    kind->count++;
    t->last = i;
}

/* The variable that would lead other programs through a proxy. */
static const char *proxy_variable(const char *url)
{
    static const char *const plain[] = {"http_proxy", "all_proxy", "ALL_PROXY", NULL},
                             *const tls[] = {"https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY",
                                             NULL};
    const char *const *names = strncasecmp(url, "https:", 6) == 0 ? tls : plain;
    for (; *names; names++)
        if (getenv(*names) && *getenv(*names))
            return *names;
    return NULL;
}

static bool brings_key(const struct endpoint_config *e, const char *key_header)
{
    size_t name = strcspn(key_header, ":") + 1;
    for (size_t i = 0; e->headers && e->headers[i]; i++)
        if (strncasecmp(e->headers[i], key_header, name) == 0)
            return true;
    return false;
}

static const char *key_source(const struct endpoint_config *e, const struct bench_api *api)
{
    return brings_key(e, api->key_header) ? "--header"
           : e->api_key                   ? e->key_from
           : e->user                      ? "the user and password of --url"
                                          : NULL;
}

static bool add_kind(const struct bench_troubles *t, const struct bench_trouble *kind, bool advise,
                     struct buffer *out)
{
    const struct bench_config *c = &t->setup->config;
    struct endpoint_config e = c->endpoints[kind->endpoint];
    const char *const *output = c->api->output_keys;
    const char *key = c->output_key ? c->output_key : output ? output[0] : NULL;
    struct buffer url, advice;
    e.url = endpoint_shown(&e);
    buffer_init(&url, BUFFER_UNBOUNDED);
    buffer_init(&advice, BUFFER_UNBOUNDED);
    endpoint_add_url(&e, c->api->path, &url);
    struct advice_case a = {.failure = kind->failure,
                            .http_status = kind->http_status,
                            .content_type = kind->content_type,
                            .message = kind->message,
                            .url = url.data,
                            .base = e.url,
                            .api = c->api->name,
                            .path = c->api->path,
                            .key_from = key_source(&e, c->api),
                            .model = e.model,
                            .served = t->probes ? t->probes[kind->endpoint].served : NULL,
                            .proxy = proxy_variable(e.url),
                            .body = c->extra_body,
                            .output_key = key,
                            .http2 = e.http2,
                            .retries = c->retry.count > 0,
                            .some_completed = t->some_completed};
    for (size_t i = 0; output && output[i]; i++)
        if (key && strcmp(output[i], key) != 0)
            a.other_output_key = output[i];
    bool advised = advice_add(&a, &advice);
    if (advised || !advise) {
        advice_add_what(&a, out);
        if (advised)
            buffer_add_format(out, "; %s", advice.data);
    }
    buffer_free(&url);
    buffer_free(&advice);
    return advised;
}

bool bench_troubles_add_last(const struct bench_troubles *t, struct buffer *out)
{
    if (t->count)
        add_kind(t, &t->kinds[t->last], false, out);
    return t->count > 0;
}

void bench_troubles_warn(const struct bench_troubles *t, const struct terminal *terminal,
                         bool last_is_said)
{
    for (size_t i = 0; i < t->count; i++) {
        struct buffer line;
        buffer_init(&line, BUFFER_UNBOUNDED);
        bool told = !(last_is_said && i == t->last) && add_kind(t, &t->kinds[i], true, &line);
        if (told)
            warn(terminal, "%llu times %s", (unsigned long long)t->kinds[i].count, line.data);
        buffer_free(&line);
    }
}

int bench_troubles_judge(const struct bench_troubles *t, const struct accounting *a,
                         bool unreachable, struct error *err)
{
    struct buffer last;
    int status = 0;
    buffer_init(&last, BUFFER_UNBOUNDED);
    if (!bench_troubles_add_last(t, &last))
        buffer_add_format(&last, "%s: none was sent", endpoint_shown(&t->setup->endpoints[0]));
    if (unreachable || (a->scheduled > 0 && a->completed + a->cancelled == 0))
        status = error_set(err, ERR_WORK, "no request completed: %s", last.data);
    else if (a->failed * 2 > a->scheduled)
        status =
            error_set(err, ERR_WORK, "%llu of %llu requests failed; the last one: %s",
                      (unsigned long long)a->failed, (unsigned long long)a->scheduled, last.data);
    buffer_free(&last);
    return status;
}

void bench_troubles_say_once(const struct bench_troubles *t, const struct bench_report *report,
                             struct summary *shown)
{
    struct error end = {0};
    bench_troubles_judge(t, &shown->accounting, report->end == BENCH_UNREACHABLE, &end);
    if (!end.code || report->end == BENCH_INTERRUPTED || t->count == 0)
        return;
    const struct bench_trouble *last = &t->kinds[t->last];
    char *sample = shown->error_samples[last->failure][0];
    if (strstr(end.message, sample))
        *sample = '\0';
}
