#include "workloads/model/image_size.h"

static const struct json_field rows[] = {
    {"width", JSON_AS_UINT, JSON_AT(struct image_size, width), 1, IMAGE_MAX_SIDE, .required = true},
    {"height", JSON_AS_UINT, JSON_AT(struct image_size, height), 1, IMAGE_MAX_SIDE,
     .required = true},
};
const struct json_table image_size_table = {JSON_ROWS(rows), .where = "an image",
                                            .needs = "an image needs \"width\" and \"height\""};
