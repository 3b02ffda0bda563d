/* SPDX-License-Identifier: GPL-2.0-or-later */
/* kcmp, pidfd, clone3, sched, caps and features: thin, so tested alive. */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "child.h"
#include "kernel/caps.h"
#include "kernel/clone3.h"
#include "kernel/features.h"
#include "kernel/kcmp.h"
#include "kernel/pidfd.h"
#include "kernel/proc.h"
#include "kernel/sched.h"
#include "test.h"

TEST(shared_open_files_are_found_and_others_are_ordered)
{
	int one = open("/dev/null", O_RDONLY | O_CLOEXEC);
	int other = open("/dev/null", O_RDONLY | O_CLOEXEC);
	int twin = fcntl(one, F_DUPFD_CLOEXEC, 0);
	_cleanup_child_ pid_t pid = child_start(child_sleep, NULL);
	int order = 9, back = 9, self = getpid();
	struct err err = {0};

	CHECK_INT(kcmp_compare(self, self, KCMP_FILE, one, twin, &order, &err),
		0);
	CHECK_INT(order, 0);
	CHECK_INT(
		kcmp_compare(self, pid, KCMP_FILE, one, one, &order, &err), 0);
	CHECK_INT(order, 0);
	CHECK_INT(kcmp_compare(self, pid, KCMP_FILE, one, other, &order, &err),
		0);
	CHECK_INT(
		kcmp_compare(pid, self, KCMP_FILE, other, one, &back, &err), 0);
	CHECK(order == 1 || order == -1);
	CHECK_INT(back, -order);
	CHECK_INT(kcmp_compare(self, pid, KCMP_VM, 0, 0, &order, &err), 0);
	CHECK(order);
	CHECK_STR(err.text, "");
	CHECK_INT(kcmp_compare(self, pid, KCMP_FILE, one, 900, &order, &err),
		-EBADF);
	CHECK(strstr(err.text, "with fd 900 of process"));
	close(one);
	close(other);
	close(twin);
}

TEST(targets_of_epoll_sets_are_compared)
{
	int set = epoll_create1(EPOLL_CLOEXEC), ends[2], self = getpid();
	struct epoll_event event = {.events = EPOLLIN};
	int order = 9;
	struct err err = {0};

	REQUIRE(!pipe2(ends, O_CLOEXEC));
	CHECK_INT(epoll_ctl(set, EPOLL_CTL_ADD, ends[0], &event), 0);
	CHECK_INT(kcmp_compare_epoll(
			  self, ends[0], self, set, ends[0], 0, &order, &err),
		0);
	CHECK_INT(order, 0);
	CHECK_INT(kcmp_compare_epoll(
			  self, ends[1], self, set, ends[0], 0, &order, &err),
		0);
	CHECK(order);
	CHECK_STR(err.text, "");
	CHECK_INT(kcmp_compare_epoll(
			  self, ends[0], self, set, ends[1], 0, &order, &err),
		-ENOENT);
	close(set);
	close(ends[0]);
	close(ends[1]);
}

TEST(files_of_others_are_copied_by_pidfd)
{
	_cleanup_child_ pid_t pid = child_start(child_sleep, NULL);
	int pidfd = -1, copy = -1, order = 9;
	struct err err = {0};

	CHECK_INT(pidfd_open_task(pid, 0, &pidfd, &err), 0);
	CHECK_INT(pidfd_copy_file(pidfd, pid, 0, &copy, &err), 0);
	CHECK_INT(fcntl(copy, F_GETFD), FD_CLOEXEC);
	CHECK_INT(kcmp_compare(getpid(), pid, KCMP_FILE, (uint64_t)copy, 0,
			  &order, &err),
		0);
	CHECK_INT(order, 0);
	CHECK_STR(err.text, "");
	close(copy);
	CHECK_INT(pidfd_copy_file(pidfd, pid, 900, &copy, &err), -EBADF);
	CHECK(strstr(err.text, "copying fd 900 of process"));
	CHECK_INT(pidfd_kill(pidfd, pid, SIGKILL, &err), 0);
	child_end(&pid);
	CHECK_INT(pidfd_kill(pidfd, pid, SIGKILL, &err), -ESRCH);
	CHECK_INT(pidfd_open_task(1 << 22 | 5, 0, &copy, &err), -ESRCH);
	pid = -1;
	close(pidfd);
}

/* A pid that was just given back. */
static pid_t free_pid(void)
{
	pid_t pid = fork();

	if (!pid)
		_exit(0);
	waitpid(pid, NULL, 0);
	return pid;
}

TEST(a_child_can_be_given_its_pid)
{
	pid_t want = free_pid(), got = -1;
	int pidfd = -1, status = 0;
	struct clone3_wish wish = {
		.flags = CLONE_PIDFD,
		.set_tid = &want,
		.set_tid_n = 1,
		.exit_signal = SIGCHLD,
		.ret_pidfd = &pidfd,
	};
	struct err err = {0};

	if (!caps_have(CAP_SYS_ADMIN)) {
		test_skip("choosing pids needs CAP_SYS_ADMIN");
		return;
	}
	CHECK_INT(clone3_fork(&wish, &got, &err), 0);
	if (!got)
		_exit(getpid() == want ? 7 : 8);
	CHECK_STR(err.text, "");
	CHECK_INT(got, want);
	CHECK(pidfd >= 0);
	CHECK_INT(waitpid(got, &status, 0), got);
	CHECK_INT(WEXITSTATUS(status), 7);
	close(pidfd);
}

TEST(a_pid_that_is_taken_is_said_to_be)
{
	pid_t want = getpid(), got = -1;
	struct clone3_wish wish = {
		.set_tid = &want, .set_tid_n = 1, .exit_signal = SIGCHLD};
	struct err err = {0};

	if (!caps_have(CAP_SYS_ADMIN)) {
		test_skip("choosing pids needs CAP_SYS_ADMIN");
		return;
	}
	CHECK_INT(clone3_fork(&wish, &got, &err), -EEXIST);
	CHECK_INT(got, -1);
	CHECK(strstr(err.text, "making process "));
	CHECK(strstr(err.hint, "another process or thread has that pid"));
	wish.flags = CLONE_VM;
	CHECK_INT(clone3_fork(&wish, &got, &err), -EINVAL);
}

TEST(scheduling_is_read_and_written)
{
	_cleanup_arena_ struct arena *arena = arena_new();
	_cleanup_child_ pid_t pid = child_start(child_sleep, NULL);
	struct sched_attrs attrs = {0};
	uint64_t *words, *again;
	struct err err = {0};
	int ioprio = -1;
	size_t n, m;

	CHECK_INT(sched_attrs_read(pid, &attrs, &err), 0);
	CHECK_INT(attrs.policy, SCHED_OTHER);
	attrs.policy = SCHED_BATCH;
	attrs.nice += 3;
	CHECK_INT(sched_attrs_write(pid, &attrs, &err), 0);
	CHECK_INT(sched_attrs_read(pid, &attrs, &err), 0);
	CHECK_INT(attrs.policy, SCHED_BATCH);
	CHECK_INT(sched_ioprio_write(pid, 2 << 13 | 6, &err), 0);
	CHECK_INT(sched_ioprio_read(pid, &ioprio, &err), 0);
	CHECK_INT(ioprio, 2 << 13 | 6);
	CHECK_INT(sched_affinity_read(arena, pid, &words, &n, &err), 0);
	CHECK(n);
	for (size_t i = 0; i < n; i++) {
		/* Only its lowest CPU. */
		words[i] &= -words[i];
		if (words[i])
			memset(words + i + 1, 0, (n - i - 1) * sizeof(*words));
	}
	CHECK_INT(sched_affinity_write(pid, words, n, &err), 0);
	CHECK_INT(sched_affinity_read(arena, pid, &again, &m, &err), 0);
	CHECK_INT(m, n);
	CHECK_MEM(again, words, n * sizeof(*words));
	CHECK_STR(err.text, "");
	CHECK_INT(sched_attrs_read(1 << 22 | 5, &attrs, &err), -ESRCH);
}

TEST(capabilities_are_those_that_proc_shows)
{
	_cleanup_arena_ struct arena *arena = arena_new();
	_cleanup_proc_ struct proc self = PROC_CLOSED;
	struct proc_status status;
	struct caps caps;

	REQUIRE(!proc_open(getpid(), &self, ERR_UNREAD));
	REQUIRE(!proc_status_read(arena, &self, 0, &status, ERR_UNREAD));
	CHECK_INT(caps_read(&caps, ERR_UNREAD), 0);
	CHECK_INT(caps.effective, status.cap_eff);
	CHECK_INT(caps.permitted, status.cap_prm);
	CHECK_INT(caps.inheritable, status.cap_inh);
	for (int cap = 0; cap < 64; cap++)
		CHECK_INT(caps_have(cap), !!(status.cap_eff & 1ull << cap));
	CHECK_STR(caps_name(CAP_SYS_ADMIN), "CAP_SYS_ADMIN");
	CHECK_STR(caps_name(CAP_CHECKPOINT_RESTORE), "CAP_CHECKPOINT_RESTORE");
	CHECK_STR(caps_name(CAP_NET_ADMIN), "CAP_NET_ADMIN");
	CHECK_STR(caps_name(63), "an unknown capability");
	CHECK_STR(caps_name(-1), "an unknown capability");
}

static size_t open_fds(void)
{
	_cleanup_arena_ struct arena *arena = arena_new();
	_cleanup_proc_ struct proc self = PROC_CLOSED;
	size_t n = 0;
	int *fds;

	proc_open(getpid(), &self, ERR_UNREAD);
	proc_list_fds(arena, &self, &fds, &n, ERR_UNREAD);
	return n;
}

TEST(features_are_probed_once_and_leave_nothing_behind)
{
	struct kernel_features features = {0}, again;
	size_t fds = open_fds();

	for (int i = 0; i < FEATURE_COUNT; i++) {
		bool have = features_have(&features, i);

		CHECK_INT(features.known[i], have ? 2 : 1);
		CHECK(features_name(i)[0] != '\0');
	}
	again = features;
	CHECK_INT(open_fds(), fds);
	CHECK_INT(waitpid(-1, NULL, WNOHANG), -1);
	/* What is known is believed. */
	again.known[FEATURE_KCMP] = 1;
	CHECK(!features_have(&again, FEATURE_KCMP));
	again.known[FEATURE_KCMP] = 2;
	CHECK(features_have(&again, FEATURE_KCMP));
	/* These every kernel has that this program runs on. */
	CHECK(features_have(&features, FEATURE_MEMFD));
	CHECK(features_have(&features, FEATURE_OPENAT2));
	CHECK(features_have(&features, FEATURE_PIDFD_OPEN));
	CHECK(features_have(&features, FEATURE_PIDFD_GETFD));
}
