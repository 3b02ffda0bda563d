/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * aarch64: what the files of this backend share.
 *
 * Everything works on bytes as PTRACE_GETREGSET gives them, through structs
 * declared here, on any host.
 */
#ifndef STASIS_AARCH64_H
#define STASIS_AARCH64_H

#include "backend.h"

/* NT_PRSTATUS: struct user_pt_regs of the kernel. */
struct aarch64_gpr {
	uint64_t x[31];
	uint64_t sp, pc, pstate;
};

/* NT_PRFPREG: struct user_fpsimd_state. */
struct aarch64_fpsimd {
	uint64_t v[64]; /* low and high half of each register */
	uint32_t fpsr, fpcr;
	uint32_t reserved[2];
};

/* The head of NT_ARM_SVE and NT_ARM_SSVE; NT_ARM_ZA has the same. */
struct aarch64_sve_head {
	uint32_t size; /* of head and registers, for what is in use now */
	uint32_t max_size;
	uint16_t vl, max_vl;
	uint16_t flags;
	uint16_t reserved;
};

/* NT_ARM_PACA_KEYS. */
struct aarch64_paca {
	uint64_t ia[2], ib[2], da[2], db[2];
};

/* Places in the regset table; the order is that of placing. */
enum aarch64_set {
	AARCH64_GPR,
	AARCH64_FPSIMD,
	AARCH64_SVE, /* after FPSIMD, whose write zeroes the upper halves */
	AARCH64_SSVE,
	AARCH64_ZA,
	AARCH64_ZT,
	AARCH64_FPMR,
	AARCH64_TLS,
	AARCH64_PACA,
	AARCH64_PACG,
	AARCH64_PAC_ENABLED,
	AARCH64_TAGGED_ADDR,
	AARCH64_POE,
	AARCH64_GCS,
	AARCH64_SETS,
};

extern const struct regset aarch64_regsets[];

/* regs.c */
uint64_t aarch64_reg_get(const void *gpr, enum reg r);
void aarch64_reg_set(void *gpr, enum reg r, uint64_t value);
void aarch64_call(void *gpr, uint64_t pc, uint64_t sp, uint64_t arg);
void aarch64_divert(void *gpr, uint64_t nr);
enum restart_class aarch64_restart(const void *gpr);
int aarch64_settle(void *gpr, enum restart_class restart);
int aarch64_resume(void *gpr, enum restart_class restart);
int64_t aarch64_result(const void *gpr);

/* image.c */
int aarch64_thread_to_image(struct arena *arena, const struct regs *regs,
	CoreEntry *core, struct err *err);
int aarch64_thread_from_image(struct arena *arena, const CoreEntry *core,
	const struct regs *here, struct regs *ret, struct err *err);
uint64_t *aarch64_clear_tid(CoreEntry *core);
void aarch64_image_pc_sp(const CoreEntry *core, uint64_t *pc, uint64_t *sp);

/* extra.c */
void aarch64_regs_prune(struct regs *regs);
int aarch64_regs_check(const struct regs *regs, struct err *err);
int aarch64_extra_save(struct arena *arena, const struct regs *regs,
	struct regs_extra **ret, size_t *ret_n, struct err *err);
int aarch64_extra_load(struct arena *arena, const struct regs_extra *extra,
	const struct regs *here, struct regs *regs, struct err *err);

/* cpu.c */
bool aarch64_cpu_claims(const CpuinfoEntry *entry);
int aarch64_cpu_describe(
	struct arena *arena, CpuinfoEntry **ret, struct err *err);
int aarch64_cpu_accept(const CpuinfoEntry *image, const CpuinfoEntry *here,
	uint32_t cap, struct err *err);
int aarch64_cpu_features(struct arena *arena, const CpuinfoEntry *entry,
	const char *const **ret, struct err *err);
const char *aarch64_cpu_model(const CpuinfoEntry *entry);

/* vdso.c */
extern const char *const aarch64_vdso_symbols[];
size_t aarch64_vdso_jump(uint8_t out[32], uint64_t from, uint64_t to);

#endif
