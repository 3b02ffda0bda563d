/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ppc64le/ppc64le.h"

#include "agent_blob.h"
#include "backends.h"
#include "ppc64le/numbers.h"

#include <elf.h>

enum { PT_DSCR = 44 };

const struct regset ppc64le_regsets[] = {
	[PPC64LE_GPR] = {NT_PRSTATUS, sizeof(struct ppc64le_gpr), 0, 0,
		"general registers"},
	[PPC64LE_FPR] = {NT_PRFPREG, sizeof(struct ppc64le_fpr), 0, 0,
		"floating-point registers"},
	[PPC64LE_VMX] = {0x100, sizeof(struct ppc64le_vmx), 1, 0,
		"vector registers"},
	[PPC64LE_VSX] = {0x102, sizeof(struct ppc64le_vsx), 1, 0,
		"VSX registers"},
	[PPC64LE_TAR] = {0x103, 8, 1, 0, "target address register"},
	[PPC64LE_PPR] = {0x104, 8, 1, 0, "program priority register"},
	/* SETREGSET does nothing for a task that never wrote it (6.12). */
	[PPC64LE_DSCR] = {0x105, 8, 1, PT_DSCR * 8,
		"data stream control register"},
	/* With what hashst and hashchk (POWER10) sign return addresses. */
	[PPC64LE_HASHKEY] = {0x112, 8, 1, 0, "key of return addresses"},
	[PPC64LE_SETS] = {0},
};

const struct backend backend_ppc64le = {
	.name = "ppc64le",
	.elf_machine = EM_PPC64,
	.core_mtype = CORE_ENTRY__MARCH__PPC64,
	.syscall = {{0x02, 0x00, 0x00, 0x44}, 4}, /* sc */
	.trap = {{0x08, 0x00, 0xe0, 0x7f}, 4},	  /* trap */
	.trap_pc_after = 0,
	.red_zone = 512,
	.calls = calls_ppc64le,
	.regsets = ppc64le_regsets,
	.regs_check = ppc64le_regs_check,
	.reg_get = ppc64le_reg_get,
	.reg_set = ppc64le_reg_set,
	.call = ppc64le_call,
	.divert = ppc64le_divert,
	.restart = ppc64le_restart,
	.settle = ppc64le_settle,
	.resume = ppc64le_resume,
	.result = ppc64le_result,
	.thread_to_image = ppc64le_thread_to_image,
	.thread_from_image = ppc64le_thread_from_image,
	.extra_save = ppc64le_extra_save,
	.extra_load = ppc64le_extra_load,
	.clear_tid = ppc64le_clear_tid,
	.image_pc_sp = ppc64le_image_pc_sp,
	.cpu_claims = ppc64le_cpu_claims,
	.cpu_describe = ppc64le_cpu_describe,
	.cpu_accept = ppc64le_cpu_accept,
	.cpu_features = ppc64le_cpu_features,
	.cpu_model = ppc64le_cpu_model,
	.vdso_symbols = ppc64le_vdso_symbols,
	.vdso_jump = ppc64le_vdso_jump,
	.task_size = UINT64_C(1) << 47,
	.agent = AGENT_BLOB_PPC64LE,
};
