/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Every thread keeps its alternate signal stack. */
#include "checkpoint.h"

static volatile int thread_up, thread_go;
static char stacks[2][65536] __attribute__((aligned(4096)));
static volatile uintptr_t handler_at;

static void handler(int number)
{
	char here;

	(void)number;
	handler_at = (uintptr_t)&here;
}

static void stack_set(int number)
{
	stack_t stack = {.ss_sp = stacks[number],
		.ss_size = 32768 + 4096 * (size_t)number};

	CHECK_SYS(sigaltstack(&stack, NULL));
}

static void stack_verify(int number)
{
	uintptr_t base = (uintptr_t)stacks[number];
	stack_t got;

	CHECK_SYS(sigaltstack(NULL, &got));
	CHECK(got.ss_sp == stacks[number]);
	CHECK_INT(got.ss_size, 32768 + 4096 * number);
	CHECK_INT(got.ss_flags, 0);
	raise(SIGUSR1);
	CHECK(handler_at > base && handler_at < base + got.ss_size);
}

static void *body(void *arg)
{
	stack_set(1);
	thread_up = 1;
	while (!thread_go)
		checkpoint_nap();
	stack_verify(1);
	return arg;
}

int main(void)
{
	struct sigaction action = {
		.sa_handler = handler, .sa_flags = SA_ONSTACK};
	pthread_t thread;

	CHECK_SYS(sigaction(SIGUSR1, &action, NULL));
	stack_set(0);
	thread = thread_start(body, NULL);
	while (!thread_up)
		checkpoint_nap();
	checkpoint_here();
	stack_verify(0);
	thread_go = 1;
	thread_join(thread);
	checkpoint_ok();
}
