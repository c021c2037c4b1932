/* Faults: what goes wrong with an answer, and when.
 *
 * A fault is a list of effects, separated by commas; K counts token-bearing chunks:
 *     status=503            refused with this status and OpenAI's error object
 *     reset                 the connection is reset before any header
 *     reset-after=K         ... after K chunks
 *     stall=MS              nothing leaves for MS before the headers
 *     stall-after=K:MS      ... after K chunks, once
 *     drip=BYTES:MS         everything leaves in pieces of BYTES, MS apart
 *     truncate-after=K      the chunked body ends in the middle of chunk K + 1 and the connection
 * closes no-done               no [DONE] at the end no-finish             no finish_reason and no
 * [DONE] malformed-after=K     an event that is not JSON error-after=K         an error event, and
 * the stream ends duplicate-after=K     the next chunk comes twice crlf                  events are
 * framed with CR LF tokens-per-chunk=N    N tokens in a chunk utf8-after=K          an event whose
 * text is not UTF-8 huge-after=K:BYTES    an SSE comment of so many bytes (at most 16 MiB)
 *     ping-after=K          a short SSE comment
 *     buffer                everything leaves at once at the end, as behind a buffering proxy
 *
 * A rule adds when: "status=503@5%" at that rate, "reset-after=3@10-20s" for requests read so many
 * seconds after the first, "stall=500@#100-200" for those requests (counted from 1); without @
 * always. The first rule that applies to a request is used. Rates are decided by the seed and the
 * request's number: the same seed gives the same faults.
 *
 *     struct fault_rules rules = {0};
 *     fault_rule_add(&rules, "reset-after=3@5%", err);
 *     struct fault f;
 *     if (fault_rules_choose(&rules, seed, number, since_start_ns, &f)) ...
 *
 * Plain values; they own nothing.
 */
#ifndef FAREBOX_SIM_MOCK_FAULT_H
#define FAREBOX_SIM_MOCK_FAULT_H

#include "core/error.h"
#include "core/text.h"

#include <stdbool.h>
#include <stdint.h>

#define FAULT_NEVER UINT32_MAX

/* What goes wrong; `…_after` hold FAULT_NEVER where the effect is absent. */
struct fault {
    char text[128]; /* as it was given */
    int status;     /* 0 = none */
    bool reset, no_done, no_finish, crlf, buffer;
    uint32_t reset_after, stall_after, truncate_after, malformed_after, error_after,
        duplicate_after, utf8_after, huge_after, ping_after;
    int64_t stall_ns, stall_first_ns; /* at stall_after; before the headers */
    uint32_t drip_bytes;              /* 0 = no drip */
    int64_t drip_ns;
    uint32_t tokens_per_chunk; /* 1 */
    uint32_t huge_bytes;
};

/* No effect at all. */
void fault_init(struct fault *f);

/* Parses a list of effects; 0, or ERR_INPUT with what is known. */
int fault_parse(struct fault *f, struct text text, struct error *err);

enum fault_when { FAULT_ALWAYS, FAULT_RATE, FAULT_SECONDS, FAULT_NUMBERS };

struct fault_rule {
    struct fault fault;
    enum fault_when when;
    double rate;            /* 0 to 1 */
    int64_t from_ns, to_ns; /* [from, to) */
    uint64_t first, last;   /* inclusive */
};

#define FAULT_MAX_RULES 16

struct fault_rules {
    struct fault_rule rules[FAULT_MAX_RULES];
    size_t count;
};

/* Parses a rule and appends it; 0 or ERR_INPUT. */
int fault_rule_add(struct fault_rules *r, const char *text, struct error *err);

/* True, with *out, if a rule applies to the request of this number (1, 2, ...) that was read so
 * long after the first one. */
bool fault_rules_choose(const struct fault_rules *r, uint64_t seed, uint64_t number,
                        int64_t since_start_ns, struct fault *out);

#endif
