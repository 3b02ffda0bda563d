/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * lent: rights that come with the program's file, not with its user.
 *
 * A file with capabilities gives them to whoever runs it. Of these the program
 * keeps CAP_CHECKPOINT_RESTORE alone, for choosing pids, and goes in its user's
 * name as a guest's worker does: only what is wholly his is dumped, and images
 * make nothing that is not. Otherwise another such program of his could be
 * dumped, and images would give him code that holds the capability.
 *
 * Capabilities that he has himself, ambient ones, are his to use. SELinux sets
 * AT_SECURE for root, too, who is left alone.
 */
#ifndef STASIS_SESSION_LENT_H
#define STASIS_SESSION_LENT_H

#include "base/arena.h"
#include "model/run.h"

/* Before anything else is done: gives back what is not to be used. ret_note:
 * what that was, in words for the log; NULL: nothing. -EPERM: the program was
 * made to run as another user. */
int lent_return(struct arena *arena, const char **ret_note, struct err *err);
/* In whose name all goes then; NULL: the rights are the user's own. */
int lent_owner(
	struct arena *arena, const struct run_owner **ret, struct err *err);

#endif
