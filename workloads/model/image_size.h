/* Images of a request, by their sizes: what traces and scenarios say of them.
 *
 *     static const struct json_field item = {
 *         .kind = JSON_AS_OBJECT, .size = sizeof(struct image_size), .table = &image_size_table};
 *     json_fields_read(&scan, &image_size_table, &size);       // {"width": 1024, "height": 768}
 *     json_fields_write(&writer, &image_size_table, &size, 0);
 *
 * A plain value.
 */
#ifndef FAREBOX_WORKLOADS_MODEL_IMAGE_SIZE_H
#define FAREBOX_WORKLOADS_MODEL_IMAGE_SIZE_H

#include "core/json/json_fields.h"

#include <stdint.h>

#define IMAGE_MAX_SIDE 16384
#define REQUEST_MAX_IMAGES 100

struct image_size {
    uint32_t width, height; /* pixels */
};

extern const struct json_table image_size_table;

#endif
