/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * reels: the pressed tapes of all tasks, in one file that is mapped here and
 * in each newborn, so that what the agent notes is seen at once.
 */
#ifndef STASIS_RESTORE_REELS_H
#define STASIS_RESTORE_REELS_H

#include "plan/plan.h"

struct reels {
	int fd;
	char *bytes; /* of all reels */
	size_t size;
};
#define REELS_NONE ((struct reels){.fd = -1})

int reels_press(const struct plan *plan, struct reels *ret, struct err *err);
void reels_close(struct reels *reels);

struct reel_words *reels_words(
	const struct reels *reels, const struct plan_task *pt);
const void *reels_tape(
	const struct reels *reels, const struct plan_task *pt, size_t thread);

#endif
