/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "inspect/machine.h"

#include <stddef.h>

#include "backend.h"
#include "proto/cpu_aarch64.pb-c.h"
#include "proto/cpu_ppc64.pb-c.h"
#include "proto/cpu_x86.pb-c.h"

const char *machine_name(const CoreEntry *core)
{
	switch (core->mtype) {
	case CORE_ENTRY__MARCH__X86_64:
		return "x86_64";
	case CORE_ENTRY__MARCH__ARM:
		return "arm";
	case CORE_ENTRY__MARCH__AARCH64:
		return "aarch64";
	case CORE_ENTRY__MARCH__PPC64:
		return "ppc64le";
	case CORE_ENTRY__MARCH__S390:
		return "s390x";
	case CORE_ENTRY__MARCH__MIPS:
		return "mips";
	case CORE_ENTRY__MARCH__LOONGARCH64:
		return "loongarch64";
	case CORE_ENTRY__MARCH__RISCV64:
		return "riscv64";
	default:
		return "unknown";
	}
}

/* Has the core the registers that its mtype promises? */
static bool core_whole(const CoreEntry *core)
{
	switch (core->mtype) {
	case CORE_ENTRY__MARCH__X86_64:
		return core->thread_info && core->thread_info->gpregs;
	case CORE_ENTRY__MARCH__AARCH64:
		return core->ti_aarch64 && core->ti_aarch64->gpregs &&
		       core->ti_aarch64->gpregs->n_regs == 31;
	case CORE_ENTRY__MARCH__PPC64:
		return core->ti_ppc64 && core->ti_ppc64->gpregs &&
		       core->ti_ppc64->gpregs->n_gpr == 32;
	default:
		return false;
	}
}

bool machine_pc_sp(const CoreEntry *core, uint64_t *ret_pc, uint64_t *ret_sp)
{
	const struct backend *backend = backend_by_mtype((uint32_t)core->mtype);

	if (!backend || !backend->image_pc_sp || !core_whole(core))
		return false;
	backend->image_pc_sp(core, ret_pc, ret_sp);
	return true;
}

static bool x86_64_reg(
	const UserX86RegsEntry *r, unsigned number, uint64_t *ret_value)
{
	const uint64_t values[] = {r->ax, r->dx, r->cx, r->bx, r->si, r->di,
		r->bp, r->sp, r->r8, r->r9, r->r10, r->r11, r->r12, r->r13,
		r->r14, r->r15, r->ip};

	if (number >= sizeof(values) / sizeof(values[0]))
		return false;
	*ret_value = values[number];
	return true;
}

static bool aarch64_reg(
	const UserAarch64RegsEntry *r, unsigned number, uint64_t *ret_value)
{
	if (number < 31)
		*ret_value = r->regs[number];
	else if (number == 31)
		*ret_value = r->sp;
	else if (number == 32)
		*ret_value = r->pc;
	else
		return false;
	return true;
}

/* libunwind counts the link register as 65, the counter as 66 and nip as
 * 114. */
static bool ppc64_reg(
	const UserPpc64RegsEntry *r, unsigned number, uint64_t *ret_value)
{
	if (number < 32)
		*ret_value = r->gpr[number];
	else if (number == 65)
		*ret_value = r->link;
	else if (number == 66)
		*ret_value = r->ctr;
	else if (number == 114)
		*ret_value = r->nip;
	else
		return false;
	return true;
}

bool machine_reg(const CoreEntry *core, unsigned number, uint64_t *ret_value)
{
	if (!core_whole(core))
		return false;
	switch (core->mtype) {
	case CORE_ENTRY__MARCH__X86_64:
		return x86_64_reg(core->thread_info->gpregs, number, ret_value);
	case CORE_ENTRY__MARCH__AARCH64:
		return aarch64_reg(core->ti_aarch64->gpregs, number, ret_value);
	case CORE_ENTRY__MARCH__PPC64:
		return ppc64_reg(core->ti_ppc64->gpregs, number, ret_value);
	default:
		return false;
	}
}

const struct unwind_chain *machine_chain(const CoreEntry *core)
{
	static const struct unwind_chain x86_64 = {6, 8, false, 16};
	static const struct unwind_chain aarch64 = {29, 8, false, 32};
	/* The back chain; a function saves its link register in the frame of
	 * its caller. */
	static const struct unwind_chain ppc64 = {1, 16, true, 114};

	switch (core->mtype) {
	case CORE_ENTRY__MARCH__X86_64:
		return &x86_64;
	case CORE_ENTRY__MARCH__AARCH64:
		return &aarch64;
	case CORE_ENTRY__MARCH__PPC64:
		return &ppc64;
	default:
		return NULL;
	}
}
