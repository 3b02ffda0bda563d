/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "x86_64/x86_64.h"

#include "agent_blob.h"
#include "backends.h"
#include "x86_64/numbers.h"

#include <elf.h>

static const struct regset regsets[] = {
	[X86_64_GPR] = {NT_PRSTATUS, sizeof(struct x86_64_gpr), 0, 0,
		"general registers"},
	/* With AMX tiles about 11 KiB. */
	[X86_64_XSAVE] = {0x202, 16384, REGSET_MAY_LACK, 0,
		"extended registers"},
	/* Of CPUs without XSAVE, which says all of it, and more. */
	[X86_64_FXSAVE] = {NT_PRFPREG, X86_64_FXSAVE_SIZE, REGSET_FALLBACK, 0,
		"floating-point registers"},
	[X86_64_SHSTK] = {0x204, 8, REGSET_MAY_LACK, 0,
		"shadow stack register"},
	{0},
};

const struct backend backend_x86_64 = {
	.name = "x86_64",
	.elf_machine = EM_X86_64,
	.core_mtype = CORE_ENTRY__MARCH__X86_64,
	.syscall = {{0x0f, 0x05}, 2},
	.trap = {{0xcc}, 1},
	.trap_pc_after = 1,
	.red_zone = 128,
	.calls = calls_x86_64,
	.ports_note = 0x201, /* NT_386_IOPERM */
	.regsets = regsets,
	.reg_get = x86_64_reg_get,
	.reg_set = x86_64_reg_set,
	.call = x86_64_call,
	.divert = x86_64_divert,
	.restart = x86_64_restart,
	.settle = x86_64_settle,
	.resume = x86_64_resume,
	.result = x86_64_result,
	.thread_to_image = x86_64_thread_to_image,
	.thread_from_image = x86_64_thread_from_image,
	.extra_save = x86_64_extra_save,
	.extra_load = x86_64_extra_load,
	.clear_tid = x86_64_clear_tid,
	.image_pc_sp = x86_64_image_pc_sp,
	.cpu_claims = x86_64_cpu_claims,
	.cpu_describe = x86_64_cpu_describe,
	.cpu_accept = x86_64_cpu_accept,
	.cpu_features = x86_64_cpu_features,
	.cpu_model = x86_64_cpu_model,
	.hash_add = x86_64_hash_add,
	.vdso_symbols = x86_64_vdso_symbols,
	.vdso_jump = x86_64_vdso_jump,
	.task_size = 0x7ffffffff000,
	.agent = AGENT_BLOB_X86_64,
};
