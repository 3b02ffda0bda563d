/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kinds/kinds.h"
#include "kinds/table.h"

/*
 * The order of this table is the order of asking, capturing and emitting.
 * What must hold in it:
 *
 *	- files in /proc, written or held, before the limits, which may deny
 *	  to open any
 *	- signal actions before waiting signals: ignoring a signal drops it
 *	- limits after timers and waiting signals, which count against them
 *	- timer slack before real-time policies, which have none
 *	- seccomp filters before the tid address, which they use up
 *	- all of that as root: before the credentials
 *	- locks, which end when a file is closed, when nothing will be closed
 *	- dumpable between the credentials, which reset it, and the
 *capabilities, without which a thread is in its user's reach
 *	- the death signal after the credentials, which reset it
 *	- strict seccomp last
 */
const struct kind *const kinds[] = {
	/* files; unix sockets first: what is in flight over them is seen
	 * when they finish */
	&kind_unix,
	&kind_regular,
	&kind_pipe,
	&kind_fifo,
	&kind_eventfd,
	&kind_eventpoll,
	&kind_signalfd,
	&kind_timerfd,
	&kind_memfd,
	&kind_inet,

	/* tasks, before their threads */
	&kind_proc_files,
	&kind_personality,
	&kind_membarrier,
	&kind_seccomp_common,

	/* tasks, after their threads */
	&kind_proc_held,
	&kind_sigactions,
	&kind_subreaper,
	&kind_news,
	&kind_timers,
	&kind_signals_shared,
	&kind_rlimits,
	&kind_mm_flags,
	&kind_brk,
	&kind_area_policies,

	/* threads */
	&kind_file_locks,
	&kind_seccomp,
	&kind_altstack,
	&kind_tid_address,
	&kind_robust_list,
	&kind_rseq,
	&kind_timerslack,
	&kind_sched,
	&kind_comm,
	&kind_mempolicy,
	&kind_keyrings,
	&kind_cpu_modes,
	&kind_dispatch,
	&kind_signals_private,
	&kind_creds,
	&kind_dumpable,
	&kind_caps,
	&kind_death_signal,
	&kind_seccomp_strict,
	NULL,
};

int plan_alone(
	const struct plan_view *view, struct object *object, struct err *err)
{
	(void)err;
	object_share(view, object, 0, 0);
	return 0;
}
