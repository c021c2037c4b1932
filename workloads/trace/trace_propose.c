#include "workloads/trace/trace_propose.h"

#include "core/memory.h"
#include "workloads/trace/trace_csv.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* Names in small letters without anything between; the first of a field that is found is taken. */
enum { USAGE = 1, INPUT, OUTPUT, CACHED, REASONING };

static const struct {
    const char *field;
    const char *names[20];
} known[] = {
    {"timestamp",
     {"timestamp", "time", "starttime", "startedat", "start", "createdat", "created", "datetime",
      "date", "requesttime", "ts", "eventtime", "timegenerated", "requesttimestamp",
      "completionstarttime", "starttimeutc", "t"}},
    {"usage", {"usage", "usagemetadata", "usagedetails", "tokenusage", "responseusage"}},
    {"input",
     {"inputtokens", "prompttokens", "tokensprompt", "tokensin", "input", "prompt", "in",
      "inputlength", "promptlength", "numinputtokens", "promptntokens", "requesttokens",
      "contexttokens", "inputtokencount", "prompttokencount", "usageinputtokens",
      "usageprompttokens", "tokenspromptcount"}},
    {"output",
     {"outputtokens", "completiontokens", "tokenscompletion", "tokensout", "output", "completion",
      "out", "outputlength", "completionlength", "numoutputtokens", "responsetokens",
      "generatedtokens", "generationtokens", "outputtokencount", "completiontokencount",
      "candidatestokencount", "usageoutputtokens", "usagecompletiontokens"}},
    {"cached_input",
     {"cachedinputtokens", "cachedtokens", "inputcachedtokens", "cachereadinputtokens",
      "cachereadtokens", "tokenscached", "promptcachedtokens", "nativetokenscached"}},
    {"reasoning",
     {"reasoningtokens", "thinkingtokens", "tokensreasoning", "nativetokensreasoning"}},
    {"model",
     {"model", "modelname", "modelid", "modelgroup", "modelpermaslug", "providedmodelname"}},
    {"cost_usd", {"costusd", "cost", "totalcost", "spend", "usdcost", "costtotal", "amountusd"}},
    {"requests",
     {"requests", "numrequests", "requestcount", "totalrequests", "nummodelrequests", "calls",
      "apirequests", "numcalls"}},
    {"session_id", {"sessionid", "conversationid", "session", "threadid", "traceid"}},
    {"request_id", {"requestid", "generationid", "callid", "spanid", "id"}},
    {"status", {"status", "statuscode", "httpstatus", "finishstatus"}},
    {"label.user", {"user", "userid", "enduser", "username", "useremail"}},
    {"label.team", {"team", "teamid", "teamalias", "project", "projectid", "department"}},
};

struct proposal {
    struct buffer *out;
    const char *option;
    uint32_t found; /* bits by the table above */
};

static void make_plain(struct text name, char out[48])
{
    size_t used = 0;
    for (size_t i = 0; i < name.length && used < 47; i++)
        if (isalnum((unsigned char)name.at[i]))
            out[used++] = (char)tolower((unsigned char)name.at[i]);
    out[used] = '\0';
}

static bool is_known(size_t field, struct text name)
{
    char plain[48];
    make_plain(name, plain);
    for (size_t i = 0; i < COUNT_OF(known[field].names) && known[field].names[i]; i++)
        if (strcmp(known[field].names[i], plain) == 0)
            return true;
    return false;
}

static void add(struct proposal *p, size_t field, struct text outer, struct text name)
{
    if (memchr(name.at, ',', name.length) || memchr(name.at, '=', name.length))
        return;
    buffer_add_text(p->out, p->found ? "," : p->option);
    buffer_add_format(p->out, "%s=%.*s%s%.*s", known[field].field, (int)outer.length, outer.at,
                      outer.length ? "." : "", (int)name.length, name.at);
    p->found |= 1u << field;
}

static void propose_columns(struct proposal *p, const struct csv_row *header)
{
    for (size_t field = 0; field < COUNT_OF(known); field++)
        for (size_t i = 0; i < header->count && !(p->found & 1u << field); i++)
            if (is_known(field, text_trim(header->fields[i])))
                add(p, field, (struct text){"", 0}, text_trim(header->fields[i]));
}

/* Counts are numbers: a "prompt" may be a text. */
static bool kind_fits(size_t field, enum json_kind kind)
{
    if (field == USAGE)
        return kind == JSON_OBJECT;
    if (field >= INPUT && field <= REASONING)
        return kind == JSON_NUMBER;
    return kind != JSON_OBJECT && kind != JSON_ARRAY;
}

/* Names of an object and of those one level inside it. */
static void propose_keys(struct proposal *p, struct text object, struct text outer)
{
    struct json_scan s;
    struct text key, raw;
    json_scan_init(&s, "", object.at, object.length, 1);
    json_object_begin(&s);
    while (json_object_next(&s, &key)) {
        bool usage = is_known(USAGE, key);
        enum json_kind kind = json_peek(&s);
        for (size_t field = 0; field < COUNT_OF(known); field++) {
            bool fits = kind_fits(field, kind);
            if (fits && !(p->found & 1u << field) && is_known(field, key))
                add(p, field, outer, key);
        }
        if (!json_skip(&s, &raw))
            return;
        if (kind == JSON_OBJECT && !usage && outer.length == 0)
            propose_keys(p, raw, key);
    }
}

/* Puts what begins at `from` between quotes where a shell would take it apart. */
static void quote_for_shell(struct buffer *out, size_t from)
{
    bool plain = true;
    for (size_t i = from; i < out->length; i++)
        plain &= isalnum((unsigned char)out->data[i]) || strchr("_.=,-", out->data[i]) != NULL;
    if (plain || memchr(out->data + from, '\'', out->length - from))
        return;
    char *mapping = mem_copy_text(out->data + from, out->length - from);
    out->length = from;
    buffer_add_format(out, "'%s'", mapping);
    free(mapping);
}

bool trace_propose(const struct trace_probe *probe, struct buffer *out)
{
    struct proposal p = {.out = out, .option = probe->is_object ? "--keys " : "--columns "};
    struct csv_row header;
    size_t before = out->length;
    if (probe->is_object)
        propose_keys(&p, probe->line, (struct text){"", 0});
    else if (csv_probe_header(probe, &header))
        propose_columns(&p, &header);
    bool good = (p.found & 1u << USAGE) || ((p.found & 1u << INPUT) && (p.found & 1u << OUTPUT));
    if (good)
        quote_for_shell(out, before + strlen(p.option));
    else
        out->length = before;
    return good;
}
