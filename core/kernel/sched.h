/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sched: how a thread is scheduled: policy, nice, deadline, I/O priority, CPUs.
 *
 * All by tid (0: the caller). Errors name the tid.
 */
#ifndef STASIS_KERNEL_SCHED_H
#define STASIS_KERNEL_SCHED_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/arena.h"
#include "base/err.h"

struct sched_attrs {
	uint32_t policy; /* SCHED_OTHER, FIFO, RR, BATCH, IDLE, DEADLINE */
	uint64_t flags;	 /* SCHED_FLAG_RESET_ON_FORK 1, ... */
	int32_t nice;
	uint32_t priority;		    /* FIFO, RR */
	uint64_t runtime, deadline, period; /* DEADLINE; ns. runtime is the
					       wished slice of others (6.12) */
	uint32_t util_min, util_max;	    /* 5.3; see flags */
};

int sched_attrs_read(pid_t tid, struct sched_attrs *ret, struct err *err);
int sched_attrs_write(
	pid_t tid, const struct sched_attrs *attrs, struct err *err);

/* class << 13 | level; 0: follows nice. */
int sched_ioprio_read(pid_t tid, int *ret, struct err *err);
int sched_ioprio_write(pid_t tid, int ioprio, struct err *err);

/* CPU set as the kernel gives it: 64-bit words, lowest CPU first. */
int sched_affinity_read(struct arena *arena, pid_t tid, uint64_t **ret_words,
	size_t *ret_n, struct err *err);
int sched_affinity_write(
	pid_t tid, const uint64_t *words, size_t n, struct err *err);

#endif
