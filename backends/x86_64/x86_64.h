/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * x86_64: what the files of this backend share.
 *
 * Everything works on bytes as PTRACE_GETREGSET gives them, through structs
 * declared here, on any host. Only the question how this CPU lays out its
 * XSAVE area, and what it can do, needs the machine itself.
 */
#ifndef STASIS_X86_64_H
#define STASIS_X86_64_H

#include "backend.h"

#include "proto/core.pb-c.h"
#include "proto/cpuinfo.pb-c.h"

/* NT_PRSTATUS: struct user_regs_struct of the kernel. */
struct x86_64_gpr {
	uint64_t r15, r14, r13, r12, bp, bx, r11, r10, r9, r8;
	uint64_t ax, cx, dx, si, di, orig_ax, ip, cs, flags, sp, ss;
	uint64_t fs_base, gs_base, ds, es, fs, gs;
};

/* Places in the regset table. */
enum x86_64_set {
	X86_64_GPR,
	X86_64_XSAVE,
	X86_64_FXSAVE,
	X86_64_SHSTK,
};

enum { X86_64_FXSAVE_SIZE = 512, X86_64_XSAVE_HEADER = 576 };

/* Where a non-compacted XSAVE area holds which component (bit of XCR0). */
enum { XSAVE_PARTS = 20 };
struct xsave_layout {
	uint64_t mask; /* components that CPU and kernel have enabled */
	uint32_t size;
	struct {
		uint32_t offset, size;
	} part[XSAVE_PARTS];
};

/* regs.c */
uint64_t x86_64_reg_get(const void *gpr, enum reg r);
void x86_64_reg_set(void *gpr, enum reg r, uint64_t value);
void x86_64_call(void *gpr, uint64_t pc, uint64_t sp, uint64_t arg);
void x86_64_divert(void *gpr, uint64_t nr);
enum restart_class x86_64_restart(const void *gpr);
int x86_64_settle(void *gpr, enum restart_class restart);
int x86_64_resume(void *gpr, enum restart_class restart);
int64_t x86_64_result(const void *gpr);

/* image.c */
int x86_64_thread_to_image(struct arena *arena, const struct regs *regs,
	CoreEntry *core, struct err *err);
int x86_64_thread_from_image(struct arena *arena, const CoreEntry *core,
	const struct regs *here, struct regs *ret, struct err *err);
int x86_64_extra_save(struct arena *arena, const struct regs *regs,
	struct regs_extra **ret, size_t *ret_n, struct err *err);
int x86_64_extra_load(struct arena *arena, const struct regs_extra *extra,
	const struct regs *here, struct regs *regs, struct err *err);
uint64_t *x86_64_clear_tid(CoreEntry *core);
void x86_64_image_pc_sp(const CoreEntry *core, uint64_t *pc, uint64_t *sp);

/* xsave.c: one area of size bytes to the image's words and back. fxsave says
 * that the area is a bare FXSAVE one, of a CPU without XSAVE. */
void xsave_layout_standard(struct xsave_layout *ret);
/* Of this CPU; the standard one on other machines. */
const struct xsave_layout *xsave_layout_here(struct arena *arena);
int xsave_to_image(struct arena *arena, const void *area, size_t size,
	const struct xsave_layout *layout, UserX86FpregsEntry *fpregs,
	struct err *err);
int fxsave_to_image(struct arena *arena, const void *area, size_t size,
	UserX86FpregsEntry *fpregs, struct err *err);
/* area: zeroed by the caller. mxcsr_mask: of the receiver, 0: unknown. */
int xsave_from_image(const UserX86FpregsEntry *fpregs,
	const struct xsave_layout *layout, uint32_t mxcsr_mask, void *area,
	size_t size, struct err *err);
int fxsave_from_image(const UserX86FpregsEntry *fpregs, uint32_t mxcsr_mask,
	void *area, size_t size, struct err *err);
/* The components in use that the image format has no field for. */
int xsave_extra_save(struct arena *arena, const void *area, size_t size,
	const struct xsave_layout *layout, const void **ret, size_t *ret_size,
	struct err *err);
int xsave_extra_load(const void *bytes, size_t n,
	const struct xsave_layout *layout, void *area, size_t size,
	struct err *err);
const char *xsave_part_name(unsigned int bit);

/* cpu.c */
bool x86_64_cpu_claims(const CpuinfoEntry *entry);
int x86_64_cpu_describe(
	struct arena *arena, CpuinfoEntry **ret, struct err *err);
int x86_64_cpu_accept(const CpuinfoEntry *image, const CpuinfoEntry *here,
	uint32_t cap, struct err *err);
int x86_64_cpu_features(struct arena *arena, const CpuinfoEntry *entry,
	const char *const **ret, struct err *err);
const char *x86_64_cpu_model(const CpuinfoEntry *entry);

/* vdso.c */
extern const char *const x86_64_vdso_symbols[];
size_t x86_64_vdso_jump(uint8_t out[32], uint64_t from, uint64_t to);

/* The state is one of XXH3; the second needs AVX2. */
bool x86_64_hash_add(void *state, const void *bytes, size_t size);
void x86_64_hash_wide(void *state, const void *bytes, size_t size);

#endif
