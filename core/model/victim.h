/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * victim: a frozen process and all that was learnt about it from outside.
 *
 * Filled by dump/freeze.c and dump/discover.c; kinds only read it. It lives
 * from the freeze to the departure; its threads are ptrace-stopped all that
 * time. Their registers and masks as they were are kept here for the cure.
 */
#ifndef STASIS_MODEL_VICTIM_H
#define STASIS_MODEL_VICTIM_H

#include <stdint.h>

#include "backend.h"
#include "base/index.h"
#include "inject/record.h"
#include "kernel/maps.h"
#include "kernel/proc.h"
#include "kernel/ptrace.h"
#include "model/tree.h"

enum { KINDS_MAX = 64 };

/* Where a kind's questions stand on a thread's interview tape. */
struct answer {
	uint32_t op;   /* index of its first op */
	uint64_t data; /* what its first tape_data() returned */
	/* Free for the kind: what it knows itself, and need not be told back.
	 */
	uint64_t n;
	const void *own;
};

struct victim;

struct victim_thread {
	pid_t tid;  /* this host's: thread.host */
	pid_t vtid; /* in its own pid namespace: what images say */
	struct victim *victim;
	struct thread *thread; /* of victim.task, from discovery on */
	struct proc_stat stat;
	struct proc_status status;
	struct regs regs;	    /* as stopped, raw */
	enum restart_class restart; /* what they do not tell themselves */
	uint64_t sigmask;
	uint64_t held; /* signals held back by the injection */
	bool seized, stopped;
	struct ptrace_rseq rseq;
	uint32_t securebits; /* not asked on the tape: they are rights */

	struct tape *tape;		  /* the interview */
	const void *block;		  /* the tape as played */
	struct answer answers[KINDS_MAX]; /* by index in kinds[] */
};

struct victim {
	pid_t pid, vpid; /* this host's; the images' */
	struct proc proc;
	struct task *task;
	enum task_state state;
	int exit_code;			     /* of a dead one: wait status */
	int stop_signal;		     /* of a stopped one */
	int pidfd;			     /* -1: dead */
	VEC(struct victim_thread *) threads; /* [0] is the leader */
	struct index by_tid;
	struct maps maps;
	uint64_t *auxv;
	size_t n_auxv;
	/* What it does on SIGTRAP (the kernel's struct sigaction): the agent
	 * takes that signal for itself. */
	uint64_t trap_action[4];
};

/* Add a thread; NULL: there is none of that tid. */
struct victim_thread *victim_thread_add(
	struct arena *arena, struct victim *victim, pid_t tid);
struct victim_thread *victim_thread_find(
	const struct victim *victim, pid_t tid);

/*
 * For a kind's capture: what op i after its first one returned; a copy of its
 * data, so many bytes behind the start. Answers were in the memory of the
 * victim, where its user can write: they are facts about what he may do by
 * himself, and nothing that gives a right is asked so (look it up in /proc).
 * -EPROTO: an answer that cannot be (inject/record.h).
 */
int answer_result(const struct victim_thread *thread,
	const struct answer *answer, uint32_t i, int64_t min, int64_t max,
	int64_t *ret, struct err *err);
int answer_read(const struct victim_thread *thread, const struct answer *answer,
	size_t skip, void *to, size_t size, struct err *err);

#endif
