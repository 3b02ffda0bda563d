/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * roster: the memories that are being filled, and who watches over them.
 *
 * Where the last fd of a userfaultfd goes, the kernel takes all that is missing
 * for zeros, and the process would go on with them. So a second process, the
 * guard, has the daemon's fd table, too: when the daemon dies before it said
 * that all is done (roster_done), the fds are still there, and the guard sees
 * to it that nobody goes on: tasks are killed, and who else touches a page that
 * is not there (their children) gets SIGBUS.
 *
 * The table lies in memory that both share. The fds of a seat are the
 * roster's.
 */
#ifndef STASIS_PAGES_ROSTER_H
#define STASIS_PAGES_ROSTER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"

enum { ROSTER_ROOM = 1 << 16 };

struct roster_seat {
	uint32_t taken;
	int uffd, pidfd; /* pidfd -1: whose memory it is, is not known */
	pid_t pid;
};

struct roster {
	uint32_t done;	 /* nothing is missing any more, or nobody minds */
	uint32_t n;	 /* seats that were ever taken */
	uint32_t seek;	 /* there is none free before */
	uint32_t killed; /* by roster_kill, here or in the guard */
	int peers[2];	 /* connections that end with the daemon; -1 */
	pid_t guard;	 /* 0: none */
	size_t page_size;
	struct roster_seat seats[ROSTER_ROOM];
};

int roster_new(size_t page_size, struct roster **ret, struct err *err);
void roster_free(struct roster *roster);

/* pid 0: a child that was forked. A pid counts only if that process has this
 * memory: nobody else is ever killed. The fd is the roster's on success. */
int roster_take(struct roster *roster, int uffd, pid_t pid, size_t *ret_seat,
	struct err *err);
void roster_leave(struct roster *roster, size_t seat);

/* Starts the guard, or another one if it has died. */
int roster_guard(struct roster *roster, struct err *err);
/* All is well; the guard goes. */
void roster_done(struct roster *roster);
/* Kills the tasks that are known; the guard does the rest when we are gone. */
void roster_kill(struct roster *roster);

#endif
