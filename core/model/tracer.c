/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "model/tracer.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "kernel/pidfd.h"

/* What comes back, in memory that both share. */
struct outcome {
	uint32_t done; /* 1: all else is set */
	int code;
	struct err err;
	struct stats stats;
	int script_status;
	bool scripts_decide;
};

static struct outcome *outcome_new(struct err *err)
{
	struct outcome *outcome = mmap(NULL, sizeof(*outcome),
		PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (outcome != MAP_FAILED)
		return outcome;
	err_errno(err, "mapping a page to share with the tracing process");
	return NULL;
}

static void outcome_store(
	struct outcome *outcome, const struct run *run, int code)
{
	outcome->code = code;
	outcome->stats = run->stats;
	outcome->script_status = run->script_status;
	outcome->scripts_decide = run->scripts_decide;
	__atomic_store_n(&outcome->done, 1, __ATOMIC_RELEASE);
}

struct tracer_life {
	struct run *run;
	struct outcome *outcome;
};

static int outcome_take(const struct outcome *outcome, struct run *run,
	pid_t pid, struct err *err)
{
	if (!__atomic_load_n(&outcome->done, __ATOMIC_ACQUIRE)) {
		err_set(err, EOWNERDEAD,
			"the process that traces for this program, %d, was "
			"killed before its work was done",
			pid);
		return err_hint(err, "see who kills processes here (the "
				     "kernel, when memory is short), and look "
				     "at the tasks: they should run on");
	}
	run->stats = outcome->stats;
	run->script_status = outcome->script_status;
	run->scripts_decide = outcome->scripts_decide;
	if (outcome->code)
		*err = outcome->err;
	return outcome->code;
}

static void tracer_end(void *of) __attribute__((noreturn));
static void tracer_end(void *of)
{
	struct tracer_life *life = of;

	outcome_store(life->outcome, life->run,
		run_no_memory(
			arena_failed(life->run->arena), &life->outcome->err));
	_exit(0);
}

/* All signals are blocked since before the fork. */
static void tracer_live(struct run *run, pid_t program,
	int (*work)(void *of, struct err *err), void *of,
	struct outcome *outcome) __attribute__((noreturn));
static void tracer_live(struct run *run, pid_t program,
	int (*work)(void *of, struct err *err), void *of,
	struct outcome *outcome)
{
	struct tracer_life life = {run, outcome};
	struct arena_end end = {.undo = tracer_end, .of = &life};

	setsid();
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	/* It may have died before it was to be told. */
	if (getppid() != program)
		raise(SIGTERM);
	run->program = program;
	arena_end_push(run->arena, &end);
	outcome_store(outcome, run, work(of, &outcome->err));
	_exit(0);
}

/* The first of INT and TERM is passed on, and stays pending here. */
static void signal_forward(int pidfd, pid_t pid)
{
	sigset_t pending;
	int sig;

	if (sigpending(&pending))
		return;
	sig = sigismember(&pending, SIGINT) == 1 ? SIGINT : SIGTERM;
	pidfd_kill(pidfd, pid, sig, ERR_UNREAD);
}

static void tracer_await(pid_t pid)
{
	struct pollfd wait_for[2] = {{.events = POLLIN}, {.events = POLLIN}};
	_cleanup_fd_ int pidfd = -1, signals = -1;
	sigset_t patient;

	sigemptyset(&patient);
	sigaddset(&patient, SIGINT);
	sigaddset(&patient, SIGTERM);
	signals = signalfd(-1, &patient, SFD_CLOEXEC | SFD_NONBLOCK);
	if (!pidfd_open_task(pid, 0, &pidfd, ERR_UNREAD)) {
		wait_for[0].fd = pidfd;
		wait_for[1].fd = signals;
		while (!wait_for[0].revents) {
			if (poll(wait_for, 2, -1) < 0 && errno != EINTR)
				break;
			if (!wait_for[1].revents)
				continue;
			signal_forward(pidfd, pid);
			wait_for[1] = (struct pollfd){.fd = -1};
		}
	}
	/* Where SIGCHLD is ignored nothing is left to be reaped. */
	while (waitpid(pid, NULL, __WALL) < 0 && errno == EINTR)
		;
}

static pid_t tracer_fork(struct run *run,
	int (*work)(void *of, struct err *err), void *of,
	struct outcome *outcome, struct err *err)
{
	pid_t program = getpid(), pid;
	sigset_t all, mask;

	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &mask);
	pid = fork();
	if (!pid)
		tracer_live(run, program, work, of, outcome);
	if (pid < 0)
		err_errno(err, "making the process that traces");
	sigprocmask(SIG_SETMASK, &mask, NULL);
	return pid;
}

int tracer_run(struct run *run, int (*work)(void *of, struct err *err),
	void *of, struct err *err)
{
	struct outcome *outcome = outcome_new(err);
	pid_t pid;
	int code;

	if (!outcome)
		return -ENOMEM;
	pid = tracer_fork(run, work, of, outcome, err);
	if (pid < 0) {
		code = -EAGAIN;
	} else {
		log_debug("process %d traces", pid);
		tracer_await(pid);
		code = outcome_take(outcome, run, pid, err);
	}
	munmap(outcome, sizeof(*outcome));
	return code;
}
