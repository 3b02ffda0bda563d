/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "aarch64/aarch64.h"

#include "agent_blob.h"
#include "backends.h"
#include "aarch64/numbers.h"

#include <elf.h>

/* The kernel wants room that is a multiple of a set's element, which is 16
 * bytes for vectors and keys. Vectors have at most 256 bytes. */
const struct regset aarch64_regsets[] = {
	[AARCH64_GPR] = {NT_PRSTATUS, sizeof(struct aarch64_gpr), 0, 0,
		"general registers"},
	[AARCH64_FPSIMD] = {NT_PRFPREG, sizeof(struct aarch64_fpsimd), 0, 0,
		"floating-point registers"},
	[AARCH64_SVE] = {0x405, 16384, 1, 0, "SVE registers"},
	[AARCH64_SSVE] = {0x40b, 16384, 1, 0, "streaming SVE registers"},
	[AARCH64_ZA] = {0x40c, 16 + 65536, 1, 0, "SME ZA registers"},
	[AARCH64_ZT] = {0x40d, 64, 1, 0, "SME ZT0 registers"},
	[AARCH64_FPMR] = {0x40e, 8, 1, 0, "FPMR register"},
	[AARCH64_TLS] = {0x401, 16, 0, 0, "TLS registers"},
	[AARCH64_PACA] = {0x407, sizeof(struct aarch64_paca), 1, 0,
		"pointer authentication address keys"},
	[AARCH64_PACG] = {0x408, 16, 1, 0,
		"pointer authentication generic keys"},
	[AARCH64_PAC_ENABLED] = {0x40a, 8, 1, 0,
		"enabled pointer authentication keys"},
	[AARCH64_TAGGED_ADDR] = {0x409, 8, 1, 0, "tagged address control"},
	[AARCH64_POE] = {0x40f, 8, 1, 0, "permission overlay register"},
	[AARCH64_GCS] = {0x410, 24, 1, 0, "guarded control stack registers"},
	[AARCH64_SETS] = {0},
};

const struct backend backend_aarch64 = {
	.name = "aarch64",
	.elf_machine = EM_AARCH64,
	.core_mtype = CORE_ENTRY__MARCH__AARCH64,
	.syscall = {{0x01, 0x00, 0x00, 0xd4}, 4}, /* svc #0 */
	.trap = {{0x00, 0x00, 0x20, 0xd4}, 4},	  /* brk #0 */
	.trap_pc_after = 0,
	.red_zone = 0,
	.probe_note = 0x404, /* NT_ARM_SYSTEM_CALL */
	.calls = calls_aarch64,
	.regsets = aarch64_regsets,
	.regs_prune = aarch64_regs_prune,
	.regs_check = aarch64_regs_check,
	.reg_get = aarch64_reg_get,
	.reg_set = aarch64_reg_set,
	.call = aarch64_call,
	.divert = aarch64_divert,
	.restart = aarch64_restart,
	.settle = aarch64_settle,
	.resume = aarch64_resume,
	.result = aarch64_result,
	.thread_to_image = aarch64_thread_to_image,
	.thread_from_image = aarch64_thread_from_image,
	.extra_save = aarch64_extra_save,
	.extra_load = aarch64_extra_load,
	.clear_tid = aarch64_clear_tid,
	.image_pc_sp = aarch64_image_pc_sp,
	.cpu_claims = aarch64_cpu_claims,
	.cpu_describe = aarch64_cpu_describe,
	.cpu_accept = aarch64_cpu_accept,
	.cpu_features = aarch64_cpu_features,
	.cpu_model = aarch64_cpu_model,
	.vdso_symbols = aarch64_vdso_symbols,
	.vdso_jump = aarch64_vdso_jump,
	.tag_granule = 16,
	.tag_peek = 33, /* PTRACE_PEEKMTETAGS, Linux 5.10 */
	.tag_poke = 34,
	.task_size = UINT64_C(1) << 48,
	.agent = AGENT_BLOB_AARCH64,
};
