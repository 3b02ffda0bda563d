/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kept: pages that stay in the frozen victims until they are asked for
 * (--lazy-pages), and their server.
 *
 * The images have all else, and say of these pages that they are elsewhere. The
 * victims stay frozen until the peer, a lazy-pages daemon, says that it wants
 * no more, or has it all; only then they are let go, as after any dump. If
 * the peer goes away before, the images are worth nothing and the victims run
 * on.
 */
#ifndef STASIS_DUMP_KEPT_H
#define STASIS_DUMP_KEPT_H

#include "model/dump.h"

/* Before anything is frozen: from now on it listens. Nothing without the
 * option; without it nothing is kept, either. */
int kept_open(struct dump *dump, struct err *err);
void kept_close(struct dump *dump);

/* Pages of a victim, in the order of their addresses. */
void kept_add(struct dump *dump, const struct victim *victim, uint64_t start,
	uint64_t end);

/* Pages that a restore, whatever engine's, must have at once, since it stands
 * on them itself: those of the stack pointers; ascending. */
struct kept_stacks {
	uint64_t *pages;
	size_t n;
};
struct kept_stacks kept_stacks_find(
	const struct dump *dump, const struct victim *victim);

/* The images are whole: tells that it is ready, waits for the daemon, and
 * serves it. INT and TERM end it. */
int kept_serve(struct dump *dump, struct err *err);

#endif
