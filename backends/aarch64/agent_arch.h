/* SPDX-License-Identifier: GPL-2.0-or-later */
/* agent_arch: how the agent makes system calls on aarch64. */
#ifndef STASIS_AARCH64_AGENT_ARCH_H
#define STASIS_AARCH64_AGENT_ARCH_H

#include <asm/sigcontext.h>
#include <asm/signal.h>
#include <asm/ucontext.h>
#include <stdint.h>

/* clone3 whose child plays tape on its own stack and then traps. */
int64_t agent_clone(uint64_t args, uint64_t size, uint64_t tape);
/* The trap instruction, and back. */
void agent_trap(void);

static inline int64_t agent_syscall6(uint64_t nr, uint64_t a0, uint64_t a1,
	uint64_t a2, uint64_t a3, uint64_t a4, uint64_t a5)
{
	register uint64_t x8 __asm__("x8") = nr;
	register uint64_t x0 __asm__("x0") = a0;
	register uint64_t x1 __asm__("x1") = a1;
	register uint64_t x2 __asm__("x2") = a2;
	register uint64_t x3 __asm__("x3") = a3;
	register uint64_t x4 __asm__("x4") = a4;
	register uint64_t x5 __asm__("x5") = a5;

	__asm__ volatile("svc #0"
			 : "+r"(x0)
			 : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5)
			 : "memory", "cc");
	return (int64_t)x0;
}

/* The kernel's struct ucontext. gpr is struct user_pt_regs. */
static inline void agent_frame_fill(
	void *context, const uint64_t *gpr, uint64_t sigmask)
{
	struct ucontext *uc = context;

	for (int i = 0; i < 31; i++)
		uc->uc_mcontext.regs[i] = gpr[i];
	uc->uc_mcontext.sp = gpr[31];
	uc->uc_mcontext.pc = gpr[32];
	uc->uc_mcontext.pstate = gpr[33];
	__builtin_memcpy(&uc->uc_sigmask, &sigmask, sizeof(sigmask));
}

static inline const void *agent_frame_stack(const void *context)
{
	return &((const struct ucontext *)context)->uc_stack;
}

/* pc is at the brk. */
static inline void agent_frame_rewind(const void *info, void *context)
{
	(void)info, (void)context;
}

#endif
