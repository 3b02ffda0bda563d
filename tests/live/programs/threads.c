/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Many threads keep their tids, names, stacks and thread-local memory. */
#include "checkpoint.h"

#define COUNT 64

static __thread uint64_t own_word;
static volatile int threads_up, threads_go;

static void *body(void *arg)
{
	long number = (long)arg;
	uint64_t stack_words[64];
	pid_t tid = thread_tid();
	char name[16], got[16];

	own_word = mem_word(3, (size_t)number);
	mem_fill(stack_words, sizeof(stack_words), (uint64_t)number);
	snprintf(name, sizeof(name), "worker-%ld", number);
	CHECK_SYS(prctl(PR_SET_NAME, name));
	__sync_fetch_and_add(&threads_up, 1);
	while (!threads_go)
		checkpoint_nap();
	CHECK_INT(thread_tid(), tid);
	CHECK_INT(own_word, mem_word(3, (size_t)number));
	mem_verify(stack_words, sizeof(stack_words), (uint64_t)number, "stack");
	CHECK_SYS(prctl(PR_GET_NAME, got));
	CHECK_STR(got, name);
	return arg;
}

int main(void)
{
	pthread_t threads[COUNT];

	for (long i = 0; i < COUNT; i++)
		threads[i] = thread_start(body, (void *)i);
	while (threads_up != COUNT)
		checkpoint_nap();
	checkpoint_here();
	threads_go = 1;
	for (int i = 0; i < COUNT; i++)
		thread_join(threads[i]);
	checkpoint_ok();
}
