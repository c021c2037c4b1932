#include "core/usage/usage.h"

static const char *const names[USAGE_CLASSES] = {
    "uncached_input", "cached_input", "cache_write", "cache_write_1h", "output", "reasoning",
};

const char *usage_class_name(enum usage_class c)
{
    return names[c];
}
