/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * interview: what only the victims themselves can tell.
 *
 * Each thread gets one tape with the questions of all kinds; the agent is
 * mapped, the tapes are played, the agent is unmapped and every register
 * and signal mask put back, in one scope: afterwards the victim is exactly
 * as it was, answers or not.
 */
#ifndef STASIS_DUMP_INTERVIEW_H
#define STASIS_DUMP_INTERVIEW_H

#include "model/dump.h"

int interview_victims(struct dump *dump, struct err *err);

/* Has a victim make a userfaultfd for its own memory, and takes it from it: two
 * system calls of its leader, nothing is mapped there. -1: it may not have
 * one, as the log says. The fd is the caller's. */
int interview_uffd(
	struct dump *dump, struct victim *victim, int *ret_fd, struct err *err);

#endif
