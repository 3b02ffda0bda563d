/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "aarch64/aarch64.h"

#include <errno.h>
#include <string.h>

enum {
	COMPAT_GPR_SIZE = 72,
	PSTATE_MODE = 0x1f, /* EL0, 64 bit: 0 */
};

static int set_check(const struct regs *regs, enum aarch64_set set, size_t size,
	struct err *err)
{
	if (regs->set[set].bytes && regs->set[set].size >= size)
		return 0;
	return err_set(err, EINVAL, "the %s have %zu bytes, not %zu",
		aarch64_regsets[set].name, regs->set[set].size, size);
}

static int gpr_to_image(struct arena *arena, const struct regs *regs,
	ThreadInfoAarch64 *info, struct err *err)
{
	UserAarch64RegsEntry *image = arena_new1(arena, UserAarch64RegsEntry);
	const struct aarch64_gpr *gpr = regs->set[AARCH64_GPR].bytes;
	int ret;

	if (regs->set[AARCH64_GPR].size == COMPAT_GPR_SIZE)
		return err_set(err, ENOTSUP,
			"the thread runs 32-bit code, which is not supported");
	ret = set_check(regs, AARCH64_GPR, sizeof(*gpr), err);
	if (ret < 0)
		return ret;
	user_aarch64_regs_entry__init(image);
	image->n_regs = 31;
	image->regs = arena_copy(arena, gpr->x, sizeof(gpr->x));
	image->sp = gpr->sp;
	image->pc = gpr->pc;
	image->pstate = gpr->pstate;
	info->gpregs = image;
	return 0;
}

static int fpsimd_to_image(struct arena *arena, const struct regs *regs,
	ThreadInfoAarch64 *info, struct err *err)
{
	UserAarch64FpsimdContextEntry *image =
		arena_new1(arena, UserAarch64FpsimdContextEntry);
	struct aarch64_fpsimd fpsimd;
	int ret = set_check(regs, AARCH64_FPSIMD, sizeof(fpsimd), err);

	if (ret < 0)
		return ret;
	memcpy(&fpsimd, regs->set[AARCH64_FPSIMD].bytes, sizeof(fpsimd));
	user_aarch64_fpsimd_context_entry__init(image);
	image->n_vregs = 64;
	image->vregs = arena_copy(arena, fpsimd.v, sizeof(fpsimd.v));
	image->fpsr = fpsimd.fpsr;
	image->fpcr = fpsimd.fpcr;
	info->fpsimd = image;
	return 0;
}

static PacAddressKeys *paca_to_image(
	struct arena *arena, const struct regs *regs)
{
	PacAddressKeys *image = arena_new1(arena, PacAddressKeys);
	struct aarch64_paca keys;

	memcpy(&keys, regs->set[AARCH64_PACA].bytes, sizeof(keys));
	pac_address_keys__init(image);
	image->apiakey_lo = keys.ia[0];
	image->apiakey_hi = keys.ia[1];
	image->apibkey_lo = keys.ib[0];
	image->apibkey_hi = keys.ib[1];
	image->apdakey_lo = keys.da[0];
	image->apdakey_hi = keys.da[1];
	image->apdbkey_lo = keys.db[0];
	image->apdbkey_hi = keys.db[1];
	memcpy(&image->pac_enabled_key, regs->set[AARCH64_PAC_ENABLED].bytes,
		8);
	return image;
}

/* The kernel shows keys since 5.1, which of them are enabled since 5.13. */
static int pac_to_image(struct arena *arena, const struct regs *regs,
	ThreadInfoAarch64 *info, struct err *err)
{
	PacKeys *keys;
	int ret = 0;

	if (!regs->set[AARCH64_PACA].bytes && !regs->set[AARCH64_PACG].bytes)
		return 0;
	keys = arena_new1(arena, PacKeys);
	pac_keys__init(keys);
	if (regs->set[AARCH64_PACA].bytes) {
		ret = set_check(
			regs, AARCH64_PACA, sizeof(struct aarch64_paca), err);
		if (!ret)
			ret = set_check(regs, AARCH64_PAC_ENABLED, 8, err);
		if (ret < 0)
			return ret;
		keys->pac_address_keys = paca_to_image(arena, regs);
	}
	if (regs->set[AARCH64_PACG].bytes) {
		PacGenericKeys *generic = arena_new1(arena, PacGenericKeys);

		ret = set_check(regs, AARCH64_PACG, 16, err);
		if (ret < 0)
			return ret;
		pac_generic_keys__init(generic);
		memcpy(&generic->apgakey_lo, regs->set[AARCH64_PACG].bytes, 8);
		memcpy(&generic->apgakey_hi,
			(char *)regs->set[AARCH64_PACG].bytes + 8, 8);
		keys->pac_generic_keys = generic;
	}
	info->pac_keys = keys;
	return 0;
}

int aarch64_thread_to_image(struct arena *arena, const struct regs *regs,
	CoreEntry *core, struct err *err)
{
	ThreadInfoAarch64 *info = arena_new1(arena, ThreadInfoAarch64);
	int ret;

	thread_info_aarch64__init(info);
	ret = gpr_to_image(arena, regs, info, err);
	if (!ret)
		ret = fpsimd_to_image(arena, regs, info, err);
	if (!ret)
		ret = pac_to_image(arena, regs, info, err);
	if (!ret)
		ret = set_check(regs, AARCH64_TLS, 8, err);
	if (ret < 0)
		return ret;
	memcpy(&info->tls, regs->set[AARCH64_TLS].bytes, 8);
	core->mtype = CORE_ENTRY__MARCH__AARCH64;
	core->ti_aarch64 = info;
	return 0;
}

static int image_check(const CoreEntry *core, struct err *err)
{
	const ThreadInfoAarch64 *info = core->ti_aarch64;

	if (core->mtype != CORE_ENTRY__MARCH__AARCH64)
		return err_set(err, EINVAL,
			"the image is of another machine, not of aarch64");
	if (!info || !info->gpregs || !info->fpsimd)
		return err_set(
			err, EINVAL, "the image holds no aarch64 registers");
	if (info->gpregs->n_regs != 31 || info->fpsimd->n_vregs != 64)
		return err_set(err, EINVAL,
			"the image has %zu general registers and %zu vector "
			"halves, not 31 and 64",
			info->gpregs->n_regs, info->fpsimd->n_vregs);
	if (info->gpregs->pstate & PSTATE_MODE)
		return err_set(err, EINVAL,
			"the image's pstate %#llx is none of 64-bit user code",
			(unsigned long long)info->gpregs->pstate);
	return 0;
}

static void set_put(struct arena *arena, struct regs *regs,
	enum aarch64_set set, const void *bytes, size_t size)
{
	regs->set[set].bytes = arena_copy(arena, bytes, size);
	regs->set[set].size = size;
}

static void gpr_from_image(struct arena *arena,
	const UserAarch64RegsEntry *image, struct regs *ret)
{
	struct aarch64_gpr gpr = {
		.sp = image->sp, .pc = image->pc, .pstate = image->pstate};

	memcpy(gpr.x, image->regs, sizeof(gpr.x));
	set_put(arena, ret, AARCH64_GPR, &gpr, sizeof(gpr));
}

static void fpsimd_from_image(struct arena *arena,
	const UserAarch64FpsimdContextEntry *image, struct regs *ret)
{
	struct aarch64_fpsimd fpsimd = {
		.fpsr = image->fpsr, .fpcr = image->fpcr};

	memcpy(fpsimd.v, image->vregs, sizeof(fpsimd.v));
	set_put(arena, ret, AARCH64_FPSIMD, &fpsimd, sizeof(fpsimd));
}

/* The second word, TPIDR2, is there since 6.3; an extra may fill it. */
static void tls_from_image(struct arena *arena, uint64_t tls,
	const struct regs *here, struct regs *ret)
{
	uint64_t words[2] = {tls};
	size_t size = 8;

	if (here && here->set[AARCH64_TLS].size >= sizeof(words))
		size = sizeof(words);
	set_put(arena, ret, AARCH64_TLS, words, size);
}

/* Return addresses on the stack are signed: without the keys no return. */
static int paca_from_image(struct arena *arena, const PacAddressKeys *image,
	const struct regs *here, struct regs *ret, struct err *err)
{
	struct aarch64_paca keys = {
		.ia = {image->apiakey_lo, image->apiakey_hi},
		.ib = {image->apibkey_lo, image->apibkey_hi},
		.da = {image->apdakey_lo, image->apdakey_hi},
		.db = {image->apdbkey_lo, image->apdbkey_hi},
	};

	if (here && !here->set[AARCH64_PACA].bytes) {
		if (!image->pac_enabled_key)
			return 0;
		return err_set(err, ENOTSUP,
			"the thread signs addresses with pointer "
			"authentication (paca), which this host lacks");
	}
	set_put(arena, ret, AARCH64_PACA, &keys, sizeof(keys));
	set_put(arena, ret, AARCH64_PAC_ENABLED, &image->pac_enabled_key, 8);
	return 0;
}

static int pac_from_image(struct arena *arena, const PacKeys *keys,
	const struct regs *here, struct regs *ret, struct err *err)
{
	int error = 0;

	if (keys && keys->pac_address_keys)
		error = paca_from_image(
			arena, keys->pac_address_keys, here, ret, err);
	if (error < 0 || !keys || !keys->pac_generic_keys)
		return error;
	if (here && !here->set[AARCH64_PACG].bytes)
		return err_set(err, ENOTSUP,
			"the thread has a generic pointer authentication key "
			"(pacg), which this host lacks");
	set_put(arena, ret, AARCH64_PACG,
		(const uint64_t[]){keys->pac_generic_keys->apgakey_lo,
			keys->pac_generic_keys->apgakey_hi},
		16);
	return 0;
}

int aarch64_thread_from_image(struct arena *arena, const CoreEntry *core,
	const struct regs *here, struct regs *ret, struct err *err)
{
	const ThreadInfoAarch64 *info = core->ti_aarch64;
	struct regs regs = {0};
	int error = image_check(core, err);

	if (error < 0)
		return error;
	gpr_from_image(arena, info->gpregs, &regs);
	fpsimd_from_image(arena, info->fpsimd, &regs);
	tls_from_image(arena, info->tls, here, &regs);
	error = pac_from_image(arena, info->pac_keys, here, &regs, err);
	if (error < 0)
		return error;
	*ret = regs;
	return 0;
}

uint64_t *aarch64_clear_tid(CoreEntry *core)
{
	return core->ti_aarch64 ? &core->ti_aarch64->clear_tid_addr : NULL;
}

void aarch64_image_pc_sp(const CoreEntry *core, uint64_t *pc, uint64_t *sp)
{
	const ThreadInfoAarch64 *info = core->ti_aarch64;

	*pc = info && info->gpregs ? info->gpregs->pc : 0;
	*sp = info && info->gpregs ? info->gpregs->sp : 0;
}
