/* libFuzzer entry: a file of the mock's keys, with their limits. */
#include "fuzzing.h"

#include "sim/mock/keys.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct limit_rules rules = {0};
    struct keys keys;
    struct error err = {0};
    if (keys_load(&keys, fuzz_write("keys", data, size), &rules, 0, &err) < 0 && !err.message[0])
        abort();
    keys_free(&keys);
    return 0;
}
