/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Signal actions with handler, flags and mask stay. */
#include "checkpoint.h"

/* Set by the C library on some machines, and of no meaning without handler. */
#define SA_RESTORED 0x04000000

static volatile int handled;

static void plain(int number)
{
	handled = number;
}

static void rich(int number, siginfo_t *info, void *context)
{
	(void)context;
	handled = number + info->si_value.sival_int;
}

static void action_same(int number, const struct sigaction *want)
{
	struct sigaction got;

	CHECK_SYS(sigaction(number, NULL, &got));
	if (got.sa_handler != want->sa_handler)
		FAIL("signal %d has handler %p, not %p", number,
			(void *)(uintptr_t)got.sa_handler,
			(void *)(uintptr_t)want->sa_handler);
	CHECK_INT(got.sa_flags & ~SA_RESTORED, want->sa_flags & ~SA_RESTORED);
	CHECK(memcmp(&got.sa_mask, &want->sa_mask, 8) == 0);
}

int main(void)
{
	struct sigaction first = {
		.sa_handler = plain, .sa_flags = SA_RESTART | SA_NODEFER};
	struct sigaction second = {
		.sa_sigaction = rich, .sa_flags = SA_SIGINFO | SA_RESETHAND};
	struct sigaction ignored = {.sa_handler = SIG_IGN};
	struct sigaction standard = {.sa_handler = SIG_DFL};

	sigaddset(&second.sa_mask, SIGCHLD);
	sigaddset(&second.sa_mask, SIGRTMAX);
	CHECK_SYS(sigaction(SIGUSR1, &first, NULL));
	CHECK_SYS(sigaction(SIGRTMIN + 3, &second, NULL));
	CHECK_SYS(sigaction(SIGPIPE, &ignored, NULL));
	CHECK_SYS(sigaction(SIGTRAP, &ignored, NULL));
	CHECK_SYS(sigaction(SIGRTMIN + 3, NULL, &second));
	CHECK_SYS(sigaction(SIGUSR1, NULL, &first));
	checkpoint_here();
	action_same(SIGUSR1, &first);
	action_same(SIGRTMIN + 3, &second);
	action_same(SIGPIPE, &ignored);
	action_same(SIGTRAP, &ignored);
	action_same(SIGUSR2, &standard);
	raise(SIGUSR1);
	CHECK_INT(handled, SIGUSR1);
	sigqueue(getpid(), SIGRTMIN + 3, (union sigval){.sival_int = 1000});
	CHECK_INT(handled, SIGRTMIN + 3 + 1000);
	checkpoint_ok();
}
