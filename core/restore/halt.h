/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * halt: a task that was stopped is stopped again, by the same signal, and what
 * its parent had been told of it is known to the parent.
 *
 * It stops before its tape is played, as soon as all groups are there. Once its
 * tracer has seen the stop, the signal that tells of it has come to the parent,
 * who forgets it at the word to go. The task, traced, goes on to
 * play: the kernel (ptrace_detach, since 3.1) stops it anew when it is let go,
 * and tells that to nobody. A signal of the terminal has no effect in a group
 * that is orphaned here, as that of a tree's root may be; SIGSTOP always has.
 */
#ifndef STASIS_RESTORE_HALT_H
#define STASIS_RESTORE_HALT_H

#include "kernel/ptrace.h"
#include "restore/ward.h"

/* In a newborn: what its children's stops make known to it, or not. */
void halt_children(struct birth_ward *ward, const struct task *task);
/* In a newborn whose stop was over and not told: before it is ready. */
void halt_pass(const struct task *task);
/* In a newborn: count in; who was stopped stops here. Waits for the word to
 * go as board_wait_go does. */
int halt_until_go(struct birth_ward *ward, const struct task *task);

/* In the coordinator: has that thread stopped? Naps a little if not. New
 * threads of a stopped task stop as soon as they are there. */
int halt_look(const struct thread *thread, bool *ret_stopped, struct err *err);
/* Traced by now: until its stop is seen. */
int halt_see(const struct thread *thread, const struct patience *patience,
	struct err *err);
/* Let it go on to its tape, after the word to go. */
int halt_leave(const struct thread *thread, struct err *err);

#endif
