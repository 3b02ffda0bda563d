/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Stops come back by their signal, told or untold, and continuations too. */
#include "checkpoint.h"

static const struct way {
	int sig, threads;
	bool told, continued;
} ways[] = {
	{SIGSTOP, 0, false, false},
	{SIGSTOP, 0, true, false},
	{SIGTSTP, 0, false, false},
	{SIGTSTP, 0, true, false},
	{SIGTTIN, 2, false, false},
	{SIGTTOU, 2, true, false},
	{SIGTSTP, 0, false, true},
	{SIGTSTP, 0, true, true},
};
enum { WAYS = COUNT_OF(ways) };

static volatile int signals;

static void on_child(int sig)
{
	(void)sig;
	signals++;
}

static void *sleeper(void *arg)
{
	for (;;)
		pause();
	return arg;
}

static void child(int number)
{
	setpgid(0, 0);
	for (int i = 0; i < ways[number].threads; i++)
		thread_start(sleeper, NULL);
	peer_up(number);
	for (;;)
		pause();
}

static char state_of(pid_t pid)
{
	char path[64], line[128];

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	file_line(path, "State:", line, sizeof(line));
	return line[7];
}

static int peek(pid_t pid, int more, siginfo_t *ret)
{
	memset(ret, 0, sizeof(*ret));
	return waitid(
		P_PID, (id_t)pid, ret, WSTOPPED | WCONTINUED | WNOHANG | more);
}

static void take(pid_t pid, int code)
{
	siginfo_t info;

	do
		CHECK_SYS(waitid(P_PID, (id_t)pid, &info,
			WSTOPPED | WCONTINUED | WNOWAIT));
	while (info.si_code != code);
	CHECK_SYS(peek(pid, 0, &info));
}

static void way_begin(pid_t pid, const struct way *way)
{
	siginfo_t info;

	CHECK_SYS(kill(pid, way->sig));
	CHECK_SYS(waitid(P_PID, (id_t)pid, &info, WSTOPPED | WNOWAIT));
	if (way->continued) {
		CHECK_SYS(kill(pid, SIGCONT));
		CHECK_SYS(
			waitid(P_PID, (id_t)pid, &info, WCONTINUED | WNOWAIT));
	}
	if (way->told)
		take(pid, way->continued ? CLD_CONTINUED : CLD_STOPPED);
}

static void way_verify(pid_t pid, const struct way *way)
{
	siginfo_t info;

	for (int i = 0; i < 1000 && state_of(pid) == 'R'; i++)
		checkpoint_nap();
	CHECK_INT(state_of(pid), way->continued ? 'S' : 'T');
	CHECK_SYS(peek(pid, 0, &info));
	CHECK_INT(info.si_pid, way->told ? 0 : pid);
	if (!way->told) {
		CHECK_INT(info.si_code,
			way->continued ? CLD_CONTINUED : CLD_STOPPED);
		CHECK_INT(info.si_status, way->continued ? SIGCONT : way->sig);
	}
	if (!way->continued) {
		CHECK_SYS(kill(pid, SIGCONT));
		take(pid, CLD_CONTINUED);
	}
	CHECK_SYS(kill(pid, SIGKILL));
	CHECK_SYS(waitid(P_PID, (id_t)pid, &info, WEXITED));
	CHECK_INT(info.si_code, CLD_KILLED);
}

int main(void)
{
	pid_t pids[WAYS];

	for (int i = 0; i < WAYS; i++)
		pids[i] = child_start(child, i);
	peers_wait(WAYS);
	for (int i = 0; i < WAYS; i++)
		way_begin(pids[i], &ways[i]);
	/* The signal may come a moment after the news. */
	for (int i = 0; i < 20; i++)
		checkpoint_nap();
	signal(SIGCHLD, on_child);
	checkpoint_here();
	CHECK_INT(signals, 0);
	signal(SIGCHLD, SIG_DFL);
	for (int i = 0; i < WAYS; i++)
		way_verify(pids[i], &ways[i]);
	checkpoint_ok();
}
