/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fdinfo: what /proc/PID/fdinfo/FD tells about an open file.
 *
 * The common lines and those of the anonymous files that keep their whole
 * state there. The raw text stays, for lines that only one kind reads
 * (fdinfo_find_text, fdinfo_find_u64). Pure parser; results in the arena.
 */
#ifndef STASIS_KERNEL_FDINFO_H
#define STASIS_KERNEL_FDINFO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/arena.h"
#include "base/err.h"
#include "kernel/proc.h"

struct fdinfo_epoll {
	int fd;		 /* number at the time of EPOLL_CTL_ADD */
	uint32_t events; /* as given; EPOLLERR and EPOLLHUP are always in */
	uint64_t data;
	int64_t pos;
	uint64_t ino, sdev; /* of the target; 0 before 4.13 */
};

struct fdinfo_inotify {
	int wd;
	uint64_t ino,
		sdev; /* sdev as the kernel keeps it: major << 20 | minor */
	uint32_t mask;
	int handle_type;
	size_t handle_size; /* 0: the kernel shows no file handle */
	uint8_t handle[128];
};

enum fdinfo_lock_kind {
	FDINFO_LOCK_POSIX,
	FDINFO_LOCK_OFD,
	FDINFO_LOCK_FLOCK,
	FDINFO_LOCK_LEASE,
	FDINFO_LOCK_DELEG,
	FDINFO_LOCK_OTHER,
};

struct fdinfo_lock {
	enum fdinfo_lock_kind kind;
	bool write;    /* WRITE or RW; else READ or NONE */
	bool breaking; /* a lease that is being broken */
	bool waiting;  /* "->": it waits for the lock above */
	pid_t pid;     /* owner as the reader sees it; -1: OFD; 0: not here */
	uint32_t dev_major, dev_minor;
	uint64_t ino;
	uint64_t start, end; /* end UINT64_MAX: up to the end of file */
};

struct fdinfo {
	const char *text; /* all of it */
	int64_t pos;
	uint32_t flags; /* of open(), O_CLOEXEC too */
	int mnt_id;	/* -1: not said */
	uint64_t ino;	/* 0: a kernel before 5.14 */

	bool is_eventfd, is_epoll, is_signalfd, is_timerfd;
	bool is_inotify, is_fanotify, is_pidfd;

	uint64_t eventfd_count;
	int eventfd_semaphore; /* -1: a kernel that does not say (before 6.5) */
	uint64_t signalfd_mask;

	int timerfd_clockid;
	uint64_t timerfd_ticks;
	uint32_t timerfd_settime_flags;
	uint64_t timerfd_value_sec, timerfd_value_nsec;
	uint64_t timerfd_interval_sec, timerfd_interval_nsec;

	pid_t pidfd_pid; /* -1: it has ended; 0: not visible here */

	struct fdinfo_epoll *epoll;
	size_t epoll_n;
	struct fdinfo_inotify *inotify;
	size_t inotify_n;
	struct fdinfo_lock *locks;
	size_t locks_n;
};

int fdinfo_parse(struct arena *arena, const char *text, struct fdinfo *ret,
	struct err *err);
int fdinfo_read(struct arena *arena, const struct proc *proc, int fd,
	struct fdinfo *ret, struct err *err);

/* The rest of the first line "KEY:\t..." without leading blanks, up to its
 * newline (not terminated); NULL: there is none. */
const char *fdinfo_find_text(const struct fdinfo *info, const char *key);
bool fdinfo_find_u64(
	const struct fdinfo *info, const char *key, int base, uint64_t *ret);

#endif
