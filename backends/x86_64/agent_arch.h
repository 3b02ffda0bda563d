/* SPDX-License-Identifier: GPL-2.0-or-later */
/* agent_arch: how the agent makes system calls on x86_64. */
#ifndef STASIS_X86_64_AGENT_ARCH_H
#define STASIS_X86_64_AGENT_ARCH_H

#include <asm/sigcontext.h>
#include <asm/siginfo.h>
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
	register uint64_t r10 __asm__("r10") = a3;
	register uint64_t r8 __asm__("r8") = a4;
	register uint64_t r9 __asm__("r9") = a5;
	int64_t result;

	__asm__ volatile(
		"syscall"
		: "=a"(result)
		: "a"(nr), "D"(a0), "S"(a1), "d"(a2), "r"(r10), "r"(r8), "r"(r9)
		: "rcx", "r11", "memory", "cc");
	return result;
}

/* The kernel's struct ucontext: flags, link, stack, registers, mask. gpr is
 * struct user_regs_struct. */
static inline void agent_frame_fill(
	void *context, const uint64_t *gpr, uint64_t sigmask)
{
	struct ucontext *uc = context;
	struct sigcontext *to = &uc->uc_mcontext;

	to->r15 = gpr[0];
	to->r14 = gpr[1];
	to->r13 = gpr[2];
	to->r12 = gpr[3];
	to->rbp = gpr[4];
	to->rbx = gpr[5];
	to->r11 = gpr[6];
	to->r10 = gpr[7];
	to->r9 = gpr[8];
	to->r8 = gpr[9];
	to->rax = gpr[10];
	to->rcx = gpr[11];
	to->rdx = gpr[12];
	to->rsi = gpr[13];
	to->rdi = gpr[14];
	to->rip = gpr[16];
	to->eflags = gpr[18];
	to->rsp = gpr[19];
	uc->uc_sigmask = sigmask;
}

static inline const void *agent_frame_stack(const void *context)
{
	return &((const struct ucontext *)context)->uc_stack;
}

/* int3 leaves ip behind itself; what was sent is no trap. */
static inline void agent_frame_rewind(const void *info, void *context)
{
	struct ucontext *uc = context;

	if (((const siginfo_t *)info)->si_code > 0)
		uc->uc_mcontext.rip--;
}

#endif
