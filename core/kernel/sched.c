/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/sched.h"

#include <errno.h>
#include <sys/syscall.h>
#include <unistd.h>

/* struct sched_attr of 5.3; 48 bytes before (without the clamps). */
struct sched_args {
	uint32_t size, policy;
	uint64_t flags;
	int32_t nice;
	uint32_t priority;
	uint64_t runtime, deadline, period;
	uint32_t util_min, util_max;
};

/* ioprio_get and ioprio_set by tid. */
enum { IOPRIO_TASK = 1, IOPRIO_CLASS_BITS = 13 };
enum { CPUS_WORDS_MAX = 1024 }; /* 65,536 CPUs */

static const char *policy_name(uint32_t policy)
{
	static const char *const names[] = {"SCHED_OTHER", "SCHED_FIFO",
		"SCHED_RR", "SCHED_BATCH", "an unknown policy", "SCHED_IDLE",
		"SCHED_DEADLINE", "SCHED_EXT"};

	return names[policy < sizeof(names) / sizeof(*names) ? policy : 4];
}

static const char *ioprio_class_name(int ioprio)
{
	static const char *const names[] = {
		"none", "real time", "best effort", "idle"};
	unsigned class = (unsigned)ioprio >> IOPRIO_CLASS_BITS;

	return class < 4 ? names[class] : "unknown";
}

int sched_attrs_read(pid_t tid, struct sched_attrs *ret, struct err *err)
{
	struct sched_args args = {.size = sizeof(args)};

	if (syscall(SYS_sched_getattr, tid, &args, sizeof(args), 0))
		return err_errno(
			err, "reading how thread %d is scheduled", tid);
	*ret = (struct sched_attrs){
		.policy = args.policy,
		.flags = args.flags,
		.nice = args.nice,
		.priority = args.priority,
		.runtime = args.runtime,
		.deadline = args.deadline,
		.period = args.period,
		.util_min = args.util_min,
		.util_max = args.util_max,
	};
	return 0;
}

int sched_attrs_write(
	pid_t tid, const struct sched_attrs *attrs, struct err *err)
{
	struct sched_args args = {
		.size = sizeof(args),
		.policy = attrs->policy,
		.flags = attrs->flags,
		.nice = attrs->nice,
		.priority = attrs->priority,
		.runtime = attrs->runtime,
		.deadline = attrs->deadline,
		.period = attrs->period,
		.util_min = attrs->util_min,
		.util_max = attrs->util_max,
	};

	if (syscall(SYS_sched_setattr, tid, &args, 0))
		return err_errno(err,
			"scheduling thread %d (%s, nice %d, priority %u)", tid,
			policy_name(attrs->policy), attrs->nice,
			attrs->priority);
	return 0;
}

int sched_ioprio_read(pid_t tid, int *ret, struct err *err)
{
	long value = syscall(SYS_ioprio_get, IOPRIO_TASK, tid);

	if (value < 0)
		return err_errno(
			err, "reading the I/O priority of thread %d", tid);
	*ret = (int)value;
	return 0;
}

int sched_ioprio_write(pid_t tid, int ioprio, struct err *err)
{
	if (syscall(SYS_ioprio_set, IOPRIO_TASK, tid, ioprio))
		return err_errno(err,
			"setting the I/O priority of thread %d to class %s, "
			"level %d",
			tid, ioprio_class_name(ioprio), ioprio & 7);
	return 0;
}

int sched_affinity_read(struct arena *arena, pid_t tid, uint64_t **ret_words,
	size_t *ret_n, struct err *err)
{
	uint64_t words[CPUS_WORDS_MAX];
	/* The system call itself says how many bytes the kernel has. */
	long size = syscall(SYS_sched_getaffinity, tid, sizeof(words), words);

	if (size < 0)
		return err_errno(err, "reading the CPUs of thread %d", tid);
	*ret_n = (size_t)size / sizeof(words[0]);
	*ret_words = arena_copy(arena, words, (size_t)size);
	return 0;
}

int sched_affinity_write(
	pid_t tid, const uint64_t *words, size_t n, struct err *err)
{
	if (syscall(SYS_sched_setaffinity, tid, n * sizeof(*words), words))
		return err_errno(err, "setting the CPUs of thread %d", tid);
	return 0;
}
