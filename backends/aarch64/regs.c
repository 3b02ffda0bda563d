/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "aarch64/aarch64.h"

#include <errno.h>

enum {
	NR_RESTART_SYSCALL = 128,
	SVC_SIZE = 4,
	PSTATE_BTYPE = 0xc00, /* set by an indirect branch under way */
	PSTATE_SS = 0x200000, /* single step */
};

uint64_t aarch64_reg_get(const void *gpr, enum reg r)
{
	const struct aarch64_gpr *regs = gpr;

	switch (r) {
	case REG_PC:
		return regs->pc;
	case REG_SP:
		return regs->sp;
	case REG_NR:
		return regs->x[8];
	case REG_RET:
		return regs->x[0];
	default:
		return regs->x[r - REG_ARG0];
	}
}

void aarch64_reg_set(void *gpr, enum reg r, uint64_t value)
{
	struct aarch64_gpr *regs = gpr;

	switch (r) {
	case REG_PC:
		regs->pc = value;
		break;
	case REG_SP:
		regs->sp = value;
		break;
	case REG_NR:
		regs->x[8] = value;
		break;
	case REG_RET:
		regs->x[0] = value;
		break;
	default:
		regs->x[r - REG_ARG0] = value;
	}
}

void aarch64_call(void *gpr, uint64_t pc, uint64_t sp, uint64_t arg)
{
	struct aarch64_gpr *regs = gpr;

	regs->pc = pc;
	regs->sp = sp & ~(uint64_t)15;
	regs->x[0] = arg;
	regs->x[29] = 0;
	regs->x[30] = 0;
	regs->pstate &= ~(uint64_t)(PSTATE_BTYPE | PSTATE_SS);
}

/* The kernel puts pc back to the svc, and x0 back to its argument, before it
 * stops the task: nothing is left to see. */
enum restart_class aarch64_restart(const void *gpr)
{
	(void)gpr;
	return RESTART_UNKNOWN;
}

int aarch64_settle(void *gpr, enum restart_class restart)
{
	struct aarch64_gpr *regs = gpr;

	if (restart == RESTART_BLOCK) {
		regs->x[0] = (uint64_t)-EINTR;
		regs->pc += SVC_SIZE;
	}
	return 0;
}

int aarch64_resume(void *gpr, enum restart_class restart)
{
	struct aarch64_gpr *regs = gpr;

	/* As the kernel itself would have gone on. */
	if (restart == RESTART_BLOCK)
		regs->x[8] = NR_RESTART_SYSCALL;
	return 0;
}

int64_t aarch64_result(const void *gpr)
{
	return (int64_t)((const struct aarch64_gpr *)gpr)->x[0];
}

void aarch64_divert(void *gpr, uint64_t nr)
{
	((struct aarch64_gpr *)gpr)->x[8] = nr;
}
