/* Completion for shells: scripts that are made from the list of commands and their option tables,
 * so that they know what the program knows.
 *
 *     struct buffer script;
 *     buffer_init(&script, BUFFER_UNBOUNDED);
 *     shell_bash(&script);
 */
#ifndef FAREBOX_CLI_SHELL_SHELL_H
#define FAREBOX_CLI_SHELL_SHELL_H

#include "core/buffer.h"

void shell_bash(struct buffer *out);
void shell_zsh(struct buffer *out);
void shell_fish(struct buffer *out);

#endif
