/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/ending.h"

#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>

/* The C library's sigabbrev_np is younger than some of them. */
static const char *const names[] = {
	[SIGHUP] = "SIGHUP",
	[SIGINT] = "SIGINT",
	[SIGQUIT] = "SIGQUIT",
	[SIGILL] = "SIGILL",
	[SIGTRAP] = "SIGTRAP",
	[SIGABRT] = "SIGABRT",
	[SIGBUS] = "SIGBUS",
	[SIGFPE] = "SIGFPE",
	[SIGKILL] = "SIGKILL",
	[SIGUSR1] = "SIGUSR1",
	[SIGSEGV] = "SIGSEGV",
	[SIGUSR2] = "SIGUSR2",
	[SIGPIPE] = "SIGPIPE",
	[SIGALRM] = "SIGALRM",
	[SIGTERM] = "SIGTERM",
	[SIGSTKFLT] = "SIGSTKFLT",
	[SIGCHLD] = "SIGCHLD",
	[SIGCONT] = "SIGCONT",
	[SIGSTOP] = "SIGSTOP",
	[SIGTSTP] = "SIGTSTP",
	[SIGTTIN] = "SIGTTIN",
	[SIGTTOU] = "SIGTTOU",
	[SIGURG] = "SIGURG",
	[SIGXCPU] = "SIGXCPU",
	[SIGXFSZ] = "SIGXFSZ",
	[SIGVTALRM] = "SIGVTALRM",
	[SIGPROF] = "SIGPROF",
	[SIGWINCH] = "SIGWINCH",
	[SIGIO] = "SIGIO",
	[SIGPWR] = "SIGPWR",
	[SIGSYS] = "SIGSYS",
};

const char *signal_label(int sig, char ret[SIGNAL_LABEL])
{
	const char *name =
		sig > 0 && sig < (int)(sizeof(names) / sizeof(*names))
			? names[sig]
			: NULL;

	if (name)
		snprintf(ret, SIGNAL_LABEL, "signal %d (%s)", sig, name);
	else
		snprintf(ret, SIGNAL_LABEL, "signal %d", sig);
	return ret;
}

const char *ending_label(int status, char ret[ENDING_LABEL])
{
	char label[SIGNAL_LABEL];

	if (WIFEXITED(status))
		snprintf(ret, ENDING_LABEL, "exit status %d",
			WEXITSTATUS(status));
	else if (WIFSTOPPED(status))
		snprintf(ret, ENDING_LABEL, "stopped by %s",
			signal_label(WSTOPSIG(status), label));
	else
		snprintf(ret, ENDING_LABEL, "%s",
			signal_label(WTERMSIG(status), label));
	return ret;
}
