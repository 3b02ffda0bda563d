/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ppc64le/ppc64le.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#define MSR_TM_ACTIVE (UINT64_C(3) << 33) /* suspended or transactional */
#define MSR_VEC (UINT64_C(1) << 25)
#define MSR_VSX (UINT64_C(1) << 23)
#define MSR_LE UINT64_C(1)
#define MSR_64BIT (UINT64_C(1) << 63)

enum { FPR_WORDS = 33, VMX_WORDS = 66, VSX_WORDS = 32 };

static int set_check(const struct regs *regs, enum ppc64le_set set, size_t size,
	struct err *err)
{
	if (regs->set[set].bytes && regs->set[set].size >= size)
		return 0;
	return err_set(err, EINVAL, "the %s have %zu bytes, not %zu",
		ppc64le_regsets[set].name, regs->set[set].size, size);
}

/* Any system call would fail the transaction and let the thread run on from
 * where it began. */
int ppc64le_regs_check(const struct regs *regs, struct err *err)
{
	const struct ppc64le_gpr *gpr = regs->set[PPC64LE_GPR].bytes;
	int ret = set_check(
		regs, PPC64LE_GPR, offsetof(struct ppc64le_gpr, padding), err);

	if (ret < 0)
		return ret;
	if (gpr->msr & MSR_TM_ACTIVE) {
		err_set(err, ENOTSUP,
			"the thread is inside a memory transaction, which "
			"cannot be saved");
		return err_hint(err, "try again: transactions are short");
	}
	if (!(gpr->msr & MSR_64BIT))
		return err_set(err, ENOTSUP,
			"the thread runs 32-bit code, which is not supported");
	return 0;
}

static UserPpc64RegsEntry *gpr_to_image(
	struct arena *arena, const struct ppc64le_gpr *gpr)
{
	UserPpc64RegsEntry *image = arena_new1(arena, UserPpc64RegsEntry);

	user_ppc64_regs_entry__init(image);
	image->n_gpr = 32;
	image->gpr = arena_copy(arena, gpr->r, sizeof(gpr->r));
	image->nip = gpr->nip;
	image->msr = gpr->msr;
	image->orig_gpr3 = gpr->orig_r3;
	image->ctr = gpr->ctr;
	image->link = gpr->link;
	image->xer = gpr->xer;
	image->ccr = gpr->ccr;
	image->trap = gpr->trap;
	return image;
}

static int fpr_to_image(struct arena *arena, const struct regs *regs,
	ThreadInfoPpc64 *info, struct err *err)
{
	UserPpc64FpstateEntry *image = arena_new1(arena, UserPpc64FpstateEntry);
	int ret = set_check(regs, PPC64LE_FPR, FPR_WORDS * 8, err);

	if (ret < 0)
		return ret;
	user_ppc64_fpstate_entry__init(image);
	image->n_fpregs = FPR_WORDS;
	image->fpregs =
		arena_copy(arena, regs->set[PPC64LE_FPR].bytes, FPR_WORDS * 8);
	info->fpstate = image;
	return 0;
}

/* Engines that restore by a signal frame need the msr bit, too, or the kernel
 * skips the registers there. */
static int vmx_to_image(struct arena *arena, const struct regs *regs,
	ThreadInfoPpc64 *info, struct err *err)
{
	UserPpc64VrstateEntry *image;
	const struct ppc64le_vmx *vmx = regs->set[PPC64LE_VMX].bytes;
	int ret;

	if (!vmx)
		return 0;
	ret = set_check(
		regs, PPC64LE_VMX, offsetof(struct ppc64le_vmx, padding), err);
	if (ret < 0)
		return ret;
	image = arena_new1(arena, UserPpc64VrstateEntry);
	user_ppc64_vrstate_entry__init(image);
	image->n_vrregs = VMX_WORDS;
	image->vrregs = arena_copy(arena, vmx->vr, sizeof(vmx->vr));
	image->vrsave = vmx->vrsave;
	info->vrstate = image;
	info->gpregs->msr |= MSR_VEC;
	return 0;
}

static int vsx_to_image(struct arena *arena, const struct regs *regs,
	ThreadInfoPpc64 *info, struct err *err)
{
	UserPpc64VsxstateEntry *image;
	int ret;

	if (!regs->set[PPC64LE_VSX].bytes || !info->vrstate)
		return 0;
	ret = set_check(regs, PPC64LE_VSX, VSX_WORDS * 8, err);
	if (ret < 0)
		return ret;
	image = arena_new1(arena, UserPpc64VsxstateEntry);
	user_ppc64_vsxstate_entry__init(image);
	image->n_vsxregs = VSX_WORDS;
	image->vsxregs =
		arena_copy(arena, regs->set[PPC64LE_VSX].bytes, VSX_WORDS * 8);
	info->vsxstate = image;
	info->gpregs->msr |= MSR_VSX;
	return 0;
}

int ppc64le_thread_to_image(struct arena *arena, const struct regs *regs,
	CoreEntry *core, struct err *err)
{
	ThreadInfoPpc64 *info = arena_new1(arena, ThreadInfoPpc64);
	int ret = ppc64le_regs_check(regs, err);

	if (ret < 0)
		return ret;
	thread_info_ppc64__init(info);
	info->gpregs = gpr_to_image(arena, regs->set[PPC64LE_GPR].bytes);
	ret = fpr_to_image(arena, regs, info, err);
	if (!ret)
		ret = vmx_to_image(arena, regs, info, err);
	if (!ret)
		ret = vsx_to_image(arena, regs, info, err);
	if (ret < 0)
		return ret;
	core->mtype = CORE_ENTRY__MARCH__PPC64;
	core->ti_ppc64 = info;
	return 0;
}

static int sizes_check(const ThreadInfoPpc64 *info, struct err *err)
{
	if (info->gpregs->n_gpr != 32)
		return err_set(err, EINVAL,
			"the image has %zu general registers, not 32",
			info->gpregs->n_gpr);
	if (info->fpstate && info->fpstate->n_fpregs != FPR_WORDS)
		return err_set(err, EINVAL,
			"the image has %zu floating-point registers, not %d",
			info->fpstate->n_fpregs, FPR_WORDS);
	if (info->vrstate && info->vrstate->n_vrregs != VMX_WORDS)
		return err_set(err, EINVAL,
			"the image has %zu halves of vector registers, not %d",
			info->vrstate->n_vrregs, VMX_WORDS);
	if (info->vsxstate && info->vsxstate->n_vsxregs != VSX_WORDS)
		return err_set(err, EINVAL,
			"the image has %zu VSX registers, not %d",
			info->vsxstate->n_vsxregs, VSX_WORDS);
	return 0;
}

static int image_check(const CoreEntry *core, struct err *err)
{
	const ThreadInfoPpc64 *info = core->ti_ppc64;

	if (core->mtype != CORE_ENTRY__MARCH__PPC64)
		return err_set(err, EINVAL,
			"the image is of another machine, not of ppc64le");
	if (!info || !info->gpregs)
		return err_set(
			err, EINVAL, "the image holds no ppc64le registers");
	if (info->tmstate || (info->gpregs->msr & MSR_TM_ACTIVE))
		return err_set(err, ENOTSUP,
			"the thread was inside a memory transaction, which "
			"cannot be restored");
	if (!(info->gpregs->msr & MSR_LE))
		return err_set(
			err, EINVAL, "the image is of a big-endian machine");
	return sizes_check(info, err);
}

static void set_put(struct arena *arena, struct regs *regs,
	enum ppc64le_set set, const void *bytes, size_t size)
{
	regs->set[set].bytes = arena_copy(arena, bytes, size);
	regs->set[set].size = size;
}

static void gpr_from_image(
	struct arena *arena, const UserPpc64RegsEntry *image, struct regs *ret)
{
	struct ppc64le_gpr gpr = {
		.nip = image->nip,
		.msr = image->msr,
		.orig_r3 = image->orig_gpr3,
		.ctr = image->ctr,
		.link = image->link,
		.xer = image->xer,
		.ccr = image->ccr,
		.softe = 1,
		.trap = 0, /* whatever it was: nothing is to be restarted */
	};

	memcpy(gpr.r, image->gpr, sizeof(gpr.r));
	set_put(arena, ret, PPC64LE_GPR, &gpr, sizeof(gpr));
}

static void vmx_from_image(struct arena *arena,
	const UserPpc64VrstateEntry *image, struct regs *ret)
{
	struct ppc64le_vmx vmx = {.vrsave = image->vrsave};

	memcpy(vmx.vr, image->vrregs, sizeof(vmx.vr));
	set_put(arena, ret, PPC64LE_VMX, &vmx, sizeof(vmx));
}

static int set_lacking(
	const struct regs *here, enum ppc64le_set set, struct err *err)
{
	if (!here || here->set[set].bytes)
		return 0;
	return err_set(err, ENOTSUP,
		"the thread uses the %s, which this host lacks",
		ppc64le_regsets[set].name);
}

static int vectors_from_image(struct arena *arena, const ThreadInfoPpc64 *info,
	const struct regs *here, struct regs *ret, struct err *err)
{
	int error;

	if (info->vrstate) {
		error = set_lacking(here, PPC64LE_VMX, err);
		if (error < 0)
			return error;
		vmx_from_image(arena, info->vrstate, ret);
	}
	if (info->vsxstate) {
		error = set_lacking(here, PPC64LE_VSX, err);
		if (error < 0)
			return error;
		set_put(arena, ret, PPC64LE_VSX, info->vsxstate->vsxregs,
			VSX_WORDS * 8);
	}
	return 0;
}

int ppc64le_thread_from_image(struct arena *arena, const CoreEntry *core,
	const struct regs *here, struct regs *ret, struct err *err)
{
	static const struct ppc64le_fpr no_fpr;
	const ThreadInfoPpc64 *info = core->ti_ppc64;
	struct regs regs = {0};
	int error = image_check(core, err);

	if (error < 0)
		return error;
	gpr_from_image(arena, info->gpregs, &regs);
	/* An engine may leave out what a thread never used. */
	set_put(arena, &regs, PPC64LE_FPR,
		info->fpstate ? (const void *)info->fpstate->fpregs : &no_fpr,
		sizeof(no_fpr));
	error = vectors_from_image(arena, info, here, &regs, err);
	if (error < 0)
		return error;
	*ret = regs;
	return 0;
}

/* The single-word sets; the format has no field for any. */
int ppc64le_extra_save(struct arena *arena, const struct regs *regs,
	struct regs_extra **ret, size_t *ret_n, struct err *err)
{
	struct regs_extra *extra =
		arena_newn(arena, struct regs_extra, PPC64LE_SETS);
	size_t n = 0;

	for (enum ppc64le_set set = PPC64LE_TAR; set < PPC64LE_SETS; set++) {
		int error;

		if (!regs->set[set].bytes)
			continue;
		error = set_check(regs, set, 8, err);
		if (error < 0)
			return error;
		extra[n++] = (struct regs_extra){
			.note = ppc64le_regsets[set].note,
			.bytes = regs->set[set].bytes,
			.size = 8,
		};
	}
	*ret = extra;
	*ret_n = n;
	return 0;
}

int ppc64le_extra_load(struct arena *arena, const struct regs_extra *extra,
	const struct regs *here, struct regs *regs, struct err *err)
{
	enum ppc64le_set set = PPC64LE_TAR;
	int error;

	while (set < PPC64LE_SETS && ppc64le_regsets[set].note != extra->note)
		set++;
	if (set == PPC64LE_SETS)
		return err_set(err, EINVAL,
			"the image holds an extra register set %#" PRIx32
			", which no ppc64le has",
			extra->note);
	if (extra->size != 8)
		return err_set(err, EINVAL,
			"the image's %s has %zu bytes, not 8",
			ppc64le_regsets[set].name, extra->size);
	/* Every thread has this key, and a host that does not keep it checks
	 * nothing by it. */
	if (set == PPC64LE_HASHKEY && here && !here->set[set].bytes)
		return 0;
	error = set_lacking(here, set, err);
	if (error < 0)
		return error;
	set_put(arena, regs, set, extra->bytes, 8);
	return 0;
}

uint64_t *ppc64le_clear_tid(CoreEntry *core)
{
	return core->ti_ppc64 ? &core->ti_ppc64->clear_tid_addr : NULL;
}

void ppc64le_image_pc_sp(const CoreEntry *core, uint64_t *pc, uint64_t *sp)
{
	const ThreadInfoPpc64 *info = core->ti_ppc64;

	*pc = info && info->gpregs ? info->gpregs->nip : 0;
	*sp = info && info->gpregs && info->gpregs->n_gpr == 32
		      ? info->gpregs->gpr[1]
		      : 0;
}
