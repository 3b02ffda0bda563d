/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * announce: how a restore tells the lazy-pages daemon of the memories that it
 * makes, as CRIU 4.2 does it: over lazy-pages.socket in the work directory.
 *
 * One announcement for each task of the images, dead ones too: its pid as an
 * int32 (negative: it is dead, and that is all); then a byte of its own with
 * the task's userfaultfd (SCM_RIGHTS). When the tree is about to be let go: the
 * word FINISHED. Only a user that could do all this to us anyway is believed:
 * user 0 and our own. fds are close-on-exec and the caller's.
 */
#ifndef STASIS_PAGES_ANNOUNCE_H
#define STASIS_PAGES_ANNOUNCE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"

#define ANNOUNCE_SOCKET "lazy-pages.socket" /* in the work directory */
#define ANNOUNCE_FINISHED 0x52535446u

/* The restore's end; the current directory is the work directory. */
int announce_connect(int *ret_fd, struct err *err);
/* uffd -1: the task is dead. */
int announce_task(int fd, pid_t pid, int uffd, struct err *err);
int announce_finished(int fd, struct err *err);
/* -ECONNRESET: the daemon is not there any more. */
int announce_check(int fd, struct err *err);

/* The daemon's end. An older socket of ours goes; others may not connect. */
int announce_listen(int *ret_fd, struct err *err);
/* One that may connect; -EAGAIN: it may not, and is gone. */
int announce_accept(int listener, int *ret_fd, struct err *err);
/* Blocks until it is there. *ret_uffd -1: a dead task's. -EPIPE: the restore
 * has gone away. */
int announce_receive(int fd, pid_t *ret_pid, int *ret_uffd, struct err *err);

#endif
