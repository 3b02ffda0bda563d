/* SPDX-License-Identifier: GPL-2.0-or-later */
/* shown: text from outside, made fit for a line of a log or a terminal. */
#ifndef STASIS_BASE_SHOWN_H
#define STASIS_BASE_SHOWN_H

#include <stddef.h>

/* Copies with control characters as "\x1b", cut between two of them where
 * there is no more room; room counts the NUL. Returns the length. */
size_t shown_copy(char *to, size_t room, const char *text);

#endif
