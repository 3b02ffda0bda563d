/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ppc64le: what the files of this backend share.
 *
 * Everything works on bytes as PTRACE_GETREGSET gives them, through structs
 * declared here, on any host.
 */
#ifndef STASIS_PPC64LE_H
#define STASIS_PPC64LE_H

#include "backend.h"

/* NT_PRSTATUS: struct pt_regs of the kernel, and four words of padding. */
struct ppc64le_gpr {
	uint64_t r[32];
	uint64_t nip, msr, orig_r3, ctr, link, xer, ccr, softe;
	uint64_t trap, dar, dsisr, result;
	uint64_t padding[4];
};

/* NT_PRFPREG: the 32 registers and FPSCR. */
struct ppc64le_fpr {
	uint64_t f[32];
	uint64_t fpscr;
};

/* NT_PPC_VMX: 32 registers and VSCR, two words each, and VRSAVE. */
struct ppc64le_vmx {
	uint64_t vr[66];
	uint32_t vrsave;
	uint32_t padding[3];
};

/* NT_PPC_VSX: the lower halves of the first 32 registers. */
struct ppc64le_vsx {
	uint64_t low[32];
};

/* Places in the regset table. */
enum ppc64le_set {
	PPC64LE_GPR,
	PPC64LE_FPR,
	PPC64LE_VMX,
	PPC64LE_VSX,
	PPC64LE_TAR,
	PPC64LE_PPR,
	PPC64LE_DSCR,
	PPC64LE_HASHKEY, /* NT_PPC_HASHKEYR, since Linux 6.6 */
	PPC64LE_SETS,
};

extern const struct regset ppc64le_regsets[];

/* regs.c */
uint64_t ppc64le_reg_get(const void *gpr, enum reg r);
void ppc64le_reg_set(void *gpr, enum reg r, uint64_t value);
void ppc64le_call(void *gpr, uint64_t pc, uint64_t sp, uint64_t arg);
void ppc64le_divert(void *gpr, uint64_t nr);
enum restart_class ppc64le_restart(const void *gpr);
int ppc64le_settle(void *gpr, enum restart_class restart);
int ppc64le_resume(void *gpr, enum restart_class restart);
int64_t ppc64le_result(const void *gpr);

/* image.c */
int ppc64le_regs_check(const struct regs *regs, struct err *err);
int ppc64le_thread_to_image(struct arena *arena, const struct regs *regs,
	CoreEntry *core, struct err *err);
int ppc64le_thread_from_image(struct arena *arena, const CoreEntry *core,
	const struct regs *here, struct regs *ret, struct err *err);
int ppc64le_extra_save(struct arena *arena, const struct regs *regs,
	struct regs_extra **ret, size_t *ret_n, struct err *err);
int ppc64le_extra_load(struct arena *arena, const struct regs_extra *extra,
	const struct regs *here, struct regs *regs, struct err *err);
uint64_t *ppc64le_clear_tid(CoreEntry *core);
void ppc64le_image_pc_sp(const CoreEntry *core, uint64_t *pc, uint64_t *sp);

/* cpu.c */
bool ppc64le_cpu_claims(const CpuinfoEntry *entry);
int ppc64le_cpu_describe(
	struct arena *arena, CpuinfoEntry **ret, struct err *err);
int ppc64le_cpu_accept(const CpuinfoEntry *image, const CpuinfoEntry *here,
	uint32_t cap, struct err *err);
int ppc64le_cpu_features(struct arena *arena, const CpuinfoEntry *entry,
	const char *const **ret, struct err *err);
const char *ppc64le_cpu_model(const CpuinfoEntry *entry);

/* vdso.c */
extern const char *const ppc64le_vdso_symbols[];
size_t ppc64le_vdso_jump(uint8_t out[32], uint64_t from, uint64_t to);

#endif
