/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sched: how a thread is scheduled: policy, nice, deadlines, CPUs, I/O.
 *
 * The image format knows policy, nice and priority; the rest is ours. Which
 * CPUs a thread may use is restored as far as this host has them. Settles
 * before the credentials, for most of it needs rights.
 */
#include <sched.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "kinds/table.h"
#include "model/dump.h"
#include "model/extra.h"
#include "model/facts.h"

enum {
	POLICY_DEADLINE = 6,
	FLAG_RESET_ON_FORK = 0x1,
	FLAGS_OF_POLICY = FLAG_RESET_ON_FORK | 0x2 | 0x4, /* reclaim, overrun */
	FLAG_UTIL_MIN = 0x20,
	FLAG_UTIL_MAX = 0x40,
	UTIL_FULL = 1024,
	IOPRIO_WHO = 1, /* IOPRIO_WHO_PROCESS */
	IOPRIO_SHIFT = 13,
	CPU_WORDS = 128, /* 8192 CPUs */
};

/* The kernel's struct sched_attr of 5.3; older ones take its first 48 bytes. */
struct attr {
	uint32_t size, policy;
	uint64_t flags;
	int32_t nice;
	uint32_t priority;
	uint64_t runtime, deadline, period;
	uint32_t util_min, util_max;
};
enum { ATTR_SIZE_0 = 48 };

static bool policy_realtime(uint32_t policy)
{
	return policy == SCHED_FIFO || policy == SCHED_RR;
}

static bool policy_fair(uint32_t policy)
{
	return policy == SCHED_OTHER || policy == SCHED_BATCH;
}

/* The slice of time that a thread wished for (6.12) is told as its runtime, as
 * is the usual one of those that did not: which is ours. */
static void slice_keep(
	StasisThreadExtra *extra, const struct sched_attrs *attrs)
{
	struct sched_attrs usual;

	if (!policy_fair(attrs->policy) || !attrs->runtime ||
		sched_attrs_read(0, &usual, ERR_UNREAD) ||
		!policy_fair(usual.policy) || attrs->runtime == usual.runtime)
		return;
	extra->has_sched_runtime = 1;
	extra->sched_runtime = attrs->runtime;
}

static void attrs_keep(ThreadCoreEntry *core, StasisThreadExtra *extra,
	const struct sched_attrs *attrs, int nice)
{
	/* In the format it is the word of sched_getscheduler(2). */
	core->has_sched_policy = 1;
	core->sched_policy = attrs->policy;
	if (attrs->flags & FLAG_RESET_ON_FORK)
		core->sched_policy |= SCHED_RESET_ON_FORK;
	core->has_sched_nice = 1;
	/* sched_getattr tells no nice of real-time threads. */
	core->sched_nice = nice;
	core->has_sched_prio = policy_realtime(attrs->policy);
	core->sched_prio = core->has_sched_prio ? attrs->priority : 0;

	extra->sched_flags = attrs->flags & FLAGS_OF_POLICY;
	extra->has_sched_flags = extra->sched_flags != 0;
	if (attrs->policy == POLICY_DEADLINE) {
		extra->has_sched_runtime = 1;
		extra->sched_runtime = attrs->runtime;
		extra->has_sched_deadline = 1;
		extra->sched_deadline = attrs->deadline;
		extra->has_sched_period = 1;
		extra->sched_period = attrs->period;
	}
	slice_keep(extra, attrs);
	/* A kernel without clamps says 0 and 0; real-time threads are clamped
	 * to full by the kernel itself. */
	if (policy_realtime(attrs->policy) || !attrs->util_max)
		return;
	if (attrs->util_min || attrs->util_max != UTIL_FULL) {
		extra->has_sched_util_min = 1;
		extra->sched_util_min = attrs->util_min;
		extra->has_sched_util_max = 1;
		extra->sched_util_max = attrs->util_max;
	}
}

static int affinity_keep(struct arena *arena, pid_t tid,
	StasisThreadExtra *extra, struct err *err)
{
	long online = sysconf(_SC_NPROCESSORS_ONLN), allowed = 0;
	uint64_t *words;
	size_t n;
	int ret;

	ret = sched_affinity_read(arena, tid, &words, &n, err);
	if (ret)
		return ret;
	for (size_t i = 0; i < n; i++)
		allowed += __builtin_popcountll(words[i]);
	if (allowed >= online)
		return 0;
	extra->has_affinity = 1;
	extra->affinity.data = (uint8_t *)words;
	extra->affinity.len = n * sizeof(*words);
	return 0;
}

static int sched_capture(struct dump *dump, const struct sighting *sight,
	void *msg, struct err *err)
{
	pid_t tid = sight->thread->tid;
	StasisThreadExtra *extra = extra_of_thread(dump->arena, sight->thread);
	struct sched_attrs attrs;
	int ret, ioprio;

	ret = sched_attrs_read(tid, &attrs, err);
	if (!ret)
		ret = sched_ioprio_read(tid, &ioprio, err);
	if (!ret)
		ret = affinity_keep(dump->arena, tid, extra, err);
	if (ret)
		return ret;
	attrs_keep(((CoreEntry *)msg)->thread_core, extra, &attrs,
		getpriority(PRIO_PROCESS, (id_t)tid));
	if (ioprio >> IOPRIO_SHIFT) {
		extra->has_ioprio = 1;
		extra->ioprio = ioprio;
	}
	return 0;
}

static struct attr attr_of(
	const ThreadCoreEntry *core, const StasisThreadExtra *extra)
{
	uint32_t policy = core->sched_policy & ~(uint32_t)SCHED_RESET_ON_FORK;
	struct attr attr = {
		.size = ATTR_SIZE_0,
		.policy = policy,
		.flags = policy != core->sched_policy ? FLAG_RESET_ON_FORK : 0,
		.nice = core->sched_nice,
		.priority = policy_realtime(policy) ? core->sched_prio : 0,
	};

	if (!extra)
		return attr;
	attr.flags |= extra->sched_flags;
	attr.runtime = extra->sched_runtime;
	attr.deadline = extra->sched_deadline;
	attr.period = extra->sched_period;
	if (extra->has_sched_util_min || extra->has_sched_util_max) {
		attr.size = sizeof(attr);
		attr.flags |= FLAG_UTIL_MIN | FLAG_UTIL_MAX;
		attr.util_min = extra->sched_util_min;
		attr.util_max = extra->sched_util_max;
	}
	return attr;
}

static void attrs_emit(struct tape *tape, const struct holder *holder)
{
	const ThreadCoreEntry *core = holder->thread->core->thread_core;
	const struct sched_attrs *fresh = &holder->facts->sched;
	struct attr attr;

	if (!core->has_sched_policy && !core->has_sched_nice)
		return;
	attr = attr_of(core, holder->thread->extra);
	if (attr.policy == fresh->policy && attr.nice == fresh->nice &&
		attr.priority == fresh->priority &&
		attr.flags == (fresh->flags & FLAGS_OF_POLICY) && !attr.runtime)
		return;
	tape_about(tape, "scheduling");
	/* Sleeps until the thread is an ordinary one again. */
	if (policy_realtime(attr.policy) && attr.nice != fresh->nice)
		tape_call(tape, CALL_setpriority, A(PRIO_PROCESS), A(0),
			A(attr.nice));
	tape_call(tape, CALL_sched_setattr, A(0),
		A_DATA(tape_data(tape, &attr, sizeof(attr))), A(0));
}

/* CPUs may be fewer or others here: none of them left is no reason to fail. */
static void affinity_emit(struct tape *tape, const struct holder *holder)
{
	const StasisThreadExtra *extra = holder->thread->extra;
	bool limited = extra && extra->has_affinity && extra->affinity.len;
	uint64_t every[CPU_WORDS];
	uint64_t at;

	if (!limited && holder->facts->affinity_all)
		return;
	tape_about(tape, "CPUs");
	if (limited) {
		at = tape_data(tape, extra->affinity.data, extra->affinity.len);
		tape_try(tape, CALL_sched_setaffinity, A(0),
			A(extra->affinity.len), A_DATA(at));
		return;
	}
	memset(every, 0xff, sizeof(every));
	at = tape_data(tape, every, sizeof(every));
	tape_try(tape, CALL_sched_setaffinity, A(0), A(sizeof(every)),
		A_DATA(at));
}

static int sched_emit(struct tape *tape, const struct object *object,
	const struct holder *holder, struct err *err)
{
	const StasisThreadExtra *extra = holder->thread->extra;
	int ioprio = extra && extra->has_ioprio ? extra->ioprio : 0;
	int fresh = holder->facts->ioprio;

	(void)object;
	(void)err;
	/* A deadline thread may not be limited to some CPUs: these first. */
	affinity_emit(tape, holder);
	attrs_emit(tape, holder);
	if (!(fresh >> IOPRIO_SHIFT))
		fresh = 0;
	if (ioprio != fresh) {
		tape_about(tape, "I/O priority");
		tape_call(
			tape, CALL_ioprio_set, A(IOPRIO_WHO), A(0), A(ioprio));
	}
	return 0;
}

const struct kind kind_sched = {
	.name = "sched",
	.scope = SCOPE_THREAD,
	.capture = sched_capture,
	.emit = sched_emit,
};
