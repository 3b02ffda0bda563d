/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "dump/keeper.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kernel/pidfd.h"
#include "test.h"

/* A directory with an inventory, a process that is kept, and a pipe that
 * stands for its userfaultfd: its reader sees when the last copy is gone. */
struct scene {
	char path[40];
	int dir, reader;
	pid_t child;
	struct keeper_task task;
	struct arena *arena; /* that the keeper does not need */
	struct keeper keeper;
	struct err err;
};

static void inventory_write(int dir)
{
	int fd = openat(
		dir, "inventory.img", O_WRONLY | O_CREAT | O_TRUNC, 0600);

	CHECK(write(fd, "x", 1) == 1);
	close(fd);
}

static struct scene scene_make(void)
{
	struct scene s = {.path = "/tmp/keeper-test-XXXXXX",
		.arena = arena_new(),
		.keeper = KEEPER_NONE};
	int pair[2];

	CHECK(mkdtemp(s.path) != NULL);
	s.dir = open(s.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	inventory_write(s.dir);
	CHECK_INT(pipe2(pair, O_CLOEXEC), 0);
	s.reader = pair[0];
	s.child = fork();
	if (!s.child) {
		close(pair[1]);
		pause();
		_exit(0);
	}
	s.task = (struct keeper_task){
		.pid = s.child, .start_time = 77, .uffd = pair[1]};
	CHECK_INT(pidfd_open_task(s.child, 0, &s.task.pidfd, &s.err), 0);
	return s;
}

static void scene_start(struct scene *s, unsigned seconds)
{
	CHECK_INT(keeper_start(s->arena, s->dir, &s->task, 1, seconds,
			  &s->keeper, &s->err),
		0);
	close(s->task.uffd);
}

/* In time, and leaves no socket. */
static void ended_check(struct scene *s)
{
	struct pollfd wait_for = {.fd = s->reader, .events = POLLIN};

	CHECK_INT(poll(&wait_for, 1, 8000), 1);
	CHECK(wait_for.revents & POLLHUP);
	waitpid(s->keeper.pid, NULL, 0);
	CHECK(faccessat(s->dir, KEEPER_NAME, F_OK, 0) < 0);
}

static void scene_end(struct scene *s)
{
	kill(s->child, SIGKILL);
	waitpid(s->child, NULL, 0);
	arena_free(s->arena);
	close(s->task.pidfd);
	close(s->reader);
	unlinkat(s->dir, "inventory.img", 0);
	unlinkat(s->dir, KEEPER_NAME, 0);
	close(s->dir);
	CHECK_INT(rmdir(s->path), 0);
}

static struct keeper_lease ask(
	struct scene *s, struct arena *arena, const char **why)
{
	struct keeper_lease lease;

	keeper_ask(arena, s->dir, &lease, why);
	return lease;
}

TEST(a_keeper_hands_over_and_ends_when_it_is_told)
{
	_cleanup_arena_ struct arena *arena = arena_new();
	struct scene s = scene_make();
	struct keeper_lease lease;
	const char *why;
	char byte = 0;

	scene_start(&s, 60);
	CHECK_INT(keeper_confirm(&s.keeper, s.dir, &s.err), 0);
	keeper_close(&s.keeper);
	/* Twice: what is only looked at is not taken. */
	for (int i = 0; i < 2; i++) {
		lease = ask(&s, arena, &why);
		REQUIRE(lease.socket >= 0 && lease.tasks.n == 1);
		CHECK(!why);
		CHECK_INT(lease.tasks.at[0].pid, s.child);
		CHECK_INT(lease.tasks.at[0].start_time, 77);
		CHECK_INT(write(lease.tasks.at[0].uffd, "w", 1), 1);
		CHECK_INT(read(s.reader, &byte, 1), 1);
		if (i)
			keeper_dismiss(&lease);
		keeper_return(&lease);
	}
	ended_check(&s);
	scene_end(&s);
}

TEST(a_keeper_that_is_not_confirmed_ends)
{
	struct scene s = scene_make();

	scene_start(&s, 60);
	keeper_close(&s.keeper);
	ended_check(&s);
	scene_end(&s);
}

TEST(a_keeper_ends_when_nobody_comes_and_when_its_tree_is_dead)
{
	for (int dead = 0; dead < 2; dead++) {
		struct scene s = scene_make();

		scene_start(&s, dead ? 60 : 1);
		CHECK_INT(keeper_confirm(&s.keeper, s.dir, &s.err), 0);
		keeper_close(&s.keeper);
		if (dead)
			kill(s.child, SIGKILL);
		ended_check(&s);
		scene_end(&s);
	}
}

TEST(other_images_in_its_directory_are_not_its_own)
{
	_cleanup_arena_ struct arena *arena = arena_new();
	struct scene s = scene_make();
	struct keeper_lease lease;
	const char *why;

	scene_start(&s, 60);
	CHECK_INT(keeper_confirm(&s.keeper, s.dir, &s.err), 0);
	keeper_close(&s.keeper);
	CHECK_INT(renameat(s.dir, "inventory.img", s.dir, "older"), 0);
	inventory_write(s.dir);
	unlinkat(s.dir, "older", 0);
	lease = ask(&s, arena, &why);
	CHECK(lease.socket < 0 && why && strstr(why, "other images"));
	kill(s.keeper.pid, SIGTERM);
	ended_check(&s);
	scene_end(&s);
}

TEST(the_socket_of_a_keeper_that_was_killed_is_swept)
{
	_cleanup_arena_ struct arena *arena = arena_new();
	struct scene s = scene_make();
	struct keeper_lease lease;
	const char *why;

	scene_start(&s, 60);
	CHECK_INT(keeper_confirm(&s.keeper, s.dir, &s.err), 0);
	keeper_close(&s.keeper);
	CHECK(!keeper_sweep(s.dir));
	kill(s.keeper.pid, SIGKILL);
	waitpid(s.keeper.pid, NULL, 0);
	lease = ask(&s, arena, &why);
	CHECK(lease.socket < 0 && !why);
	CHECK(keeper_sweep(s.dir));
	CHECK(!keeper_sweep(s.dir));
	CHECK(faccessat(s.dir, KEEPER_NAME, F_OK, 0) < 0);
	scene_end(&s);
}

TEST(a_second_keeper_of_a_directory_takes_the_place_of_the_first)
{
	struct scene s = scene_make(), next;

	scene_start(&s, 60);
	CHECK_INT(keeper_confirm(&s.keeper, s.dir, &s.err), 0);
	keeper_close(&s.keeper);
	next = scene_make();
	CHECK_INT(keeper_start(next.arena, s.dir, &next.task, 1, 60,
			  &next.keeper, &next.err),
		0);
	close(next.task.uffd);
	{
		struct pollfd wait_for = {.fd = s.reader, .events = POLLIN};

		CHECK_INT(poll(&wait_for, 1, 8000), 1);
	}
	waitpid(s.keeper.pid, NULL, 0);
	CHECK(!faccessat(s.dir, KEEPER_NAME, F_OK, 0));
	keeper_close(&next.keeper);
	waitpid(next.keeper.pid, NULL, 0);
	scene_end(&next);
	scene_end(&s);
}
