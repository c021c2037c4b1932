#include "core/usage/usage.h"

const char *const usage_class_names[] = {
    "uncached_input",
    "cached_input",
    "cache_write",
    "cache_write_1h",
    "output",
    "reasoning",
    "image_input",
    "audio_input",
    "video_input",
    "cached_image_input",
    "cached_audio_input",
    "image_output",
    "audio_output",
    NULL,
};

const char *usage_class_name(enum usage_class c)
{
    return usage_class_names[c];
}

const char *usage_class_words(enum usage_class c)
{
    static const char *const words[USAGE_CLASSES] = {
        "input tokens",  "cached input",       "cache writes",       "1-hour cache writes",
        "output tokens", "reasoning tokens",   "image input",        "audio input",
        "video input",   "cached image input", "cached audio input", "image output",
        "audio output"};
    return words[c];
}

void usage_fit(struct usage *u, uint64_t input, uint64_t output)
{
    for (int c = 0; c < USAGE_CLASSES; c++) {
        if (c == USAGE_UNCACHED_INPUT || c == USAGE_OUTPUT)
            continue;
        uint64_t *left = usage_is_output((enum usage_class)c) ? &output : &input;
        if (u->tokens[c] > *left)
            u->tokens[c] = *left;
        *left -= u->tokens[c];
    }
    u->tokens[USAGE_UNCACHED_INPUT] = input;
    u->tokens[USAGE_OUTPUT] = output;
}

void usage_set_cache(struct usage *u, uint64_t cached, uint64_t written, uint64_t written_1h)
{
    uint64_t input = usage_input(u), output = usage_output(u), *t = u->tokens;
    t[USAGE_IMAGE_INPUT] += t[USAGE_CACHED_IMAGE_INPUT];
    t[USAGE_AUDIO_INPUT] += t[USAGE_CACHED_AUDIO_INPUT];
    t[USAGE_CACHED_IMAGE_INPUT] = t[USAGE_CACHED_AUDIO_INPUT] = 0;
    t[USAGE_CACHED_INPUT] = cached;
    t[USAGE_CACHE_WRITE] = written;
    t[USAGE_CACHE_WRITE_1H] = written_1h;
    usage_fit(u, input, output);
}
