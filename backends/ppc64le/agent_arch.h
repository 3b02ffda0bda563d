/* SPDX-License-Identifier: GPL-2.0-or-later */
/* agent_arch: how the agent makes system calls on ppc64le. */
#ifndef STASIS_PPC64LE_AGENT_ARCH_H
#define STASIS_PPC64LE_AGENT_ARCH_H

#include <asm/ptrace.h>
#include <asm/sigcontext.h>
#include <asm/signal.h>
#include <asm/ucontext.h>
#include <stdint.h>

/* sc, not scv: it works on every machine and kernel. It reports an error as
 * a positive number and the summary overflow bit of cr0. */
static inline int64_t agent_syscall6(uint64_t nr, uint64_t a0, uint64_t a1,
	uint64_t a2, uint64_t a3, uint64_t a4, uint64_t a5)
{
	register uint64_t r0 __asm__("r0") = nr;
	register uint64_t r3 __asm__("r3") = a0;
	register uint64_t r4 __asm__("r4") = a1;
	register uint64_t r5 __asm__("r5") = a2;
	register uint64_t r6 __asm__("r6") = a3;
	register uint64_t r7 __asm__("r7") = a4;
	register uint64_t r8 __asm__("r8") = a5;

	__asm__ volatile(
		"sc\n\tbns+ 1f\n\tneg %1, %1\n1:"
		: "+r"(r0), "+r"(r3), "+r"(r4), "+r"(r5), "+r"(r6), "+r"(r7),
		"+r"(r8)
		:
		: "r9", "r10", "r11", "r12", "cr0", "ctr", "xer", "memory");
	return (int64_t)r3;
}

/* clone3 whose child plays tape on its own stack and then traps. A call that
 * the compiler does not see: it would set up a TOC for it. */
static inline int64_t agent_clone(uint64_t args, uint64_t size, uint64_t tape)
{
	register uint64_t r3 __asm__("r3") = args;
	register uint64_t r4 __asm__("r4") = size;
	register uint64_t r5 __asm__("r5") = tape;

	__asm__ volatile("bl agent_clone_raw"
			 : "+r"(r3), "+r"(r4), "+r"(r5)
			 :
			 : "r0", "r6", "r7", "r8", "r9", "r10", "r11", "r12",
			 "r31", "cr0", "lr", "ctr", "xer", "memory");
	return (int64_t)r3;
}

/* The coordinator steps nip over it to go on. */
static inline void agent_trap(void)
{
	__asm__ volatile("trap" : : : "memory");
}

/* The kernel's struct ucontext. gpr is struct pt_regs. The frame's own MSR says
 * which vector registers are in the frame. */
static inline void agent_frame_fill(
	void *context, const uint64_t *gpr, uint64_t sigmask)
{
	struct ucontext *uc = context;

	for (int i = 0; i < 48; i++)
		if (i != PT_MSR)
			uc->uc_mcontext.gp_regs[i] = gpr[i];
	__builtin_memcpy(&uc->uc_sigmask, &sigmask, sizeof(sigmask));
}

static inline const void *agent_frame_stack(const void *context)
{
	return &((const struct ucontext *)context)->uc_stack;
}

/* nip is at the trap. */
static inline void agent_frame_rewind(const void *info, void *context)
{
	(void)info, (void)context;
}

#endif
