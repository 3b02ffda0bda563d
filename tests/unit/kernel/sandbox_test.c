/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/io.h"
#include "test.h"

struct told {
	struct err err;
	char text[256];
	size_t size;
	int code;
};

static struct told told_by_with(void (*work)(void *, struct arena *, int),
	void *of, int limit_ms, const int *fds, size_t n_fds)
{
	_cleanup_arena_ struct arena *arena = arena_new();
	struct sandbox sandbox = {.work = work,
		.of = of,
		.fds = fds,
		.n_fds = n_fds,
		.limit_ms = limit_ms,
		.memory = 64 << 20,
		.answer_max = 100000};
	struct told told = {.code = 0};
	char *answer;

	told.code =
		sandbox_run(arena, &sandbox, &answer, &told.size, &told.err);
	if (told.size)
		memcpy(told.text, answer, told.size < 255 ? told.size : 255);
	CHECK_INT(waitpid(-1, NULL, WNOHANG), -1);
	return told;
}

static struct told told_by(
	void (*work)(void *, struct arena *, int), void *of, int limit_ms)
{
	return told_by_with(work, of, limit_ms, NULL, 0);
}

static void work_count(void *of, struct arena *arena, int out)
{
	char *text = arena_printf(arena, "%s and more", (const char *)of);

	io_write_all(out, text, strlen(text));
}

TEST(what_was_in_memory_is_there_and_the_answer_comes_back)
{
	char word[] = "this";
	struct told told = told_by(work_count, word, 5000);

	CHECK_INT(told.code, 0);
	CHECK_STR(told.text, "this and more");
}

/* A letter for each thing that can be done. */
static void work_try(void *of, struct arena *arena, int out)
{
	int *fds = of;
	char byte = 'x', letters[16] = "";
	const char *path = "/tmp";

	(void)arena;
	if (open("/etc/passwd", O_RDONLY | O_CLOEXEC) >= 0)
		strcat(letters, "o");
	if (mkdir(path, 0700) == 0 || errno == EEXIST)
		strcat(letters, "d");
	if (write(fds[0], &byte, 1) == 1 || pwrite(fds[0], &byte, 1, 0) == 1)
		strcat(letters, "w");
	if (socket(AF_UNIX, SOCK_STREAM, 0) >= 0)
		strcat(letters, "s");
	if (!kill(getppid(), 0))
		strcat(letters, "k");
	if (mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fds[0], 0) !=
		MAP_FAILED)
		strcat(letters, "m");
	if (mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, fds[0], 0) !=
		MAP_FAILED)
		strcat(letters, "x");
	if (fork() >= 0)
		strcat(letters, "f");
	if (pread(fds[0], &byte, 1, 0) == 1 && byte == 'a')
		strcat(letters, "R");
	if (mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, fds[0], 0) != MAP_FAILED)
		strcat(letters, "P");
	io_write_all(out, letters, strlen(letters));
}

TEST(it_reads_what_it_was_given_and_can_do_nothing_else)
{
	int fd = memfd_create("open", MFD_CLOEXEC);
	struct told told;

	CHECK_INT(write(fd, "abc", 3), 3);
	told = told_by_with(work_try, &fd, 5000, &fd, 1);
	CHECK_INT(told.code, 0);
	CHECK_STR(told.text, "RP");
	close(fd);
}

/* The numbers that are open. */
static void work_list(void *of, struct arena *arena, int out)
{
	const int *most = of;

	for (int fd = 0; fd <= *most; fd++)
		if (fd != out && fcntl(fd, F_GETFD) >= 0)
			io_write_all(out, arena_printf(arena, "%d ", fd),
				strlen(arena_printf(arena, "%d ", fd)));
}

TEST(nothing_is_open_in_it_but_what_it_was_given)
{
	int fds[] = {300, -1, 7, 8, 8, 290}, most = 400, other[] = {250, 299};
	struct told told;

	for (size_t i = 0; i < 6; i++)
		CHECK(fds[i] < 0 || dup2(1, fds[i]) == fds[i]);
	CHECK(dup2(1, other[0]) == 250 && dup2(1, other[1]) == 299);
	told = told_by_with(work_list, &most, 5000, fds, 6);
	CHECK_INT(told.code, 0);
	CHECK_STR(told.text, "7 8 290 300 ");
	told = told_by(work_list, &most, 5000);
	CHECK_INT(told.code, 0);
	CHECK_STR(told.text, "");
	for (size_t i = 0; i < 6; i++)
		if (fds[i] >= 0)
			close(fds[i]);
	close(other[0]);
	close(other[1]);
}

static void work_loop(void *of, struct arena *arena, int out)
{
	(void)of, (void)arena;
	io_write_all(out, "begun", 5);
	for (volatile int i = 0;; i++)
		;
}

static int64_t clock_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000ll + now.tv_nsec / 1000000;
}

TEST(one_that_never_ends_is_ended_and_what_it_said_is_kept)
{
	int64_t began = clock_ms();
	struct told told = told_by(work_loop, NULL, 300);

	CHECK_INT(told.code, -ETIMEDOUT);
	CHECK_STR(told.text, "begun");
	CHECK(clock_ms() - began < 3000);
}

static void work_crash(void *of, struct arena *arena, int out)
{
	(void)of, (void)arena;
	io_write_all(out, "begun", 5);
	__builtin_trap();
}

TEST(one_that_breaks_is_told_of)
{
	struct told told = told_by(work_crash, NULL, 5000);

	CHECK_INT(told.code, -ECHILD);
	CHECK_STR(told.text, "begun");
}

static void work_eat(void *of, struct arena *arena, int out)
{
	size_t *most = of;
	size_t size = 1 << 20, n = 0;

	(void)arena;
	while (n < 1000 &&
		mmap(NULL, size, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED)
		n++;
	io_write_all(out, n <= *most ? "few" : "many", 4);
}

TEST(its_memory_is_bounded)
{
	size_t most = 65;
	struct told told = told_by(work_eat, &most, 5000);

	CHECK_INT(told.code, 0);
	CHECK_STR(told.text, "few");
}

static void work_chatter(void *of, struct arena *arena, int out)
{
	(void)of, (void)arena;
	while (!io_write_all(out, "0123456789", 10))
		;
}

TEST(its_answer_is_bounded)
{
	struct told told = told_by(work_chatter, NULL, 5000);

	CHECK_INT(told.code, -EFBIG);
	CHECK_INT(told.size, 100000);
}
