/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "x86_64/x86_64.h"

#include <elf.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>

enum {
	NOTE_XSTATE = 0x202,
	USER_CS = 0x33,
	USER_SS = 0x2b,
	COMPAT_GPR_SIZE = 68,
	TLS_SLOTS = 3,
	TLS_FIRST = 12,
	MXCSR_MASK_AT = 28,
	SHSTK_SHSTK = 1, /* feature bit of arch_prctl(ARCH_SHSTK_ENABLE) */
};

/* clang-format off */
#define EACH_GPR(X) \
	X(r15) X(r14) X(r13) X(r12) X(bp) X(bx) X(r11) X(r10) X(r9) X(r8) \
	X(ax) X(cx) X(dx) X(si) X(di) X(orig_ax) X(ip) X(cs) X(flags) X(sp) \
	X(ss) X(fs_base) X(gs_base) X(ds) X(es) X(fs) X(gs)
/* clang-format on */

static int gpr_check(const struct regs *regs, struct err *err)
{
	size_t size = regs->set[X86_64_GPR].size;

	if (size == COMPAT_GPR_SIZE)
		return err_set(err, ENOTSUP,
			"the thread runs 32-bit code, which is not supported");
	if (size != sizeof(struct x86_64_gpr) || !regs->set[X86_64_GPR].bytes)
		return err_set(err, EINVAL,
			"the general registers have %zu bytes, not %zu", size,
			sizeof(struct x86_64_gpr));
	return 0;
}

static UserX86RegsEntry *gpr_to_image(
	struct arena *arena, const struct x86_64_gpr *gpr)
{
	UserX86RegsEntry *image = arena_new1(arena, UserX86RegsEntry);

	user_x86_regs_entry__init(image);
#define COPY(reg) image->reg = gpr->reg;
	EACH_GPR(COPY)
#undef COPY
	image->has_mode = 1;
	image->mode = USER_X86_REGS_MODE__NATIVE;
	return image;
}

/* 64-bit tasks have TLS in fs_base; the slots of the GDT are empty. */
static void tls_to_image(struct arena *arena, ThreadInfoX86 *info)
{
	info->n_tls = TLS_SLOTS;
	info->tls = arena_newn(arena, UserDescT *, TLS_SLOTS);
	for (unsigned int i = 0; i < TLS_SLOTS; i++) {
		UserDescT *slot = arena_new1(arena, UserDescT);

		user_desc_t__init(slot);
		slot->entry_number = TLS_FIRST + i;
		slot->read_exec_only = 1;
		slot->seg_not_present = 1;
		info->tls[i] = slot;
	}
}

/* The kernel shows the set only to threads that have a shadow stack. */
static int shstk_to_image(struct arena *arena, const struct regs *regs,
	UserX86FpregsEntry *fpregs, struct err *err)
{
	UserX86CetEntry *cet;

	if (!regs->set[X86_64_SHSTK].bytes)
		return 0;
	if (regs->set[X86_64_SHSTK].size != 8 || !fpregs->xsave)
		return err_set(err, EINVAL,
			"the shadow stack register has %zu bytes, not 8",
			regs->set[X86_64_SHSTK].size);
	cet = arena_new1(arena, UserX86CetEntry);
	user_x86_cet_entry__init(cet);
	cet->cet = SHSTK_SHSTK;
	memcpy(&cet->ssp, regs->set[X86_64_SHSTK].bytes, 8);
	fpregs->xsave->cet = cet;
	return 0;
}

static int fpu_to_image(struct arena *arena, const struct regs *regs,
	UserX86FpregsEntry *fpregs, struct err *err)
{
	const struct xsave_layout *layout;
	int ret;

	if (!regs->set[X86_64_XSAVE].bytes) {
		if (!regs->set[X86_64_FXSAVE].bytes)
			return err_set(err, EINVAL,
				"the thread shows no floating-point registers");
		return fxsave_to_image(arena, regs->set[X86_64_FXSAVE].bytes,
			regs->set[X86_64_FXSAVE].size, fpregs, err);
	}
	layout = xsave_layout_here(arena);
	ret = xsave_to_image(arena, regs->set[X86_64_XSAVE].bytes,
		regs->set[X86_64_XSAVE].size, layout, fpregs, err);
	if (ret < 0)
		return ret;
	return shstk_to_image(arena, regs, fpregs, err);
}

int x86_64_thread_to_image(struct arena *arena, const struct regs *regs,
	CoreEntry *core, struct err *err)
{
	ThreadInfoX86 *info = arena_new1(arena, ThreadInfoX86);
	int ret = gpr_check(regs, err);

	if (ret < 0)
		return ret;
	thread_info_x86__init(info);
	info->gpregs = gpr_to_image(arena, regs->set[X86_64_GPR].bytes);
	info->fpregs = arena_new1(arena, UserX86FpregsEntry);
	user_x86_fpregs_entry__init(info->fpregs);
	ret = fpu_to_image(arena, regs, info->fpregs, err);
	if (ret < 0)
		return ret;
	tls_to_image(arena, info);
	core->mtype = CORE_ENTRY__MARCH__X86_64;
	core->thread_info = info;
	return 0;
}

static int image_check(const CoreEntry *core, struct err *err)
{
	const ThreadInfoX86 *info = core->thread_info;

	if (core->mtype != CORE_ENTRY__MARCH__X86_64)
		return err_set(err, EINVAL,
			"the image is of another machine, not of x86_64");
	if (!info || !info->gpregs || !info->fpregs)
		return err_set(
			err, EINVAL, "the image holds no x86_64 registers");
	if (info->gpregs->has_mode &&
		info->gpregs->mode == USER_X86_REGS_MODE__COMPAT)
		return err_set(err, ENOTSUP,
			"the thread ran 32-bit code, which is not supported");
	if (info->gpregs->fs_base >> 56 || info->gpregs->gs_base >> 56)
		return err_set(err, EINVAL,
			"the image's fs or gs base is no user address");
	return 0;
}

static void gpr_from_image(
	struct arena *arena, const UserX86RegsEntry *image, struct regs *ret)
{
	struct x86_64_gpr *gpr = arena_new1(arena, struct x86_64_gpr);

#define COPY(reg) gpr->reg = image->reg;
	EACH_GPR(COPY)
#undef COPY
	gpr->cs = USER_CS;
	gpr->ss = USER_SS;
	gpr->orig_ax = (uint64_t)-1;
	ret->set[X86_64_GPR].bytes = gpr;
	ret->set[X86_64_GPR].size = sizeof(*gpr);
}

static uint32_t mxcsr_mask_of(const void *area, size_t size)
{
	uint32_t mask = 0;

	if (size >= X86_64_FXSAVE_SIZE)
		memcpy(&mask, (const char *)area + MXCSR_MASK_AT, sizeof(mask));
	return mask;
}

static int fxsave_fill(struct arena *arena, const UserX86FpregsEntry *fpregs,
	const struct regs *here, struct regs *ret, struct err *err)
{
	size_t size = here->set[X86_64_FXSAVE].size;
	void *area = arena_alloc(arena, size);

	ret->set[X86_64_FXSAVE].bytes = area;
	ret->set[X86_64_FXSAVE].size = size;
	return fxsave_from_image(fpregs,
		mxcsr_mask_of(here->set[X86_64_FXSAVE].bytes, size), area, size,
		err);
}

static int fpu_from_image(struct arena *arena, const UserX86FpregsEntry *fpregs,
	const struct regs *here, struct regs *ret, struct err *err)
{
	const struct xsave_layout *layout;
	uint32_t mxcsr_mask = 0;
	size_t size;
	void *area;

	if (here && !here->set[X86_64_XSAVE].bytes &&
		here->set[X86_64_FXSAVE].bytes)
		return fxsave_fill(arena, fpregs, here, ret, err);
	layout = xsave_layout_here(arena);
	size = layout->size;
	/* The kernel takes only an area as big as the one that it gives. */
	if (here && here->set[X86_64_XSAVE].bytes) {
		size = here->set[X86_64_XSAVE].size;
		mxcsr_mask = mxcsr_mask_of(here->set[X86_64_XSAVE].bytes, size);
	}
	area = arena_alloc(arena, size);
	ret->set[X86_64_XSAVE].bytes = area;
	ret->set[X86_64_XSAVE].size = size;
	return xsave_from_image(fpregs, layout, mxcsr_mask, area, size, err);
}

static int shstk_from_image(struct arena *arena,
	const UserX86FpregsEntry *fpregs, const struct regs *here,
	struct regs *ret, struct err *err)
{
	const UserX86CetEntry *cet = fpregs->xsave ? fpregs->xsave->cet : NULL;

	if (!cet || !(cet->cet & SHSTK_SHSTK))
		return 0;
	if (here && !here->set[X86_64_SHSTK].bytes)
		return err_set(err, ENOTSUP,
			"the thread uses a shadow stack, which the receiving "
			"task does not have");
	ret->set[X86_64_SHSTK].bytes = arena_copy(arena, &cet->ssp, 8);
	ret->set[X86_64_SHSTK].size = 8;
	return 0;
}

int x86_64_thread_from_image(struct arena *arena, const CoreEntry *core,
	const struct regs *here, struct regs *ret, struct err *err)
{
	const ThreadInfoX86 *info = core->thread_info;
	struct regs regs = {0};
	int error = image_check(core, err);

	if (error < 0)
		return error;
	gpr_from_image(arena, info->gpregs, &regs);
	error = fpu_from_image(arena, info->fpregs, here, &regs, err);
	if (error < 0)
		return error;
	error = shstk_from_image(arena, info->fpregs, here, &regs, err);
	if (error < 0)
		return error;
	*ret = regs;
	return 0;
}

int x86_64_extra_save(struct arena *arena, const struct regs *regs,
	struct regs_extra **ret, size_t *ret_n, struct err *err)
{
	struct regs_extra extra = {.note = NOTE_XSTATE};
	const struct xsave_layout *layout;
	int error;

	*ret_n = 0;
	if (!regs->set[X86_64_XSAVE].bytes)
		return 0;
	layout = xsave_layout_here(arena);
	error = xsave_extra_save(arena, regs->set[X86_64_XSAVE].bytes,
		regs->set[X86_64_XSAVE].size, layout, &extra.bytes, &extra.size,
		err);
	if (error < 0 || !extra.size)
		return error;
	*ret = arena_copy(arena, &extra, sizeof(extra));
	*ret_n = 1;
	return 0;
}

int x86_64_extra_load(struct arena *arena, const struct regs_extra *extra,
	const struct regs *here, struct regs *regs, struct err *err)
{
	const struct xsave_layout *layout;

	(void)here;
	if (extra->note != NOTE_XSTATE)
		return err_set(err, EINVAL,
			"the image holds an extra register set %#" PRIx32
			", which no x86_64 has",
			extra->note);
	if (!regs->set[X86_64_XSAVE].bytes)
		return err_set(err, ENOTSUP,
			"the thread uses extended registers, but this host has "
			"no XSAVE");
	layout = xsave_layout_here(arena);
	return xsave_extra_load(extra->bytes, extra->size, layout,
		regs->set[X86_64_XSAVE].bytes, regs->set[X86_64_XSAVE].size,
		err);
}

uint64_t *x86_64_clear_tid(CoreEntry *core)
{
	return core->thread_info ? &core->thread_info->clear_tid_addr : NULL;
}

void x86_64_image_pc_sp(const CoreEntry *core, uint64_t *pc, uint64_t *sp)
{
	const ThreadInfoX86 *info = core->thread_info;

	*pc = info && info->gpregs ? info->gpregs->ip : 0;
	*sp = info && info->gpregs ? info->gpregs->sp : 0;
}
