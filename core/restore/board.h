/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * board: one page that coordinator and newborns share while the tree is
 * built: where they meet, who exists under which number, and the first error.
 *
 * The thread that makes a board keeps it: the kernel marks the board when that
 * thread dies, even of SIGKILL, and whoever waits at it gives up within a
 * second. It must free the board itself, and be in no other robust list.
 */
#ifndef STASIS_RESTORE_BOARD_H
#define STASIS_RESTORE_BOARD_H

#include <linux/futex.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"

struct board_birth {
	uint8_t exists;
	pid_t host; /* this host's number for it, from its first moment on */
};

struct board {
	uint32_t born;	  /* births that exist and lead their groups */
	uint32_t grouped; /* ... that have joined theirs */
	uint32_t ready;	  /* tasks that wait for their tapes */
	uint32_t go;	  /* 1: play */
	uint32_t failed;  /* 1: err is set */
	uint32_t departs; /* 1: no return: all live, whatever happens */
	struct err err;
	uint32_t keeper; /* its tid; FUTEX_OWNER_DIED */
	struct robust_list link;
	struct robust_list_head head;
	struct robust_list_head *other_head; /* the keeper's, before */
	size_t other_size;
	struct board_birth births[];
};

int board_new(size_t births, struct board **ret, struct err *err);
void board_free(struct board *board, size_t births);

/* The first failure is kept. */
void board_fail(struct board *board, const struct err *err);
bool board_failed(const struct board *board);
/* No use in waiting at: one failed, or the keeper died. */
bool board_lost(const struct board *board);
/* Count in, and wait until all have come; -ECANCELED when one failed or the
 * keeper died. */
int board_meet(struct board *board, uint32_t *counter, uint32_t all);
/* Count in, the last one of all aloud, and wait for the word to go. */
int board_wait_go(struct board *board, uint32_t all);
void board_go(struct board *board);
/* The point of no return, told and asked for. */
void board_depart(struct board *board);
bool board_departs(const struct board *board);
/* Wait until the counter reaches all; false after a time. */
bool board_watch(const uint32_t *counter, uint32_t all, int milliseconds);
/* Count in for others who wait with TAPE_MEET or board_meet. */
void board_arrive(uint32_t *counter);

#endif
