/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "restore/board.h"

#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static uint32_t load(const uint32_t *word)
{
	return __atomic_load_n(word, __ATOMIC_ACQUIRE);
}

static void wake(uint32_t *word)
{
	syscall(SYS_futex, word, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
}

static void wait(const uint32_t *word, uint32_t value, int milliseconds)
{
	struct timespec time = {
		.tv_sec = milliseconds / 1000,
		.tv_nsec = milliseconds % 1000 * 1000000l,
	};

	syscall(SYS_futex, word, FUTEX_WAIT, value, &time, NULL, 0);
}

/* A lock held by the calling thread, in its list of those to be marked. */
static void keeper_enter(struct board *board)
{
	syscall(SYS_get_robust_list, 0, &board->other_head, &board->other_size);
	board->keeper = (uint32_t)syscall(SYS_gettid);
	board->head.list.next = &board->link;
	board->link.next = &board->head.list;
	board->head.futex_offset = (long)offsetof(struct board, keeper) -
				   (long)offsetof(struct board, link);
	syscall(SYS_set_robust_list, &board->head, sizeof(board->head));
}

static void keeper_leave(struct board *board)
{
	syscall(SYS_set_robust_list, board->other_head,
		sizeof(*board->other_head));
}

bool board_lost(const struct board *board)
{
	return load(&board->failed) || load(&board->keeper) & FUTEX_OWNER_DIED;
}

static size_t board_size(size_t births)
{
	return sizeof(struct board) + births * sizeof(struct board_birth);
}

int board_new(size_t births, struct board **ret, struct err *err)
{
	struct board *board = mmap(NULL, board_size(births),
		PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (board == MAP_FAILED)
		return err_errno(
			err, "mapping a page to share with the new processes");
	keeper_enter(board);
	*ret = board;
	return 0;
}

void board_free(struct board *board, size_t births)
{
	keeper_leave(board);
	munmap(board, board_size(births));
}

void board_fail(struct board *board, const struct err *err)
{
	uint32_t none = 0;

	/* 2: being written, 1: to be read. */
	if (!__atomic_compare_exchange_n(&board->failed, &none, 2, false,
		    __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
		return;
	board->err = *err;
	__atomic_store_n(&board->failed, 1, __ATOMIC_RELEASE);
	wake(&board->born);
	wake(&board->grouped);
	wake(&board->ready);
	wake(&board->go);
}

bool board_failed(const struct board *board)
{
	return load(&board->failed) == 1;
}

void board_arrive(uint32_t *counter)
{
	__atomic_fetch_add(counter, 1, __ATOMIC_ACQ_REL);
	wake(counter);
}

int board_meet(struct board *board, uint32_t *counter, uint32_t all)
{
	uint32_t now;

	if (__atomic_add_fetch(counter, 1, __ATOMIC_ACQ_REL) >= all)
		wake(counter);
	while ((now = load(counter)) < all) {
		if (board_lost(board))
			return -ECANCELED;
		wait(counter, now, 1000);
	}
	return 0;
}

int board_wait_go(struct board *board, uint32_t all)
{
	if (__atomic_add_fetch(&board->ready, 1, __ATOMIC_ACQ_REL) >= all)
		wake(&board->ready);
	while (!load(&board->go)) {
		if (board_lost(board))
			return -ECANCELED;
		wait(&board->go, 0, 1000);
	}
	return 0;
}

void board_go(struct board *board)
{
	__atomic_store_n(&board->go, 1, __ATOMIC_RELEASE);
	wake(&board->go);
}

void board_depart(struct board *board)
{
	__atomic_store_n(&board->departs, 1, __ATOMIC_RELEASE);
}

bool board_departs(const struct board *board)
{
	return load(&board->departs);
}

bool board_watch(const uint32_t *counter, uint32_t all, int milliseconds)
{
	uint32_t now = load(counter);

	if (now < all)
		wait(counter, now, milliseconds);
	return load(counter) >= all;
}
