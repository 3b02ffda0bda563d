/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/arena.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "test.h"

TEST(arena_pieces_are_zeroed_aligned_and_apart)
{
	_cleanup_arena_ struct arena *arena = arena_new();
	static const char zeros[200];

	for (size_t size = 1; size < sizeof(zeros); size++) {
		char *piece = arena_alloc(arena, size);

		CHECK_INT((uintptr_t)piece % 16, 0);
		CHECK_MEM(piece, zeros, size);
		memset(piece, 0xff, size);
	}
}

TEST(arena_serves_pieces_larger_than_a_chunk)
{
	_cleanup_arena_ struct arena *arena = arena_new();
	char *small = arena_alloc(arena, 10), *big, *next;

	memset(small, 1, 10);
	big = arena_alloc(arena, 1 << 20);
	memset(big, 2, 1 << 20);
	next = arena_alloc(arena, 10);
	CHECK_INT(next[0], 0);
	CHECK_INT(small[9], 1);
	/* A big piece must not waste the rest of the chunk in use. */
	CHECK_INT(next - small, 16);
}

TEST(arena_grow_keeps_the_bytes_and_zeroes_the_rest)
{
	_cleanup_arena_ struct arena *arena = arena_new();
	char *old = arena_copy(arena, "abc", 3);
	char *grown = arena_grow(arena, old, 3, 6);

	CHECK_MEM(grown, "abc\0\0\0", 6);
	CHECK_MEM(old, "abc", 3);
	CHECK(arena_grow(arena, NULL, 0, 5) != NULL);
}

TEST(arena_printf_makes_texts_of_any_length)
{
	_cleanup_arena_ struct arena *arena = arena_new();
	char *text = arena_printf(arena, "%d-%0500d", 7, 1);

	CHECK_INT(strlen(text), 502);
	CHECK_INT(text[501], '1');
	CHECK_STR(arena_strdup(arena, "copy"), "copy");
	CHECK_STR(arena_printf(arena, "%s", ""), "");
}

TEST(arena_takes_what_was_put_aside_when_a_piece_fails)
{
	_cleanup_arena_ struct arena *arena = arena_new();
	_cleanup_arena_ struct arena *below = arena_new_below(arena);
	char *piece;

	CHECK_INT(arena_reserve(arena, 4096, 64), 0);
	arena_fail_at(arena, 3, false);
	arena_alloc(arena, 10);
	arena_alloc(below, 10);
	CHECK_INT(arena_failed(arena), 0);
	piece = arena_alloc(below, 100);
	CHECK_INT(arena_failed(arena), 112);
	CHECK_MEM(piece, (char[100]){0}, 100);
	memset(piece, 1, 100);
	CHECK_INT(arena_strdup(arena, "more")[0], 'm');
	CHECK_INT(arena_failed(arena), 112);
	CHECK_INT(arena_reserve(arena, SIZE_MAX, 0), -ENOMEM);
}

struct undone {
	struct arena *arena;
	int fd;
	char name;
};

static void undo_write(void *of)
{
	struct undone *undone = of;

	if (undone->name == 'c')
		write(undone->fd, arena_strdup(undone->arena, "c"), 1);
	else
		write(undone->fd, &undone->name, 1);
	if (undone->name == 'a')
		_exit(7);
}

/* What is pushed by a parent is not for its child to undo. */
static void end_live(struct arena *arena, int fd)
{
	struct undone a = {arena, fd, 'a'}, b = {arena, fd, 'b'},
		      c = {arena, fd, 'c'};
	struct arena_end ends[] = {
		{.undo = undo_write, .of = &a},
		{.undo = undo_write, .of = &b},
		{.undo = undo_write, .of = &c},
	};

	for (int i = 0; i < 3; i++)
		arena_end_push(arena, &ends[i]);
	arena_end_pop(arena, &ends[2]);
	arena_end_push(arena, &ends[2]);
	arena_alloc(arena, 8192);
	_exit(0);
}

TEST(arena_lets_its_users_undo_when_nothing_is_left)
{
	_cleanup_arena_ struct arena *arena = arena_new();
	struct undone other = {arena, -1, 'x'};
	struct arena_end end = {.undo = undo_write, .of = &other};
	char told[8] = "";
	int ends[2], status;
	pid_t pid;

	CHECK_INT(pipe(ends), 0);
	CHECK_INT(arena_reserve(arena, 4096, 64), 0);
	other.fd = ends[1];
	arena_end_push(arena, &end);
	arena_fail_at(arena, 1, true);
	pid = fork();
	if (!pid)
		end_live(arena, ends[1]);
	CHECK_INT(waitpid(pid, &status, 0), pid);
	CHECK_INT(status, 7 << 8);
	CHECK_INT(read(ends[0], told, sizeof(told)), 3);
	CHECK_STR(told, "cba");
	close(ends[0]);
	close(ends[1]);
}

TEST(arena_free_takes_no_arena)
{
	arena_free(NULL);
	CHECK(1);
}
