/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Probes of what can be asked of and done to a task. */
#include "check/probes.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/hw_breakpoint.h>
#include <linux/perf_event.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/fd.h"
#include "base/io.h"

static bool child_said_yes(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, __WALL) < 0)
		if (errno != EINTR)
			return false;
	return WIFEXITED(status) && !WEXITSTATUS(status);
}

/* It is nothing without us, whoever kills us. */
static void child_tie(pid_t parent)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1);
}

bool probe_in_child(bool (*probe)(void))
{
	pid_t self = getpid(), pid = fork();

	if (!pid) {
		child_tie(self);
		_exit(probe() ? 0 : 1);
	}
	return pid > 0 && child_said_yes(pid);
}

bool probe_on_child(bool (*act)(pid_t child, void *arg), void *arg)
{
	int status;
	bool yes;
	pid_t self = getpid(), pid = fork();

	if (!pid) {
		child_tie(self);
		pause();
		_exit(1);
	}
	if (pid < 0)
		return false;
	yes = !ptrace(PTRACE_SEIZE, pid, 0, 0) &&
	      !ptrace(PTRACE_INTERRUPT, pid, 0, 0) &&
	      waitpid(pid, &status, __WALL) == pid && WIFSTOPPED(status) &&
	      act(pid, arg);
	kill(pid, SIGKILL);
	waitpid(pid, &status, __WALL);
	return yes;
}

bool probe_file_has(const char *path, const char *words)
{
	_cleanup_arena_ struct arena *arena = arena_new();
	size_t size;
	char *text;

	return !io_read_file(arena, AT_FDCWD, path, &text, &size) &&
	       strstr(text, words);
}

static bool child_is_stopped(pid_t child, void *arg)
{
	uint64_t mask;

	(void)arg;
	return !ptrace(PTRACE_GETSIGMASK, child, sizeof(mask), &mask);
}

bool probe_ptrace_seize(void)
{
	return probe_on_child(child_is_stopped, NULL);
}

static bool child_seccomp_suspends(pid_t child, void *arg)
{
	(void)arg;
	return !ptrace(PTRACE_SETOPTIONS, child, 0, PTRACE_O_SUSPEND_SECCOMP);
}

bool probe_seccomp_suspend(void)
{
	return probe_on_child(child_seccomp_suspends, NULL);
}

/* The child has none: EINVAL or ENOENT. A kernel without: EIO. */
static bool child_shows_filters(pid_t child, void *arg)
{
	(void)arg;
	return ptrace(PTRACE_SECCOMP_GET_FILTER, child, 0, NULL) >= 0 ||
	       errno == EINVAL || errno == ENOENT;
}

bool probe_seccomp_filters(void)
{
	return probe_on_child(child_shows_filters, NULL);
}

static bool child_shows_rseq(pid_t child, void *arg)
{
	uint64_t conf[4];

	(void)arg;
	return ptrace(PTRACE_GET_RSEQ_CONFIGURATION, child, sizeof(conf),
		       conf) > 0;
}

bool probe_rseq_conf(void)
{
	return probe_on_child(child_shows_rseq, NULL);
}

bool probe_ns_pid(void)
{
	return probe_file_has("/proc/self/status", "\nNSpid:");
}

static bool loginuid_unset(void)
{
	char text[16] = "4294967295";

	return !io_write_text(AT_FDCWD, "/proc/self/loginuid", text);
}

bool probe_loginuid(void)
{
	return probe_in_child(loginuid_unset);
}

/* Stop before a function of ours; never reached while it stands. */
bool probe_breakpoints(void)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_BREAKPOINT,
		.size = sizeof(attr),
		.bp_type = HW_BREAKPOINT_X,
		.bp_addr = (uintptr_t)probe_breakpoints,
		.bp_len = sizeof(long),
		.disabled = 1,
		.exclude_kernel = 1,
	};
	_cleanup_fd_ int fd = (int)syscall(
		SYS_perf_event_open, &attr, 0, -1, -1, PERF_FLAG_FD_CLOEXEC);

	return fd >= 0;
}

static bool cgroupns_made(void)
{
	return !unshare(CLONE_NEWCGROUP);
}

bool probe_cgroupns(void)
{
	return probe_in_child(cgroupns_made);
}

static bool userns_made(void)
{
	return !unshare(CLONE_NEWUSER);
}

bool probe_userns(void)
{
	return probe_in_child(userns_made);
}
