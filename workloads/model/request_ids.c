#include "workloads/model/request_ids.h"

#include <string.h>

#define MOST_DIGITS 10 /* of a number of 32 bits */

void request_ids_free(struct request_ids *ids)
{
    names_free(&ids->names);
    *ids = (struct request_ids){0};
}

/* The digits at the end of an id: "", or a number that is written without zeros in front. */
static struct text number_of(struct text id)
{
    size_t from = id.length;
    while (from > 0 && id.at[from - 1] >= '0' && id.at[from - 1] <= '9')
        from--;
    struct text digits = {id.at + from, id.length - from};
    bool plain = digits.length <= MOST_DIGITS && (digits.length < 2 || digits.at[0] != '0');
    return plain ? digits : (struct text){digits.at, 0};
}

/* The next number behind the beginning: 9 becomes 10, 19 becomes 20. */
static void count_up(char *next, size_t beginning)
{
    size_t length = strlen(next), at = length;
    while (at > beginning && next[at - 1] == '9')
        next[--at] = '0';
    if (at > beginning) {
        next[at - 1]++;
        return;
    }
    memmove(next + beginning + 1, next + beginning, length - beginning + 1);
    next[beginning] = '1';
}

/* True where the first id ends in a number that others may follow. */
static bool begin_numbers(struct request_ids *ids, struct text id)
{
    struct text digits = number_of(id);
    uint64_t number;
    size_t beginning = id.length - digits.length;
    if (beginning + MOST_DIGITS >= REQUEST_ID_SIZE || !text_to_u64(digits, &number) ||
        number >= UINT32_MAX || memchr(id.at, '\0', id.length))
        return false;
    memcpy(ids->first, id.at, id.length);
    ids->first[id.length] = '\0';
    memcpy(ids->next, ids->first, sizeof ids->next);
    ids->beginning = beginning;
    ids->first_number = (uint32_t)number;
    return true;
}

static bool goes_on(const struct request_ids *ids, struct text id)
{
    return (uint64_t)ids->first_number + ids->count < UINT32_MAX && text_equal(id, ids->next);
}

static void name_all(struct request_ids *ids)
{
    char made[REQUEST_ID_SIZE];
    for (size_t i = 0; i < ids->count; i++)
        names_add(&ids->names, text_of(request_ids_text(ids, i, made)));
    ids->named = true;
}

bool request_ids_add(struct request_ids *ids, struct text id)
{
    if (!ids->named && (ids->count == 0 ? begin_numbers(ids, id) : goes_on(ids, id))) {
        count_up(ids->next, ids->beginning);
        ids->count++;
        return true;
    }
    if (!ids->named)
        name_all(ids);
    if (names_add(&ids->names, id) != ids->count)
        return false;
    ids->count++;
    return true;
}

uint32_t request_ids_find(const struct request_ids *ids, struct text id)
{
    uint64_t number;
    if (ids->named)
        return names_find(&ids->names, id);
    struct text digits = number_of(id);
    if (ids->count == 0 || id.length - digits.length != ids->beginning ||
        memcmp(id.at, ids->first, ids->beginning) != 0 || !text_to_u64(digits, &number) ||
        number < ids->first_number || number - ids->first_number >= ids->count)
        return NAME_NONE;
    return (uint32_t)(number - ids->first_number);
}

const char *request_ids_text(const struct request_ids *ids, size_t row, char out[REQUEST_ID_SIZE])
{
    if (row >= ids->count)
        return NULL;
    if (ids->named)
        return names_text(&ids->names, (uint32_t)row);
    char digits[MOST_DIGITS];
    size_t used = 0, at = ids->beginning;
    memcpy(out, ids->first, at);
    for (uint64_t n = ids->first_number + (uint64_t)row; used == 0 || n > 0; n /= 10)
        digits[used++] = (char)('0' + n % 10);
    while (used > 0)
        out[at++] = digits[--used];
    out[at] = '\0';
    return out;
}
