/* SPDX-License-Identifier: GPL-2.0-or-later */
/* agent_arch: how the agent makes system calls on x86_64. */
#ifndef STASIS_X86_64_AGENT_ARCH_H
#define STASIS_X86_64_AGENT_ARCH_H

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

#endif
