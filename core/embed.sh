#!/bin/sh
# embed.sh FILE.json...: prints a C file that holds the files' bytes and the table that
# core/embedded.h looks them up in. The table holds byte counts, so it is made anew with the files.
set -eu

number=0
for file in "$@"; do
    printf '__asm__(".section .rodata\\nfarebox_embedded_%d: .incbin \\"%s\\"\\n.byte 0\\n.previous");\n' \
        "$number" "$file"
    printf 'extern const char farebox_embedded_%d[];\n' "$number"
    number=$((number + 1))
done
cat <<'HEAD'

#include "core/embedded.h"

extern const struct embedded_file embedded_table[];
extern const size_t embedded_count;

const struct embedded_file embedded_table[] = {
HEAD
number=0
for file in "$@"; do
    folder=$(basename "$(dirname "$file")")
    printf '    {"%s", "%s", farebox_embedded_%d, %d},\n' \
        "$folder" "$(basename "$file" .json)" "$number" "$(wc -c <"$file")"
    number=$((number + 1))
done
cat <<TAIL
    {0, 0, 0, 0},
};
const size_t embedded_count = $number;
TAIL
