/* SPDX-License-Identifier: GPL-2.0-or-later */
/* General registers of a spinning thread keep their values. */
#include "checkpoint.h"

#ifdef __x86_64__
uint64_t regs_want[15], regs_got[15];
volatile int regs_stop, regs_started;
void regs_spin(void);

/* No register is free while it spins: only memory operands. */
__asm__(".text\n"
	"regs_spin:\n"
	"push %rbx\n push %rbp\n push %r12\n push %r13\n push %r14\n"
	"push %r15\n"
	"mov regs_want+0(%rip), %rax\n mov regs_want+8(%rip), %rbx\n"
	"mov regs_want+16(%rip), %rcx\n mov regs_want+24(%rip), %rdx\n"
	"mov regs_want+32(%rip), %rsi\n mov regs_want+40(%rip), %rdi\n"
	"mov regs_want+48(%rip), %rbp\n mov regs_want+56(%rip), %r8\n"
	"mov regs_want+64(%rip), %r9\n mov regs_want+72(%rip), %r10\n"
	"mov regs_want+80(%rip), %r11\n mov regs_want+88(%rip), %r12\n"
	"mov regs_want+96(%rip), %r13\n mov regs_want+104(%rip), %r14\n"
	"mov regs_want+112(%rip), %r15\n"
	"movl $1, regs_started(%rip)\n"
	"1: cmpl $0, regs_stop(%rip)\n"
	"je 1b\n"
	"mov %rax, regs_got+0(%rip)\n mov %rbx, regs_got+8(%rip)\n"
	"mov %rcx, regs_got+16(%rip)\n mov %rdx, regs_got+24(%rip)\n"
	"mov %rsi, regs_got+32(%rip)\n mov %rdi, regs_got+40(%rip)\n"
	"mov %rbp, regs_got+48(%rip)\n mov %r8, regs_got+56(%rip)\n"
	"mov %r9, regs_got+64(%rip)\n mov %r10, regs_got+72(%rip)\n"
	"mov %r11, regs_got+80(%rip)\n mov %r12, regs_got+88(%rip)\n"
	"mov %r13, regs_got+96(%rip)\n mov %r14, regs_got+104(%rip)\n"
	"mov %r15, regs_got+112(%rip)\n"
	"pop %r15\n pop %r14\n pop %r13\n pop %r12\n pop %rbp\n pop %rbx\n"
	"ret\n");

static void *spinner(void *arg)
{
	regs_spin();
	return arg;
}

int main(void)
{
	pthread_t thread;

	for (size_t i = 0; i < COUNT_OF(regs_want); i++)
		regs_want[i] = mem_word(7, i);
	thread = thread_start(spinner, NULL);
	while (!regs_started)
		checkpoint_nap();
	checkpoint_here();
	regs_stop = 1;
	thread_join(thread);
	for (size_t i = 0; i < COUNT_OF(regs_want); i++)
		CHECK_INT(regs_got[i], regs_want[i]);
	checkpoint_ok();
}
#else
int main(void)
{
	checkpoint_skip("the loop is written for x86_64");
}
#endif
