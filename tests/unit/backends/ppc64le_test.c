/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "test.h"

#include <errno.h>
#include <string.h>

#include "backends.h"
#include "ppc64le/ppc64le.h"

static const struct backend *const be = &backend_ppc64le;

static void *set_add(struct arena *arena, struct regs *regs,
	enum ppc64le_set set, size_t size)
{
	uint8_t *bytes = arena_alloc(arena, size);
	unsigned int seed = set + 1;

	for (size_t i = 0; i < size; i++) {
		seed = seed * 1103515245 + 12345;
		bytes[i] = (uint8_t)(seed >> 16);
	}
	regs->set[set].bytes = bytes;
	regs->set[set].size = size;
	return bytes;
}

static struct regs regs_new(struct arena *arena)
{
	struct regs regs = {0};
	struct ppc64le_gpr *gpr =
		set_add(arena, &regs, PPC64LE_GPR, sizeof(*gpr));
	struct ppc64le_vmx *vmx =
		set_add(arena, &regs, PPC64LE_VMX, sizeof(*vmx));

	/* User mode, 64 bit, little endian, with vectors. */
	gpr->msr = 0x900000010280f033;
	gpr->softe = 1;
	gpr->trap = 0;
	memset(&gpr->dar, 0, sizeof(*gpr) - offsetof(struct ppc64le_gpr, dar));
	memset(vmx->padding, 0, sizeof(vmx->padding));
	set_add(arena, &regs, PPC64LE_FPR, sizeof(struct ppc64le_fpr));
	set_add(arena, &regs, PPC64LE_VSX, sizeof(struct ppc64le_vsx));
	return regs;
}

static CoreEntry *core_of(struct arena *arena, const struct regs *regs)
{
	CoreEntry *core = arena_new1(arena, CoreEntry);
	struct err err = {0};

	core_entry__init(core);
	CHECK_INT(be->thread_to_image(arena, regs, core, &err), 0);
	CHECK_STR(err.text, "");
	return core;
}

TEST(registers_survive_the_image)
{
	struct arena *arena = arena_new();
	struct regs from = regs_new(arena), ret = {0};
	struct regs_extra *extra = NULL;
	CoreEntry *core;
	struct err err = {0};
	size_t n = 0;

	set_add(arena, &from, PPC64LE_TAR, 8);
	set_add(arena, &from, PPC64LE_PPR, 8);
	set_add(arena, &from, PPC64LE_DSCR, 8);
	set_add(arena, &from, PPC64LE_HASHKEY, 8);
	core = core_of(arena, &from);
	CHECK_INT(core->ti_ppc64->vrstate->n_vrregs, 66);
	CHECK_INT(core->ti_ppc64->fpstate->n_fpregs, 33);
	CHECK_INT(be->extra_save(arena, &from, &extra, &n, &err), 0);
	CHECK_INT(n, 4);
	CHECK_INT(be->thread_from_image(arena, core, &from, &ret, &err), 0);
	for (size_t i = 0; i < n; i++)
		CHECK_INT(
			be->extra_load(arena, &extra[i], &from, &ret, &err), 0);
	for (enum ppc64le_set set = 0; set < PPC64LE_SETS; set++) {
		REQUIRE(ret.set[set].size == from.set[set].size);
		CHECK_MEM(ret.set[set].bytes, from.set[set].bytes,
			from.set[set].size);
	}
	arena_free(arena);
}

TEST(only_the_key_of_return_addresses_may_be_lost)
{
	struct arena *arena = arena_new();
	struct regs here = regs_new(arena), ret = {0};
	struct regs_extra extra = {.bytes = "12345678", .size = 8};
	struct err err = {0};

	extra.note = ppc64le_regsets[PPC64LE_HASHKEY].note;
	CHECK_INT(be->extra_load(arena, &extra, &here, &ret, &err), 0);
	CHECK(!ret.set[PPC64LE_HASHKEY].bytes);
	extra.note = ppc64le_regsets[PPC64LE_TAR].note;
	CHECK_INT(be->extra_load(arena, &extra, &here, &ret, &err), -ENOTSUP);
	CHECK_STR(err.text,
		"the thread uses the target address register, which this host "
		"lacks");
	arena_free(arena);
}

TEST(a_live_transaction_is_refused)
{
	struct arena *arena = arena_new();
	struct regs from = regs_new(arena), ret = {0};
	CoreEntry *core = core_of(arena, &from);
	struct ppc64le_gpr *gpr = from.set[PPC64LE_GPR].bytes;
	UserPpc64TmRegsEntry tm;
	struct err err = {0};

	user_ppc64_tm_regs_entry__init(&tm);
	core->ti_ppc64->tmstate = &tm;
	CHECK_INT(
		be->thread_from_image(arena, core, NULL, &ret, &err), -ENOTSUP);
	gpr->msr |= UINT64_C(1) << 33;
	CHECK_INT(be->thread_to_image(arena, &from, core, &err), -ENOTSUP);
	CHECK_STR(err.text,
		"the thread is inside a memory transaction, which cannot be "
		"saved");
	/* Seen before anything is injected, and suspended ones, too. */
	CHECK_INT(be->regs_check(&from, &err), -ENOTSUP);
	gpr->msr ^= UINT64_C(3) << 33;
	CHECK_INT(be->regs_check(&from, &err), -ENOTSUP);
	gpr->msr &= ~(UINT64_C(3) << 33);
	CHECK_INT(be->regs_check(&from, &err), 0);
	gpr->msr = 0x100000010280f033;
	CHECK_INT(be->thread_to_image(arena, &from, core, &err), -ENOTSUP);
	arena_free(arena);
}

TEST(damaged_images_are_refused)
{
	struct arena *arena = arena_new();
	struct regs from = regs_new(arena), ret = {0};
	CoreEntry *core = core_of(arena, &from);
	ThreadInfoPpc64 *info = core->ti_ppc64;
	struct err err = {0};

#define REFUSED() \
	CHECK_INT(be->thread_from_image(arena, core, NULL, &ret, &err), -EINVAL)
	info->gpregs->n_gpr = 31;
	REFUSED();
	info->gpregs->n_gpr = 32;
	info->fpstate->n_fpregs = 32;
	REFUSED();
	info->fpstate->n_fpregs = 33;
	info->vrstate->n_vrregs = 0;
	REFUSED();
	info->vrstate->n_vrregs = 66;
	info->vsxstate->n_vsxregs = 33;
	REFUSED();
	info->vsxstate->n_vsxregs = 32;
	info->gpregs->msr &= ~UINT64_C(1);
	REFUSED();
	core->ti_ppc64 = NULL;
	REFUSED();
	CHECK(be->clear_tid(core) == NULL);
#undef REFUSED
	arena_free(arena);
}

TEST(damaged_extras_are_refused)
{
	struct arena *arena = arena_new();
	struct regs from = regs_new(arena), here = from;
	uint64_t word = 7;
	struct regs_extra extra = {.note = 0x103, .bytes = &word, .size = 4};
	struct err err = {0};

	CHECK_INT(be->extra_load(arena, &extra, NULL, &from, &err), -EINVAL);
	extra.size = 8;
	CHECK_INT(be->extra_load(arena, &extra, &here, &from, &err), -ENOTSUP);
	CHECK_STR(err.text,
		"the thread uses the target address register, which this host "
		"lacks");
	extra.note = 0x202;
	CHECK_INT(be->extra_load(arena, &extra, NULL, &from, &err), -EINVAL);
	arena_free(arena);
}

static struct ppc64le_gpr in_syscall(uint64_t trap, int64_t error)
{
	struct ppc64le_gpr gpr;

	memset(&gpr, 0x11, sizeof(gpr));
	gpr.trap = trap;
	gpr.nip = 0x400104;
	gpr.orig_r3 = 0x777;
	gpr.ccr = 0;
	gpr.r[3] = (uint64_t)error;
	if ((trap & ~(uint64_t)0xf) == 0xc00 && error) {
		gpr.ccr = 0x10000000;
	} else {
		gpr.r[3] = (uint64_t)-error;
	}
	return gpr;
}

TEST(restart_is_read_from_trap_and_result)
{
	static const struct {
		uint64_t trap;
		int64_t error;
		enum restart_class want;
	} table[] = {
		{0xc00, 512, RESTART_AGAIN},
		{0xc00, 513, RESTART_AGAIN},
		{0xc00, 514, RESTART_AGAIN},
		{0xc00, 516, RESTART_BLOCK},
		{0xc00, EINTR, RESTART_NONE},
		{0xc00, 0, RESTART_NONE},
		{0xc01, 512, RESTART_NONE},
		{0x3000, 512, RESTART_AGAIN},
		{0x3000, 514, RESTART_AGAIN},
		{0x3000, 516, RESTART_BLOCK},
		{0x3000, 515, RESTART_NONE},
		{0x3001, 516, RESTART_NONE},
		{0x900, 512, RESTART_NONE},
		{0x700, 516, RESTART_NONE},
		{0, 512, RESTART_NONE},
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct ppc64le_gpr gpr =
			in_syscall(table[i].trap, table[i].error);

		CHECK_INT(be->restart(&gpr), table[i].want);
	}
}

static void change_check(int (*change)(void *, enum restart_class),
	uint64_t trap, int64_t error, uint64_t r0, int64_t r3, uint64_t nip)
{
	struct ppc64le_gpr gpr = in_syscall(trap, error), want = gpr;

	want.r[0] = r0;
	want.r[3] = (uint64_t)r3;
	want.nip = nip;
	want.trap = 0;
	CHECK_INT(change(&gpr, RESTART_UNKNOWN), 0);
	CHECK_MEM(&gpr, &want, sizeof(gpr));
}

TEST(settle_and_resume_rewind_sc_and_scv)
{
	uint64_t r0 = 0x1111111111111111;

	for (int error = 512; error <= 514; error++) {
		change_check(be->settle, 0xc00, error, r0, 0x777, 0x400100);
		change_check(be->settle, 0x3000, error, r0, 0x777, 0x400100);
		change_check(be->resume, 0xc00, error, r0, 0x777, 0x400100);
		change_check(be->resume, 0x3000, error, r0, 0x777, 0x400100);
	}
	change_check(be->settle, 0xc00, 516, r0, EINTR, 0x400104);
	change_check(be->settle, 0x3000, 516, r0, -EINTR, 0x400104);
	change_check(be->resume, 0xc00, 516, 0, 516, 0x400100);
	change_check(be->resume, 0x3000, 516, 0, -516, 0x400100);
	change_check(be->settle, 0x900, 512, r0, -512, 0x400104);
	change_check(be->settle, 0xc01, 512, r0, 512, 0x400104);
}

TEST(call_and_result_follow_the_calling_convention)
{
	struct ppc64le_gpr gpr = {.trap = 0xc00};

	be->call(&gpr, 0x7000, 0x900f, 0xabc);
	CHECK_INT(gpr.nip, 0x7000);
	CHECK_INT(gpr.r[12], 0x7000);
	CHECK_INT(gpr.r[3], 0xabc);
	CHECK_INT(gpr.trap, 0);
	CHECK_INT(gpr.r[1] % 16, 0);
	CHECK(gpr.r[1] + 32 <= 0x9000);
	gpr.r[3] = ENOENT;
	CHECK_INT(be->result(&gpr), ENOENT);
	gpr.ccr = 0x10000000;
	CHECK_INT(be->result(&gpr), -ENOENT);
	for (enum reg r = REG_ARG0; r <= REG_ARG5; r++) {
		be->reg_set(&gpr, r, 100 + r);
		CHECK_INT(gpr.r[3 + r - REG_ARG0], 100 + r);
	}
	be->reg_set(&gpr, REG_NR, 4);
	CHECK_INT(gpr.r[0], 4);
	CHECK_INT(be->reg_get(&gpr, REG_SP), gpr.r[1]);
}

TEST(vdso_jump_goes_through_r12_and_ctr)
{
	static const uint32_t want[7] = {
		0x3d801234, /* lis r12, 0x1234 */
		0x618c5678, /* ori r12, r12, 0x5678 */
		0x798c07c6, /* sldi r12, r12, 32 */
		0x658c9abc, /* oris r12, r12, 0x9abc */
		0x618cdef0, /* ori r12, r12, 0xdef0 */
		0x7d8903a6, /* mtctr r12 */
		0x4e800420, /* bctr */
	};
	uint8_t out[32];

	CHECK_INT(be->vdso_jump(out, 0, 0x123456789abcdef0), 28);
	CHECK_MEM(out, want, sizeof(want));
}
