/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A process dumped while it runs on its alternate stack gets back. */
#include "checkpoint.h"

static char stack_area[131072] __attribute__((aligned(4096)));
static volatile int returned;

static void handler(int number)
{
	uintptr_t base = (uintptr_t)stack_area;
	sigset_t mask;
	stack_t got;
	char here;

	checkpoint_here();
	CHECK((uintptr_t)&here > base &&
		(uintptr_t)&here < base + sizeof(stack_area));
	CHECK_SYS(sigaltstack(NULL, &got));
	CHECK(got.ss_flags & SS_ONSTACK);
	sigprocmask(SIG_BLOCK, NULL, &mask);
	CHECK(sigismember(&mask, number));
	returned = 1;
}

int main(void)
{
	struct sigaction action = {
		.sa_handler = handler, .sa_flags = SA_ONSTACK};
	stack_t stack = {.ss_sp = stack_area, .ss_size = sizeof(stack_area)};
	stack_t got;
	sigset_t mask;
	double kept = 0.1 * getpid();

	CHECK_SYS(sigaltstack(&stack, NULL));
	CHECK_SYS(sigaction(SIGUSR1, &action, NULL));
	raise(SIGUSR1);
	CHECK_INT(returned, 1);
	CHECK_SYS(sigaltstack(NULL, &got));
	CHECK_INT(got.ss_flags, 0);
	sigprocmask(SIG_BLOCK, NULL, &mask);
	CHECK(!sigismember(&mask, SIGUSR1));
	CHECK(kept == 0.1 * getpid());
	checkpoint_ok();
}
