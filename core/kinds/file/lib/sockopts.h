/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sockopts: the options of sockets. A part of the kinds of sockets.
 *
 * They are read off a duplicate of the victim's socket, and set where a new
 * socket has others, since some are not for everybody to set.
 */
#ifndef STASIS_KINDS_FILE_LIB_SOCKOPTS_H
#define STASIS_KINDS_FILE_LIB_SOCKOPTS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "proto/sockets.pb-c.h"

/* SOL_SOCKET, for all families. */
int sockopts_capture(
	struct arena *arena, int fd, SkOptsEntry **ret, struct err *err);
int sockopts_restore(int fd, const SkOptsEntry *opts, struct err *err);

/* An option that is a number; false, and *ret_value 0, where the kernel has
 * no such option. */
bool sockopt_get(int fd, int level, int name, uint32_t *ret_value);
/* Unless it is so already. */
int sockopt_set(int fd, int level, int name, uint32_t value, struct err *err);

#endif
