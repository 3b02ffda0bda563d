/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/proc.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "child.h"
#include "test.h"

TEST(a_process_that_is_not_there_is_no_such_process)
{
	struct proc proc = PROC_CLOSED;
	struct err err = {0};

	/* Above the greatest pid_max that there can be. */
	CHECK_INT(proc_open(1 << 22 | 5, &proc, &err), -ESRCH);
	CHECK_INT(proc.dir, -1);
	CHECK_STR(err.text, "there is no process 4194309");
}

TEST(a_process_that_was_reaped_is_no_such_process_in_every_way)
{
	_cleanup_arena_ struct arena *arena = arena_new();
	_cleanup_proc_ struct proc proc = PROC_CLOSED;
	struct proc_status status;
	struct proc_stat stat;
	struct err err = {0};
	char *link;
	int *numbers;
	size_t n;
	pid_t pid = child_start(child_sleep, NULL);

	CHECK_INT(proc_open(pid, &proc, &err), 0);
	CHECK_INT(proc_check_alive(&proc, &err), 0);
	child_end(&pid);
	CHECK_INT(proc_check_alive(&proc, &err), -ESRCH);
	CHECK_INT(proc_stat_read(&proc, 0, &stat, &err), -ESRCH);
	CHECK_INT(proc_status_read(arena, &proc, pid, &status, &err), -ESRCH);
	CHECK_INT(proc_read_link(arena, &proc, "exe", &link, &err), -ESRCH);
	CHECK_INT(proc_list_fds(arena, &proc, &numbers, &n, &err), -ESRCH);
	CHECK_INT(proc_list_threads(arena, &proc, &numbers, &n, &err), -ESRCH);
	CHECK_INT(proc_list_children(arena, &proc, &numbers, &n, &err), -ESRCH);
	CHECK(strstr(err.text, "task"));
}

TEST(a_missing_file_of_a_living_process_is_no_such_file)
{
	_cleanup_proc_ struct proc self = PROC_CLOSED;
	struct err err = {0};
	uint64_t ino;
	char buf[8];

	REQUIRE(!proc_open(getpid(), &self, &err));
	CHECK_INT(
		proc_read_small(&self, 0, "odd", buf, sizeof(buf), NULL, &err),
		-ENOENT);
	CHECK(strstr(err.text, "/odd: No such file or directory"));
	CHECK_INT(proc_read_ns_ino(&self, 0, "odd", &ino, &err), 0);
	CHECK_INT(ino, 0);
}

TEST(a_text_that_does_not_fit_is_too_big)
{
	_cleanup_proc_ struct proc self = PROC_CLOSED;
	char buf[16];

	REQUIRE(!proc_open(getpid(), &self, ERR_UNREAD));
	CHECK_INT(proc_read_small(&self, 0, "status", buf, sizeof(buf), NULL,
			  ERR_UNREAD),
		-E2BIG);
}

static void *thread_wait(void *barriers)
{
	pthread_barrier_t *barrier = barriers;

	pthread_barrier_wait(&barrier[0]);
	pthread_barrier_wait(&barrier[1]);
	return NULL;
}

enum { THREADS = 40 };

TEST(threads_are_all_listed_with_the_leader_first)
{
	_cleanup_arena_ struct arena *arena = arena_new();
	_cleanup_proc_ struct proc self = PROC_CLOSED;
	pthread_barrier_t barrier[2];
	pthread_t threads[THREADS];
	struct proc_stat stat;
	pid_t *tids;
	size_t n = 0;

	REQUIRE(!proc_open(getpid(), &self, ERR_UNREAD));
	for (int i = 0; i < 2; i++)
		pthread_barrier_init(&barrier[i], NULL, THREADS + 1);
	for (int i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, thread_wait, barrier);
	pthread_barrier_wait(&barrier[0]);
	CHECK_INT(proc_list_threads(arena, &self, &tids, &n, ERR_UNREAD), 0);
	CHECK_INT(n, THREADS + 1);
	CHECK_INT(tids[0], getpid());
	for (size_t i = 2; i < n; i++)
		CHECK(tids[i - 1] < tids[i]);
	for (size_t i = 0; i < n; i++) {
		CHECK_INT(proc_stat_read(&self, tids[i], &stat, ERR_UNREAD), 0);
		CHECK_INT(stat.pid, tids[i]);
	}
	pthread_barrier_wait(&barrier[1]);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	for (int i = 0; i < 2; i++)
		pthread_barrier_destroy(&barrier[i]);
	/* join sees the thread's memory free before its pid is. */
	for (int i = 0; i < 1000 && n != 1; i++) {
		proc_list_threads(arena, &self, &tids, &n, ERR_UNREAD);
		usleep(1000);
	}
	CHECK_INT(n, 1);
}

TEST(children_are_listed)
{
	_cleanup_arena_ struct arena *arena = arena_new();
	_cleanup_proc_ struct proc self = PROC_CLOSED;
	_cleanup_child_ pid_t one = child_start(child_sleep, NULL);
	_cleanup_child_ pid_t other = child_start(child_sleep, NULL);
	struct err err = {0};
	int found = 0;
	pid_t *pids;
	size_t n;

	REQUIRE(!proc_open(getpid(), &self, ERR_UNREAD));
	CHECK_INT(proc_list_children(arena, &self, &pids, &n, &err), 0);
	CHECK_STR(err.text, "");
	CHECK_INT(n, 2);
	for (size_t i = 0; i < n; i++)
		found += pids[i] == one || pids[i] == other;
	CHECK_INT(found, 2);
}

TEST(fds_are_listed_in_order)
{
	_cleanup_arena_ struct arena *arena = arena_new();
	_cleanup_proc_ struct proc self = PROC_CLOSED;
	int far, *fds;
	bool found = false;
	size_t n;

	REQUIRE(!proc_open(getpid(), &self, ERR_UNREAD));
	far = fcntl(0, F_DUPFD_CLOEXEC, 700);
	CHECK_INT(proc_list_fds(arena, &self, &fds, &n, ERR_UNREAD), 0);
	CHECK(n >= 4);
	for (size_t i = 0; i < n; i++) {
		CHECK(!i || fds[i - 1] < fds[i]);
		found |= fds[i] == far;
	}
	CHECK(found);
	close(far);
}

TEST(links_say_where_they_point)
{
	_cleanup_arena_ struct arena *arena = arena_new();
	_cleanup_proc_ struct proc self = PROC_CLOSED;
	char here[4096], name[32], *link;
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	REQUIRE(!proc_open(getpid(), &self, ERR_UNREAD));
	snprintf(name, sizeof(name), "fd/%d", fd);
	CHECK_INT(proc_read_link(arena, &self, name, &link, ERR_UNREAD), 0);
	CHECK_STR(link, "/dev/null");
	CHECK_INT(proc_read_link(arena, &self, "cwd", &link, ERR_UNREAD), 0);
	CHECK(getcwd(here, sizeof(here)));
	CHECK_STR(link, here);
	close(fd);
	CHECK_INT(
		proc_read_link(arena, &self, name, &link, ERR_UNREAD), -ENOENT);
}

TEST(namespaces_are_known_by_their_inodes)
{
	_cleanup_proc_ struct proc self = PROC_CLOSED;
	uint64_t ino = 0;
	struct stat st;

	REQUIRE(!proc_open(getpid(), &self, ERR_UNREAD));
	CHECK_INT(stat("/proc/self/ns/pid", &st), 0);
	CHECK_INT(proc_read_ns_ino(&self, 0, "pid", &ino, ERR_UNREAD), 0);
	CHECK_INT(ino, st.st_ino);
	CHECK_INT(
		proc_read_ns_ino(&self, getpid(), "pid", &ino, ERR_UNREAD), 0);
	CHECK_INT(ino, st.st_ino);
}

TEST(the_auxiliary_vector_is_that_of_the_program)
{
	_cleanup_arena_ struct arena *arena = arena_new();
	_cleanup_proc_ struct proc self = PROC_CLOSED;
	uint64_t *words, page = 0, entry = 0;
	size_t n;

	REQUIRE(!proc_open(getpid(), &self, ERR_UNREAD));
	CHECK_INT(proc_read_auxv(arena, &self, &words, &n, ERR_UNREAD), 0);
	CHECK_INT(n % 2, 0);
	for (size_t i = 0; i + 1 < n && words[i] != AT_NULL; i += 2) {
		if (words[i] == AT_PAGESZ)
			page = words[i + 1];
		if (words[i] == AT_ENTRY)
			entry = words[i + 1];
	}
	CHECK_INT(page, getauxval(AT_PAGESZ));
	CHECK_INT(entry, getauxval(AT_ENTRY));
}

TEST(small_attributes_are_read_as_numbers)
{
	_cleanup_proc_ struct proc self = PROC_CLOSED;
	uint32_t value;
	uint64_t slack;
	char comm[16];
	int score = 5000;

	REQUIRE(!proc_open(getpid(), &self, ERR_UNREAD));
	CHECK_INT(proc_read_personality(&self, &value, ERR_UNREAD), 0);
	CHECK_INT(value, personality(0xffffffff));
	CHECK_INT(proc_read_oom_score_adj(&self, &score, ERR_UNREAD), 0);
	CHECK(score >= -1000 && score <= 1000);
	CHECK_INT(proc_read_loginuid(&self, &value, ERR_UNREAD), 0);
	CHECK_INT(proc_read_coredump_filter(&self, &value, ERR_UNREAD), 0);
	CHECK_INT(prctl(PR_SET_TIMERSLACK, 123456), 0);
	CHECK_INT(proc_read_timerslack(&self, 0, &slack, ERR_UNREAD), 0);
	CHECK_INT(slack, 123456);
	CHECK_INT(proc_read_timerslack(&self, getpid(), &slack, ERR_UNREAD), 0);
	CHECK_INT(slack, 123456);
	CHECK_INT(proc_read_comm(&self, 0, comm, ERR_UNREAD), 0);
	CHECK(!strncmp(comm, "proc_test", 9));
}

TEST(a_zombie_is_alive_but_has_no_memory_to_tell_of)
{
	_cleanup_arena_ struct arena *arena = arena_new();
	_cleanup_proc_ struct proc proc = PROC_CLOSED;
	_cleanup_child_ pid_t pid = fork();
	struct proc_status status;
	struct proc_stat stat;
	siginfo_t info;
	uint64_t *words;
	size_t n = 7;

	if (!pid)
		_exit(3);
	waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT);
	REQUIRE(!proc_open(pid, &proc, ERR_UNREAD));
	CHECK_INT(proc_check_alive(&proc, ERR_UNREAD), 0);
	CHECK_INT(proc_stat_read(&proc, 0, &stat, ERR_UNREAD), 0);
	CHECK_INT(stat.state, 'Z');
	CHECK_INT(stat.exit_code, 3 << 8);
	CHECK_INT(proc_status_read(arena, &proc, 0, &status, ERR_UNREAD), 0);
	CHECK_INT(status.state, 'Z');
	/* Only root may ask for what a zombie had. */
	if (geteuid())
		return;
	CHECK_INT(proc_read_auxv(arena, &proc, &words, &n, ERR_UNREAD), 0);
	CHECK_INT(n, 0);
}
