/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * proc: what /proc says about one process and its threads.
 *
 * A struct proc holds /proc/PID open; everything is read below that fd, so
 * a process that ended is noticed as -ESRCH even when its pid was given to
 * another one meanwhile. Functions that take a tid read that thread's file
 * (/proc/PID/task/TID/...); tid 0 means the process's own. Parsers are pure
 * and work on text, NUL-terminated, as the kernel wrote it; a text that was
 * cut short is an error (EINVAL), never half a result. Results live in the
 * arena. Errors name the pid and the file.
 */
#ifndef STASIS_KERNEL_PROC_H
#define STASIS_KERNEL_PROC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/arena.h"
#include "base/err.h"

struct proc {
	pid_t pid;
	int dir; /* /proc/PID; -1: not open */
};
#define PROC_CLOSED ((struct proc){.pid = 0, .dir = -1})

int proc_open(pid_t pid, struct proc *ret, struct err *err);
void proc_close(struct proc *proc); /* may be called twice */
#define _cleanup_proc_ __attribute__((cleanup(proc_close)))

/* 0, or -ESRCH when the process has been reaped. A zombie is still there. */
int proc_check_alive(const struct proc *proc, struct err *err);

/* A file below /proc/PID (or task/TID), with open flags. */
int proc_open_file(const struct proc *proc, pid_t tid, const char *name,
	int flags, int *ret_fd, struct err *err);
/* All of it, NUL put behind. ret_size may be NULL. */
int proc_read_file(struct arena *arena, const struct proc *proc, pid_t tid,
	const char *name, char **ret_text, size_t *ret_size, struct err *err);
/* These two are for files that the kernel writes as one record (stat, status,
 * fdinfo, comm ...): they are read by one call. Lists (children, maps) come in
 * pieces.
 * At most room - 1 bytes into the caller's buffer; -E2BIG if more is there. */
int proc_read_small(const struct proc *proc, pid_t tid, const char *name,
	char *buf, size_t room, size_t *ret_size, struct err *err);
/* Into the caller's buffer when it fits there, else into the arena: for what
 * is mostly short. */
int proc_read_mostly_small(struct arena *arena, const struct proc *proc,
	pid_t tid, const char *name, char *buf, size_t room, char **ret_text,
	size_t *ret_size, struct err *err);
/* Where a link points: "exe", "cwd", "root", "fd/3", "ns/pid". " (deleted)"
 * is left where the kernel put it. */
int proc_read_link(struct arena *arena, const struct proc *proc,
	const char *name, char **ret_target, struct err *err);

/* Children of all threads of the process, in no special order. */
int proc_list_children(struct arena *arena, const struct proc *proc,
	pid_t **ret_pids, size_t *ret_n, struct err *err);
/* The same when the threads are known: all of them. */
int proc_list_children_of(struct arena *arena, const struct proc *proc,
	const pid_t *tids, size_t n_tids, pid_t **ret_pids, size_t *ret_n,
	struct err *err);
/* Thread ids, ascending, the leader's first (where it is still listed). */
int proc_list_threads(struct arena *arena, const struct proc *proc,
	pid_t **ret_tids, size_t *ret_n, struct err *err);
/* Numbers of open files, ascending. */
int proc_list_fds(struct arena *arena, const struct proc *proc, int **ret_fds,
	size_t *ret_n, struct err *err);

/* The auxiliary vector: type, value, type, value, ..., AT_NULL, 0. ret_n
 * counts words. A kernel thread and a zombie have none (n = 0). */
int proc_read_auxv(struct arena *arena, const struct proc *proc,
	uint64_t **ret_words, size_t *ret_n, struct err *err);
int proc_read_comm(
	const struct proc *proc, pid_t tid, char ret[16], struct err *err);
int proc_read_personality(
	const struct proc *proc, uint32_t *ret, struct err *err);
int proc_read_oom_score_adj(const struct proc *proc, int *ret, struct err *err);
/* UINT32_MAX: not set, or a kernel without audit. */
int proc_read_loginuid(const struct proc *proc, uint32_t *ret, struct err *err);
int proc_read_coredump_filter(
	const struct proc *proc, uint32_t *ret, struct err *err);
/* Of one thread, ns. Since 4.6; needs CAP_SYS_NICE for others. */
int proc_read_timerslack(
	const struct proc *proc, pid_t tid, uint64_t *ret, struct err *err);
/* Identity of a namespace: "pid", "net", "pid_for_children", ... 0: this
 * kernel has no such namespaces. */
int proc_read_ns_ino(const struct proc *proc, pid_t tid, const char *ns,
	uint64_t *ret_ino, struct err *err);
/* The same of several, which costs less; NULL ends the list. */
int proc_read_ns_inos(const struct proc *proc, pid_t tid, const char *const *ns,
	uint64_t *ret_inos, struct err *err);

/* /proc/PID/stat. Addresses and exit_code are 0 to readers who may not
 * ptrace the process. */
struct proc_stat {
	pid_t pid;
	char comm[64]; /* may hold anything, newlines and brackets too */
	char state;    /* R S D T t Z X I P */
	pid_t ppid, pgid, sid;
	int tty_nr;
	pid_t tpgid;
	uint32_t flags; /* PF_* of the kernel; 0x200000: kernel thread */
	uint64_t utime, stime, cutime, cstime; /* in USER_HZ ticks */
	int priority, nice;
	int num_threads;
	uint64_t start_time; /* ticks after boot */
	uint64_t vsize, rss; /* bytes, pages */
	uint64_t start_code, end_code, start_stack;
	int exit_signal;
	uint32_t rt_priority, policy;
	uint64_t start_data, end_data, start_brk;
	uint64_t arg_start, arg_end, env_start, env_end;
	int exit_code; /* as wait() would give it */
};

int proc_stat_parse(const char *text, struct proc_stat *ret, struct err *err);
int proc_stat_read(const struct proc *proc, pid_t tid, struct proc_stat *ret,
	struct err *err);

enum { PROC_ID_REAL, PROC_ID_EFFECTIVE, PROC_ID_SAVED, PROC_ID_FS };
enum { PROC_NSPID_MAX = 33 }; /* pid namespaces nest 32 deep */

/* /proc/PID/status. Ids are those of the reader's user namespace. */
struct proc_status {
	char state;
	uint32_t umask; /* UINT32_MAX: a kernel before 4.7, or a zombie */
	pid_t tgid, pid, ppid, tracer_pid;
	uint32_t uid[4], gid[4]; /* PROC_ID_* */
	uint32_t *groups;
	size_t groups_n;
	/* The pid in each nested pid namespace, the reader's first. */
	pid_t nspid[PROC_NSPID_MAX];
	size_t nspid_n; /* 0: a kernel before 4.1 */
	/* In the innermost of them; 0: it is outside of that, or an old kernel.
	 */
	pid_t ns_pgid, ns_sid;
	bool kernel_thread; /* said since 6.8; see proc_stat.flags */
	int threads;
	uint64_t sig_pending, sig_pending_shared;
	uint64_t sig_blocked, sig_ignored, sig_caught;
	uint64_t cap_inh, cap_prm, cap_eff, cap_bnd, cap_amb;
	int no_new_privs;    /* -1: a kernel before 4.10 */
	int seccomp;	     /* 0 off, 1 strict, 2 filters */
	int seccomp_filters; /* -1: a kernel before 5.9 */
	int thp_enabled;     /* -1: a kernel before 5.0 or no memory */
};

/* /proc/PID/limits: resources in the order of their numbers. UINT64_MAX: no
 * limit. -EINVAL: not exactly n of them. */
struct proc_limit {
	uint64_t cur, max;
};

int proc_limits_parse(
	const char *text, struct proc_limit *ret, size_t n, struct err *err);
int proc_limits_read(const struct proc *proc, struct proc_limit *ret, size_t n,
	struct err *err);

int proc_status_parse(struct arena *arena, const char *text,
	struct proc_status *ret, struct err *err);
int proc_status_read(struct arena *arena, const struct proc *proc, pid_t tid,
	struct proc_status *ret, struct err *err);

#endif
