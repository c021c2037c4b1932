/* Images of a prompt: how many tokens each takes.
 *
 *     ask_add_image(&ask, "data:image/png;base64,iVBORw0K...", NULL);
 *     ask_add_image_bytes(&ask, "iVBORw0K...", NULL);                  // base64 alone
 *
 * The rule is that of OpenAI's GPT-4o ("Images and vision", Calculating costs): an image is scaled
 * down to fit 2048 × 2048, then until its shorter side is at most 768; it takes 85 tokens, and 170
 * for each tile of 512 × 512 that it then touches. `detail: "low"` takes the 85 alone. The size
 * stands in the header of a PNG file; one of another kind, and one that is behind a URL, counts as
 * 1024 × 1024.
 */
#ifndef FAREBOX_SIM_MOCK_API_IMAGES_H
#define FAREBOX_SIM_MOCK_API_IMAGES_H

#include "sim/mock/api/ask.h"

uint32_t image_tokens(double width, double height);

/* Adds an image by its URL to the prompt; `detail` NULL = not said. */
void ask_add_image(struct ask *a, const char *url, const char *detail);

/* One that is base64 without a URL. */
void ask_add_image_bytes(struct ask *a, const char *base64, const char *detail);

/* How many of the prompt's first `tokens` are those of images. */
uint64_t ask_image_tokens(const struct ask *a, uint64_t tokens);

#endif
