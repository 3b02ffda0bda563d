/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * keeper: a small process that holds the userfaultfds of a tree between two
 * rounds, so that the kernel goes on noting what is written.
 *
 * It belongs to the image directory of the round that started it, where its
 * socket is (KEEPER_NAME): who comes with that directory as parent gets copies
 * of the fds, and the keeper ends when it is told that they are in use. Both
 * ends believe nobody but processes of their own user, and the keeper's word
 * counts only for the very inventory that it was started with.
 *
 * It ends by itself, and with it all watching, when its tree is dead, when
 * nobody has come back for some time, by SIGTERM, and when the engine dies
 * before the round was done. A keeper that was killed leaves a socket to which
 * nobody answers.
 */
#ifndef STASIS_DUMP_KEEPER_H
#define STASIS_DUMP_KEEPER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/vec.h"

#define KEEPER_NAME ".stasis-keeper"

/* What is kept of one process. */
struct keeper_task {
	pid_t pid;
	uint64_t start_time; /* as in proc_stat */
	int uffd, pidfd;
};

/* --- for the next round --- */

struct keeper_lease {
	int socket;		       /* -1: there is no keeper */
	VEC(struct keeper_task) tasks; /* pidfd -1; uffd: ours, -1: taken */
};
#define KEEPER_LEASE_NONE ((struct keeper_lease){.socket = -1})

/* dir: an image directory. What is found wrong with a keeper is the same as
 * none; *ret_why tells it in words, NULL: there is simply none. */
void keeper_ask(struct arena *arena, int dir, struct keeper_lease *ret,
	const char **ret_why);
/* What it kept is in use: it ends. */
void keeper_dismiss(struct keeper_lease *lease);
/* Closes our copies; a keeper that was not dismissed goes on. */
void keeper_return(struct keeper_lease *lease);

/* --- for this round --- */

struct keeper {
	pid_t pid; /* a child */
	int go;	   /* -1: not started */
	bool stays;
};
#define KEEPER_NONE ((struct keeper){.go = -1})

/* The fds stay the caller's. scrap: an arena that the keeper does not need.
 * seconds: for how long nobody may come. Another keeper of that directory
 * ends. */
int keeper_start(struct arena *scrap, int dir, const struct keeper_task *tasks,
	size_t n, unsigned seconds, struct keeper *ret, struct err *err);
/* The round is done, its inventory in place: the keeper stays. */
int keeper_confirm(struct keeper *keeper, int dir, struct err *err);
/* If it was not confirmed, it ends, which is waited for. */
void keeper_close(struct keeper *keeper);

/* Keepers of whatever directory whose fd `of_it` says is meant: they end. */
void keepers_end(bool (*of_it)(void *of, int uffd), void *of);

/* Takes away the socket of a keeper that was killed. true: there was one. */
bool keeper_sweep(int dir);

#endif
