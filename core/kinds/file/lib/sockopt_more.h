/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sockopt_more: what a socket has been given that a new one of its sort has
 * not, over all option numbers of some levels (sockopt_table.h). What differs
 * and is not known is refused, not lost.
 */
#ifndef STASIS_KINDS_FILE_LIB_SOCKOPT_MORE_H
#define STASIS_KINDS_FILE_LIB_SOCKOPT_MORE_H

#include "kinds/file/lib/sockopts.h"
#include "model/dump.h"

struct sockopt_more {
	StasisSocketOption **at;
	size_t n;
};

struct sockopt_name {
	int level, name;
};

/* A sort of sockets, and what is looked at of it. */
struct sockopt_look {
	int family, type, protocol;
	const int *levels;
	size_t n_levels;
	const struct sockopt_name *skip; /* what the format has for them */
	size_t n_skip;
};

StasisSocketOption *sockopt_more_add(
	struct arena *arena, struct sockopt_more *more, int level, int name);
int sockopt_more_capture(struct dump *dump, int fd,
	const struct sockopt_look *look, struct sockopt_more *ret,
	struct err *err);
int sockopt_more_restore(
	int fd, const StasisSocketOption *more, struct err *err);

#endif
