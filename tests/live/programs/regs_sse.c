/* SPDX-License-Identifier: GPL-2.0-or-later */
/* SSE registers, MXCSR and the x87 stack of a spinning thread stay. */
#include "checkpoint.h"

#ifdef __x86_64__
uint64_t sse_want[32], sse_got[32];
uint32_t sse_mxcsr = 0x1f80 | 0x6000, sse_mxcsr_got;
uint16_t sse_control = 0x0e7f, sse_control_got;
double sse_stack[4] = {1.5, -2.25, 1e300, 3.75}, sse_stack_got[4];
volatile int sse_stop, sse_started;
void sse_spin(void);

__asm__(".text\n"
	"sse_spin:\n"
	"ldmxcsr sse_mxcsr(%rip)\n"
	"fldcw sse_control(%rip)\n"
	"fldl sse_stack+0(%rip)\n fldl sse_stack+8(%rip)\n"
	"fldl sse_stack+16(%rip)\n fldl sse_stack+24(%rip)\n"
	".irp n,0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15\n"
	"movdqu sse_want+16*\\n(%rip), %xmm\\n\n"
	".endr\n"
	"movl $1, sse_started(%rip)\n"
	"1: cmpl $0, sse_stop(%rip)\n"
	"je 1b\n"
	".irp n,0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15\n"
	"movdqu %xmm\\n, sse_got+16*\\n(%rip)\n"
	".endr\n"
	"fstpl sse_stack_got+24(%rip)\n fstpl sse_stack_got+16(%rip)\n"
	"fstpl sse_stack_got+8(%rip)\n fstpl sse_stack_got+0(%rip)\n"
	"stmxcsr sse_mxcsr_got(%rip)\n"
	"fnstcw sse_control_got(%rip)\n"
	"fninit\n"
	"ret\n");

static void *spinner(void *arg)
{
	sse_spin();
	return arg;
}

int main(void)
{
	pthread_t thread;

	for (size_t i = 0; i < COUNT_OF(sse_want); i++)
		sse_want[i] = mem_word(8, i);
	thread = thread_start(spinner, NULL);
	while (!sse_started)
		checkpoint_nap();
	checkpoint_here();
	sse_stop = 1;
	thread_join(thread);
	for (size_t i = 0; i < COUNT_OF(sse_want); i++)
		CHECK_INT(sse_got[i], sse_want[i]);
	for (size_t i = 0; i < COUNT_OF(sse_stack); i++)
		CHECK(sse_stack_got[i] == sse_stack[i]);
	CHECK_INT(sse_mxcsr_got, sse_mxcsr);
	CHECK_INT(sse_control_got, sse_control);
	checkpoint_ok();
}
#else
int main(void)
{
	checkpoint_skip("SSE is of x86_64");
}
#endif
