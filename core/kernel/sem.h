/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sem: System V semaphores of the calling process's IPC namespace.
 *
 * The kernel shows nobody what a process would give back at its end
 * (SEM_UNDO), only whether it has a list for that (kcmp), and which process
 * was the last to change a semaphore (GETPID of semctl(2)).
 */
#ifndef STASIS_KERNEL_SEM_H
#define STASIS_KERNEL_SEM_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/arena.h"

/* One semaphore, and who changed it last (0: nobody that can be seen). */
struct sem_use {
	int set; /* semid */
	int at;	 /* its number in the set */
	int value;
	pid_t last;
};

struct sem_uses {
	struct sem_use *at;
	size_t n;
};

/* All that the caller may read; none where the kernel has no semaphores. */
void sem_list(struct arena *arena, struct sem_uses *ret);

#endif
