/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Runs on a guarded control stack, where the machine has such. Whoever
 * switches it on must not return: nothing below is on that stack.
 */
#include "checkpoint.h"

enum { PRCTL_GET_STATUS = 74, PRCTL_SET_STATUS = 75, STATUS_ON = 1 };

#ifdef __aarch64__
/* Without a call, which would return. */
static inline __attribute__((always_inline)) long stack_guard(void)
{
	register long x0 __asm__("x0") = PRCTL_SET_STATUS;
	register long x1 __asm__("x1") = STATUS_ON;
	register long x2 __asm__("x2") = 0;
	register long x3 __asm__("x3") = 0;
	register long x4 __asm__("x4") = 0;
	register long x8 __asm__("x8") = SYS_prctl;

	__asm__ volatile("svc #0"
			 : "+r"(x0)
			 : "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x8)
			 : "memory");
	return x0;
}
#else
static inline long stack_guard(void)
{
	return -ENOSYS;
}
#endif

int main(void)
{
	unsigned long status = 0;

	if (stack_guard())
		checkpoint_skip("no guarded control stacks here");
	checkpoint_here();
	CHECK_SYS(prctl(PRCTL_GET_STATUS, &status, 0, 0, 0));
	CHECK_INT(status, STATUS_ON);
	checkpoint_ok();
}
