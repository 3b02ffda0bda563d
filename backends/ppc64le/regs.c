/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ppc64le/ppc64le.h"

#include <errno.h>

enum {
	ERESTARTSYS = 512,
	ERESTARTNOINTR = 513,
	ERESTARTNOHAND = 514,
	ERESTART_RESTARTBLOCK = 516,
	NR_RESTART_SYSCALL = 0,
	TRAP_SC = 0xc00,
	TRAP_SCV = 0x3000,
	TRAP_NORESTART = 1, /* the kernel has dealt with it */
	TRAP_FLAGS = 0xf,
	CCR_SO = 0x10000000, /* sc: r3 is a positive error */
	SC_SIZE = 4,
	/* A callee stores its return address above its caller's sp. */
	FRAME_SIZE = 64,
};

uint64_t ppc64le_reg_get(const void *gpr, enum reg r)
{
	const struct ppc64le_gpr *regs = gpr;

	switch (r) {
	case REG_PC:
		return regs->nip;
	case REG_SP:
		return regs->r[1];
	case REG_NR:
		return regs->r[0];
	case REG_RET:
		return regs->r[3];
	default:
		return regs->r[3 + r - REG_ARG0];
	}
}

void ppc64le_reg_set(void *gpr, enum reg r, uint64_t value)
{
	struct ppc64le_gpr *regs = gpr;

	switch (r) {
	case REG_PC:
		regs->nip = value;
		break;
	case REG_SP:
		regs->r[1] = value;
		break;
	case REG_NR:
		regs->r[0] = value;
		break;
	case REG_RET:
		regs->r[3] = value;
		break;
	default:
		regs->r[3 + r - REG_ARG0] = value;
	}
}

void ppc64le_call(void *gpr, uint64_t pc, uint64_t sp, uint64_t arg)
{
	struct ppc64le_gpr *regs = gpr;

	regs->nip = pc;
	/* ELFv2: a function may find its TOC by its own address in r12. */
	regs->r[12] = pc;
	regs->r[1] = (sp & ~(uint64_t)15) - FRAME_SIZE;
	regs->r[3] = arg;
	regs->link = 0;
	regs->trap = 0;
}

/* Which kind of system call, if any, the kernel may still want to restart. */
static uint64_t syscall_trap(const struct ppc64le_gpr *regs)
{
	uint64_t trap = regs->trap & ~(uint64_t)TRAP_FLAGS;

	if (regs->trap & TRAP_NORESTART)
		return 0;
	return trap == TRAP_SC || trap == TRAP_SCV ? trap : 0;
}

/* The positive error of a system call that was just left, or 0. */
static int64_t syscall_error(const struct ppc64le_gpr *regs)
{
	switch (syscall_trap(regs)) {
	case TRAP_SC:
		return regs->ccr & CCR_SO ? (int64_t)regs->r[3] : 0;
	case TRAP_SCV:
		return -(int64_t)regs->r[3];
	default:
		return 0;
	}
}

enum restart_class ppc64le_restart(const void *gpr)
{
	switch (syscall_error(gpr)) {
	case ERESTARTSYS:
	case ERESTARTNOINTR:
	case ERESTARTNOHAND:
		return RESTART_AGAIN;
	case ERESTART_RESTARTBLOCK:
		return RESTART_BLOCK;
	default:
		return RESTART_NONE;
	}
}

int ppc64le_settle(void *gpr, enum restart_class restart)
{
	struct ppc64le_gpr *regs = gpr;

	if (restart == RESTART_UNKNOWN)
		restart = ppc64le_restart(gpr);
	if (restart == RESTART_AGAIN) {
		regs->r[3] = regs->orig_r3;
		regs->nip -= SC_SIZE;
	} else if (restart == RESTART_BLOCK) {
		regs->r[3] = syscall_trap(regs) == TRAP_SCV ? (uint64_t)-EINTR
							    : EINTR;
	}
	regs->trap = 0;
	return 0;
}

int ppc64le_resume(void *gpr, enum restart_class restart)
{
	struct ppc64le_gpr *regs = gpr;

	if (restart == RESTART_UNKNOWN)
		restart = ppc64le_restart(gpr);
	if (restart != RESTART_BLOCK)
		return ppc64le_settle(gpr, restart);
	/* The task still has the restart block of its own call. */
	regs->r[0] = NR_RESTART_SYSCALL;
	regs->nip -= SC_SIZE;
	regs->trap = 0;
	return 0;
}

int64_t ppc64le_result(const void *gpr)
{
	const struct ppc64le_gpr *regs = gpr;

	return regs->ccr & CCR_SO ? -(int64_t)regs->r[3] : (int64_t)regs->r[3];
}

void ppc64le_divert(void *gpr, uint64_t nr)
{
	((struct ppc64le_gpr *)gpr)->r[0] = nr;
}
