/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/memory.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "child.h"
#include "kernel/ptrace.h"
#include "test.h"

/* Shared layout: the parent maps it, the child inherits a copy. */
struct place {
	char *start; /* eight pages; the fifth is not mapped */
	size_t page;
};

static struct place place_make(void)
{
	struct place place = {.page = (size_t)sysconf(_SC_PAGESIZE)};

	place.start = mmap(NULL, 8 * place.page, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	munmap(place.start + 4 * place.page, place.page);
	for (size_t i = 0; i < 4 * place.page; i++)
		place.start[i] = (char)(i * 7 + i / 251);
	mprotect(place.start + place.page, place.page, PROT_READ);
	return place;
}

static void place_end(const struct place *place)
{
	munmap(place->start, 8 * place->page);
}
#define _cleanup_place_ __attribute__((cleanup(place_end)))

TEST(memory_is_read_and_written_whatever_its_protection)
{
	_cleanup_arena_ struct arena *arena = arena_new();
	_cleanup_place_ struct place place = place_make();
	_cleanup_child_ pid_t pid = child_start(child_sleep, NULL);
	_cleanup_proc_ struct proc proc = PROC_CLOSED;
	_cleanup_memory_ struct memory memory = MEMORY_CLOSED;
	char *copy = arena_alloc(arena, 4 * place.page);
	uint64_t at = (uintptr_t)place.start;
	struct err err = {0};
	int sig;

	REQUIRE(!proc_open(pid, &proc, &err));
	REQUIRE(!memory_open(&proc, &memory, &err));
	REQUIRE(!ptrace_seize(pid, 0, &err));
	REQUIRE(!ptrace_interrupt(pid, &err));
	REQUIRE(!ptrace_wait_interrupted(pid, &sig, &err));
	CHECK_INT(memory_read(&memory, at, copy, 4 * place.page, &err), 0);
	CHECK_MEM(copy, place.start, 4 * place.page);
	/* Also where the child itself may only read. */
	CHECK_INT(memory_write(&memory, at + place.page, "hello", 6, &err), 0);
	CHECK_INT(memory_read(&memory, at + place.page, copy, 6, &err), 0);
	CHECK_STR(copy, "hello");
	CHECK_STR(err.text, "");
	/* And our own copy is another one. */
	CHECK(memcmp(place.start + place.page, "hello", 6));
}

/* What is left where /proc/PID/mem regards protection. */
TEST(words_of_a_stopped_child_are_read_and_written_without_access)
{
	_cleanup_place_ struct place place = place_make();
	uint64_t at = (uintptr_t)place.start + 2 * place.page;
	_cleanup_child_ pid_t pid = -1;
	char copy[64], was[64];
	int sig;

	memcpy(was, place.start + 2 * place.page, sizeof(was));
	mprotect(place.start + 2 * place.page, place.page, PROT_NONE);
	pid = child_start(child_sleep, NULL);
	CHECK_INT(memory_peek(pid, at, copy, 8), -ESRCH);
	CHECK_INT(memory_poke(pid, at, copy, 8), -ESRCH);
	REQUIRE(!ptrace_seize(pid, 0, ERR_UNREAD));
	REQUIRE(!ptrace_interrupt(pid, ERR_UNREAD));
	REQUIRE(!ptrace_wait_interrupted(pid, &sig, ERR_UNREAD));
	for (size_t skip = 0; skip < 9; skip++)
		for (size_t size = 0; size < 32; size++) {
			CHECK_INT(memory_peek(pid, at + skip, copy, size), 0);
			CHECK_MEM(copy, was + skip, size);
		}
	CHECK_INT(memory_poke(pid, at + 3, "hello", 5), 0);
	CHECK_INT(memory_poke(pid, at + 21, "to all of you", 13), 0);
	memcpy(was + 3, "hello", 5);
	memcpy(was + 21, "to all of you", 13);
	CHECK_INT(memory_peek(pid, at, copy, sizeof(copy)), 0);
	CHECK_MEM(copy, was, sizeof(copy));
	CHECK_INT(memory_peek(pid, at + 2 * place.page, copy, 8), -EIO);
	CHECK_INT(memory_poke(pid, at + 2 * place.page - 4, copy, 8), -EIO);
}

TEST(memory_that_is_not_there_is_an_io_error_with_its_address)
{
	_cleanup_place_ struct place place = place_make();
	_cleanup_child_ pid_t pid = child_start(child_sleep, NULL);
	_cleanup_proc_ struct proc proc = PROC_CLOSED;
	_cleanup_memory_ struct memory memory = MEMORY_CLOSED;
	uint64_t at = (uintptr_t)place.start + 4 * place.page;
	struct err err = {0};
	char byte[16];

	REQUIRE(!proc_open(pid, &proc, &err));
	REQUIRE(!memory_open(&proc, &memory, &err));
	CHECK_INT(memory_read(&memory, at - 8, byte, 16, &err), -EIO);
	CHECK(strstr(err.text, "reading 8 bytes of the memory of process"));
	CHECK_INT(memory_write(&memory, at, byte, 16, &err), -EIO);
	child_end(&pid);
	CHECK_INT(memory_read(&memory, at - 8, byte, 4, &err), -ESRCH);
}

TEST(texts_are_read_up_to_their_end)
{
	_cleanup_place_ struct place place = place_make();
	char *border = place.start + 4 * place.page, text[64];
	_cleanup_child_ pid_t pid = -1;
	_cleanup_proc_ struct proc proc = PROC_CLOSED;
	_cleanup_memory_ struct memory memory = MEMORY_CLOSED;
	struct err err = {0};

	/* Ends right before the hole; one over a border of pages; and one
	 * that runs into the hole. */
	memcpy(border - 6, "right", 6);
	memcpy(border - place.page - 3, "over it", 8);
	pid = child_start(child_sleep, NULL);
	REQUIRE(!proc_open(pid, &proc, &err));
	REQUIRE(!memory_open(&proc, &memory, &err));
	CHECK_INT(memory_read_text(&memory, (uintptr_t)border - 6, text,
			  sizeof(text), &err),
		0);
	CHECK_STR(text, "right");
	CHECK_INT(memory_read_text(&memory, (uintptr_t)border - place.page - 3,
			  text, sizeof(text), &err),
		0);
	CHECK_STR(text, "over it");
	CHECK_INT(memory_read_text(&memory, (uintptr_t)border - place.page - 3,
			  text, 7, &err),
		-ENAMETOOLONG);
	CHECK_INT(
		memory_write(&memory, (uintptr_t)border - 6, "righty", 6, &err),
		0);
	CHECK_INT(memory_read_text(&memory, (uintptr_t)border - 6, text,
			  sizeof(text), &err),
		-EIO);
}

TEST(batches_gather_more_ranges_than_one_call_takes)
{
	enum { N = 3000 };
	_cleanup_arena_ struct arena *arena = arena_new();
	_cleanup_place_ struct place place = place_make();
	_cleanup_child_ pid_t pid = child_start(child_sleep, NULL);
	struct iovec *from = arena_newn(arena, struct iovec, N);
	struct iovec *to = arena_newn(arena, struct iovec, N);
	size_t left = 3 * N - 1, to_n = 0, from_n = 0;
	char *copy = arena_alloc(arena, left);
	struct err err = {0};

	for (size_t at = 0, step; at < left; at += step, from_n++) {
		step = left - at < 3 ? left - at : 3;
		from[from_n] = (struct iovec){place.start + at, step};
	}
	for (size_t at = 0, step; at < left; at += step, to_n++) {
		step = left - at < 1001 ? left - at : 1001;
		to[to_n] = (struct iovec){copy + at, step};
	}
	CHECK_INT(memory_copy_batch(pid, to, to_n, from, from_n, &err), 0);
	CHECK_STR(err.text, "");
	CHECK_MEM(copy, place.start, left);
	CHECK_INT(memory_copy_batch(pid, to, 1, from, from_n, &err), -EINVAL);
}

TEST(a_batch_that_meets_a_hole_fails_with_its_address)
{
	_cleanup_place_ struct place place = place_make();
	_cleanup_child_ pid_t pid = child_start(child_sleep, NULL);
	char bytes[32];
	struct iovec from[] = {
		{place.start, 16}, {place.start + 4 * place.page, 16}};
	struct iovec to = {bytes, 32};
	struct err err = {0};

	CHECK_INT(memory_copy_batch(pid, &to, 1, from, 2, &err), -EFAULT);
	CHECK(strstr(err.text, "copying 16 bytes at 0x"));
}
