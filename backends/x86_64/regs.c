/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "x86_64/x86_64.h"

#include <errno.h>

enum {
	ERESTARTSYS = 512,
	ERESTARTNOINTR = 513,
	ERESTARTNOHAND = 514,
	ERESTART_RESTARTBLOCK = 516,
	NR_RESTART_SYSCALL = 219,
	SYSCALL_SIZE = 2, /* syscall, sysenter, int $0x80: all the same */
};

/* Trap, direction, resume and alignment-check flag: what would make called
 * code behave otherwise than it was compiled for. */
enum { FLAGS_TO_CLEAR = 0x100 | 0x400 | 0x10000 | 0x40000 };

static const uint8_t reg_words[] = {
#define WORD(field) (offsetof(struct x86_64_gpr, field) / 8)
	[REG_PC] = WORD(ip),
	[REG_SP] = WORD(sp),
	[REG_NR] = WORD(ax),
	[REG_ARG0] = WORD(di),
	[REG_ARG1] = WORD(si),
	[REG_ARG2] = WORD(dx),
	[REG_ARG3] = WORD(r10),
	[REG_ARG4] = WORD(r8),
	[REG_ARG5] = WORD(r9),
	[REG_RET] = WORD(ax),
#undef WORD
};

uint64_t x86_64_reg_get(const void *gpr, enum reg r)
{
	return ((const uint64_t *)gpr)[reg_words[r]];
}

void x86_64_reg_set(void *gpr, enum reg r, uint64_t value)
{
	((uint64_t *)gpr)[reg_words[r]] = value;
}

void x86_64_call(void *gpr, uint64_t pc, uint64_t sp, uint64_t arg)
{
	struct x86_64_gpr *regs = gpr;

	regs->ip = pc;
	/* As if the return address had just been pushed. */
	regs->sp = (sp & ~(uint64_t)15) - 8;
	regs->di = arg;
	regs->ax = 0;
	regs->orig_ax = (uint64_t)-1;
	regs->flags &= ~(uint64_t)FLAGS_TO_CLEAR;
}

enum restart_class x86_64_restart(const void *gpr)
{
	const struct x86_64_gpr *regs = gpr;

	if ((int64_t)regs->orig_ax < 0)
		return RESTART_NONE;
	switch (-(int64_t)regs->ax) {
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

static void syscall_rewind(struct x86_64_gpr *regs, uint64_t nr)
{
	regs->ax = nr;
	regs->ip -= SYSCALL_SIZE;
}

int x86_64_settle(void *gpr, enum restart_class restart)
{
	struct x86_64_gpr *regs = gpr;

	if (restart == RESTART_UNKNOWN)
		restart = x86_64_restart(gpr);
	if (restart == RESTART_AGAIN)
		syscall_rewind(regs, regs->orig_ax);
	else if (restart == RESTART_BLOCK)
		regs->ax = (uint64_t)-EINTR;
	regs->orig_ax = (uint64_t)-1;
	return 0;
}

int x86_64_resume(void *gpr, enum restart_class restart)
{
	struct x86_64_gpr *regs = gpr;

	if (restart == RESTART_UNKNOWN)
		restart = x86_64_restart(gpr);
	if (restart != RESTART_BLOCK)
		return x86_64_settle(gpr, restart);
	/* The task still has the restart block of its own call. */
	syscall_rewind(regs, NR_RESTART_SYSCALL);
	regs->orig_ax = (uint64_t)-1;
	return 0;
}

int64_t x86_64_result(const void *gpr)
{
	return (int64_t)((const struct x86_64_gpr *)gpr)->ax;
}

void x86_64_divert(void *gpr, uint64_t nr)
{
	((struct x86_64_gpr *)gpr)->orig_ax = nr;
}
