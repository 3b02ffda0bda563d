/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * table: every kind by name, for kinds.c alone (and for tests of one kind).
 */
#ifndef STASIS_KINDS_TABLE_H
#define STASIS_KINDS_TABLE_H

#include "model/kind.h"

/* kind.plan of kinds whose objects have nothing in common. */
int plan_alone(
	const struct plan_view *view, struct object *object, struct err *err);

/* Files. */
extern const struct kind kind_regular;
extern const struct kind kind_pipe;
extern const struct kind kind_fifo;
extern const struct kind kind_eventfd;
extern const struct kind kind_eventpoll;
extern const struct kind kind_signalfd;
extern const struct kind kind_timerfd;
extern const struct kind kind_memfd;
extern const struct kind kind_inet;
extern const struct kind kind_unix;

/* Tasks. */
extern const struct kind kind_proc_files;
extern const struct kind kind_personality;
extern const struct kind kind_membarrier;
extern const struct kind kind_seccomp_common;
extern const struct kind kind_proc_held;
extern const struct kind kind_sigactions;
extern const struct kind kind_subreaper;
extern const struct kind kind_news;
extern const struct kind kind_timers;
extern const struct kind kind_signals_shared;
extern const struct kind kind_rlimits;
extern const struct kind kind_mm_flags;
extern const struct kind kind_brk;
extern const struct kind kind_area_policies;

/* Threads. */
extern const struct kind kind_file_locks;
extern const struct kind kind_seccomp;
extern const struct kind kind_altstack;
extern const struct kind kind_tid_address;
extern const struct kind kind_robust_list;
extern const struct kind kind_rseq;
extern const struct kind kind_timerslack;
extern const struct kind kind_sched;
extern const struct kind kind_comm;
extern const struct kind kind_mempolicy;
extern const struct kind kind_keyrings;
extern const struct kind kind_cpu_modes;
extern const struct kind kind_dispatch;
extern const struct kind kind_signals_private;
extern const struct kind kind_creds;
extern const struct kind kind_caps;
extern const struct kind kind_dumpable;
extern const struct kind kind_death_signal;
extern const struct kind kind_seccomp_strict;

#endif
